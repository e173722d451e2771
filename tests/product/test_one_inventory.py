"""One inventory, both generations: the same settings and principals converge, and a second run writes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.argspec import GATHER
from tests.contract.api import Target
from tests.contract.issuer import Issuer

from .server import Server, counted, refusal, words
from .test_provision import ADMIN, DOMAIN, directory

#: Requests of a task that finds nothing to do.
MOST_REQUESTS = {"0.16": 3, "0.15": 4}
#: As the roles give them, and some more.
SETTINGS: dict[str, Any] = {
    "domain": {DOMAIN: {"description": "Acme"}},
    "systemSettings": {"defaultHostname": "mail.contract.test", "defaultDomainId": DOMAIN},
    "spamSettings": {"enable": False, "spamFilterRulesUrl": None},
    "spamPyzor": {"enable": False},
    "asn": {"@type": "Disabled"},
    "allowedIp": {"192.0.2.1": {"reason": "the controller"}},
    "mtaRoute": {"out": {"@type": "Relay", "address": "relay.test", "port": 587, "implicitTls": True}},
    "memoryLookupKey": {"vip:alice@acme.test": {}},
    "http": {"rateLimitAnonymous": {"count": 500, "period": "1m"}, "useXForwarded": True},
    "mtaStageRcpt.allowRelaying": {
        "match": [{"if": "is_local_domain(rcpt_domain)", "then": "false"}],
        "else": "!is_empty(authenticated_as)",
    },
}
PRINCIPALS: tuple[dict[str, Any], ...] = (
    ADMIN,
    {"name": f"alice@{DOMAIN}", "aliases": [f"al@{DOMAIN}"], "quota": 1_000_000},
    {"name": f"sales@{DOMAIN}", "type": "group", "members": [f"alice@{DOMAIN}"]},
    {"name": f"news@{DOMAIN}", "type": "list", "members": [f"alice@{DOMAIN}"]},
)


@pytest.fixture
def settings_of(issuer: Issuer) -> list[dict[str, Any]]:
    return [SETTINGS, directory(issuer)]


def test_the_same_settings_and_principals(both: Server, settings_of: list[dict[str, Any]], issuer: Issuer) -> None:
    for settings in settings_of:
        before = both.writes()
        planned = both.settings(settings, check=True, on_unsupported="report")
        assert both.writes() == before
        done = both.settings(settings, on_unsupported="report")
        assert words(done) == words(planned)
        assert done["diff"] == planned["diff"]
        assert done["changed"] is planned["changed"] is True
    planned = both.principals(*PRINCIPALS, check=True)
    done = both.principals(*PRINCIPALS)
    assert words(done) == words(planned)

    writes = both.writes()
    for settings in settings_of:
        again, requests = counted(both, both.settings, settings, on_unsupported="report")
        assert not again["changed"], again["diff"]
        assert requests == again["requests"] <= MOST_REQUESTS[both.generation]
        assert not both.settings(settings, check=True, on_unsupported="report")["changed"]
    again, requests = counted(both, both.principals, *PRINCIPALS)
    assert not again["changed"], again["diff"]
    assert requests <= MOST_REQUESTS[both.generation]
    assert both.writes() == writes
    login = both.settings(settings_of[1], check=True, on_unsupported="report")
    assert login["running_issuer"] == issuer.url("sme-acme")
    missing = [entry["key"] for entry in login["unsupported"]]
    assert missing == (
        []
        if both.generation == "0.16"
        else [
            f"directory.keycloak.{name}"
            for name in ("claimGroups", "requireAudience", "requireScopes", "usernameDomain")
        ]
    )


def test_the_same_facts(both: Server, settings_of: list[dict[str, Any]], issuer: Issuer) -> None:
    for settings in settings_of:
        both.settings(settings, on_unsupported="report")
    info = both.info(DOMAIN, gather=GATHER, wait_dkim=30)["info"]
    assert info["generation"] == both.generation
    assert (info["domain"]["name"], info["domain"]["hostname"]) == (DOMAIN, "mail.contract.test")
    assert [key["algorithm"] for key in info["dkim_keys"]] == ["ed25519", "rsa"]
    for key in info["dkim_keys"]:
        assert key["stage"] == "active"
        assert key["name"] == f"{key['selector']}._domainkey.{DOMAIN}"
        assert key["public_key_record"].startswith("v=DKIM1; k=")
        assert key["name"] in info["zone_text"]
    assert info["default_directory"] == {
        "description": f"Per-tenant Keycloak ({DOMAIN})",
        "type": "Oidc",
        "issuer": issuer.url("sme-acme"),
    }
    assert info["running_issuer"] == issuer.url("sme-acme")
    assert len(info["permissions"]) > 100


def test_a_generation_that_is_said_need_not_be_asked_for(both: Server, settings_of: list[dict[str, Any]]) -> None:
    """The four tasks of a tenant; test_budget counts those of the roles on 0.16."""
    own = {"generation": both.generation, "on_unsupported": "report"}
    for settings in settings_of:
        both.settings(settings, **own)
    both.principals(*PRINCIPALS, generation=both.generation)
    first, one = counted(both, both.settings, settings_of[0], **own)
    told = {"probe": first["probe"], "generation": both.generation}
    _login, two = counted(both, both.settings, settings_of[1], on_unsupported="report", **told)
    _people, three = counted(both, both.principals, *PRINCIPALS, **told)
    info, four = counted(both, both.info, DOMAIN, gather=["dkim"], wait_dkim=5, **told)
    assert not first["changed"]
    assert len(info["info"]["dkim_keys"]) == 2
    if both.generation == "0.15":
        # The host name of these servers is a macro in config.toml; a literal one costs one request less.
        assert (one, two, three, four) == (3, 1, 1, 1)
    other = "0.16" if both.generation == "0.15" else "0.15"
    tasks = [
        (both.settings, {"asn.@type": "Disabled"}),
        (both.principals,),
        (both.info,),
        (both.info, DOMAIN, ["dkim"]),
    ]
    for call, *args in (*tasks, (both.info, None, [])):
        failure = refusal(call, *args, generation=other)
        assert failure.code == "unknown_generation"
        assert f"speaks the API of {both.generation}" in failure.message


def test_the_facts_cost_what_a_task_may(both: Server, settings_of: list[dict[str, Any]]) -> None:
    """What an account may has a path of its own, which is asked when it is asked for."""
    for settings in settings_of:
        both.settings(settings, on_unsupported="report")
    result, requests = counted(both, both.info)
    assert requests == result["requests"] == MOST_REQUESTS[both.generation]
    assert result["info"]["domain"]["name"] == DOMAIN
    assert (result["info"]["edition"], result["info"]["permissions"]) == (None, [])
    told = {"generation": both.generation, "probe": result["probe"]}
    assert counted(both, both.info, **told)[1] == {"0.15": 3, "0.16": 2}[both.generation]
    assert counted(both, both.info, gather=GATHER, **told)[1] == {"0.15": 4, "0.16": 3}[both.generation]


@pytest.mark.parametrize("generation", ["0.15", "0.16"])
def test_a_plan_before_the_server_is_there(generation: str) -> None:
    nowhere = Server(Target("none", "http://127.0.0.1:9", "admin", "simulator-admin-1"))
    result = nowhere.settings(SETTINGS, check=True, server="absent", generation=generation)
    assert (result["changed"], result["generation"], result["requests"]) == (True, generation, 0)
    assert {f"create domain {DOMAIN}", "create mtaRoute out", "create allowedIp 192.0.2.1"} <= set(words(result))
    failure = refusal(nowhere.settings, SETTINGS, server="absent", generation=generation)
    assert (failure.code, "check mode only" in failure.message) == ("invalid_value", True)
    planned = nowhere.principals(*PRINCIPALS, check=True, server="absent", generation=generation)
    assert planned["changed"]


def test_what_is_wrong_is_told_before_the_server_is_there() -> None:
    nowhere = Server(Target("none", "http://127.0.0.1:9", "admin", "simulator-admin-1"))
    absent = {"check": True, "server": "absent", "generation": "0.15"}
    assert refusal(nowhere.settings, {"spamSettings.enable": "no"}, **absent).code == "invalid_value"
    login = {"directory.k": {"@type": "Oidc", "issuerUrl": "https://k.test/realms/a", "requireAudience": "x"}}
    assert refusal(nowhere.settings, login, **absent).code == "unsupported_by_generation"
