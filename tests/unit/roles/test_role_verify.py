"""Role verify with a probe that is enabled for a run only, on a stand-in for Keycloak's admin API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import certifi
import pytest

from tests import playbook

ADMIN = "/admin/realms/sme-acme/clients"
CANARY = "canary-of-the-provisioner"
NAMES = ("tenantmail-probe", "tenantmail-probe-expired")


class Keycloak(ThreadingHTTPServer):
    """The clients of one realm, and every write to them."""

    def __init__(self, *clients: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        # What else a client has must survive.
        rest = {
            "secret": CANARY,
            "attributes": {},
            "defaultClientScopes": ["basic"],
            "optionalClientScopes": ["groups"],
        }
        self.clients = {
            name: {"id": f"id-{name}", "clientId": name, "enabled": False, "protocolMappers": [], **rest}
            for name in clients
        }
        self.writes: list[tuple[str, str, Any]] = []
        self.refuses = False


class Handler(BaseHTTPRequestHandler):
    server: Keycloak

    def do_GET(self) -> None:
        path, _question, query = self.path.partition("?")
        found = list(self.server.clients.values())
        if path == ADMIN:
            wanted = query.partition("clientId=")[2].partition("&")[0]
            self._answer(200, [client for client in found if wanted in ("", client["clientId"])])
        elif path.startswith(f"{ADMIN}/"):
            self._answer(200, next(client for client in found if client["id"] == path.rpartition("/")[2]))
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        self._body()
        if self.path.endswith("/protocol/openid-connect/token"):
            self._answer(200, {"access_token": "a.b.c"})
        else:
            self.server.writes.append(("POST", self.path, None))
            self._answer(201, {})

    def do_PUT(self) -> None:
        body = json.loads(self._body())
        name = str(body["clientId"])
        self.server.writes.append(("PUT", name, body["enabled"]))
        if self.server.refuses:
            self._answer(403, {"error": f"unknown_error {CANARY}"})
            return
        self.server.clients[name] = body
        self._answer(204, None)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: Any) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def keycloak() -> Iterator[Keycloak]:
    yield from serve(Keycloak(*NAMES))


@pytest.fixture
def empty() -> Iterator[Keycloak]:
    yield from serve(Keycloak())


def serve(server: Keycloak) -> Iterator[Keycloak]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def verify(folder: Path, server: Keycloak, *args: str, **changes: Any) -> tuple[int, str]:
    """The role, whose checks end at once: the ports are wrong."""
    url = f"http://127.0.0.1:{server.server_port}"
    probe = {"client_id": NAMES[0], "expired_client_id": NAMES[1], "username": NAMES[0], "email": "p@acme.test"}
    variables = {
        **playbook.LOCAL,
        "tenant_model": {"openbao": {"url": url, "mount": "secret"}, "kubernetes": {"namespace": "tenant-acme"}},
        "platform_openbao_auth": {"method": "token", "token": CANARY},
        "verify_domain": {"primary": "acme.test", "mode": "free-subdomain", "mail_host": "mail.acme.test"},
        "verify_dns": {"enabled": True},
        "verify_nameservers": [],
        "verify_kubernetes": {},
        "verify_api_url": url,
        "verify_ca_path": None,
        "verify_api_username": "admin",
        "verify_api_password": CANARY,
        "verify_api_password_secret": "not#used",
        "verify_generation": "0.16",
        "verify_admin": {"address": "admin@acme.test"},
        "verify_keycloak": {
            "realm_url": f"{url}/realms/sme-acme",
            "realm": "sme-acme",
            "admin_url": url,
            "auth_realm": "master",
            "client_id": "stalwart",
            "scopes": ["openid"],
            "clients": [],
            "public_client": {"enabled": False},
            "probe": {**probe, "group": "probe-group", "enabled": True},
        },
        "verify_keycloak_auth": {"username": "provisioner", "password": CANARY},
        "verify_keep_probe": False,
        "verify_client_secrets": {},
        "verify_probe_secrets": [CANARY, CANARY],
        "verify_foreign": [],
        "verify_foreign_keycloak": {},
        "verify_foreign_probe": [],
        "verify_foreign_platform": {},
        "verify_ports": {"pigeon": 25},
        "verify_spam_filter": False,
        "verify_report_dir": str(folder / "report"),
        **changes,
    }
    role = {"name": "Verify", "ansible.builtin.import_role": {"name": "tenantmail.stalwart.verify"}}
    play = {"name": "Verify", "hosts": "acme", "gather_facts": False, "tasks": [role]}
    inventory = {"all": {"hosts": {"acme": {}}}}
    (folder / "temporary").mkdir()
    settings = {**playbook.own_settings(folder), "TMPDIR": str(folder / "temporary")}
    done = playbook.run(folder, inventory, [play], *args, variables=variables, **settings)
    assert CANARY not in done.stdout
    return done.returncode, done.stdout


ON = [("PUT", name, True) for name in NAMES]
OFF = [("PUT", name, False) for name in NAMES]


def test_the_probe_is_disabled_when_the_proof_fails(keycloak: Keycloak, tmp_path: Path) -> None:
    status, output = verify(tmp_path, keycloak, verify_ca_path=certifi.where())
    assert status != 0
    assert "ports has 'pigeon'" in output
    assert keycloak.writes == ON + OFF
    assert "Fill the trust store" in output
    assert not list((tmp_path / "temporary").glob("*.pem"))
    assert all(client["optionalClientScopes"] == ["groups"] for client in keycloak.clients.values())


def test_what_is_not_there_is_not_made(empty: Keycloak, tmp_path: Path) -> None:
    status, output = verify(tmp_path, empty)
    assert status != 0
    assert "ports has 'pigeon'" in output
    assert empty.writes == []


def test_keycloak_refuses(keycloak: Keycloak, tmp_path: Path) -> None:
    keycloak.refuses = True
    # Most verbose, and still none of Keycloak's answer is shown.
    status, output = verify(tmp_path, keycloak, "-vvv")
    assert status != 0
    assert "refused (403)" in output
    assert "under least privilege" in output
    # It looked again afterwards; they were off.
    assert keycloak.writes == ON


def test_no_probe_is_wanted(keycloak: Keycloak, tmp_path: Path) -> None:
    probe = {"enabled": False, "client_id": NAMES[0], "expired_client_id": NAMES[1]}
    status, _output = verify(tmp_path, keycloak, verify_keycloak={"probe": probe})
    assert status == 0
    assert keycloak.writes == []


def test_check_mode(keycloak: Keycloak, tmp_path: Path) -> None:
    status, _output = verify(tmp_path, keycloak, "--check")
    assert status == 0
    assert keycloak.writes == []
