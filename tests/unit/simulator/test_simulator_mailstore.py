"""The simulator's mail store: mailboxes, UIDs, flags and quota by account, kept in the server's file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.simulator.mailstore import DRAFTS, INBOX, JUNK, SENT, TRASH, MailStore, NoMailbox
from tests.simulator.store import Store
from tests.simulator.v015.store import Store as Store015

RAW = b"From: alice@acme.test\r\nSubject: hi\r\n\r\nhi\r\n"


@pytest.fixture(params=[Store, Store015], ids=["0.16", "0.15"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    store = request.param(tmp_path / "store.sqlite3")
    yield store.database
    store.close()


def test_every_account_has_the_special_mailboxes(database: sqlite3.Connection) -> None:
    mail = MailStore(database)
    assert mail.mailboxes("b") == [INBOX, TRASH, JUNK, DRAFTS, SENT]
    mail.create("b", "Archive")
    mail.create("b", "Archive")
    assert mail.mailboxes("b")[5:] == ["Archive"]
    assert mail.mailboxes("c")[5:] == []


def test_messages_of_a_mailbox(database: sqlite3.Connection) -> None:
    mail = MailStore(database)
    assert [mail.deliver("b", RAW), mail.deliver("b", RAW + b"again"), mail.deliver("b", RAW, JUNK)] == [1, 2, 1]
    first, second = mail.messages("b")
    assert (first.raw, first.uid, first.flags) == (RAW, 1, frozenset())
    assert (second.raw, second.uid) == (RAW + b"again", 2)
    assert mail.messages("c") == []
    mail.flag("b", INBOX, 1, ["\\Seen", "\\Seen"])
    assert [message.flags for message in mail.messages("b")] == [frozenset({"\\Seen"}), frozenset()]


def test_uids_are_never_given_again(database: sqlite3.Connection) -> None:
    mail = MailStore(database)
    mail.deliver("b", RAW)
    mail.expunge("b", INBOX, [1, 7])
    assert (mail.messages("b"), mail.uid_next("b", INBOX), mail.deliver("b", RAW)) == ([], 2, 2)


def test_no_such_mailbox(database: sqlite3.Connection) -> None:
    with pytest.raises(NoMailbox):
        MailStore(database).deliver("b", RAW, "Nowhere")


def test_quota_and_the_end_of_an_account(database: sqlite3.Connection) -> None:
    mail = MailStore(database)
    mail.deliver("b", RAW)
    mail.deliver("b", RAW, SENT)
    mail.deliver("c", RAW)
    assert (mail.used("b"), mail.used("c"), mail.used("d")) == (2 * len(RAW), len(RAW), 0)
    mail.forget("b")
    assert (mail.used("b"), mail.messages("b"), mail.used("c")) == (0, [], len(RAW))


def test_it_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    store = Store(path)
    mail = MailStore(store.database)
    mail.deliver("b", RAW, flags=["\\Flagged"], received_at=1_800_000_000.5)
    validity = mail.uid_validity("b", INBOX)
    store.close()
    again = Store(path)
    (message,) = MailStore(again.database).messages("b")
    assert (message.raw, message.flags, message.received_at) == (RAW, frozenset({"\\Flagged"}), 1_800_000_000.5)
    assert MailStore(again.database).uid_validity("b", INBOX) == validity > 0
    again.close()
