"""stalwart_certificate by a Secret: what is compared, when nothing can be done, and that every port has to follow."""

from __future__ import annotations

import contextlib
import ssl
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import certificate_task, served
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.argspec import TLS_PORTS
from kubernetes_cluster import Cluster
from kubernetes_tls import HOST, certificate, pem, secret

SECRET = "/api/v1/namespaces/tenant-acme/secrets/stalwart-tls"
OLD, NEW = certificate(HOST), certificate(HOST)


def der(text: bytes) -> served.Chain:
    end = b"-----END CERTIFICATE-----\n"
    return tuple(ssl.PEM_cert_to_DER_cert((part + end).decode()) for part in text.split(end)[:-1])


class Server:
    """Shows the old certificate until it has reloaded often enough."""

    generation = "0.16"

    def __init__(self, needed: int = 1, **wrong: Any) -> None:
        self.needed, self.reloads, self.looks = needed, 0, []
        self.before, self.after = OLD, NEW
        #: What single ports show instead, or raise.
        self.wrong = {int(port[1:]): what for port, what in wrong.items()}

    def reload_certificates(self) -> str:
        self.reloads += 1
        return ""

    def show(self, port: served.Port, connect: Any, name: str) -> served.Chain:
        assert name == HOST
        self.looks.append(port.number)
        found = self.wrong.get(port.number, self.after if self.reloads >= self.needed else self.before)
        if isinstance(found, Exception):
            raise found
        return der(found)


def run(
    monkeypatch: pytest.MonkeyPatch, server: Server, held: dict[str, Any] | None, *, check: bool = False, **more: Any
) -> dict[str, Any]:
    cluster = Cluster({SECRET: held} if held else {})

    class Connection:
        class http:
            requests = 3

    @contextlib.contextmanager
    def driver(params: Any) -> Any:
        assert not check, "check mode needs no credential"
        yield server, Connection

    monkeypatch.setattr(certificate_task, "open_driver", driver)
    monkeypatch.setattr(certificate_task, "_way", lambda params, stack: (cluster, None))
    monkeypatch.setattr(served, "chain", server.show)
    monkeypatch.setattr(certificate_task, "INTERVAL", 0.01)
    params = {
        "kubernetes": {"namespace": "tenant-acme", "service": "stalwart-web", "port": "http"},
        "api_url": None,
        "server_name": HOST,
        "secret": "stalwart-tls",
        "certificate": None,
        "ports": TLS_PORTS,
        "timeout": 5,
        **more,
    }
    return certificate_task.run(params, check_mode=check)


def test_one_look_where_nothing_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    result = run(monkeypatch, server, secret(OLD), check=True)
    assert (result["changed"], result["serving"], result["requests"]) == (False, [443], 1)
    assert (server.looks, server.reloads) == ([443], 0)
    assert "PRIVATE" not in str(result)


def test_every_port_is_asked_after_the_reload(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(3, p143=served.Closed("refused"))
    result = run(monkeypatch, server, secret(NEW))
    assert (result["changed"], result["reloads"], result["requests"]) == (True, 3, 4)
    assert (result["serving"], result["closed"]) == ([443, 993, 465, 25, 587], [143])
    item = result["diff"][0]
    assert item["before"]["sha256"] != item["after"]["sha256"] == result["certificate"]["sha256"]


@pytest.mark.parametrize("what", [OLD, served.Broken("the TLS handshake fails")])
def test_a_port_that_does_not_follow(monkeypatch: pytest.MonkeyPatch, what: Any) -> None:
    with pytest.raises(Failure) as caught:
        run(monkeypatch, Server(p587=what), secret(NEW))
    assert (caught.value.layer, caught.value.code) == ("stalwart", "not_converged")
    assert "on port 443, 993, 465, 25, 143 only: 587" in caught.value.message


def test_the_next_port_tells_where_the_first_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(p443=served.Closed("refused"))
    assert run(monkeypatch, server, secret(OLD))["serving"] == [993]
    # A broken handshake is not a closed port: the certificate's key is another one's, and a new one is to be read.
    server = Server(p443=served.Broken("bad signature"))
    planned = run(monkeypatch, server, secret(OLD), check=True)
    assert planned["diff"][0]["before"] == {"certificate": "bad signature"}


def test_a_server_may_send_anything_behind_its_own_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    monkeypatch.setattr(server, "show", lambda *_: (*der(OLD), b"junk"))
    planned = run(monkeypatch, server, secret(OLD), check=True)
    assert planned["diff"][0]["before"]["chain"] == ["unreadable"]


def test_a_secret_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, Server(), None, check=True)["changed"]
    with pytest.raises(Failure) as caught:
        run(monkeypatch, Server(), None)
    assert (caught.value.layer, caught.value.code) == ("kubernetes", "not_found")
    assert "there is no Secret stalwart-tls in tenant-acme" in caught.value.message


@pytest.mark.parametrize(
    ("held", "says"),
    [
        (
            secret(certificate(HOST, days=-1, since=-9)),
            "the Secret stalwart-tls holds a certificate that expired on 20",
        ),
        (secret(NEW, pem("other")), "the Secret stalwart-tls holds a private key that is not its certificate's"),
        (secret(b"nonsense"), "the Secret stalwart-tls holds no certificate"),
    ],
)
def test_a_certificate_that_no_server_serves(monkeypatch: pytest.MonkeyPatch, held: dict[str, Any], says: str) -> None:
    server = Server()
    result = run(monkeypatch, server, held)
    assert not result["changed"]
    assert result["unusable"].startswith(says)
    assert (server.looks, server.reloads) == ([], 0)


def test_a_certificate_for_another_name_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Role chart tells that it is for another name; better than the server's own it is all the same."""
    other = certificate("mail.other.test")
    result = run(monkeypatch, Server(p443=other), secret(other), check=True)
    assert (result["unusable"], result["serving"]) == (None, [443])


LEAF, SUB, ROOT = (
    certificate(HOST, issuer="sub"),
    certificate(issuer="root", of="sub"),
    certificate(issuer="root", of="root"),
)


def test_a_chain_that_was_added_to_the_certificate_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate itself is the same; without what leads to an issuer that clients know they refuse it."""
    server = Server()
    server.before, server.after = LEAF, LEAF + SUB
    planned = run(monkeypatch, server, secret(LEAF + SUB), check=True)
    item = planned["diff"][0]
    assert (item["before"]["chain"], item["after"]["chain"]) == ([], ["CN=sub"])
    assert {**item["before"], "chain": None} == {**item["after"], "chain": None}
    done = run(monkeypatch, server, secret(LEAF + SUB))
    assert (done["changed"], done["reloads"], done["certificate"]["chain"]) == (True, 1, ["CN=sub"])
    assert not run(monkeypatch, server, secret(LEAF + SUB))["changed"]


def test_a_root_may_be_sent_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for shown, held in ((LEAF + SUB, LEAF + SUB + ROOT), (LEAF + SUB + ROOT, LEAF + SUB), (LEAF + ROOT, LEAF)):
        server = Server()
        server.before = shown
        assert not run(monkeypatch, server, secret(held))["changed"]


def test_a_port_with_the_old_chain_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(p587=LEAF)
    server.before, server.after = LEAF, LEAF + SUB
    with pytest.raises(Failure) as caught:
        run(monkeypatch, server, secret(LEAF + SUB))
    assert caught.value.code == "not_converged"
    assert "587 serves it with another chain" in caught.value.message
    server.after = LEAF
    with pytest.raises(Failure) as caught:
        run(monkeypatch, server, secret(LEAF + SUB), timeout=0)
    assert caught.value.code == "timeout"
    assert "its chain is another one" in caught.value.message
