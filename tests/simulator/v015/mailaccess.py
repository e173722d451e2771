"""0.15's logins of the mail protocols, and whose mail an account reads (contract 0.15 section 4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import ids
from ..mailstore import Account, MailStore
from ..mta import Banned, Credentials, LoginFailed, LoginUnavailable, NotAuthorized, Password
from ..reading import Reader
from . import login, validate
from .problems import Forbidden, Problem, Refused, TooMany

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
                self.server.limits.failed_login(address, error.login)
            except TooMany:
                raise Banned from None
            raise LoginFailed(str(error)) from None
        except login.Refused as error:
            raise LoginFailed(str(error)) from None
        except Forbidden as error:
            raise NotAuthorized(str(error)) from None
        except (Problem, Refused) as error:
            raise LoginUnavailable(str(error)) from None

    async def admit(self, credentials: Credentials, address: str) -> Reader:
        caller = await self.authenticate(credentials, address)
        if "imap-authenticate" not in caller.permissions:
            raise NotAuthorized("imap-authenticate")
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

    def quota(self, account: Account) -> int:
        return self.server.mta.quota(account)

    def used(self, account: Account) -> int:
        known = account in self.server.store.principals
        return self.server.principals.used(int(account)) if known else self.mail.used(account)

    @property
    def indexes_headers(self) -> bool:
        fields = validate.listed(self.server.running.keys, "storage.search-index.email.fields")
        return "email-headers" in fields

    def account(self, text: str) -> Account | None:
        number = ids.decode(text) if ids.valid(text) else -1
        return number if number in self.server.store.principals else None

    def account_id(self, account: Account) -> str:
        return ids.encode(int(account))


def _spelt(name: str) -> str:
    """`jmapEmailDestroy` is `jmap-email-set` here."""
    words = re.sub(r"(?<=[a-z])([A-Z])", r"-\1", name).lower()
    return re.sub(r"^(jmap-.*)-(create|update|destroy)$", r"\1-set", words)
