"""Logins of IMAP: pymap's credentials to a reader of mail, refusals in the servers' words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NoReturn

from pymap.bytes import WriteStream
from pymap.config import IMAPConfig
from pymap.context import socket_info
from pymap.exceptions import InvalidAuth, NotAllowedError, ResponseError
from pymap.interfaces.login import IdentityInterface, LoginInterface
from pymap.interfaces.session import SessionInterface
from pymap.parsing.response import ResponseCode, ResponseNo
from pymap.token import AllTokens
from pymap.user import UserMetadata
from pysasl.creds.external import ExternalCredentials, ExternalVerificationRequired
from pysasl.creds.server import ServerCredentials
from pysasl.exception import InvalidResponse
from pysasl.identity import Identity
from pysasl.mechanism import ChallengeResponse, ServerChallenge, ServerMechanism

from .imap_mailboxes import Session
from .mta import Banned, LoginFailed, LoginUnavailable, NotAuthorized, Password, Token
from .reading import MailHost, Reader, WrongAppPassword
from .sasl import bearer

_CODE = ResponseCode.of(b"AUTHENTICATIONFAILED")


class Refused(InvalidAuth):
    """:param tagged: False: the client waits in vain for the end of its command."""

    def __init__(self, text: str, counts: bool, tagged: bool = True) -> None:
        super().__init__(text)
        self.counts = counts
        self._tagged = tagged

    def get_response(self, tag: bytes) -> ResponseNo:
        return super().get_response(tag if self._tagged else b"*")


class Closed(ResponseError):
    """The connection ends, with or without a last word."""

    def __init__(self, text: bytes = b"") -> None:
        super().__init__(text)
        self._text = text

    def get_response(self, tag: bytes) -> ResponseNo:
        return _Last(b"*", self._text, _CODE)


class _Last(ResponseNo):
    @property
    def is_terminal(self) -> bool:
        return True

    def write(self, writer: WriteStream) -> None:
        if self._text:
            super().write(writer)

    async def async_write(self, writer: WriteStream) -> None:
        self.write(writer)


class Account(IdentityInterface):
    """An account that is logged in. It is managed by the server's own API, not by pymap's."""

    def __init__(self, host: MailHost, reader: Reader, config: IMAPConfig) -> None:
        self._host, self._reader, self._config = host, reader, config

    @property
    def name(self) -> str:
        return self._reader.name

    @property
    def roles(self) -> frozenset[str]:
        return frozenset()

    @asynccontextmanager
    async def new_session(self) -> AsyncIterator[SessionInterface]:
        yield Session(self._host, self._reader, self._config)

    async def new_token(self, *, expiration: datetime | None = None) -> str | None:
        return None

    async def get(self) -> NoReturn:
        raise NotAllowedError

    async def set(self, metadata: UserMetadata) -> NoReturn:
        raise NotAllowedError

    async def delete(self) -> NoReturn:
        raise NotAllowedError


class Login(LoginInterface):
    def __init__(self, host: MailHost, config: IMAPConfig) -> None:
        self._host, self._config = host, config

    @property
    def tokens(self) -> AllTokens:
        return AllTokens(self._config)

    async def authenticate(self, credentials: ServerCredentials) -> Account:
        """Raises Refused or Closed."""
        address = str(socket_info.get().peername_ip)
        given = _Given(credentials.authcid)
        try:
            try:
                credentials.verify(given)
                reader = await self._host.admit(Password(given.authcid, given.secret), address)
            except ExternalVerificationRequired as external:
                reader = await self._host.admit(Token(external.token or ""), address)
        except LoginFailed as error:
            tagged = not isinstance(error, WrongAppPassword)
            raise Refused("Authentication failed", counts=True, tagged=tagged) from None
        except LoginUnavailable:
            raise Refused("Authentication error", counts=False) from None
        except (NotAuthorized, Banned):
            raise Closed from None
        return Account(self._host, reader, self._config)

    async def authorize(self, authenticated: IdentityInterface, authzid: str) -> IdentityInterface:
        """The servers do not look at it: `target%master` is how somebody acts for somebody else."""
        return authenticated


class _Given(Identity):
    """What the client sent: pysasl shows a secret only to an identity that compares it."""

    def __init__(self, authcid: str) -> None:
        self._authcid, self.secret = authcid, ""

    @property
    def authcid(self) -> str:
        return self._authcid

    def compare_authcid(self, authcid: str) -> bool:
        return True

    def compare_secret(self, secret: str) -> bool:
        self.secret = secret
        return True

    def get_clear_secret(self) -> str | None:
        return None


class OAuthBearerMechanism(ServerMechanism):
    """OAUTHBEARER (RFC 7628): the one mechanism of the servers that pysasl does not bring."""

    def __init__(self) -> None:
        super().__init__(b"OAUTHBEARER")

    def server_attempt(self, responses: Sequence[ChallengeResponse]) -> tuple[ExternalCredentials, None]:
        if not responses:
            raise ServerChallenge(b"")
        token = bearer(responses[0].response)
        if token is None:
            raise InvalidResponse
        return ExternalCredentials("", token.text), None
