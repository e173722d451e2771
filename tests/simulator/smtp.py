"""SMTP on aiosmtpd: the server's own replies, in the order in which the real one checks (contract 4.11, 5.6, 11.10 to 11.12).

Extensions that are not simulated are not offered: CHUNKING, BINARYMIME, REQUIRETLS, DSN, FUTURERELEASE, DELIVERBY,
MT-PRIORITY, VRFY and EXPN.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections import defaultdict
from typing import TYPE_CHECKING, AnyStr

from aiosmtpd.proxy_protocol import get_proxy
from aiosmtpd.smtp import SMTP

from .conversation import Conversation
from .delivery import Queue
from .mta import Mta
from .sasl import MECHANISMS, Exchange, HangUp
from .throttle import Throttles

if TYPE_CHECKING:
    from .listeners import Wanted

LINE_BYTES = 4096
_EXPECTED = "501 5.5.2 Syntax error, expected:"
#: What the library says by itself, in the real server's words.
_WORDS = {
    "501 Syntax: EHLO hostname": f"{_EXPECTED} EHLO domain",
    "501 Syntax: HELO hostname": f"{_EXPECTED} HELO domain",
    "501 Syntax: MAIL FROM: <address> [SP <mail-parameters>]": f"{_EXPECTED} MAIL FROM:<reverse-path> [parameters]",
    "501 Syntax: RCPT TO: <address> [SP <mail-parameters>]": f"{_EXPECTED} RCPT TO:<forward-path> [parameters]",
    "220 Ready to start TLS": "220 2.0.0 Ready to start TLS.",
    "354 End data with <CR><LF>.<CR><LF>": "354 Start mail input; end with <CRLF>.<CRLF>",
    "500 Command line too long": "554 5.3.4 Line is too long.",
    "500 Error: bad syntax": "500 5.5.1 Invalid command.",
    "503 Error: need MAIL command": "503 5.5.1 MAIL is required first.",
    "503 Error: need RCPT command": "503 5.5.1 RCPT is required first.",
    "552 Error: Too much mail data": "552 5.3.4 Message too big for system.",
    "552 Error: message size exceeds fixed maximum message size": "552 5.3.4 Message too big for system.",
    "553 5.1.3 Error: malformed address": "501 5.1.3 Bad destination mailbox address syntax.",
}
_UNRECOGNIZED = "500 Error: command "


class Connection(SMTP):
    """One client. What the library parses goes to the conversation; AUTH has replies the library cannot give."""

    command_size_limit = LINE_BYTES
    command_size_limits = defaultdict(lambda: LINE_BYTES)
    line_length_limit = 1 << 20  # lines of messages: the real server has no limit

    def __init__(self, mta: Mta, queue: Queue, throttles: Throttles, wanted: Wanted, tls: ssl.SSLContext | None):
        self.mta, self.wanted = mta, wanted
        self.conversation = Conversation(mta, queue, throttles, wanted)
        offered = None if wanted.tls else tls
        super().__init__(
            self.conversation,
            data_size_limit=None,
            enable_SMTPUTF8=True,
            hostname=mta.hostname,
            tls_context=offered,
            auth_require_tls=False,
        )

    async def _handle_client(self) -> None:
        """The greeting, if the client may come in."""
        assert self.transport is not None
        self.conversation.connected(self.transport)
        if self.wanted.proxied(self.conversation.address) and not await self._behind_proxy():
            self.transport.close()
            return
        if "smtp-closed" in self.mta.faults or not self.conversation.admitted():
            self.transport.close()
            return
        if "greeting-delay" in self.mta.faults:
            await asyncio.sleep(self.mta.greeting_seconds)
        self.hostname, _, self.__ident__ = self.conversation.greeting().partition(" ")
        await super()._handle_client()

    async def _behind_proxy(self) -> bool:
        """The client's address, from the header without which the server does not talk."""
        header = await get_proxy(self._reader)
        if header.valid and header.src_addr:
            self.conversation.address = str(header.src_addr)
        return header.valid

    async def push(self, status: AnyStr) -> None:
        if isinstance(status, bytes):
            await super().push(status)
        elif status.startswith(_UNRECOGNIZED):
            await super().push("500 5.5.1 Invalid command.")
        else:
            await super().push(_WORDS.get(status, status))

    def hang_up(self) -> None:
        assert self._handler_coroutine is not None
        assert self.transport is not None
        self.transport.close()
        self._handler_coroutine.cancel()

    async def smtp_STARTTLS(self, arg: str) -> None:
        if self.transport is not None and self.transport.get_extra_info("ssl_object") is not None:
            await self.push("504 5.7.4 Already in TLS mode.")
        elif self.tls_context is None:
            await self.push("502 5.7.0 TLS not available.")
        else:
            await super().smtp_STARTTLS(arg)
            self.conversation.secured()

    async def smtp_AUTH(self, arg: str | None) -> None:
        mechanism, _, initial = (arg or "").partition(" ")
        if not mechanism:
            await self.push(f"{_EXPECTED} AUTH mechanism [initial-response]")
            return
        allowed = self.conversation.mechanisms()
        if not allowed:
            await self.push("503 5.5.1 AUTH not allowed.")
        elif self.conversation.sender is not None:
            await self.push("503 5.5.1 Already authenticated.")
        elif mechanism.upper() not in allowed or mechanism.upper() not in MECHANISMS:
            await self.push("554 5.7.8 Authentication mechanism not supported.")
        else:
            try:
                await Exchange(self.conversation, self._ask).run(mechanism.upper(), initial.strip(), self.push)
            except HangUp:
                self.hang_up()

    async def _ask(self, challenge: str) -> bytes:
        await self.push(challenge)
        return bytes((await self._reader.readline()).strip())

    async def smtp_MAIL(self, arg: str | None) -> None:
        assert self.session is not None
        assert self.envelope is not None
        refusal = self.conversation.before_mail(bool(self.envelope.mail_from))
        if refusal:
            await self.push(refusal)
            return
        self.session.host_name = self.session.host_name or self.conversation.helo or "unknown"
        self.data_size_limit = self.conversation.number("size", 25 * 1024 * 1024) or None
        self.session.extended_smtp = True  # parameters are taken after HELO as well
        await super().smtp_MAIL(_bracketed(re.sub(r"\s+AUTH=\S+", "", arg or "")))

    async def smtp_RCPT(self, arg: str | None) -> None:
        try:
            await super().smtp_RCPT(_bracketed(arg or ""))
        except HangUp:
            self.hang_up()

    async def smtp_DATA(self, arg: str) -> None:
        assert self.envelope is not None
        if self.envelope.mail_from and self.envelope.rcpt_tos and self.conversation.is_full():
            await self.push("452 4.4.5 Maximum number of messages per session exceeded.")
        elif not self.envelope.mail_from:
            await self.push("503 5.5.1 MAIL is required first.")
        else:
            await super().smtp_DATA(arg)

    async def smtp_HELP(self, arg: str) -> None:
        await self.push("250 2.0.0 Help can be found at https://stalw.art")

    async def smtp_VRFY(self, arg: str) -> None:
        await self.push("252 2.5.1 VRFY is disabled.")

    async def smtp_EXPN(self, arg: str) -> None:
        await self.push("252 2.5.1 EXPN is disabled.")


def _bracketed(argument: str) -> str | None:
    """Nothing, which is a syntax error, for an address without its brackets: the library would take it."""
    return argument if re.match(r"\w+:\s*<[^<>]*>(\s|$)", argument) else None


async def listen(
    mta: Mta, queue: Queue, throttles: Throttles, wanted: Wanted, sock: socket.socket, tls: ssl.SSLContext | None
) -> asyncio.Server:
    """Serve on a bound socket. :param tls: for the whole connection or for STARTTLS, None for neither."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: Connection(mta, queue, throttles, wanted, tls), sock=sock, ssl=tls if wanted.tls else None
    )
