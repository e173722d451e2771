"""A tenant of generation 0.15 goes through the whole playbook, and its server answers on every port."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Iterator

import pytest
import requests

from tests.sandbox import facts

from . import ports
from .run import Run, provision
from .stalwart import Stalwart
from .tenant import Tenant, remove
from .test_drift import shares
from .tls import Served

SLUG = "gamma"
#: What a server of 0.15 cannot be asked (README of role verify).
SKIPPED = {"realm.groups", "refused.audience", "refused.groups", "sender.admin"}


@pytest.fixture(scope="module")
def gamma(tmp_path_factory: pytest.TempPathFactory) -> Tenant:
    """With a realm that needs no certification authority."""
    variables = {
        "tenant_generation": "0.15",
        "tenant_realm_url": f"{facts.settings().keycloak_http_url}/realms/sme-{SLUG}",
        "tenant_users": [{"username": "alice", "first_name": "Alice", "last_name": "Example"}],
        "tenant_mailboxes": [{"name": f"alice@{SLUG}.{facts.platform_fqdn()}"}],
    }
    return Tenant(SLUG, 5, tmp_path_factory.mktemp("inventory"), variables)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def first(gamma: Tenant, reports: Path) -> Iterator[Run]:
    """From nothing to the proof; afterwards nothing is left that another run would find."""
    remove(SLUG)
    try:
        # With another tenant, whose tokens this one's server has to refuse.
        limit, extra = f"{SLUG}:acme", {"verify_report_dir": str(reports)}
        run = provision("--limit", limit, inventory=gamma.inventory(), extra=extra, verify=True)
        assert run.status == 0, run.output[-6000:]
        yield run
    finally:
        remove(SLUG)


def test_everything_is_proven_that_the_generation_can_be_asked(first: Run, reports: Path) -> None:
    report = json.loads((reports / f"{SLUG}.json").read_text(encoding="utf-8"))
    assert report["ok"]
    skipped = {check["name"]: check for check in report["checks"] if check["status"] == "skipped"}
    assert set(skipped) == SKIPPED
    assert all("0.15" in json.dumps(check) for check in skipped.values())
    assert {check["status"] for check in report["checks"] if check["name"] not in SKIPPED} == {"ok"}
    assert f"{SLUG}: verified: " in first.output


@pytest.mark.usefixtures("first")
def test_all_ports_answer(gamma: Tenant) -> None:
    answers = list(ports.of_tenant(SLUG, f"mail.{gamma.domain}", gamma.address))
    print(*answers, sep="\n")
    assert [answer.said[:4] for answer in answers] == ports.EXPECTED


@pytest.mark.usefixtures("first")
def test_a_renewed_certificate_is_served_on_every_port_without_a_restart(gamma: Tenant) -> None:
    served = Served(gamma.namespace, f"mail.{gamma.domain}", gamma.address)
    with Stalwart(SLUG) as server:
        pod, old = server.pod, served.in_secret()
        assert set(served.shown(ports.context()).values()) == {old}
        new = served.renewed()
        done = gamma.provision("--diff")
        assert done.status == 0, done.output[-4000:]
        assert shares(done.line(SLUG)) == {"server_settings": 1}
        assert "PRIVATE KEY" not in done.output
        assert set(served.shown(ports.context()).values()) == {new} == {served.in_secret()}
        assert server.pod == pod


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


def test_what_the_api_wrote_outlives_the_pod_and_a_second_run_writes_nothing(first: Run, gamma: Tenant) -> None:
    """The directory is in the store, and the read-only config.toml was never asked for."""
    assert first.changed[SLUG] > 0
    keys = "storage.directory,directory.keycloak.endpoint.url"
    before = settings(keys)
    assert before["storage.directory"] == "keycloak"
    facts.kubernetes("delete", "pod", "stalwart-0", "-n", gamma.namespace, "--wait")
    mark = facts.mark()
    run = gamma.provision("--diff")
    assert (run.status, run.changed) == (0, {SLUG: 0}), run.output[-6000:]
    assert sum(count["write"] for count in facts.counts(mark).values()) == 0
    assert settings(keys) == before


@pytest.mark.usefixtures("first")
def test_another_generation_is_refused_before_anything_is_written(gamma: Tenant) -> None:
    before = gamma.object("statefulset", "stalwart")["metadata"]["generation"]
    mark = facts.mark()
    run = gamma.provision(extra={"tenant_generation": "0.16"})
    assert run.status != 0
    assert "(image_config_mismatch)" in run.line(SLUG)
    assert "runs a server of generation 0.15" in run.line(SLUG)
    assert sum(count["write"] for count in facts.counts(mark).values()) == 0
    assert gamma.object("statefulset", "stalwart")["metadata"]["generation"] == before


def test_a_realm_with_a_private_certificate_is_refused_in_pre_flight(gamma: Tenant) -> None:
    private = {"tenant_realm_url": f"{facts.settings().keycloak_url}/realms/{gamma.realm}"}
    mark = facts.mark()
    run = dataclasses.replace(gamma, variables={**gamma.variables, **private}).provision()
    assert run.status != 0
    assert "FAILED at keycloak (tls_untrusted)" in run.line(SLUG)
    assert sum(count["write"] + count["lock"] for count in facts.counts(mark).values()) == 0
