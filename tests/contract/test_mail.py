"""Recipients of mail, where it arrives and what becomes of it on the way (contract 4.2, 4.5, 4.10 to 4.12 and 11)."""

from __future__ import annotations

import time

import pytest

from .api import Api
from .mail import (
    INBOX,
    JUNK,
    QUEUED,
    SENDER_OK,
    User,
    exchange,
    new_key,
    received,
    reply,
    send,
    signatures,
    submission,
    text,
    user,
)

pytestmark = pytest.mark.usefixtures("impatient")

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
#: Seconds that an unknown recipient waits for its answer here.
WAIT = 0.6


def test_unknown_recipients(api: Api, alice: User, name: str) -> None:
    """Answered after a while; nobody relays without a login; too many of them end the connection."""
    unknown = "550 5.1.2 Mailbox does not exist."
    with exchange(api.target) as client:
        assert reply(client.rcpt(alice.address)) == "503 5.5.1 MAIL is required first."
        assert reply(client.mail("x@other.test")) == SENDER_OK
        assert reply(client.rcpt(alice.address)) == "250 2.1.5 OK"
        start = time.monotonic()
        assert reply(client.rcpt(f"nobody@{name}")) == unknown
        assert time.monotonic() - start >= WAIT
        assert reply(client.rcpt("x@elsewhere.test")) == "550 5.1.2 Relay not allowed."
        assert [reply(client.rcpt(f"n{n}@{name}")) for n in range(2)] == [unknown] * 2
        assert reply(client.rcpt(f"last@{name}")) == "451 4.3.0 Too many errors, disconnecting."


def test_addresses_that_are_none(api: Api, alice: User) -> None:
    with exchange(api.target) as client:
        syntax = "501 5.5.2 Syntax error, expected:"
        for argument in ("", "FROM:x@other.test", "FROM:<x@other.test"):
            assert reply(client.docmd("MAIL", argument)) == f"{syntax} MAIL FROM:<reverse-path> [parameters]"
        assert reply(client.docmd("MAIL", "FROM:<x>")) == "501 5.1.8 Bad sender's system address."
        assert reply(client.docmd("MAIL", "FROM:<x@other.test> SIZE=999999999")).startswith("552 5.3.4")
        assert reply(client.docmd("MAIL", "FROM:<x@other.test> SIZE=9 BODY=8BITMIME SMTPUTF8 AUTH=<>")) == SENDER_OK
        assert reply(client.docmd("MAIL", "FROM:<y@other.test>")) == "503 5.5.1 Multiple MAIL commands not allowed."
        assert reply(client.docmd("RCPT", "TO:<x>")) == "501 5.1.3 Bad destination mailbox address syntax."
        assert reply(client.docmd("RCPT", "TO:alice")) == f"{syntax} RCPT TO:<forward-path> [parameters]"


def test_a_message_for_a_foreign_domain_is_queued(api: Api, alice: User) -> None:
    with submission(api.target) as client:
        client.login(*alice.login)
        message = text(alice.address, "x@elsewhere.test")
        assert send(client, alice.address, "x@elsewhere.test", message).startswith(QUEUED)
    if api.target.simulator:
        waiting = api.target.simulator.request("GET", "/simulator/queue")
        assert ("x@elsewhere.test", alice.address) in [(entry["to"], entry["from"]) for entry in waiting]


def test_one_mailbox_by_many_addresses(api: Api, domain: str, name: str) -> None:
    """Alias, domain alias, what follows a plus sign, catch-all; a message is delivered once, whoever it names."""
    api.update("Domain", domain, {"aliases": {f"also.{name}": True}, "catchAllAddress": f"alice@{name}"})
    alice = user(api, domain, name, "alice", aliases={"0": {"name": "al", "domainId": domain}})
    addresses = [f"al@{name}", f"alice@also.{name}", f"alice+tag@{name}", f"whoever@{name}"]
    with exchange(api.target) as client:
        for number, address in enumerate(addresses):
            message = text("x@other.test", address, Message_ID=f"<{number}@other.test>")
            assert send(client, "x@other.test", address, message).startswith(QUEUED)
    found = received(api.target, alice.key, alice.login, 4)
    assert {raw.split(b"\r\n")[0] for _, raw in found} == {
        f"Delivered-To: {address}".encode() for address in (f"al@{name}", f"alice@also.{name}", f"alice@{name}")
    }
    with exchange(api.target) as client:
        again = text("x@other.test", alice.address, Message_ID="<0@other.test>")
        assert send(client, "x@other.test", alice.address, again).startswith(QUEUED)
        fresh = text("x@other.test", alice.address, Message_ID="<9@other.test>")
        assert send(client, "x@other.test", alice.address, fresh).startswith(QUEUED)
    received(api.target, alice.key, alice.login, 5)


def test_lists_and_groups(api: Api, domain: str, name: str, alice: User) -> None:
    """A list's members get the message themselves; a group's mail lies in the group's own account."""
    group = api.create("Account", type_="Group", name="sales", domainId=domain)
    bob = user(api, domain, name, "bob", memberGroupIds={group: True})
    recipients = {alice.address: True, f"sales@{name}": True}
    api.create("MailingList", name="all", domainId=domain, recipients=recipients)
    with submission(api.target) as client:
        client.login(*bob.login)
        assert send(client, bob.address, f"all@{name}", text(bob.address, f"all@{name}")).startswith(QUEUED)
    ((_, raw),) = received(api.target, alice.key, alice.login, 1)
    assert raw.startswith(f"Delivered-To: {alice.address}\r\n".encode())
    assert len(received(api.target, group, bob.login, 1)) == 1
    assert received(api.target, bob.key, bob.login, 0) == []


def test_a_group_that_may_not_receive(api: Api, domain: str, name: str, alice: User) -> None:
    """The recipient is accepted; the sender gets a delivery status notification."""
    disabled = {"@type": "Merge", "disabledPermissions": {"emailReceive": True}}
    api.create("Account", type_="Group", name="sales", domainId=domain, permissions=disabled)
    with submission(api.target) as client:
        client.login(*alice.login)
        assert send(client, alice.address, f"sales@{name}", text(alice.address, f"sales@{name}")).startswith(QUEUED)
    ((mailbox, bounce),) = received(api.target, alice.key, alice.login, 1)
    assert mailbox == INBOX
    assert b"Subject: Failed to deliver message\r\n" in bounce
    assert b"Content-Type: message/delivery-status" in bounce
    assert b"This account is not authorized to receive email." in bounce


def test_over_quota(api: Api, alice: User, bob: User) -> None:
    """Accepted, and tried again later: neither delivered nor bounced."""
    api.update("Account", bob.key, {"quotas": {"maxDiskQuota": 10}})
    with submission(api.target) as client:
        client.login(*alice.login)
        assert send(client, alice.address, bob.address, text(alice.address, bob.address)).startswith(QUEUED)
        assert send(client, alice.address, alice.address, text(alice.address, alice.address)).startswith(QUEUED)
    ((_, raw),) = received(api.target, alice.key, alice.login, 1)
    assert b"Subject: hello" in raw
    assert received(api.target, bob.key, bob.login, 0) == []


def test_what_a_message_gets(api: Api, alice: User) -> None:
    """From outside its way and what is missing; from a user nothing but signatures. No trace of the spam filter."""
    with exchange(api.target) as client:
        bare = f"From: x@other.test\r\nSubject: {GTUBE}\r\n\r\nbody\r\n".encode()
        assert send(client, "x@other.test", alice.address, bare).startswith(QUEUED)
    ((mailbox, raw),) = received(api.target, alice.key, alice.login, 1)
    head = raw.partition(b"\r\n\r\n")[0]
    assert (mailbox, raw.endswith(bare)) == (INBOX, True)
    assert head.startswith(f"Delivered-To: {alice.address}\r\nReceived: from mx.other.test (".encode())
    assert b"\r\nAuthentication-Results: mail.contract.test;" in head
    for field in (b"Return-Path: <x@other.test>", b"Date: ", b"Message-ID: <"):
        assert b"\r\n" + field in head
    assert b"X-Spam" not in head


def test_signatures(api: Api, domain: str, name: str, alice: User, bob: User) -> None:
    """Every active key of the sender's domain signs what its users send, and nothing else."""
    zone = {}
    for variant, key, stage in (("Rsa", new_key("Rsa"), "active"), ("Ed25519", new_key("Ed25519"), "active")):
        secret = {"@type": "Text", "secret": key}
        values = {"domainId": domain, "selector": variant.lower(), "stage": stage, "privateKey": secret}
        made = api.create("DkimSignature", type_=f"Dkim1{variant}Sha256", **values)
        public = api.get("DkimSignature", made, "publicKey")["publicKey"]
        zone[f"{variant.lower()}._domainkey.{name}"] = f"v=DKIM1; k={variant.lower()}; p={public}"
    secret = {"@type": "Text", "secret": new_key("Ed25519")}
    values = {"domainId": domain, "selector": "pending", "stage": "pending", "privateKey": secret}
    api.create("DkimSignature", type_="Dkim1Ed25519Sha256", **values)
    with submission(api.target) as client:
        client.login(*alice.login)
        message = text(alice.address, bob.address, Message_ID="<1@here.test>") + b".dots\r\n..\r\n"
        assert send(client, alice.address, bob.address, message).startswith(QUEUED)
    ((_, raw),) = received(api.target, bob.key, bob.login, 1)
    assert raw.endswith(message)
    assert signatures(raw.partition(b"\r\n")[2], zone) == {"rsa": True, "ed25519": True}
    with exchange(api.target) as client:
        forged = text(alice.address, bob.address, Message_ID="<2@here.test>")
        assert send(client, alice.address, bob.address, forged).startswith(QUEUED)
    second = received(api.target, bob.key, bob.login, 2)[1][1]
    assert b"DKIM-Signature" not in second


def test_spam(api: Api, alice: User, bob: User) -> None:
    """With the filter on, what is from outside and weighs enough lands in the Junk folder."""
    api.create("SpamTag", type_="Score", tag="GTUBE_TEST", score=1000)
    api.update("SpamSettings", "singleton", {"enable": True})
    assert "created" in api.action("ReloadSettings")
    try:
        with exchange(api.target) as client:
            message = text("x@other.test", bob.address, GTUBE, Message_ID="<1@other.test>")
            assert send(client, "x@other.test", bob.address, message).startswith(QUEUED)
        with submission(api.target) as client:
            client.login(*alice.login)
            message = text(alice.address, bob.address, GTUBE, Message_ID="<2@other.test>")
            assert send(client, alice.address, bob.address, message).startswith(QUEUED)
        found = dict(received(api.target, bob.key, bob.login, 2))
        assert b"X-Spam-Status: Yes" in found[JUNK]
        assert b"X-Spam-Status: No" in found[INBOX]
    finally:
        api.update("SpamSettings", "singleton", {"enable": False})
        api.clean()
        assert "created" in api.action("ReloadSettings")


def test_what_is_no_message(api: Api, alice: User) -> None:
    with exchange(api.target) as client:
        refused = "550 5.7.7 Failed to parse message."
        assert send(client, "x@other.test", alice.address, b"just words\r\n") == refused
