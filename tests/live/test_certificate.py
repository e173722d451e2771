"""The certificate that every TLS port serves is the Secret's, renewed without a restart; self-signed where nobody issues."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox import facts
from tests.sandbox.process import wait_until

from . import ports
from .conftest import HOSTS, kubernetes_json, report
from .run import Run, provision
from .stalwart import Stalwart, secret
from .test_drift import shares

NAMESPACE, SECRET = "tenant-acme", "stalwart-tls"
HOST = HOSTS["acme"]
PORTS = (443, 465, 993, 25, 587, 143)


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
    """What each port shows a client that asks for the mail host. Raises ssl.SSLError where the client refuses it."""
    found: dict[int, bytes] = {}
    for port in PORTS:
        with ports.secured(HOST, address(port), port, context) as secured:
            found[port] = secured.connection.getpeercert(binary_form=True) or b""
    return found


def renewed() -> bytes:
    """Let cert-manager issue it anew, as it does some time before the end; the new one (DER)."""
    before = in_secret()
    report(kubernetes_json("get", "certificate", SECRET, "-n", NAMESPACE), "Issuing", "ManuallyTriggered")
    wait_until(lambda: in_secret() != before, "a renewed certificate in the Secret", timeout=30)
    return in_secret()


def test_a_renewed_certificate_is_served_on_every_port_without_a_restart(acme: Stalwart) -> None:
    before, old = acme.pod, in_secret()
    assert set(shown(ports.context()).values()) == {old}
    new = renewed()
    assert set(shown(ports.context()).values()) == {old}
    done = provision("--limit", "acme", "--diff")
    assert done.status == 0, done.output[-4000:]
    assert shares(done.line("acme")) == {"server_settings": 1}
    assert "self-signed" not in done.line("acme")
    assert "PRIVATE KEY" not in done.output
    assert set(shown(ports.context()).values()) == {new} == {in_secret()}
    assert acme.pod == before


@pytest.fixture
def nobody_issues() -> Iterator[dict[str, Any]]:
    """Variables of a run without an issuer; afterwards the sandbox's issues again."""
    yield {"platform_certificate_issuer": None}
    done = provision("--limit", "acme")
    assert done.status == 0, done.output[-4000:]
    assert set(shown(ports.context()).values()) == {in_secret()}


def test_where_nobody_issues_it_is_self_signed_and_the_line_says_so(
    nobody_issues: dict[str, Any], acme: Stalwart
) -> None:
    def run(*args: str) -> Run:
        return provision("--limit", "acme", *args, extra=nobody_issues)

    assert run().status == 0
    before = acme.pod
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
    assert set(shown(ssl._create_unverified_context()).values()) == {in_secret()}
    assert acme.pod == before
