"""Delivered mail, in the server's own SQLite file: mailboxes and messages by account, as they survive a restart.

Accounts are named by the key of their generation: 0.16's account id, 0.15's principal id.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass

Account = str | int

INBOX, TRASH, JUNK, DRAFTS, SENT = "INBOX", "Deleted Items", "Junk Mail", "Drafts", "Sent Items"
#: What every account has without asking, in the order of the servers' ids, with the attribute of RFC 6154.
SPECIAL_USE = {INBOX: "", TRASH: "\\Trash", JUNK: "\\Junk", DRAFTS: "\\Drafts", SENT: "\\Sent"}

_TABLES = (
    "CREATE TABLE IF NOT EXISTS mailbox (account TEXT, name TEXT, validity INTEGER, next INTEGER,"
    " PRIMARY KEY (account, name))",
    "CREATE TABLE IF NOT EXISTS message (number INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT, mailbox TEXT,"
    " uid INTEGER, received REAL, flags TEXT, raw BLOB, UNIQUE (account, mailbox, uid))",
)
_COLUMNS = "number, uid, raw, received, flags"


class NoMailbox(Exception):
    """The account has no mailbox of that name."""


@dataclass(frozen=True)
class Message:
    uid: int
    raw: bytes
    received_at: float  # seconds since the epoch
    flags: frozenset[str]  # as in IMAP, e.g. \\Seen
    number: int = 0  # of the whole store, never given again


class MailStore:
    """:param database: the connection of the server's own store."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        for statement in _TABLES:
            database.execute(statement)

    # -- mailboxes -----------------------------------------------------------------------------------------------

    def mailboxes(self, account: Account) -> list[str]:
        """The special ones first, then those that were created, by name."""
        query = "SELECT name FROM mailbox WHERE account = ? ORDER BY name"
        named = [name for (name,) in self._database.execute(query, (str(account),))]
        return [*SPECIAL_USE, *(name for name in named if name not in SPECIAL_USE)]

    def create(self, account: Account, mailbox: str) -> None:
        """Does nothing for a mailbox that is there."""
        self._database.execute(
            "INSERT OR IGNORE INTO mailbox VALUES (?, ?, ?, 1)", (str(account), mailbox, secrets.randbits(31) or 1)
        )

    def uid_validity(self, account: Account, mailbox: str) -> int:
        return self._mailbox(account, mailbox)[0]

    def uid_next(self, account: Account, mailbox: str) -> int:
        return self._mailbox(account, mailbox)[1]

    def _mailbox(self, account: Account, mailbox: str) -> tuple[int, int]:
        """(UIDVALIDITY, UIDNEXT). The special mailboxes come into being here."""
        if mailbox in SPECIAL_USE:
            self.create(account, mailbox)
        query = "SELECT validity, next FROM mailbox WHERE account = ? AND name = ?"
        row = self._database.execute(query, (str(account), mailbox)).fetchone()
        if row is None:
            raise NoMailbox(mailbox)
        return int(row[0]), int(row[1])

    # -- messages ------------------------------------------------------------------------------------------------

    def deliver(
        self,
        account: Account,
        raw: bytes,
        mailbox: str = INBOX,
        flags: Iterable[str] = (),
        received_at: float | None = None,
    ) -> int:
        """Stores a message before it returns its UID. Raises NoMailbox."""
        uid = self.uid_next(account, mailbox)
        moment = time.time() if received_at is None else received_at
        row = (str(account), mailbox, uid, moment, json.dumps(sorted(flags)), raw)
        with self._database:
            self._database.execute("BEGIN")
            self._database.execute(
                "INSERT INTO message (account, mailbox, uid, received, flags, raw) VALUES (?, ?, ?, ?, ?, ?)", row
            )
            self._database.execute(
                "UPDATE mailbox SET next = ? WHERE account = ? AND name = ?", (uid + 1, str(account), mailbox)
            )
        return uid

    def messages(self, account: Account, mailbox: str = INBOX) -> list[Message]:
        """Ascending by UID. Raises NoMailbox."""
        self._mailbox(account, mailbox)
        query = f"SELECT {_COLUMNS} FROM message WHERE account = ? AND mailbox = ? ORDER BY uid"
        return [_message(row) for row in self._database.execute(query, (str(account), mailbox))]

    def message(self, account: Account, mailbox: str, uid: int) -> Message | None:
        query = f"SELECT {_COLUMNS} FROM message WHERE account = ? AND mailbox = ? AND uid = ?"
        row = self._database.execute(query, (str(account), mailbox, uid)).fetchone()
        return _message(row) if row else None

    def flag(self, account: Account, mailbox: str, uid: int, flags: Iterable[str]) -> None:
        """Replaces the flags of a message."""
        self._database.execute(
            "UPDATE message SET flags = ? WHERE account = ? AND mailbox = ? AND uid = ?",
            (json.dumps(sorted(set(flags))), str(account), mailbox, uid),
        )

    def expunge(self, account: Account, mailbox: str, uids: Iterable[int]) -> None:
        rows = [(str(account), mailbox, uid) for uid in uids]
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany("DELETE FROM message WHERE account = ? AND mailbox = ? AND uid = ?", rows)

    # -- accounts ------------------------------------------------------------------------------------------------

    def used(self, account: Account) -> int:
        """Bytes that count for the account's quota."""
        query = "SELECT coalesce(sum(length(raw)), 0) FROM message WHERE account = ?"
        return int(self._database.execute(query, (str(account),)).fetchone()[0])

    def forget(self, account: Account) -> None:
        """A destroyed account's mail goes with it."""
        with self._database:
            self._database.execute("BEGIN")
            for table in ("message", "mailbox"):
                self._database.execute(f"DELETE FROM {table} WHERE account = ?", (str(account),))


def _message(row: tuple[int, int, bytes, float, str]) -> Message:
    number, uid, raw, received, flags = row
    return Message(uid, bytes(raw), received, frozenset(json.loads(flags)), number)
