"""IMAP and JMAP of 0.15: logins, app passwords of one's own, messages, groups and quota (contract 0.15 4, 5.8)."""

from __future__ import annotations

import imaplib
from typing import Any

import pytest

from .. import mailbox
from ..issuer import Issuer
from .rest import Rest
from .test_logins import PASSWORD, _oidc

USING = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]


@pytest.fixture
def user(rest: Rest, domain: str) -> str:
    """Name and address of an account."""
    name = f"alice@{domain}"
    rest.create("individual", name, secrets=[PASSWORD], emails=[name], roles=["user"], quota=5000)
    return name


def _jmap(rest: Rest, auth: Any, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    methods = [[name, given, str(number)] for number, (name, given) in enumerate(calls)]
    answer = rest.http("POST", "/jmap", auth, json={"using": USING, "methodCalls": methods})
    assert answer.status_code == 200, answer.text
    return [result for _, result, _ in answer.json()["methodResponses"]]


def test_a_message_is_read_by_both_protocols(rest: Rest, user: str) -> None:
    mail = mailbox.message("proof", user)
    with mailbox.logged_in(rest.target, user, PASSWORD) as client:
        assert set(mailbox.names(client)) == {"INBOX", "Deleted Items", "Junk Mail", "Drafts", "Sent Items"}
        assert mailbox.append(client, mail)[0] == "OK"
        client.select()
        (found,) = client.uid("SEARCH", "ALL")[1]
        assert found.isdigit()
        assert client.uid("SEARCH", "HEADER", "Message-ID", "<proof@sender.test>")[1] == [b""]
    auth = (user, PASSWORD)
    account = rest.http("GET", "/jmap/session", auth).json()["primaryAccounts"]["urn:ietf:params:jmap:mail"]
    query = {"accountId": account}
    wanted = {"accountId": account, "#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"}}
    _, got = _jmap(rest, auth, ("Email/query", query), ("Email/get", wanted | {"properties": ["messageId", "blobId"]}))
    (shown,) = got["list"]
    assert shown["messageId"] == ["proof@sender.test"]
    raw = rest.http("GET", f"/jmap/download/{account}/{shown['blobId']}/mail.eml", auth)
    assert raw.content == mail.as_bytes().replace(b"\n", b"\r\n")


def test_an_app_password_of_ones_own(rest: Rest, user: str) -> None:
    """Made by the user, seen and taken away by the administrator."""
    add = [{"type": "addAppPassword", "name": "phone", "password": "phone-password-1"}]
    rest.data("POST", "/api/account/auth", auth=(user, PASSWORD), json=add)
    with mailbox.logged_in(rest.target, user, "phone-password-1") as client:
        assert client.select()[0] == "OK"
    assert "$app$phone$phone-password-1" in rest.get(user)["secrets"]
    rest.patch(user, ("removeItem", "secrets", "$app$phone"))
    refused = mailbox.refusal(rest.target, user, "phone-password-1")
    assert refused == b"r0 NO [AUTHENTICATIONFAILED] Authentication failed"


def test_login_by_token(rest: Rest, issuer: Issuer, domain: str) -> None:
    name = f"bob.{domain}"
    rest.made(name)
    _oidc(rest, issuer)
    with mailbox.bearer(rest.target, issuer.token("contract", name, email=f"bob@{domain}"), name) as client:
        assert client.select() == ("OK", [b"0"])
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        mailbox.bearer(rest.target, issuer.token("foreign", name, email=f"bob@{domain}"), name)


def test_groups_are_shared_folders(rest: Rest, domain: str, user: str) -> None:
    rest.create("group", f"sales@{domain}", emails=[f"sales@{domain}"])
    rest.patch(user, ("addItem", "memberOf", f"sales@{domain}"))
    shared = f"Shared Folders/sales@{domain}/INBOX"
    with mailbox.logged_in(rest.target, user, PASSWORD) as client:
        assert shared in mailbox.names(client)
        assert mailbox.append(client, mailbox.message("all", "sales"), shared)[0] == "OK"
        assert client.select(f'"{shared}"') == ("OK", [b"1"])
    accounts = rest.http("GET", "/jmap/session", (user, PASSWORD)).json()["accounts"].values()
    assert {entry["name"]: entry["isPersonal"] for entry in accounts} == {user: True, f"sales@{domain}": False}


def test_quota(rest: Rest, user: str) -> None:
    mail = mailbox.message("big", user, "0123456789abcdef\r\n" * 150)
    with mailbox.logged_in(rest.target, user, PASSWORD) as client:
        assert mailbox.append(client, mail)[0] == "OK"
        assert rest.get(user)["usedQuota"] == len(mail.as_bytes().replace(b"\n", b"\r\n"))
        assert mailbox.append(client, mail) == ("NO", b"[OVERQUOTA] Disk quota exceeded.")


def test_suspended_accounts(rest: Rest, user: str) -> None:
    rest.patch(user, ("addItem", "disabledPermissions", "authenticate"))
    assert mailbox.refusal(rest.target, user, PASSWORD) == b""
