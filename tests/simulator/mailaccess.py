"""0.16's logins of the mail protocols, and whose mail an account reads (contract 5.5 and 5.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import ids, login
from .guard import TooMany
from .mailstore import Account, MailStore
from .mta import Banned, Credentials, LoginFailed, LoginUnavailable, NotAuthorized, Password
from .reading import Reader, WrongAppPassword

if TYPE_CHECKING:
    from .server import Server


class MailAccess:
    def __init__(self, server: Server) -> None:
        self.server = server

    @property
    def mail(self) -> MailStore:
        return self.server.mail

    async def authenticate(self, credentials: Credentials, address: str) -> login.Caller:
        """Raises LoginFailed, NotAuthorized, LoginUnavailable or Banned."""
        try:
            if isinstance(credentials, Password):
                return login.authenticate_password(self.server, credentials.user, credentials.secret)
            return await login.authenticate_bearer(self.server, credentials.text)
        except login.WrongCredentials as error:
            try:
                self.server.guard.failed_login(address, error.login)
            except TooMany:
                raise Banned from None
            kind = WrongAppPassword if isinstance(error, login.WrongAppPassword) else LoginFailed
            raise kind(str(error)) from None
        except login.Unauthorized as error:
            raise LoginUnavailable(str(error)) from None
        except login.Forbidden as error:
            raise NotAuthorized(str(error)) from None

    async def admit(self, credentials: Credentials, address: str) -> Reader:
        caller = await self.authenticate(credentials, address)
        if not caller.may("imapAuthenticate"):
            raise NotAuthorized("imapAuthenticate")
        return self.reader(caller)

    def reader(self, caller: login.Caller) -> Reader:
        own = self.server.store.find("Account", caller.account) or {}
        groups = {key: self.server.store.find("Account", key) for key in own.get("memberGroupIds", {})}
        names: dict[Account, str] = {key: self.server.address(body) for key, body in groups.items() if body}
        return Reader(caller.account, caller.name, names, caller.may)

    def blocks(self, address: str) -> bool:
        return self.server.guard.blocks(address)

    def quota(self, account: Account) -> int:
        return self.server.mta.quota(account)

    def used(self, account: Account) -> int:
        return self.server.mail.used(account)

    @property
    def indexes_headers(self) -> bool:
        return "headers" in self.server.running.settings["Search"]["indexEmailFields"]

    def account(self, text: str) -> Account | None:
        known = ids.valid(text) and self.server.store.find("Account", text) is not None
        return text if known else None

    def account_id(self, account: Account) -> str:
        return str(account)
