"""The process of 0.15: its entrypoint, its log of writes, a config.toml that cannot be written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
from pathlib import Path

import pytest
from tests.simulator.fixture import PACKAGE, Simulator, free_port, start_simulator


def _insert(server: Simulator, values: dict[str, str]) -> None:
    operation = {"type": "insert", "prefix": None, "values": list(map(list, values.items())), "assert_empty": False}
    server.request("POST", "/api/settings", [operation])


def test_entrypoint(tmp_path: Path) -> None:
    """The image's: arguments are ignored, the first start writes the configuration, the second one uses it."""
    port = free_port()
    environ = os.environ | {
        "PYTHONPATH": str(PACKAGE.parent),
        "SIMULATOR_ROOT": str(tmp_path),
        "SIMULATOR_BIND": "127.0.0.1",
        "SIMULATOR_PORTS": f"http={port} https=- smtp=- submission=- submissions=- imap=- imaps=-",
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
