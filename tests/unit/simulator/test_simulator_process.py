"""The simulator as a process: what it boots from, keeps, refuses and logs."""

from __future__ import annotations

import http.client
import json
import urllib.error
from pathlib import Path
from typing import Any

import pytest
from tests.simulator import boot
from tests.simulator.fixture import Simulator, start_simulator


def _settings(tmp_path: Path, store: Any, **environ: str) -> boot.Settings:
    config = tmp_path / "config.json"
    if store is not None:
        config.write_text(store if isinstance(store, str) else json.dumps(store), encoding="utf-8")
    return boot.read(config, environ)


def test_recovery_admin(tmp_path: Path) -> None:
    store = {"@type": "RocksDb", "path": str(tmp_path)}
    settings = _settings(
        tmp_path, store, STALWART_RECOVERY_ADMIN=" Admin :pass:word ", STALWART_HOSTNAME="mail.acme.test"
    )
    assert (settings.recovery_user, settings.recovery_secret) == ("admin", "pass:word")
    assert (settings.mode, settings.hostname) == ("normal", "mail.acme.test")
    assert _settings(tmp_path, store, STALWART_RECOVERY_ADMIN="admin:").recovery_user == ""
    assert _settings(tmp_path, store, STALWART_RECOVERY_MODE="1").mode == "recovery"


@pytest.mark.parametrize(
    ("store", "database"),
    [
        ({"@type": "RocksDb", "path": "/data"}, "/data/simulator.sqlite3"),
        ({"@type": "Sqlite", "path": "/data/stalwart.db"}, "/data/stalwart.db"),
        ({"@type": "Sqlite", "path": "/data/"}, "/data/simulator.sqlite3"),
        ({"@type": "PostgreSql", "host": "db"}, "/var/lib/stalwart/simulator.sqlite3"),
    ],
)
def test_any_store(tmp_path: Path, store: dict[str, str], database: str) -> None:
    assert str(_settings(tmp_path, store).database) == database


def test_without_config_it_is_bootstrap_mode(tmp_path: Path) -> None:
    assert _settings(tmp_path, None).mode == "bootstrap"


@pytest.mark.parametrize(
    ("store", "complaint"),
    [
        ("{", "Failed to parse"),
        ("[]", "must hold one DataStore object"),
        ({"@type": "Oracle"}, "must hold one DataStore object"),
        ({"@type": "RocksDb"}, "property path is required"),
    ],
)
def test_wrong_configs(tmp_path: Path, store: Any, complaint: str) -> None:
    with pytest.raises(boot.BootError, match=complaint):
        _settings(tmp_path, store)


def test_a_wrong_config_ends_the_process(tmp_path: Path) -> None:
    server = Simulator(tmp_path, store={"@type": "RocksDb"})
    with pytest.raises(RuntimeError, match="property path is required"):
        server.start()


def test_acknowledged_writes_survive_a_kill(tmp_path: Path) -> None:
    server = start_simulator(tmp_path)
    try:
        manual = {"@type": "Manual"}
        server.call(("x:Domain/set", {"create": {"d": {"name": "acme.test", "dkimManagement": manual}}}))
        server.kill()
        server.start()
        (found,) = server.call(("x:Domain/get", {"ids": None, "properties": ["name"]}))
        assert found["list"] == [{"name": "acme.test", "id": "b"}]
        server.call(("x:Domain/set", {"destroy": ["b"]}))
        (made,) = server.call(("x:Domain/set", {"create": {"d": {"name": "acme.test", "dkimManagement": manual}}}))
        assert made["created"]["d"]["id"] == "c"  # ids are never reused
    finally:
        server.stop()


def test_write_log(simulator: Simulator) -> None:
    """Every operation of a /set, by what became of it; no values; reads leave no trace. Kept across restarts."""
    values = {"name": "acme.test", "description": "canary-value"}
    simulator.call(("x:Domain/get", {"ids": None}), ("x:Domain/query", {}))
    assert simulator.writes() == []
    simulator.call(("x:Domain/set", {"create": {"d": values, "e": {"name": "bad"}}}))
    simulator.call(("x:Domain/set", {"update": {"b": {"description": "canary-value"}}}))
    simulator.restart()
    simulator.call(("x:Domain/set", {"update": {"b": {"description": None}}, "destroy": ["zz"]}))
    log = [{key: entry[key] for key in entry if key not in ("time", "user")} for entry in simulator.writes()]
    assert log == [
        {"object": "Domain", "op": "create", "changed": ["b"], "refused": ["e"]},
        {"object": "Domain", "op": "update", "unchanged": ["b"]},
        {"object": "Domain", "op": "update", "changed": ["b"]},
        {"object": "Domain", "op": "destroy", "refused": ["zz"]},
    ]
    assert "canary-value" not in json.dumps(simulator.writes())


def test_requests_are_counted(simulator: Simulator) -> None:
    before = simulator.requests()
    simulator.call(("x:Domain/query", {}))
    assert simulator.requests() == before + 2


def test_own_paths_need_the_recovery_admin(simulator: Simulator) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        simulator.request("GET", "/simulator/writes", authorization="Basic bm9ib2R5Om5vcGU=")
    assert refused.value.code == 401


def test_broken_name_resolution(simulator: Simulator) -> None:
    simulator.faults("resolution")
    reload = ("x:Action/set", {"create": {"r": {"@type": "ReloadSettings"}}})
    (refused,) = simulator.call(reload)
    assert refused["notCreated"]["r"]["objectId"] == {"object": "SpamPyzor", "id": "singleton"}
    _, accepted = simulator.call(("x:SpamPyzor/set", {"update": {"singleton": {"enable": False}}}), reload)
    assert "created" in accepted


def test_death_right_after_the_first_write(simulator: Simulator) -> None:
    """What was written is kept, the rest was never begun."""
    simulator.faults("exit-after-write")
    create = {name: {"namespace": "n", "key": name} for name in ("first", "second")}
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        simulator.call(("x:MemoryLookupKey/set", {"create": create}))
    simulator.start()
    (found,) = simulator.call(("x:MemoryLookupKey/get", {"ids": None, "properties": ["key"]}))
    assert [entry["key"] for entry in found["list"]] == ["first"]


def test_recovery_mode(tmp_path: Path) -> None:
    """One plain HTTP listener, no default objects, relative URLs."""
    server = start_simulator(tmp_path, STALWART_RECOVERY_MODE="1")
    try:
        assert server.request("GET", "/jmap/session")["apiUrl"] == "/jmap/"
        (roles,) = server.call(("x:Role/query", {}))
        assert roles["ids"] == []
    finally:
        server.stop()
