"""IMAP by pymap: the servers' greeting, capabilities and ways to log in."""

from __future__ import annotations

import asyncio
import socket
import ssl
from argparse import Namespace
from contextlib import AsyncExitStack, closing

from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.sock import SocketInfo
from pymap.concurrent import Subsystem
from pymap.config import BackendCapability, IMAPConfig
from pymap.context import connection_exit
from pymap.exceptions import NotSupportedError
from pymap.imap import IMAPConnection, IMAPServer
from pymap.imap.state import ConnectionState
from pymap.parsing.command.nonauth import AuthenticateCommand, LoginCommand, StartTLSCommand
from pymap.parsing.response import CommandResponse
from pymap.selected import SelectedMailbox
from pysasl import SASLAuth
from pysasl.creds.server import ServerCredentials
from pysasl.hashing import BuiltinHash
from pysasl.mechanism.oauth import OAuth2Mechanism
from pysasl.mechanism.plain import PlainMechanism

from .imap_login import Closed, Login, OAuthBearerMechanism, Refused
from .reading import MailHost

MAX_FAILURES = 3


class Config(IMAPConfig):
    """pymap's options of one listener."""

    def __init__(self, context: ssl.SSLContext | None, implicit: bool) -> None:
        super().__init__(
            Namespace(proxy_protocol=None),
            host=None,
            port=0,
            ssl_context=context,
            tls_enabled=context is not None and not implicit,
            hash_context=BuiltinHash(),
            cpu_subsystem=Subsystem.for_asyncio(),
        )
        self.implicit = implicit

    @property
    def backend_capability(self) -> BackendCapability:
        return BackendCapability(idle=True, object_id=True, multi_append=True)

    @property
    def greeting(self) -> bytes:
        return b"Stalwart IMAP4rev2 at your service."

    @property
    def tls_auth(self) -> SASLAuth:
        return SASLAuth([PlainMechanism(), OAuthBearerMechanism(), OAuth2Mechanism()])

    @property
    def initial_auth(self) -> SASLAuth:
        """Before TLS as well: the servers refuse nothing but LOGIN then."""
        return self.tls_auth


class State(ConnectionState):
    def __init__(self, host: MailHost, config: Config) -> None:
        super().__init__(Login(host, config), config)
        self._encrypted = config.implicit
        self._failures = 0

    async def do_starttls(self, cmd: StartTLSCommand) -> tuple[CommandResponse, SelectedMailbox | None]:
        answer = await super().do_starttls(cmd)
        self._encrypted = True
        return answer

    async def do_login(self, cmd: LoginCommand) -> tuple[CommandResponse, SelectedMailbox | None]:
        if not self._encrypted:
            raise NotSupportedError("LOGIN is disabled on the clear-text port.")
        return await super().do_login(cmd)

    async def do_authenticate(
        self, cmd: AuthenticateCommand | LoginCommand, creds: ServerCredentials | None
    ) -> CommandResponse:
        if creds is None:
            raise NotSupportedError("Authentication mechanism not supported.")
        try:
            return await super().do_authenticate(cmd, creds)
        except Refused as error:
            self._failures += error.counts
            if self._failures > MAX_FAILURES:
                raise Closed(b"Too many authentication attempts") from None
            raise


class Server(IMAPServer):
    """A connection of its own state; a blocked address gets none."""

    def __init__(self, host: MailHost, config: Config) -> None:
        super().__init__(Login(host, config), config)
        self._host, self._options = host, config

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sock_info: SocketInfo) -> None:
        if self._host.blocks(str(sock_info.peername_ip)):
            writer.close()
            return
        connection = IMAPConnection(self.commands, self._options, reader, writer, sock_info)
        async with AsyncExitStack() as stack:
            connection_exit.set(stack)
            stack.enter_context(closing(connection))
            await connection.run(State(self._host, self._options))


async def listen(host: MailHost, sock: socket.socket, context: ssl.SSLContext | None, implicit: bool) -> asyncio.Server:
    """Serve on a bound socket.

    :param context: for TLS from the first byte (implicit) or for STARTTLS, None for neither.
    """
    config = Config(context, implicit)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # for the accepted ones: pymap writes line by line
    callback = ProxyProtocolReader(config.proxy_protocol).get_callback(Server(host, config))
    return await asyncio.start_server(callback, sock=sock, ssl=context if implicit else None)
