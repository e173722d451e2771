"""SMTP with and without logins: what is offered, who may log in and send as whom (contract 4.9, 4.11, 5.6 and 11)."""

from __future__ import annotations

import smtplib

import pytest

from .api import Api
from .mail import (
    FOREIGN,
    QUEUED,
    SENDER_OK,
    User,
    exchange,
    plain,
    received,
    reply,
    sasl,
    send,
    submission,
    text,
    user,
)

pytestmark = pytest.mark.usefixtures("impatient")


def _senders(api: Api, user: User, *addresses: str) -> list[str]:
    """The replies to these envelope senders."""
    with submission(api.target) as client:
        client.login(*user.login)
        replies = []
        for address in addresses:
            replies.append(reply(client.mail(address)))
            client.rset()
        return replies


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
        assert reply(client.docmd(sasl(alice.login[1]))) == "235 2.7.0 Authentication succeeded."
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


def test_senders(api: Api, domain: str, name: str) -> None:
    """Own address, aliases that are switched on, those of the groups, each with every name of the domain."""
    api.update("Domain", domain, {"aliases": {f"also.{name}": True}})
    group = api.create("Account", type_="Group", name="sales", domainId=domain)
    aliases = {"0": {"name": "al", "domainId": domain}, "1": {"name": "off", "domainId": domain, "enabled": False}}
    alice = user(api, domain, name, "alice", aliases=aliases, memberGroupIds={group: True})
    user(api, domain, name, "bob")
    mine = [f"{local}@{place}" for local in ("alice", "al", "sales") for place in (name, f"also.{name}")]
    others = [f"off@{name}", f"bob@{name}", f"nobody@{name}", "x@elsewhere.test", ""]
    assert _senders(api, alice, *mine, *others) == [SENDER_OK] * 6 + [FOREIGN] * 5
    assert _senders(api, alice, f"ALICE@{name.upper()}") == [SENDER_OK]


def test_an_exception_from_the_sender_check(api: Api, alice: User, domain: str, name: str) -> None:
    """The table follows its own reload, the rule that asks it the reload of the settings."""
    bob = user(api, domain, name, "bob")
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
        assert _senders(api, alice, *asked) == [SENDER_OK, SENDER_OK, FOREIGN]
        assert _senders(api, bob, *asked) == [FOREIGN] * 3
    finally:
        api.update("MtaStageAuth", "singleton", {"mustMatchSender": {"match": {}, "else": "true"}})
        assert "created" in api.action("ReloadSettings")
