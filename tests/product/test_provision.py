"""What the roles give the modules, on a server: first run, second run, check mode, drift."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.model import WEB_INTERFACE, WEB_INTERFACE_LABEL
from tests.contract.issuer import Issuer

from .server import GATHER_UNASKED, Server, refusal, words

DOMAIN = "acme.test"
SETTINGS: dict[str, Any] = {
    "domain": {DOMAIN: {}},
    "systemSettings": {"defaultHostname": f"mail.{DOMAIN}", "defaultDomainId": DOMAIN},
    "spamSettings": {"enable": False, "spamFilterRulesUrl": None},
    "spamPyzor": {"enable": False},
    "tracer": {"stdout": {"@type": "Stdout", "level": "info", "ansi": False}},
    "asn": {"@type": "Disabled"},
    "application": {
        WEB_INTERFACE_LABEL: {
            "enabled": False,
            **WEB_INTERFACE,
        }
    },
}
ADMIN: dict[str, Any] = {
    "name": f"admin@{DOMAIN}",
    "type": "individual",
    "description": "Administrator of acme",
    "roles": ["user"],
    "aliases": [f"postmaster@{DOMAIN}", f"abuse@{DOMAIN}", f"dmarc@{DOMAIN}"],
}


def directory(issuer: Issuer, realm: str = "sme-acme") -> dict[str, Any]:
    keycloak = {
        "@type": "Oidc",
        "description": f"Per-tenant Keycloak ({DOMAIN})",
        "issuerUrl": issuer.url(realm),
        "claimUsername": "preferred_username",
        "claimName": "name",
        "claimGroups": "groups",
        "requireScopes": ["openid", "email", "profile", "groups"],
        "usernameDomain": DOMAIN,
        "requireAudience": "stalwart",
    }
    return {"directory": {"keycloak": keycloak}, "authentication": {"directoryId": "keycloak"}}


def test_provision_twice(server: Server, issuer: Issuer) -> None:
    login = directory(issuer)
    planned = server.settings(SETTINGS, check=True)
    assert server.writes() == []
    first = server.settings(SETTINGS)
    assert words(first) == words(planned)
    assert first["diff"] == planned["diff"]
    assert {"create domain acme.test", "update systemSettings singleton", "create tracer stdout"} <= set(words(first))

    planned = server.settings(login, check=True)
    first = server.settings(login)
    assert words(first) == words(planned) == ["create directory keycloak", "update authentication singleton"]
    assert first["running_issuer"] == issuer.url("sme-acme")

    planned = server.principals(ADMIN, check=True)
    assert words(server.principals(ADMIN)) == words(planned) == [f"create individual admin@{DOMAIN}"]

    before = server.writes()
    requests = []
    for result in (server.settings(SETTINGS), server.settings(login), server.principals(ADMIN)):
        assert result["changes"] == []
        assert not result["changed"]
        requests.append(result["requests"])
    assert server.writes() == before
    assert requests == [2, 3, 2]
    if server.simulator:
        assert not [
            entry for entry in before if entry[0] == "MemoryLookupKey" and entry[1] not in ("create", "destroy")
        ]
        stored = server.api().call("x:MemoryLookupKey/get", ids=None)
        assert not [entry for entry in stored["list"] if entry["namespace"].startswith("tenantmail")], (
            "a marker was left behind"
        )


def test_requests_are_what_the_server_counts(simulated: Server) -> None:
    assert simulated.simulator
    simulated.settings(SETTINGS)
    before = simulated.simulator.requests()
    result = simulated.settings(SETTINGS)
    assert simulated.simulator.requests() - before - 1 == result["requests"] == 2


def test_keys_to_publish(server: Server) -> None:
    server.settings(SETTINGS)
    info = server.info(DOMAIN, wait_dkim=30)["info"]
    assert sorted(key["algorithm"] for key in info["dkim_keys"]) == ["ed25519", "rsa"]
    assert info["generation"] == "0.16"
    assert info["domain"]["hostname"] == f"mail.{DOMAIN}"
    for key in info["dkim_keys"]:
        assert key["stage"] == "active"
        assert key["selector"] in info["zone_text"]
        assert key["public_key_record"].startswith(f"v=DKIM1; k={key['algorithm']}; h=sha256; p=")
    again = server.info(DOMAIN, gather=["dkim"], wait_dkim=30)
    assert again["requests"] == 2
    assert again["info"]["dkim_keys"] == info["dkim_keys"]


def test_a_caller_without_a_credential_learns_little(both: Server) -> None:
    params = {"api_username": None, "api_password": None}
    for gather in (GATHER_UNASKED, ["directory"], []):
        found = both.info(gather=gather, **params)["info"]
        assert (found["present"], found["reachable"], found["permissions"]) == (True, True, [])
        assert found["running_issuer"] == ("" if both.generation == "0.16" and gather else None)
    for wrong in ({"export": True}, {"gather": ["domain"]}, {"gather": ["dkim", "account"]}):
        failure = refusal(both.info, **params, **wrong)
        assert failure.code == "invalid_value"
        assert "no credential is given" in failure.message


def seed_drift(server: Server) -> list[str]:
    """Ten changes behind the product's back; what check mode must name."""
    api = server.api()
    domain = api.call("x:Domain/query", filter={"name": DOMAIN})["ids"][0]
    keycloak = api.call("x:Directory/get", ids=None)["list"][0]["id"]
    admin = api.call("x:Account/query", filter={"name": "admin"})["ids"][0]
    tracer = next(entry["id"] for entry in api.call("x:Tracer/get", ids=None)["list"] if entry["@type"] == "Stdout")
    for name, identifier, patch in (
        ("SystemSettings", "singleton", {"defaultHostname": "mx.acme.test"}),
        ("SpamSettings", "singleton", {"enable": True}),
        ("SpamPyzor", "singleton", {"enable": True}),
        ("Tracer", tracer, {"level": "debug"}),
        ("Directory", keycloak, {"claimGroups": None}),
        ("Directory", keycloak, {"requireScopes": {"openid": True}}),
        ("Authentication", "singleton", {"directoryId": None}),
        ("Account", admin, {"aliases": {"0": {"name": "postmaster", "domainId": domain}}}),
        ("Account", admin, {"roles": {"@type": "Admin"}}),
        ("Account", admin, {"permissions": {"@type": "Merge", "disabledPermissions": {"authenticate": True}}}),
    ):
        assert identifier in api.call(f"x:{name}/set", update={identifier: patch}).get("updated", {}), (name, patch)
    return [
        "update authentication singleton",
        "update directory keycloak",
        f"update individual admin@{DOMAIN}",
        "update spamPyzor singleton",
        "update spamSettings singleton",
        "update systemSettings singleton",
        "update tracer stdout",
    ]


def test_drift_is_named_and_repaired(server: Server, issuer: Issuer) -> None:
    everything = {**SETTINGS, **directory(issuer)}
    server.settings(everything)
    server.principals(ADMIN)
    expected = seed_drift(server)
    before = server.writes()
    planned = server.settings(everything, check=True), server.principals(ADMIN, check=True)
    assert sorted([*words(planned[0]), *words(planned[1])]) == expected
    assert server.writes() == before
    changed = {item["after_header"]: sorted(item["after"]) for result in planned for item in result["diff"]}
    assert changed == {
        "authentication singleton": ["directoryId"],
        "directory keycloak": ["claimGroups", "requireScopes"],
        f"individual admin@{DOMAIN}": ["aliases", "roles", "state"],
        "spamPyzor singleton": ["enable"],
        "spamSettings singleton": ["enable"],
        "systemSettings singleton": ["defaultHostname"],
        "tracer stdout": ["level"],
    }
    repaired = server.settings(everything), server.principals(ADMIN)
    assert [words(result) for result in repaired] == [words(result) for result in planned]
    assert not server.settings(everything)["changed"]
    assert not server.principals(ADMIN)["changed"]


@pytest.mark.parametrize("shape", ["nested", "flat"])
def test_both_shapes_mean_the_same(server: Server, issuer: Issuer, shape: str) -> None:
    server.settings({**SETTINGS, **directory(issuer)})
    flat = {f"directory.keycloak.{key}": value for key, value in directory(issuer)["directory"]["keycloak"].items()}
    settings = directory(issuer) if shape == "nested" else {**flat, "storage.directory": "keycloak"}
    assert not server.settings(settings)["changed"]
