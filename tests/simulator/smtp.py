"""SMTP: the greeting, EHLO and QUIT. Mail itself is not simulated and refused as a temporary failure."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP, Envelope, Session

if TYPE_CHECKING:
    from .server import Server


class _NoMail:
    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        return "451 4.3.0 The simulator does not accept mail."


async def listen(server: Server, sock: socket.socket, tls: ssl.SSLContext | None) -> asyncio.Server:
    """Serve on a bound socket."""
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(_NoMail(), hostname=server.hostname, ident="Stalwart ESMTP at your service")

    return await loop.create_server(protocol, sock=sock, ssl=tls)
