"""The switches of both generations: what can go wrong with a server, put on and off from outside."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.simulator.fixture import PACKAGE, Simulator, free_port, start_simulator

STAND_IN = "127.0.0.2"


@pytest.fixture(params=["0.15", "0.16"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Simulator]:
    """A server of its own, to be banned, killed and restarted."""
    yield from _running(tmp_path, request.param)


@pytest.fixture(scope="module", params=["0.15", "0.16"])
def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    yield from _running(tmp_path_factory.mktemp("faults"), request.param)


@pytest.fixture
def shared(started: Simulator) -> Iterator[Simulator]:
    """A server that is as it was after the test."""
    yield started
    started.faults()


def _running(folder: Path, generation: str) -> Iterator[Simulator]:
    """A reload works on it: without Pyzor."""
    running = start_simulator(folder, generation, SIMULATOR_SLOW_SECONDS="0.5")
    _pyzor(running, False)
    if generation == "0.15":
        _insert(running, {"storage.directory": "internal"})
    assert _reload(running) == {}
    yield running
    running.stop()


def _insert(server: Simulator, values: dict[str, str]) -> None:
    operation = {"type": "insert", "prefix": None, "values": list(map(list, values.items())), "assert_empty": False}
    server.request("POST", "/api/settings", [operation])


def _pyzor(server: Simulator, enable: bool) -> None:
    if server.generation == "0.15":
        _insert(server, {"spam-filter.pyzor.enable": str(enable).lower()})
    else:
        server.call(("x:SpamPyzor/set", {"update": {"singleton": {"enable": enable}}}))


def _reload(server: Simulator) -> Any:
    """The errors."""
    if server.generation == "0.15":
        return server.request("GET", "/api/reload")["data"]["errors"]
    (result,) = server.call(("x:Action/set", {"create": {"a": {"@type": "ReloadSettings"}}}))
    return result.get("notCreated", {})


def _status(server: Simulator, user: str, password: str, source: str = STAND_IN) -> int:
    """Of one request on a connection of its own; 0 when that is closed without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=10, source_address=(source, 0))
    try:
        return _on(connection, user, password)
    except (http.client.HTTPException, ConnectionError):
        return 0
    finally:
        connection.close()


def _on(connection: http.client.HTTPConnection, user: str, password: str) -> int:
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    connection.request("GET", "/api/schema", headers={"Authorization": f"Basic {token}"})
    response = connection.getresponse()
    response.read()
    return response.status


def _right(server: Simulator) -> int:
    """Status of a request with the right password."""
    return 302 if server.generation == "0.16" else 404


def _ban_after(server: Simulator, failures: int) -> None:
    if server.generation == "0.15":
        _insert(server, {"server.auto-ban.auth.rate": f"{failures}/1d"})
    else:
        rate = {"count": failures, "period": 86400000}
        server.call(("x:Security/set", {"update": {"singleton": {"authBanRate": rate}}}))
    assert _reload(server) == {}


def _bans(server: Simulator) -> list[str]:
    if server.generation == "0.15":
        return list(server.request("GET", "/api/settings/list?prefix=server.blocked-ip")["data"]["items"])
    (result,) = server.call(("x:BlockedIp/get", {"ids": None}))
    return [body["address"] for body in result["list"]]


def _lift(server: Simulator) -> None:
    if server.generation == "0.15":
        server.request("DELETE", f"/api/settings/server.blocked-ip.{STAND_IN}")
        server.request("GET", "/api/reload/server.blocked-ip")
        return
    (result,) = server.call(("x:BlockedIp/get", {"ids": None}))
    server.call(
        ("x:BlockedIp/set", {"destroy": [body["id"] for body in result["list"]]}),
        ("x:Action/set", {"create": {"a": {"@type": "ReloadBlockedIps"}}}),
    )


def test_auto_ban(server: Simulator) -> None:
    """Too many wrong passwords: 429, then the address' connections are closed, until its entry is deleted."""
    _ban_after(server, 3)
    assert [_status(server, server.username, "wrong") for _ in range(5)] == [401, 401, 401, 429, 0]
    assert _status(server, server.username, server.password) == 0
    assert _bans(server) == [STAND_IN]
    assert _status(server, server.username, server.password, "127.0.0.1") == _right(server)
    _lift(server)
    assert _status(server, server.username, server.password) == _right(server)
    assert _bans(server) == []


def test_bans_survive_a_restart(server: Simulator) -> None:
    _ban_after(server, 1)
    assert [_status(server, "nobody", "wrong") for _ in range(3)] == [401, 429, 0]
    server.restart()
    assert _status(server, server.username, server.password) == 0


def test_loopback_is_exempt(shared: Simulator) -> None:
    """Unless a fault says otherwise."""
    _ban_after(shared, 2)
    assert [_status(shared, "nobody", "wrong", "127.0.0.1") for _ in range(4)] == [401] * 4
    assert _bans(shared) == []
    shared.faults("loopback-counts")
    assert [_status(shared, "nobody", "wrong", "127.0.0.1") for _ in range(4)] == [401, 401, 429, 0]


def test_allowed_addresses_are_exempt(server: Simulator) -> None:
    if server.generation == "0.15":
        _insert(server, {"server.allowed-ip.127.0.0.0/8": ""})
    else:
        created = {"address": "127.0.0.0/8", "createdAt": "2026-01-01T00:00:00Z"}
        (result,) = server.call(("x:AllowedIp/set", {"create": {"a": created}}))
        assert "created" in result, result
    _ban_after(server, 1)
    assert [_status(server, server.username, "wrong") for _ in range(3)] == [401] * 3


def test_anonymous_rate(server: Simulator) -> None:
    if server.generation == "0.15":
        _insert(server, {"http.rate-limit.anonymous": "2/1d"})
    else:
        rate = {"count": 2, "period": 86400000}
        server.call(("x:Http/set", {"update": {"singleton": {"rateLimitAnonymous": rate}}}))
    assert _reload(server) == {}
    statuses = []
    for _ in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", server.http_port, source_address=(STAND_IN, 0))
        connection.request("GET", "/healthz/live")
        statuses.append(connection.getresponse().status)
        connection.close()
    assert statuses == [200, 200, 429]
    assert _status(server, server.username, server.password) == _right(server)  # Basic is not counted


def test_too_many_requests(shared: Simulator) -> None:
    shared.faults("too-many-requests")
    with pytest.raises(urllib.error.HTTPError) as raised:
        shared.request("GET", "/api/principal")
    assert raised.value.code == 429
    assert json.load(raised.value)["title"] == "Too Many Requests"
    assert shared.requests() > 0
    shared.faults()
    assert _reload(shared) == {}


def test_slow_reload(shared: Simulator) -> None:
    shared.faults("slow-reload")
    started = time.monotonic()
    assert _reload(shared) == {}
    assert time.monotonic() - started >= 0.5


def test_broken_name_resolution(shared: Simulator) -> None:
    shared.faults("resolution")
    assert _reload(shared) == {}
    _pyzor(shared, True)
    assert "name resolution" in json.dumps(_reload(shared))
    _pyzor(shared, False)
    assert _reload(shared) == {}


def test_restart_from_outside(server: Simulator) -> None:
    """The same process id, the same volume, and a requests' count that begins anew."""
    assert server.process is not None
    before = server.process.pid
    for _ in range(5):
        server.requests()
    server.restart_itself()
    assert server.process.poll() is None
    assert (server.process.pid, server.requests() < 5) == (before, True)


@pytest.mark.parametrize("fault", ["exit-before-answer", "exit-after-write"])
def test_death_in_the_middle(server: Simulator, fault: str) -> None:
    """A killed pod: no answer, and the write is there only if it came before."""
    server.faults(fault)
    is_015 = server.generation == "0.15"
    create = {"create": {"d": {"name": "acme.test"}}}
    with pytest.raises((ConnectionError, http.client.HTTPException, urllib.error.URLError)):
        _insert(server, {"x.y": "1"}) if is_015 else server.call(("x:Domain/set", create))
    assert server.process is not None
    assert server.process.wait(timeout=10) == 70
    server.start()
    if server.generation == "0.15":
        found = bool(server.request("GET", "/api/settings/keys?keys=x.y")["data"])
    else:
        found = bool(server.call(("x:Domain/query", {}))[0]["ids"])
    assert found is (fault == "exit-after-write")


def test_unknown_faults_are_refused(shared: Simulator) -> None:
    with pytest.raises(urllib.error.HTTPError) as raised:
        shared.faults("no-such-fault")
    assert raised.value.code == 400


def test_equipment_is_the_administrators(shared: Simulator) -> None:
    for path in ("/simulator/writes", "/simulator/requests", "/simulator/faults"):
        with pytest.raises(urllib.error.HTTPError) as raised:
            shared.request("GET", path, authorization="Basic bm9ib2R5Ondyb25n")
        assert raised.value.code == 401


# -- the process of 0.15 ---------------------------------------------------------------------------------------------


def test_entrypoint(tmp_path: Path) -> None:
    """The image's: arguments are ignored, the first start writes the configuration, the second one uses it."""
    port = free_port()
    environ = os.environ | {
        "PYTHONPATH": str(PACKAGE.parent),
        "SIMULATOR_ROOT": str(tmp_path),
        "SIMULATOR_BIND": "127.0.0.1",
        "SIMULATOR_PORTS": f"http={port} https=- smtp=- submission=- submissions=-",
        "STALWART_ADMIN_PASSWORD": "first-start-1",
    }
    server = Simulator(tmp_path, password="first-start-1", http_port=port, generation="0.15")
    for _ in range(2):
        command = [sys.executable, "-m", f"{PACKAGE.name}.v015", "--version"]
        server.process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            server.wait_until_ready()
            assert server.request("GET", "/api/settings/keys?keys=storage.directory")["data"]
        finally:
            server.stop(signal.SIGTERM)
    assert (tmp_path / "data" / "simulator-writes.jsonl").parent.is_dir()


def test_writes_are_logged_without_values(tmp_path: Path) -> None:
    server = start_simulator(tmp_path, "0.15")
    try:
        _insert(server, {"x.y": "not to be seen", "storage.directory": "internal", "spam-filter.pyzor.enable": "false"})
        _insert(server, {"x.y": "not to be seen"})
        server.request("POST", "/api/principal", {"type": "domain", "name": "acme.test"})
        server.request("PATCH", "/api/principal/acme.test", [])
        server.request("POST", "/api/principal", {"type": "group", "name": "acme.test"})
        server.request("GET", "/api/reload?dry-run=true")
        server.request("GET", "/api/reload")
        server.request("GET", "/api/principal")
        log = server.writes()
    finally:
        server.stop()
    assert "not to be seen" not in json.dumps(log)
    assert [(entry["object"], entry["op"]) for entry in log] == [
        ("settings", "insert"),
        ("settings", "insert"),
        ("principal", "create"),
        ("principal", "update"),
        ("principal", "create"),
        ("reload", "reload"),
    ]
    outcomes = [next(name for name in ("changed", "unchanged", "refused") if name in entry) for entry in log]
    assert outcomes == ["changed", "unchanged", "changed", "unchanged", "refused", "changed"]
    assert (tmp_path / "data" / "simulator-writes.jsonl").read_text(encoding="utf-8").count("\n") == len(log)


def test_a_read_only_config_toml(tmp_path: Path) -> None:
    """A 500, yet the value is there until the restart."""
    if os.geteuid() == 0:
        pytest.skip("nothing is read-only to root")
    server = start_simulator(tmp_path, "0.15")
    server.config.chmod(0o400)
    try:
        with pytest.raises(urllib.error.HTTPError) as raised:
            _insert(server, {"tracer.console.note": "x"})
        assert raised.value.code == 500
        path = "/api/settings/keys?keys=tracer.console.note"
        assert server.request("GET", path)["data"] == {"tracer.console.note": "x"}
        server.restart()
        assert server.request("GET", path)["data"] == {}
    finally:
        server.config.chmod(0o600)
        server.stop()
