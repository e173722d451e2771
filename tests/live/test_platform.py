"""What the sandbox's cluster does for a tenant: names, policies, the Gateway. Asked from a pod where it matters."""

from __future__ import annotations

import socket
from typing import Iterator

import pytest
from cryptography import x509

from tests.sandbox import facts

from . import policies, ports
from .conftest import HOSTS, TENANTS, kubernetes_json
from .stalwart import Stalwart


@pytest.fixture(scope="module")
def stranger() -> Iterator[None]:
    with policies.stranger():
        yield


@pytest.mark.usefixtures("stranger")
def test_pods_know_the_cluster_s_names_and_the_platform_s_and_no_others() -> None:
    settings = facts.settings()
    names = {
        "kubernetes.default": ["10.96.0.1"],
        "stalwart-0.stalwart-headless.tenant-acme.svc.cluster.local": [policies.pod_of("acme")],
        "mail.acme.omantel.test": [settings.mail_address(1)],
        "keycloak.acme.omantel.test": [settings.keycloak_address],
        "nothing.omantel.test": "unknown",
        "nothing.default.svc.cluster.local": "unknown",
        "example.com": "no answer",
    }
    found = policies.ask("stranger", *((name, None) for name in names))
    assert dict(zip(names, found)) == names


@pytest.mark.usefixtures("stranger")
def test_policy_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    cells = list(policies.matrix())
    with capsys.disabled():
        print("", *cells, sep="\n")
    assert {cell.source for cell in cells} == set(policies.SOURCES)
    assert [str(cell) for cell in cells if cell.observed != cell.expected] == []


def https(host: str, path: str) -> tuple[int, str]:
    """Status and issuer of the certificate, asked at the Gateway's address by a client that trusts the sandbox's authority."""
    with (
        socket.create_connection((facts.settings().gateway_address, 443), timeout=10) as plain,
        ports.context().wrap_socket(plain, server_hostname=host) as secure,
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
    status, issuer = https(HOSTS[slug], "/.well-known/jmap")
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


@pytest.mark.parametrize("slug", TENANTS)
@pytest.mark.parametrize("name", ["smtp", "imap"])
def test_mail_comes_with_the_client_s_address_and_by_no_port_of_the_nodes(slug: str, name: str) -> None:
    """As the API server keeps it, whose own defaults are the opposite."""
    spec = kubernetes_json("get", "service", f"stalwart-{name}", "-n", f"tenant-{slug}")["spec"]
    assert (spec["type"], spec["externalTrafficPolicy"]) == ("LoadBalancer", "Local")
    assert spec["allocateLoadBalancerNodePorts"] is False
    assert [port for port in spec["ports"] if "nodePort" in port] == []


def test_one_server_knows_its_realm_by_the_default_url_and_the_other_by_an_address() -> None:
    bases = {"acme": "https://keycloak.acme.omantel.test", "beta": facts.settings().keycloak_url}
    for slug, base in bases.items():
        with Stalwart(slug) as server:
            issuers = [directory["issuerUrl"] for directory in server.objects("Directory")]
        assert issuers == [f"{base}/realms/sme-{slug}"]
