"""0.16's side of reading mail: logins, memberships and quota (contract 5.5 and 5.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import ids, login
from .guard import TooMany
from .mailstore import Account, MailStore
from .reading import Disconnect, LoginError, LoginFailed, Reader

if TYPE_CHECKING:
    from .server import Server


class MailAccess:
    def __init__(self, server: Server) -> None:
        self.server = server

    @property
    def mail(self) -> MailStore:
        return self.server.mail

    async def by_password(self, user: str, password: str, address: str) -> Reader:
        try:
            return self._admitted(login.authenticate_password(self.server, user, password))
        except login.WrongCredentials as error:
            self._count(address, error.login)
            # The credential's number stands where the command's tag is looked for.
            raise LoginFailed(tagged=not isinstance(error, login.WrongAppPassword)) from None
        except login.Unauthorized:
            raise LoginError from None
        except login.Forbidden:
            raise Disconnect from None

    async def by_token(self, token: str, address: str) -> Reader:
        try:
            return self._admitted(await login.authenticate_bearer(self.server, token))
        except login.WrongCredentials as error:
            self._count(address, error.login)
            raise LoginFailed from None
        except login.Unauthorized:
            raise LoginError from None
        except login.Forbidden:
            raise Disconnect from None

    def _count(self, address: str, name: str) -> None:
        try:
            self.server.guard.failed_login(address, name)
        except TooMany:
            raise Disconnect from None

    def _admitted(self, caller: login.Caller) -> Reader:
        if not caller.may("imapAuthenticate"):
            raise Disconnect
        return self.reader(caller)

    def reader(self, caller: login.Caller) -> Reader:
        own = self.server.store.find("Account", caller.account) or {}
        groups = {key: self.server.store.find("Account", key) for key in own.get("memberGroupIds", {})}
        names: dict[Account, str] = {key: self.server.address(body) for key, body in groups.items() if body}
        return Reader(caller.account, caller.name, names, caller.may)

    def blocks(self, address: str) -> bool:
        return self.server.guard.blocks(address)

    def quota(self, account: Account) -> int | None:
        body = self.server.store.find("Account", str(account)) or {}
        return (body.get("quotas") or {}).get("maxDiskQuota")

    def used(self, account: Account) -> int:
        return self.server.mail.used(account)

    def account(self, text: str) -> Account | None:
        known = ids.valid(text) and self.server.store.find("Account", text) is not None
        return text if known else None

    def account_id(self, account: Account) -> str:
        return str(account)
