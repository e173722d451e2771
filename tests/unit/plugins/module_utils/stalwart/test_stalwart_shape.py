"""What is refused of settings without any schema, and that a schema accepts the rest."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import stalwart_schema
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.redact import MASK
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import settings_task
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.shape import TWICE, check

CANARY = "canary-secret-value"
REFERENCE = {"@type": "EnvironmentVariable", "variableName": "RELAY_SECRET"}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"systemSettings": None},
        {"systemSettings.defaultHostname": "mail.acme.test", "storage.directory": "kc"},
        {"domain": {"acme.test": {}, "other.test": None}},
        {"spamSettings": {"enable": False, "spamFilterRulesUrl": None}},
        {"mtaRoute": {"out": {"@type": "Relay", "port": 25, "authSecret": REFERENCE}}},
        {"mtaRoute.out.authSecret.@type": "File", "mtaRoute.out.authSecret.filePath": "/run/secret"},
        # The two halves of one reference, each in another shape.
        {"mtaRoute.out.authSecret.filePath": "/run/secret", "mtaRoute": {"out": {"authSecret": {"@type": "File"}}}},
        {"mtaRoute": {"out": {"authSecret": {"@type": "File"}, "authSecret.filePath": "/run/secret"}}},
        {"mtaRoute": {"out": {"authSecret.filePath": "/run/secret", "authSecret": {"@type": "File"}}}},
        {"mtaRoute.out.authSecret.@type": "File", "mtaRoute": {"out": {"authSecret.filePath": "/run/secret"}}},
        {"enterprise": {"licenseKey": {"@type": "File"}, "licenseKey.filePath": "/run/secret"}},
        # Labels, not properties.
        {"domain": {"acme": None, "acme.test": {}, "a..b": {}, ".": {}}},
        {"mtaRoute.out.address": "a.test", "mtaRoute": {"out": {"address": "a.test"}}},
        {"mtaRoute": {"out": {"authSecret": {"@type": "Value", "secret": CANARY}}}},
        {"mtaStageRcpt.allowRelaying": {"match": [{"if": "rcpt == 'a=b'", "then": False}], "else": "true"}},
        # Which names there are is for the server's schema to say.
        {"mtaStageRcpt.allowRelaying.else": "variable_of_another_version"},
        # A label of that name, and a text that is no expression.
        {"sieveUserScript": {"match": {"contents": "a = 'x'"}, "else": {"description": "a = b"}}},
        {"mtaInboundThrottle": {"all": {"match": "sender == ''", "rate": {"count": 5, "period": 1000}}}},
        {"map": {"of": {25: "smtp"}}},
        {"map": {"of": 10**400}},
        # Names of headers, whatever properties are called elsewhere.
        {"webHook.a.httpHeaders": {"match": "a b", "else": "x = y", "secret": "abc", "@type": "x", "a.b": "c"}},
        {"webHook": {"a": {"httpHeaders": {"@type": "File"}, "httpHeaders.match": "a b"}}},
    ],
)
def test_accepted(settings: dict[str, Any]) -> None:
    assert check(settings) == []


@pytest.mark.parametrize(
    ("settings", "key", "says"),
    [
        ({"": 1}, "", "without empty parts"),
        ({"domain..name": 1}, "domain..name", "without empty parts"),
        ({"domain": {"": {}}}, "domain.", "not empty"),
        ({"Domain.acme": {}}, "Domain.acme", "did you mean domain?"),
        ({"mta-route": {}}, "mta-route", "begins with a type"),
        ({"dataStore": {"@type": "RocksDb"}}, "dataStore", "set tenant_store"),
        ({"account.a.name": "x"}, "account.a.name", "stalwart_principal"),
        ({"systemSettings": "mail.acme.test"}, "systemSettings", "a mapping"),
        ({"domain": ["acme.test"]}, "domain", "a mapping"),
        ({"domain": {"acme.test": {True: 1}}}, "domain.acme.test.True", "quote them"),
        ({"a.b": 1, "a": {"b": 2}}, "a.b", TWICE),
        ({"a.b": 1, "a": {"b": {"c": 2}}}, "a.b", TWICE),
        ({"a.b": datetime.date(2026, 1, 31)}, "a.b", "a time must be quoted"),
        ({"a.b": [float("nan")]}, "a.b[0]", "a number"),
        ({"tracer": {"stdout": {"@type": None}}}, "tracer.stdout.@type", "variant"),
        ({"tracer.stdout.@type": "stdout"}, "tracer.stdout.@type", "variant"),
        ({"a": {"b": {"@type": "File"}}}, "a.b.filePath", "needs it"),
        ({"a.b": {"@type": "EnvironmentVariable", "variableName": " "}}, "a.b.variableName", "needs it"),
        ({"a.b": {**REFERENCE, "secret": CANARY}}, "a.b.secret", "takes variableName only"),
        ({"a": {"b": {"c": REFERENCE, "c.secret": CANARY}}}, "a.b.c.secret", "takes variableName only"),
        ({"a": {"b": {"c.@type": "File"}}}, "a.b.c.filePath", "needs it"),
        ({"a.b": [{"secret": "short"}]}, "a.b[0].secret", "at least 8 characters"),
        ({"a.b.else": "rcpt = 'x'"}, "a.b.else", "single '='"),
        ({"a": {"b": {"else": "x +"}}}, "a.b.else", "ends where"),
        ({"a.b.match": "rcpt = 'x'"}, "a.b.match", "single '='"),
        ({"a.b.match": [{"if": "rcpt = 'x'", "then": "1"}]}, "a.b.match[0].if", "single '='"),
        ({"a.b": {"match": [{"if": "true", "then": "f( 1"}]}}, "a.b.match[0].then", "unknown function"),
        ({"a.b": {"match": [{"when": "true", "then": "1"}]}}, "a.b.match[0]", "if and then"),
        ({"a.b": {"match": ["true"]}}, "a.b.match[0]", "if and then"),
        ({"a.b": {"match": [{"if": None, "then": "1"}]}}, "a.b.match[0].if", "as text"),
    ],
)
def test_refused(settings: dict[str, Any], key: str, says: str) -> None:
    (fault,) = check(settings)
    assert fault.key == key
    assert says in fault.accepted
    assert CANARY not in str(fault)


def test_what_may_be_a_secret_is_not_kept() -> None:
    assert [fault.value for fault in check({"a.b": {**REFERENCE, "value": CANARY}})] == [MASK]
    assert [fault.value for fault in check({"a.b.secret": "short"})] == [MASK]


def absent(monkeypatch: pytest.MonkeyPatch, folder: Any, settings: dict[str, Any], state: str = "present") -> Any:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    params = {
        "server": "absent", "settings": settings, "state": state, "exclusive": [], "update_secrets": "on_create",
    }  # fmt: skip
    return settings_task.run(params, check_mode=True)


def test_a_server_that_is_not_there_yet_refuses_them_all_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    settings = {
        "mtaStageRcpt.allowRelaying.else": "rcpt = 'x'",
        "dataStore": {},
        "mtaRoute.out.authSecret.secret": CANARY,
        "mtaRoute": {"out": {"authSecret": {"secret": "another-secret-value"}}},
    }
    with pytest.raises(Failure) as caught:
        absent(monkeypatch, tmp_path, settings)
    assert (caught.value.layer, caught.value.code) == ("stalwart", "invalid_value")
    assert {item["key"] for item in caught.value.details} == {
        "mtaStageRcpt.allowRelaying.else",
        "dataStore",
        "mtaRoute.out.authSecret.secret",
    }
    assert "secret-value" not in str(caught.value.as_dict())


@pytest.mark.parametrize(
    "settings",
    [
        {"acmeProvider": [{"accountKey": CANARY}]},
        {"acmeProvider.a.accountKey": CANARY, "acmeProvider": {"a": {"accountKey": f"other-{CANARY}"}}},
        {"acmeProvider": [{"eabHmacKey": [CANARY]}]},
    ],
)
def test_what_is_refused_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, settings: dict[str, Any]
) -> None:
    with pytest.raises(Failure) as caught:
        absent(monkeypatch, tmp_path, settings)
    assert CANARY not in str(caught.value.as_dict())


@pytest.mark.parametrize("state", ["present", "absent"])
def test_form_counts_whatever_the_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, state: str) -> None:
    with pytest.raises(Failure, match="a mapping of properties"):
        absent(monkeypatch, tmp_path, {"systemSettings": "x"}, state)
    assert absent(monkeypatch, tmp_path, {"systemSettings": None}, state)["changes"] == []


def test_the_types_of_a_schema_have_names_that_are_accepted() -> None:
    reduced = stalwart_schema.document()["objects"]
    names = [name[2:] for name, entry in reduced.items() if name.startswith("x:") and entry["type"] != "view"]
    assert names
    faults = check({name[:1].lower() + name[1:]: {} for name in names})
    assert all("it is no setting" in fault.accepted for fault in faults)
