"""A tenant of generation 0.15 goes through the whole playbook, and its server answers on every port."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import pytest
import requests

from tests.sandbox import facts

from . import ports
from .conftest import kubernetes_json
from .run import INVENTORY, Run, provision
from .stalwart import Stalwart

SLUG = "gamma"
NAMESPACE = f"tenant-{SLUG}"
ADDRESS = facts.settings().mail_address(5)
#: What a server of 0.15 cannot be asked (README of role verify).
SKIPPED = {"realm.groups", "refused.audience", "refused.groups", "sender.admin"}


def inventory_of(folder: Path, keycloak_url: str) -> list[str]:
    """The sandbox's inventory and the tenant."""
    host = {
        "tenant_generation": "0.15",
        "tenant_realm_url": f"{keycloak_url}/realms/sme-{SLUG}",
        "tenant_mail_addresses": [ADDRESS],
        "tenant_users": [{"username": "alice", "first_name": "Alice", "last_name": "Example"}],
        "tenant_mailboxes": [{"name": f"alice@{SLUG}.{facts.platform_fqdn()}"}],
    }
    addition = folder / f"{SLUG}.yml"
    addition.write_text(json.dumps({"tenants": {"hosts": {SLUG: host}}}))
    return [INVENTORY, str(addition)]


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """With a realm that needs no certification authority."""
    return inventory_of(tmp_path_factory.mktemp("inventory"), facts.settings().keycloak_http_url)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def first(inventory: list[str], reports: Path) -> Iterator[Run]:
    """From nothing to the proof; afterwards nothing is left that another run would find."""
    _removed()
    # With another tenant, whose tokens this one's server has to refuse.
    run = provision(
        "--limit", f"{SLUG}:acme", inventory=inventory, extra={"verify_report_dir": str(reports)}, verify=True
    )
    assert run.status == 0, run.output[-6000:]
    yield run
    _removed()


def _removed() -> None:
    facts.kubernetes("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait")
    with facts.keycloak() as http:
        answer = http.delete(f"{facts.settings().keycloak_url}/admin/realms/sme-{SLUG}", timeout=60)
        assert answer.status_code in (204, 404), answer.text


def test_everything_is_proven_that_the_generation_can_be_asked(first: Run, reports: Path) -> None:
    report = json.loads((reports / f"{SLUG}.json").read_text(encoding="utf-8"))
    assert report["ok"]
    skipped = {check["name"]: check for check in report["checks"] if check["status"] == "skipped"}
    assert set(skipped) == SKIPPED
    assert all("0.15" in json.dumps(check) for check in skipped.values())
    assert {check["status"] for check in report["checks"] if check["name"] not in SKIPPED} == {"ok"}
    assert f"{SLUG}: verified: " in first.output


def test_a_second_run_changes_nothing(first: Run, inventory: list[str]) -> None:
    assert first.changed[SLUG] > 0
    mark = facts.mark()
    run = provision("--limit", SLUG, "--diff", inventory=inventory)
    assert run.status == 0, run.output[-6000:]
    assert run.changed == {SLUG: 0}, run.output[-6000:]
    assert sum(count["write"] for count in facts.counts(mark).values()) == 0


@pytest.mark.usefixtures("first")
def test_all_ports_answer() -> None:
    host = f"mail.{SLUG}.{facts.platform_fqdn()}"
    answers = list(ports.of_tenant(SLUG, host, ADDRESS))
    print(*answers, sep="\n")
    assert [answer.said[:4] for answer in answers] == ["220 "] * 3 + ["* OK"] * 2 + ["200 "] * 3
    assert all(f"https://{host}/" in answer.said for answer in answers[-3:])
    assert all(
        "by tenantmail sandbox CA" in answer.certificate for answer in answers if not answer.port.endswith(":8080")
    )


def settings(keys: str) -> dict[str, Any]:
    with Stalwart(SLUG) as server:
        answer = requests.get(
            f"{server.url}/api/settings/keys",
            params={"keys": keys},
            auth=("admin", server.admin_password),
            timeout=15,
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()["data"]
        return found


@pytest.mark.usefixtures("first")
def test_what_the_api_wrote_outlives_the_pod(inventory: list[str]) -> None:
    """The directory is in the store, and the read-only config.toml was never asked for."""
    keys = "storage.directory,directory.keycloak.endpoint.url"
    before = settings(keys)
    assert before["storage.directory"] == "keycloak"
    facts.kubernetes("delete", "pod", "stalwart-0", "-n", NAMESPACE, "--wait")
    run = provision("--limit", SLUG, inventory=inventory)
    assert (run.status, run.changed) == (0, {SLUG: 0}), run.output[-6000:]
    assert settings(keys) == before


@pytest.mark.usefixtures("first")
def test_another_generation_is_refused_before_anything_is_written(inventory: list[str]) -> None:
    before = kubernetes_json("get", "statefulset", "stalwart", "-n", NAMESPACE)["metadata"]["generation"]
    mark = facts.mark()
    run = provision("--limit", SLUG, inventory=inventory, extra={"tenant_generation": "0.16"})
    assert run.status != 0
    assert "(image_config_mismatch)" in run.line(SLUG)
    assert "runs a server of generation 0.15" in run.line(SLUG)
    assert sum(count["write"] for count in facts.counts(mark).values()) == 0
    assert kubernetes_json("get", "statefulset", "stalwart", "-n", NAMESPACE)["metadata"]["generation"] == before


def test_a_realm_with_a_private_certificate_is_refused_in_pre_flight(tmp_path: Path) -> None:
    mark = facts.mark()
    run = provision("--limit", SLUG, inventory=inventory_of(tmp_path, facts.settings().keycloak_url))
    assert run.status != 0
    assert "FAILED at keycloak (tls_untrusted)" in run.line(SLUG)
    assert sum(count["write"] + count["lock"] for count in facts.counts(mark).values()) == 0
