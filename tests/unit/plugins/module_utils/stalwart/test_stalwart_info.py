"""Facts, DKIM keys, zone text, tasks against a server that is not there, and secrets in options."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import stalwart_schema
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.http_client import HttpClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import principal_task, settings_task
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.driver import InfoAsk, SettingsAsk
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.secrets import secrets_of
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.suggest import did_you_mean, nearest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.cache import SchemaCache
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.client import JmapClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.driver import Driver016
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.info import gather
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.zonetext import dkim_values

# A recorded key (contract tests' transcripts): long enough for the server to split the value.
RSA = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAujaT/tJub78JjgBgGWU5Ut13kyeb5EPm3DvW1w8u3yJqM3loyMnA0+Zo8LXOxNndqXvTEzwGLaSe3J+/KdSDVt4t+5a35AkCeDqCaKm8tKmnK5iTyMnWYkWy7dchz0TI"
    "ZwdMSiG/3PG9KE88eso9tqy7/s+XqOHif7JyBCPwqvBamAQJZk3ctmm1HG+mlJvQq36JP6gykTGeokH/erBjb7dTXa29iIL01FK3Upv6tYjySh4Y8XDqCgSFDIMjp52vZk1DiFQZ+uYtBoDM1UHOP1z/37ru4r1MhAt62My7Pl6P"
    "u/VHckBN4zCK7/WgFIAi+6h6duyTHW6O7MRgEzgkhwIDAQAB"
)
ED = "2xm9+s/TZ3W7A4S69+IqrvadhNUSkaSof6yGxDXRuA8="
RSA_TEXT = f"v=DKIM1; k=rsa; h=sha256; p={RSA}"
ZONE = (
    f'ed._domainkey.acme.test. IN TXT "v=DKIM1; k=ed25519; h=sha256; p={ED}"\n'
    f'rsa._domainkey.acme.test. IN TXT (\n    "{RSA_TEXT[:255]}"\n    "{RSA_TEXT[255:]}"\n)\n'
    'acme.test. IN TXT "v=spf1 mx -all"\nacme.test. IN MX 10 mail.acme.test.\nmta-sts.acme.test. IN CNAME mail.acme.test.\n'
)
DOMAIN = {
    "id": "b",
    "name": "acme.test",
    "dnsZoneFile": ZONE,
    "dkimManagement": {"@type": "Automatic", "algorithms": {"Dkim1Ed25519Sha256": True, "Dkim1RsaSha256": True}},
}
KEYS = [
    {"id": "1", "@type": "Dkim1RsaSha256", "domainId": "b", "selector": "rsa", "stage": "active", "publicKey": RSA},
    {"id": "2", "@type": "Dkim1Ed25519Sha256", "domainId": "b", "selector": "ed", "stage": "active", "publicKey": ED},
    {"id": "3", "@type": "Dkim1RsaSha256", "domainId": "other", "selector": "x", "stage": "active", "publicKey": RSA},
]
SYSTEM = {"list": [{"defaultDomainId": "b", "defaultHostname": "mail.acme.test"}]}
OIDC = {"id": "k", "@type": "Oidc", "description": "Keycloak", "issuerUrl": "https://k.test/realms/a"}


def first(keys: list[dict[str, Any]], directory: str | None = None, system: dict[str, Any] = SYSTEM) -> list[Any]:
    return [system, {"list": [{"directoryId": directory}]}, {"list": [OIDC]}, {"ids": []}, {"list": keys}]


def test_zone_text_values_are_joined() -> None:
    assert dkim_values(ZONE, "rsa._domainkey.acme.test") == [RSA_TEXT]
    assert dkim_values(ZONE, "none._domainkey.acme.test") == []
    assert dkim_values("", "x") == []
    with pytest.raises(Failure):
        dkim_values("this is ( no zone", "x")


def test_keys_with_the_value_to_publish(script: Any, client: JmapClient) -> None:
    script.jmap(*first(KEYS), {"ids": ["b"]}, {"list": [DOMAIN]})
    info = gather(client, InfoAsk(frozenset({"dkim"}), "ACME.test"))
    assert [(key["selector"], key["algorithm"], key["public_key_record"]) for key in info["dkim_keys"]] == [
        ("ed", "ed25519", f"v=DKIM1; k=ed25519; h=sha256; p={ED}"),
        ("rsa", "rsa", RSA_TEXT),
    ]
    assert info["dkim_keys"][0]["name"] == "ed._domainkey.acme.test"
    assert client.http.requests == 1


def test_a_key_that_the_zone_does_not_list_yet_is_composed(script: Any, client: JmapClient) -> None:
    script.jmap(*first(KEYS[:1]), {"ids": ["b"]}, {"list": [{**DOMAIN, "dnsZoneFile": ""}]})
    [key] = gather(client, InfoAsk(frozenset({"dkim"}), "acme.test"))["dkim_keys"]
    assert key["public_key_record"] == RSA_TEXT


def test_a_zone_with_another_key_is_refused(script: Any, client: JmapClient) -> None:
    other = {**KEYS[1], "publicKey": "A" * 43 + "="}
    script.jmap(*first([other]), {"ids": ["b"]}, {"list": [DOMAIN]})
    with pytest.raises(Failure) as caught:
        gather(client, InfoAsk(frozenset({"dkim"}), "acme.test"))
    assert "another key for selector ed" in caught.value.message


def test_waits_for_every_algorithm(script: Any, client: JmapClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    script.jmap(*first(KEYS[1:2]), {"ids": ["b"]}, {"list": [{**DOMAIN, "dnsZoneFile": ZONE.splitlines()[0]}]})
    pending = {**KEYS[0], "stage": "pending"}
    script.jmap({"ids": []}, {"list": [KEYS[1], pending]}, {"list": [{"id": "b", "dnsZoneFile": ZONE}]})
    script.jmap({"ids": []}, {"list": KEYS}, {"list": [{"id": "b", "dnsZoneFile": ZONE}]})
    info = gather(client, InfoAsk(frozenset({"dkim", "domain"}), "acme.test", 30))
    assert len(info["dkim_keys"]) == 2
    assert info["zone_text"] == ZONE


def test_keys_that_do_not_come(script: Any, client: JmapClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    clock = itertools.count(step=10)
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    script.jmap(*first([]), {"ids": ["b"]}, {"list": [DOMAIN]})
    with pytest.raises(Failure) as caught:
        gather(client, InfoAsk(frozenset({"dkim"}), "acme.test", 5))
    assert caught.value.code == "timeout"
    assert "ed25519, rsa" in caught.value.message


def test_manual_keys_are_not_waited_for(script: Any, client: JmapClient) -> None:
    script.jmap(*first([]), {"ids": ["b"]}, {"list": [{**DOMAIN, "dkimManagement": {"@type": "Manual"}}]})
    assert gather(client, InfoAsk(frozenset({"dkim"}), "acme.test", 30))["dkim_keys"] == []


def test_everything_of_the_default_domain(script: Any, client: JmapClient) -> None:
    script.expect("GET", "/api/account", {"edition": "community", "permissions": ["b", "a"]})
    script.jmap(*first(KEYS, "k"), {"list": [DOMAIN]})
    script.expect("GET", "/api/discover/postmaster@acme.test", {"issuer": "https://k.test/realms/a"})
    info = gather(client, InfoAsk(frozenset({"account", "dkim", "directory", "domain"})))
    assert (info["edition"], info["permissions"]) == ("community", ["a", "b"])
    assert info["domain"]["hostname"] == "mail.acme.test"
    assert info["default_directory"] == {"description": "Keycloak", "type": "Oidc", "issuer": "https://k.test/realms/a"}
    assert info["running_issuer"] == "https://k.test/realms/a"


def test_a_fresh_server_has_no_default_domain(script: Any, client: JmapClient) -> None:
    script.jmap(
        *first([], system={"list": [{"defaultDomainId": "p333333333333", "defaultHostname": ""}]}), {"list": []}
    )
    info = gather(client, InfoAsk(frozenset({"domain", "dkim"})))
    assert info["domain"] is None
    assert info["dkim_keys"] == []


def test_a_domain_that_is_not_there(script: Any, client: JmapClient) -> None:
    script.jmap(*first([]), {"ids": []}, {"list": []})
    with pytest.raises(Failure) as caught:
        gather(client, InfoAsk(frozenset({"domain"}), "nope.test"))
    assert caught.value.code == "not_found"


# --- driver and absent servers ----------------------------------------------------------------------------------------


def test_the_schema_is_fetched_once(script: Any, http: HttpClient, tmp_path: Path) -> None:
    script.expect("GET", f"/api/schema/{stalwart_schema.HASH}", stalwart_schema.document())
    for _ in range(2):
        assert Driver016(http, stalwart_schema.HASH, SchemaCache(str(tmp_path))).schema.hash == stalwart_schema.HASH
    assert http.requests == 1


@pytest.mark.parametrize("answer", ["<html>", [], {"permissions": 1}])
def test_an_account_that_is_none(script: Any, client: JmapClient, answer: Any) -> None:
    script.expect("GET", "/api/account", answer)
    with pytest.raises(Failure) as caught:
        gather(client, InfoAsk(frozenset(["account"]), None, 0))
    assert caught.value.code == "protocol"


@pytest.mark.parametrize("answer", ["<html>", []])
def test_a_schema_that_is_no_json(script: Any, http: HttpClient, tmp_path: Path, answer: Any) -> None:
    script.expect("GET", f"/api/schema/{stalwart_schema.HASH}", answer)
    with pytest.raises(Failure) as caught:
        _ = Driver016(http, stalwart_schema.HASH, SchemaCache(str(tmp_path))).schema
    assert caught.value.code == "protocol"


SETTINGS = {
    "domain": {"acme.test": {}},
    "spamSettings.enable": False,
    "storage.directory": "kc",
    "mtaRoute": {
        "out": {"@type": "Relay", "address": "a.test", "authSecret": {"@type": "Value", "secret": "geheim-geheim"}}
    },
}


def absent_settings(**more: Any) -> dict[str, Any]:
    return {
        "server": "absent",
        "settings": SETTINGS,
        "state": "present",
        "exclusive": [],
        "update_secrets": "on_create",
        **more,
    }


def test_absent_server_without_a_schema(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = settings_task.run(absent_settings(), check_mode=True)
    assert result["unvalidated"] is True
    assert result["changed"] is True
    assert result["requests"] == 0
    assert {(change["kind"], change["key"]) for change in result["changes"]} == {
        ("domain", "acme.test"),
        ("spamSettings", "singleton"),
        ("authentication", "singleton"),
        ("mtaRoute", "out"),
    }
    assert "geheim" not in str(result)
    principals = {
        "server": "absent",
        "principals": [{"name": "a@acme.test", "password": "geheim-geheim"}],
        "update_secrets": "on_create",
    }
    result = principal_task.run(principals, check_mode=True)
    assert result["unvalidated"] is True
    assert "geheim" not in str(result)


def test_absent_server_with_a_cached_schema(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reduced: dict[str, Any]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    SchemaCache().store(reduced)
    result = settings_task.run(absent_settings(), check_mode=True)
    assert result["unvalidated"] is False
    assert result["schema_hash"] == stalwart_schema.HASH
    assert "geheim" not in str(result)
    with pytest.raises(Failure) as caught:
        settings_task.run(absent_settings(settings={"spamSettings.enabel": False}), check_mode=True)
    assert "did you mean 'enable'" in caught.value.message
    assert principal_task.run(
        {"server": "absent", "principals": [{"name": "a@acme.test"}], "update_secrets": "on_create"}, check_mode=True
    )["changed"]


def test_absent_outside_check_mode_is_refused() -> None:
    with pytest.raises(Failure) as caught:
        settings_task.run(absent_settings(), check_mode=False)
    assert "for check mode only" in caught.value.message


# --- small things -----------------------------------------------------------------------------------------------------


def test_secrets_inside_settings() -> None:
    assert secrets_of(SETTINGS) == ["geheim-geheim"]
    assert secrets_of({"oAuthClient.x.secret": "abcdefgh", "x": [{"password": "12345678"}], "description": "no"}) == [
        "abcdefgh",
        "12345678",
    ]
    assert settings_task.secrets({"settings": SETTINGS}) == ["geheim-geheim"]


def test_ask_shows_no_secret() -> None:
    assert "geheim" not in repr(SettingsAsk({}, secrets=("geheim-geheim",)))


def test_nearest_names() -> None:
    assert nearest("issuerURL", ["issuerUrl", "claimName"]) == ["issuerUrl"]
    assert nearest("default", ["defaultHostname", "x"]) == ["defaultHostname"]
    assert did_you_mean("zzz", ["a", "b"]) == "accepted: a, b."
    assert did_you_mean("zzz", [f"name{n}" for n in range(50)]) == ""
