"""Role mailboxes alone, against a server that is named by its URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.contract.issuer import Issuer

from .play import output_of, play
from .server import Server
from .test_principals_oidc import login
from .test_provision import ADMIN, DOMAIN, SETTINGS, directory

ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"
PEOPLE = [{"name": ALICE}, {"name": BOB}]
PROMISED = [f"{name}@{DOMAIN}" for name in ("postmaster", "abuse", "dmarc")]
ROLE = "tenantmail.stalwart.mailboxes"
LINE = {"ansible.builtin.debug": {"msg": "{{ 'REPORT ' ~ tenant_report.mailboxes | to_json }}"}}


def variables(server: Server, **more: Any) -> dict[str, Any]:
    """What the role's README gives for use alone."""
    return {
        "mailboxes_principals": PEOPLE,
        "mailboxes_administrator": [ADMIN],
        "mailboxes_administrator_role": "user",
        "mailboxes_promised": PROMISED,
        "mailboxes_password_clients": "app_passwords",
        "mailboxes_kubernetes": {},
        "mailboxes_api_url": server.target.base_url,
        "mailboxes_api_username": server.target.username,
        "mailboxes_api_password": server.target.password,
        "mailboxes_api_password_secret": "not#used",
        "mailboxes_ca_path": None,
        "mailboxes_generation": server.generation,
        "mailboxes_manage": True,
        "mailboxes_offline": False,
        **more,
    }


def tasks(**more: Any) -> list[dict[str, Any]]:
    return [{"ansible.builtin.import_role": {"name": ROLE, **more}}, LINE]


def state(server: Server, address: str) -> Any:
    """As the server holds it: its state, and its aliases."""
    found = server.principals({"name": address, "state": "absent"}, check=True)["principals"][0]
    return found["state"], found.get("aliases")


@pytest.fixture
def server(simulated: Server, issuer: Issuer) -> Server:
    simulated.settings(SETTINGS)
    simulated.settings(directory(issuer))
    # Whom a login makes, no inventory has ever named.
    assert login(simulated, issuer, "zoe", email=f"zoe@{DOMAIN}") == 200
    return simulated


def test_a_run_another_one_a_check_and_one_without_somebody(server: Server, tmp_path: Path) -> None:
    assert play(tmp_path / "first", tasks(), variables(server)) == 1
    writes = server.writes()
    assert play(tmp_path / "second", tasks(), variables(server)) == 0
    fewer = variables(server, mailboxes_principals=PEOPLE[:1])
    shown = output_of(tmp_path / "check", tasks(), fewer, "--check", "--diff")
    assert f"individual {BOB}" in shown
    assert server.writes() == writes
    assert state(server, BOB)[0] == "present"
    assert play(tmp_path / "fewer", tasks(), fewer) == 1
    assert [state(server, name)[0] for name in (ALICE, BOB, f"zoe@{DOMAIN}")] == ["present", "suspended", "present"]


def test_a_promised_address_moves_to_a_mailbox_and_back_in_one_task(server: Server, tmp_path: Path) -> None:
    postmaster = PROMISED[0]
    less = {**ADMIN, "aliases": PROMISED[1:]}
    taken = variables(
        server, mailboxes_principals=[{"name": ALICE, "aliases": [postmaster]}], mailboxes_administrator=[less]
    )
    assert play(tmp_path / "first", tasks(), variables(server)) == 1
    shown = " ".join(output_of(tmp_path / "taken", tasks(), taken).split())
    assert "postmaster@acme.test, abuse@acme.test, dmarc@acme.test take mail" in shown
    assert state(server, ALICE)[1] == [postmaster]
    back = variables(server, mailboxes_principals=[{"name": ALICE, "aliases": []}])
    assert play(tmp_path / "back", tasks(), back) == 1
    assert postmaster in state(server, ADMIN["name"])[1]


def test_an_address_that_nobody_has_is_missing_in_the_line(server: Server, tmp_path: Path) -> None:
    bare = variables(server, mailboxes_administrator=[{**ADMIN, "aliases": []}])
    shown = " ".join(output_of(tmp_path / "run", tasks(), bare).split())
    assert "nobody gets mail to postmaster@acme.test" in shown


def test_an_app_password_is_made_for_the_owner_of_a_token_and_printed_nowhere(
    server: Server, issuer: Issuer, tmp_path: Path
) -> None:
    token = issuer.token("sme-acme", "zoe", email=f"zoe@{DOMAIN}")
    given = variables(server, mailboxes_token=token, mailboxes_app_password_description="scanner")
    secret = tmp_path / "secret"
    keep = {
        "ansible.builtin.copy": {"content": "{{ mailboxes_app_password.secret }}", "dest": str(secret), "mode": "0600"},
        "no_log": True,
    }
    make = {"ansible.builtin.import_role": {"name": ROLE, "tasks_from": "app_password"}}
    shown = output_of(tmp_path / "make", [make, keep], given, "-vvvv", "--diff")
    assert secret.read_text().startswith("app_")
    assert secret.read_text() not in shown
    assert token not in shown
    writes = server.writes()
    assert play(tmp_path / "again", [make], given) == 0
    assert server.writes() == writes
    # A tenant that shall have none: those that there are go.
    none = variables(server, mailboxes_password_clients="none")
    assert play(tmp_path / "none", tasks(), none) == 2
    assert server.app_passwords(account="*")["app_passwords"] == []
    assert play(tmp_path / "still", tasks(), none) == 0


def test_where_the_server_checks_logins_the_inventory_gives_passwords(simulated: Server, tmp_path: Path) -> None:
    simulated.settings(SETTINGS)
    password = "Correct-Horse-7731"
    given = variables(simulated, mailboxes_password_clients="internal", mailboxes_passwords={ALICE: password})
    shown = output_of(tmp_path / "first", tasks(), given, "-vvv", "--diff")
    assert password not in shown
    assert play(tmp_path / "again", tasks(), given) == 0
    assert simulated.app_passwords(api_username=ALICE, api_password=password)["app_passwords"] == []
    wrong = variables(simulated, mailboxes_passwords={f"alise@{DOMAIN}": password})
    with pytest.raises(AssertionError, match="mailboxes_passwords names alise@"):
        play(tmp_path / "wrong", tasks(), wrong)


def test_a_layer_that_is_only_checked_is_not_written(server: Server, tmp_path: Path) -> None:
    writes = server.writes()
    with pytest.raises(AssertionError, match="layer stalwart is only checked"):
        play(tmp_path / "run", tasks(), variables(server, mailboxes_manage=False))
    assert server.writes() == writes


def test_a_tenant_that_leaves_its_realm_checks_logins_itself_and_can_go_back(
    server: Server, issuer: Issuer, tmp_path: Path
) -> None:
    oidc = directory(issuer)
    internal = {**oidc, "authentication": {"directoryId": None}}
    own = {
        "oidc_directory_kubernetes": {},
        "oidc_directory_api_url": server.target.base_url,
        "oidc_directory_api_username": server.target.username,
        "oidc_directory_api_password": server.target.password,
        "oidc_directory_api_password_secret": "not#used",
        "oidc_directory_ca_path": None,
        "oidc_directory_generation": server.generation,
        "oidc_directory_manage": True,
        "oidc_directory_offline": False,
    }
    role = {"ansible.builtin.import_role": {"name": "tenantmail.stalwart.oidc_directory"}}
    for name, settings, running, status in (
        ("internal", internal, "", 401),
        ("oidc", oidc, issuer.url("sme-acme"), 200),
    ):
        given = {**own, "oidc_directory_settings": settings, "oidc_directory_issuer": running}
        assert play(tmp_path / name, [role], given) == 1
        assert play(tmp_path / f"{name} again", [role], given) == 0
        assert server.info(gather=["directory"])["info"]["running_issuer"] == running
        assert login(server, issuer, "zoe", email=f"zoe@{DOMAIN}") == status
