"""Bad and good values, property by property."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.problem import host_name
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.grammar import parse
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.schema import Schema
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.values import ip_text

OIDC = {"@type": "Oidc", "issuerUrl": "https://k.test/realms/a"}

#: settings → (key, part of the message)
BAD: list[tuple[dict[str, Any], str, str]] = [
    # keys
    ({"directroy": {}}, "directroy", "did you mean 'directory'"),
    ({"Directory": {}}, "Directory", "did you mean 'directory'"),
    ({"xyzzy": {}}, "xyzzy", "unknown key"),
    ({"directory": {"k": {**OIDC, "issuerURL": "x"}}}, "directory.k.issuerURL", "did you mean 'issuerUrl'"),
    ({"directory": {"k": {**OIDC, "bindSecret": {}}}}, "directory.k.bindSecret", "unknown property of Oidc"),
    ({"spamSettings.enabel": False}, "spamSettings.enabel", "did you mean 'enable'"),
    ({"spamSettings": {"enable": {"x": 1}}}, "spamSettings.enable", "expected true or false"),
    (
        {"domain": {"a.test": {"dkimManagement.rotateAftr": 1}}},
        "domain.a.test.dkimManagement.rotateAftr",
        "rotateAfter",
    ),
    ({"domain": {"a.test": {"name": "a.test", "createdAt": "x"}}}, "domain.a.test.createdAt", "set by the server"),
    ({"account": {"a@b.test": {}}}, "account", "stalwart_principal"),
    ({"log": {}}, "log", "run-time data"),
    ({"action": {"x": {}}}, "action", "actions run by themselves"),
    ({"certificate": {"x": {}}}, "certificate.x.certificate", "objects of this type are found by it"),
    ({"directory": []}, "directory", "mapping of labels"),
    ({"directory": {"k": "x"}}, "directory.k", "mapping of properties"),
    ({"directory.k.": 1}, "directory.k.", "mapping of properties"),
    ({"directory..issuerUrl": "x"}, "directory..issuerUrl", "empty label"),
    ({"spamSettings": {"enable": False}, "spamSettings.enable": True}, "spamSettings.enable", "given twice"),
    ({"storage.directory": "a", "authentication.directoryId": "b"}, "authentication.directoryId", "given twice"),
    ({"spamSettings": True}, "spamSettings", "mapping of properties"),
    # variants
    ({"directory": {"k": {"@type": "OIDC"}}}, "directory.k.@type", "did you mean 'Oidc'"),
    ({"tracer": {"out": {}}}, "tracer.out.@type", "accepted: Stdout, Log"),
    (
        {"domain": {"a.test": {"dkimManagement": {"@type": "Automtic"}}}},
        "domain.a.test.dkimManagement.@type",
        "Automatic",
    ),
    # strings
    ({"directory": {"k": {**OIDC, "claimName": 5}}}, "directory.k.claimName", "expected a string"),
    ({"directory": {"k": {**OIDC, "claimName": ""}}}, "directory.k.claimName", "null clears it"),
    ({"directory": {"k": {**OIDC, "issuerUrl": ""}}}, "directory.k.issuerUrl", "empty string"),
    ({"directory": {"k": {**OIDC, "issuerUrl": None}}}, "directory.k.issuerUrl", "cannot be null"),
    ({"directory": {"k": {**OIDC, "issuerUrl": "k.test/realms"}}}, "directory.k.issuerUrl", "expected a URL"),
    ({"memoryLookupKey": {"ns:" + "k" * 256: {}}}, "memoryLookupKey.ns:" + "k" * 256 + ".key", "at most 255"),
    ({"memoryLookupKey": {"nokey": {}}}, "memoryLookupKey.nokey", "<namespace>:<key>"),
    ({"dkimSignature": {"s1": {"@type": "Dkim1RsaSha256"}}}, "dkimSignature.s1", "<selector>._domainkey.<domainId>"),
    # numbers
    ({"authentication.passwordMinLength": "long"}, "authentication.passwordMinLength", "an integer from 1 to 100"),
    ({"authentication.passwordMinLength": 0}, "authentication.passwordMinLength", "an integer from 1 to 100"),
    ({"authentication.passwordMinLength": 101}, "authentication.passwordMinLength", "an integer from 1 to 100"),
    ({"authentication.passwordMinLength": 1.5}, "authentication.passwordMinLength", "an integer"),
    ({"authentication.passwordMinLength": True}, "authentication.passwordMinLength", "an integer"),
    ({"authentication.passwordMinLength": None}, "authentication.passwordMinLength", "cannot be null"),
    ({"spamSettings.scoreSpam": 101}, "spamSettings.scoreSpam", "a number from -100 to 100"),
    (
        {"domain": {"a.test": {"dkimManagement.rotateAfter": "5 days"}}},
        "domain.a.test.dkimManagement.rotateAfter",
        "30d",
    ),
    # booleans, enums, times
    ({"spamSettings.enable": "off"}, "spamSettings.enable", "true or false"),
    ({"spamSettings.enable": 0}, "spamSettings.enable", "true or false"),
    ({"authentication.passwordMinStrength": "fuor"}, "authentication.passwordMinStrength", "did you mean 'four'"),
    ({"authentication.passwordMinStrength": 4}, "authentication.passwordMinStrength", "not an accepted value"),
    ({"allowedIp": {"192.0.2.1": {"expiresAt": "tomorrow"}}}, "allowedIp.192.0.2.1.expiresAt", "quoted time"),
    # addresses
    ({"allowedIp": {"192.0.2.300": {}}}, "allowedIp.192.0.2.300.address", "IP address or network"),
    ({"systemSettings.proxyTrustedNetworks": ["10.0.0.0/33"]}, "systemSettings.proxyTrustedNetworks[0]", "IP address"),
    # sets, lists, maps
    ({"directory": {"k": {**OIDC, "requireScopes": "openid"}}}, "directory.k.requireScopes", "expected a list"),
    ({"directory": {"k": {**OIDC, "requireScopes": {"openid": True}}}}, "directory.k.requireScopes", "expected a list"),
    ({"directory": {"k": {**OIDC, "requireScopes": ["a", 1]}}}, "directory.k.requireScopes[1]", "expected a string"),
    ({"networkListener": {"x": {"bind": []}}}, "networkListener.x.bind", "at least 1"),
    ({"role": {"R": {"enabledPermissions": ["email-receive"]}}}, "role.R.enabledPermissions[0]", "emailReceive"),
    ({"systemSettings.mailExchangers": {"hostname": "x"}}, "systemSettings.mailExchangers", "list of mappings"),
    ({"systemSettings.mailExchangers": ["mx"]}, "systemSettings.mailExchangers[0]", "expected a mapping"),
    ({"systemSettings.mailExchangers": [{"prio": 1}]}, "systemSettings.mailExchangers[0].prio", "priority"),
    ({"systemSettings.services": ["imap"]}, "systemSettings.services", "expected a mapping"),
    ({"systemSettings.services": {"imapx": {}}}, "systemSettings.services (key)", "did you mean 'imap'"),
    (
        {"systemSettings.services": {"imap": {"cleartext": 3}}},
        "systemSettings.services.imap.cleartext",
        "true or false",
    ),
    # references
    ({"authentication.directoryId": 5}, "authentication.directoryId", "label of a Directory"),
    ({"authentication.defaultUserRoleIds": [None]}, "authentication.defaultUserRoleIds[0]", "cannot be null"),
    # expressions
    ({"mtaStageMail.isSenderAllowed": "sender = 'x'"}, "mtaStageMail.isSenderAllowed.else", "single '='"),
    ({"mtaStageMail.isSenderAllowed": ["x"]}, "mtaStageMail.isSenderAllowed", "expected an expression"),
    (
        {"mtaStageMail.isSenderAllowed": {"match": [{"if": "sendr == 'x'", "then": "true"}], "else": "false"}},
        "mtaStageMail.isSenderAllowed.match[0].if",
        "did you mean 'sender'",
    ),
    (
        {"mtaStageMail.isSenderAllowed": {"otherwise": "x"}},
        "mtaStageMail.isSenderAllowed.otherwise",
        "unknown property",
    ),
    # secrets
    (
        {"mtaRoute": {"r": {"@type": "Relay", "authSecret": {"@type": "Value", "secret": "short77"}}}},
        "mtaRoute.r.authSecret.secret",
        "at least 8 characters",
    ),
    (
        {"mtaRoute": {"r": {"@type": "Relay", "authSecret": {"@type": "Value", "secret": 1234567890}}}},
        "mtaRoute.r.authSecret.secret",
        "expected a string",
    ),
]


@pytest.mark.parametrize(("settings", "key", "message"), BAD, ids=[f"{key}-{message[:20]}" for _s, key, message in BAD])
def test_refuses(schema: Schema, settings: dict[str, Any], key: str, message: str) -> None:
    with pytest.raises(Failure) as caught:
        parse(schema, settings)
    assert caught.value.code == "invalid_value"
    found = {problem["key"]: problem["message"] for problem in caught.value.details}
    assert key in found, found
    assert message in found[key]
    assert "short77" not in str(caught.value.as_dict())
    assert "1234567890" not in str(caught.value.as_dict())


def test_reports_every_problem_at_once(schema: Schema) -> None:
    with pytest.raises(Failure) as caught:
        parse(schema, {"nope": 1, "spamSettings": {"enable": 3, "scoreSpam": "x"}, "authentication.maxApiKeys": 0})
    assert len(caught.value.details) == 4


#: settings → (object, label, body in normal form)
GOOD: list[tuple[dict[str, Any], str, str, dict[str, Any]]] = [
    ({"domain": {"ACME.test": None}}, "Domain", "acme.test", {"name": "acme.test"}),
    ({"domain": {"b\u00fccher.test": {}}}, "Domain", "xn--bcher-kva.test", {"name": "xn--bcher-kva.test"}),
    ({"storage.directory": "k"}, "Authentication", "singleton", {"directoryId": "k"}),
    ({"storage": {"directory": "k"}}, "Authentication", "singleton", {"directoryId": "k"}),
    ({"authentication": {"directoryId": None}}, "Authentication", "singleton", {"directoryId": None}),
    (
        {
            "directory.k.@type": "Oidc",
            "directory.k.issuerUrl": " https://k.test ",
            "directory": {"k": {"requireScopes": ["b", "a", "b"]}},
        },
        "Directory",
        "k",
        {"@type": "Oidc", "issuerUrl": "https://k.test", "requireScopes": ["a", "b"], "description": "k"},
    ),
    ({"directory.k": {**OIDC, "description": "Keycloak"}}, "Directory", "k", {**OIDC, "description": "Keycloak"}),
    ({"spamSettings.enable": "False"}, "SpamSettings", "singleton", {"enable": False}),
    ({"spamSettings.scoreSpam": "7"}, "SpamSettings", "singleton", {"scoreSpam": 7}),
    (
        {"systemSettings.defaultHostname": "MAIL.Acme.test "},
        "SystemSettings",
        "singleton",
        {"defaultHostname": "mail.acme.test"},
    ),
    (
        {"systemSettings.services.imap.cleartext": True},
        "SystemSettings",
        "singleton",
        {"services": {"imap": {"cleartext": True}}},
    ),
    ({"allowedIp": {"10.1.2.3/8": None}}, "AllowedIp", "10.1.2.3/8", {"address": "10.0.0.0/8"}),
    ({"allowedIp": {"192.0.2.1/32": {}}}, "AllowedIp", "192.0.2.1/32", {"address": "192.0.2.1"}),
    (
        {"domain": {"a.test": {"dkimManagement.rotateAfter": "30d"}}},
        "Domain",
        "a.test",
        {"name": "a.test", "dkimManagement": {"rotateAfter": 30 * 86_400_000}},
    ),
    (
        {"mtaStageMail.isSenderAllowed": "true"},
        "MtaStageMail",
        "singleton",
        {"isSenderAllowed": {"match": [], "else": "true"}},
    ),
    (
        {"mtaStageMail.isSenderAllowed": {"match": [{"if": True, "then": 5}], "else": False}},
        "MtaStageMail",
        "singleton",
        {"isSenderAllowed": {"match": [{"if": "true", "then": "5"}], "else": "false"}},
    ),
    (
        {"memoryLookupKey": {"ns:a@b.test:c": {}}},
        "MemoryLookupKey",
        "ns:a@b.test:c",
        {"namespace": "ns", "key": "a@b.test:c"},
    ),
    (
        {"dkimSignature": {"s1._domainkey.Acme.test": {"@type": "Dkim1RsaSha256"}}},
        "DkimSignature",
        "s1._domainkey.Acme.test",
        {"@type": "Dkim1RsaSha256", "selector": "s1", "domainId": "acme.test"},
    ),
    ({"tracer": {"out": {"@type": "Stdout", "ansi": False}}}, "Tracer", "out", {"@type": "Stdout", "ansi": False}),
]


@pytest.mark.parametrize(("settings", "name", "label", "body"), GOOD)
def test_normal_form(schema: Schema, settings: dict[str, Any], name: str, label: str, body: dict[str, Any]) -> None:
    [item] = parse(schema, settings)
    assert (item.object, item.label, item.body) == (name, label, body)


def test_two_labels_of_one_object(schema: Schema) -> None:
    with pytest.raises(Failure) as caught:
        parse(schema, {"directory": {"a": {**OIDC, "description": "x"}, "b": {**OIDC, "description": "x"}}})
    assert "is the same object as directory.a" in caught.value.message


@pytest.mark.parametrize(
    ("text", "normal"), [("Mail.Test", "mail.test"), ("x", "x"), (" a.b ", "a.b"), ("\u00fc" * 80, "\u00fc" * 80)]
)
def test_host_name(text: str, normal: str) -> None:
    assert host_name(text) == normal


def test_ip_text() -> None:
    assert ip_text("2001:DB8::/32") == "2001:db8::/32"
    with pytest.raises(ValueError, match="does not appear"):
        ip_text("x")
