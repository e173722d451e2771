"""How many requests a run costs, counted at the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests import playbook
from tests.contract import servers
from tests.contract.issuer import Issuer

from .play import play
from .server import Server
from .test_provision import ADMIN, DOMAIN, SETTINGS, directory

ROLES = ("server_settings", "oidc_directory", "mailboxes", "admin_principal")
#: On 0.15 config.toml has the tracers, and the host name, as a macro, which costs a request of its own.
OLD_SETTINGS = {
    **{name: value for name, value in SETTINGS.items() if name != "tracer"},
    "systemSettings": {**SETTINGS["systemSettings"], "defaultHostname": servers.HOSTNAME},
}


#: Beside the administrator's.
MAILBOXES = [
    {"name": f"alice@{DOMAIN}", "aliases": [f"al@{DOMAIN}"], "quota": "5G"},
    {"name": f"sales@{DOMAIN}", "type": "group", "members": [f"alice@{DOMAIN}"], "members_from_claims": True},
    {"name": f"news@{DOMAIN}", "type": "list", "members": [f"alice@{DOMAIN}", "press@elsewhere.test"]},
]


def variables(server: Server, issuer: Issuer) -> dict[str, Any]:
    """What the roles' READMEs give for use alone."""
    own = {
        "server_settings_settings": SETTINGS if server.generation == "0.16" else OLD_SETTINGS,
        "server_settings_on_unsupported": "report",
        "oidc_directory_on_unsupported": "report",
        "oidc_directory_settings": directory(issuer),
        "oidc_directory_issuer": issuer.url("sme-acme"),
        "admin_principal_principals": [ADMIN],
        "admin_principal_role": "user",
        "mailboxes_principals": MAILBOXES,
        "mailboxes_promised": [f"postmaster@{DOMAIN}"],
        "mailboxes_password_clients": "app_passwords",
        "dns_records_domain": {"primary": DOMAIN},
        "dns_records_offline": False,
        "dns_records_wait": 20,
    }
    for prefix in (*ROLES, "dns_records_stalwart"):
        short = prefix.removesuffix("_stalwart")
        own |= {
            f"{prefix}_ca_path": None,
            f"{prefix}_generation": server.generation,
            f"{short}_kubernetes": {},
        }
        for name, value in (
            ("url", server.target.base_url),
            ("username", server.target.username),
            ("password", server.target.password),
            ("password_secret", "not#used"),
        ):
            own[f"{prefix}_{name}" if prefix != short else f"{prefix}_api_{name}"] = value
    for role in ROLES:
        own |= {f"{role}_manage": True, f"{role}_offline": False}
    return own


def dns_tasks() -> list[dict[str, Any]]:
    """The tasks of role dns_records that talk to the mail server; all others talk to the cluster and to PowerDNS."""
    tasks = yaml.safe_load((playbook.LINK / "roles/dns_records/tasks/main.yml").read_text())
    return [task for task in tasks if "tenantmail.stalwart.stalwart_info" in task]


def roles_of_the_playbook() -> list[dict[str, Any]]:
    """The Stalwart roles as the playbook imports them; one that serves a new certificate runs only where that is awaited."""
    plays = yaml.safe_load((playbook.LINK / "playbooks/provision_tenant.yml").read_text())
    tasks = plays[0]["tasks"][0]["block"]
    names = [f"tenantmail.stalwart.{role}" for role in ROLES]
    imported = [(task.get("ansible.builtin.import_role", {}), task) for task in tasks]
    found = [task for role, task in imported if role.get("name") in names and "tasks_from" not in role]
    assert [task["ansible.builtin.import_role"]["name"] for task in found] == names
    return [{key: value for key, value in task.items() if key != "tags"} for task in found]


def run(folder: Path, server: Server, issuer: Issuer, *args: str) -> tuple[int, int]:
    """Changed tasks, and requests at the server."""
    assert server.simulator
    tasks = roles_of_the_playbook()
    before = server.simulator.requests()
    defaults = [str(playbook.LINK / "roles/dns_records/defaults/main.yml")]
    changed = play(folder, [*tasks, *dns_tasks()], variables(server, issuer), *args, files=defaults)
    return changed, server.simulator.requests() - before - 1


@pytest.fixture
def measured(simulated: Server, issuer: Issuer, tmp_path: Path) -> Server:
    """A server as a first run leaves it."""
    assert run(tmp_path / "first", simulated, issuer)[0] == 3
    return simulated


@pytest.fixture(params=["0.16", "0.15"])
def tenant(request: pytest.FixtureRequest, issuer: Issuer, tmp_path: Path) -> Iterator[Server]:
    """The same, of both generations."""
    (tmp_path / "server").mkdir()
    with servers.opened("simulator", tmp_path / "server", request.param) as target:
        server = Server(target, target.simulator, request.param)
        assert run(tmp_path / "first", server, issuer)[0] == 3
        yield server


def test_the_stalwart_tasks_of_a_tenant_make_six_requests(
    tenant: Server, issuer: Issuer, tmp_path: Path, record_property: Any
) -> None:
    assert len(dns_tasks()) == 2
    writes = tenant.writes()
    for args in ((), ("--check", "--diff")):
        changed, requests = run(tmp_path / "again", tenant, issuer, *args)
        print(f"requests of the four roles at no-op{' in check mode' if args else ''}: {requests}")
        record_property(f"requests{'_check' if args else ''}", requests)
        assert changed == 0
        assert requests <= 6
    assert tenant.writes() == writes


def test_an_ordinary_run_heals_a_server_that_started_without_its_issuer(
    measured: Server, issuer: Issuer, tmp_path: Path
) -> None:
    assert measured.simulator
    issuer.stop()
    measured.simulator.restart()
    issuer.start()

    def running() -> str:
        return str(measured.info(gather=["directory"])["info"]["running_issuer"])

    assert running() == ""
    writes = measured.writes()
    assert run(tmp_path / "check", measured, issuer, "--check")[0] == 1
    assert measured.writes() == writes
    assert run(tmp_path / "heal", measured, issuer)[0] == 1
    assert running() == issuer.url("sme-acme")
    assert run(tmp_path / "again", measured, issuer) == (0, 6)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_alone_finds_out_for_itself(measured: Server, issuer: Issuer, tmp_path: Path, role: str) -> None:
    assert measured.simulator
    before = measured.simulator.requests()
    tasks = [{"ansible.builtin.import_role": {"name": f"tenantmail.stalwart.{role}"}}]
    assert play(tmp_path / role, tasks, variables(measured, issuer)) == 0
    assert measured.simulator.requests() - before - 1 == (3 if role == "oidc_directory" else 2)


def test_each_task_makes_three_at_most(simulated: Server, issuer: Issuer) -> None:
    assert simulated.simulator
    login = directory(issuer)
    simulated.settings({**SETTINGS, **login})
    simulated.principals(ADMIN)
    simulated.info(DOMAIN, wait_dkim=30)
    calls = {
        "settings": lambda: simulated.settings(SETTINGS),
        "settings with a directory": lambda: simulated.settings({**SETTINGS, **login}),
        "settings of authentication, but not of its directory": lambda: simulated.settings(
            {"authentication.passwordMinLength": 8}
        ),
        "principals": lambda: simulated.principals(ADMIN),
        "keys": lambda: simulated.info(DOMAIN, gather=["dkim"], wait_dkim=30),
    }
    counted = {}
    for name, call in calls.items():
        before = simulated.simulator.requests()
        result = call()
        assert not result["changed"]
        counted[name] = simulated.simulator.requests() - before - 1
        assert result["requests"] == counted[name]
    print(counted)
    assert counted == {
        "settings": 2,
        "settings with a directory": 3,
        "settings of authentication, but not of its directory": 2,
        "principals": 2,
        "keys": 2,
    }


def test_what_is_handed_on_is_believed_at_the_same_address_only(simulated: Server) -> None:
    probe = simulated.settings(SETTINGS)["probe"]
    assert probe["server"] == simulated.target.base_url
    assert probe["generation"] == "0.16"
    assert simulated.settings(SETTINGS, probe=probe)["requests"] == 1
    assert simulated.principals({"name": f"x@{DOMAIN}"}, check=True, probe=probe)["requests"] == 1
    assert simulated.info(DOMAIN, gather=["dkim"], probe=probe)["requests"] == 1
    assert simulated.settings(SETTINGS, probe={**probe, "server": "http://elsewhere.test"})["requests"] == 2
