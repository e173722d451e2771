"""One drift seeded per layer: the check run reports exactly those and writes nothing; the run repairs exactly those."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox import facts

from . import keycloak
from .conftest import kubernetes_json
from .run import Run, provision
from .stalwart import Stalwart

ACME = "acme.omantel.test"
#: role → the changes that the seeded drift must show as, in the tenant's line.
EXPECTED = {"realm": 1, "chart": 3, "oidc_directory": 1, "mailboxes": 1, "dns_records": 1}
#: Drift that only adds: the first policy selects nobody any more, the second opens a range of ports.
ADDED = [
    ("stalwart-default-deny", "/spec/podSelector/matchLabels/nobodys", "label"),
    ("stalwart-allow", "/spec/ingress/0/ports/0/endPort", 65535),
]


def rrset(changetype: str, **rrset: Any) -> None:
    """One PATCH to the parent zone, as its owner would send it."""
    with facts.powerdns() as session:
        answer = session.patch(
            f"{facts.settings().powerdns_url}/api/v1/servers/localhost/zones/{facts.platform_fqdn()}.",
            json={"rrsets": [{"changetype": changetype, **rrset}]},
            timeout=10,
        )
        assert answer.status_code == 204, answer.text


def marked(name: str, kind: str, content: str, slug: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "ttl": 300,
        "records": [{"content": content, "disabled": False}],
        "comments": [{"account": "tenantmail", "content": f"tenant={slug}"}],
    }


def stalwart_client() -> dict[str, Any]:
    (client,) = keycloak.admin("GET", "/realms/sme-acme/clients?clientId=stalwart").json()
    return client


@pytest.fixture(scope="module")
def drifted() -> None:
    """A record, a client's redirect URI, a chart value and two policies (live), a directory claim, an alias of the admin."""
    rrset("REPLACE", **marked(f"_dmarc.{ACME}.", "TXT", '"v=DMARC1; p=none"', "acme"))
    client = stalwart_client()
    keycloak.admin(
        "PUT", f"/realms/sme-acme/clients/{client['id']}", json={**client, "redirectUris": ["https://evil.test/*"]}
    )
    facts.kubernetes(
        "patch",
        "service",
        "stalwart-smtp",
        "-n",
        "tenant-acme",
        "--type=merge",
        "-p",
        '{"metadata": {"annotations": {"metallb.io/loadBalancerIPs": null}}}',
    )
    for name, path, value in ADDED:
        edit = json.dumps([{"op": "add", "path": path, "value": value}])
        facts.kubernetes("patch", "networkpolicy", name, "-n", "tenant-acme", "--type=json", "-p", edit)
    with Stalwart("acme") as server:
        (directory,) = server.objects("Directory")
        server.change("Directory", directory["id"], {"claimName": "nickname"})
        admin = next(account for account in server.objects("Account") if account.get("emailAddress") == f"admin@{ACME}")
        rest = {key: alias for key, alias in admin["aliases"].items() if alias.get("name") != "abuse"}
        server.change("Account", admin["id"], {"aliases": {str(n): alias for n, alias in enumerate(rest.values())}})


@pytest.fixture(scope="module")
def checked(drifted: None) -> tuple[Run, dict[str, Any], int]:
    """The check run on the drifted system, and what the servers recorded."""
    with Stalwart("acme") as server:
        before = server.writes()
        mark = facts.mark()
        run = provision("--check", "--diff")
        return run, facts.counts(mark), server.writes() - before


def shares(line: str) -> dict[str, int]:
    """`changed 3 (realm 1, chart 2)` → the counts by role."""
    inner = line.split(" | ")[0].partition("(")[2].rstrip(")")
    return {part.split()[0]: int(part.split()[1]) for part in inner.split(", ") if part}


def test_check_run_writes_nothing(checked: tuple[Run, dict[str, Any], int]) -> None:
    run, counts, stalwart_writes = checked
    assert run.status == 0, run.output[-4000:]
    assert {backend: count["write"] + count["lock"] for backend, count in counts.items()} == dict.fromkeys(counts, 0)
    assert stalwart_writes == 0


def test_check_run_reports_exactly_the_drift(checked: tuple[Run, dict[str, Any], int]) -> None:
    run = checked[0]
    assert shares(run.line("acme")) == EXPECTED
    assert run.line("beta").startswith("beta: would change 0 ")
    for needle in ("p=none", "https://evil.test/*", "stalwart-smtp", "nickname", f"abuse@{ACME}", "nobodys", "endPort"):
        assert needle in run.output, f"the diff does not show {needle}"


def test_the_run_repairs_exactly_the_drift(checked: tuple[Run, dict[str, Any], int]) -> None:
    run = provision()
    assert run.status == 0, run.output[-4000:]
    assert shares(run.line("acme")) == EXPECTED
    assert run.line("beta").startswith("beta: changed 0 ")
    assert run.changed["beta"] == 0
    assert stalwart_client()["redirectUris"] == [f"https://mail.{ACME}/*"]
    annotations = kubernetes_json("get", "service", "stalwart-smtp", "-n", "tenant-acme")["metadata"]["annotations"]
    assert annotations["metallb.io/loadBalancerIPs"] == facts.settings().mail_address(1)
    for name, path, _value in ADDED:
        spec = kubernetes_json("get", "networkpolicy", name, "-n", "tenant-acme")["spec"]
        assert path.rpartition("/")[2] not in json.dumps(spec)
    assert provision().changed == {"acme": 0, "beta": 0}
