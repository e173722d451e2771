"""The chart's config.toml under a 0.15 server, the simulator and, where one is given, the real one: settings reach the store."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import requests
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import settings_task
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.model import derive

from tests.simulator.fixture import PACKAGE, free_port

from .conftest import Manifest

REAL = "STALWART_BINARY_0_15"
SECRET = "a-secret-of-the-test-1"
TENANT = {
    "host": "acme",
    "platform_fqdn": "omantel.test",
    "platform_openbao_url": "https://bao.test",
    "platform_openbao_auth": {"method": "token", "token": SECRET},
    "platform_keycloak_auth": {"username": "provisioner", "password": SECRET},
    "platform_powerdns_url": "https://pdns.test",
    "platform_powerdns_api_key": SECRET,
    "tenant_generation": "0.15",
    "tenant_realm_url": "http://127.0.0.1:9/realms/sme-acme",
    "tenant_store": {"@type": "Sqlite"},
}


@dataclass
class Server:
    """A process with the ConfigMap's files, their paths and ports moved to where a test may have them."""

    command: list[str]
    folder: Path
    files: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        for name, text in self.files.items():
            moved = text.replace("/opt/stalwart/etc", str(self.folder)).replace("/opt/stalwart", str(self.folder))
            moved = moved.replace("[::]:8080", f"127.0.0.1:{self.port}")
            moved = re.sub(r"\[::\]:\d+", lambda _: f"127.0.0.1:{free_port()}", moved)
            (self.folder / name).write_text(moved)

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    def start(self) -> None:
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "--config", str(self.config)],
                env={**os.environ, "PYTHONPATH": str(PACKAGE.parent.parent), "ADMIN_PASSWORD": SECRET},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30)
            self.process = None

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text(errors="replace")

    def get(self, path: str, **params: str) -> Any:
        answer = requests.get(f"http://127.0.0.1:{self.port}{path}", params=params, auth=("admin", SECRET), timeout=10)
        answer.raise_for_status()
        return answer.json()["data"]

    def settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        options = {
            "api_url": f"http://127.0.0.1:{self.port}",
            "api_username": "admin",
            "api_password": SECRET,
            "generation": "0.15",
            "server": "present",
            "update_secrets": "on_create",
            "state": "present",
            "exclusive": [],
        }
        return settings_task.run({**options, "settings": settings}, check_mode=False)

    def _answers(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/healthz/ready", timeout=2).status_code == 200
        except requests.RequestException:
            return False


@pytest.fixture(params=["simulator", "binary"] if os.environ.get(REAL) else ["simulator"])
def server(
    request: pytest.FixtureRequest, render: Callable[..., Manifest], tmp_path: Path, model: dict[str, Any]
) -> Iterator[Server]:
    command = [os.environ[REAL]] if request.param == "binary" else [sys.executable, "-m", "tests.simulator"]
    files = render({**model["chart_values"], "gateway": {}}).one("ConfigMap", "stalwart-config")["data"]
    found = Server(command, tmp_path, files)
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    return derive(TENANT)


def test_a_fresh_server_takes_what_the_roles_write_and_keeps_it(server: Server, model: dict[str, Any]) -> None:
    """Nothing is written to config.toml, which the pod mounts read-only."""
    given = server.config.read_bytes()
    written = (model["stalwart"]["settings"], model["oidc_directory"]["settings"])
    # The spam rules' file counts, so that queues are not made anew at each start.
    assert server.get("/api/settings/keys", keys="version.spam-filter") == {"version.spam-filter": "0.0.1"}
    assert "queue.route.mx.type" in server.get("/api/settings/keys", prefixes="queue.route.mx")
    assert [server.settings(settings)["changed"] for settings in written] == [True, True]
    assert server.get("/api/reload")["errors"] == {}
    server.stop()
    server.start()
    results = [server.settings(settings) for settings in written]
    assert [result["changes"] for result in results] == [[], []]
    assert results[1]["running_issuer"] == TENANT["tenant_realm_url"]
    assert server.get("/api/reload")["errors"] == {}
    assert server.config.read_bytes() == given
    session = requests.get(f"http://127.0.0.1:{server.port}/jmap/session", auth=("admin", SECRET), timeout=10)
    assert session.json()["apiUrl"].startswith("https://mail.acme.omantel.test/")


def test_a_certificate_that_is_not_there_yet_does_not_keep_it_from_starting(
    server: Server, model: dict[str, Any]
) -> None:
    """But every reload is refused until it is: why the chart names its files only where they are asked for."""
    server.settings(model["stalwart"]["settings"])
    server.stop()
    missing = '[certificate.default]\ncert = "%{file:/nowhere/tls.crt}%"\nprivate-key = "%{file:/nowhere/tls.key}%"\n'
    server.config.write_text(server.config.read_text().replace("[config]\n", f"{missing}\n[config]\n"))
    server.start()
    errors = server.get("/api/reload")["errors"]
    assert errors["certificate.default.cert"]["type"] == "macro"
    assert "/nowhere/tls.crt" in errors["certificate.default.cert"]["error"]
