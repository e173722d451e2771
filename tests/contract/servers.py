"""The servers the contract tests run against: the simulator always, real ones when the environment names them.

``STALWART_URL_0_16`` with ``STALWART_API_USERNAME`` and ``STALWART_API_PASSWORD`` names a running server (an empty one: the
tests clean up what they make, but they change settings); ``STALWART_BINARY_0_16`` a binary, started here on loopback.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from tests.simulator.fixture import free_port, start_simulator

from .api import Api, Target

START_SECONDS = 60.0


def names() -> list[str]:
    given = {"url": "STALWART_URL_0_16", "binary": "STALWART_BINARY_0_16"}
    return ["simulator", *(name for name, variable in given.items() if os.environ.get(variable))]


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Target]:
    if name == "url":
        url = os.environ["STALWART_URL_0_16"].rstrip("/")
        yield Target(name, url, os.environ["STALWART_API_USERNAME"], os.environ["STALWART_API_PASSWORD"])
    elif name == "binary":
        with _binary(Path(os.environ["STALWART_BINARY_0_16"]), folder) as target:
            yield target
    else:
        server = start_simulator(folder, STALWART_HOSTNAME="mail.contract.test")

        def restart() -> None:
            server.restart()

        try:
            yield Target(name, server.base_url, server.username, server.password, restart, server.smtp_port)
        finally:
            server.stop()


class _Process:
    """A real binary. Its listeners are stored objects, so they are moved to loopback in recovery mode first."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.binary, self.folder = binary, folder
        self.http_port, self.smtp_port, recovery_port = free_port(), free_port(), free_port()
        self.user, self.secret = "admin", secrets.token_urlsafe(18)
        self.config = folder / "config.json"
        self.config.write_text('{"@type": "Sqlite", "path": "%s"}' % (folder / "data.sqlite"), encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None
        recovery = {"STALWART_RECOVERY_MODE": "1", "STALWART_RECOVERY_MODE_PORT": str(recovery_port)}
        self.start(recovery_port, **recovery)
        try:
            api = Api(Target("recovery", f"http://127.0.0.1:{recovery_port}", self.user, self.secret))
            for protocol, port in (("http", self.http_port), ("smtp", self.smtp_port)):
                bind = {f"127.0.0.1:{port}": True}
                api.create("NetworkListener", name=protocol, protocol=protocol, bind=bind, useTls=False)
        finally:
            self.stop()
        self.start(self.http_port)

    def start(self, port: int, **environ: str) -> None:
        own = {"STALWART_RECOVERY_ADMIN": f"{self.user}:{self.secret}", "STALWART_HOSTNAME": "mail.contract.test"}
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.binary), "--config", str(self.config)], env=os.environ | own | environ, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        with requests.Session() as session:
            session.trust_env = False
            while not _ready(session, port):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise RuntimeError((self.folder / "log.txt").read_text(encoding="utf-8", errors="replace"))
                time.sleep(0.1)

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30)
        self.process = None


def _ready(session: requests.Session, port: int) -> bool:
    try:
        return session.get(f"http://127.0.0.1:{port}/healthz/ready", timeout=2).status_code == 200
    except requests.RequestException:
        return False


@contextmanager
def _binary(binary: Path, folder: Path) -> Iterator[Target]:
    process: Any = _Process(binary, folder)

    def restart() -> None:
        process.stop()
        process.start(process.http_port)

    try:
        url = f"http://127.0.0.1:{process.http_port}"
        yield Target("binary", url, process.user, process.secret, restart, process.smtp_port)
    finally:
        process.stop()
