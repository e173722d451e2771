"""0.15's side of reading mail: logins, memberships and quota (contract 0.15 section 4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import ids
from ..mailstore import Account, MailStore
from ..reading import Disconnect, LoginError, LoginFailed, Reader
from . import login
from .problems import Forbidden, Problem, TooMany

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
            return self._admitted(login.authenticate_password(self.server, user.strip().lower(), password))
        except login.WrongCredentials as error:
            self._count(address, error.login)
            raise LoginFailed from None
        except Forbidden:
            raise Disconnect from None
        except Problem:
            raise LoginError from None

    async def by_token(self, token: str, address: str) -> Reader:
        try:
            return self._admitted(await login.authenticate_bearer(self.server, token))
        except Forbidden:
            raise Disconnect from None
        except Problem:
            raise LoginError from None

    def _count(self, address: str, name: str) -> None:
        try:
            self.server.limits.failed_login(address, name)
        except TooMany:
            raise Disconnect from None

    def _admitted(self, caller: login.Caller) -> Reader:
        caller.require("imap-authenticate")
        return self.reader(caller)

    def reader(self, caller: login.Caller) -> Reader:
        principals = self.server.store.principals
        found = {key: principals.get(key) for key in principals.get(caller.id, {"memberOf": []})["memberOf"]}
        groups: dict[Account, str] = {
            key: body["name"] for key, body in found.items() if body is not None and body["type"] == "group"
        }
        return Reader(caller.id, caller.name, groups, lambda name: _spelt(name) in caller.permissions)

    def blocks(self, address: str) -> bool:
        return self.server.limits.blocks(address)

    def quota(self, account: Account) -> int | None:
        body = self.server.store.principals.get(int(account))
        return body["quota"] if body else None

    def used(self, account: Account) -> int:
        known = account in self.server.store.principals
        return self.server.principals.used(int(account)) if known else self.mail.used(account)

    def account(self, text: str) -> Account | None:
        number = ids.decode(text) if ids.valid(text) else -1
        return number if number in self.server.store.principals else None

    def account_id(self, account: Account) -> str:
        return ids.encode(int(account))


def _spelt(name: str) -> str:
    """`jmapEmailDestroy` is `jmap-email-set` here."""
    words = re.sub(r"(?<=[a-z])([A-Z])", r"-\1", name).lower()
    return re.sub(r"^(jmap-.*)-(create|update|destroy)$", r"\1-set", words)
