"""SMTP: who may send what to whom, and where it arrives (contract 0.15 sections 4.4, 5.5, 6, 7 and 12)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest

from ..api import Target
from ..issuer import Issuer
from ..mail import (
    FOREIGN,
    INBOX,
    JUNK,
    QUEUED,
    SENDER_OK,
    bearer,
    exchange,
    plain,
    received,
    reply,
    send,
    signatures,
    submission,
    text,
)
from .rest import Rest
from .test_logins import _oidc

PASSWORD = "Zeta-Pass-7731"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
WAIT = 0.6


@dataclass
class User:
    key: int
    login: tuple[str, str]
    address: str


@pytest.fixture(scope="module", autouse=True)
def _failures_wait_a_moment(target: Target) -> None:
    """Not the usual five seconds."""
    pairs = [["session.auth.errors.wait", "100ms"], ["session.rcpt.errors.wait", f"{int(WAIT * 1000)}ms"]]
    client = Rest(target)
    client.operate({"type": "insert", "prefix": None, "values": pairs, "assert_empty": False})
    assert client.reload() == {}


def _user(rest: Rest, domain: str, local: str, *aliases: str, **more: Any) -> User:
    """Its name is not its address, as logins go by name."""
    name, addresses = f"{local}.{domain}", [f"{each}@{domain}" for each in (local, *aliases)]
    key = rest.create("individual", name, emails=addresses, secrets=[PASSWORD], roles=["user"], **more)
    return User(key, (name, PASSWORD), addresses[0])


@pytest.fixture
def alice(rest: Rest, domain: str) -> User:
    return _user(rest, domain, "alice")


def _senders(rest: Rest, user: User, *addresses: str) -> list[str]:
    with submission(rest.target) as client:
        client.login(*user.login)
        replies = []
        for address in addresses:
            replies.append(reply(client.mail(address)))
            client.rset()
        return replies


def test_what_is_offered(rest: Rest, alice: User) -> None:
    with exchange(rest.target) as client:
        assert client.has_extn("starttls")
        assert not client.has_extn("auth")
        assert reply(client.docmd("AUTH", plain(*alice.login))) == "503 5.5.1 AUTH not allowed."
        client.starttls()
        assert client.ehlo("mx.other.test")[0] == 250
    with submission(rest.target) as client:
        assert client.esmtp_features["auth"].split() == ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"]
        assert reply(client.mail(alice.address)) == "503 5.5.1 You must authenticate first."
        assert client.docmd("AUTH", plain(alice.login[0], "wrong"))[0] == 535
        assert reply(client.docmd("AUTH", "PLAIN")) == "334 Go ahead."
        assert reply(client.docmd("*")) == "500 5.5.6 Invalid challenge."
        assert reply(client.docmd("AUTH", plain(*alice.login))) == "235 2.7.0 Authentication succeeded."


def test_suspended_accounts(rest: Rest, domain: str, alice: User) -> None:
    rest.patch(alice.login[0], ("addItem", "disabledPermissions", "authenticate"))
    with submission(rest.target) as client:
        refused = "550 5.7.1 Your account is not authorized to use this service."
        assert reply(client.docmd("AUTH", plain(*alice.login))) == refused
    with exchange(rest.target) as client:
        message = text("x@other.test", alice.address)
        assert send(client, "x@other.test", alice.address, message).startswith(QUEUED)
    rest.patch(alice.login[0], ("removeItem", "disabledPermissions", "authenticate"))
    received(rest.target, alice.key, alice.login, 1)


def test_tokens(rest: Rest, issuer: Issuer, domain: str) -> None:
    """A refused token is a failed login; an issuer that does not answer is a failure of the server."""
    name = f"alice.{domain}"
    rest.made(name)
    _oidc(rest, issuer)
    good = issuer.token("contract", name, email=f"alice@{domain}")
    with submission(rest.target) as client:
        foreign = issuer.token("foreign", name, email=f"alice@{domain}")
        assert client.docmd("AUTH", bearer("OAUTHBEARER", name, foreign))[0] == 535
        issuer.stop()
        failed = "454 4.7.0 Temporary authentication failure"
        assert reply(client.docmd("AUTH", bearer("XOAUTH2", name, good))) == failed
        issuer.start()
        assert client.docmd("AUTH", bearer("XOAUTH2", name, good))[0] == 235
        assert reply(client.mail(f"alice@{domain}")) == SENDER_OK


def test_senders(rest: Rest, domain: str) -> None:
    """Own addresses and those of the groups; a table says who may use others beside."""
    rest.create("group", f"sales.{domain}", emails=[f"sales@{domain}"])
    alice = _user(rest, domain, "alice", "al", memberOf=[f"sales.{domain}"])
    mine = [f"{local}@{domain}" for local in ("alice", "al", "sales")]
    assert _senders(rest, alice, *mine, f"bob@{domain}", "x@shop.test", "") == [SENDER_OK] * 3 + [FOREIGN] * 3
    rest.insert({"session.auth.must-match-sender": "!key_exists('allowed', authenticated_as + '|' + sender)"})
    rest.insert({f"lookup.allowed.{alice.login[0]}|*@shop.test": ""})
    assert rest.reload() == {}
    assert rest.reload("/lookup") == {}
    assert _senders(rest, alice, "x@shop.test", "x@other.test") == [SENDER_OK, FOREIGN]


def test_recipients(rest: Rest, domain: str, alice: User) -> None:
    with exchange(rest.target) as client:
        assert reply(client.mail("x@other.test")) == SENDER_OK
        start = time.monotonic()
        assert reply(client.rcpt(f"nobody@{domain}")) == "550 5.1.2 Mailbox does not exist."
        assert time.monotonic() - start >= WAIT
        assert reply(client.rcpt("x@elsewhere.test")) == "550 5.1.2 Relay not allowed."
        assert reply(client.rcpt(f"alice+tag@{domain}")) == "250 2.1.5 OK"
        assert reply(client.data(text("x@other.test", f"alice+tag@{domain}"))).startswith(QUEUED)
    ((mailbox, raw),) = received(rest.target, alice.key, alice.login, 1)
    assert mailbox == INBOX
    assert raw.startswith(f"Delivered-To: alice+tag@{domain}\r\nReceived: from mx.other.test (".encode())
    assert b"\r\nReturn-Path: <x@other.test>\r\n" in raw


def test_lists_and_groups(rest: Rest, domain: str, alice: User) -> None:
    """A list's members get the message; a group without the permission to receive makes a bounce."""
    rest.create("list", f"all.{domain}", emails=[f"all@{domain}"], members=[alice.login[0]])
    rest.create("group", f"sales.{domain}", emails=[f"sales@{domain}"])
    with submission(rest.target) as client:
        client.login(*alice.login)
        for number, recipient in enumerate((f"all@{domain}", f"sales@{domain}")):
            message = text(alice.address, recipient, Message_ID=f"<{number}@here.test>")
            assert send(client, alice.address, recipient, message).startswith(QUEUED)
    found = [raw for _, raw in received(rest.target, alice.key, alice.login, 2)]
    assert sorted(b"Subject: Failed to deliver message" in raw for raw in found) == [False, True]


def test_signatures(rest: Rest, domain: str, alice: User) -> None:
    """The default rule names one key of each algorithm by the sender's domain."""
    names = {"Rsa": f"rsa-{domain}", "Ed25519": f"ed25519-{domain}"}
    for algorithm in names:
        assert rest.answer("POST", "/api/dkim", json={"algorithm": algorithm, "domain": domain}) == {"data": None}
    assert rest.reload() == {}
    try:
        records = rest.data("GET", f"/api/dns/records/{domain}")
        zone = {entry["name"].rstrip("."): entry["content"] for entry in records if entry["type"] == "TXT"}
        with submission(rest.target) as client:
            client.login(*alice.login)
            message = text(alice.address, alice.address, Message_ID="<1@here.test>")
            assert send(client, alice.address, alice.address, message).startswith(QUEUED)
        ((_, raw),) = received(rest.target, alice.key, alice.login, 1)
        assert list(signatures(raw.partition(b"\r\n")[2], zone).values()) == [True, True]
    finally:
        rest.operate(*({"type": "clear", "prefix": f"signature.{name}."} for name in names.values()))
        assert rest.reload() == {}


def test_spam(rest: Rest, domain: str, alice: User) -> None:
    """Without the filter nothing is marked; with it what weighs enough lands in the Junk folder."""
    for number, mailbox, enabled in ((1, INBOX, "false"), (2, JUNK, "true")):
        rest.insert({"spam-filter.enable": enabled, "spam-filter.list.scores.GTUBE_TEST": "1000.0"})
        assert rest.reload() == {}
        with exchange(rest.target) as client:
            message = text("x@other.test", alice.address, GTUBE, Message_ID=f"<{number}@other.test>")
            assert send(client, "x@other.test", alice.address, message).startswith(QUEUED)
        raw = dict(received(rest.target, alice.key, alice.login, number))[mailbox]
        assert (b"X-Spam-Status: Yes" in raw) is (enabled == "true")
        assert (b"X-Spam" in raw) is (enabled == "true")
