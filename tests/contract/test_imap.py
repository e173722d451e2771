"""IMAP: ways to log in, mailboxes, messages, shared folders and quota (contract 2.5, 5.5, 5.6 and 11.18)."""

from __future__ import annotations

import imaplib
import time
from typing import Any

import pytest

from . import mailbox
from .api import PASSWORD, POLL_SECONDS, Api
from .issuer import Issuer

SPECIAL = {
    "INBOX": set(),
    "Deleted Items": {"\\trash"},
    "Junk Mail": {"\\junk"},
    "Drafts": {"\\drafts"},
    "Sent Items": {"\\sent"},
}
FAILED = b"NO [AUTHENTICATIONFAILED] Authentication failed"


def _user(api: Api, domain: str, name: str, **values: Any) -> str:
    credentials = {"0": {"@type": "Password", "secret": PASSWORD}}
    return api.create("Account", type_="User", name=name, domainId=domain, credentials=credentials, **values)


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_login_by_token(api: Api, directory: str, issuer: Issuer, name: str, mechanism: str) -> None:
    user = f"alice@{name}"
    with mailbox.bearer(api.target, issuer.token("contract", "alice"), user, mechanism) as client:
        assert mailbox.names(client) == SPECIAL
    refused = {
        issuer.token("foreign", "alice"): "Authentication error",
        issuer.token("contract", "alice", exp=1_700_000_000): "Authentication error",
        issuer.token("contract", "alice", scope="openid email"): "Authentication failed",
    }
    for token, reason in refused.items():
        with pytest.raises(imaplib.IMAP4.error, match=rf"\[AUTHENTICATIONFAILED\] {reason}"):
            mailbox.bearer(api.target, token, user, mechanism)


def test_app_passwords(api: Api, directory: str, domain: str, issuer: Issuer, name: str) -> None:
    """The user makes one with his own token; the administrator sees it and revokes it, at once."""
    token = issuer.token("contract", "alice")
    made = api.call("x:AppPassword/set", auth=token, create={"a": {"description": "phone"}})["created"]["a"]
    user = f"alice@{name}"
    with mailbox.logged_in(api.target, user, made["secret"]) as client:
        assert client.select()[0] == "OK"
    (account,) = api.query("Account", filter={"name": "alice", "domainId": domain})
    (shown,) = api.get("Account", account)["credentials"].values()
    assert (shown["@type"], shown["description"], shown["secret"]) == ("AppPassword", "phone", "****")
    assert shown["credentialId"] == made["id"]
    assert mailbox.refusal(api.target, user, PASSWORD).startswith(b"r0 NO [AUTHENTICATIONFAILED]")
    api.update("Account", account, {"credentials": {}})
    # Not `r0 NO`: a client that waits for the end of its command waits in vain.
    assert mailbox.refusal(api.target, user, made["secret"]) == b"* " + FAILED
    assert api.http("GET", "/jmap/session", auth=(user, made["secret"])).status_code == 401


def test_wrong_passwords(api: Api, domain: str, name: str) -> None:
    _user(api, domain, "bob")
    assert mailbox.refusal(api.target, f"bob@{name}", "wrong") == b"r0 " + FAILED
    assert mailbox.refusal(api.target, f"nobody@{name}", "wrong") == b"r0 " + FAILED
    fourth = mailbox.refusal(api.target, f"bob@{name}", "wrong", times=4)
    assert fourth == b"* NO [AUTHENTICATIONFAILED] Too many authentication attempts"


def test_suspended_accounts(api: Api, domain: str, name: str) -> None:
    """The connection is closed without an answer."""
    user = _user(api, domain, "fred")
    suspended = {"@type": "Merge", "disabledPermissions": {"authenticate": True}}
    api.update("Account", user, {"permissions": suspended})
    assert mailbox.refusal(api.target, f"fred@{name}", PASSWORD) == b""
    api.update("Account", user, {"permissions": {"@type": "Inherit"}})
    with mailbox.logged_in(api.target, f"fred@{name}", PASSWORD) as client:
        assert client.select() == ("OK", [b"0"])


def test_a_message_comes_and_goes(api: Api, domain: str, name: str) -> None:
    _user(api, domain, "carla")
    mail = mailbox.message("hello", f"carla@{name}")
    with mailbox.logged_in(api.target, f"carla@{name}", PASSWORD) as client:
        status, text = mailbox.append(client, mail)
        assert status == "OK"
        assert b"APPENDUID" in text
        assert client.select() == ("OK", [b"1"])
        (found,) = client.uid("SEARCH", "ALL")[1]
        uid = found.decode()
        assert uid.isdecimal()
        fetched = client.uid("FETCH", uid, "(RFC822.SIZE BODY.PEEK[])")[1][0]
        wire = mail.as_bytes().replace(b"\n", b"\r\n")
        assert fetched[1] == wire
        assert f"RFC822.SIZE {len(wire)}".encode() in fetched[0]
        assert client.uid("STORE", uid, "+FLAGS", r"(\Deleted)")[0] == "OK"
        assert client.expunge() == ("OK", [b"1"])
        assert client.uid("SEARCH", "ALL")[1] == [b""]
        assert client.status('"Deleted Items"', "(MESSAGES)")[1] == [b'"Deleted Items" (MESSAGES 0)']
        assert client.select("nosuch")[0] == "NO"


def _found(client: imaplib.IMAP4_SSL, *criteria: str) -> bytes:
    """As soon as anything is found: the real server indexes in the background."""
    deadline = time.monotonic() + POLL_SECONDS
    while True:
        (found,) = client.uid("SEARCH", *criteria)[1]
        if found or time.monotonic() > deadline:
            return bytes(found)
        time.sleep(0.1)


def test_search(api: Api, domain: str, name: str, reloadable: None) -> None:
    """Subject, addresses and text are indexed, other headers only if the settings say so: Message-IDs are not found."""
    _user(api, domain, "hugo")
    fields = api.get("Search", "singleton")["indexEmailFields"]
    with mailbox.logged_in(api.target, f"hugo@{name}", PASSWORD) as client:
        mailbox.append(client, mailbox.message("first", f"hugo@{name}"))
        client.select()
        for criteria in (("SUBJECT", "first"), ("FROM", "anna"), ("TEXT", "morning"), ("HEADER", "Subject", "first")):
            assert _found(client, *criteria) == b"1"
        assert client.uid("SEARCH", "SUBJECT", "second")[1] == [b""]
        assert client.uid("SEARCH", "HEADER", "Message-ID", "<first@sender.test>")[1] == [b""]
        try:
            api.update("Search", "singleton", {"indexEmailFields": fields | {"headers": True}})
            assert "created" in api.action("ReloadSettings")
            mailbox.append(client, mailbox.message("second", f"hugo@{name}"))
            assert _found(client, "HEADER", "Message-ID", "<second@sender.test>") == b"2"
        finally:
            api.update("Search", "singleton", {"indexEmailFields": fields})
            assert "created" in api.action("ReloadSettings")


def test_flags_are_kept(api: Api, domain: str, name: str) -> None:
    _user(api, domain, "dave")
    with mailbox.logged_in(api.target, f"dave@{name}", PASSWORD) as client:
        mailbox.append(client, mailbox.message("flags", f"dave@{name}"))
        client.select()
        client.store("1", "+FLAGS", r"(\Seen $Forwarded)")
    with mailbox.logged_in(api.target, f"dave@{name}", PASSWORD) as client:
        client.select()
        assert set(imaplib.ParseFlags(client.fetch("1", "(FLAGS)")[1][0])) == {rb"\Seen", b"$Forwarded"}
        assert client.search(None, "UNSEEN")[1] == [b""]


def test_groups_are_shared_folders(api: Api, domain: str, name: str) -> None:
    group = api.create("Account", type_="Group", name="sales", domainId=domain)
    for user in ("erin", "frank"):
        _user(api, domain, user, memberGroupIds={group: True})
    shared = f"Shared Folders/sales@{name}"
    with mailbox.logged_in(api.target, f"erin@{name}", PASSWORD) as client:
        assert mailbox.append(client, mailbox.message("all", f"sales@{name}"), f"{shared}/INBOX")[0] == "OK"
    with mailbox.logged_in(api.target, f"frank@{name}", PASSWORD) as client:
        found = mailbox.names(client)
        assert found["Shared Folders"] == found[shared] == {"\\noselect"}
        inside = {name.removeprefix(f"{shared}/") for name in found if name.startswith(f"{shared}/")}
        assert inside == set(SPECIAL)
        assert client.select(f'"{shared}/INBOX"') == ("OK", [b"1"])
        assert client.select() == ("OK", [b"0"])


def test_quota(api: Api, domain: str, name: str) -> None:
    user = _user(api, domain, "gina", quotas={"maxDiskQuota": 5000})
    mail = mailbox.message("big", f"gina@{name}", "0123456789abcdef\r\n" * 150)
    size = len(mail.as_bytes().replace(b"\n", b"\r\n"))
    with mailbox.logged_in(api.target, f"gina@{name}", PASSWORD) as client:
        assert mailbox.append(client, mail)[0] == "OK"
        assert api.get("Account", user, "usedDiskQuota")["usedDiskQuota"] == size
        assert mailbox.append(client, mail) == ("NO", b"[OVERQUOTA] Disk quota exceeded.")
        client.select()
        client.store("1", "+FLAGS", r"(\Deleted)")
        client.expunge()
    assert api.get("Account", user, "usedDiskQuota")["usedDiskQuota"] == 0
