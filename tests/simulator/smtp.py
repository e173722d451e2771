"""SMTP: the greeting, EHLO and QUIT. Mail itself is not simulated and refused as a temporary failure."""

from __future__ import annotations

import asyncio
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


async def listen(server: Server, address: str, port: int, tls: ssl.SSLContext | None) -> asyncio.Server:
    """Raises OSError when the port cannot be bound."""
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(_NoMail(), hostname=server.hostname, ident="Stalwart ESMTP at your service")

    return await loop.create_server(protocol, address, port, ssl=tls)
