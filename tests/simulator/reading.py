"""Who reads whose mail: what IMAP and JMAP ask of a server of either generation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .mailstore import Account, MailStore

SHARED_FOLDERS = "Shared Folders"


class LoginFailed(Exception):
    """Wrong credentials. They count for the connection's limit."""

    def __init__(self, tagged: bool = True) -> None:
        super().__init__("Authentication failed")
        self.tagged = tagged  # whether the answer of IMAP carries the command's tag


class LoginError(Exception):
    """The credentials could not be judged, or are of a kind that the directory does not take."""

    def __init__(self) -> None:
        super().__init__("Authentication error")


class Disconnect(Exception):
    """The connection ends without a word: a suspended account, a banned address."""


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

    async def by_password(self, user: str, password: str, address: str) -> Reader:
        """The account that may use IMAP. Raises LoginFailed, LoginError or Disconnect."""

    async def by_token(self, token: str, address: str) -> Reader:
        """Likewise."""

    def blocks(self, address: str) -> bool: ...

    def quota(self, account: Account) -> int | None:
        """Bytes, None without a limit."""

    def used(self, account: Account) -> int:
        """Bytes that count for it."""

    def account(self, text: str) -> Account | None:
        """The key of an account by its JMAP id, None if there is none."""

    def account_id(self, account: Account) -> str:
        """Its inverse."""


def exceeds(host: MailHost, account: Account, size: int) -> bool:
    """Whether a message of that many bytes is too much for the account."""
    quota = host.quota(account)
    return bool(quota) and host.used(account) + size > int(quota or 0)
