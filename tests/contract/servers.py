"""The servers the contract tests run against: the simulator always, real ones when the environment names them.

``STALWART_URL_0_16`` (or ``_0_15``) with ``STALWART_API_USERNAME`` and ``STALWART_API_PASSWORD`` names a running server
(an empty one: the tests clean up what they make, but they change settings); ``STALWART_BINARY_0_16`` (or ``_0_15``) a
binary, started here on loopback.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from tests.simulator.fixture import CONFIG_0_15, free_port, start_simulator

from .api import Api, Target

START_SECONDS = 60.0
#: 0.15 looks for its rules and its web UI on the Internet before it listens.
START_SECONDS_0_15 = 180.0
HOSTNAME = "mail.contract.test"


def names(generation: str) -> list[str]:
    """The servers there are of a generation, e.g. `STALWART_BINARY_0_15` names one of 0.15."""
    given = {name: _variable(name, generation) for name in ("url", "binary")}
    return ["simulator", *(name for name, variable in given.items() if os.environ.get(variable))]


def _variable(name: str, generation: str) -> str:
    return f"STALWART_{name.upper()}_{generation.replace('.', '_')}"


@contextmanager
def opened(name: str, folder: Path, generation: str = "0.16", toml: str = "", **environ: str) -> Iterator[Target]:
    """:param toml: more of config.toml, and ``environ`` of the server, where it is started here."""
    if name == "url":
        url = os.environ[_variable(name, generation)].rstrip("/")
        yield Target(name, url, os.environ["STALWART_API_USERNAME"], os.environ["STALWART_API_PASSWORD"])
    elif name == "binary":
        binary = Path(os.environ[_variable(name, generation)])
        process = (
            _Process015(binary, folder, environ, toml) if generation == "0.15" else _Process(binary, folder, environ)
        )
        with _binary(process) as target:
            yield target
    else:
        own = {"STALWART_HOSTNAME": HOSTNAME, **environ}
        server = start_simulator(folder, generation, toml=CONFIG_0_15 + toml, **own)

        def restart() -> None:
            server.restart()

        try:
            yield Target(
                name,
                server.base_url,
                server.username,
                server.password,
                restart,
                server.smtp_port,
                server.submissions_port,
                ("127.0.0.1", server.smtp_port),
                server.imap_port,
                server.starttls_ports,
                server,
            )
        finally:
            server.stop()


class _Process:
    """A real binary. Its listeners are stored objects, so they are moved to loopback in recovery mode first."""

    def __init__(self, binary: Path, folder: Path, environ: dict[str, str]) -> None:
        self.binary, self.folder, self.environ = binary, folder, environ
        self.http_port, self.smtp_port, self.submissions_port = free_port(), free_port(), free_port()
        self.exchanger, self.imap_port, recovery_port = _exchanger(), free_port(), free_port()
        self.starttls_ports = {"submission": free_port(), "imap": free_port()}
        self.user, self.secret = "admin", secrets.token_hex(18)
        self.config = folder / "config.json"
        self.config.write_text('{"@type": "Sqlite", "path": "%s"}' % (folder / "data.sqlite"), encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None
        recovery = {"STALWART_RECOVERY_MODE": "1", "STALWART_RECOVERY_MODE_PORT": str(recovery_port)}
        self.start(recovery_port, **recovery)
        try:
            api = Api(Target("recovery", f"http://127.0.0.1:{recovery_port}", self.user, self.secret))
            bind = {f"127.0.0.1:{self.http_port}": True}
            api.create("NetworkListener", name="http", protocol="http", bind=bind, useTls=False)
            bind = dict.fromkeys(self.addresses(self.smtp_port, 25), True)
            api.create("NetworkListener", name="smtp", protocol="smtp", bind=bind)
            for name, protocol, port in (
                ("submissions", "smtp", self.submissions_port),
                ("imaps", "imap", self.imap_port),
            ):
                bind = dict.fromkeys(self.addresses(port, port), True)
                api.create("NetworkListener", name=name, protocol=protocol, bind=bind, tlsImplicit=True)
        finally:
            self.stop()
        self.start(self.http_port)

    def addresses(self, port: int, outside: int) -> list[str]:
        """Of a mail service: on loopback, and of the mail host."""
        mine = f"127.0.0.1:{port}"
        return [mine, f"{self.exchanger}:{outside}"] if self.exchanger else [mine]

    def start(self, port: int, **environ: str) -> None:
        own = {"STALWART_RECOVERY_ADMIN": f"{self.user}:{self.secret}", "STALWART_HOSTNAME": HOSTNAME}
        self._run(port, START_SECONDS, own | environ)

    def _run(self, port: int, seconds: float, environ: dict[str, str]) -> None:
        with (self.folder / "log.txt").open("ab") as log:
            command = [str(self.binary), "--config", str(self.config)]
            self.process = subprocess.Popen(command, env=os.environ | environ | self.environ, stdout=log, stderr=log)
        deadline = time.monotonic() + seconds
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


class _Process015(_Process):
    """A real 0.15 binary: its listeners stand in config.toml."""

    def __init__(self, binary: Path, folder: Path, environ: dict[str, str], more: str = "") -> None:
        self.binary, self.folder, self.environ = binary, folder, environ
        self.http_port, self.smtp_port, self.submissions_port = free_port(), free_port(), free_port()
        self.exchanger, self.imap_port = _exchanger(), free_port()
        self.starttls_ports = {"submission": free_port(), "imap": free_port()}
        self.user, self.secret = "admin", secrets.token_hex(18)
        self.config = folder / "config.toml"
        toml = (CONFIG_0_15 + more).replace('"rocksdb"', '"sqlite"').replace("{data}", str(folder / "data.sqlite"))
        kept = ("http", "smtp", "submission", "submissions", "imap", "imaps")
        lines = [line for line in toml.splitlines() if "bind = " not in line or line.split()[0] in kept]
        self.config.write_text(
            re.sub(r'"\[::\]:(8080|25|465|587|993|143)"', self._address, "\n".join([*lines, ""])), encoding="utf-8"
        )
        self.start(self.http_port)

    def _address(self, match: re.Match[str]) -> str:
        if match[1] == "8080":
            return f'"127.0.0.1:{self.http_port}"'
        starttls = {"587": self.starttls_ports["submission"], "143": self.starttls_ports["imap"]}
        port = {"25": self.smtp_port, "465": self.submissions_port, "993": self.imap_port, **starttls}[match[1]]
        return json.dumps(self.addresses(port, 25 if match[1] == "25" else port))

    def start(self, port: int, **environ: str) -> None:
        own = {"ADMIN_SECRET": self.secret, "STALWART_HOSTNAME": HOSTNAME}
        self._run(port, START_SECONDS_0_15, own | environ)


def _exchanger() -> str | None:
    """The mail host's: a loopback address whose port 25 is free, as rules ask for that number. None where it may not be bound."""
    address = f"127.{secrets.randbelow(254) + 1}.{secrets.randbelow(254) + 1}.{secrets.randbelow(254) + 1}"
    try:
        with socket.create_server((address, 25)):
            return address
    except OSError:
        return None


def _ready(session: requests.Session, port: int) -> bool:
    try:
        return session.get(f"http://127.0.0.1:{port}/healthz/ready", timeout=2).status_code == 200
    except requests.RequestException:
        return False


@contextmanager
def _binary(process: _Process) -> Iterator[Target]:
    def restart() -> None:
        process.stop()
        process.start(process.http_port)

    try:
        url = f"http://127.0.0.1:{process.http_port}"
        exchanger = (process.exchanger, 25) if process.exchanger else None
        ports = process.smtp_port, process.submissions_port
        more = exchanger, process.imap_port, process.starttls_ports
        yield Target("binary", url, process.user, process.secret, restart, *ports, *more)
    finally:
        process.stop()
