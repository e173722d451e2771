"""A mail client for the contract tests: Python's imaplib, and what it takes to log in and to read with it."""

from __future__ import annotations

import imaplib
import re
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

import pytest

from .api import Target

SECONDS = 10


def connect(target: Target) -> imaplib.IMAP4_SSL:
    if target.imap_port is None:
        pytest.skip("IMAP is not known here")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # self-signed: what is asked here is the protocol
    return imaplib.IMAP4_SSL("127.0.0.1", target.imap_port, ssl_context=context, timeout=SECONDS)


def logged_in(target: Target, user: str, password: str) -> imaplib.IMAP4_SSL:
    client = connect(target)
    client.login(user, password)
    return client


def bearer(target: Target, token: str, user: str = "", mechanism: str = "OAUTHBEARER") -> imaplib.IMAP4_SSL:
    """Raises imaplib.IMAP4.error for a refused token."""
    client = connect(target)
    if mechanism == "XOAUTH2":
        message = f"user={user}\x01auth=Bearer {token}\x01\x01"
    else:
        message = f"n,a={user},\x01host=127.0.0.1\x01port=993\x01auth=Bearer {token}\x01\x01"
    client.authenticate(mechanism, lambda _: message.encode())
    return client


def refusal(target: Target, user: str, password: str, times: int = 1) -> bytes:
    """The line that answers the last of these logins, b"" for a connection that is closed instead.

    The real server answers some refusals without the command's tag: imaplib would wait for it.
    """
    client = connect(target)
    line = b""
    for number in range(times):
        client.send(b'r%d LOGIN "%b" "%b"\r\n' % (number, user.encode(), password.encode()))
        line = client.readline()
    client.shutdown()  # LOGOUT would be too late for a connection that the server has closed
    return line.rstrip()


def message(subject: str, to: str, body: str = "Good morning.\r\n") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Anna Example <anna@sender.test>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = format_datetime(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    mail["Message-ID"] = f"<{subject}@sender.test>"
    mail.set_content(body)
    return mail


def append(client: imaplib.IMAP4_SSL, mail: EmailMessage, mailbox: str = "INBOX") -> tuple[str, bytes]:
    """imaplib's answer: the status, and its text."""
    status, data = client.append(f'"{mailbox}"', "", "", mail.as_bytes())
    return status, data[0]


def names(client: imaplib.IMAP4_SSL) -> dict[str, set[str]]:
    """The attributes of each mailbox by its name; whether it has children is left out."""
    found = {}
    for line in client.list()[1]:
        match = re.fullmatch(rb'\(([^)]*)\) "/" "?([^"]*)"?', line)
        assert match, line
        attributes = {name.lower() for name in match[1].decode().split()}
        found[match[2].decode()] = attributes - {"\\haschildren", "\\hasnochildren"}
    return found
