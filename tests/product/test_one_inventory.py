"""One inventory, both generations: the same settings and principals converge, and a second run writes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contract.issuer import Issuer

from .server import Server, counted, words
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
    info = both.info(DOMAIN, wait_dkim=30)["info"]
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
