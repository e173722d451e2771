"""Ids, normal forms, patches and expressions of the simulator."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulator import expressions, formats, ids, tables
from tests.simulator.defaults import Defaults, milliseconds
from tests.simulator.errors import SetError
from tests.simulator.patch import Patcher

TABLES = tables.load()
DEFAULTS = Defaults(TABLES)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "a"),
        (1, "b"),
        (31, "3"),
        (32, "ba"),
        (2**32 - 1, "d333333"),
        (20080258862541, "singleton"),
        (2**64 - 1, ids.UNSET),
    ],
)
def test_ids(number: int, text: str) -> None:
    assert ids.encode(number) == text
    assert ids.decode(text) == number


@given(st.integers(min_value=0, max_value=2**64 - 1))
def test_ids_round_trip(number: int) -> None:
    assert ids.decode(ids.encode(number)) == number


@pytest.mark.parametrize("text", ["b-", "B", "4", "#d", "3333333333333", None, 5])
def test_wrong_ids(text: Any) -> None:
    assert not ids.valid(text)


def test_time_ordered_ids_increase() -> None:
    source = ids.Snowflakes()
    made = [source.next() for _ in range(100)]
    assert sorted(made, key=ids.decode) == made
    assert len(set(made)) == 100


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Example.ORG", "example.org"),
        (" a b.test ", "ab.test"),
        ("straß6.de", "xn--stra6-oqa.de"),
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("svc.cluster.local", "svc.cluster.local"),
        ("co.uk", "co.uk"),
    ],
)
def test_domains(text: str, normal: str) -> None:
    assert formats.domain(text) == normal


@pytest.mark.parametrize("text", ["localhost", "a.example", "a.invalid", "a.test.", ".test", "a..test", "a(.test", ""])
def test_wrong_domains(text: str) -> None:
    with pytest.raises(ValueError, match="Invalid domain name"):
        formats.domain(text)


@pytest.mark.parametrize(
    ("function", "text", "normal"),
    [
        (formats.local_part, "Al Ice", "alice"),
        (formats.email, "Al@Example.ORG", "al@example.org"),
        (formats.hostname, "10.0.0.1", "10.0.0.1"),
        (formats.hostname, "Mail.Acme.TEST", "mail.acme.test"),
        (formats.ip_network, "10.0.0.5/8", "10.0.0.5/8"),
        (formats.ip_network, "10.0.0.5/32", "10.0.0.5"),
        (formats.ip_network, "2001:DB8::1", "2001:db8::1"),
        (formats.socket_address, "[::]:25", "[::]:25"),
        (formats.socket_address, "127.0.0.1:0", "127.0.0.1:0"),
        (formats.date, "2025-01-01T01:00:00+01:00", "2025-01-01T00:00:00Z"),
    ],
)
def test_normal_forms(function: Any, text: str, normal: str) -> None:
    assert function(text) == normal


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (formats.local_part, "al@ice"),
        (formats.local_part, ".alice"),
        (formats.local_part, "al..ice"),
        (formats.email, "alice"),
        (formats.ip_network, "10.0.0.0/4"),
        (formats.socket_address, "[::]:99999"),
        (formats.socket_address, "localhost:25"),
        (formats.date, "2025-01-01"),
        (formats.trim, "  "),
    ],
)
def test_wrong_forms(function: Any, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text is the caller's
        function(text)


@pytest.mark.parametrize(("text", "number"), [("1m", 60_000), ("1d", 86_400_000), ("500ms", 500), ("5s", 5000)])
def test_durations(text: str, number: int) -> None:
    assert milliseconds(text) == number


# -- patches ---------------------------------------------------------------------------------------------------------


def _patcher(creating: bool = False) -> Patcher:
    return Patcher(TABLES, DEFAULTS, creating, {"known": "c"}.get)


def _account() -> dict[str, Any]:
    values = {"@type": "User", "name": "u", "domainId": "b", "aliases": {"0": {"name": "a", "domainId": "b"}}}
    return _patcher(creating=True).create("Account", values)


@pytest.mark.parametrize(
    ("patch", "name", "expected"),
    [
        ({"memberGroupIds/c": True}, "memberGroupIds", {"c": True}),
        ({"memberGroupIds": {"#known": True, "d": False}}, "memberGroupIds", {"c": True}),
        ({"quotas/maxDiskQuota": 5}, "quotas", {"maxDiskQuota": 5}),
        ({"quotas/maxDiskQuota": None}, "quotas", {}),
        ({"/description": "x"}, "description", "x"),
        ({"aliases/0": None}, "aliases", {}),
    ],
)
def test_pointers(patch: dict[str, Any], name: str, expected: Any) -> None:
    assert _patcher().update("Account", _account(), patch)[name] == expected


def test_lists_are_renumbered_in_key_order() -> None:
    aliases = {str(key): {"name": f"n{key}", "domainId": "b"} for key in (10, 9, 2)}
    stored = _patcher().update("Account", _account(), {"aliases": aliases})["aliases"]
    assert [(key, item["name"]) for key, item in stored.items()] == [("0", "n2"), ("1", "n9"), ("2", "n10")]


def test_a_patch_leaves_the_stored_object_alone() -> None:
    account = _account()
    _patcher().update("Account", account, {"aliases/0/name": "other", "permissions": {"@type": "Merge"}})
    assert account["aliases"]["0"]["name"] == "a"
    assert account["permissions"] == {"@type": "Inherit"}


def test_another_variant_starts_from_its_defaults() -> None:
    values = {"@type": "Relay", "name": "r", "address": "a.test", "port": 587}
    route = _patcher(creating=True).create("MtaRoute", values)
    changed = _patcher().update("MtaRoute", route, {"@type": "Mx", "name": "r"})
    assert (changed["maxMxHosts"], "port" in changed) == (5, False)


@pytest.mark.parametrize(
    ("patch", "path", "description"),
    [
        ({"aliases": []}, "aliases", "Invalid value for object property"),
        ({"aliases": {"x": {}}}, "aliases", "Invalid key for object property"),
        ({"aliases/7": None}, "aliases/7", "Invalid value for object property"),
        ({"aliases/0/nope": 1}, "aliases/0/nope", "Invalid property"),
        ({"aliases/x": None}, "aliases/x", "Invalid value for object property"),
        (
            {"permissions/enabledPermissions/emailSend": True},
            "permissions/enabledPermissions/emailSend",
            "Invalid JSON Pointer path",
        ),
        ({"no~1such": 1}, "no~1such", "Invalid property"),
        ({"aliases": {"0": {"nosuchproperty": 1}}}, "aliases", "Invalid key for object"),
        ({"aliases": {"0": {"issuerUrl": 1}}}, "aliases/issuerUrl", "Invalid property"),
        ({"memberGroupIds/c/d": True}, "memberGroupIds/c/d", "Invalid value for object property"),
        ({"memberGroupIds": {"not an id": True}}, "memberGroupIds", "Invalid key for object property"),
        ({"memberGroupIds": {"#unknown": True}}, "memberGroupIds", "Invalid key for object property"),
        ({"name/x": "y"}, "name/x", "Invalid JSON Pointer path"),
        ({"domainId": "#unknown"}, "domainId", "Failed to parse Id from string"),
        ({"roles": {"@type": "Nope"}}, "roles", "Missing or invalid '@type' property in object"),
        ({"roles": "Admin"}, "roles", "Missing or invalid '@type' property in object"),
        ({"aliases": {"0": 5}}, "aliases", "Invalid value type for object"),
        ({"emailAddress": "x"}, "emailAddress", "Cannot modify server set property"),
        ({"locale": "xx_XX"}, "locale", 'Invalid value Str("xx_XX") for enum type EnUS.'),
    ],
)
def test_wrong_patches(patch: dict[str, Any], path: str, description: str) -> None:
    with pytest.raises(SetError) as refused:
        _patcher().update("Account", _account(), patch)
    assert refused.value.body == {"type": "invalidPatch", "description": description, "properties": [path]}


# -- expressions -----------------------------------------------------------------------------------------------------


def _complaint(text: str, name: str = "mustMatchSender") -> str | None:
    value = DEFAULTS.object("MtaStageAuth") | {name: {"match": {}, "else": text}}
    found = expressions.check(TABLES, "MtaStageAuth", value)
    return found[1].removeprefix("Error parsing 'else' expression: ") if found else None


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "sender == 'x' && !is_empty(authenticated_as)",
        "sender = 'x'",
        "key_exists('sender-allow', authenticated_as + ':' + sender)",
        "matches('^a(.*)@', sender) && $1 == \"b\"",
        "if_then(is_local_domain(sender_domain), [sender, sender_domain], [])",
        "split(sender, '@')[0] == 'x'",
        "10m + 5",
        "system('hostname')",
        "relaxed",
    ],
)
def test_accepted_expressions(text: str) -> None:
    assert _complaint(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonexistent_var == 'x'", 'Invalid variable or constant "nonexistent_var"'),
        ("sender ='x'", 'Invalid variable or constant "x"'),  # the `=` swallows the quote
        ("rcpt == 'x'", 'Variable "rcpt" not allowed in this context'),
        ("nosuchfunction(sender)", 'Invalid variable or constant "nosuchfunction"'),
        ("is_empty(sender, sender)", 'Expression function "is_empty" expected 1 arguments, got 2'),
        ("is_local_domain('*', sender)", 'Expression function "is_local_domain" expected 1 arguments, got 2'),
        ("(sender", "Unmatched open parenthesis"),
        ("sender)", "Unmatched close parenthesis"),
        ("[sender)", "Unmatched close parenthesis"),
        ("'open", "Unterminated string"),
        ("sender ; 1", "Invalid character ';'"),
        ("is_empty", "Invalid token on the operator stack"),
        ("matches('(', sender)", 'Invalid regular expression "(": missing ), unterminated subpattern at position 0'),
        ("metric('nope')", 'Invalid metric name "nope"'),
        ("system('nope')", 'Invalid system variable name "nope"'),
    ],
)
def test_refused_expressions(text: str, reason: str) -> None:
    assert _complaint(text) == reason


def test_constants_depend_on_the_property() -> None:
    assert _complaint("[plain, login]", "saslMechanisms") is None
    assert _complaint("relaxed", "saslMechanisms") == 'Constant "relaxed" not allowed in this context'


def test_conditions_are_numbered() -> None:
    match = {"0": {"if": "true", "then": "1"}, "1": {"if": "true", "then": "nope"}}
    value = DEFAULTS.object("MtaStageAuth") | {"mustMatchSender": {"match": match, "else": "true"}}
    found = expressions.check(TABLES, "MtaStageAuth", value)
    assert found is not None
    assert found[1].startswith("Error parsing 'then' expression in condition #2: ")
