"""The report of a proof: its document against its schema, the table, the failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.causes import CAUSES, CHECKS
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.checks import Check, Wrong, run_checks
from ansible_collections.tenantmail.stalwart.plugins.module_utils.report import proof

SCHEMA = json.loads((Path(__file__).parents[5] / "docs/report.schema.json").read_text(encoding="utf-8"))
DOMAIN = {"primary": "acme.test", "mode": "free-subdomain", "mail_host": "mail.acme.test", "web_host": "mail.acme.test"}


def wrong(cause: str) -> Any:
    def run() -> str:
        raise Wrong(cause, "what was found")

    return run


def checks(*broken: str) -> list[dict[str, Any]]:
    cause = next(iter(CAUSES))
    plan = [
        Check(
            "dns.mx", "MX 10 mail.acme.test.", wrong(cause) if "dns.mx" in broken else lambda: "MX 10 mail.acme.test."
        ),
        Check("token.probe", "a token", wrong("audience_missing") if "token.probe" in broken else lambda: "fine"),
        Check("login.jmap", "a session", lambda: "session", ("token.probe",)),
    ]
    return [record.as_dict() for record in run_checks(plan, facts={"provision": "again"}, warn=["dns.*"])]


def report(*broken: str) -> dict[str, Any]:
    return proof.document("acme", DOMAIN, checks(*broken), at="2026-11-30T10:00:00Z", seconds=3.84)


@pytest.mark.parametrize("broken", [(), ("dns.mx",), ("token.probe",), ("dns.mx", "token.probe")])
def test_the_document_is_of_its_schema(broken: tuple[str, ...]) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(report(*broken), SCHEMA)


def test_a_run_that_could_not_check_is_a_report_that_is_not_ok() -> None:
    record = proof.unproven(Failure("openbao", "sealed", "it is sealed.", hint="Unseal it."))
    found = proof.document("acme", DOMAIN, [record], at="2026-11-30T10:00:00Z", seconds=0.0)
    jsonschema.validate(found, SCHEMA)
    assert (found["ok"], found["counts"]["failed"]) == (False, 1)
    assert {
        "layer": "openbao",
        "cause": "sealed",
        "hint": "Unseal it.",
        "observed": "it is sealed.",
    }.items() <= record.items()


def test_the_schema_takes_every_name_and_refuses_what_it_does_not_know() -> None:
    good = report()
    for name in CHECKS:
        jsonschema.validate({**good, "checks": [{**good["checks"][0], "name": name}]}, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**good, "token": "x"}, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**good, "checks": [{**good["checks"][0], "ok": "yes"}]}, SCHEMA)


def test_a_table_is_a_line_for_each_kind() -> None:
    assert proof.table(report()) == [
        "acme: verified: 3 ok (acme.test, 3.8 s)",
        "  dns         ok       mx",
        "  token       ok       probe",
        "  login       ok       jmap",
    ]


def test_what_failed_is_told_with_its_fix() -> None:
    assert proof.table(report("token.probe")) == [
        "acme: NOT VERIFIED: 1 ok, 1 failed, 1 skipped (acme.test, 3.8 s)",
        "  dns         ok       mx",
        "  token       FAILED   !probe",
        "  login       skipped  -jmap",
        "  FAILED token.probe (keycloak): what was found",
        "    expected: a token",
        "    next: Run again --tags realm.",
    ]


def test_a_warning_is_told_and_does_not_fail() -> None:
    found = report("dns.mx")
    assert found["ok"]
    assert "  WARNING dns.mx (dns): what was found" in proof.table(found)
    assert proof.failure(found) is None


def test_the_run_ends_with_the_first_failure() -> None:
    failure = proof.failure(report("token.probe"))
    assert failure is not None
    assert (failure.layer, failure.code, failure.hint) == ("keycloak", "verify_failed", "Run again --tags realm.")
    assert failure.message == "mail of acme.test does not work as it should (token.probe): what was found."
    assert [check["name"] for check in failure.details] == ["token.probe"]


def test_a_report_is_written_whole(tmp_path: Path) -> None:
    path = proof.write(str(tmp_path / "report"), report())
    assert json.loads(Path(path).read_text(encoding="utf-8")) == report()
    assert [file.name for file in (tmp_path / "report").iterdir()] == ["acme.json"]


def test_a_directory_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("a file")
    with pytest.raises(Failure) as raised:
        proof.write(str(tmp_path / "report"), report())
    assert (raised.value.layer, raised.value.code) == ("inventory", "invalid_value")
    assert "verify_report_dir" in raised.value.hint
