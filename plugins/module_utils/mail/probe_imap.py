# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IMAP as a mail client speaks it: login, finding a message, reading and removing it."""

from __future__ import annotations

import contextlib
import datetime
import imaplib
import re
import socket
import ssl
import time
import typing as t

from ..tls import unverified_context
from . import probe_port as ports
from .checks import Wrong
from .probe_port import Port

#: Seconds between two looks into a mailbox: the library has no IDLE before Python 3.14.
PAUSE = 0.25
#: Messages of a mailbox that are looked at, and octets of each: the probe's own are few and short.
NEWEST = 20
LONGEST = 200_000

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_LIST = re.compile(r'\((?P<flags>[^)]*)\) (?:"(?P<delimiter>[^"]*)"|NIL) (?P<name>.+)\Z')


class LoginRefused(Exception):
    """The server does not accept the credential; the message is its answer."""


class Session(imaplib.IMAP4):
    """A connection to one port.

    :param tls: by default a context that looks at no certificate.
    :raises Wrong: when the port does not greet as it should.
    """

    def __init__(self, port: Port, tls: t.Optional[ssl.SSLContext] = None) -> None:
        self._port = port
        self._read: dict[tuple[str, str], bytes] = {}
        self._sock = ports.connect(port, tls)
        try:
            ports.greet(port, self._greeting)
            self._sock.settimeout(ports.ANSWER_TIMEOUT)
            if not port.tls and "STARTTLS" in self.capabilities:
                self.starttls(tls or unverified_context())
        except ssl.SSLCertVerificationError as exc:
            self._sock.close()
            raise ports.wrong_certificate(exc) from None
        except (imaplib.IMAP4.error, OSError) as exc:
            self._sock.close()
            raise Wrong("closed_at_once", f"{port}: {exc}") from None
        except BaseException:
            self._sock.close()
            raise

    def _greeting(self) -> str:
        super().__init__(self._port.host, timeout=ports.GREETING_TIMEOUT)
        return self.greeting

    def _create_socket(self, timeout: t.Optional[float]) -> socket.socket:
        return self._sock

    def __exit__(self, *_exc: object) -> None:
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            self.logout()
        self._sock.close()

    @property
    def greeting(self) -> str:
        """The server's first line."""
        return bytes(self.welcome).decode("utf-8", "replace").strip()

    def bearer(self, address: str, token: str) -> None:
        """``AUTHENTICATE XOAUTH2``.

        :raises LoginRefused: with the server's answer. :raises Wrong: when it closes.
        """
        first = [f"user={address}\x01auth=Bearer {token}\x01\x01".encode()]
        try:
            # An error is a challenge, to which the client's answer is empty.
            self.authenticate("XOAUTH2", lambda _challenge: first.pop() if first else b"")
        except imaplib.IMAP4.abort as exc:
            # How the server tells an account that may not log in (contract 11.18).
            raise Wrong("login_forbidden", f"{self._port} closes after AUTHENTICATE: {exc}") from None
        except imaplib.IMAP4.error as exc:
            raise LoginRefused(" ".join(_plain(exc).split())) from None
        except OSError as exc:
            raise Wrong("greeting_slow", f"{self._port}: {type(exc).__name__}") from None

    def mailboxes(self) -> list[str]:
        """Names of all mailboxes, other accounts' that are shared included."""
        found = []
        for line in self._data(self.list()):
            match = _LIST.match(line.decode("utf-8", "replace")) if isinstance(line, bytes) else None
            if match and "\\noselect" not in match.group("flags").lower():
                found.append(match.group("name").strip('"'))
        return found

    def find(self, mailbox: str, mark: str) -> dict[str, bytes]:
        """The newest messages of a mailbox that hold a mark anywhere, by UID.

        Read and looked through here: a server's full-text index lags behind its mailboxes.
        """
        if self._try(self.select, f'"{mailbox}"')[0] != "OK":
            return {}
        uids = b" ".join(filter(None, self._data(self._try(self.uid, "SEARCH", "ALL")))).split()[-NEWEST:]
        for uid in (uid.decode() for uid in uids):
            if (mailbox, uid) not in self._read:
                answer = self._try(self.uid, "FETCH", uid, f"(BODY.PEEK[]<0.{LONGEST}>)")
                parts = [bytes(part[1]) for part in self._data(answer) if isinstance(part, tuple)]
                self._read[mailbox, uid] = parts[0] if parts else b""
        found = {uid.decode(): self._read[mailbox, uid.decode()] for uid in uids}
        return {uid: raw for uid, raw in found.items() if mark.encode() in raw}

    def old(self, mailbox: str, subjects: t.Sequence[str], before: datetime.date) -> list[str]:
        """UIDs of messages that came before a day with one of these in their subject."""
        if self._try(self.select, f'"{mailbox}"')[0] != "OK":
            return []
        day = f"{before.day}-{_MONTHS[before.month - 1]}-{before.year}"
        found: list[str] = []
        for text in subjects:
            answer = self._try(self.uid, "SEARCH", "BEFORE", day, "SUBJECT", f'"{text}"')
            found += b" ".join(filter(None, self._data(answer))).decode().split()
        return found

    def remove(self, mailbox: str, uids: t.Iterable[str]) -> None:
        """Delete messages for good."""
        listed = ",".join(uids)
        if not listed or self._try(self.select, f'"{mailbox}"')[0] != "OK":
            return
        self._try(self.uid, "STORE", listed, "+FLAGS.SILENT", "(\\Deleted)")
        if "UIDPLUS" in self.capabilities:
            self._try(self.uid, "EXPUNGE", listed)
        else:
            self._try(self.expunge)

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on."""
        return hasattr(self.sock, "cipher")

    def _try(self, call: t.Callable[..., t.Any], *args: t.Any) -> t.Any:
        try:
            return call(*args)
        except imaplib.IMAP4.abort as exc:
            raise Wrong("closed_at_once", f"{self._port} closes: {exc}") from None
        except imaplib.IMAP4.error as exc:
            raise Wrong("no_such_command", f"{self._port}: {exc}") from None
        except OSError as exc:
            raise Wrong("greeting_slow", f"{self._port}: {type(exc).__name__}") from None

    @staticmethod
    def _data(answer: tuple[str, t.Any]) -> list[t.Any]:
        return list(answer[1] or []) if answer[0] == "OK" else []


def wait_for(look: t.Callable[[], t.Any], seconds: float) -> t.Any:
    """The first thing that a look finds, or what the last one found."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found or time.monotonic() + PAUSE > end:
            return found
        time.sleep(PAUSE)


def _plain(exc: Exception) -> str:
    text = exc.args[0] if exc.args else ""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
