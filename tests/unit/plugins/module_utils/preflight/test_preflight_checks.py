"""The four checks against a loopback server: what counts as a back end that serves, and what each mistake is called."""

from __future__ import annotations

import http.server
import ipaddress
import json
import ssl
import threading
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.preflight import task
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from cryptography.x509.oid import NameOID

CANARY = "canary-credential-1"
NONE = dict.fromkeys(task.CHECKS)
LOGIN = ("POST", "/v1/auth/approle/login")
ENGINE = ("GET", "/v1/sys/internal/ui/mounts/secret")
TOKEN = ("POST", "/realms/master/protocol/openid-connect/token")
REVIEW = ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
POWERDNS = ("GET", "/api/v1/servers/localhost")

Answers = t.Dict[t.Tuple[str, str], t.Tuple[int, t.Any]]

KV2 = {"data": {"type": "kv", "options": {"version": "2"}}}
#: What back ends in good order answer.
GOOD: Answers = {
    LOGIN: (200, {"auth": {"client_token": "token-of-openbao"}}),
    ENGINE: (200, KV2),
    TOKEN: (200, {"access_token": "token-of-keycloak"}),
    REVIEW: (201, {"kind": "SelfSubjectAccessReview", "status": {"allowed": True}}),
    POWERDNS: (200, {"id": "localhost", "type": "Server"}),
}


class BackEnds:
    """One server in the place of all four; their paths do not collide."""

    def __init__(self) -> None:
        self.answers: Answers = {}
        self.seen: list[tuple[str, str]] = []
        back_ends = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = (self.command, self.path.split("?")[0])
                back_ends.seen.append(asked)
                status, body = back_ends.answers.get(asked, (404, {}))
                data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = answer

            def log_message(self, *_args: t.Any) -> None:
                """Quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def options(self) -> dict[str, dict[str, t.Any]]:
        approle = {"method": "approle", "role_id": "provisioner", "secret_id": CANARY}
        return {
            "openbao": {"url": self.url, "mount": "secret", "auth": approle, "ca_path": None},
            "keycloak": {
                "admin_url": self.url,
                "auth": {"client_id": "admin-cli", "username": "provisioner", "password": CANARY},
                "auth_realm": "master",
                "ca_path": None,
            },
            "kubernetes": {"host": self.url, "api_key": CANARY},
            "powerdns": {"api_url": self.url, "api_key": CANARY, "server_id": None, "ca_path": None},
        }

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def back_ends() -> t.Iterator[BackEnds]:
    servers = BackEnds()
    yield servers
    servers.stop()


def test_back_ends_in_good_order_cost_one_or_two_requests_each(back_ends: BackEnds) -> None:
    back_ends.answers = GOOD
    result = task.run({**NONE, **back_ends.options()}, check_mode=False)
    assert result == {"changed": False, "layers": [name for name in task.CHECKS if name != "issuer"], "requests": 5}
    assert sorted(back_ends.seen) == sorted(GOOD)


@pytest.mark.parametrize(
    ("layer", "asked", "answer", "code", "says"),
    [
        ("openbao", LOGIN, (400, {"errors": ["invalid role or secret ID"]}), "unauthorized", "platform_openbao_auth"),
        ("openbao", LOGIN, (403, {"errors": ["permission denied"]}), "unauthorized", "platform_openbao_auth"),
        ("openbao", LOGIN, (200, {"auth": None}), "protocol", "without a token"),
        ("openbao", LOGIN, (200, "<html>"), "protocol", "not a JSON object"),
        ("openbao", ENGINE, (200, {"data": {"type": "kv", "options": None}}), "invalid_value", "version None"),
        ("openbao", ENGINE, (200, {"data": {"type": "pki"}}), "invalid_value", "no KV version 2 engine"),
        ("keycloak", TOKEN, (401, {"error": "invalid_grant"}), "unauthorized", "platform_keycloak_auth"),
        ("keycloak", TOKEN, (400, {"error": "unauthorized_client"}), "unauthorized", "platform_keycloak_auth"),
        ("keycloak", TOKEN, (404, {"error": "Realm does not exist"}), "not_found", "no realm 'master'"),
        ("keycloak", TOKEN, (200, {}), "protocol", "without a token"),
        ("kubernetes", REVIEW, (401, {"kind": "Status", "message": "Unauthorized"}), "unauthorized", "Unauthorized"),
        ("kubernetes", REVIEW, (403, {"kind": "Status", "message": "not allowed"}), "forbidden", "not allowed"),
        ("kubernetes", REVIEW, (404, "<html>"), "not_found", "HTTP 404"),
        ("powerdns", POWERDNS, (401, "Unauthorized"), "unauthorized", "platform_powerdns_api_key"),
        ("powerdns", POWERDNS, (404, "<html>"), "not_found", "is no PowerDNS server"),
    ],
)
def test_a_back_end_that_does_not_serve_is_asked_once(
    back_ends: BackEnds, layer: str, asked: tuple[str, str], answer: tuple[int, t.Any], code: str, says: str
) -> None:
    status, body = answer
    if status >= 400 and isinstance(body, dict):
        body = {**body, "echo": f"password={CANARY}"}
    back_ends.answers = {**GOOD, asked: (status, body)}
    with pytest.raises(Failure) as caught:
        task.run({**NONE, **back_ends.options()}, check_mode=True)
    assert (caught.value.layer, caught.value.code) == (layer, code)
    assert says in caught.value.sentence
    assert CANARY not in str(caught.value.as_dict())
    assert back_ends.seen.count(asked) == 1


def test_a_sealed_openbao_beside_a_wrong_key(back_ends: BackEnds) -> None:
    back_ends.answers = {
        **GOOD,
        ENGINE: (503, {"errors": ["Vault is sealed"]}),
        ("GET", "/v1/sys/seal-status"): (200, {"sealed": True}),
        POWERDNS: (401, "Unauthorized"),
    }
    with pytest.raises(Failure) as caught:
        task.run({**NONE, **back_ends.options()}, check_mode=False)
    assert [(failure["layer"], failure["code"]) for failure in caught.value.details] == [
        ("openbao", "sealed"),
        ("powerdns", "unauthorized"),
    ]
    assert "(1) openbao: " in caught.value.message
    assert "(2) powerdns: " in caught.value.message


@pytest.fixture
def own_authority(tmp_path: Path) -> t.Iterator[str]:
    """A server whose certificate no public authority has issued."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "keycloak.test")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "pair.pem"
    pem.write_bytes(
        certificate.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}/realms/sme-acme"
        server.shutdown()


def test_a_realm_that_a_server_of_0_15_would_not_trust(own_authority: str) -> None:
    with pytest.raises(Failure) as caught:
        task.run({**NONE, "issuer": own_authority}, check_mode=True)
    assert (caught.value.layer, caught.value.code) == ("keycloak", "tls_untrusted")
    assert "of no public authority, and a server of generation 0.15 trusts no other" in caught.value.message
    assert "tenant_realm_url" in caught.value.hint


def test_a_realm_without_tls_is_not_asked(back_ends: BackEnds) -> None:
    result = task.run({**NONE, "issuer": f"{back_ends.url}/realms/sme-acme"}, check_mode=True)
    assert (result["requests"], back_ends.seen) == (0, [])
