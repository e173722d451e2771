"""Opens the configured listeners at start: HTTP, SMTP and IMAP, with and without TLS; all others stay closed."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from . import imap, smtp, tls
from .delivery import Queue
from .mta import Mta
from .reading import MailHost
from .throttle import Throttles

log = logging.getLogger("simulator.listeners")


@dataclass(frozen=True)
class Wanted:
    """One socket that the configuration asks for."""

    name: str
    protocol: str
    address: str
    port: int
    tls: bool = False  # from the first byte
    starttls: bool = False  # for protocols that have it
    proxies: tuple[str, ...] = ()  # networks whose connections begin with the header of the PROXY protocol

    def proxied(self, address: str) -> bool:
        peer = ipaddress.ip_address(address)
        return any(peer in ipaddress.ip_network(network, strict=False) for network in self.proxies)


class Settings(Protocol):
    bind: str
    ports: dict[str, int | None]

    @property
    def data(self) -> Path | None: ...


class Application(Protocol):
    app: web.Application


class Listening(Protocol):
    """What a server of either generation shows of itself here."""

    @property
    def settings(self) -> Settings: ...

    def application(self) -> Application: ...

    def listeners(self) -> list[Wanted]: ...

    def certificates(self) -> tls.Loaded: ...

    @property
    def mta(self) -> Mta: ...

    @property
    def queue(self) -> Queue: ...

    @property
    def throttles(self) -> Throttles: ...

    @property
    def reading(self) -> MailHost: ...


@dataclass
class Opened:
    runner: web.AppRunner
    servers: list[asyncio.Server] = field(default_factory=list)

    async def close(self) -> None:
        for server in self.servers:
            server.close()
        await self.runner.cleanup()


async def open_all(server: Listening) -> Opened:
    """New listeners therefore open at the next start, as on the real servers (contract 11.9, 0.15 section 3.8)."""
    runner = web.AppRunner(server.application().app, access_log=None)
    await runner.setup()
    opened = Opened(runner)
    wanted = [entry for entry in server.listeners() if entry.protocol in ("http", "smtp", "imap")]
    context = _self_signed(server) if any(entry.tls or entry.starttls for entry in wanted) else None
    for entry in wanted:
        port = server.settings.ports.get(entry.name, entry.port)
        if port is None:
            continue
        for address in _addresses(server, entry.address):
            try:
                sock = _bind(address, port)
                if entry.protocol == "http":
                    await web.SockSite(runner, sock, ssl_context=context if entry.tls else None).start()
                else:
                    offered = context if entry.tls or entry.starttls else None
                    opened.servers.append(await _mail(server, entry, sock, offered))
            except OSError as error:
                log.error("Failed to listen on %s port %d (%s): %s", address, port, entry.name, error.strerror)
                continue
            log.info("Listening on %s port %d (%s)", address, port, entry.name)
            break
    return opened


async def _mail(
    server: Listening, entry: Wanted, sock: socket.socket, offered: ssl.SSLContext | None
) -> asyncio.Server:
    if entry.protocol == "imap":
        return await imap.listen(server.reading, sock, offered, implicit=entry.tls)
    return await smtp.listen(server.mta, server.queue, server.throttles, entry, sock, offered)


def _addresses(server: Listening, address: str) -> list[str]:
    """The address, then the IPv4 wildcard for hosts without IPv6."""
    if server.settings.bind:
        return [server.settings.bind]
    return [address, "0.0.0.0"] if address == "::" else [address]


def _bind(address: str, port: int) -> socket.socket:
    """``[::]`` answers IPv4 as well, as the real server's does; asyncio would make it IPv6 only."""
    if ":" in address:
        return socket.create_server((address, port), family=socket.AF_INET6, dualstack_ipv6=address == "::")
    return socket.create_server((address, port))


def _self_signed(server: Listening) -> ssl.SSLContext:
    """The context of all listeners. Until a certificate is loaded it is self-signed, for no host in particular (contract 1.6)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rcgen self signed cert")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(1975, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(4096, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = tls.context(pem.decode(), server.settings.data)
    tls.present(context, server.certificates, server.settings.data)
    return context
