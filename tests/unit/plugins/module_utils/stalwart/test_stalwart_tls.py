"""Which of TLS and the certificate is wrong, told apart on real sockets, and what a refused credential may do about it."""

from __future__ import annotations

import datetime
import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils import http_client
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.connection import connect
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Forbidding(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(403)

    def log_message(self, *_: object) -> None:
        """No noise."""


def certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path = folder / "tls.pem"
    path.write_bytes(
        made.public_bytes(encoding) + key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    )
    return path


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[dict[str, int]]:
    """Ports that speak HTTP and HTTPS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    found = {}
    servers = []
    for scheme in ("http", "https"):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forbidding)
        if scheme == "https":
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.handle_error = lambda *_: None  # What a client that gives up leaves behind.
        servers.append(server)
        found[scheme] = server.server_port
    yield found
    for server in servers:
        server.shutdown()
        server.server_close()


def failure_of(url: str) -> Failure:
    connection = connect({"api_url": url, "api_username": "admin", "api_password": "Geheim-77123"})
    try:
        with pytest.raises(Failure) as caught:
            connection.http.request("GET", "/api/schema")
    finally:
        connection.close()
    return caught.value


@pytest.mark.parametrize(
    ("scheme", "port", "code", "hint"),
    [
        ("https", "http", "unreachable", "This port does not speak TLS: use http://"),
        ("https", "https", "tls_untrusted", "Give the private CA's PEM file in ca_path"),
        ("http", "https", "unreachable", "the URL must begin with https://"),
        ("http", "http", "forbidden", "gather: [account]"),
    ],
)
def test_what_is_wrong(
    ports: dict[str, int], scheme: str, port: str, code: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "_BACKOFF", (100.0,))
    failure = failure_of(f"{scheme}://localhost:{ports[port]}")
    assert failure.code == code, failure.message
    assert hint in failure.hint
