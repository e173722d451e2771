"""0.15: values to text keys and back, expressions, keys of config.toml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import tomllib
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015 import codecs, special
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.codecs import Codec, Wrong
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.expression import (
    Expression,
    names_of,
    to_canonical,
    to_native,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.localkeys import LocalKeys
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.singletons import SINGLETONS

ROOT = Path(__file__).parents[5]

RATE = codecs.Rate({"count": 100, "period": 60_000})
IF = {"match": [{"if": "local_port == 25", "then": "true"}], "else": "false"}


@pytest.mark.parametrize(
    ("codec", "given", "normal", "stored"),
    [
        (codecs.Text(), "x", "x", {"k": "x"}),
        (codecs.Text(), 25, "25", {"k": "25"}),
        (codecs.Nullable(codecs.Text()), None, None, {}),
        (codecs.Boolean(), True, True, {"k": "true"}),
        (codecs.Number(), "12", 12, {"k": "12"}),
        (codecs.Number(fraction=True), 7.5, 7.5, {"k": "7.5"}),
        (codecs.Number(fraction=True), 5.0, 5.0, {"k": "5"}),
        (codecs.Number(fraction=True), 12.34567, 12.34567, {"k": "12.34567"}),
        (Expression(scope="connection verify"), "relaxed", {"match": [], "else": "relaxed"}, {"k": "relaxed"}),
        (
            Expression(),
            r"matches('^\p{L}+[[:alpha:]]{2,3}(?i)\{x[{]\z', sender)",
            {"match": [], "else": r"matches('^\p{L}+[[:alpha:]]{2,3}(?i)\{x[{]\z', sender)"},
            {"k": r"matches('^\p{L}+[[:alpha:]]{2,3}(?i)\{x[{]\z', sender)"},
        ),
        (codecs.Duration(), "10m", 600_000, {"k": "10m"}),
        (codecs.Duration(), 90_000, 90_000, {"k": "90s"}),
        (codecs.Duration(), 1500, 1500, {"k": "1500ms"}),
        (codecs.Duration(), "30D", 2_592_000_000, {"k": "30d"}),
        (RATE, {"count": 5, "period": "1s"}, {"count": 5, "period": 1000}, {"k": "5/1s"}),
        (codecs.Optional(RATE), None, None, {"k": "false"}),
        (codecs.Optional(codecs.Number()), 4, 4, {"k": "4"}),
        (codecs.Enum({"Relay": "relay", "Mx": ("mx", "remote")}), "Mx", "Mx", {"k": "mx"}),
        (codecs.Host(), "Mail.ACME.test", "mail.acme.test", {"k": "mail.acme.test"}),
        (codecs.Host(), "bücher.test", "xn--bcher-kva.test", {"k": "xn--bcher-kva.test"}),
        (codecs.Items(), ["b", "a", "b"], ["a", "b"], {"k.0000": "a", "k.0001": "b"}),
        (codecs.Items(ordered=True), ["b", "a"], ["b", "a"], {"k.0000": "b", "k.0001": "a"}),
        (codecs.Items(), [], [], {}),
        (special.Headers(), {"B": "2", "A": "1"}, {"A": "1", "B": "2"}, {"k.0000": "A: 1", "k.0001": "B: 2"}),
        (special.Secret(), {"@type": "Value", "secret": "canary-12"}, "canary-12", {"k": "canary-12"}),
        (special.Secret(), "canary-12", "canary-12", {"k": "canary-12"}),
        (
            special.Issuer(),
            "https://k.test/realms/a/",
            "https://k.test/realms/a",
            {"k": "https://k.test/realms/a/protocol/openid-connect/userinfo"},
        ),
        (special.RulesUrl(), None, None, {"version.spam-filter": "0.0.0"}),
        (special.RulesUrl(), special.RulesUrl.PUBLISHED, special.RulesUrl.PUBLISHED, {}),
        (special.RulesUrl(), "file:///rules", None, None),
        (special.RulesUrl(), "https://x.test/r.toml", "https://x.test/r.toml", {"k": "https://x.test/r.toml"}),
        (Expression(), "5m", {"match": [], "else": "5m"}, {"k": "5m"}),
        (Expression(), False, {"match": [], "else": "false"}, {"k": "false"}),
        (
            Expression(),
            IF,
            IF,
            {"k.0000.if": "local_port == 25", "k.0000.then": "true", "k.0001.else": "false"},
        ),
        (
            Expression(),
            "is_local_domain(rcpt_domain)",
            {"match": [], "else": "is_local_domain(rcpt_domain)"},
            {"k": "is_local_domain('*', rcpt_domain)"},
        ),
    ],
)
def test_there_and_back(codec: Codec, given: Any, normal: Any, stored: Any) -> None:
    if stored is None:
        with pytest.raises(Wrong):
            codec.check(given)
        return
    assert codec.check(given) == normal
    assert codec.encode("k", normal) == stored
    assert codec.owned("k", {**stored, "kk": "other", "other.0000": "x"}) == stored
    assert codec.decode("k", stored) == normal


@pytest.mark.parametrize(
    ("codec", "stored", "normal"),
    [
        (codecs.Duration(), {"k": "300000"}, 300_000),
        (codecs.Duration(), {"k": "5 m"}, 300_000),
        (codecs.Duration(1000), {}, 1000),
        (codecs.Duration(), {"k": "soon"}, "soon"),
        (codecs.Boolean(True), {}, True),
        (codecs.Boolean(), {"k": "True"}, True),
        (codecs.Boolean(), {"k": "yes"}, "yes"),
        (codecs.Optional(RATE), {"k": "unlimited"}, None),
        (codecs.Optional(RATE), {"k": ""}, None),
        (codecs.Optional(RATE), {}, {"count": 100, "period": 60_000}),
        (RATE, {"k": "7 / 1h"}, {"count": 7, "period": 3_600_000}),
        (RATE, {"k": "seven"}, "seven"),
        (codecs.Items(), {"k": "only"}, ["only"]),
        (codecs.Items(), {"k.0": "b", "k.1": "a"}, ["a", "b"]),
        (codecs.Items(ordered=True), {"k.0": "0", "k.1": "1", "k.10": "10", "k.2": "2"}, ["0", "1", "10", "2"]),
        (codecs.Enum({"Stdout": ("stdout", "console")}), {"k": "console"}, "Stdout"),
        (special.Issuer(), {"k": "https://other.test/userinfo"}, "https://other.test/userinfo"),
        (special.RulesUrl(), {"version.spam-filter": "2.0.5"}, special.RulesUrl.PUBLISHED),
        # As a config.toml has it that keeps a first start from fetching rules.
        (special.RulesUrl(), {"k": "file:///rules", "version.spam-filter": "0.0.1"}, None),
        (special.RulesUrl(), {"version.spam-filter": "0.0.1"}, None),
        (special.RulesUrl(), {"k": "https://x.test/rules", "version.spam-filter": "0.0.1"}, "https://x.test/rules"),
        (special.RulesUrl(), {"k": "file:///rules", "version.spam-filter": "2.0.5"}, "file:///rules"),
        # The scalar hides the list beside it (contract 3.6).
        (Expression(), {"k": "true", "k.0000.if": "is_tls", "k.0000.then": "false"}, {"match": [], "else": "true"}),
        (
            Expression(),
            {"k.0.if": "system('x') == 1", "k.0.then": "a", "k.1.else": "config_get('server.hostname')"},
            {"match": [{"if": "system('x') == 1", "then": "a"}], "else": "system('hostname')"},
        ),
        (Expression("x"), {}, {"match": [], "else": "x"}),
    ],
)
def test_other_forms_of_the_store_are_read(codec: Codec, stored: dict[str, str], normal: Any) -> None:
    assert codec.decode("k", codec.owned("k", stored)) == normal


@pytest.mark.parametrize(
    ("codec", "given", "says"),
    [
        (codecs.Boolean(), "true", "true or false"),
        (codecs.Boolean(), 1, "true or false"),
        (codecs.Text(), "", "a text"),
        (codecs.Text(), True, "a text"),
        (codecs.Text(), ["x"], "a text"),
        (codecs.Number(1, 1, 5), 6, "from 1 to 5"),
        (codecs.Number(), 1.5, "an integer"),
        (codecs.Number(), True, "an integer"),
        (codecs.Number(), "many", "an integer"),
        (codecs.Duration(), "5 weeks", "a duration"),
        (codecs.Duration(), 0, "a duration"),
        (codecs.Duration(), True, "a duration"),
        (RATE, {}, "count and period"),
        (RATE, {"cuont": 1}, "count and period"),
        (RATE, [1], "count and period"),
        (RATE, {"count": 2**70}, "from 1 to 1000000"),
        (codecs.Number(), 2**63, "is the largest"),
        (codecs.Number(None, 1, codecs.LARGEST_32), 2**32, "to 4294967295"),
        (codecs.Number(fraction=True), float("nan"), "a number"),
        (codecs.Number(fraction=True), "nan", "a number"),
        (codecs.Number(fraction=True), "inf", "a number"),
        (codecs.Duration(), "36501d", "36500d"),
        (codecs.Duration(), 10**25, "36500d"),
        (codecs.Enum({"a": "x"}), ["a"], "one of a"),
        (codecs.Enum({"a": "x"}, others={"b": "it has none"}), "b", "0.15 cannot express b: it has none"),
        (RATE, {"count": 0, "period": "1m"}, "from 1"),
        (RATE, "5/1m", "count and period"),
        (codecs.Enum({"a": "x"}), "b", "one of a"),
        (codecs.Host(), "not a host", "a host name"),
        (codecs.Url(), "keycloak", "a URL"),
        (codecs.Url(), "ftp://x.test", "a URL"),
        (codecs.Items(), "one", "a list"),
        (codecs.Items(), {"a": True}, "a list"),
        (special.Headers(), ["X: 1"], "a mapping of header names"),
        (special.Headers(), {"X Y": "1"}, "a mapping of header names"),
        (special.Headers(), {"X-Y": "1\r\nX-Z: 2"}, "texts of one line"),
        (special.Address(), "0.0.0.0/0", "of /8 and smaller"),
        (special.Address(), "::/0", "of /8 and smaller"),
        (special.Address(), "240.0.0.0/4", "of /8 and smaller"),
        (special.Address(), "fe80::1%eth0", "a zone"),
        (special.Address(), "10.0.0.300", "an IP address"),
        (special.Secret(), "short", "at least 8"),
        (special.Secret(), {"@type": "EnvironmentVariable", "variableName": "X"}, "does not expand"),
        (special.Secret(), {"@type": "File", "filePath": "/x"}, "does not expand"),
        (special.Secret(), {"@type": "Value"}, "at least 8"),
        (Expression(), "a = 'x'", "single '='"),
        (Expression(), "sender == bob", "unknown variable"),
        (Expression(scope="sender"), "rcpt == 'x'", "unknown variable"),
        (Expression(scope="connection"), "helo_domain == 'x'", "unknown variable"),
        (Expression(), "metric('x') > 1", "unknown function"),
        (Expression(scope="sender"), "relaxed", "unknown"),
        (Expression(scope="connection verify"), "mixer", "unknown"),
        (Expression(scope="queueHost"), "helo_domain == 'x'", "unknown variable"),
        (Expression(), "matches('(', sender)", "no regular expression"),
        (Expression(), "matches('(?=a)', sender)", "no look-around"),
        (Expression(), "matches('a{x}', sender)", "a brace that is no count"),
        (Expression(), r"matches('(a)\1', sender)", "references to groups"),
        (Expression(), "is_local_domain('*', sender_domain)", "two arguments"),
        (Expression(), {"match": [{"if": "is_tls"}], "else": "x"}, "an expression"),
        (Expression(), {"match": [], "otherwise": "x"}, "an expression"),
        (Expression(), {}, "an expression"),
        (Expression(), {"match": [{"if": "is_tls", "then": ["x"]}], "else": "true"}, "expected a text"),
        (Expression(), {"match": "is_tls", "else": "true"}, "an expression"),
    ],
)
def test_wrong_values(codec: Codec, given: Any, says: str) -> None:
    with pytest.raises(Wrong, match=re.escape(says)):
        codec.check(given)


@pytest.mark.parametrize(
    ("canonical", "native"),
    [
        ("is_local_domain(sender_domain)", "is_local_domain('*', sender_domain)"),
        ("!is_local_address( rcpt )", "!is_local_address('*', rcpt )"),
        ("system('hostname') + '!'", "config_get('server.hostname') + '!'"),
        ('system("domain")', "config_get('report.domain')"),
        ("'is_local_domain(x)'", "'is_local_domain(x)'"),
        ("sender == 'a' && is_local_domain(rcpt_domain)", "sender == 'a' && is_local_domain('*', rcpt_domain)"),
    ],
)
def test_functions_are_translated_but_not_inside_texts(canonical: str, native: str) -> None:
    assert to_native(canonical) == native
    assert to_native(to_canonical(native)) == native
    codec = Expression()
    normal = codec.check(canonical)
    assert codec.decode("k", codec.encode("k", normal)) == normal


@pytest.mark.parametrize(
    ("patterns", "local", "stored"),
    [
        (
            [],
            ["server.hostname", "directory.x.type", "storage.directory", "tracer.a.type", "config.local-keys.0000"],
            ["server.allowed-ip.10.0.0.1", "server.blocked-ip.10.0.0.1", "session.auth.require", "storage.directories"],
        ),
        (
            ["store.*", "directory.internal.*", "server.*", "!server.allowed-ip.*"],
            ["server.hostname", "directory.internal.type", "config.local-keys.9", "server.blocked-ip.1.1.1.1"],
            ["directory.keycloak.type", "storage.directory", "server.allowed-ip.10.0.0.1"],
        ),
        (["*"], ["anything.at.all"], []),
        (["*.secret", "a.*.b"], ["x.y.secret", "a.c.b", "a.c.d.b"], ["a.b", "secret"]),
        (["STORE.*"], ["store.x"], []),
    ],
)
def test_local_keys(patterns: list[str], local: list[str], stored: list[str]) -> None:
    keys = LocalKeys({f"config.local-keys.{number:04d}": text for number, text in enumerate(patterns)})
    assert [key for key in local if key not in keys] == []
    assert [key for key in stored if key in keys] == []


def test_half_a_rate_keeps_the_other_half() -> None:
    codec = codecs.Optional(RATE)
    assert codec.merge({"count": 100, "period": 60_000}, codec.check({"count": 5})) == {"count": 5, "period": 60_000}
    assert codec.merge({"count": 100, "period": 60_000}, codec.check({"period": "1h"}))["count"] == 100
    assert codec.merge({"count": 1, "period": 1}, None) is None
    with pytest.raises(Wrong, match="period is missing"):
        codec.merge(None, codec.check({"count": 5}))


def test_expressions_may_use_what_the_server_lets_them() -> None:
    """Every row's variables and constants are those of the server's key; another name blocks every reload."""
    table = tomllib.loads((ROOT / "tests/simulator/v015/data/expressions.toml").read_text(encoding="utf-8"))
    names = tomllib.loads((ROOT / "tests/simulator/data/expressions.toml").read_text(encoding="utf-8"))
    variables = {**names["variables"], **table["variables"]}
    contexts = {key: table["contexts"][name] for name, keys in table["keys"].items() for key in keys.split()}
    rows = [row for kind in SINGLETONS for row in kind.rows if isinstance(row.codec, Expression)]
    assert rows
    for row in rows:
        assert isinstance(row.codec, Expression)
        own, _blank, constants = contexts[row.key].partition(" ")
        taken = {"true", "false"} | set(table["constants"][constants].split() if constants else ())
        assert names_of(row.codec.scope) == (set(variables[own].split()), taken), row.key
