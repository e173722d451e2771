"""What the sandbox's cluster does for a tenant: names, policies, the Gateway, an issuer. Asked from a pod where it matters."""

from __future__ import annotations

import json
import socket
import ssl
from typing import Any, Iterator

import pytest
import yaml
from cryptography import x509

from tests.sandbox import facts

from .conftest import TENANTS, kubernetes_json

NAMESPACE = "sandbox-probe"
MAIL_HOSTS = {"acme": "mail.acme.omantel.test", "beta": "mail.beta-bakery.test"}
# Prints one JSON list: an entry for each (host, port) or, with port null, for each name to resolve.
PROBE = """\
import json, socket, sys
def look(host, port):
    try:
        if port is None:
            return sorted({entry[4][0] for entry in socket.getaddrinfo(host, 0, socket.AF_INET, socket.SOCK_STREAM)})
        socket.create_connection((host, port), timeout=5).close()
        return "open"
    except socket.gaierror as error:
        return "unknown" if error.errno == socket.EAI_NONAME else "no answer"
    except OSError as error:
        return "closed" if isinstance(error, ConnectionRefusedError) else str(error)
print(json.dumps([look(*entry) for entry in json.loads(sys.argv[1])]))
"""


def ask(namespace: str, pod: str, *targets: tuple[str, int | None]) -> list[Any]:
    """What a pod sees of each target."""
    words = ("exec", "-n", namespace, pod, "--", "python3", "-c", PROBE, json.dumps(targets))
    found: list[Any] = json.loads(facts.kubernetes(*words))
    return found


def pod_of(slug: str) -> str:
    return str(kubernetes_json("get", "pod", "stalwart-0", "-n", f"tenant-{slug}")["status"]["podIP"])


@pytest.fixture(scope="module")
def stranger() -> Iterator[str]:
    """A pod of no tenant, without policies of its own."""
    image = kubernetes_json("get", "pod", "stalwart-0", "-n", "tenant-acme")["spec"]["containers"][0]["image"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "namespace": NAMESPACE},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {"name": "probe", "image": image, "command": ["python3", "-c", "import signal; signal.pause()"]}
            ],
        },
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    facts.kubernetes("apply", "-f", "-", stdin=yaml.safe_dump_all([namespace, pod]))
    try:
        facts.kubernetes("wait", "-n", NAMESPACE, "--for=condition=Ready", "--timeout=60s", "pod/probe")
        yield "probe"
    finally:
        facts.kubernetes("delete", "namespace", NAMESPACE, "--wait", "--timeout=60s")


def test_pods_know_the_cluster_s_names_and_the_platform_s_and_no_others(stranger: str) -> None:
    settings = facts.settings()
    names = {
        "kubernetes.default": ["10.96.0.1"],
        "stalwart-0.stalwart-headless.tenant-acme.svc.cluster.local": [pod_of("acme")],
        "mail.acme.omantel.test": [settings.mail_address(1)],
        "keycloak.acme.omantel.test": [settings.keycloak_address],
        "nothing.omantel.test": "unknown",
        "nothing.default.svc.cluster.local": "unknown",
        "example.com": "no answer",
    }
    found = ask(NAMESPACE, stranger, *((name, None) for name in names))
    assert dict(zip(names, found)) == names


def test_policy_matrix(stranger: str) -> None:
    """Source × target; the node is no source, because the policy engine lets everything pass that comes from it."""
    settings, acme, beta = facts.settings(), pod_of("acme"), pod_of("beta")
    mail = {(acme, port): "open" for port in (25, 465, 993)}
    web = {(acme, port): "closed" for port in (8080, 443)}
    published = {(settings.mail_address(1), 25): "open", (settings.mail_address(1), 993): "open"}
    reading = {(acme, 993): "closed", (settings.mail_address(1), 993): "closed"}
    outside = {
        (settings.address, 8443): "open",  # Keycloak
        (settings.keycloak_address, 443): "open",  # the same behind its Service
        (settings.mail_address(2), 25): "open",
        (settings.dns_address, 53): "open",
        (settings.gateway_address, 443): "open",
        (settings.address, 8200): "closed",  # OpenBao
        (settings.address, 6443): "closed",  # the API server
        (settings.address, 8081): "closed",  # PowerDNS's API
        (beta, 8080): "closed",
    }
    matrix = {
        (NAMESPACE, stranger): {**mail, **web, **published, (settings.address, 8200): "open"},
        # What acme takes, beta's server may still not ask: it sends mail, but reads no mailbox of others.
        ("tenant-beta", "stalwart-0"): {**mail, **web, **published, **reading},
        ("tenant-acme", "stalwart-0"): outside,
    }
    wrong = []
    for (namespace, pod), expected in matrix.items():
        for target, seen in zip(expected, ask(namespace, pod, *expected)):
            print(f"{namespace:>14} -> {target[0]:>12}:{target[1]:<5} expected {expected[target]:<7} observed {seen}")
            if seen != expected[target]:
                wrong.append((namespace, target, seen))
    assert not wrong


def https(host: str, path: str) -> tuple[int, str]:
    """Status and issuer of the certificate, asked at the Gateway's address by a client that trusts the sandbox's authority."""
    context = ssl.create_default_context(cafile=str(facts.settings().ca_file))
    with (
        socket.create_connection((facts.settings().gateway_address, 443), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        secure.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        status = int(secure.makefile("rb").readline().split()[1])
        certificate = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True) or b"")
    return status, certificate.issuer.rfc4514_string()


@pytest.mark.parametrize("slug", TENANTS)
def test_the_gateway_publishes_the_web_host(slug: str) -> None:
    route = kubernetes_json("get", "httproute", "stalwart-web", "-n", f"tenant-{slug}")
    (parent,) = route["status"]["parents"]
    assert {item["type"]: item["status"] for item in parent["conditions"]} == {
        "Accepted": "True",
        "ResolvedRefs": "True",
    }
    status, issuer = https(MAIL_HOSTS[slug], "/.well-known/jmap")
    assert status in (307, 401), "of the tenant's server: a redirect to, or the refusal of, an anonymous session"
    assert issuer == "CN=tenantmail sandbox CA"


@pytest.mark.parametrize("slug", TENANTS)
def test_smtp_and_imap_share_the_load_balancer_s_address(slug: str) -> None:
    address = facts.settings().mail_address(TENANTS.index(slug) + 1)
    for name, port in (("smtp", 25), ("imap", 993)):
        service = kubernetes_json("get", "service", f"stalwart-{name}", "-n", f"tenant-{slug}")
        assert [entry["ip"] for entry in service["status"]["loadBalancer"]["ingress"]] == [address]
        assert not service["spec"].get("externalIPs")
        socket.create_connection((address, port), timeout=10).close()


def test_one_realm_has_the_default_url_and_the_other_an_address() -> None:
    bases = {"acme": "https://keycloak.acme.omantel.test", "beta": facts.settings().keycloak_url}
    for slug, base in bases.items():
        with facts.http() as session:
            answer = session.get(
                f"{facts.settings().keycloak_url}/realms/sme-{slug}/.well-known/openid-configuration",
                headers=facts.keycloak_headers(f"sme-{slug}"),
                timeout=10,
            )
        assert answer.json()["issuer"] == f"{base}/realms/sme-{slug}"


def test_the_issuer_signs_what_a_tenant_asks_for() -> None:
    certificate = {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": "issuer-test", "namespace": "tenant-acme"},
        "spec": {
            "secretName": "issuer-test",
            "dnsNames": [MAIL_HOSTS["acme"]],
            "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "sandbox-ca"},
        },
    }
    facts.kubernetes("apply", "-f", "-", stdin=yaml.safe_dump(certificate))
    try:
        words = ("wait", "-n", "tenant-acme", "--for=condition=Ready", "--timeout=60s", "certificate/issuer-test")
        facts.kubernetes(*words)
        assert "tls.crt" in kubernetes_json("get", "secret", "issuer-test", "-n", "tenant-acme")["data"]
    finally:
        facts.kubernetes("delete", "certificate,secret", "issuer-test", "-n", "tenant-acme", "--ignore-not-found")
