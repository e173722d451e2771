"""The switches of both generations: what can go wrong with a server, put on and off from outside."""

from __future__ import annotations

import base64
import http.client
import json
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.simulator.fixture import Simulator, start_simulator

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


def test_bans_survive_a_restart(server: Simulator) -> None:
    _ban_after(server, 1)
    assert [_status(server, "nobody", "wrong") for _ in range(3)] == [401, 429, 0]
    server.restart()
    assert _status(server, server.username, server.password) == 0


def test_loopback_is_exempt(server: Simulator) -> None:
    """Unless a fault says otherwise."""
    _ban_after(server, 2)
    assert [_status(server, "nobody", "wrong", "127.0.0.1") for _ in range(4)] == [401] * 4
    assert _bans(server) == []
    server.faults("loopback-counts")
    assert [_status(server, "nobody", "wrong", "127.0.0.1") for _ in range(4)] == [401, 401, 429, 0]


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
