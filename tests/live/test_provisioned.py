"""What a provisioned system is, looked at with readers that share no code with the collection."""

from __future__ import annotations

import base64
from pathlib import Path

import dns.message
import dns.query
import dns.rdatatype
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.sandbox import facts

from . import keycloak
from .conftest import TENANTS, kubernetes_json
from .run import provision
from .stalwart import Stalwart, secret

ACME = "acme.omantel.test"


@pytest.mark.parametrize("slug", TENANTS)
def test_statefulset_is_ready_and_policies_are_there(slug: str) -> None:
    namespace = f"tenant-{slug}"
    status = kubernetes_json("get", "statefulset", "stalwart", "-n", namespace)["status"]
    assert (status["readyReplicas"], status["currentRevision"]) == (1, status["updateRevision"])
    policies = kubernetes_json("get", "networkpolicy", "-n", namespace)["items"]
    assert any(not policy["spec"].get("ingress") and not policy["spec"].get("egress") for policy in policies), (
        "no default-deny"
    )
    assert len(policies) > 1


@pytest.mark.parametrize("slug", TENANTS)
def test_external_secrets_are_ready_and_equal_openbao(slug: str) -> None:
    namespace = f"tenant-{slug}"
    items = kubernetes_json("get", "externalsecret", "-n", namespace)["items"]
    assert len(items) == 2
    for item in items:
        assert {"type": "Ready", "status": "True"}.items() <= next(
            c for c in item["status"]["conditions"] if c["type"] == "Ready"
        ).items()
    bao = facts.openbao().secrets.kv.v2
    for app, key, name in (
        ("admin", "ADMIN_PASSWORD", "stalwart-admin"),
        ("oidc", "OIDC_CLIENT_SECRET", "stalwart-oidc-client-secret"),
    ):
        stored = bao.read_secret_version(
            path=f"sovereign/{facts.platform_fqdn()}/stalwart/{slug}/{app}",
            mount_point="secret",
            raise_on_deleted_version=True,
        )["data"]["data"][key]
        assert len(stored) == 32
        assert secret(namespace, name, key) == stored


def raw_key(text: str) -> bytes:
    """A public key's octets, from base64 of DER, PEM or (Ed25519, RFC 8463) the bare 32 octets."""
    body = "".join(line for line in text.splitlines() if not line.startswith("-----"))
    octets = base64.b64decode(body)
    if len(octets) == 32:
        return octets
    try:
        key = serialization.load_der_public_key(octets)
    except ValueError:
        # RFC 6376 section 3.6.1 allows the bare RSAPublicKey of RFC 8017 as well.
        key = serialization.load_pem_public_key(
            b"-----BEGIN RSA PUBLIC KEY-----\n" + base64.encodebytes(octets) + b"-----END RSA PUBLIC KEY-----\n"
        )
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def answers(name: str, kind: str) -> set[str]:
    """What PowerDNS's DNS port answers, by dnspython; TXT values joined."""
    address, port = facts.settings().nameserver.rsplit(":", 1)
    reply = dns.query.udp_with_fallback(dns.message.make_query(name, kind), address, port=int(port), timeout=5)[0]
    found = set()
    for rrset in reply.answer:
        for rdata in rrset:
            if rrset.rdtype == dns.rdatatype.TXT:
                found.add(b"".join(rdata.strings).decode())
            else:
                found.add(rdata.to_text())
    return found


def test_dns_of_acme_equals_the_configmap_and_the_server_s_keys(acme: Stalwart) -> None:
    assert answers(ACME, "MX") == {f"10 mail.{ACME}."}
    assert answers(ACME, "TXT") == {"v=spf1 mx -all"}
    assert answers(f"_dmarc.{ACME}", "TXT") == {f"v=DMARC1; p=reject; rua=mailto:dmarc@{ACME}"}
    assert answers(f"mail.{ACME}", "A") == {facts.settings().mail_address(1)}
    keys = {item["selector"]: item for item in acme.objects("DkimSignature")}
    assert len(keys) == 2
    for selector, key in keys.items():
        (record,) = answers(f"{selector}._domainkey.{ACME}", "TXT")
        tags = dict(part.strip().split("=", 1) for part in record.split(";") if part.strip())
        assert tags["v"] == "DKIM1"
        assert raw_key(tags["p"]) == raw_key(key["publicKey"]), "the published key is not the server's"
    data = kubernetes_json("get", "configmap", "stalwart-dns-records-required", "-n", "tenant-acme")["data"]
    for record in yaml.safe_load(data["records.yaml"]):
        published = answers(record["name"], record["type"])
        wanted = {
            value.replace('" "', "").strip('"') if record["type"] == "TXT" else value for value in record["values"]
        }
        assert published == wanted, record


def test_nothing_of_beta_is_in_powerdns() -> None:
    with facts.powerdns() as session:
        zones = session.get(f"{facts.settings().powerdns_url}/api/v1/servers/localhost/zones", timeout=10).json()
        assert not [zone for zone in zones if "beta" in zone["name"]]
        (parent,) = [zone for zone in zones if zone["name"] == f"{facts.platform_fqdn()}."]
        rrsets = session.get(
            f"{facts.settings().powerdns_url}/api/v1/servers/localhost/zones/{parent['id']}", timeout=10
        ).json()["rrsets"]
    assert not [rrset["name"] for rrset in rrsets if "beta" in rrset["name"]]
    data = kubernetes_json("get", "configmap", "stalwart-dns-records-required", "-n", "tenant-beta")["data"]
    assert data["mode"] == "byo"
    assert "MX" in data["zone.txt"]


def test_tokens(acme: Stalwart) -> None:
    with (
        acme.forgotten("alice"),
        keycloak.user("sme-acme", "alice", ACME),
        keycloak.user("sme-beta", "alice", "beta-bakery.test"),
        keycloak.client("sme-acme", "probe"),
        keycloak.client("sme-beta", "probe"),
        keycloak.client("sme-acme", "probe-no-groups", groups=False),
        keycloak.client("sme-acme", "probe-no-audience", audience=None),
    ):
        assert acme.session_status(keycloak.token("sme-acme", "probe", "alice")) == 200
        assert acme.session_status(keycloak.token("sme-beta", "probe", "alice")) == 401
        assert acme.session_status(keycloak.token("sme-acme", "probe-no-groups", "alice")) == 401
        assert acme.session_status(keycloak.token("sme-acme", "probe-no-audience", "alice")) == 401


def test_second_run_changes_nothing_and_writes_nothing(tmp_path: Path) -> None:
    servers = {slug: Stalwart(slug) for slug in TENANTS}
    before = {slug: server.writes() for slug, server in servers.items()}
    acme = servers["acme"]
    asked = acme.requests() if acme.simulated else 0
    mark = facts.mark()
    run = provision(TMPDIR=str(tmp_path))
    assert run.status == 0, run.output[-4000:]
    assert run.changed == {"acme": 0, "beta": 0}
    assert list(tmp_path.iterdir()) == [], "a kubeconfig's client key, for one"
    for slug in TENANTS:
        assert run.line(slug).startswith(f"{slug}: changed 0 | proven: ")
        assert "certificate served on 443" in run.line(slug)
    if acme.simulated:
        # Six of the Stalwart roles and some of the proof that the release works; `simulated` and `requests` are asked here.
        assert acme.requests() - asked - 2 <= 12
    counts = facts.counts(mark)
    assert {backend: count["write"] for backend, count in counts.items()} == {
        "kubernetes": 0,
        "openbao": 0,
        "keycloak": 0,
        "powerdns": 0,
    }
    assert {slug: server.writes() for slug, server in servers.items()} == before
    assert run.seconds < 60
