"""Settings on Stalwart 0.15: canonical names translated, and the generation's own keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.contract import servers

from .server import Server, refusal, words

SERVER = {
    "domain": {"acme.test": {}},
    "systemSettings": {"defaultHostname": "mail.contract.test", "defaultDomainId": "acme.test"},
    "spamSettings": {"enable": False, "spamFilterRulesUrl": None},
    "spamPyzor": {"enable": False},
    "tracer": {"stdout": {"@type": "Stdout", "level": "info", "enable": True}},
    "asn": {"@type": "Disabled"},
}
ISSUER = "http://keycloak.acme.test/realms/sme-acme"
DIRECTORY = {
    "directory": {
        "keycloak": {
            "@type": "Oidc",
            "description": "Per-tenant Keycloak (acme.test)",
            "issuerUrl": ISSUER,
            "claimUsername": "preferred_username",
            "claimName": "name",
        }
    },
    "authentication.directoryId": "keycloak",
}
#: Steps that are each applied twice: the second time nothing may change.
STEPS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("singleton", {"spamSettings.scoreSpam": 7.5}, ["update spamSettings singleton"]),
    ("a default that nothing stores", {"spamSettings.trustReplies": True}, []),
    ("description", {"domain": {"acme.test": {"description": "Acme"}}}, ["update domain acme.test"]),
    (
        "expression",
        {
            "mtaStageAuth.mustMatchSender": {
                "match": [{"if": "key_exists('sender-allow', authenticated_as + '|' + sender)", "then": False}],
                "else": True,
            }
        },
        ["update mtaStageAuth singleton"],
    ),
    ("half of it", {"mtaStageAuth.mustMatchSender.else": "false"}, ["update mtaStageAuth singleton"]),
    ("its scalar form", {"mtaStageAuth.mustMatchSender": "true"}, ["update mtaStageAuth singleton"]),
    (
        "translated functions",
        {"mtaStageRcpt.allowRelaying": "is_local_domain(rcpt_domain) && system('hostname') != 'x'"},
        ["update mtaStageRcpt singleton"],
    ),
    ("object", {"mtaRoute.out": {"@type": "Relay", "address": "relay.test", "port": 587}}, ["create mtaRoute out"]),
    ("object's property", {"mtaRoute.out.port": 2525}, ["update mtaRoute out"]),
    (
        "secret",
        {"mtaRoute.out": {"authUsername": "u", "authSecret": {"@type": "Value", "secret": "canary-secret-1"}}},
        ["update mtaRoute out"],
    ),
    ("object's variant", {"mtaRoute.out": {"@type": "Mx", "maxMxHosts": 3}}, ["update mtaRoute out"]),
    ("rate", {"http.rateLimitAnonymous": {"count": 500, "period": "2m"}}, ["update http singleton"]),
    ("half a rate", {"http.rateLimitAnonymous": {"count": 400}}, ["update http singleton"]),
    ("the same, whole", {"http.rateLimitAnonymous": {"count": 400, "period": "120s"}}, []),
    ("no rate", {"http.rateLimitAnonymous": None}, ["update http singleton"]),
    ("headers", {"http.responseHeaders": {"X-One": "1", "X-Two": "2"}}, ["update http singleton"]),
    ("some of the headers", {"http.responseHeaders": {"X-Two": "2"}}, []),
    ("six digits are not enough", {"spamSettings.scoreSpam": 12.34567}, ["update spamSettings singleton"]),
    ("two-part label", {"memoryLookupKey": {"vip:a@acme.test": {}}}, ["create memoryLookupKey vip:a@acme.test"]),
    (
        "with a value",
        {"memoryLookupKeyValue": {"names:a": {"value": "Alice"}}},
        ["create memoryLookupKeyValue names:a"],
    ),
    ("network", {"allowedIp": {"10.1.2.3/8": {"reason": "cluster"}}}, ["create allowedIp 10.1.2.3/8"]),
    ("host", {"allowedIp": {"192.0.2.1/32": {}}}, ["create allowedIp 192.0.2.1/32"]),
    ("same host, other notation", {"allowedIp": {"192.0.2.1": {}}}, []),
    ("blocked", {"blockedIp": {"203.0.113.9": {}}}, ["create blockedIp 203.0.113.9"]),
    ("Pyzor's limits", {"spamPyzor": {"timeout": "7s", "ratio": 0.25}}, ["update spamPyzor singleton"]),
    ("same, otherwise written", {"spamPyzor": {"timeout": 7000, "ratio": "0.25"}}, []),
]


@pytest.fixture(params=servers.names("0.15"))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """An empty 0.15 of each kind."""
    with servers.opened(request.param, tmp_path, "0.15") as target:
        yield Server(target, target.simulator, "0.15")


def ask(old: Server, method: str, path: str, body: Any = None) -> Any:
    """A request behind the product's back; its answer."""
    with requests.Session() as session:
        session.trust_env = False
        credential = (old.target.username, old.target.password)
        response = session.request(method, f"{old.target.base_url}{path}", json=body, auth=credential, timeout=30)
        assert response.status_code == 200, response.text
        return response.json()


def native(old: Server, *prefixes: str) -> dict[str, str]:
    """What the server stores, behind the product's back."""
    answer = ask(old, "GET", f"/api/settings/keys?prefixes={','.join(prefixes)}")
    return dict(answer["data"])


def test_a_tenants_settings(old: Server) -> None:
    planned = old.settings(SERVER, check=True)
    done = old.settings(SERVER)
    assert words(planned) == words(done)
    assert planned["diff"] == done["diff"]
    assert "create domain acme.test" in words(done)
    again = old.settings(SERVER)
    assert (again["changed"], again["generation"]) == (False, "0.15")
    assert again["requests"] <= 4
    assert again["settings"]["systemSettings"] == SERVER["systemSettings"]
    assert native(old, "tenantmail") == {}


def test_the_directory(old: Server) -> None:
    old.settings(SERVER)
    planned = old.settings(DIRECTORY, check=True)
    done = old.settings(DIRECTORY)
    assert words(planned) == words(done) == ["create directory keycloak", "update authentication singleton"]
    assert done["running_issuer"] == ISSUER
    again = old.settings(DIRECTORY)
    assert (again["changed"], again["requests"] <= 4) == (False, True)
    stored = native(old, "directory.keycloak")
    assert stored["directory.keycloak.endpoint.url"] == f"{ISSUER}/protocol/openid-connect/userinfo"
    assert stored["directory.keycloak.type"] == "oidc"


def test_every_step_is_idempotent(old: Server) -> None:
    old.settings(SERVER)
    for name, settings, expected in STEPS:
        planned = old.settings(settings, check=True)
        done = old.settings(settings)
        assert words(done) == words(planned) == expected, name
        assert done["diff"] == planned["diff"], name
        assert "canary-secret-1" not in str(done), name
        assert not old.settings(settings)["changed"], name
    assert refusal(old.settings, {"nothing.at.all": 1}).code == "unsupported_by_generation"
