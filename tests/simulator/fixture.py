"""Starts simulators for tests: free loopback ports, a temporary volume, stopped by their own process id.

Plain helper (`start_simulator`) and, for pytest, the fixture `simulator` (import it in a conftest).
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .forked import Forked

PACKAGE = Path(__file__).resolve().parent
USERNAME = "admin"
PASSWORD = "simulator-admin-1"
START_SECONDS = 90.0  # a machine that builds something beside the tests takes its time
#: A chart's config.toml for 0.15: the directory is no local key, so that it can be provisioned (contract 0.15 12.1).
CONFIG_0_15 = """
config.local-keys = ["store.*", "directory.internal.*", "tracer.*", "server.*", "!server.blocked-ip.*",
  "!server.allowed-ip.*", "certificate.*", "config.local-keys.*", "authentication.fallback-admin.*", "cluster.*",
  "storage.data", "storage.blob", "storage.lookup", "storage.fts"]
server.hostname = "%{env:STALWART_HOSTNAME}%"

[server.listener]
smtp = { bind = "[::]:25", protocol = "smtp" }
submission = { bind = "[::]:587", protocol = "smtp" }
submissions = { bind = "[::]:465", protocol = "smtp", tls.implicit = true }
imap = { bind = "[::]:143", protocol = "imap" }
imaps = { bind = "[::]:993", protocol = "imap", tls.implicit = true }
http = { bind = "[::]:8080", protocol = "http" }

[storage]
data = "db"
blob = "db"
fts = "db"
lookup = "db"

[store.db]
type = "rocksdb"
path = "{data}"

[directory.internal]
type = "internal"
store = "db"

[tracer.console]
type = "stdout"
level = "info"
enable = true

[authentication.fallback-admin]
user = "admin"
secret = "%{env:ADMIN_SECRET}%"
"""
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


#: Below those that the kernel gives to connections, so that none is taken between the choice of it and its server's start.
_PORTS = range(20000, 32768)
_FIRST = random.SystemRandom().randrange(len(_PORTS))
_NEXT: Iterator[int] = itertools.cycle([*_PORTS[_FIRST:], *_PORTS[:_FIRST]])


def free_port() -> int:
    """A port that is free for TCP and UDP, and that this process is given once; others begin elsewhere."""
    while True:
        port = next(_NEXT)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, contextlib.suppress(OSError):
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
            return port


@dataclass
class Simulator:
    """One simulated server with its volume. ``environ`` is what start() gives the process, beyond the defaults."""

    directory: Path
    environ: dict[str, str] = field(default_factory=dict)
    username: str = USERNAME
    password: str = PASSWORD
    http_port: int = field(default_factory=free_port)
    smtp_port: int = field(default_factory=free_port)  # of the listener on 25
    submissions_port: int = field(default_factory=free_port)  # of the listener on 465
    imap_port: int = field(default_factory=free_port)  # of the listener on 993
    starttls_ports: dict[str, int] = field(default_factory=lambda: {"submission": free_port(), "imap": free_port()})
    generation: str = "0.16"
    store: dict[str, Any] = field(default_factory=dict)  # 0.16: the DataStore object of config.json
    toml: str = CONFIG_0_15  # 0.15: what config.toml is at the first start
    process: Forked | subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def config(self) -> Path:
        return self.directory / ("config.json" if self.generation == "0.16" else "config.toml")

    @property
    def log(self) -> Path:
        return self.directory / "log.txt"

    def start(self) -> Simulator:
        """Raises RuntimeError with the log when the server does not get ready."""
        data = str(self.directory / "data")
        if self.generation == "0.16":
            self.config.write_text(json.dumps(self.store or {"@type": "RocksDb", "path": data}), encoding="utf-8")
        elif not self.config.exists():  # the server rewrites it: what it holds later is the server's
            self.config.write_text(self.toml.replace("{data}", data), encoding="utf-8")
        environ = os.environ | {
            "PYTHONPATH": str(PACKAGE.parent),
            "STALWART_RECOVERY_ADMIN": f"{self.username}:{self.password}",  # 0.16
            "STALWART_HOSTNAME": "mail.simulator.test",
            "ADMIN_SECRET": self.password,  # what CONFIG_0_15 names
            "SIMULATOR_BIND": "127.0.0.1",
            "SIMULATOR_PORTS": (
                f"http={self.http_port} smtp={self.smtp_port} submissions={self.submissions_port} "
                f"imaps={self.imap_port} https=- "
                + " ".join(f"{name}={port}" for name, port in self.starttls_ports.items())
            ),
        }
        self.process = Forked(["--config", str(self.config)], environ | self.environ, self.log)
        self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        """Raises RuntimeError with the log when the server does not get ready."""
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                log = self.log.read_text(encoding="utf-8") if self.log.exists() else ""
                raise RuntimeError(f"simulator not ready:\n{log}")
            time.sleep(0.05)

    def restart_itself(self) -> None:
        """As a container that is restarted in its pod: same process id, same volume, told by the simulator's own path."""
        before = self.request("GET", "/simulator/requests")["process"]
        self.request("POST", "/simulator/restart")
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.request("GET", "/simulator/requests")["process"] != before:
                    return
            time.sleep(0.05)
        raise RuntimeError("simulator did not restart")

    def _ready(self) -> bool:
        try:
            with _OPENER.open(f"{self.base_url}/healthz/ready", timeout=2) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(timeout=START_SECONDS)
        self.process = None

    def kill(self) -> None:
        """As a deleted pod: no chance to clean up."""
        self.stop(signal.SIGKILL)

    def restart(self, **environ: str) -> Simulator:
        self.stop()
        self.environ |= environ
        return self.start()

    def request(self, method: str, path: str, body: Any = None, authorization: str | None = None) -> Any:
        """Decoded JSON answer. Raises urllib.error.HTTPError for an error status."""
        token = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        headers = {"Authorization": authorization or f"Basic {token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.base_url}{path}", data=data, headers=headers, method=method)
        with _OPENER.open(request, timeout=30) as response:
            return json.load(response)

    def call(self, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
        """Runs `(method, arguments)` calls in one JMAP request; their results in order."""
        methods = [[name, arguments, str(index)] for index, (name, arguments) in enumerate(calls)]
        using = ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"]
        answer = self.request("POST", "/jmap", {"using": using, "methodCalls": methods})
        return [result for _, result, _ in answer["methodResponses"]]

    def writes(self) -> list[dict[str, Any]]:
        """The write log, one entry per /set operation."""
        return list(self.request("GET", "/simulator/writes"))

    def requests(self) -> int:
        """Number of HTTP requests this process got, this one included."""
        return int(self.request("GET", "/simulator/requests")["requests"])

    def faults(self, *names: str) -> None:
        """Switches exactly these faults on (README)."""
        self.request("PUT", "/simulator/faults", list(names))


def start_simulator(directory: Path, generation: str = "0.16", toml: str = CONFIG_0_15, **environ: str) -> Simulator:
    """A started simulator with its volume in ``directory``; the caller stops it.

    :param generation: `0.16`, or `0.15` which boots from ``toml`` as its config.toml.
    """
    return Simulator(directory, environ=environ, generation=generation, toml=toml).start()


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    server = start_simulator(tmp_path)
    yield server
    server.stop()
