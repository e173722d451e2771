"""The chart's config.toml under a 0.15 server, the simulator and, where one is given, the real one: settings reach the store."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import requests
import yaml
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import settings_task
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.model import derive

from tests.sandbox.pki import Authority
from tests.simulator.fixture import PACKAGE, free_port

from .conftest import CHART, Manifest

REAL = "STALWART_BINARY_0_15"
SHOWN = "templates/configmap.yaml"
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
    tls_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.write(self.files)

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            moved = text
            for path in ("/opt/stalwart/etc", "/opt/stalwart", "/etc/stalwart-tls"):
                moved = moved.replace(path, str(self.folder))
            moved = moved.replace("[::]:8080", f"127.0.0.1:{self.port}").replace(
                "[::]:443", f"127.0.0.1:{self.tls_port}"
            )
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

    def issue(self, name: str) -> str:
        """Put a certificate where the chart mounts the Secret."""
        authority = Authority(self.folder / name)
        authority.ensure()
        pair = authority.server("mail", [], ["mail.acme.omantel.test"])
        shutil.copy(pair.certificate, self.folder / "tls.crt")
        shutil.copy(pair.key, self.folder / "tls.key")
        return pair.certificate.read_text()

    @property
    def served(self) -> str:
        return ssl.get_server_certificate(("127.0.0.1", self.tls_port), timeout=10)

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
    found.issue("first")
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


def test_a_renewed_certificate_is_served_without_a_restart(server: Server, helm: str, model: dict[str, Any]) -> None:
    """Of the lines that the chart renders where a Secret is asked for; whoever starts without its files reloads nothing."""
    server.settings(model["stalwart"]["settings"])
    server.stop()
    server.write(_with_a_secret(helm))
    (server.folder / "tls.crt").unlink()
    server.start()
    errors = server.get("/api/reload")["errors"]
    assert errors["certificate.default.cert"]["type"] == "macro"
    served = [server.issue("second")]
    assert server.get("/api/reload")["errors"] == {}
    assert server.served == served[0]
    served.append(server.issue("third"))
    assert server.served == served[0]
    assert server.get("/api/reload/certificate")["errors"] == {}
    assert server.served == served[1] != served[0]


def _with_a_secret(helm: str) -> dict[str, str]:
    values: dict[str, Any] = {"generation": "0.15", "image": {"tag": "v0.15.5"}}
    values |= {
        "domain": {"primary": "acme.omantel.test"},
        "store": {"@type": "Sqlite"},
        "tls": {"secretName": "acme-tls"},
        "setupJob": {"enabled": False},
    }
    done = subprocess.run(
        [helm, "template", "stalwart", str(CHART), "--values", "-", "--skip-schema-validation", "--show-only", SHOWN],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        check=True,
    )
    data: dict[str, str] = yaml.safe_load(done.stdout)["data"]
    return data
