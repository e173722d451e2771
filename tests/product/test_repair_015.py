"""0.15 refuses every reload for any wrong key: what may still be written, and what only a repair may."""

from __future__ import annotations

from typing import Any

import pytest

from .server import Server, refusal
from .test_settings_015 import DIRECTORY, SERVER, ask, native, old

__all__ = ["old"]

ROUTE = {"@type": "Relay", "address": "relay.test"}
#: What somebody stored, what does not touch it, and what heals it.
BROKEN: list[tuple[str, dict[str, str], dict[str, Any], dict[str, Any], str]] = [
    ("asn", {"asn.type": "resource"}, {"http.enableHsts": True}, {"asn": {"@type": "Disabled"}}, "asn.urls"),
    (
        "a route beside",
        {"queue.route.bad.type": "nonsense"},
        {"mtaRoute": {"out": ROUTE}},
        {"mtaRoute": {"bad": ROUTE}},
        "queue.route.bad.type",
    ),
    (
        "an expression beside",
        {"session.rcpt.relay": "nonsense_variable"},
        {"mtaStageRcpt.maxRecipients": "77"},
        {"mtaStageRcpt.allowRelaying": {"match": [{"if": "is_tls", "then": "true"}], "else": "false"}},
        "session.rcpt.relay",
    ),
    (
        "a half expression",
        {"session.rcpt.relay.0000.if": "is_tls"},
        {"mtaStageRcpt.maxRecipients": "77"},
        {"mtaStageRcpt.allowRelaying": "false"},
        "session.rcpt.relay",
    ),
]


def stored(old: Server, **keys: str) -> None:
    """Behind the product's back."""
    pairs = [[key.replace("__", "."), text] for key, text in keys.items()]
    ask(old, "POST", "/api/settings", [{"type": "insert", "prefix": None, "values": pairs, "assert_empty": False}])


@pytest.mark.parametrize(("name", "keys", "other", "heals", "named"), BROKEN, ids=[row[0] for row in BROKEN])
def test_only_what_heals_is_written(
    old: Server, name: str, keys: dict[str, str], other: dict[str, Any], heals: dict[str, Any], named: str
) -> None:
    old.settings(SERVER)
    stored(old, **keys)
    before = native(old, "http", "queue", "session", "tenantmail")
    for check in (True, False):
        failure = refusal(old.settings, other, check=check)
        assert (failure.code, named in failure.message) == ("reload_refused", True)
        assert "Nothing was written" in failure.hint
    assert native(old, "http", "queue", "session", "tenantmail") == before
    assert old.settings(heals, check=True)["changed"]
    assert old.settings(heals)["changed"]
    assert not old.settings(heals)["changed"]
    assert old.settings(other)["changed"]


def test_a_default_directory_that_somebody_deleted_comes_back(old: Server) -> None:
    old.settings(SERVER)
    old.settings(DIRECTORY)
    ask(old, "POST", "/api/settings", [{"type": "delete", "keys": sorted(native(old, "directory.keycloak"))}])
    assert refusal(old.settings, {"http.enableHsts": True}).code == "reload_refused"
    assert old.settings(DIRECTORY)["changed"]
    assert not old.settings(DIRECTORY)["changed"]
    assert old.settings({"http.enableHsts": True})["changed"]


def test_native_keys_heal_each_other(old: Server) -> None:
    old.settings(SERVER)
    stored(old, **{"session.hook.scan.url": "http://127.0.0.1:9", "session.hook.scan.enable": "nonsense"})
    assert refusal(old.settings, {"http.enableHsts": True}).code == "reload_refused"
    assert old.settings({"session.hook.scan": {"url": None, "enable": False}}, vocabulary="native")["changed"]
    assert old.settings({"http.enableHsts": True})["changed"]
