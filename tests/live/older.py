"""A release as an older chart left it, and a mailbox as a mail client sees it."""

from __future__ import annotations

import imaplib
import ssl
import time
from pathlib import Path
from typing import Any

import yaml

from tests.sandbox import facts

from . import helm
from .run import LINK
from .stalwart import Stalwart
from .tenant import Tenant

FIXTURES = Path(__file__).parents[1] / "chart" / "fixtures"
PASSWORD = "Zeta-Pass-7731-xx"
SECONDS = 60


def install(tenant: Tenant, chart: str, values: dict[str, Any]) -> None:
    """An older chart; returns when its pod is ready."""
    helm.output(tenant.namespace, "install", "stalwart", str(FIXTURES / chart), "--values", "-", values=values)
    facts.kubernetes("rollout", "status", "statefulset/stalwart", "-n", tenant.namespace, "--timeout=110s")


def server_of(tenant: Tenant) -> Stalwart:
    """The admin API at the pod itself: an older chart's Service may lead elsewhere."""
    server = Stalwart(tenant.slug)
    server.url = f"http://{tenant.object('pod', 'stalwart-0')['status']['podIP']}:8080"
    return server


def image() -> str:
    """The sandbox's image of Stalwart."""
    variables = yaml.safe_load((LINK / "inventories/sandbox/group_vars/tenants.yml").read_text())
    return str(variables["sandbox_images"]["0.16"])


def image_values(reference: str) -> dict[str, str]:
    """An image as values of a chart name it."""
    repository, _colon, tag = reference.rpartition(":")
    return {"repository": repository, "tag": tag}


def imap(address: str) -> imaplib.IMAP4_SSL:
    """A connection by the mail address, from outside the cluster; awaited, because the pod may be the next one."""
    context = ssl._create_unverified_context()
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return imaplib.IMAP4_SSL(address, 993, ssl_context=context, timeout=20)
        except (OSError, imaplib.IMAP4.abort):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def bearer(client: imaplib.IMAP4_SSL, user: str, token: str) -> None:
    """Log in by a token of the realm (RFC 7628)."""
    client.authenticate("OAUTHBEARER", lambda _: f"n,a={user},\x01auth=Bearer {token}\x01\x01".encode())


def append(client: imaplib.IMAP4_SSL, subject: str) -> None:
    """Put a message into the inbox."""
    text = f"From: a@b.test\r\nSubject: {subject}\r\n\r\nkept\r\n".encode()
    assert client.append("INBOX", "", imaplib.Time2Internaldate(time.time()), text)[0] == "OK"


def inbox(client: imaplib.IMAP4_SSL) -> tuple[str, list[bytes]]:
    """UIDVALIDITY and the messages' UIDs and texts: what a client compares its cache with."""
    assert client.select("INBOX", readonly=True)[0] == "OK"
    validity = client.response("UIDVALIDITY")[1][0].decode()
    found = client.uid("FETCH", "1:*", "(RFC822)")[1]
    return validity, [part for item in found if isinstance(item, tuple) for part in item]
