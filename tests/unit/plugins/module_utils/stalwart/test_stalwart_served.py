"""The certificate that a port serves: a connection that ends badly afterwards takes nothing away from it."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import served
from kubernetes_tls import HOST, certificate, pem

SENT = (certificate(HOST, issuer="sub"), certificate(issuer="root", of="sub"))
DER = tuple(ssl.PEM_cert_to_DER_cert(part.decode()) for part in SENT)
IMAPS = served.Port(993, "imap")
#: SO_LINGER: on, for no time. Closing sends a reset.
RESET = struct.pack("ii", 1, 0)

Ask = Callable[[Callable[[socket.socket], None]], served.Chain]


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    (tmp_path / "tls.crt").write_bytes(b"".join(SENT))
    (tmp_path / "tls.key").write_bytes(pem("self"))
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    return found


@pytest.fixture
def ask() -> Iterator[Ask]:
    """What the port serves that does this to a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        workers: list[threading.Thread] = []

        def asked(behave: Callable[[socket.socket], None]) -> served.Chain:
            def work() -> None:
                with listening.accept()[0] as plain:
                    behave(plain)

            workers.append(threading.Thread(target=work))
            workers[0].start()
            return served.chain(IMAPS, lambda _: socket.create_connection(listening.getsockname(), 5), HOST)

        yield asked
        for worker in workers:
            worker.join()


def test_a_reset_after_the_handshake(ask: Ask, context: ssl.SSLContext) -> None:
    def reset(plain: socket.socket) -> None:
        with context.wrap_socket(plain, server_side=True) as secured:
            secured.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    assert ask(reset) == DER


def test_a_connection_that_is_not_closed(ask: Ask, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "TIMEOUT", 0.5)
    over = threading.Event()

    def stay(plain: socket.socket) -> None:
        with context.wrap_socket(plain, server_side=True):
            over.wait(10)

    try:
        assert ask(stay) == DER
    finally:
        over.set()


def test_a_reset_before_the_handshake(ask: Ask) -> None:
    def reset(plain: socket.socket) -> None:
        plain.recv(1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    with pytest.raises(served.Closed):
        ask(reset)
