"""An SMTP server that takes mail for everybody, as a provider's relay does: by TLS, from who logs in."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from tests.sandbox.pki import Authority

from .mail import WAIT_SECONDS

USER, PASSWORD = "acme", "Relay-Pass-4417-zz"
FAREWELL = "221 2.0.0 Bye"


@dataclass(frozen=True)
class Taken:
    """A message, and how it came in."""

    sender: str
    recipients: list[str]
    content: bytes
    user: str | None
    encrypted: bool


@dataclass
class Relay:
    """:param tls: implicit, starttls or none. :param users: passwords by name; without any nobody has to log in.

    :param farewell: the reply to QUIT.
    """

    address: str
    port: int
    tls: str
    users: dict[str, str] = field(default_factory=dict)
    farewell: str = FAREWELL
    taken: list[Taken] = field(default_factory=list)
    attempts: list[tuple[str, str]] = field(default_factory=list)

    def receive(self, count: int = 1) -> list[Taken]:
        """What it has taken, as soon as that is as much."""
        deadline = time.monotonic() + WAIT_SECONDS
        while len(self.taken) < count and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(self.taken) == count
        return self.taken

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: object
    ) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        login = data.login.decode(), data.password.decode()
        self.attempts.append(login)
        known = self.users.get(login[0]) == login[1]
        return AuthResult(success=known, handled=False, auth_data=login[0])

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        encrypted = session.ssl is not None or self.tls == "implicit"
        user = str(session.auth_data) if session.authenticated else None
        self.taken.append(Taken(envelope.mail_from or "", list(envelope.rcpt_tos), content, user, encrypted))
        return "250 2.0.0 Taken"

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:
        return self.farewell


def own_address() -> str:
    """One of this machine's that is not loopback, where no server sends to. Raises OSError where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # Nothing is sent: the system only says by which address it would go.
        return str(probe.getsockname()[0])


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    authority: Authority, tls: str = "starttls", farewell: str = FAREWELL, port: int = 0, **users: str
) -> Iterator[Relay]:
    """A relay on this machine whose certificate is of the authority, on a free port unless one is given."""
    address = own_address()
    pair = authority.server("relay", [address], ["relay.test"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    relay = Relay(address, port or _free_port(address), tls, users, farewell)
    options = {
        "auth_required": bool(users),
        "auth_require_tls": tls == "starttls",
        "authenticator": relay.authenticate,
        "tls_context": context if tls == "starttls" else None,
        "ssl_context": context if tls == "implicit" else None,
    }
    controller = Controller(relay, address, relay.port, server_hostname="relay.test", **options)
    controller.start()
    try:
        yield relay
    finally:
        controller.stop()


def authority(folder: Path) -> Authority:
    """A new one, whose certificate is in ``folder/ca.crt``."""
    found = Authority(folder)
    found.ensure()
    return found
