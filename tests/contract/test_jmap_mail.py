"""JMAP for mail with a user's own credentials: accounts, mailboxes, messages, blobs (RFC 8620 and 8621; contract 9)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from . import mailbox
from .api import PASSWORD, POLL_SECONDS, Api
from .issuer import Issuer

USING = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail", "urn:ietf:params:jmap:quota"]


class Reader:
    """JMAP as one user."""

    def __init__(self, api: Api, auth: Any) -> None:
        self.api, self.auth = api, auth
        self.session = api.http("GET", "/jmap/session", auth=auth).json()
        self.account = self.session["primaryAccounts"]["urn:ietf:params:jmap:mail"]

    def calls(self, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
        """[name, result] of each call."""
        methods = [[name, {"accountId": self.account} | given, str(n)] for n, (name, given) in enumerate(calls)]
        answer = self.api.http("POST", "/jmap", self.auth, json={"using": USING, "methodCalls": methods})
        assert answer.status_code == 200, answer.text
        return [[name, result] for name, result, _ in answer.json()["methodResponses"]]

    def call(self, method: str, **given: Any) -> Any:
        ((name, result),) = self.calls((method, given))
        assert name == method, result
        return result

    def inbox(self, **given: Any) -> str:
        return str(self.call("Mailbox/query", filter={"role": "inbox"}, **given)["ids"][0])

    def found(self, **filter_: Any) -> list[str]:
        """Ids of the messages that match, as soon as there are any: the real server indexes in the background."""
        deadline = time.monotonic() + POLL_SECONDS
        while True:
            ids = self.call("Email/query", filter=filter_)["ids"]
            if ids or time.monotonic() > deadline:
                return list(ids)
            time.sleep(0.1)


@pytest.fixture
def alice(api: Api, domain: str, name: str) -> Reader:
    """A member of the group sales, with one message."""
    group = api.create("Account", type_="Group", name="sales", domainId=domain)
    credentials = {"0": {"@type": "Password", "secret": PASSWORD}}
    members = {group: True}
    api.create("Account", type_="User", name="alice", domainId=domain, credentials=credentials, memberGroupIds=members)
    mail = mailbox.message("proof", f"Alice <alice@{name}>", "Grüße aus Köln\r\n")
    mail.add_attachment(b"1;2\r\n", maintype="text", subtype="csv", filename="table.csv")
    with mailbox.logged_in(api.target, f"alice@{name}", PASSWORD) as client:
        assert mailbox.append(client, mail)[0] == "OK"
        assert (
            mailbox.append(client, mailbox.message("shared", "sales"), f"Shared Folders/sales@{name}/INBOX")[0] == "OK"
        )
    return Reader(api, (f"alice@{name}", PASSWORD))


def test_accounts(alice: Reader, name: str) -> None:
    accounts = {entry["name"]: entry["isPersonal"] for entry in alice.session["accounts"].values()}
    assert accounts == {f"alice@{name}": True, f"sales@{name}": False}
    assert alice.session["capabilities"].keys() >= set(USING)


def test_mailboxes(alice: Reader) -> None:
    found = alice.call("Mailbox/get", ids=None, properties=["name", "role", "totalEmails", "unreadEmails"])["list"]
    assert {entry["role"]: entry["name"] for entry in found} == {
        "inbox": "Inbox",
        "trash": "Deleted Items",
        "junk": "Junk Mail",
        "drafts": "Drafts",
        "sent": "Sent Items",
    }
    (inbox,) = [entry for entry in found if entry["role"] == "inbox"]
    assert inbox == {"id": alice.inbox(), "name": "Inbox", "role": "inbox", "totalEmails": 1, "unreadEmails": 1}


@pytest.mark.parametrize(
    "filter_",
    [
        {"subject": "proof"},
        {"from": "anna"},
        {"text": "Köln"},
        {"operator": "AND", "conditions": [{"subject": "proof"}, {"notKeyword": "$seen"}]},
    ],
    ids=["subject", "from", "text", "operator"],
)
def test_messages_are_found(alice: Reader, filter_: dict[str, Any]) -> None:
    assert len(alice.found(**filter_)) == 1
    assert alice.call("Email/query", filter={"inMailbox": alice.inbox()})["ids"] == alice.found(**filter_)
    for nothing in ({"subject": "nothing"}, {"header": ["Message-ID", "<proof@sender.test>"]}):
        assert alice.call("Email/query", filter=nothing)["ids"] == []


def test_a_message_is_read(alice: Reader, name: str) -> None:
    wanted = {"properties": ["subject", "from", "to", "sentAt", "messageId", "keywords", "mailboxIds", "hasAttachment"]}
    reference = {"#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"}}
    query = {"filter": {"inMailbox": alice.inbox()}, "sort": [{"property": "receivedAt", "isAscending": False}]}
    (_, found), (_, result) = alice.calls(("Email/query", query), ("Email/get", reference | wanted))
    assert result["list"] == [
        {
            "id": found["ids"][0],
            "subject": "proof",
            "from": [{"name": "Anna Example", "email": "anna@sender.test"}],
            "to": [{"name": "Alice", "email": f"alice@{name}"}],
            "sentAt": "2026-01-02T03:04:05Z",
            "messageId": ["proof@sender.test"],
            "keywords": {},
            "mailboxIds": {alice.inbox(): True},
            "hasAttachment": True,
        }
    ]


def test_bodies_headers_and_blobs(alice: Reader) -> None:
    (key,) = alice.found(inMailbox=alice.inbox())
    names = [
        "bodyValues",
        "textBody",
        "attachments",
        "header:Message-ID:asMessageIds",
        "header:subject",
        "size",
        "blobId",
    ]
    (mail,) = alice.call("Email/get", ids=[key], properties=names, fetchTextBodyValues=True)["list"]
    (part,) = mail["textBody"]
    assert part["type"] == "text/plain"
    assert mail["bodyValues"][part["partId"]]["value"].strip() == "Grüße aus Köln"
    (table,) = mail["attachments"]
    assert (table["name"], table["type"], table["disposition"]) == ("table.csv", "text/csv", "attachment")
    assert mail["header:Message-ID:asMessageIds"] == ["proof@sender.test"]
    assert mail["header:subject"] == " proof"
    raw = alice.api.http("GET", f"/jmap/download/{alice.account}/{mail['blobId']}/mail.eml", alice.auth)
    assert raw.status_code == 200
    assert len(raw.content) == mail["size"]
    assert b"\r\nMessage-ID: <proof@sender.test>\r\n" in raw.content
    attached = f"/jmap/download/{alice.account}/{table['blobId']}/table.csv?accept=text/csv"
    answer = alice.api.http("GET", attached, alice.auth)
    assert (answer.content.split(), answer.headers["Content-Type"]) == ([b"1;2"], "text/csv")
    assert alice.api.http("GET", f"/jmap/download/{alice.account}/{mail['blobId']}/mail.eml", None).status_code == 401


def test_group_accounts(alice: Reader, api: Api, domain: str, name: str) -> None:
    (group,) = api.query("Account", filter={"name": "sales", "domainId": domain})
    inbox = alice.inbox(accountId=group)
    (key,) = alice.call("Email/query", accountId=group, filter={"inMailbox": inbox})["ids"]
    (mail,) = alice.call("Email/get", accountId=group, ids=[key], properties=["subject"])["list"]
    assert mail["subject"] == "shared"
    credentials = {"0": {"@type": "Password", "secret": PASSWORD}}
    api.create("Account", type_="User", name="eve", domainId=domain, credentials=credentials)
    eve = Reader(api, (f"eve@{name}", PASSWORD))
    for account in (group, alice.account):
        ((answered, error),) = eve.calls(("Email/query", {"accountId": account}))
        assert (answered, error["type"]) == ("error", "forbidden")
    (mail,) = alice.call("Email/get", accountId=group, ids=[key], properties=["blobId"])["list"]
    path = f"/jmap/download/{group}/{mail['blobId']}/mail.eml"
    assert [api.http("GET", path, auth).status_code for auth in (alice.auth, eve.auth)] == [200, 404]


def test_a_message_is_destroyed(alice: Reader) -> None:
    (key,) = alice.found(inMailbox=alice.inbox())
    assert alice.call("Email/set", update={key: {"keywords/$seen": True}})["updated"] == {key: None}
    assert alice.call("Email/get", ids=[key], properties=["keywords"])["list"][0]["keywords"] == {"$seen": True}
    result = alice.call("Email/set", destroy=[key, "zzzzzz"])
    assert result["destroyed"] == [key]
    assert result["notDestroyed"]["zzzzzz"]["type"] == "notFound"
    assert alice.call("Email/get", ids=[key])["notFound"] == [key]


def test_quota(alice: Reader, api: Api, domain: str) -> None:
    assert alice.call("Quota/get", ids=None)["list"] == []
    (user,) = api.query("Account", filter={"name": "alice", "domainId": domain})
    api.update("Account", user, {"quotas": {"maxDiskQuota": 100000}})
    (quota,) = alice.call("Quota/get", ids=None)["list"]
    used = api.get("Account", user, "usedDiskQuota")["usedDiskQuota"]
    assert used > 0
    assert (quota["hardLimit"], quota["used"], quota["resourceType"]) == (100000, used, "octets")


def test_by_token(api: Api, directory: str, issuer: Issuer, name: str) -> None:
    reader = Reader(api, issuer.token("contract", "bob", groups=["sales"]))
    assert reader.session["username"] == f"bob@{name}"
    assert len(reader.call("Mailbox/get", ids=None)["list"]) == 5
