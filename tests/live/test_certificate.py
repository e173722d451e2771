"""The certificate that every TLS port serves: self-signed at first, then whatever the Secret holds, without a restart."""

from __future__ import annotations

import json
import smtplib
import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.sandbox import facts
from tests.sandbox.pki import Authority, Pair

from .conftest import kubernetes_json
from .run import Run, provision
from .stalwart import Stalwart, secret
from .test_drift import shares

NAMESPACE, SECRET = "tenant-acme", "stalwart-tls"
HOST = "mail.acme.omantel.test"
#: On a fresh tenant; 587 and 143 answer where their listeners are there.
OPEN = {25, 443, 465, 993}


def run(*args: str) -> Run:
    """For one tenant, without an issuer, whatever the sandbox has."""
    return provision("--limit", "acme", *args, extra={"platform_certificate_issuer": None})


def in_secret() -> bytes:
    """The certificate (DER) in the Secret."""
    return ssl.PEM_cert_to_DER_cert(
        secret(NAMESPACE, SECRET, "tls.crt").split("-----END")[0] + "-----END CERTIFICATE-----\n"
    )


def address(port: int) -> str:
    if port == 443:
        service = kubernetes_json("get", "service", "stalwart-web", "-n", NAMESPACE)
        return str(service["spec"]["clusterIP"])
    return facts.settings().mail_address(1)


def shown(context: ssl.SSLContext) -> dict[int, bytes]:
    """What each open port shows a client that asks for the mail host. Raises ssl.SSLError where the client refuses it."""
    found = {}
    for port in (443, 465, 993, 25, 587, 143):
        try:
            raw = socket.create_connection((address(port), port), timeout=10)
        except OSError:
            continue
        with raw:
            if port in (25, 587):
                client = smtplib.SMTP()
                client.sock = raw
                assert client.getreply()[0] == 220
                client.ehlo("client.test")
                assert client.docmd("STARTTLS")[0] == 220
            elif port == 143:
                raw.recv(4096)
                raw.sendall(b"a STARTTLS\r\n")
                assert b"a OK" in raw.recv(4096)
            with context.wrap_socket(raw, server_hostname=HOST) as secured:
                found[port] = secured.getpeercert(binary_form=True) or b""
    assert set(found) >= OPEN
    return found


def anybody() -> ssl.SSLContext:
    return ssl._create_unverified_context()


def pod() -> tuple[str, int]:
    """Its uid and how often it was restarted."""
    found = kubernetes_json("get", "pod", "stalwart-0", "-n", NAMESPACE)
    return found["metadata"]["uid"], found["status"]["containerStatuses"][0]["restartCount"]


def put(pair: Pair) -> bytes:
    """Somebody puts a certificate into the Secret."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": SECRET, "namespace": NAMESPACE},
        "stringData": {"tls.crt": pair.certificate.read_text(), "tls.key": pair.key.read_text()},
    }
    facts.kubernetes("apply", "-f", "-", stdin=json.dumps(manifest))
    return ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())


@pytest.fixture(scope="module")
def pairs() -> Iterator[list[Pair]]:
    """Two certificates of the sandbox's authority, the second as if renewed."""
    authority = Authority(facts.settings().pki)
    made = [authority.server(f"live-certificate-{number}", [], [HOST]) for number in range(2)]
    yield made
    for pair in made:
        pair.certificate.unlink()
        pair.key.unlink()
    facts.kubernetes("delete", "secret", SECRET, "-n", NAMESPACE)
    assert run().status == 0


def test_without_a_secret_the_certificate_is_self_signed_and_the_line_says_so() -> None:
    assert run().status == 0
    before = pod()
    facts.kubernetes("delete", "secret", SECRET, "-n", NAMESPACE)
    mark = facts.mark()
    checked = run("--check", "--diff")
    assert checked.status == 0, checked.output[-4000:]
    assert facts.counts(mark)["kubernetes"]["write"] == 0
    assert f"self-signed, for {HOST}" in checked.output
    done = run("--diff")
    assert done.status == 0, done.output[-4000:]
    for output in (checked.output, done.output):
        assert "PRIVATE KEY" not in output
        assert "LS0tLS1CRUdJTi" not in output
    assert shares(done.line("acme")) == {"chart": 1, "server_settings": 1}
    assert f"certificate of {HOST} is self-signed: set platform_certificate_issuer" in done.line("acme")
    assert set(shown(anybody()).values()) == {in_secret()}
    assert pod() == before


def test_a_certificate_that_somebody_puts_there_is_served_everywhere_without_a_restart(pairs: list[Pair]) -> None:
    before = pod()
    trusting = ssl.create_default_context(cafile=str(facts.settings().pki / "ca.crt"))
    for pair in pairs:
        wanted = put(pair)
        assert wanted not in shown(anybody()).values()
        done = run("--diff")
        assert done.status == 0, done.output[-4000:]
        assert shares(done.line("acme")) == {"server_settings": 1}
        assert "self-signed" not in done.line("acme")
        assert set(shown(trusting).values()) == {wanted}
        assert in_secret() == wanted
    assert pod() == before


def test_a_second_run_changes_nothing(pairs: list[Pair]) -> None:
    with Stalwart("acme") as server:
        writes, mark = server.writes(), facts.mark()
        done = run()
        assert done.changed == {"acme": 0}, done.output[-4000:]
        assert server.writes() == writes
    assert {backend: count["write"] for backend, count in facts.counts(mark).items()} == dict.fromkeys(
        facts.BACKENDS, 0
    )
    assert "certificate served on 443" in done.line("acme")
