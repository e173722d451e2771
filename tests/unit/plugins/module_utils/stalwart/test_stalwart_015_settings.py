"""0.15: what settings mean for what a server stores, without a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.http_client import HttpClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.driver import SettingsAsk
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.client import RestClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.native import native_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.settings import SettingsTask

#: A server whose directories are no local keys (contract 12.1).
STORED = {
    "config.local-keys.0000": "directory.internal.*",
    "config.local-keys.0001": "tracer.*",
    "config.local-keys.0002": "server.*",
    "config.local-keys.0003": "!server.allowed-ip.*",
    "config.local-keys.0004": "!server.blocked-ip.*",
    "directory.internal.type": "internal",
    "storage.directory": "internal",
    "server.hostname": "mail.acme.test",
    "tracer.console.type": "stdout",
    "tracer.console.level": "info",
}
SECRET = "canary-secret-1"


class Server:
    """The conversation of one task with a server that stores these keys; what it wrote."""

    def __init__(self, script: Any, http: HttpClient, stored: Mapping[str, str], domains: Any = None) -> None:
        self.stored = dict(stored)
        self._domains = domains
        self._script = script
        self.http = http

    def reads(self, times: int = 1) -> Server:
        for _ in range(times):
            self._script.steps.append(("GET", Anything(), (200, lambda _body: {"data": dict(self.stored)}, {})))
            if self._domains is not None:
                items = [{"type": "domain", **entry} for entry in self._domains]
                self._script.expect("GET", "/api/principal?types=domain", {"data": {"items": items, "total": 1}})
        return self

    def reload(self, path: str, errors: Any = None) -> Server:
        self._script.expect("GET", path, {"data": {"warnings": {}, "errors": errors or {}}})
        return self

    def posts(self) -> Server:
        self._script.expect("POST", "/api/settings", self._apply)
        return self

    def _apply(self, body: list[dict[str, Any]]) -> dict[str, Any]:
        for operation in body:
            if operation["type"] == "delete":
                for key in operation["keys"]:
                    self.stored.pop(key, None)
                continue
            prefix = f"{operation['prefix']}." if operation["prefix"] else ""
            if operation["assert_empty"] and any(key.startswith(prefix) for key in self.stored):
                return {"error": "assertFailed"}
            self.stored.update({f"{prefix}{key}": text for key, text in operation["values"]})
        return {"data": None}


class Anything(str):
    """Equals every path of ``/api/settings/keys``."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return str(other).startswith("/api/settings/keys?")

    __hash__ = str.__hash__


def run(server: Server | None, settings: Any, *, check: bool = False, **more: Any) -> dict[str, Any]:
    ask = SettingsAsk(settings, **{"exclusive": (), **more})
    return SettingsTask(RestClient(server.http) if server else None, ask).run(check)


def words(result: Mapping[str, Any]) -> list[str]:
    return [f"{change['action']} {change['kind']} {change['key']}" for change in result["changes"]]


BAD: list[tuple[str, Any, dict[str, Any], str, str]] = [
    ("unknown type, nearly right", {"spamSetings.enable": True}, {}, "invalid_value", "did you mean 'spamSettings'"),
    ("unknown property", {"spamSettings.enabled": True}, {}, "invalid_value", "did you mean 'enable'"),
    ("wrong type", {"spamSettings.enable": "no"}, {}, "invalid_value", "expected true or false"),
    ("out of range", {"spamPyzor.ratio": 2}, {}, "invalid_value", "from 0 to 1"),
    ("empty part", {"spamSettings..enable": True}, {}, "invalid_value", "empty part"),
    ("no mapping", {"spamSettings": True}, {}, "invalid_value", "a mapping of properties"),
    ("labels that are none", {"mtaRoute": ["x"]}, {}, "invalid_value", "a mapping of labels"),
    ("label with a dot", {"mtaRoute": {"a.b": {"@type": "Mx"}}}, {}, "invalid_value", "letters, digits"),
    ("no address", {"allowedIp": {"everywhere": {}}}, {}, "invalid_value", "an IP address"),
    ("no domain", {"domain": {"not a domain": {}}}, {}, "invalid_value", "a host name"),
    ("lookup without key", {"memoryLookupKey": {"table": {}}}, {}, "invalid_value", "<namespace>:<key>"),
    ("lookup with a comma", {"memoryLookupKey": {"t:a,b": {}}}, {}, "invalid_value", "comma"),
    (
        "given twice",
        {"spamSettings.enable": True, "spamSettings": {"enable": True}},
        {},
        "invalid_value",
        "given twice",
    ),
    ("twins", {"allowedIp": {"10.0.0.1": {}, "10.0.0.1/32": {}}}, {}, "invalid_value", "the same object"),
    ("tracer without type", {"tracer": {"x": {"level": "info"}}}, {}, "invalid_value", "@type: is missing"),
    ("level", {"tracer": {"x": {"@type": "Stdout", "level": "loud"}}}, {}, "invalid_value", "one of error"),
    ("another variant's", {"mtaRoute.x": {"@type": "Mx", "port": 25}}, {}, "invalid_value", "unknown property of Mx"),
    ("single =", {"mtaStageAuth.require": "local_port = 25"}, {}, "invalid_value", "single '='"),
    ("not its place", {"mtaStageAuth.mustMatchSender": "rcpt == 'x'"}, {}, "invalid_value", "unknown variable"),
    ("empty list of a default", {"security.scanBanPaths": []}, {}, "invalid_value", "at least one"),
    ("account", {"account": {"a": {}}}, {}, "invalid_value", "stalwart_principal"),
    ("dkim variant", {"domain": {"a.test": {"dkimManagement": "on"}}}, {}, "invalid_value", "mapping with @type"),
    (
        "dkim algorithm",
        {"domain": {"a.test": {"dkimManagement": {"@type": "Automatic", "algorithms": ["md5"]}}}},
        {},
        "invalid_value",
        "unknown; accepted",
    ),
    ("short secret", {"mtaRoute.x.authSecret": "short"}, {}, "invalid_value", "at least 8"),
    (
        "not on 0.15",
        {"directory.k": {"requireAudience": "x"}},
        {},
        "unsupported_by_generation",
        "directory.k.requireAudience",
    ),
    ("unknown here", {"webHook.x": {"url": "https://x.test"}}, {}, "unsupported_by_generation", "webHook.x"),
    (
        "unknown here, although reported",
        {"frobnicator.speed": "x"},
        {"on_unsupported": "report"},
        "unsupported_by_generation",
        "frobnicator.speed",
    ),
    ("domain's own", {"domain": {"a.test": {"aliases": ["b.test"]}}}, {}, "unsupported_by_generation", "aliases"),
    ("unknown prefix", {}, {"exclusive": ("nothing",)}, "invalid_value", "exclusive 'nothing'"),
    ("whole tables", {}, {"exclusive": ("memoryLookupKey",)}, "unsupported_by_generation", "lookup tables"),
    ("prefix of what is not given", {}, {"exclusive": ("mtaRoute.x",)}, "invalid_value", "do not give"),
    ("absent with a value", {"spamSettings.enable": False}, {"state": "absent"}, "invalid_value", "give null"),
    ("native: 0.16's name", {"directory.k.@type": "Oidc"}, {"vocabulary": "native"}, "invalid_value", "name of 0.16"),
    ("native: table only", {"lookup.x": "y"}, {"vocabulary": "native"}, "invalid_value", "needs an entry"),
    ("native: empty part", {"a..b": "y"}, {"vocabulary": "native"}, "invalid_value", "empty part"),
    ("native: comma", {"a.b,c": "y"}, {"vocabulary": "native"}, "invalid_value", "comma"),
    ("native: twice", {"a.b": "y", "a": {"b": "z"}}, {"vocabulary": "native"}, "invalid_value", "given twice"),
    ("native: single =", {"session.auth.require": "a = 1"}, {"vocabulary": "native"}, "invalid_value", "single '='"),
    (
        "native: no else",
        {"session.auth.require": [{"if": "is_tls", "then": "true"}]},
        {"vocabulary": "native"},
        "invalid_value",
        "a last one with else",
    ),
    ("native: ours", {"tenantmail.pending.lookup": ""}, {"vocabulary": "native"}, "invalid_value", "collection's own"),
    ("native: no default", {"storage.directory": None}, {"vocabulary": "native"}, "invalid_value", "no reload works"),
    ("native: server's own", {}, {"vocabulary": "native", "exclusive": ("lookup",)}, "invalid_value", "longer prefix"),
    (
        "native: absent with value",
        {"a.b": 1},
        {"vocabulary": "native", "state": "absent"},
        "invalid_value",
        "give null",
    ),
]


@pytest.mark.parametrize(("name", "settings", "more", "code", "says"), BAD, ids=[row[0] for row in BAD])
def test_refused_before_any_write(
    script: Any, http: HttpClient, name: str, settings: Any, more: dict[str, Any], code: str, says: str
) -> None:
    """What another server might take is told together with what this one bars, so it is read."""
    server = Server(script, http, STORED, [] if "domain" in settings else None)
    with pytest.raises(Failure) as caught:
        run(server.reads() if code == "unsupported_by_generation" else server, settings, **more)
    assert (caught.value.code, http.requests > 0) == (code, code == "unsupported_by_generation")
    assert {method for method, *_rest in script.seen} <= {"GET"}
    assert says in caught.value.message
    assert caught.value.details


def test_everything_wrong_is_told_at_once(http: HttpClient) -> None:
    settings = {
        "spamSettings.enable": "no",
        "directory.k": {"requireAudience": "x", "requireScopes": ["openid"], "claimGroups": "groups"},
        "mtaRoute.x.authSecret": {"@type": "Value", "secret": 12345678, "extra": SECRET},
    }
    with pytest.raises(Failure) as caught:
        run(Server(None, http, {}), settings)
    keys = [entry["key"] for entry in caught.value.details]
    assert keys == [
        "spamSettings.enable",
        "mtaRoute.x.authSecret",
        "directory.k.requireAudience",
        "directory.k.requireScopes",
        "directory.k.claimGroups",
    ]
    assert SECRET not in str(caught.value.as_result())


REFUSED_LATER: list[tuple[str, Any, dict[str, Any], str, str]] = [
    ("local", {"systemSettings.defaultHostname": "mx.acme.test"}, {}, "conflict", "server.hostname = 'mx.acme.test'"),
    ("tracer", {"tracer.stdout": {"@type": "Stdout", "ansi": False}}, {}, "conflict", "tracer.console.ansi = 'false'"),
    ("listener", {"networkListener.x.bind": ["[::]:587"]}, {}, "conflict", "server.listener.x.bind.0000"),
    ("no such directory", {"authentication.directoryId": "none"}, {}, "invalid_value", "names no directory"),
    ("new without type", {"mtaRoute.x": {"description": "x"}}, {}, "invalid_value", "@type: is missing"),
    ("new without address", {"mtaRoute.x": {"@type": "Relay"}}, {}, "invalid_value", "address: is missing"),
    ("new without issuer", {"directory.k": {"@type": "Oidc"}}, {}, "invalid_value", "issuerUrl: is missing"),
    (
        "native directory",
        {"storage.directory": "none"},
        {"vocabulary": "native"},
        "invalid_value",
        "names no directory",
    ),
]


@pytest.mark.parametrize(("name", "settings", "more", "code", "says"), REFUSED_LATER, ids=[r[0] for r in REFUSED_LATER])
def test_refused_after_reading(
    script: Any, http: HttpClient, name: str, settings: Any, more: dict[str, Any], code: str, says: str
) -> None:
    with pytest.raises(Failure) as caught:
        run(Server(script, http, STORED).reads(), settings, **more)
    assert (caught.value.code, http.requests) == (code, 1)
    assert says in caught.value.message


def test_names_without_a_counterpart_and_keys_of_the_file_are_told_together(script: Any, http: HttpClient) -> None:
    settings = {"systemSettings.defaultHostname": "mx.acme.test", "webHook.x": {"url": "https://x.test"}}
    with pytest.raises(Failure) as caught:
        run(Server(script, http, STORED).reads(), settings)
    assert caught.value.code == "unsupported_by_generation"
    assert "webHook.x" in caught.value.message
    assert "server.hostname = 'mx.acme.test'" in caught.value.message
    assert "config.local-keys" in caught.value.hint
    assert [entry["key"] for entry in caught.value.details] == ["webHook.x", "systemSettings.defaultHostname"]


def test_a_local_key_that_is_right_is_no_matter(script: Any, http: HttpClient) -> None:
    settings = {
        "systemSettings.defaultHostname": "MAIL.acme.test",
        "tracer.stdout": {"@type": "Stdout", "level": "info", "ansi": True},
    }
    result = run(Server(script, http, STORED).reads(), settings)
    assert not result["changed"]
    assert result["settings"]["tracer"] == {"stdout": {"@type": "Stdout", "level": "info", "ansi": True}}


def test_a_write_is_tried_marked_run_and_read_back(script: Any, http: HttpClient) -> None:
    server = Server(script, http, STORED).reads().reload("/api/reload?dry-run=true").posts()
    server.reload("/api/reload").posts().reads()
    result = run(server, {"spamSettings.enable": False})
    assert words(result) == ["update spamSettings singleton"]
    assert result["diff"][0]["before"] == {"enable": True}
    posted = [body for method, _path, body, _headers in script.seen if method == "POST"]
    assert posted[0][0]["values"] == [["tenantmail.pending.settings", ""]]
    assert posted[1] == [{"type": "delete", "keys": ["tenantmail.pending.settings"]}]
    assert server.stored == {**STORED, "spam-filter.enable": "false"}


def test_check_mode_tries_but_writes_nothing(script: Any, http: HttpClient) -> None:
    server = Server(script, http, STORED).reads().reload("/api/reload?dry-run=true")
    assert run(server, {"spamSettings.enable": False}, check=True)["changed"]
    assert [method for method, *_rest in script.seen] == ["GET", "GET"]


def test_a_trial_that_fails_for_other_keys_stops_before_the_write(script: Any, http: HttpClient) -> None:
    errors = {"session.auth.require": {"type": "parse", "error": "bad"}}
    server = Server(script, http, STORED).reads().reload("/api/reload?dry-run=true", errors)
    with pytest.raises(Failure) as caught:
        run(server, {"spamSettings.enable": False})
    assert caught.value.code == "reload_refused"
    assert "session.auth.require: bad" in caught.value.message
    assert "Nothing was written" in caught.value.hint
    assert server.stored == STORED


def test_what_the_write_heals_does_not_stop_it(script: Any, http: HttpClient) -> None:
    errors = {"spam-filter.pyzor.host": {"type": "build", "error": "no name resolution"}}
    server = Server(script, http, STORED).reads().reload("/api/reload?dry-run=true", errors).posts()
    server.reload("/api/reload").posts().reads()
    assert run(server, {"spamPyzor.enable": False})["changed"]


def test_a_refused_reload_is_owed_and_repeated(script: Any, http: HttpClient) -> None:
    errors = {"spam-filter.score.spam": {"type": "parse", "error": "bad"}}
    server = (
        Server(script, http, STORED).reads().reload("/api/reload?dry-run=true").posts().reload("/api/reload", errors)
    )
    with pytest.raises(Failure) as caught:
        run(server, {"spamSettings.enable": False})
    assert "are stored, but the server refuses to run them" in caught.value.message
    server.reads().posts().reload("/api/reload").posts().reads()
    result = run(server, {"spamSettings.enable": False})
    assert words(result) == ["update running settings settings"]
    assert not run(server.reads(), {"spamSettings.enable": False})["changed"]


def test_without_a_default_directory_the_internal_one_comes_first(script: Any, http: HttpClient) -> None:
    stored = {key: text for key, text in STORED.items() if key != "storage.directory"}
    missing = {"storage.directory": {"type": "parse", "error": "Missing property"}}
    server = Server(script, http, stored).reads().reload("/api/reload?dry-run=true", missing).posts()
    server.reload("/api/reload").posts().reads()
    result = run(server, {"spamSettings.enable": False})
    assert words(result) == ["create authentication singleton", "update spamSettings singleton"]
    assert server.stored["storage.directory"] == "internal"


OIDC = {"@type": "Oidc", "issuerUrl": "https://k.test/realms/a"}


def test_a_directory_and_its_defaults(script: Any, http: HttpClient) -> None:
    server = Server(script, http, STORED).reads().reload("/api/reload?dry-run=true").posts()
    server.reload("/api/reload").posts().reads()
    result = run(server, {"directory.keycloak": OIDC, "storage.directory": "keycloak"})
    assert words(result) == ["create directory keycloak", "update authentication singleton"]
    written = {key: text for key, text in server.stored.items() if key.startswith("directory.keycloak.")}
    assert written == {
        "directory.keycloak.type": "oidc",
        "directory.keycloak.endpoint.url": "https://k.test/realms/a/protocol/openid-connect/userinfo",
        "directory.keycloak.endpoint.method": "userinfo",
        "directory.keycloak.fields.email": "email",
        "directory.keycloak.fields.username": "preferred_username",
        "directory.keycloak.fields.full-name": "name",
    }
    assert result["running_issuer"] == "https://k.test/realms/a"


def test_drift_of_what_a_variant_always_has_is_seen(script: Any, http: HttpClient) -> None:
    stored = {
        **STORED,
        "directory.k.type": "oidc",
        "directory.k.endpoint.url": "https://k.test/realms/a/protocol/openid-connect/userinfo",
        "directory.k.endpoint.method": "introspect",
        "directory.k.fields.email": "email",
    }
    server = Server(script, http, stored).reads().reload("/api/reload?dry-run=true")
    result = run(server, {"directory.k": OIDC}, check=True)
    assert result["diff"][0]["before"] == {"(endpoint.method)": "introspect"}


def test_somebody_faster_is_planned_again(script: Any, http: HttpClient) -> None:
    server = Server(script, http, STORED).reads()

    def meanwhile(_body: Any) -> Any:
        server.stored["queue.route.out.type"] = "local"
        return {"data": {"warnings": {}, "errors": {}}}

    script.expect("GET", "/api/reload?dry-run=true", meanwhile)
    server.posts().reads().reload("/api/reload?dry-run=true").posts().reload("/api/reload").posts().reads()
    assert words(run(server, {"mtaRoute.out": {"@type": "Mx"}})) == ["create mtaRoute out"]
    assert server.stored["queue.route.out.type"] == "mx"


ROUTE = {
    "queue.route.out.type": "relay",
    "queue.route.out.address": "relay.test",
    "queue.route.out.auth.secret": SECRET,
}


@pytest.mark.parametrize(
    ("given", "update", "changed"),
    [
        (SECRET, "on_create", False),
        (SECRET, "always", False),
        ("another-secret", "on_create", False),
        ("another-secret", "always", True),
    ],
)
def test_secrets_are_compared_and_never_shown(
    script: Any, http: HttpClient, given: str, update: str, changed: bool
) -> None:
    server = Server(script, http, {**STORED, **ROUTE}).reads()
    if changed:
        server.reload("/api/reload?dry-run=true").posts().reload("/api/reload").posts().reads()
    result = run(server, {"mtaRoute.out.authSecret": given}, update_secrets=update)
    assert result["changed"] is changed
    assert given not in str(result)
    assert SECRET not in str(result)
    assert server.stored["queue.route.out.auth.secret"] == (given if changed else SECRET)


def test_shrinking_lists_leave_nothing_behind(script: Any, http: HttpClient) -> None:
    stored = {**STORED, "http.headers": "X-A: 1", "http.headers.0": "X-B: 2", "http.headers.0001": "X-C: 3"}
    server = Server(script, http, stored).reads().reload("/api/reload?dry-run=true").posts()
    server.reload("/api/reload").posts().reads()
    run(server, {"http.responseHeaders": {"X-C": "3"}}, exclusive=("http.responseHeaders",))
    assert {k: v for k, v in server.stored.items() if k.startswith("http.")} == {"http.headers.0000": "X-C: 3"}


def test_an_expression_changes_its_form(script: Any, http: HttpClient) -> None:
    listed = {
        "session.auth.require.0.if": "is_tls",
        "session.auth.require.0.then": "true",
        "session.auth.require.1.else": "false",
    }
    server = Server(script, http, {**STORED, **listed}).reads().reload("/api/reload?dry-run=true").posts()
    server.reload("/api/reload").posts().reads()
    run(server, {"mtaStageAuth.require": "true"})
    assert {k: v for k, v in server.stored.items() if k.startswith("session.")} == {"session.auth.require": "true"}


def test_absent(script: Any, http: HttpClient) -> None:
    stored = {**STORED, **ROUTE, "spam-filter.enable": "false", "lookup.vip.a": "", "server.allowed-ip.10.0.0.1": ""}
    server = Server(script, http, stored).reads().reload("/api/reload?dry-run=true").posts()
    server.reload("/api/reload").reload("/api/reload/lookup").posts().reads()
    gone = {
        "mtaRoute.out": {},
        "spamSettings.enable": None,
        "memoryLookupKey": {"vip:a": {}},
        "allowedIp": {"10.0.0.1/32": None},
    }
    result = run(server, gone, state="absent")
    assert words(result) == [
        "delete mtaRoute out",
        "update spamSettings singleton",
        "delete memoryLookupKey vip:a",
        "delete allowedIp 10.0.0.1/32",
    ]
    assert SECRET not in str(result)
    # A table whose last entry goes would stay in memory until a restart.
    assert server.stored == {**STORED, "lookup.vip.tenantmail-keep": ""}


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_reason_goes_and_the_address_stays(script: Any, http: HttpClient, state: str) -> None:
    server = Server(script, http, {**STORED, "server.allowed-ip.10.0.0.1": "why"}).reads()
    server.reload("/api/reload?dry-run=true").posts().reload("/api/reload").posts().reads()
    result = run(server, {"allowedIp": {"10.0.0.1": {"reason": None}}}, state=state)
    assert words(result) == ["update allowedIp 10.0.0.1"]
    assert server.stored["server.allowed-ip.10.0.0.1"] == ""


def test_the_default_directory_is_not_removed(script: Any, http: HttpClient) -> None:
    stored = {**STORED, "directory.k.type": "oidc", "storage.directory": "k"}
    with pytest.raises(Failure) as caught:
        run(Server(script, http, stored).reads(), {"directory.k": {}}, state="absent")
    assert (caught.value.code, "still used" in caught.value.message) == ("conflict", True)


def test_a_tracer_goes_by_its_type(script: Any, http: HttpClient) -> None:
    stored = {key: text for key, text in STORED.items() if text != "tracer.*"}
    server = Server(script, http, stored).reads().reload("/api/reload?dry-run=true").posts()
    server.reload("/api/reload").posts().reads()
    result = run(server, {"tracer": {"any": {"@type": "Stdout"}}}, state="absent")
    assert words(result) == ["delete tracer any"]
    assert not any(key.startswith("tracer.") for key in server.stored)
    assert not run(server.reads(), {"tracer": {"any": {"@type": "Stdout"}}}, state="absent")["changed"]


def test_a_directory_takes_the_place_of_all_others(script: Any, http: HttpClient) -> None:
    stored = {**STORED, "directory.old.type": "oidc", "storage.directory": "old"}
    server = Server(script, http, stored).reads().reload("/api/reload?dry-run=true").posts()
    server.reload("/api/reload").posts().reads()
    settings = {"directory.k": OIDC, "authentication.directoryId": "k"}
    result = run(server, settings, exclusive=("directory",))
    assert words(result) == ["create directory k", "update authentication singleton", "delete directory old"]
    assert server.stored["storage.directory"] == "k"
    back = {"authentication.directoryId": None, "directory.k": {}}
    server.reads().reload("/api/reload?dry-run=true").posts().reload("/api/reload").posts().reads()
    assert words(run(server, back, state="absent")) == ["update authentication singleton", "delete directory k"]
    assert server.stored == STORED


def test_exclusive(script: Any, http: HttpClient) -> None:
    stored = {
        **STORED,
        "directory.old.type": "oidc",
        "directory.ldap.type": "ldap",
        "spam-filter.score.spam": "9",
        "server.allowed-ip.10.0.0.1": "",
        "server.allowed-ip.10.0.0.2": "",
    }
    server = Server(script, http, stored).reads().reload("/api/reload?dry-run=true").posts()
    server.reload("/api/reload").posts().reads()
    result = run(
        server,
        {"directory.k": OIDC, "allowedIp": {"10.0.0.1": {}}, "spamSettings.enable": True},
        exclusive=("directory", "allowedIp", "spamSettings"),
    )
    assert sorted(words(result)) == [
        "create directory k",
        "delete allowedIp 10.0.0.2",
        "delete directory old",
        "update spamSettings singleton",
    ]
    # Neither the internal directory nor one that no canonical type stands for is anybody's to remove here.
    assert {key for key in server.stored if key.endswith(".type")} >= {
        "directory.internal.type",
        "directory.ldap.type",
    }


def test_native_keys(script: Any, http: HttpClient) -> None:
    stored = {**STORED, "a.list.0": "x", "a.list.1": "y", "a.list.2": "z", "a.gone": "1", "p.q.old": "1"}
    server = Server(script, http, stored).reads().reload("/api/reload?dry-run=true").posts()
    server.reload("/api/reload").reload("/api/reload/lookup").posts().reads()
    settings = {
        "a": {"list": ["y", "x"], "flag": True, "number": 25, "gone": None},
        "session.auth.require": [{"if": "is_local_domain('*', 'x')", "then": "true"}, {"else": "false"}],
        "lookup.t.a.b@c.test": "",
        "p.q.new": "2",
    }
    result = run(server, settings, vocabulary="native", exclusive=("p.q",))
    assert "delete native p.q.old" in words(result)
    kept = {key: text for key, text in server.stored.items() if key.split(".")[0] in ("a", "session", "lookup", "p")}
    assert kept == {
        "a.list.0000": "y",
        "a.list.0001": "x",
        "a.flag": "true",
        "a.number": "25",
        "session.auth.require.0000.if": "is_local_domain('*', 'x')",
        "session.auth.require.0000.then": "true",
        "session.auth.require.0001.else": "false",
        "lookup.t.a.b@c.test": "",
        "p.q.new": "2",
    }
    assert not run(server.reads(), settings, vocabulary="native", exclusive=("p.q",))["changed"]


def test_native_secrets_are_masked_in_any_form(script: Any, http: HttpClient) -> None:
    settings = {"a.secret": SECRET, "b": {"private-key": SECRET, "secrets": [SECRET, "another-canary"]}}
    assert native_secrets(settings) == [SECRET, SECRET, SECRET, "another-canary"]
    server = Server(script, http, STORED).reads().reload("/api/reload?dry-run=true").posts()
    server.reload("/api/reload").posts().reads()
    assert "canary" not in str(run(server, settings, vocabulary="native"))
    again = run(server.reads(), settings, vocabulary="native", update_secrets="always")
    assert (again["changed"], "canary" in str(again)) == (False, False)
    local = {"server.x.secret": SECRET}
    with pytest.raises(Failure) as caught:
        run(server.reads(), local, vocabulary="native")
    assert (caught.value.code, "canary" in str(caught.value.as_result())) == ("conflict", False)


def test_reported_instead_of_refused(script: Any, http: HttpClient) -> None:
    directory = {**OIDC, "requireAudience": "stalwart", "usernameDomain": None}
    hook = {"webHook.x": {"url": "https://x.test"}}
    server = Server(script, http, STORED).reads().reload("/api/reload?dry-run=true")
    result = run(server, {"directory.k": directory, **hook}, check=True, on_unsupported="report")
    assert [entry["key"] for entry in result["unsupported"]] == ["directory.k.requireAudience", "webHook.x"]
    assert "requireAudience" in result["warnings"][0]


DOMAIN = [{"name": "acme.test", "description": "Acme", "members": 3}]
KEYS = {"signature.rsa-acme.test.selector": "202611r", "signature.ed25519-acme.test.selector": "202611e"}


def test_a_domain_that_is_complete(script: Any, http: HttpClient) -> None:
    server = Server(script, http, {**STORED, **KEYS}, DOMAIN).reads()
    result = run(server, {"domain": {"ACME.test": {"description": "Acme"}}})
    assert not result["changed"]
    assert result["settings"] == {"domain": {"acme.test": {"description": "Acme"}}}
    assert http.requests == 2


def test_a_domain_in_use_is_not_removed(script: Any, http: HttpClient) -> None:
    with pytest.raises(Failure) as caught:
        run(Server(script, http, {**STORED, **KEYS}, DOMAIN).reads(), {"domain": {"acme.test": {}}}, state="absent")
    assert caught.value.code == "conflict"
    assert "3 address(es)" in caught.value.message


@pytest.mark.parametrize(
    ("management", "made"),
    [
        ({}, ["Ed25519", "Rsa"]),
        ({"dkimManagement": {"@type": "Automatic", "algorithms": ["Dkim1RsaSha256"]}}, ["Rsa"]),
        ({"dkimManagement": {"@type": "Manual"}}, []),
    ],
)
def test_a_new_domain_gets_its_keys_first(
    script: Any, http: HttpClient, management: dict[str, Any], made: list[str]
) -> None:
    domains: list[dict[str, Any]] = []
    server = Server(script, http, STORED, domains).reads().reload("/api/reload?dry-run=true").posts()
    for algorithm in made:
        name = algorithm.lower()

        def store(body: Any, name: str = name) -> Any:
            server.stored[f"signature.{name}-acme.test.selector"] = "x"
            return {"data": None}

        script.expect("POST", "/api/dkim", store)

    def create(body: Any) -> Any:
        domains.append(body)
        script.steps[-1] = (*script.steps[-1][:2], (200, {"data": {"items": [body], "total": 1}}, {}))
        return {"data": 1}

    script.expect("POST", "/api/principal", create)
    server.reload("/api/reload").posts().reads()
    result = run(server, {"domain": {"acme.test": management}})
    assert words(result) == ["create domain acme.test"]
    sent = [body["algorithm"] for _m, path, body, _h in script.seen if path == "/api/dkim"]
    assert sent == made
    assert domains == [{"type": "domain", "name": "acme.test"}]


def test_ids_that_begin_alike_are_refused(script: Any, http: HttpClient) -> None:
    server = Server(script, http, {**STORED, **KEYS}, DOMAIN).reads()
    with pytest.raises(Failure) as caught:
        run(server, {"domain": {"acme.test.example.test": {}, "acme.test": {}}})
    assert caught.value.code == "unsupported_by_generation"


def test_a_server_that_does_not_exist_yet() -> None:
    settings = {
        "domain": {"acme.test": {}},
        "systemSettings": {"defaultHostname": "mail.acme.test", "defaultDomainId": "acme.test"},
        "tracer.stdout": {"@type": "Stdout", "ansi": False},
        "directory.keycloak": OIDC,
        "authentication.directoryId": "keycloak",
        "spamSettings.enable": True,
    }
    result = run(None, settings, check=True)
    assert words(result) == [
        "create domain acme.test",
        "update systemSettings singleton",
        "create tracer stdout",
        "create directory keycloak",
        "update authentication singleton",
    ]
    assert (result["unvalidated"], result["settings"]) == (False, {})


def test_what_the_file_holds_is_named_when_it_wins(script: Any, http: HttpClient) -> None:
    server = Server(script, http, {**STORED, "spam-filter.enable": "true"}).reads()
    server.reload("/api/reload?dry-run=true")
    script.expect("POST", "/api/settings", {"data": None})
    server.reload("/api/reload").posts().reads()
    with pytest.raises(Failure) as caught:
        run(server, {"spamSettings.enable": False})
    assert caught.value.code == "not_converged"
    assert "config.toml" in caught.value.hint
