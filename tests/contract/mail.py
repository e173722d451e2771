"""SMTP clients and mailboxes for the contract tests, by the standard library alone."""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any

import dkim
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.x509.oid import NameOID
from tests.simulator import ids
from tests.simulator.mailstore import INBOX, JUNK

from .api import Api, Target

TIMEOUT = 60
WAIT_SECONDS = 20.0
_JMAP = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]
_ROLES = {INBOX: "inbox", JUNK: "junk"}
QUEUED = "250 2.0.0 Message queued with id"
SENDER_OK, FOREIGN = "250 2.1.0 OK", "501 5.5.4 You are not allowed to send from this address."
PASSWORD = "Zeta-Pass-7731-xx"
Message = tuple[str, bytes]  # mailbox, and the message as it is stored


@dataclass
class User:
    """An account of 0.16 with the usual password."""

    key: str
    address: str

    @property
    def login(self) -> tuple[str, str]:
        return self.address, PASSWORD


def user(api: Api, domain: str, name: str, local: str, **more: Any) -> User:
    """:param domain: id of the domain. :param name: its name."""
    credentials = {"0": {"@type": "Password", "secret": PASSWORD}}
    key = api.create("Account", type_="User", name=local, domainId=domain, credentials=credentials, **more)
    return User(key, f"{local}@{name}")


@contextmanager
def submission(target: Target) -> Iterator[smtplib.SMTP]:
    """A connection to port 465, not logged in."""
    if target.submissions_port is None:
        pytest.skip("this server's submission port is not known")
    port, context = target.submissions_port, ssl._create_unverified_context()
    client = _greeted(lambda: smtplib.SMTP_SSL("127.0.0.1", port, timeout=TIMEOUT, context=context))
    with client:
        client.ehlo("client.test")
        yield client


@contextmanager
def exchange(target: Target, source: str = "") -> Iterator[smtplib.SMTP]:
    """A connection to port 25, from another server's point of view."""
    if target.exchanger is None:
        pytest.skip("this server has no port 25")
    host, port = target.exchanger
    origin = (source, 0) if source else None
    client = _greeted(lambda: smtplib.SMTP(host, port, timeout=TIMEOUT, source_address=origin))
    with client:
        client.ehlo("mx.other.test")
        yield client


def _greeted(connect: Callable[[], smtplib.SMTP]) -> smtplib.SMTP:
    """The server takes five connections a second from an address, and closes all others without a word."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return connect()
        except (smtplib.SMTPServerDisconnected, ConnectionError, ssl.SSLError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def sasl(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def plain(user: str, password: str) -> str:
    return f"PLAIN {sasl(chr(0) + user + chr(0) + password)}"


def bearer(mechanism: str, user: str, token: str) -> str:
    start = f"n,a={user},\x01" if mechanism == "OAUTHBEARER" else f"user={user}\x01"
    return f"{mechanism} {sasl(f'{start}auth=Bearer {token}{chr(1)}{chr(1)}')}"


def reply(answer: tuple[int, bytes]) -> str:
    return f"{answer[0]} {answer[1].decode()}"


def text(sender: str, recipient: str, subject: str = "hello", **more: str) -> bytes:
    fields = {"From": sender, "To": recipient, "Subject": subject, "Date": "Mon, 30 Nov 2026 11:00:00 +0000"} | more
    return "".join(
        [*(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items()), "\r\nbody\r\n"]
    ).encode()


def send(client: smtplib.SMTP, sender: str, recipient: str, message: bytes) -> str:
    """The last reply."""
    for answer in (client.mail(sender), client.rcpt(recipient)):
        if answer[0] != 250:
            return reply(answer)
    return reply(client.data(message))


def received(target: Target, account: str | int, login: tuple[str, str], count: int) -> list[Message]:
    """What lies in an account's INBOX and Junk folder, as soon as that many are there: delivery follows the reply."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        found = _fetched(target, ids.encode(account) if isinstance(account, int) else account, login)
        if len(found) >= count or time.monotonic() > deadline:
            assert len(found) == count, found
            return found
        time.sleep(0.1)


def bounced(target: Target, account: str | int, login: tuple[str, str]) -> str:
    """What the only message in a mailbox, a notification, tells the sender."""
    ((_, raw),) = received(target, account, login, 1)
    part = next(part for part in message_from_bytes(raw).walk() if part.get_content_type() == "text/plain")
    return bytes(part.get_payload(decode=True)).decode()


def _fetched(target: Target, account: str, login: tuple[str, str]) -> list[Message]:
    with requests.Session() as session:
        session.trust_env, session.auth = False, login

        def call(name: str, **given: Any) -> Any:
            body = {"using": _JMAP, "methodCalls": [[name, {"accountId": account} | given, "0"]]}
            answer = session.post(f"{target.base_url}/jmap", json=body, timeout=TIMEOUT).json()
            return answer["methodResponses"][0][1]

        boxes = {box["id"]: box["role"] for box in call("Mailbox/get", ids=None)["list"]}
        emails = call("Email/get", ids=call("Email/query")["ids"], properties=["blobId", "mailboxIds"])["list"]
        found = []
        for name, role in _ROLES.items():
            for email in emails:
                if any(boxes[box] == role for box in email["mailboxIds"]):
                    url = f"{target.base_url}/jmap/download/{account}/{email['blobId']}/message?accept=message/rfc822"
                    found.append((name, session.get(url, timeout=TIMEOUT).content))
        return found


def new_key(variant: str) -> str:
    """PEM of a key for DKIM."""
    key = Ed25519PrivateKey.generate() if variant == "Ed25519" else generate_private_key(65537, 2048)
    form, plain_text = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, plain_text).decode()


def shown(target: Target, name: str | None) -> bytes:
    """The certificate (DER) that the submission port shows who asks for that name; no name: who asks for none.

    Raises ssl.SSLError when there is no handshake.
    """
    if target.submissions_port is None:
        pytest.skip("this server's submission port is not known")
    context = ssl._create_unverified_context()
    with (
        socket.create_connection(("127.0.0.1", target.submissions_port), timeout=TIMEOUT) as connection,
        context.wrap_socket(connection, server_hostname=name) as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""


def new_certificate(name: str, valid: tuple[float, float] = (-0.1, 1)) -> tuple[str, str]:
    """PEM of a self-signed certificate and of its private key.

    :param valid: from and until when, in days from now.
    """
    private_key = new_key("Rsa")
    key = serialization.load_pem_private_key(private_key.encode(), None)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + timedelta(days=valid[0]))
        .not_valid_after(now + timedelta(days=valid[1]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private_key


def signatures(message: bytes, zone: dict[str, str]) -> dict[str, bool]:
    """Selector of every DKIM signature, and whether it verifies against the published keys."""
    found = {}
    for index in range(message.count(b"DKIM-Signature:")):
        signature = dkim.DKIM(message)
        verified = signature.verify(index, dnsfunc=lambda name, **_: zone.get(name.decode().rstrip("."), "").encode())
        found[signature.signature_fields[b"s"].decode()] = verified
    return found
