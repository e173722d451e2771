"""What an SMTP client is told: rules in force, sender check, recipients, and the way of a message into the queue."""

from __future__ import annotations

import asyncio
import logging
import secrets
from email.utils import formatdate
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP, Envelope, Session

from . import headers, signing, spam
from .delivery import Queue
from .evaluate import EvaluationError, Rule, Value, truth
from .mta import Banned, Credentials, Found, Mta, Sender, Throttle
from .sasl import MECHANISMS, HangUp
from .throttle import Throttles

if TYPE_CHECKING:
    from .listeners import Wanted

log = logging.getLogger("simulator.smtp")

#: How the library writes the address of a bounce; elsewhere it is an empty text.
NULL_SENDER = "<>"
_LIMITED = "452 4.4.5 Rate limit exceeded, try again later."


def domain_of(address: str) -> str:
    return address.rpartition("@")[2] if "@" in address else ""


class Conversation:
    """One connection's state, as the handler of an aiosmtpd protocol."""

    def __init__(self, mta: Mta, queue: Queue, throttles: Throttles, wanted: Wanted) -> None:
        self.mta, self.queue, self.throttles, self.wanted = mta, queue, throttles, wanted
        self.sender: Sender | None = None
        self.helo = ""
        self.address, self.remote_port, self.local_address = "", 0, ""
        self.tls = wanted.tls
        self._mail_from: str | None = None
        self._recipients: list[str] = []
        self._accepted = self._failed_logins = self._refused = self._messages = 0

    # -- rules ---------------------------------------------------------------------------------------------------

    def variables(self) -> dict[str, Value]:
        """Ports are the configured ones, whatever the test equipment has made of them."""
        mail_from, last = self._mail_from or "", self._recipients[-1] if self._recipients else ""
        return {
            "listener": self.wanted.name,
            "protocol": "smtp",
            "remote_ip": self.address,
            "remote_port": self.remote_port,
            "local_ip": self.local_address,
            "local_port": self.wanted.port,
            "is_tls": int(self.tls),
            "asn": 0,
            "country": "",
            "helo_domain": self.helo,
            "sender": mail_from,
            "sender_domain": domain_of(mail_from),
            "authenticated_as": self.sender.name if self.sender else "",
            "recipients": list(self._recipients),
            "rcpt": last,
            "rcpt_domain": domain_of(last),
            "priority": "0",
        }

    def said(self, rule: Rule) -> Value | None:
        """None for an empty rule, and for one that cannot be computed."""
        try:
            return rule.value(self.variables(), self.mta.functions())
        except EvaluationError as error:
            log.error("%s: %s", rule, error)
            return None

    def is_true(self, name: str, default: bool) -> bool:
        value = self.said(self.mta.rule(name))
        return default if value is None else truth(value)

    def number(self, name: str, default: int) -> int:
        value = self.said(self.mta.rule(name))
        return int(value) if isinstance(value, int | float) else default

    def seconds(self, name: str, default: float) -> float:
        value = self.said(self.mta.rule(name))
        return value / 1000 if isinstance(value, int | float) else default

    def _limited(self, stage: str) -> bool:
        def ask(throttle: Throttle) -> Value | None:
            return 1 if throttle.match == Rule() else self.said(throttle.match)

        return not self.throttles.allow(stage, self.variables(), ask)

    # -- connection and EHLO -------------------------------------------------------------------------------------

    def connected(self, transport: asyncio.BaseTransport) -> None:
        self.address, self.remote_port = transport.get_extra_info("peername")[:2]
        self.address = self.address.removeprefix("::ffff:")
        self.local_address = transport.get_extra_info("sockname")[0].removeprefix("::ffff:")

    def admitted(self) -> bool:
        return not self.mta.blocks(self.address) and not self._limited("connect")

    def greeting(self) -> str:
        value = self.said(self.mta.rule("greeting"))
        return value if isinstance(value, str) and value else "Stalwart ESMTP at your service."

    def hostname(self) -> str:
        value = self.said(self.mta.rule("hostname"))
        return value if isinstance(value, str) and value else "localhost"

    def secured(self) -> None:
        """After STARTTLS the client has to introduce itself anew."""
        self.tls, self._mail_from = True, None
        self._recipients.clear()

    def mechanisms(self) -> list[str]:
        value = self.said(self.mta.rule("auth-mechanisms"))
        named = [str(item).upper() for item in value] if isinstance(value, list) else [str(value or "").upper()]
        return [name for name in MECHANISMS if name in named]

    def _introduced(self, name: str) -> bool:
        """Port 25 wants a host name with a dot."""
        if self.is_true("ehlo-fqdn", True) and not ("." in name or name.startswith("[")):
            return False
        self.helo = name
        self._reset()
        return True

    async def handle_HELO(self, server: SMTP, session: Session, envelope: Envelope, name: str) -> str:
        if not self._introduced(name):
            return "550 5.5.0 Invalid EHLO domain."
        session.host_name = name
        return f"250 {self.hostname()} you had me at HELO"

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, name: str, responses: list[str]
    ) -> list[str]:
        if not self._introduced(name):
            return ["550 5.5.0 Invalid EHLO domain."]
        session.host_name = name
        size = self.number("size", 25 * 1024 * 1024)
        offered = ["STARTTLS"] if server.tls_context and not self.tls else []
        offered += ["SMTPUTF8", f"SIZE {size}" if size else "SIZE", "PIPELINING", "NO-SOLICITING"]
        offered.append("ENHANCEDSTATUSCODES")
        if self.sender is None and self.mechanisms():
            offered.append("AUTH " + " ".join(self.mechanisms()))
        lines = [f"{self.hostname()} you had me at EHLO", *offered, "8BITMIME"]
        return [*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]

    async def handle_NOOP(self, server: SMTP, session: Session, envelope: Envelope, argument: str) -> str:
        return "250 2.0.0 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return "221 2.0.0 Bye."

    async def handle_RSET(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self._reset()
        return "250 2.0.0 OK"

    def _reset(self) -> None:
        self._mail_from, self._accepted = None, 0
        self._recipients.clear()

    # -- AUTH ----------------------------------------------------------------------------------------------------

    async def login(self, credentials: Credentials) -> None:
        self.sender = await self.mta.login(credentials, self.address)

    def count_failed_login(self) -> int:
        self._failed_logins += 1
        return self._failed_logins

    # -- MAIL ----------------------------------------------------------------------------------------------------

    def before_mail(self, nested: bool) -> str | None:
        """What is checked before the address is looked at."""
        if not self.helo and self.is_true("ehlo-require", True):
            return "503 5.5.1 Polite people say EHLO first."
        if nested:
            return "503 5.5.1 Multiple MAIL commands not allowed."
        if self.sender is None and self.is_true("auth-require", False):
            return "503 5.5.1 You must authenticate first."
        return None

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address != NULL_SENDER and not domain_of(address):
            return "501 5.1.8 Bad sender's system address."
        self._mail_from = "" if address == NULL_SENDER else address.lower()
        refusal = self._refuse_sender()
        if refusal:
            self._mail_from = None
            return refusal
        envelope.mail_from = address
        return "250 2.1.0 OK"

    def _refuse_sender(self) -> str | None:
        if not self.is_true("sender-allowed", True):
            return "550 5.7.1 Sender address not allowed."
        if self.sender and self.is_true("must-match-sender", True) and not self.sender.owns(self._mail_from or ""):
            return "501 5.5.4 You are not allowed to send from this address."
        return _LIMITED if self._limited("mail") else None

    # -- RCPT ----------------------------------------------------------------------------------------------------

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Raises HangUp after too many errors."""
        if address != NULL_SENDER and not domain_of(address):
            return "501 5.1.3 Bad destination mailbox address syntax."
        if min(len(self._recipients), self._accepted) >= self.number("rcpt-max", 100):
            return "455 4.5.3 Too many recipients."
        given = address.lower()
        if given in self._recipients:
            self._accepted += 1
            return "250 2.1.5 OK"
        self._recipients.append(given)
        found, addresses = self.mta.resolve(given)
        if found is Found.UNKNOWN_RECIPIENT:
            return await self._refuse_recipient(server, "550 5.1.2 Mailbox does not exist.")
        if found is Found.UNKNOWN_DOMAIN and not self.is_true("relay", False):
            return await self._refuse_recipient(server, "550 5.1.2 Relay not allowed.")
        if found is Found.MAILBOX:
            self._recipients[-1:] = addresses[:1]
        if self._limited("rcpt"):
            self._recipients.pop()
            return _LIMITED
        if found is Found.LIST:
            self._recipients.pop()
            self._recipients += [each for each in addresses if each not in (*self._recipients, given)]
        self._recipients = list(dict.fromkeys(self._recipients))
        self._accepted += 1
        envelope.rcpt_tos[:] = self._recipients or [given]
        return "250 2.1.5 OK"

    async def _refuse_recipient(self, server: SMTP, reply: str) -> str:
        wait = self.seconds("rcpt-wait", 30)
        refused = self._recipients.pop()
        await asyncio.sleep(wait)
        self._refused += 1
        try:
            self.mta.refused_recipient(self.address, refused)
        except Banned:
            log.warning("%s is blocked: too many unknown recipients", self.address)
        if self._refused < self.number("rcpt-failures", 10):
            return reply
        await server.push("451 4.3.0 Too many errors, disconnecting.")
        raise HangUp

    # -- DATA ----------------------------------------------------------------------------------------------------

    def is_full(self) -> bool:
        return self._messages >= self.number("messages", 10)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw = bytes(envelope.content or b"") if not isinstance(envelope.content, str) else envelope.content.encode()
        if not headers.is_message(raw):
            return "550 5.7.7 Failed to parse message."
        if headers.count(raw, "Received") > self.number("received-headers", 50):
            return "450 4.4.6 Too many Received headers. Possible loop detected."
        queue_id = secrets.randbits(60)
        added = self._trace_headers(server, queue_id)
        is_spam = False
        if self.mta.spam_filter and self.sender is None and self.is_true("spam-filter", True):
            verdict = spam.judge(self.mta.spam_filter, raw)
            is_spam, added = verdict.is_spam, added + verdict.headers
        added += self._missing_headers(raw, envelope.mail_from or "")
        message = signing.signed(added + raw, self._signatures())
        return_path = "" if envelope.mail_from == NULL_SENDER else envelope.mail_from or ""
        self.queue.put(return_path, self._recipients, message, is_spam)
        self._messages += 1
        self._reset()
        return f"250 2.0.0 Message queued with id {queue_id:x}."

    def _signatures(self) -> list[signing.Signature]:
        return [] if "unsigned" in self.mta.faults else self.mta.signatures(self.said(self.mta.rule("sign")))

    def _trace_headers(self, server: SMTP, queue_id: int) -> bytes:
        """Nothing is looked up in the DNS: `none` says that no check was made (RFC 8601, 2.2)."""
        text = ""
        if self.is_true("add-received", True):
            protocol = "ESMTP" + "S" * self.tls + "A" * (self.sender is not None)
            text += f"Received: from {self.helo} (unknown [{self.address}])\r\n"
            text += f"\tby {self.hostname()} (Stalwart SMTP) with {protocol} id {queue_id:X};\r\n\t{formatdate()}\r\n"
        if self.is_true("add-auth-results", True):
            text += f"Authentication-Results: {self.hostname()}; none\r\n"
        return text.encode()

    def _missing_headers(self, raw: bytes, mail_from: str) -> bytes:
        text = ""
        if self.is_true("add-return-path", True):
            text += f"Return-Path: <{mail_from.strip('<>')}>\r\n"
        if not headers.count(raw, "Date") and self.is_true("add-date", True):
            text += f"Date: {formatdate()}\r\n"
        if not headers.count(raw, "Message-ID") and self.is_true("add-message-id", True):
            text += f"Message-ID: <{secrets.token_hex(12)}@{self.hostname()}>\r\n"
        return text.encode()
