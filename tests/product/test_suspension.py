"""A mailbox that the inventory suspends, on the wire of live servers: every login is refused at once, its mail is kept."""

from __future__ import annotations

import imaplib
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.task import open_driver
from tests.contract import mail as smtp
from tests.contract import mailbox as imap
from tests.contract.issuer import Issuer

from .server import Server
from .test_principals_oidc import mail

__all__ = ["mail"]

ALICE = "alice@acme.test"
INVENTORY: list[dict[str, Any]] = [{"name": ALICE}, {"name": "bob@acme.test"}]
GONE: list[dict[str, Any]] = [{"name": "bob@acme.test"}]
#: How an inventory takes somebody's logins away.
WAYS = {"state: suspended": [{"name": ALICE, "state": "suspended"}, *GONE], "not named any more": GONE}
SECONDS = 20


def named(mail: Server, principals: list[dict[str, Any]]) -> dict[str, Any]:
    return mail.principals(*principals, managed_by="mailboxes")


def http(mail: Server, **credential: Any) -> bool:
    url = f"{mail.target.base_url}/jmap/session"
    status = requests.get(url, timeout=10, allow_redirects=False, **credential).status_code
    assert status in (200, 403), status
    return status == 200


def imap_login(connect: Callable[[], imaplib.IMAP4_SSL]) -> bool:
    try:
        connect().logout()
    except (imaplib.IMAP4.error, OSError):
        return False
    return True


def smtp_login(mail: Server, command: str) -> bool:
    with smtp.submission(mail.target) as client:
        code, text = client.docmd("AUTH", command)
    assert code in (235, 550), (code, text)
    return code == 235


def logins(mail: Server, token: str, secret: str) -> dict[str, bool]:
    """What each way to log in leads to."""
    user = ALICE if mail.generation == "0.16" else "alice"
    target = mail.target
    return {
        "HTTP token": http(mail, headers={"Authorization": f"Bearer {token}"}),
        "HTTP app password": http(mail, auth=(user, secret)),
        "IMAP token": imap_login(lambda: imap.bearer(target, token, user)),
        "IMAP app password": imap_login(lambda: imap.logged_in(target, user, secret)),
        "SMTP token": smtp_login(mail, smtp.bearer("OAUTHBEARER", user, token)),
        "SMTP app password": smtp_login(mail, smtp.plain(user, secret)),
    }


def subjects(mail: Server, secret: str, expected: int) -> list[str]:
    """Subjects in the INBOX, as soon as that many messages are there."""
    client = imap.logged_in(mail.target, ALICE if mail.generation == "0.16" else "alice", secret)
    end = time.monotonic() + SECONDS
    while int(client.select()[1][0] or b"0") < expected and time.monotonic() < end:
        time.sleep(0.2)
    found = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    client.logout()
    return [part[1].decode().strip() for part in found if isinstance(part, tuple)]


def arrives(mail: Server, subject: str) -> str:
    """The last reply to a message that another server brings."""
    with smtp.exchange(mail.target) as client:
        return smtp.send(client, "anna@sender.test", ALICE, smtp.text("anna@sender.test", ALICE, subject))


@pytest.mark.parametrize("way", WAYS)
def test_a_suspended_mailbox_refuses_every_login_and_takes_mail_until_it_is_resumed(
    mail: Server, issuer: Issuer, way: str
) -> None:
    named(mail, INVENTORY)
    token = issuer.token("sme-acme", "alice", email=ALICE)
    secret = mail.app_passwords(api_token=token, description="phone")["secret"]
    before = logins(mail, token, secret)
    assert set(before.values()) == {True}, before

    assert [change["key"] for change in named(mail, WAYS[way])["changes"]] == [ALICE]
    refused = logins(mail, token, secret)
    assert set(refused.values()) == {False}, refused
    assert arrives(mail, "while suspended").startswith("250")
    # Role verify asks for no user of the realm for it.
    with open_driver(mail.options) as (driver, _connection):
        assert driver.addresses().suspended == {ALICE}

    assert [change["key"] for change in named(mail, INVENTORY)["changes"]] == [ALICE]
    after = logins(mail, token, secret)
    assert set(after.values()) == {True}, after
    assert subjects(mail, secret, 1) == ["Subject: while suspended"]


def test_mail_to_a_suspended_mailbox_is_refused_where_the_inventory_says_so(mail: Server, issuer: Issuer) -> None:
    silent = {"name": ALICE, "state": "suspended", "receive_mail": False}
    named(mail, [silent])
    # The address exists, so that the refusal comes with the delivery and the sender gets a bounce.
    assert arrives(mail, "refused").startswith("250")
    named(mail, [{"name": ALICE, "receive_mail": True}])
    token = issuer.token("sme-acme", "alice", email=ALICE)
    secret = mail.app_passwords(api_token=token, description="phone")["secret"]
    assert arrives(mail, "accepted").startswith("250")
    assert subjects(mail, secret, 1) == ["Subject: accepted"]
