"""Reloads: the only validation there is (contract 0.15 sections 3.6 to 3.8)."""

from __future__ import annotations

import pytest

from .rest import Rest

EXPRESSION = "session.auth.must-match-sender"
CLASSIFIER = "spam-filter.classifier"
MODEL, SIZE = f"{CLASSIFIER}.model", f"{CLASSIFIER}.parameters.features"
OTHER_SIZE = f"{CLASSIFIER}.parameters.ccfh.features"
ANY_NUMBER, ANY_TIME = "imap.request.max-size", "oauth.expiry.token"
BY_NAME = {"asn.type": "dns", "asn.zone.ipv4": "v4.test", "asn.zone.ipv6": "v6.test", "asn.separator": "|"}
ROUTE = {"queue.route.zz.type": "relay", "queue.route.zz.address": "relay.test"}
BY_RESOURCE = {"asn.type": "resource", "asn.urls.geo.0": "https://geo.test/"}


@pytest.mark.parametrize(
    ("values", "key", "kind"),
    [
        ({"spam-filter.enable": "yes"}, "spam-filter.enable", "parse"),
        ({"http.rate-limit.account": "many"}, "http.rate-limit.account", "parse"),
        ({"queue.limiter.inbound.ip.rate": "5"}, "queue.limiter.inbound.ip.rate", "parse"),
        ({"server.allowed-ip.300.1.1.1": ""}, "server.allowed-ip", "parse"),
        ({"lookup.nodot": "x"}, "nodot", "parse"),
        ({"storage.directory": "nope"}, "storage.directory", "parse"),
        ({"directory.zz.type": "Oidc"}, "directory.zz.type", "parse"),
        ({"directory.zz.type": "oidc"}, "directory.zz.endpoint.method", "parse"),
        ({"directory.zz.type": "oidc", "directory.zz.endpoint.method": "x"}, "directory.zz.endpoint.method", "build"),
        ({EXPRESSION: "no_such_variable == 'x'"}, EXPRESSION, "parse"),
        ({EXPRESSION: "rcpt == 'x'"}, EXPRESSION, "parse"),
        ({EXPRESSION: "no_function(sender)"}, EXPRESSION, "parse"),
        ({EXPRESSION: "key_exists('a')"}, EXPRESSION, "parse"),
        ({EXPRESSION: "sender='x'"}, EXPRESSION, "parse"),
        ({f"{EXPRESSION}.0000.if": "true", f"{EXPRESSION}.0001.else": "true"}, EXPRESSION, "parse"),
        ({f"{EXPRESSION}.0000.if": "true", f"{EXPRESSION}.0000.then": "true"}, EXPRESSION, "parse"),
        ({f"{EXPRESSION}.0000.else": "true"}, EXPRESSION, "parse"),
        ({"server.listener.zz.protocol": "gopher", "server.listener.zz.bind": "[::]:70"}, "zz.protocol", "parse"),
        ({"asn.type": "Disabled"}, "asn.type", "build"),
        ({"asn.type": "resource"}, "asn.urls", "build"),
        (BY_RESOURCE | {"asn.expires": "x", "asn.timeout": "x"}, "asn.expires", "parse"),
        (BY_RESOURCE | {"asn.max-size": "x"}, "asn.max-size", "parse"),
        ({"asn.type": "dns"}, "asn.zone.ipv4", "parse"),
        (BY_NAME | {"asn.separator": " "}, "asn.separator", "parse"),
        (BY_NAME, "asn.index.asn", "parse"),
        (BY_NAME | {"asn.index.asn": "0", "asn.index.country": "x"}, "asn.index.country", "parse"),
        ({"queue.route.zz.type": "nonsense"}, "queue.route.zz.type", "parse"),
        ({"queue.route.zz.type": "relay"}, "queue.route.zz.address", "parse"),
        (ROUTE | {"queue.route.zz.port": "25"}, "queue.route.zz.protocol", "parse"),
        (ROUTE | {"queue.route.zz.protocol": "smtp"}, "queue.route.zz.port", "parse"),
        ({"http.headers.0000": "no colon"}, "http.headers", "parse"),
        ({"http.headers.0000": "X A: 1"}, "http.headers", "parse"),
        ({"http.headers.0000": "X-A: 1\r\nX-B: 2"}, "http.headers", "parse"),
        ({EXPRESSION: "matches('(', sender)"}, EXPRESSION, "parse"),
        ({EXPRESSION: "mixer"}, EXPRESSION, "parse"),
        ({"queue.strategy.route": "helo_domain"}, "queue.strategy.route", "parse"),
        ({MODEL: "x"}, MODEL, "build"),
        ({MODEL: "ftrl-ccfh"}, OTHER_SIZE, "build"),
        ({MODEL: "ftrl-ccfh", OTHER_SIZE: "15"}, OTHER_SIZE, "build"),
        ({SIZE: "29"}, SIZE, "build"),
        ({SIZE: "x"}, SIZE, "parse"),
        ({f"{CLASSIFIER}.parameters.alpha": "x"}, f"{CLASSIFIER}.parameters.alpha", "parse"),
        ({ANY_NUMBER: str(2**64)}, ANY_NUMBER, "parse"),
        ({ANY_NUMBER: "-1"}, ANY_NUMBER, "parse"),
        ({ANY_NUMBER: "\u0663"}, ANY_NUMBER, "parse"),
        ({"imap.auth.max-failures": str(2**32)}, "imap.auth.max-failures", "parse"),
        ({"spam-filter.score.spam": "1_0"}, "spam-filter.score.spam", "parse"),
        ({ANY_TIME: str(2**64)}, ANY_TIME, "parse"),
        ({ANY_TIME: "0"}, ANY_TIME, "parse"),
        ({"http.rate-limit.account": f"{2**64}/1s"}, "http.rate-limit.account", "parse"),
        ({"http.rate-limit.account": f"5/{2**64}"}, "http.rate-limit.account", "parse"),
        ({"server.allowed-ip.0.0.0.0/0": ""}, "server.allowed-ip", "parse"),
        ({"server.blocked-ip.10.0.0.0/7": ""}, "server.blocked-ip", "parse"),
        ({"server.allowed-ip.::/0": ""}, "server.allowed-ip", "parse"),
        ({"server.blocked-ip.2000::/7": ""}, "server.blocked-ip", "parse"),
        ({"server.allowed-ip.fe80::1%eth0": ""}, "server.allowed-ip", "parse"),
        ({"server.allowed-ip.10.0.0.0/255.0.0.0": ""}, "server.allowed-ip", "parse"),
        ({"tracer.console.note": "%{env:NOT_THERE}%"}, "tracer.console.note", "macro"),
        ({"tracer.console.note": "%{file:/not/there}%"}, "tracer.console.note", "macro"),
        ({"tracer.console.note": "%{cfg:not.there}%"}, "tracer.console.note", "macro"),
    ],
)
def test_errors(rest: Rest, values: dict[str, str], key: str, kind: str) -> None:
    rest.insert(values)
    errors = rest.reload(**{"dry-run": "true"})
    (found,) = [entry for name, entry in errors.items() if name.endswith(key)]
    assert found["type"] == kind
    assert found["error"]
    assert rest.reload() == errors


@pytest.mark.parametrize(
    "values",
    [
        {"spam-filter.no-such-key": "ignored"},
        {EXPRESSION: "!key_exists('sender-allow', authenticated_as + '|' + sender)"},
        {EXPRESSION: "sender == 'x' && local_port != 25"},
        {EXPRESSION: "sender = 'x'"},
        {EXPRESSION: "config_get('server.hostname') == 'x'"},
        {f"{EXPRESSION}.0000.if": "is_tls", f"{EXPRESSION}.0000.then": "true", f"{EXPRESSION}.0001.else": "false"},
        {EXPRESSION: "true", f"{EXPRESSION}.0000.if": "this list is hidden by the scalar (("},
        {"lookup.table.a.b|c@d": "1"},
        {"server.allowed-ip.10.0.0.0/8": ""},
        {"server.allowed-ip.2000::/8": ""},
        {"server.allowed-ip.10.1.2.3/+24": ""},
        {"server.auto-ban.scan.rate": "disable"},
        {"server.auto-ban.scan.rate": "unlimited"},
        {"server.auto-ban.scan.rate": f"+{2**64 - 1}/1d"},
        {"asn.type": "none"},
        BY_RESOURCE,
        BY_NAME | {"asn.index.asn": "0"},
        ROUTE | {"queue.route.zz.port": "25", "queue.route.zz.protocol": "smtp"},
        {"queue.route.zz.type": "mx"},
        {"http.headers.0000": "X-A.b: \u00fcber"},
        {MODEL: "disabled", SIZE: "99"},
        {MODEL: "ftrl-ccfh", OTHER_SIZE: "16"},
        {OTHER_SIZE: "99"},
        {ANY_NUMBER: f"+{2**64 - 1}"},
        {"imap.auth.max-failures": str(2**32 - 1)},
        {"spam-filter.score.spam": "1e400"},
        {ANY_TIME: str(2**64 - 1)},
        {ANY_TIME: "5 0S"},
        {"queue.schedule.local.retry.0": "90s"},
        {"directory.zz.@type": "Oidc"},
        {"signature.broken.private-key": "nonsense", "signature.broken.domain": "x.test"},
    ],
)
def test_accepted(rest: Rest, values: dict[str, str]) -> None:
    """A macro in the data store stays text, an unknown key is ignored, a single `=` with a blank compares."""
    rest.insert(values | {"x-test.macro": "%{env:NOT_THERE}%"})
    assert rest.reload(**{"dry-run": "1"}) == {}


def _hostname(rest: Rest) -> str:
    """As it runs: the records' MX."""
    content = rest.data("GET", "/api/dns/records/x.test")[0]["content"]
    return str(content).removeprefix("10 ").rstrip(".")


def test_stored_is_not_running_until_an_accepted_reload(rest: Rest) -> None:
    running = _hostname(rest)
    rest.insert({"server.hostname": "new.contract.test"})
    assert _hostname(rest) == running
    assert rest.reload(**{"dry-run": "true"}) == {}
    assert _hostname(rest) == running
    # One wrong key anywhere, and nothing at all is applied.
    rest.insert({"spam-filter.score.spam": "a lot"})
    assert list(rest.reload()) == ["spam-filter.score.spam"]
    assert _hostname(rest) == running
    rest.operate({"type": "delete", "keys": ["spam-filter.score.spam"]})
    assert rest.reload(**{"dry-run": ""}) == {}  # an empty parameter is none: this one applies
    assert _hostname(rest) == "new.contract.test"


def test_any_other_path_is_a_full_reload(rest: Rest) -> None:
    rest.insert({"spam-filter.score.spam": "a lot"})
    assert rest.reload("/lookup") == {}
    assert rest.reload("/certificate") == {}
    assert rest.reload("/server.blocked-ip") == {}
    assert list(rest.reload("/foo")) == ["spam-filter.score.spam"]


def test_missing_default_directory(rest: Rest) -> None:
    """Nothing is applied; after a restart only the fallback administrator gets in, others meet a 500."""
    rest.insert({"storage.directory": "internal"})  # put back after the test
    rest.operate({"type": "delete", "keys": ["storage.directory"]})
    assert rest.reload() == {"storage.directory": {"type": "parse", "error": "Missing property"}}
    if rest.target.restart is None:
        pytest.skip("this server may not be restarted")
    rest.target.restart()
    assert rest.http("GET", "/api/principal").status_code == 200
    assert rest.http("GET", "/api/principal", auth=("admin", "wrong")).status_code == 500


def test_pyzor_without_name_resolution(rest: Rest) -> None:
    """No reload applies until Pyzor is off, whether the filter is on or not."""
    if rest.target.simulator is None:
        pytest.skip("the real server's name resolution is not the tests' to break")
    rest.target.simulator.faults("resolution")
    rest.insert({"spam-filter.pyzor.enable": "true", "spam-filter.enable": "false"})
    errors = rest.reload()
    rest.target.simulator.faults()
    assert errors["spam-filter.pyzor.host"]["type"] == "build"


# -- lookup tables ---------------------------------------------------------------------------------------------------


def _tables(rest: Rest) -> dict[str, dict[str, str]]:
    """What is loaded, which no API tells."""
    if rest.target.simulator is None:
        pytest.skip("only the simulator shows its lookup tables")
    return dict(rest.target.simulator.request("GET", "/simulator/lookups"))


def test_lookup_tables_have_their_own_reload(rest: Rest) -> None:
    assert "t1" not in _tables(rest)
    rest.insert({"lookup.t1.a|x@y.test": ""})
    rest.reload()
    assert _tables(rest)["t1"] == {"a|x@y.test": ""}
    rest.insert({"lookup.t1.b": ""})
    rest.reload()  # a table that is loaded stays as it is
    assert list(_tables(rest)["t1"]) == ["a|x@y.test"]
    rest.reload("/lookup")
    assert sorted(_tables(rest)["t1"]) == ["a|x@y.test", "b"]
    rest.operate({"type": "clear", "prefix": "lookup.t1."})
    rest.reload("/lookup")
    rest.reload()
    assert sorted(_tables(rest)["t1"]) == ["a|x@y.test", "b"]  # the last entry goes with a restart only
    assert rest.target.restart is not None
    rest.target.restart()
    assert "t1" not in _tables(rest)


def test_database_keys_in_the_file_win(rest: Rest) -> None:
    """A stored value below is never seen."""
    if rest.target.simulator is None or rest.target.restart is None:
        pytest.skip("only the simulator's config.toml is at hand")
    path = rest.target.simulator.config
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text + 'x-file = { key = "file" }\n' if "[" not in text else f'x-file.key = "file"\n{text}', encoding="utf-8"
    )
    rest.target.restart()
    rest.insert({"x-file.key": "database"})
    assert rest.keys(keys="x-file.key") == {"x-file.key": "file"}
    rest.data("DELETE", "/api/settings/x-file.key")
    assert rest.listed("x-file")["items"] == {"key": "file"}
    rest.operate({"type": "clear", "prefix": "x-file."})  # takes both, whatever the class
    assert rest.listed("x-file")["items"] == {}
