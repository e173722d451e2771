"""A real PowerDNS of its own, on free loopback ports, stopped by its own process id."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import re
import shutil
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.simulator.fixture import free_port

API_KEY = "canary-pdns-key-7f3a"
SCHEMA = Path("/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql")
PARENT = "omantel.test."
_REQUEST = re.compile(r'"(GET|PATCH|PUT|POST|DELETE) [^"]* HTTP')


@dataclasses.dataclass
class PowerDns:
    """A running server, and what a test wants to know about it."""

    api_port: int
    dns_port: int
    log: Path
    key: str = API_KEY

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def nameserver(self) -> str:
        return f"127.0.0.1:{self.dns_port}"

    def api(self, method: str, path: str, body: Any = None, expected: int = 200) -> Any:
        """Somebody else's hand on the server: one request past the code under test."""
        status, text = self._request(method, path, body)
        assert status == expected, f"{method} {path}: {status} {text}"
        return json.loads(text) if text else None

    def _request(self, method: str, path: str, body: Any) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=10)
        data = json.dumps(body) if body is not None else None
        connection.request(method, f"/api/v1/servers/localhost{path}", data, {"X-API-Key": self.key})
        with connection.getresponse() as answer:
            return answer.status, answer.read().decode()

    def create_zone(self, zone: str = PARENT) -> None:
        self.api("POST", "/zones", {"name": zone, "kind": "Native", "nameservers": [f"ns1.{PARENT}"]}, expected=201)

    def put(self, name: str, type_: str, *contents: str, ttl: int = 300, zone: str = PARENT, **more: Any) -> None:
        records = [{"content": content, "disabled": False} for content in contents]
        rrset = {"name": name, "type": type_, "ttl": ttl, "changetype": "REPLACE", "records": records, **more}
        self.api("PATCH", f"/zones/{zone}", {"rrsets": [rrset]}, expected=204)

    def rrsets(self, zone: str = PARENT) -> dict[tuple[str, str], dict[str, Any]]:
        return {(rrset["name"], rrset["type"]): rrset for rrset in self.api("GET", f"/zones/{zone}")["rrsets"]}

    def serial(self, zone: str = PARENT) -> int:
        return int(self.api("GET", f"/zones/{zone}?rrsets=false")["serial"])

    def counted(self, action: Callable[[], Any]) -> tuple[Any, dict[str, int]]:
        """Run ``action`` and count the requests that the server logged meanwhile, by method."""
        begin = self._fence()
        result = action()
        end = self._fence()
        counts: dict[str, int] = {}
        for method in _REQUEST.findall(self.log.read_bytes()[begin:end].decode()):
            counts[method] = counts.get(method, 0) + 1
        # The second fence's own.
        counts["GET"] -= 1
        return result, {method: count for method, count in counts.items() if count}

    def _fence(self) -> int:
        """The log's length once it shows a request of this method's own: the server logs a request after its answer."""
        token = uuid.uuid4().hex
        self._request("GET", f"/{token}", None)
        deadline = time.monotonic() + 30
        while token.encode() not in self.log.read_bytes():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.log} does not show a request")
            time.sleep(0.01)
        return self.log.stat().st_size


@contextlib.contextmanager
def running(home: Path, key: str = API_KEY) -> Iterator[PowerDns]:
    """A server whose state and log live in ``home``.

    :raises RuntimeError: without the Debian packages, which `make sandbox` installs.
    """
    binary = shutil.which("pdns_server", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if binary is None or not SCHEMA.exists():
        raise RuntimeError("PowerDNS is not installed (Debian: pdns-server pdns-backend-sqlite3); run make sandbox")
    database = home / "pdns.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.executescript(SCHEMA.read_text())
    connection.close()
    server = PowerDns(free_port(), free_port(), home / "pdns.log", key)
    options = {
        "launch": "gsqlite3",
        "gsqlite3-database": database,
        "gsqlite3-dnssec": "yes",
        "local-address": "127.0.0.1",
        "local-port": server.dns_port,
        "api": "yes",
        "api-key": server.key,
        "webserver": "yes",
        "webserver-address": "127.0.0.1",
        "webserver-port": server.api_port,
        "webserver-allow-from": "127.0.0.0/8",
        "webserver-loglevel": "normal",
        "loglevel": 6,
        "socket-dir": home,
        "cache-ttl": 0,
        "query-cache-ttl": 0,
        "negquery-cache-ttl": 0,
        "daemon": "no",
    }
    arguments = [binary, "--no-config", *(f"--{name}={value}" for name, value in options.items())]
    with server.log.open("w") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=subprocess.STDOUT, cwd=home)
    try:
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: PowerDns, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while True:
        assert process.poll() is None, f"PowerDNS ended at its start:\n{server.log.read_text()}"
        try:
            server.api("GET", "")
        except OSError:
            assert time.monotonic() < end, f"PowerDNS does not answer:\n{server.log.read_text()}"
            time.sleep(0.05)
        else:
            return
