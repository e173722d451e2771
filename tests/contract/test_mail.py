"""SMTP: who may send what to whom, and where it arrives (contract 4.5, 4.11, 4.12, 5 and 11)."""

from __future__ import annotations

import smtplib
import time
from dataclasses import dataclass
from typing import Any

import pytest

from .api import Api, Target
from .mail import INBOX, JUNK, exchange, new_key, plain, received, reply, sasl, send, signatures, submission, text

PASSWORD = "Zeta-Pass-7731-xx"
QUEUED = "250 2.0.0 Message queued with id"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
WAIT = 0.6


@dataclass
class User:
    key: str
    address: str

    @property
    def login(self) -> tuple[str, str]:
        return self.address, PASSWORD


@pytest.fixture(scope="module", autouse=True)
def _failures_wait_a_moment(target: Target) -> None:
    """Not the usual five seconds. Without Pyzor reloads work without name resolution."""
    api = Api(target)
    api.update("SpamPyzor", "singleton", {"enable": False})
    api.update("SpamSettings", "singleton", {"enable": False})
    api.update("MtaStageAuth", "singleton", {"waitOnFail": {"else": "100ms"}})
    api.update("MtaStageRcpt", "singleton", {"waitOnFail": {"else": f"{int(WAIT * 1000)}ms"}})
    assert "created" in api.action("ReloadSettings")


def _user(api: Api, domain: str, name: str, local: str, **more: Any) -> User:
    credentials = {"0": {"@type": "Password", "secret": PASSWORD}}
    key = api.create("Account", type_="User", name=local, domainId=domain, credentials=credentials, **more)
    return User(key, f"{local}@{name}")


@pytest.fixture
def alice(api: Api, domain: str, name: str) -> User:
    return _user(api, domain, name, "alice")


@pytest.fixture
def bob(api: Api, domain: str, name: str) -> User:
    return _user(api, domain, name, "bob")


def _senders(api: Api, user: User, *addresses: str) -> list[str]:
    """The replies to these envelope senders."""
    with submission(api.target) as client:
        client.login(*user.login)
        replies = []
        for address in addresses:
            replies.append(reply(client.mail(address)))
            client.rset()
        return replies


# -- EHLO and AUTH ---------------------------------------------------------------------------------------------------


def test_what_is_offered(api: Api, alice: User) -> None:
    """On port 25 TLS and no login; on 465 every mechanism until the client has logged in."""
    everywhere = {"smtputf8", "size", "pipelining", "no-soliciting", "enhancedstatuscodes", "8bitmime"}
    with exchange(api.target) as client:
        assert everywhere | {"starttls"} <= set(client.esmtp_features)
        assert not client.has_extn("auth")
        assert reply(client.docmd("AUTH", plain(*alice.login))) == "503 5.5.1 AUTH not allowed."
        client.starttls()
        client.ehlo("mx.other.test")
        assert everywhere <= set(client.esmtp_features)
        assert not client.has_extn("starttls")
    with submission(api.target) as client:
        assert client.ehlo_resp is not None
        assert client.ehlo_resp.startswith(b"mail.contract.test you had me at EHLO\n")
        assert client.esmtp_features["auth"].split() == ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"]
        assert client.esmtp_features["size"] == "104857600"
        assert reply(client.mail(alice.address)) == "503 5.5.1 You must authenticate first."
        client.login(*alice.login)
        client.ehlo("client.test")
        assert not client.has_extn("auth")
        assert reply(client.docmd("AUTH", plain(*alice.login))) == "503 5.5.1 Already authenticated."


def test_an_exchanger_wants_a_host_name(api: Api) -> None:
    with exchange(api.target) as client:
        assert reply(client.docmd("EHLO", "nodots")) == "550 5.5.0 Invalid EHLO domain."


def test_passwords(api: Api, alice: User) -> None:
    with submission(api.target) as client:
        assert reply(client.docmd("AUTH", plain(*alice.login))) == "235 2.7.0 Authentication succeeded."
    with submission(api.target) as client:
        assert reply(client.docmd("AUTH", "LOGIN")) == f"334 {sasl('Username:')}"
        assert reply(client.docmd(sasl(alice.address.upper()))) == f"334 {sasl('Password:')}"
        assert reply(client.docmd(sasl(PASSWORD))) == "235 2.7.0 Authentication succeeded."
    with submission(api.target) as client:
        assert reply(client.docmd("AUTH", "PLAIN")) == "334 "
        assert reply(client.docmd("no base64!")) == "500 5.5.6 Invalid challenge."
        assert client.docmd("AUTH", "CRAM-MD5")[0] == 554


def test_too_many_wrong_passwords(api: Api, alice: User) -> None:
    """The third one ends the connection."""
    wrong, failed = plain(alice.address, "wrong"), "535 5.7.8 Authentication credentials invalid."
    with submission(api.target) as client:
        assert [reply(client.docmd("AUTH", wrong)) for _ in range(3)] == [failed] * 3
        assert reply(client.getreply()) == "455 4.3.0 Too many authentication errors, disconnecting."
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()


def test_suspended_accounts(api: Api, alice: User, bob: User) -> None:
    """They may not log in, nor may who has no permission to send; mail for them still arrives."""
    refused = "550 5.7.1 Your account is not authorized to use this service."
    for permission in ("authenticate", "emailSend"):
        disabled = {"@type": "Merge", "disabledPermissions": {permission: True}}
        api.update("Account", alice.key, {"permissions": disabled})
        with submission(api.target) as client:
            assert reply(client.docmd("AUTH", plain(*alice.login))) == refused
    api.update("Account", alice.key, {"permissions": {"@type": "Merge", "disabledPermissions": {"authenticate": True}}})
    with submission(api.target) as client:
        client.login(*bob.login)
        assert send(client, bob.address, alice.address, text(bob.address, alice.address)).startswith(QUEUED)
    api.update("Account", alice.key, {"permissions": {"@type": "Inherit"}})
    assert len(received(api.target, alice.key, alice.login, 1)) == 1


# -- senders ---------------------------------------------------------------------------------------------------------

ALLOWED, FOREIGN = "250 2.1.0 OK", "501 5.5.4 You are not allowed to send from this address."


def test_senders(api: Api, domain: str, name: str) -> None:
    """Own address, aliases that are switched on, those of the groups, each with every name of the domain."""
    api.update("Domain", domain, {"aliases": {f"also.{name}": True}})
    group = api.create("Account", type_="Group", name="sales", domainId=domain)
    aliases = {"0": {"name": "al", "domainId": domain}, "1": {"name": "off", "domainId": domain, "enabled": False}}
    alice = _user(api, domain, name, "alice", aliases=aliases, memberGroupIds={group: True})
    _user(api, domain, name, "bob")
    mine = [f"{local}@{place}" for local in ("alice", "al", "sales") for place in (name, f"also.{name}")]
    others = [f"off@{name}", f"bob@{name}", f"nobody@{name}", "x@elsewhere.test", ""]
    assert _senders(api, alice, *mine, *others) == [ALLOWED] * 6 + [FOREIGN] * 5
    assert _senders(api, alice, f"ALICE@{name.upper()}") == [ALLOWED]


def test_an_exception_from_the_sender_check(api: Api, alice: User, domain: str, name: str) -> None:
    """The table follows its own reload, the rule that asks it the reload of the settings."""
    bob = _user(api, domain, name, "bob")
    rule = {"match": {"0": {"if": "key_exists('senders', authenticated_as + ':' + sender)", "then": "false"}}}
    api.update("MtaStageAuth", "singleton", {"mustMatchSender": rule | {"else": "true"}})
    assert "created" in api.action("ReloadSettings")
    try:
        asked = ("noreply@shop.test", "a@news.shop.test", "b@shop.test")
        assert _senders(api, alice, *asked) == [FOREIGN] * 3
        for sender in ("noreply@shop.test", "*@news.shop.test"):
            key = f"{alice.address}:{sender}"
            api.create("MemoryLookupKey", namespace="senders", key=key, isGlobPattern="*" in sender)
        assert "created" in api.action("ReloadLookupStores")
        assert _senders(api, alice, *asked) == [ALLOWED, ALLOWED, FOREIGN]
        assert _senders(api, bob, *asked) == [FOREIGN] * 3
    finally:
        api.update("MtaStageAuth", "singleton", {"mustMatchSender": {"match": {}, "else": "true"}})
        assert "created" in api.action("ReloadSettings")


# -- recipients ------------------------------------------------------------------------------------------------------


def test_unknown_recipients(api: Api, alice: User, name: str) -> None:
    """Answered after a while; nobody relays without a login; too many of them end the connection."""
    unknown = "550 5.1.2 Mailbox does not exist."
    with exchange(api.target) as client:
        assert reply(client.rcpt(alice.address)) == "503 5.5.1 MAIL is required first."
        assert reply(client.mail("x@other.test")) == ALLOWED
        assert reply(client.rcpt(alice.address)) == "250 2.1.5 OK"
        start = time.monotonic()
        assert reply(client.rcpt(f"nobody@{name}")) == unknown
        assert time.monotonic() - start >= WAIT
        assert reply(client.rcpt("x@elsewhere.test")) == "550 5.1.2 Relay not allowed."
        assert [reply(client.rcpt(f"n{n}@{name}")) for n in range(2)] == [unknown] * 2
        assert reply(client.rcpt(f"last@{name}")) == "451 4.3.0 Too many errors, disconnecting."


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
    alice = _user(api, domain, name, "alice", aliases={"0": {"name": "al", "domainId": domain}})
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
    bob = _user(api, domain, name, "bob", memberGroupIds={group: True})
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


# -- messages --------------------------------------------------------------------------------------------------------


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
