"""Mail is proven on the sandbox's real servers, and every breakage is told with its layer and its fix."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Iterator

import jsonschema
import pytest

from tests.sandbox import facts

from .breakages import BREAKAGES, Breakage
from .run import LINK, Run, command, environment, provision
from .stalwart import Stalwart

SCHEMA = json.loads((LINK / "docs/report.schema.json").read_text(encoding="utf-8"))
SECONDS = 15


def verify(folder: Path, *args: str) -> tuple[Run, dict[str, dict[str, Any]]]:
    """The playbook alone; what it printed, and the reports by tenant."""
    variables = json.dumps({"verify_report_dir": str(folder)})
    words = command("-e", variables, *args)
    words[1] = "playbooks/verify_tenant.yml"
    done = subprocess.run(
        words,
        cwd=LINK,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    reports = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}
    for report in reports.values():
        jsonschema.validate(report, SCHEMA)
    return Run(done.returncode, done.stdout, 0.0), reports


@pytest.fixture(scope="module", autouse=True)
def unlimited() -> Iterator[None]:
    """More runs than an operator makes: without the servers' limits of messages, and of unknown recipients before a ban."""
    with ExitStack() as stack:
        for slug in ("acme", "beta"):
            server = stack.enter_context(Stalwart(slug))
            limits = {entry["id"]: {"enable": False} for entry in server.objects("MtaInboundThrottle")}
            server.jmap(("x:MtaInboundThrottle/set", {"update": limits}))
            server.change("Security", "singleton", {"abuseBanRate": None})
            server.action("ReloadSettings")
        yield


def test_both_tenants_are_green_and_nothing_is_written(tmp_path: Path) -> None:
    mark = facts.mark()
    run, reports = verify(tmp_path)
    assert run.status == 0, run.output
    assert run.changed == {"acme": 0, "beta": 0}
    assert {slug: report["ok"] for slug, report in reports.items()} == {"acme": True, "beta": True}
    assert all(report["seconds"] <= SECONDS for report in reports.values())
    assert sum(count["write"] for count in facts.counts(mark).values()) == 0


def test_provision_ends_with_it() -> None:
    run = provision(verify=True)
    assert "acme: verified: " in run.output
    assert "beta: verified: " in run.output


def test_a_back_end_that_is_down_is_named_and_no_older_report_stays(tmp_path: Path) -> None:
    (tmp_path / "acme.json").write_text('{"ok": true}')
    down = json.dumps({"platform_openbao_url": "https://127.0.0.1:9"})
    run, reports = verify(tmp_path, "--limit", "acme", "-e", down)
    assert run.status != 0
    assert "acme: FAILED at openbao (unreachable)" in run.line("acme")
    (record,) = reports["acme"]["checks"]
    assert (reports["acme"]["ok"], record["layer"], record["cause"]) == (False, "openbao", "unreachable")


#: One row of each kind is enough for an ordinary run.
USUAL = {"audience mapper wrong", "SPF missing", "group without the permission to receive", "port closed"}


def rows() -> list[Any]:
    return [
        pytest.param(row, id=row.name.replace(" ", "-"), marks=() if row.name in USUAL else pytest.mark.breakage)
        for row in BREAKAGES
    ]


@pytest.mark.parametrize("breakage", rows())
def test_a_breakage_is_told_with_its_layer_and_its_fix(breakage: Breakage, tmp_path: Path) -> None:
    try:
        with breakage.broken():
            run, reports = verify(tmp_path, "--limit", "acme")
    finally:
        # Whatever becomes of this row, the next one starts from a tenant that works.
        repaired = provision("--limit", "acme", "--tags", breakage.repaired_by) if breakage.repaired_by else None
    _run, after = verify(tmp_path, "--limit", "acme")
    assert run.status != 0
    records = {record["name"]: record for record in reports["acme"]["checks"]}
    found = records[breakage.check]
    assert (found["status"], found["cause"], found["layer"]) == ("failed", breakage.cause, breakage.layer), found
    assert breakage.hint in found["hint"]
    assert "acme: FAILED at " in run.line("acme")
    assert repaired is None or repaired.status == 0, repaired.output[-3000:]
    assert [record for record in after["acme"]["checks"] if record["status"] == "failed"] == []
