"""Five hundred mailboxes from a spreadsheet's file: what they cost, and that a second run writes nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import task

from .server import Result, Server, counted

MANY = 500
SECRET = "canary-secret-value"
TENANT: dict[str, Any] = {
    "tenant_slug": "acme",
    "tenant_domain": "acme.test",
    "tenant_domain_mode": "byo",
    "platform_fqdn": "platform.test",
    "platform_openbao_url": "https://bao.platform.test",
    "platform_keycloak_auth": {"username": "provisioner", "password": SECRET},
    "platform_openbao_auth": {"method": "token", "token": SECRET},
    "tenant_mailboxes_file": "people.csv",
    "tenant_groups": [{"name": "all"}],
    "tenant_verify": False,
}
#: What a run costs at most that makes them, and one that finds nothing to do.
MOST = {"0.16": (4, 2), "0.15": (MANY + 10, 2)}


def row(number: int) -> str:
    return f'person{number:03d},"Person {number}, Dept. {number % 7}",p{number:03d},{number % 9 + 1}G,all'


def principals(folder: Path, rows: list[str]) -> list[Any]:
    (folder / "people.csv").write_text("\n".join(["name,description,aliases,quota,member_of", *rows, ""]))
    boxes: list[Any] = task.run(TENANT, check_mode=True, folder=str(folder))["model"]["mailboxes"]["principals"]
    return boxes


def test_five_hundred_of_them(both: Server, tmp_path: Path, record_property: Any) -> None:
    both.settings({"domain": {"acme.test": {}}, "spamSettings": {"enable": False}, "spamPyzor": {"enable": False}})
    probe = both.principals(check=True)["probe"]
    wanted = principals(tmp_path, [row(number) for number in range(MANY)])
    assert len(wanted) == MANY + 1

    def run(rows: list[Any], **more: Any) -> tuple[Result, int, float]:
        start = time.monotonic()
        options = {"managed_by": "mailboxes", "probe": probe, **more}
        result, requests = counted(both, both.principals, *rows, **options)
        return result, requests, time.monotonic() - start

    made, requests, seconds = run(wanted)
    again, at_rest, rest = run(wanted)
    print(f"{both.generation}: {requests} requests in {seconds:.1f} s; again {at_rest} requests in {rest:.1f} s")
    for name, value in (("requests", requests), ("seconds", seconds), ("again", at_rest), ("again_seconds", rest)):
        record_property(f"{name}_{both.generation}", value)
    assert len(made["changes"]) == MANY + 1
    assert not again["changed"]
    most, most_at_rest = MOST[both.generation]
    assert requests <= most
    assert at_rest <= most_at_rest

    writes = both.writes()
    assert not run(wanted)[0]["changed"]
    assert both.writes() == writes
    # Whoever leaves the file is suspended, and nobody else is touched.
    fewer = principals(tmp_path, [row(number) for number in range(MANY) if number != 7])
    gone = run(fewer)[0]
    assert [(change["action"], change["key"]) for change in gone["changes"]] == [("update", "person007@acme.test")]
