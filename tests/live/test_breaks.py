"""Everything that can be broken: the line names layer and next step, and a re-run finishes."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.sandbox import facts
from tests.sandbox.process import wait_until

from . import helm
from .run import LINK, command, environment, provision
from .stalwart import Stalwart
from .tenant import remove
from .test_drift import rrset

ACME = "acme.omantel.test"
CANARY_KEY = "canary-powerdns-key-0123456789"
NO_WRITES = dict.fromkeys(facts.BACKENDS, 0)


def sandbox(*words: str) -> None:
    """The sandbox's command line, for stopping and starting one server."""
    subprocess.run(["python", "-m", "tests.sandbox", *words], cwd=LINK, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def stopped(server: str) -> Iterator[None]:
    """One server is down."""
    sandbox("down", server)
    try:
        yield
    finally:
        sandbox("up", server)


@pytest.fixture(scope="class")
def healed() -> Iterator[None]:
    yield
    assert provision().changed == {"acme": 0, "beta": 0}


@pytest.mark.usefixtures("healed")
class TestRefusedBeforeAnyWrite:
    """A back end does not answer as it must: nothing is written anywhere, so nothing is half done."""

    @pytest.fixture(autouse=True)
    def nothing_written(self) -> Iterator[None]:
        mark = facts.mark()
        yield
        assert {backend: count["write"] for backend, count in facts.counts(mark).items()} == NO_WRITES

    def test_keycloak_down(self) -> None:
        with stopped("keycloak"):
            run = provision()
        assert run.status != 0
        for slug in ("acme", "beta"):
            line = run.line(slug)
            assert f"{slug}: FAILED at keycloak (unreachable)" in line
            assert "next: " in line

    def test_wrong_powerdns_key(self, tmp_path: Path) -> None:
        # Not on the command line, which Ansible prints at -vvvv.
        variables = tmp_path / "variables.json"
        variables.write_text(json.dumps({"platform_powerdns_api_key": CANARY_KEY}))
        run = provision("-vvvv", "--diff", "-e", f"@{variables}")
        assert run.status != 0
        assert "acme: FAILED at powerdns (unauthorized)" in run.line("acme")
        assert "platform_powerdns_api_key" in run.line("acme")
        assert CANARY_KEY not in run.output
        # Beta brings its own domain and needs no PowerDNS.
        assert run.line("beta").startswith("beta: changed 0 ")

    def test_openbao_sealed(self) -> None:
        facts.openbao().sys.seal()
        try:
            run = provision()
        finally:
            sandbox("up", "openbao")
        assert run.status != 0
        for slug in ("acme", "beta"):
            assert f"{slug}: FAILED at openbao (sealed)" in run.line(slug)


def test_server_dies_at_its_first_write(acme: Stalwart) -> None:
    """It dies after it stored a change, before it answers and before the run can reload it."""
    (directory,) = acme.objects("Directory")
    acme.change("Directory", directory["id"], {"claimName": "nickname"})
    before = acme.pod
    with acme.dies_at_next_write("Directory", "claimName", "name"):
        run = provision("--limit", "acme")
    # The run may have ended before the kubelet reports what became of the container.
    wait_until(lambda: acme.pod != before, "the server's death in the pod's status", timeout=60)
    if run.status:
        assert "acme: FAILED at stalwart" in run.line("acme") or "acme: FAILED at kubernetes" in run.line("acme")
        assert "next: " in run.line("acme")
    again = provision()
    assert again.status == 0, again.output[-4000:]
    with Stalwart("acme") as server:
        (directory,) = server.objects("Directory")
        assert directory["claimName"] == "name"
    assert provision().changed == {"acme": 0, "beta": 0}


def test_failed_release_is_recovered() -> None:
    last = helm.record("tenant-acme")
    revision = helm.contents(last)
    revision["info"]["status"] = "failed"
    facts.kubernetes("apply", "-f", "-", stdin=json.dumps(helm.packed(last, revision)))
    check = provision("--check", "--limit", "acme")
    assert "chart" in check.line("acme").split(" | ")[0]
    run = provision()
    assert run.status == 0, run.output[-4000:]
    assert run.changed["beta"] == 0
    assert helm.record("tenant-acme")["metadata"]["labels"]["status"] == "deployed"
    assert provision().changed == {"acme": 0, "beta": 0}


def test_the_same_run_twice_at_once_is_locked() -> None:
    runs = [
        subprocess.Popen(
            command("--limit", "acme"),
            cwd=LINK,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [run.communicate(timeout=300)[0] for run in runs]
    assert sorted(run.returncode == 0 for run in runs) == [False, True], "\n".join(outputs)[-4000:]
    (loser,) = [text for run, text in zip(runs, outputs) if run.returncode]
    assert "acme: FAILED at kubernetes (locked)" in loser
    assert " holds the lock tenant-acme/" in loser
    assert provision().changed == {"acme": 0, "beta": 0}


FIVE_MISTAKES = """
all:
  children:
    tenants:
      hosts:
        Bad_Slug: {}
        space:
          tenant_domain_mode: byo
          tenant_domain: "my domain.test"
        nodomain:
          tenant_domain_mode: byo
        twin1:
          tenant_domain_mode: byo
          tenant_domain: twin-bakery.test
        twin2:
          tenant_domain_mode: byo
          tenant_domain: twin-bakery.test
        norealm:
          tenant_realm_url: https://keycloak.test/auth
"""


def test_five_mistakes_are_all_reported_before_any_request(tmp_path: Path) -> None:
    group_vars = (LINK / "inventories/sandbox/group_vars/tenants.yml").read_text()
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/tenants.yml").write_text(group_vars)
    (tmp_path / "hosts.yml").write_text(FIVE_MISTAKES)
    mark = facts.mark()
    run = provision(inventory=str(tmp_path))
    assert run.status != 0
    assert sum(count["total"] for count in facts.counts(mark).values()) == 0
    for host, variable in {
        "Bad_Slug": "tenant_slug",
        "space": "tenant_domain",
        "nodomain": "tenant_domain",
        "twin1": "twin2",
        "twin2": "twin1",
        "norealm": "tenant_realm_url",
    }.items():
        line = run.line(host)
        assert f"{host}: FAILED at inventory (invalid_value)" in line
        assert variable in line


class TestForeignRecords:
    """A second free-subdomain tenant meets a foreign MX; the other stays green, in both host orders."""

    @pytest.fixture(scope="class", autouse=True)
    def nothing_left(self) -> None:
        """A session that was killed may have left a server of another generation."""
        remove("gamma")

    @pytest.fixture
    def inventory(self, tmp_path: Path) -> Any:
        def write(*hosts: str) -> str:
            group_vars = (LINK / "inventories/sandbox/group_vars/tenants.yml").read_text()
            (tmp_path / "group_vars").mkdir(exist_ok=True)
            (tmp_path / "group_vars/tenants.yml").write_text(group_vars)
            addresses = {"acme": facts.settings().mail_address(1), "gamma": facts.settings().mail_address(3)}
            variables = {host: {"sandbox_mail_address": addresses[host]} for host in hosts}
            variables["acme"]["tenant_realm_url"] = None
            body = {"all": {"children": {"tenants": {"hosts": variables}}}}
            (tmp_path / "hosts.yml").write_text(json.dumps(body))
            return str(tmp_path)

        return write

    @pytest.mark.parametrize("order", [("acme", "gamma"), ("gamma", "acme")], ids="-".join)
    def test_foreign_mx(self, order: tuple[str, str], inventory: Any) -> None:
        name = "gamma.omantel.test."
        rrset(
            "REPLACE", name=name, type="MX", ttl=300, records=[{"content": "10 mx.elsewhere.test.", "disabled": False}]
        )
        apex = {
            "name": name,
            "type": "TXT",
            "ttl": 300,
            "records": [{"content": '"verification=someone-else"', "disabled": False}],
        }
        rrset("REPLACE", **apex)
        try:
            run = provision(inventory=inventory(*order))
            assert run.line("acme").startswith("acme: changed 0 ")
            assert "gamma: FAILED at powerdns (foreign_record)" in run.line("gamma")
            assert "MX" in run.line("gamma")
            rrset("DELETE", name=name, type="MX")
            healed = provision(inventory=inventory(*order))
            assert healed.status == 0, healed.output[-4000:]
            with facts.powerdns() as session:
                zone = session.get(
                    f"{facts.settings().powerdns_url}/api/v1/servers/localhost/zones/{facts.platform_fqdn()}.",
                    timeout=10,
                ).json()
            texts = [
                r["content"] for s in zone["rrsets"] if (s["name"], s["type"]) == (name, "TXT") for r in s["records"]
            ]
            assert sorted(texts) == ['"v=spf1 mx -all"', '"verification=someone-else"']
        finally:
            for kind in ("MX", "TXT"):
                rrset("DELETE", name=name, type=kind)
