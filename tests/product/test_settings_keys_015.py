"""What 0.15 stores beside what was given: tables that lose their last entries, a domain's keys, secrets of native keys."""

from __future__ import annotations

from typing import Any

import pytest

from .exports import export
from .server import Server, refusal
from .test_settings_015 import SERVER, native, old

__all__ = ["old"]

#: Values that real 0.15 stores, and then refuses every reload for.
CANNOT_RUN: list[tuple[str, Any, str]] = [
    ("asn", {"@type": "Resource"}, "unsupported_by_generation"),
    ("asn.@type", "Dns", "unsupported_by_generation"),
    ("spamClassifier.model", {"@type": "FtrlCcfh"}, "unsupported_by_generation"),
    ("mtaOutboundStrategy.route", "helo_domain", "invalid_value"),
    ("dsnReportSettings.fromName", "rcpt", "invalid_value"),
    ("senderAuth.spfFromVerify", "sender == 'x'", "invalid_value"),
    ("mtaStageAuth.require", "relaxed", "invalid_value"),
    ("mtaStageAuth.mustMatchSender", "mixer", "invalid_value"),
    ("mtaExtensions.chunking", "required", "invalid_value"),
    ("mtaStageRcpt.allowRelaying", "matches('(', rcpt)", "invalid_value"),
    ("mtaStageRcpt.allowRelaying", r"matches('a{x}', rcpt)", "invalid_value"),
    ("allowedIp", {"0.0.0.0/0": {}}, "invalid_value"),
    ("allowedIp", {"::/0": {}}, "invalid_value"),
    ("allowedIp", {"fe80::1%eth0": {}}, "invalid_value"),
    ("blockedIp", {"240.0.0.0/4": {}}, "invalid_value"),
    ("imap.maxAuthFailures", 2**32, "invalid_value"),
    ("spamSettings.greylistFor", 10**25, "invalid_value"),
    ("http.responseHeaders", {"X-A": "1\r\nX-B: 2"}, "invalid_value"),
]


def test_what_cannot_run_is_not_stored(old: Server) -> None:
    old.settings(SERVER)
    before = native(old, "asn", "auth", "http", "imap", "queue", "report", "server", "session", "spam-filter")
    for key, value, code in CANNOT_RUN:
        assert refusal(old.settings, {key: value}).code == code, key
    assert native(old, "asn", "auth", "http", "imap", "queue", "report", "server", "session", "spam-filter") == before


def test_what_can_run_is_taken(old: Server) -> None:
    """The names that the table lets through are those that the server takes."""
    old.settings(SERVER)
    given = {
        "senderAuth.spfFromVerify": {"match": [{"if": "local_port == 25", "then": "strict"}], "else": "disable"},
        "senderAuth.dkimVerify": "relaxed",
        "mtaStageAuth.saslMechanisms": {"match": [{"if": "is_tls", "then": "[plain, login]"}], "else": "false"},
        "mtaExtensions.mtPriority": {"match": [{"if": "sender == 'x'", "then": "mixer"}], "else": "false"},
        "mtaOutboundStrategy.tls": "queue_name + mx",
        "dsnReportSettings.fromName": "sender",
        "mtaStageRcpt.allowRelaying": r"matches('^[a-z]{2,3}\{x[{]$', rcpt)",
        "imap.maxAuthFailures": 2**32 - 1,
        "allowedIp": {"10.0.0.0/8": {}},
    }
    old.settings(given)
    assert not old.settings(given)["changed"]


@pytest.mark.parametrize("how", ["objects", "values", "native", "native exclusive"])
def test_a_table_without_entries_matches_nobody(old: Server, how: str) -> None:
    """A reload forgets no table that is gone from the store, so something must stay in it."""
    old.settings({**SERVER, "memoryLookupKey": {"vip:a": {}, "vip:b": {}, "other:c": {}}})
    if how == "objects":
        gone: dict[str, Any] = {"settings": {"memoryLookupKey": {"vip:a": None, "vip:b": None}}, "state": "absent"}
    elif how == "values":
        both = {"memoryLookupKey": {"vip:a": None}, "memoryLookupKeyValue": {"vip:b": None}}
        gone = {"settings": both, "state": "absent"}
    elif how == "native":
        keys = {"lookup.vip.a": None, "lookup.vip.b": None}
        gone = {"settings": keys, "vocabulary": "native", "state": "absent"}
    else:
        gone = {"settings": {"lookup.vip.z": None}, "vocabulary": "native", "exclusive": ["lookup.vip"]}
    assert old.settings(**gone)["changed"]
    assert list(native(old, "lookup.vip")) == ["lookup.vip.tenantmail-keep"]
    assert not old.settings(**gone)["changed"]
    assert "vip" not in str(export(old))


def test_a_domain_goes_with_its_keys(old: Server) -> None:
    old.settings({**SERVER, "domain": {"acme.test": {}, "other.test": {}}})
    old.settings({"systemSettings.defaultDomainId": "other.test"})
    gone = {"domain": {"acme.test": None}}
    old.settings(gone, state="absent")
    left = native(old, "signature")
    assert left
    assert {text for key, text in left.items() if key.endswith(".domain")} == {"other.test"}
    assert all("-other.test." in key for key in left)
    assert not old.settings(gone, state="absent")["changed"]


def test_secrets_of_native_keys_are_hidden_wherever_they_stand(old: Server) -> None:
    old.settings(SERVER)
    hook = {
        "session.hook.h.enable": "false",
        "session.hook.h.headers": ["Authorization: Basic canary-basic-1", "X-Other: canary-other-1"],
        "session.hook.h.auth.secret": ["canary-list-11", "canary-list-12"],
        "session.hook.h.url": "https://user:canary-pass-1@hook.test/",
    }
    created = old.settings(hook, vocabulary="native")
    removed = old.settings(
        {"session.hook.k.enable": False}, vocabulary="native", exclusive=["session.hook"], check=True
    )
    again = old.settings(hook, vocabulary="native", check=True)
    assert removed["changed"]
    assert not again["changed"]
    for result in (created, removed, again):
        assert "canary" not in str(result)
    assert "Authorization" in str(removed["diff"])
