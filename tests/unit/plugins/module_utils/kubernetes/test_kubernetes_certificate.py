"""Whether role chart fills the TLS Secret, what an issuer's answer means, and what the tenant's line tells."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import certificate as tls
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import certificate_task
from kubernetes_cluster import Cluster
from kubernetes_tls import HOST, certificate, pem, secret

SECRET = "/api/v1/namespaces/tenant-acme/secrets/stalwart-tls"
API = "/apis/cert-manager.io/v1"
ISSUER = f"{API}/clusterissuers/ca"
CERTIFICATE = f"{API}/namespaces/tenant-acme/certificates/stalwart-tls"
BY = {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "ca"}
SERVED: dict[str, Any] = {"kind": "APIResourceList", "resources": [{"name": "certificates", "kind": "Certificate"}]}
ISSUED = certificate(HOST, issuer="ca", of="server")


def ready(status: str = "True", message: str = "", generation: int = 1) -> dict[str, Any]:
    """An object of cert-manager with its condition."""
    condition = {"type": "Ready", "status": status, "message": message, "observedGeneration": generation}
    return {"metadata": {"name": "x", "generation": 1}, "status": {"conditions": [condition]}}


def run(
    monkeypatch: pytest.MonkeyPatch, objects: dict[str, Any] | None, *, check_mode: bool = False, **changes: Any
) -> dict[str, Any]:
    cluster = Cluster(objects or {})

    def connect(connection: Any) -> Cluster:
        assert objects is not None, "no connection is to be made"
        return cluster

    monkeypatch.setattr(certificate_task, "connect", connect)
    monkeypatch.setattr(certificate_task, "INTERVAL", 0.01)
    given = {
        "connection": {},
        "namespace": "tenant-acme",
        "secret": "stalwart-tls",
        "names": [HOST],
        "issuer": None,
        "wait": 0,
        "offline": False,
    }
    result = certificate_task.run({**given, **changes}, check_mode=check_mode)
    assert cluster.writes == []
    assert "PRIVATE KEY" not in json.dumps(result)
    return result


def test_without_an_issuer_the_certificate_is_self_signed_and_the_line_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fresh = run(monkeypatch, {})
    assert fresh["changes"] == [{"action": "create", "kind": "Secret", "key": "stalwart-tls"}]
    assert fresh["diff"][0]["after"]["certificate"] == f"self-signed, for {HOST}"
    assert (fresh["possible"], fresh["awaited"], fresh["requests"]) == (False, False, 1)
    expected = (
        f"certificate of {HOST} is self-signed: set platform_certificate_issuer, or put a certificate into the Secret "
        "stalwart-tls (platform)"
    )
    assert fresh["missing"] == [expected]
    again = run(monkeypatch, {SECRET: secret(certificate(HOST))})
    assert (again["changes"], again["missing"], again["requests"]) == ([], [expected], 1)


@pytest.mark.parametrize(
    ("held", "names"),
    [
        (secret(certificate(HOST, days=29)), [HOST]),
        (secret(certificate(HOST, days=-1, since=-9)), [HOST]),
        (secret(certificate(HOST)), [HOST, "web.acme.test"]),
        (secret(certificate(HOST, "old.acme.test")), [HOST]),
        (secret(certificate(HOST), pem("other")), [HOST]),
        (secret(certificate(HOST), b"nonsense"), [HOST]),
    ],
    ids=["expires", "expired", "a-name-more", "a-name-less", "another-key", "no-key"],
)
def test_the_role_s_own_certificate_is_renewed(
    monkeypatch: pytest.MonkeyPatch, held: dict[str, Any], names: list[str]
) -> None:
    result = run(monkeypatch, {SECRET: held}, names=names)
    assert result["changes"] == [{"action": "update", "kind": "Secret", "key": "stalwart-tls"}]
    assert result["diff"][0]["before"]["certificate"].startswith("self-signed, for mail.acme.test")


@pytest.mark.parametrize(
    ("held", "fault"),
    [
        (secret(certificate(HOST), own=False), ""),
        (secret(certificate("*.acme.test", issuer="ca", of="server"), pem("server"), own=False), ""),
        # The label is the role's, the certificate somebody else's.
        (secret(ISSUED, pem("server")), ""),
        (secret(certificate(HOST), **{tls.ISSUED: "stalwart-tls"}), ""),
        (secret(certificate("mail.other.test"), own=False), "holds a certificate that is not for mail.acme.test"),
        (secret(certificate(HOST, days=-1, since=-9), own=False), "holds a certificate that expired on 20"),
        (secret(certificate(HOST, since=3), own=False), "holds a certificate that is valid from 20"),
        (secret(certificate(HOST), pem("other"), own=False), "holds a private key that is not its certificate's"),
        (secret(certificate(HOST), b"", own=False), "holds no private key (tls.key)"),
        (secret(b"nonsense", own=False), "holds no certificate (tls.crt)"),
    ],
)
def test_what_somebody_else_put_there_is_kept(
    monkeypatch: pytest.MonkeyPatch, held: dict[str, Any], fault: str
) -> None:
    result = run(monkeypatch, {SECRET: held})
    # The same where an issuer is named that does not exist: its certificate is used, and that nobody renews it is told.
    named = run(monkeypatch, {SECRET: held}, issuer=BY)
    assert result["changes"] == named["changes"] == []
    proven, missing = result["proven"], result["missing"]
    if fault:
        assert proven == []
        assert missing[0].startswith(f"the Secret stalwart-tls {fault}")
        assert "whoever keeps it has to replace it" in missing[0]
    else:
        assert proven[0].startswith(f"certificate of {HOST} until 20")
        assert missing == []
        assert named["missing"][0].startswith(
            f"certificate of {HOST} is not renewed by the issuer: the cluster does not serve"
        )


def test_an_issuer_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh tenant starts with a self-signed certificate, so that no pod waits; the issuer's replaces it."""
    fresh = run(monkeypatch, {ISSUER: ready()}, issuer=BY)
    assert (fresh["possible"], fresh["awaited"], fresh["missing"]) == (True, True, [])
    assert fresh["changes"] == [{"action": "create", "kind": "Secret", "key": "stalwart-tls"}]
    held = secret(ISSUED, pem("server"), **{tls.ISSUED: "stalwart-tls"})
    done = run(monkeypatch, {ISSUER: ready(), CERTIFICATE: ready(), SECRET: held}, issuer=BY)
    assert (done["possible"], done["awaited"], done["changes"], done["missing"]) == (True, False, [], [])
    assert done["proven"][0].startswith(f"certificate of {HOST} until ")
    assert done["requests"] == 3


@pytest.mark.parametrize(
    ("objects", "changes", "possible", "says"),
    [
        ({}, {}, False, "the cluster does not serve cert-manager.io/v1; install cert-manager, or put"),
        ({API: SERVED}, {}, False, "there is no ClusterIssuer 'ca'; create it, name another in platform_certificate_issuer"),
        (
            {API: SERVED, ISSUER: ready("False", "account not registered.")},
            {},
            True,
            "ClusterIssuer 'ca' is not ready: account not registered; correct the issuer (platform)",
        ),
        (
            {API: SERVED},
            {"issuer": {"group": "cert-manager.io", "kind": "Issuer", "name": "own"}},
            False,
            "there is no Issuer 'own'",
        ),
        ({}, {"issuer": {"group": "awspca.cert-manager.io", "kind": "X", "name": "p"}}, False, "does not serve"),
    ],
)  # fmt: skip
def test_an_issuer_that_does_not_work(
    monkeypatch: pytest.MonkeyPatch, objects: dict[str, Any], changes: dict[str, Any], possible: bool, says: str
) -> None:
    """The tenant gets a self-signed certificate and a note; the release asks for no Certificate that nobody could issue."""
    result = run(monkeypatch, objects, **{"issuer": BY, "wait": 5, **changes})
    assert (result["possible"], result["awaited"]) == (possible, False)
    assert [change["action"] for change in result["changes"]] == ["create"]
    assert result["missing"][0].startswith(f"certificate of {HOST} is self-signed: ")
    assert says in result["missing"][0]


def test_an_external_issuer_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = {"group": "awspca.cert-manager.io", "kind": "AWSPCAClusterIssuer", "name": "p"}
    result = run(monkeypatch, {API: SERVED}, issuer=issuer)
    assert (result["possible"], result["missing"]) == (True, [])


def test_an_issuer_that_must_not_be_read_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster({API: SERVED})
    find = cluster.find

    def forbidden(path: str, params: Any = None) -> Any:
        if "clusterissuers" in path:
            raise Failure("kubernetes", "forbidden", "clusterissuers is forbidden")
        return find(path, params)

    monkeypatch.setattr(Cluster, "find", lambda self, path, params=None: forbidden(path, params))
    result = run(monkeypatch, {}, issuer=BY)
    assert (result["possible"], result["missing"]) == (True, [])


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (None, "the Certificate stalwart-tls of ClusterIssuer 'ca' does not exist; run role chart again"),
        (ready("False", "Issuing certificate as Secret does not exist."), "has not issued it yet (Issuing certificate as Secret does not exist)"),
        (ready("True", "of the generation before", 0), "has not issued it yet (cert-manager has not looked at it yet)"),
        (ready("True"), "cert-manager has issued it, but not written the Secret stalwart-tls"),
    ],
)  # fmt: skip
def test_what_is_waited_for_is_told(monkeypatch: pytest.MonkeyPatch, found: dict[str, Any] | None, says: str) -> None:
    """Its end is no failure: an issuer may need the mail host's address, which is published later."""
    objects = {ISSUER: ready(), SECRET: secret(certificate(HOST)), **({CERTIFICATE: found} if found else {})}
    result = run(monkeypatch, objects, issuer=BY, wait=0.05)
    assert result["missing"][0].startswith(f"certificate of {HOST} is self-signed: ")
    assert says in result["missing"][0]


def test_the_wait_ends_when_it_is_issued(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    find = Cluster.find

    def issuing(self: Cluster, path: str, params: Any = None) -> Any:
        if path == CERTIFICATE:
            looks.append(path)
            if len(looks) == 3:
                self.put(CERTIFICATE, ready())
                self.put(SECRET, secret(ISSUED, pem("server")))
        return find(self, path, params)

    monkeypatch.setattr(Cluster, "find", issuing)
    objects = {ISSUER: ready(), CERTIFICATE: ready("False"), SECRET: secret(certificate(HOST))}
    result = run(monkeypatch, objects, issuer=BY, wait=60)
    assert (result["awaited"], result["missing"], len(looks)) == (False, [], 3)
    assert result["proven"]


def test_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, None, offline=True, check_mode=True, issuer=BY)
    assert (result["possible"], result["requests"]) == (True, 0)
    assert result["changes"] == [{"action": "create", "kind": "Secret", "key": "stalwart-tls"}]
    (told,) = run(monkeypatch, None, offline=True, check_mode=True)["missing"]
    assert "is self-signed: set platform_certificate_issuer" in told
    with pytest.raises(Failure, match="check mode only"):
        run(monkeypatch, None, offline=True)
    with pytest.raises(Failure, match="names: at least one"):
        run(monkeypatch, None, names=[])
