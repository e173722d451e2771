"""The queue and local delivery: accepted mail is in the server's file before the client hears of it (contract 11.10).

Mail for other servers leaves by a relay, if the rules name one, and else stays in the queue. A mailbox over its quota is tried
again, a recipient that may not receive bounces, as the real servers do it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from . import headers, outbound
from .bounce import bounce
from .failures import PermanentFailure, TemporaryFailure
from .mailstore import INBOX, JUNK
from .mta import Mta

log = logging.getLogger("simulator.delivery")

#: Seconds until the next attempt, as the default schedules have them.
RETRY_SECONDS = (120, 300, 600, 900, 1800, 3600, 7200)
_TABLE = (
    "CREATE TABLE IF NOT EXISTS queue (number INTEGER PRIMARY KEY AUTOINCREMENT, return_path TEXT, recipient TEXT,"
    " raw BLOB, is_spam INTEGER, attempts INTEGER, due REAL, reason TEXT, error TEXT)"
)


@dataclass(frozen=True)
class Queued:
    number: int
    return_path: str
    recipient: str
    raw: bytes
    is_spam: bool
    attempts: int
    last_error: str


class Queue:
    """:param database: the connection of the server's own store."""

    def __init__(self, mta: Mta, database: sqlite3.Connection) -> None:
        self.mta, self._database = mta, database
        database.execute(_TABLE)
        with contextlib.suppress(sqlite3.OperationalError):  # A volume may be of before that column.
            database.execute("ALTER TABLE queue ADD COLUMN error TEXT")
        self._wanted = asyncio.Event()
        self._job: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        # What was on its way, or had none, when the server ended.
        self._database.execute("UPDATE queue SET due = ? WHERE due IS NULL", (time.time(),))
        self._wanted.set()
        self._job = asyncio.create_task(self._work())

    async def stop(self) -> None:
        for job in [self._job, *self._sending]:
            if job:
                job.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await job

    def put(self, return_path: str, recipients: Iterable[str], raw: bytes, is_spam: bool = False) -> None:
        rows = [(return_path, recipient, raw, int(is_spam), time.time()) for recipient in recipients]
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany(
                "INSERT INTO queue (return_path, recipient, raw, is_spam, attempts, due) VALUES (?, ?, ?, ?, 0, ?)",
                rows,
            )
        self._wanted.set()

    def waiting(self) -> list[dict[str, str | int]]:
        """What tests may look at: everything that is not delivered yet, why, and how often it was tried."""
        rows = self._database.execute("SELECT return_path, recipient, reason, attempts FROM queue ORDER BY number")
        return [{"from": path, "to": to, "reason": reason or "", "attempts": tries} for path, to, reason, tries in rows]

    def retry(self, recipient: str) -> None:
        """Now, unless it is on its way."""
        query = "UPDATE queue SET due = ? WHERE recipient = ? AND due IS NOT NULL"
        self._database.execute(query, (time.time(), recipient))
        self._wanted.set()

    async def _work(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._next())
            self._wanted.clear()
            if "delivery-stalled" not in self.mta.faults:
                for entry in self._due():
                    self._attempt(entry)

    def _next(self) -> float:
        """Seconds until something is due; a fault that is switched off again is noticed within one."""
        if "delivery-stalled" in self.mta.faults:
            return 1.0
        (due,) = self._database.execute("SELECT min(due) FROM queue").fetchone()
        return 3600.0 if due is None else max(0.0, due - time.time())

    def _due(self) -> list[Queued]:
        query = (
            "SELECT number, return_path, recipient, raw, is_spam, attempts, coalesce(error, 'none') FROM queue"
            " WHERE due <= ? ORDER BY number"
        )
        rows = self._database.execute(query, (time.time(),)).fetchall()
        return [
            Queued(number, path, to, bytes(raw), bool(spam), tries, error)
            for number, path, to, raw, spam, tries, error in rows
        ]

    def _attempt(self, entry: Queued) -> None:
        if self.mta.is_local_domain(entry.recipient.rpartition("@")[2]):
            self._outcome(entry, lambda: self._deliver(entry))
            return
        relay = self.mta.relay(entry.return_path, entry.recipient, entry.attempts, entry.last_error)
        if relay is None:
            self._keep(entry, None, "the simulator sends nothing to other servers")
            return
        self._database.execute("UPDATE queue SET due = NULL WHERE number = ?", (entry.number,))
        job = asyncio.create_task(self._send(relay, entry))
        self._sending.add(job)
        job.add_done_callback(self._sending.discard)

    async def _send(self, relay: outbound.Relay, entry: Queued) -> None:
        """Takes its time, in which others are delivered."""
        message = (self.mta.hostname, entry.return_path, entry.recipient, entry.raw)
        failure: Exception | None = None
        try:
            await asyncio.to_thread(outbound.send, relay, *message)
        except (TemporaryFailure, PermanentFailure) as error:
            failure = error
        except Exception as error:
            # Nobody waits for this task: what is unforeseen has to be seen in the queue, which keeps the mail.
            log.exception("Sending to %s failed", entry.recipient)
            failure = TemporaryFailure(f"{type(error).__name__}: {error}", "io")

        def outcome() -> None:
            if failure is not None:
                raise failure

        self._outcome(entry, outcome)
        self._wanted.set()

    def _outcome(self, entry: Queued, deliver: Callable[[], None]) -> None:
        try:
            deliver()
        except TemporaryFailure as error:
            delay = RETRY_SECONDS[min(entry.attempts, len(RETRY_SECONDS) - 1)]
            self._keep(entry, time.time() + delay, str(error), error.kind)
            return
        except PermanentFailure as error:
            log.info("Delivery to %s failed: %s", entry.recipient, error)
            if entry.return_path:
                self.put("", [entry.return_path], bounce(self.mta.hostname, entry.return_path, entry, error))
        self._database.execute("DELETE FROM queue WHERE number = ?", (entry.number,))

    def _keep(self, entry: Queued, due: float | None, reason: str, error: str = "none") -> None:
        self._database.execute(
            "UPDATE queue SET due = ?, reason = ?, error = ?, attempts = attempts + 1 WHERE number = ?",
            (due, reason, error, entry.number),
        )

    def _deliver(self, entry: Queued) -> None:
        """Raises TemporaryFailure or PermanentFailure."""
        account = self.mta.recipient(entry.recipient)
        if account is None:
            raise PermanentFailure("Mailbox not found.")
        if not self.mta.may_receive(account):
            raise PermanentFailure("This account is not authorized to receive email.")
        quota, mail = self.mta.quota(account), self.mta.mail
        if quota and mail.used(account) + len(entry.raw) > quota:
            raise TemporaryFailure("Mailbox over quota.")
        identifier = headers.message_id(entry.raw)
        known = (headers.message_id(each.raw) for name in (INBOX, JUNK) for each in mail.messages(account, name))
        if identifier and identifier in known:
            log.info("Skipping duplicate message %s of %s", identifier, entry.recipient)
            return
        added = f"Delivered-To: {entry.recipient}\r\n" if self.mta.adds_delivered_to else ""
        if self.mta.spam_filter is not None:
            added += f"X-Spam-Status: {'Yes' if entry.is_spam else 'No'}\r\n"
        flags = ["$junk"] if entry.is_spam else []
        mail.deliver(account, added.encode() + entry.raw, JUNK if entry.is_spam else INBOX, flags)
