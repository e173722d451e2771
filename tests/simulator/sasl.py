"""SASL on SMTP: PLAIN, LOGIN, OAUTHBEARER and XOAUTH2, and what the servers answer (contract 5.2 and 5.6)."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from .mta import Banned, Credentials, LoginFailed, LoginUnavailable, NotAuthorized, Password, Token

if TYPE_CHECKING:
    from .conversation import Conversation

#: In the order in which EHLO offers them.
MECHANISMS = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER")
_SUCCEEDED = "235 2.7.0 Authentication succeeded."
_FAILED = "535 5.7.8 Authentication credentials invalid."
_INVALID = "500 5.5.6 Invalid challenge."
_TOO_LONG = "500 5.5.6 Authentication Exchange line is too long."
_NOT_AUTHORIZED = "550 5.7.1 Your account is not authorized to use this service."
_TEMPORARY = "454 4.7.0 Temporary authentication failure"
_TOO_MANY = "455 4.3.0 Too many authentication errors, disconnecting."
_USER_NAME, _PASSWORD = "334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"
_LINE_BYTES = 4096

Say = Callable[[str], Awaitable[None]]
Ask = Callable[[str], Awaitable[bytes]]


class HangUp(Exception):
    """The server ends the connection, perhaps after a last word."""


class _Unreadable(Exception):
    """What the client sent is no answer to the challenge; the reply for it."""


def plain(response: bytes) -> Password | None:
    """Credentials of PLAIN: the authorization identity is ignored."""
    parts = response.split(b"\0")
    try:
        user, secret = parts[1].decode(), parts[2].decode()
    except (IndexError, UnicodeDecodeError):
        return None
    return Password(user, secret) if user and secret else None


def bearer(response: bytes) -> Token | None:
    """Credentials of OAUTHBEARER and XOAUTH2 alike: only the token counts, the user name is ignored."""
    for part in response.split(b"\1"):
        if part[:12].lower() == b"auth=bearer ":
            try:
                return Token(part[12:].decode())
            except UnicodeDecodeError:
                return None
    return None


class Exchange:
    """One AUTH command. ``ask`` sends a challenge and brings the client's line."""

    def __init__(self, conversation: Conversation, ask: Ask) -> None:
        self.conversation, self.ask = conversation, ask

    async def run(self, mechanism: str, initial: str, say: Say) -> None:
        """Raises HangUp after too many failures, or for an address that is blocked from now on."""
        try:
            credentials = await self._credentials(mechanism, initial.encode())
        except _Unreadable as error:
            await self._failed(str(error), say)
            return
        try:
            await self.conversation.login(credentials)
        except LoginFailed:
            await self._failed(_FAILED, say)
        except NotAuthorized:
            await say(_NOT_AUTHORIZED)
        except LoginUnavailable:
            await say(_TEMPORARY)
        except Banned:
            raise HangUp from None
        else:
            await say(_SUCCEEDED)

    async def _failed(self, reply: str, say: Say) -> None:
        await asyncio.sleep(self.conversation.seconds("auth-wait", 30))
        await say(reply)
        if self.conversation.count_failed_login() >= self.conversation.number("auth-failures", 3):
            await say(_TOO_MANY)
            raise HangUp

    async def _credentials(self, mechanism: str, initial: bytes) -> Credentials:
        if mechanism == "LOGIN":
            user = _decoded(initial or await self.ask(_USER_NAME)).decode(errors="replace")
            return Password(user, _decoded(await self.ask(_PASSWORD)).decode(errors="replace"))
        response = _decoded(initial or await self.ask(f"334 {self.conversation.mta.sasl_challenge}"))
        found = plain(response) if mechanism == "PLAIN" else bearer(response)
        if found is None:
            raise _Unreadable(_INVALID)
        return found


def _decoded(line: bytes) -> bytes:
    if len(line) >= _LINE_BYTES:
        raise _Unreadable(_TOO_LONG)
    try:
        response = base64.b64decode(line, validate=True)
    except binascii.Error:
        response = b""
    if not response:
        raise _Unreadable(_INVALID)
    return response
