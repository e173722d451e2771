"""0.15: facts under the names of 0.16."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.http_client import HttpClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.driver import InfoAsk
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.client import RestClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.info import gather, zone_text

KEYS = "/api/settings/keys?keys=report.domain%2Cstorage.directory&prefixes=config.local-keys%2Cdirectory%2Ctenantmail.pending"
ED25519 = "v=DKIM1; k=ed25519; h=sha256; p=6Ax5iKuv5g4tjexAof5/E2C0sqnCNoXwUcr6cy4xX2U="
RECORDS = [
    {"type": "MX", "name": "acme.test.", "content": "10 mail.acme.test."},
    {"type": "TXT", "name": "202611e._domainkey.acme.test.", "content": ED25519},
    {"type": "TXT", "name": "acme.test.", "content": "v=spf1 mx ra=postmaster -all"},
]
STORED = {
    "report.domain": "acme.test",
    "storage.directory": "keycloak",
    "directory.keycloak.type": "oidc",
    "directory.keycloak.endpoint.url": "https://k.test/realms/a/protocol/openid-connect/userinfo",
    "directory.internal.type": "internal",
}
PRINCIPAL = {"type": "domain", "name": "acme.test", "description": "Acme", "members": 2}


def ask(http: HttpClient, *parts: str, **more: Any) -> dict[str, Any]:
    return gather(RestClient(http), InfoAsk(frozenset(parts), **more))


def test_everything(script: Any, http: HttpClient) -> None:
    told = {"code": "x", "permissions": ["b", "a"], "version": "0.15.5", "isEnterprise": False}
    script.expect("POST", "/api/oauth", {"data": told})
    script.expect("GET", KEYS, {"data": STORED})
    script.expect("GET", "/api/dns/records/acme.test", {"data": RECORDS})
    script.expect("GET", "/api/principal/acme.test", {"data": PRINCIPAL})
    info = ask(http, "account", "domain", "dkim", "directory", wait_dkim=5)
    assert (info["edition"], info["permissions"], info["version"]) == ("community", ["a", "b"], "0.15.5")
    assert info["running_issuer"] == "https://k.test/realms/a"
    assert info["default_directory"] == {
        "description": "keycloak",
        "type": "Oidc",
        "issuer": "https://k.test/realms/a",
    }
    assert info["domain"]["hostname"] == "mail.acme.test"
    assert info["domain"]["dkimManagement"] == {"@type": "Automatic", "algorithms": {"Dkim1Ed25519Sha256": True}}
    assert info["dkim_keys"] == [
        {
            "selector": "202611e",
            "name": "202611e._domainkey.acme.test",
            "algorithm": "ed25519",
            "stage": "active",
            "public_key_record": ED25519,
        }
    ]
    assert 'acme.test. IN TXT "v=spf1 mx ra=postmaster -all"\n' in info["zone_text"]
    assert "x" not in info.values()


@pytest.mark.parametrize(
    ("stored", "directory", "issuer"),
    [
        ({"storage.directory": "internal", "directory.internal.type": "internal"}, None, ""),
        ({}, None, None),
        ({**STORED, "tenantmail.pending.settings": ""}, "Oidc", None),
        ({**STORED, "tenantmail.pending.lookup": ""}, "Oidc", "https://k.test/realms/a"),
        ({"storage.directory": "l", "directory.l.type": "ldap"}, "Ldap", ""),
    ],
)
def test_directories(script: Any, http: HttpClient, stored: dict[str, str], directory: Any, issuer: Any) -> None:
    script.expect("GET", KEYS, {"data": stored})
    info = ask(http, "directory")
    assert (info["default_directory"] or {}).get("type") == directory
    assert info["running_issuer"] == issuer


def test_nothing_asked_for(http: HttpClient) -> None:
    assert ask(http)["domain"] is None
    assert http.requests == 0


@pytest.mark.parametrize("answer", [{"error": "notFound", "item": "b.test"}, {"data": {**PRINCIPAL, "type": "group"}}])
def test_a_domain_that_is_not_there(script: Any, http: HttpClient, answer: Any) -> None:
    script.expect("GET", "/api/dns/records/b.test", {"data": []}).expect("GET", "/api/principal/b.test", answer)
    with pytest.raises(Failure) as caught:
        ask(http, "domain", domain="B.test")
    assert (caught.value.code, "b.test" in caught.value.message.lower()) == ("not_found", True)


def test_a_default_domain_that_is_not_there_is_none(script: Any, http: HttpClient) -> None:
    script.expect("GET", KEYS, {"data": STORED}).expect("GET", "/api/dns/records/acme.test", {"data": RECORDS})
    script.expect("GET", "/api/principal/acme.test", {"error": "notFound", "item": "acme.test"})
    assert ask(http, "domain")["domain"] is None


def test_keys_that_nobody_has_made(script: Any, http: HttpClient) -> None:
    script.expect("GET", KEYS, {"data": STORED})
    script.expect("GET", "/api/dns/records/acme.test", {"data": RECORDS[:1]})
    script.expect("GET", "/api/principal/acme.test", {"data": PRINCIPAL})
    with pytest.raises(Failure) as caught:
        ask(http, "dkim", wait_dkim=1)
    assert (caught.value.code, "stalwart_settings" in caught.value.hint) == ("timeout", True)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("records", {"data": {}}),
        ("records", {"data": ["x"]}),
        ("key", {"data": [{**RECORDS[1], "content": "v=DKIM1; p=!"}]}),
    ],
)
def test_answers_that_are_none(script: Any, http: HttpClient, path: str, answer: Any) -> None:
    script.expect("GET", KEYS, {"data": STORED}).expect("GET", "/api/dns/records/acme.test", answer)
    with pytest.raises(Failure) as caught:
        ask(http, "dkim")
    assert caught.value.code == "protocol"


def test_keys_of_a_named_domain_are_one_request(script: Any, http: HttpClient) -> None:
    script.expect("GET", "/api/dns/records/acme.test", {"data": RECORDS})
    info = ask(http, "dkim", domain="ACME.test", wait_dkim=5)
    assert [key["algorithm"] for key in info["dkim_keys"]] == ["ed25519"]
    assert http.requests == 1


def test_long_texts_are_split_and_quoted() -> None:
    text = zone_text([{"type": "TXT", "name": "a.test.", "content": 'x"y\\z' + "p" * 300}])
    strings = text.removeprefix("a.test. IN TXT ").strip()
    assert strings.startswith('"x\\"y\\\\zppp')
    assert strings.count('" "') == 1
    assert len(strings.split('" "')[1]) == 300 + 5 - 255 + 1
