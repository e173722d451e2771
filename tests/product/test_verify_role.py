"""Role ``verify`` on a whole tenant: the report, the table, the failure; and that it changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests import playbook
from tests.contract.issuer import Issuer

from .mail import DOMAIN, HOST, PASSWORD, PROBE, SCOPES, SECRET, Tenant, tenant

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/report.schema.json").read_text(encoding="utf-8"))
TASKS: list[dict[str, Any]] = [{"ansible.builtin.import_role": {"name": "tenantmail.stalwart.verify"}}]


@pytest.fixture
def acme(tmp_path: Path, issuer: Issuer) -> Iterator[Tenant]:
    (tmp_path / "server").mkdir()
    with tenant(tmp_path / "server", issuer) as found:
        yield found


def variables(acme: Tenant, folder: Path) -> dict[str, Any]:
    """The role alone, with values of its own; nothing of a realm's admin API is at hand here."""
    options = acme.server.options
    return {
        "verify_domain": {"primary": DOMAIN, "mode": "free-subdomain", "mail_host": HOST},
        "verify_dns": {**acme.dns, "nameservers": [str(acme.names)]},
        "verify_kubernetes": {},
        "verify_api_url": options["api_url"],
        "verify_ca_path": None,
        "verify_api_username": options["api_username"],
        "verify_api_password": options["api_password"],
        "verify_api_password_secret": "not#used",
        "verify_generation": "0.16",
        "verify_admin": acme.params()["admin"] | {"secret_name": "none-here"},
        "verify_keycloak": {
            "realm": "sme-acme",
            "realm_url": acme.issuer.url("sme-acme"),
            "admin_url": acme.issuer.base,
            "auth_realm": "other",
            "client_id": "stalwart",
            "scopes": list(SCOPES[:4]),
            "audience_scope": "stalwart-audience",
            "clients": [],
            "probe": {
                "client_id": "tenantmail-probe",
                "expired_client_id": "tenantmail-probe-expired",
                "username": "tenantmail-probe",
                "email": PROBE,
                "group": "tenantmail-probe-group",
            },
        },
        "verify_keycloak_auth": None,
        "verify_client_secrets": {},
        "verify_probe_secrets": [SECRET, PASSWORD],
        "verify_foreign": acme.params()["foreign"],
        "verify_foreign_keycloak": {},
        "verify_foreign_probe": [],
        "verify_foreign_platform": {},
        "verify_ports": acme.ports,
        "verify_network_policy": None,
        "verify_spam_filter": False,
        "verify_report_dir": str(folder / "report"),
    }


def run(acme: Tenant, folder: Path, *args: str) -> str:
    inventory = {"all": {"hosts": {"acme": playbook.LOCAL}}}
    plays = [{"hosts": "all", "gather_facts": False, "tasks": TASKS}]
    folder.mkdir(exist_ok=True)
    given = variables(acme, folder)
    return playbook.run(folder, inventory, plays, *args, variables=given).stdout


def report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report/acme.json").read_text(encoding="utf-8"))
    jsonschema.validate(found, SCHEMA)
    return found


def test_a_tenant_is_verified_and_nothing_changes(acme: Tenant, tmp_path: Path) -> None:
    writes = acme.server.writes()
    output = run(acme, tmp_path / "run", "-vvv", "--diff")
    assert "acme: verified: " in output
    assert "changed=0" in output
    assert report(tmp_path / "run")["ok"]
    assert acme.server.writes() == writes
    for secret in (SECRET, PASSWORD, acme.server.options["api_password"], "eyJ"):
        assert secret not in output
        assert secret not in (tmp_path / "run/report/acme.json").read_text(encoding="utf-8")


def test_a_failed_check_fails_the_run_with_its_layer_and_fix(acme: Tenant, tmp_path: Path) -> None:
    acme.names.zone[f"{DOMAIN}.", "MX"] = ["10 mx.elsewhere.test."]
    output = run(acme, tmp_path / "run")
    assert "acme: NOT VERIFIED: " in output
    assert "FAILED dns.mx (dns): MX 10 mx.elsewhere.test." in output
    assert "next: Run ansible-playbook tenantmail.stalwart.provision_tenant --limit acme --tags dns_records." in output
    assert "failed=1" in output
    assert not report(tmp_path / "run")["ok"]


def test_a_run_that_ends_before_it_can_check_leaves_no_older_report(acme: Tenant, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(acme, folder)
    assert report(folder)["ok"]
    raised = {"layer": "openbao", "code": "sealed", "msg": "it is sealed.", "hint": "Unseal it."}
    written = {
        "tenant": "acme",
        "domain": "{{ verify_domain }}",
        "directory": "{{ verify_report_dir }}",
        "failed_result": "{{ ansible_failed_result }}",
    }
    tasks = [
        {
            "block": [{"tenantmail.stalwart.tenant_failure": raised}],
            "rescue": [{"tenantmail.stalwart.verify_report": written}],
        }
    ]
    inventory = {"all": {"hosts": {"acme": playbook.LOCAL}}}
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    assert "rescued=1" in playbook.run(folder, inventory, plays, variables=variables(acme, folder)).stdout
    (record,) = report(folder)["checks"]
    assert (record["status"], record["layer"], record["cause"], record["hint"]) == (
        "failed",
        "openbao",
        "sealed",
        "Unseal it.",
    )


def test_check_mode_sends_nothing_and_says_so(acme: Tenant, tmp_path: Path) -> None:
    assert acme.server.simulator is not None
    before = acme.server.simulator.requests()
    output = run(acme, tmp_path / "run", "--check")
    assert "failed=0" in output
    assert not (tmp_path / "run/report").exists()
    assert acme.server.simulator.requests() == before + 1
