"""What goes wrong on a 0.15 server, what the user is told, and what the next run makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.api import Target
from tests.simulator.fixture import CONFIG_0_15 as CONFIG
from tests.simulator.fixture import Simulator, start_simulator

from .server import Server, refusal, words
from .test_settings_015 import SERVER, ask, old

__all__ = ["old"]
NAMED = {key: value for key, value in SERVER.items() if key in ("domain", "systemSettings", "tracer")}
Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts one empty server of 0.15 with this config.toml."""
    running: list[Simulator] = []

    def started(config: str = CONFIG) -> Server:
        running.append(start_simulator(tmp_path, "0.15", config, STALWART_HOSTNAME="mail.contract.test"))
        one = running[-1]
        return Server(Target("simulator", one.base_url, one.username, one.password), one)

    yield started
    for simulator in running:
        simulator.stop()


def behind(server: Server, **values: str) -> None:
    """Store keys behind the module's back; ``__`` stands for a dot, ``_`` for a hyphen."""
    pairs = [[key.replace("__", ".").replace("_", "-"), text] for key, text in values.items()]
    body = [{"type": "insert", "prefix": None, "values": pairs, "assert_empty": False}]
    assert ask(server, "POST", "/api/settings", body) == {"data": None}


def test_a_server_without_name_resolution(start: Start) -> None:
    server = start()
    assert server.simulator
    server.simulator.faults("resolution")
    for settings in (NAMED, {"spamSettings.enable": False}, {"domain": {"acme.test": {}}}):
        for check in (True, False):
            failure = refusal(server.settings, settings, check=check)
            assert failure.code == "reload_refused"
            assert "spam-filter.pyzor.host" in failure.message
            assert "spamPyzor.enable: false" in failure.hint
            assert "Nothing was written" in failure.hint
    assert server.writes() == []
    assert server.settings(SERVER)["changed"]
    assert not server.settings(SERVER)["changed"]


def test_a_reload_that_is_refused_after_the_write(old: Server) -> None:
    server = old
    server.settings(SERVER)
    wrong = {"spam-filter.score.spam": "many"}
    failure = refusal(server.settings, wrong, vocabulary="native")
    assert failure.code == "reload_refused"
    assert "spam-filter.score.spam" in failure.message
    assert "next run repeats the reload" in failure.hint
    # Another task learns of it before it writes anything.
    before = server.writes()
    failure = refusal(server.settings, {"http.enableHsts": True})
    assert (failure.code, "spam-filter.score.spam" in failure.message) == ("reload_refused", True)
    assert server.writes() == before
    assert words(server.settings(SERVER, check=True)) == ["update running settings settings"]
    healed = server.settings({"spamSettings.scoreSpam": 6})
    assert words(healed) == ["update spamSettings singleton", "update running settings settings"]
    assert not server.settings({"spamSettings.scoreSpam": 6})["changed"]
    assert not server.settings(SERVER)["changed"]


def test_a_key_of_the_store_that_stands_in_the_file(start: Start) -> None:
    server = start(CONFIG.replace("[storage]", "[spam-filter]\ntrusted-reply.enable = false\n\n[storage]"))
    server.settings(SERVER)
    failure = refusal(server.settings, {"spamSettings.trustReplies": True})
    assert failure.code == "not_converged"
    assert "config.toml" in failure.hint


@pytest.mark.parametrize(
    ("settings", "native"),
    [
        ({"systemSettings.defaultHostname": "mx.acme.test"}, "server.hostname"),
        ({"tracer.stdout": {"@type": "Stdout", "level": "debug"}}, "tracer.console.level"),
        ({"security.authBanRate": {"count": 5, "period": "1h"}}, "server.auto-ban.auth.rate"),
        ({"networkListener.submission": {"bind": ["[::]:5870"]}}, "server.listener.submission.bind.0000"),
    ],
)
def test_what_the_file_keeps_is_not_written(old: Server, settings: dict[str, Any], native: str) -> None:
    server = old
    for check in (True, False):
        failure = refusal(server.settings, settings, check=check)
        assert (failure.code, native in [entry["native"] for entry in failure.details]) == ("conflict", True)
        assert native in failure.message
    assert server.writes() == []


def test_a_directory_on_a_server_that_keeps_directories_in_its_file(start: Start) -> None:
    first, _brackets, rest = CONFIG.partition("server.hostname")
    assert "local-keys" in first
    server = start(
        f"server.hostname{rest}".replace('directory = "', 'x = "').replace(
            "[storage]", '[storage]\ndirectory = "internal"'
        )
    )
    directory = {"directory.k": {"@type": "Oidc", "issuerUrl": "https://k.test/realms/a"}}
    failure = refusal(server.settings, {**directory, "authentication.directoryId": "k"})
    assert failure.code == "conflict"
    assert "config.local-keys" in failure.hint
    assert {entry["native"] for entry in failure.details} >= {"directory.k.type", "storage.directory"}
    assert server.writes() == []


def test_ten_things_changed_behind_the_modules_back(old: Server) -> None:
    server = old
    desired: dict[str, Any] = {
        **SERVER,
        "domain": {"acme.test": {"description": "Acme"}},
        "http": {"rateLimitAnonymous": {"count": 500, "period": "1m"}, "responseHeaders": {"X-A": "1", "X-B": "2"}},
        "mtaStageAuth.mustMatchSender": "key_exists('vip', sender)",
        "mtaRoute.out": {"@type": "Relay", "address": "relay.test", "port": 587},
        "allowedIp": {"10.0.0.1": {"reason": "mine"}, "10.0.0.2": {}},
        "memoryLookupKey": {"vip:a": {}},
        "memoryLookupKeyValue": {"names:a": {"value": "Alice"}},
        "imap.timeoutIdle": "20m",
        "directory.k": {"@type": "Oidc", "issuerUrl": "https://k.test/realms/a"},
    }
    server.settings(desired)
    assert not server.settings(desired)["changed"]
    behind(
        server,
        spam_filter__enable="true",
        http__rate_limit__anonymous="5/1m",
        session__auth__must_match_sender="true",
        queue__route__out__port="25",
        imap__timeout__idle="1m",
        directory__k__endpoint__method="introspect",
        lookup__names__a="Mallory",
        server__allowed_ip__10__0__0__1="yours",
    )
    gone = [{"type": "delete", "keys": ["lookup.vip.a", "server.allowed-ip.10.0.0.2"]}]
    ask(server, "POST", "/api/settings", gone)
    before = server.writes()
    plan = server.settings(desired, check=True)
    assert sorted(words(plan)) == [
        "create allowedIp 10.0.0.2",
        "create memoryLookupKey vip:a",
        "update allowedIp 10.0.0.1",
        "update directory k",
        "update http singleton",
        "update imap singleton",
        "update memoryLookupKeyValue names:a",
        "update mtaRoute out",
        "update mtaStageAuth singleton",
        "update spamSettings singleton",
    ]
    assert server.writes() == before
    assert words(server.settings(desired)) == words(plan)
    assert not server.settings(desired)["changed"]


COMPARING = ["settings-list", "settings-reload", "domain-list", "domain-get"]
WRITING = ["settings-update", "domain-create", "domain-update", "domain-delete", "dkim-signature-create"]


def credential(server: Server, name: str, permissions: list[str]) -> dict[str, str]:
    """An API key that may do just this."""
    secret = f"{name}-secret-1"
    body = {"type": "apiKey", "name": name, "secrets": [secret], "enabledPermissions": ["authenticate", *permissions]}
    assert "data" in ask(server, "POST", "/api/principal", body)
    return {"api_username": name, "api_password": secret}


def test_the_permissions_that_suffice(old: Server) -> None:
    writer = credential(old, "writer", [*COMPARING, *WRITING])
    assert old.settings(SERVER, **writer)["changed"]
    described = {"domain": {"acme.test": {"description": "Acme"}, "other.test": {}}}
    assert old.settings(described, **writer)["changed"]
    assert old.settings({"domain": {"other.test": {}}}, state="absent", **writer)["changed"]
    reader = credential(old, "reader", COMPARING)
    assert not old.settings(SERVER, **reader)["changed"]
    assert old.settings({"http.enableHsts": True}, check=True, **reader)["changed"]
    before = old.writes()
    assert refusal(old.settings, {"http.enableHsts": True}, **reader).code == "forbidden"
    assert old.writes() == before
    wrong = refusal(old.settings, SERVER, api_password="reader-secret-2")
    assert (wrong.code, "bans" in wrong.hint) == ("unauthorized", True)
