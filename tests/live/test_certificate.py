"""The certificate that every TLS port serves is the Secret's, renewed without a restart; self-signed where nobody issues."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from tests.sandbox import facts

from . import ports
from .conftest import HOSTS, kubernetes_json
from .run import Run, provision
from .stalwart import Stalwart
from .test_drift import shares
from .tls import SECRET, Served

ACME = Served("tenant-acme", HOSTS["acme"], facts.settings().mail_address(1))


def test_a_renewed_certificate_is_served_on_every_port_without_a_restart(acme: Stalwart) -> None:
    before, old = acme.pod, ACME.in_secret()
    assert set(ACME.shown(ports.context()).values()) == {old}
    new = ACME.renewed()
    assert set(ACME.shown(ports.context()).values()) == {old}
    done = provision("--limit", "acme", "--diff")
    assert done.status == 0, done.output[-4000:]
    assert shares(done.line("acme")) == {"server_settings": 1}
    assert "self-signed" not in done.line("acme")
    assert "PRIVATE KEY" not in done.output
    assert set(ACME.shown(ports.context()).values()) == {new} == {ACME.in_secret()}
    assert acme.pod == before


@pytest.fixture
def issued_again() -> Iterator[None]:
    """Whatever a test does, afterwards the sandbox's issuer issues as before."""
    yield
    done = provision("--limit", "acme")
    assert done.status == 0, done.output[-4000:]
    assert set(ACME.shown(ports.context()).values()) == {ACME.in_secret()}


def without_issuer(*args: str) -> Run:
    return provision("--limit", "acme", *args, extra={"platform_certificate_issuer": None})


@pytest.mark.usefixtures("issued_again")
def test_where_nobody_issues_it_is_self_signed_and_the_line_says_so(acme: Stalwart) -> None:
    assert without_issuer().status == 0
    before = acme.pod
    facts.kubernetes("delete", "secret", SECRET, "-n", ACME.namespace)
    mark = facts.mark()
    checked = without_issuer("--check", "--diff")
    assert checked.status == 0, checked.output[-4000:]
    assert facts.counts(mark)["kubernetes"]["write"] == 0
    assert f"self-signed, for {ACME.host}" in checked.output
    done = without_issuer("--diff")
    assert done.status == 0, done.output[-4000:]
    for output in (checked.output, done.output):
        assert "PRIVATE KEY" not in output
        assert "LS0tLS1CRUdJTi" not in output
    assert shares(done.line("acme")) == {"chart": 1, "server_settings": 1}
    assert f"certificate of {ACME.host} is self-signed: set platform_certificate_issuer" in done.line("acme")
    assert set(ACME.shown(ssl._create_unverified_context()).values()) == {ACME.in_secret()}
    assert acme.pod == before


@pytest.mark.lifecycle
@pytest.mark.usefixtures("issued_again")
def test_a_pod_that_started_without_a_certificate_keeps_running_and_is_given_one(acme: Stalwart) -> None:
    """The kubelet writes the Secret's files into it after the run has written the Secret."""
    assert without_issuer().status == 0
    acme.change("SystemSettings", acme.identifier("SystemSettings"), {"defaultCertificateId": None})
    held = [found["id"] for found in acme.objects("Certificate")]
    assert held == acme.jmap(("x:Certificate/set", {"destroy": held}))[0]["destroyed"]
    facts.kubernetes("delete", "secret", SECRET, "-n", ACME.namespace)
    acme.restart()
    before = acme.pod
    done = without_issuer()
    assert done.status == 0, done.output[-4000:]
    assert set(ACME.shown(ssl._create_unverified_context()).values()) == {ACME.in_secret()}
    assert acme.pod == before


def certificates() -> list[str]:
    """What cert-manager is asked for, by name."""
    found = kubernetes_json("get", "certificates.cert-manager.io", "-n", ACME.namespace)
    return [item["metadata"]["name"] for item in found["items"]]


@pytest.mark.lifecycle
def test_an_issuer_that_does_not_exist_is_named_and_never_asked(acme: Stalwart) -> None:
    """A tenant that had another issuer keeps that one's certificate until the platform corrects the name."""
    before, old = acme.pod, ACME.in_secret()
    assert certificates() == [SECRET]
    try:
        done = provision("--limit", "acme", extra={"platform_certificate_issuer": {"name": "nobody"}})
        assert done.status == 0, done.output[-4000:]
        line = done.line("acme")
        assert f"certificate of {ACME.host} is not renewed by the issuer: there is no ClusterIssuer 'nobody'" in line
        assert "create it, name another in platform_certificate_issuer" in line
        assert certificates() == []
        assert set(ACME.shown(ports.context()).values()) == {old} == {ACME.in_secret()}
    finally:
        again = provision("--limit", "acme")
    assert again.status == 0, again.output[-4000:]
    assert "nobody" not in again.line("acme")
    assert certificates() == [SECRET]
    assert set(ACME.shown(ports.context()).values()) == {ACME.in_secret()}
    assert acme.pod == before
    assert provision("--limit", "acme").changed == {"acme": 0}
