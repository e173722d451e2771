"""Who reads whose mail: what IMAP and JMAP ask of a server of either generation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .mailstore import Account, MailStore
from .mta import Credentials, LoginFailed

SHARED_FOLDERS = "Shared Folders"


class WrongAppPassword(LoginFailed):
    """Of an account that exists: IMAP's answer then goes without the command's tag."""


@dataclass(frozen=True)
class Reader:
    """An account that is logged in, and the group accounts it is a member of, with their names."""

    account: Account
    name: str
    groups: dict[Account, str]
    may: Callable[[str], bool]  # of a permission, as 0.16 spells it

    def reads(self, account: Account) -> bool:
        return account == self.account or account in self.groups or self.may("impersonate")


class MailHost(Protocol):
    """What a server of either generation shows of itself to the protocols that read mail."""

    @property
    def mail(self) -> MailStore: ...

    async def admit(self, credentials: Credentials, address: str) -> Reader:
        """The account that may use IMAP. Raises LoginFailed, NotAuthorized, LoginUnavailable or Banned."""

    def blocks(self, address: str) -> bool: ...

    def quota(self, account: Account) -> int:
        """Bytes, 0 for no limit."""

    def used(self, account: Account) -> int:
        """Bytes that count for it."""

    @property
    def indexes_headers(self) -> bool:
        """Whether other headers than addresses and subject can be searched: not unless the settings say so."""

    def account(self, text: str) -> Account | None:
        """The key of an account by its JMAP id, None if there is none."""

    def account_id(self, account: Account) -> str:
        """Its inverse."""


def exceeds(host: MailHost, account: Account, size: int) -> bool:
    """Whether a message of that many bytes is too much for the account."""
    quota = host.quota(account)
    return bool(quota) and host.used(account) + size > quota


def tokens(text: str) -> set[str]:
    """The words by which the index of headers knows a text."""
    return set(re.findall(r"[^\W_]+", text.lower()))
