"""Values of expressions, lookup tables and the stage at which a limit counts."""

from __future__ import annotations

from typing import Any

import pytest
from tests.simulator.evaluate import EvaluationError, Rule, evaluate
from tests.simulator.limits import Rate
from tests.simulator.lookuptables import build
from tests.simulator.mta import Throttle
from tests.simulator.throttle import stage

VARIABLES: dict[str, Any] = {
    "local_port": 465,
    "is_tls": 1,
    "sender": "alice@acme.test",
    "sender_domain": "acme.test",
    "authenticated_as": "",
    "recipients": ["a@acme.test", "b@acme.test"],
}
FUNCTIONS = {"key_exists": lambda table, key: int((table, key) == ("t", "a:b")), "system": lambda name: f"<{name}>"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("local_port != 25", 1),
        ("local_port == '465'", 1),
        ("local_port = 465", 1),  # the servers let a single one pass
        ("local_port != 25 && is_tls", 1),
        ("!is_tls || local_port == 25", 0),
        ("!is_empty(authenticated_as) || !key_exists('t', 'a' + ':' + 'b')", 0),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 / 4", 2.5),
        ("-2 < 1 == true", 1),
        ("true ^ true", 0),
        ("5s", 5000),
        ("100ms", 100),
        ("[plain, login]", ["plain", "login"]),
        ("['rsa-' + sender_domain, 'x']", ["rsa-acme.test", "x"]),
        ("recipients[1]", "b@acme.test"),
        ("recipients[7]", ""),
        ("count(recipients)", 2),
        ("contains(recipients, 'a@acme.test')", 1),
        ("ends_with(sender, '@acme.test') && starts_with(sender, \"alice\")", 1),
        ("email_part(sender, 'domain')", "acme.test"),
        ("matches('^([^@]+)@', sender)", 1),
        ("if_then(is_tls, 'yes', 'no')", "yes"),
        ("to_uppercase(sender_domain)", "ACME.TEST"),
        ("system('hostname') + ' here'", "<hostname> here"),
        (r"'it\'s'", "it's"),
        ("relaxed", "relaxed"),
    ],
)
def test_values(text: str, value: Any) -> None:
    assert evaluate(text, VARIABLES, FUNCTIONS) == value


@pytest.mark.parametrize("text", ["", "1 +", "(1", "dns_query('a', 'mx')", "1 2", "#"])
def test_what_cannot_be_computed(text: str) -> None:
    with pytest.raises(EvaluationError):
        evaluate(text, VARIABLES, FUNCTIONS)


def test_rules() -> None:
    """The first condition that holds; captures of its match are there for what follows."""
    rule = Rule("'none'", (("local_port == 25", "'first'"), ("matches('^(.*)@(.*)$', sender)", "$2 + '/' + $1")))
    assert rule.value(VARIABLES, {}) == "acme.test/alice"
    assert rule.value(VARIABLES | {"sender": "?", "local_port": 25}, {}) == "first"
    assert rule.value(VARIABLES | {"sender": "?"}, {}) == "none"
    assert Rule().value(VARIABLES, {}) is None


def test_lookup_tables() -> None:
    table = build([("t", "a:b", "1", False), ("t", "a:*@c.test", "2", True), ("t", r"\*?", "3", True)])["t"]
    assert [table.get(key) for key in ("a:b", "a:x@c.test", "*x", "xx", "a:x@c.tests")] == ["1", "2", "3", None, None]


@pytest.mark.parametrize(
    ("keys", "match", "expected"),
    [
        (["remote_ip"], "true", "connect"),
        (["remote_ip"], "sender_domain == 'x'", "mail"),
        (["authenticated_as"], "true", "mail"),
        (["sender_domain", "rcpt"], "true", "rcpt"),
        ([], "rcpt_domain == 'x'", "rcpt"),
    ],
)
def test_when_a_limit_counts(keys: list[str], match: str, expected: str) -> None:
    assert stage(Throttle("t", frozenset(keys), Rule(match), Rate(1, 1))) == expected
