"""The settings that follow from ``tenant_relay``, on servers of both generations: they come, they hold, they go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.model import derive

from .play import play
from .server import Server, refusal, words

TENANT: dict[str, Any] = {
    "host": "acme",
    "platform_fqdn": "omantel.test",
    "platform_openbao_url": "https://bao.omantel.test",
    "platform_powerdns_url": "https://pdns.omantel.test",
    "platform_powerdns_api_key": "canary-secret-value",
    "platform_keycloak_auth": {"username": "provisioner", "password": "canary-secret-value"},
    "platform_openbao_auth": {"method": "token", "token": "canary-secret-value"},
}
PASSWORD = "Relay-Pass-4417-zz"
RELAY = {"host": "smtp.relay.test", "username": "acme"}
QUIET: dict[str, Any] = {"spamSettings": {"enable": False, "spamFilterRulesUrl": None}, "spamPyzor": {"enable": False}}
NAMES = ("mtaRoute", "mtaTlsStrategy", "mtaOutboundStrategy")


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(PASSWORD, encoding="utf-8")
    return file


def settings(server: Server, password: Path, **relay: Any) -> dict[str, Any]:
    """The relay's part of what role server_settings writes; the file is the test's, 0.15 is given the secret itself."""
    wanted = derive({**TENANT, "tenant_relay": {**RELAY, **relay}})["stalwart"]["settings"]
    found = {name: wanted[name] for name in NAMES}
    secret = {"@type": "File", "filePath": str(password)}
    if server.generation == "0.15":
        secret = {"@type": "Value", "secret": PASSWORD}
    found["mtaRoute"]["tenant-relay"]["authSecret"] = secret
    return found


def former(**tenant_settings: Any) -> dict[str, Any]:
    return dict(derive({**TENANT, "tenant_settings": tenant_settings})["relay"]["former"])


def test_a_relay_comes_and_goes(both: Server, password: Path) -> None:
    both.settings(QUIET)
    wanted = settings(both, password)
    first = both.settings(wanted)
    assert sorted(words(first)) == [
        "create mtaRoute tenant-relay",
        "create mtaTlsStrategy tenant-relay",
        "update mtaOutboundStrategy singleton",
    ]
    assert PASSWORD not in str(first)
    assert not both.settings(wanted)["changed"]
    assert words(both.settings(settings(both, password, port=465))) == ["update mtaRoute tenant-relay"]
    gone = former()
    assert words(both.settings(gone["settings"])) == ["update mtaOutboundStrategy singleton"]
    assert sorted(words(both.settings(gone["absent"], state="absent"))) == [
        "delete mtaRoute tenant-relay",
        "delete mtaTlsStrategy tenant-relay",
    ]
    before = both.writes()
    assert not both.settings(gone["settings"])["changed"]
    assert not both.settings(gone["absent"], state="absent")["changed"]
    assert both.writes() == before


def test_what_the_rules_become_is_what_they_were(server: Server, password: Path) -> None:
    """0.16 has its rules stored from the start; those that come back are the same."""
    assert not server.settings(former()["settings"])["changed"]


def test_a_rule_of_the_tenants_own_stays(both: Server, password: Path) -> None:
    """The relay goes in the same run that the tenant's own rule comes with."""
    both.settings(
        {**QUIET, "mtaRoute": {"mine": {"@type": "Relay", "address": "smtp.mine.test", "implicitTls": False}}}
    )
    both.settings(settings(both, password))
    own = {"mtaOutboundStrategy": {"route": {"match": [], "else": "'mine'"}}}
    both.settings(own)
    gone = former(**own)
    both.settings(gone["settings"])
    both.settings(gone["absent"], state="absent")
    assert not both.settings({**own, "mtaRoute": {"mine": {}}})["changed"]


DOMAIN = "acme.test"
ROLE = [{"ansible.builtin.import_role": {"name": "tenantmail.stalwart.server_settings"}}]


def variables(server: Server, password: Path, relay: dict[str, Any] | None) -> dict[str, Any]:
    """What the role is given where no cluster and no OpenBao is at hand."""
    model = derive({**TENANT, "tenant_relay": relay or {}})
    own = {name: model["stalwart"]["settings"][name] for name in NAMES if relay}
    if relay:
        own["mtaRoute"]["tenant-relay"]["authSecret"] = {"@type": "File", "filePath": str(password)}
    return {
        "server_settings_settings": {**QUIET, "domain": {DOMAIN: {}}, **own},
        "server_settings_relay": model["relay"],
        "server_settings_relay_domain": DOMAIN,
        "server_settings_api_url": server.target.base_url,
        "server_settings_api_username": server.target.username,
        "server_settings_api_password": server.target.password,
        "server_settings_api_password_secret": "not#used",
        "server_settings_kubernetes": {},
        "server_settings_ca_path": None,
        "server_settings_generation": server.generation,
        "server_settings_manage": True,
        "server_settings_offline": False,
    }


def headers(server: Server) -> list[list[str]]:
    """Of each of the server's keys."""
    listed = server.api().call("x:DkimSignature/get", ids=None)["list"]
    return [sorted(key["headers"]) for key in listed]


def test_the_role_brings_a_relay_and_takes_it_away(server: Server, password: Path, tmp_path: Path) -> None:
    """Each step is idempotent, and what a plan says is what a run does."""
    usual = ["Date", "From", "Message-ID", "Subject", "To"]
    steps = [
        ({**RELAY, "signed_headers": ["From", "To", "Subject"]}, ["From", "Subject", "To"]),
        (RELAY, usual),
        ({**RELAY, "signed_headers": ["From"]}, ["From"]),
        (None, usual),
    ]
    for number, (relay, signed) in enumerate(steps):
        given = variables(server, password, relay)
        if relay is None:
            password.unlink()  # As the pod's volume goes before the settings; no reload succeeds from here on.
        before = server.writes()
        if number:
            assert play(tmp_path / f"{number}c", ROLE, given, "--check") > 0
            assert server.writes() == before
        assert play(tmp_path / f"{number}a", ROLE, given) > 0
        assert headers(server) == [signed] * 2
        before = server.writes()
        assert play(tmp_path / f"{number}b", ROLE, given) == 0
        assert server.writes() == before
    assert not server.settings(former()["settings"])["changed"]
    assert not server.settings(former()["absent"], state="absent")["changed"]


def test_a_removal_that_was_interrupted_is_completed(server: Server, password: Path, tmp_path: Path) -> None:
    """The route is gone already; the rules still name it, and another change of this run is written in between."""
    server.settings({**QUIET, "domain": {DOMAIN: {}}, **settings(server, password)})
    password.unlink()
    server.settings({"mtaRoute": {"tenant-relay": {}}}, state="absent")
    given = variables(server, password, None)
    given["server_settings_settings"]["http.rateLimitAnonymous"] = {"count": 77, "period": "1m"}
    assert play(tmp_path / "a", ROLE, given) > 0
    assert not server.settings(former()["settings"])["changed"]
    assert not server.settings(former()["absent"], state="absent")["changed"]


def test_a_reload_that_is_owed_is_no_relay_that_is_left(server: Server, password: Path, tmp_path: Path) -> None:
    """A run that was refused for the missing file is healed; rules that others made stay."""
    server.settings({**QUIET, "domain": {DOMAIN: {}}, **settings(server, password)})
    password.unlink()
    assert refusal(server.settings, {"http.useXForwarded": True}).code == "reload_refused"
    assert play(tmp_path / "a", ROLE, variables(server, password, None)) > 0
    assert play(tmp_path / "b", ROLE, variables(server, password, None)) == 0


def test_a_route_that_others_made_stays(server: Server, password: Path, tmp_path: Path) -> None:
    """Nobody's rules are touched where no relay of the collection's is left."""
    mine = {
        "mtaRoute": {"mine": {"@type": "Relay", "address": "smtp.mine.test"}},
        "mtaOutboundStrategy": {"route": {"match": [], "else": "'mine'"}},
    }
    server.settings({**QUIET, **mine})
    play(tmp_path / "a", ROLE, variables(server, password, None))
    assert not server.settings(mine)["changed"]
