"""SMTP: the greeting, EHLO and QUIT. Mail itself is not simulated and refused as a temporary failure."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Protocol

from aiosmtpd.smtp import SMTP, Envelope, Session


class Named(Protocol):
    @property
    def hostname(self) -> str: ...


class _NoMail:
    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        return "451 4.3.0 The simulator does not accept mail."


async def listen(server: Named, sock: socket.socket, tls: ssl.SSLContext | None) -> asyncio.Server:
    """Serve on a bound socket."""
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(_NoMail(), hostname=server.hostname, ident="Stalwart ESMTP at your service")

    return await loop.create_server(protocol, sock=sock, ssl=tls)
