"""What SMTP and delivery ask of a server of either generation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from .evaluate import Rule, Value
from .limits import Rate
from .mailstore import Account, MailStore
from .outbound import Relay


class LoginFailed(Exception):
    """Wrong credentials, or a token that is valid and may not log in."""


class NotAuthorized(Exception):
    """Known, but without the permission."""


class LoginUnavailable(Exception):
    """The credentials could not be judged, or are none that the server takes."""


class Banned(Exception):
    """The address is blocked from now on; the connection ends without a word."""


class Found(Enum):
    MAILBOX = auto()
    LIST = auto()
    UNKNOWN_RECIPIENT = auto()
    UNKNOWN_DOMAIN = auto()


@dataclass(frozen=True)
class Sender:
    """The account of an authenticated session, with every address it may send from."""

    name: str
    addresses: frozenset[str]

    def owns(self, address: str) -> bool:
        """0.15 lets an address without local part stand for its domain."""
        return address in (self.name, *self.addresses) or f"@{address.rpartition('@')[2]}" in self.addresses


@dataclass(frozen=True)
class Password:
    user: str
    secret: str


@dataclass(frozen=True)
class Token:
    text: str


Credentials = Password | Token


@dataclass(frozen=True)
class Signature:
    """A DKIM key that signs."""

    domain: str
    selector: str
    variant: str  # contains Rsa or Ed25519, as the names of the object's variants
    private_key: str  # PEM
    headers: Sequence[str]
    canonicalization: str = "relaxed/relaxed"
    identity: str | None = None


@dataclass(frozen=True)
class Throttle:
    """An inbound limit; ``keys`` are names of variables that share one count."""

    name: str
    keys: frozenset[str]
    match: Rule
    rate: Rate


@dataclass(frozen=True)
class SpamFilter:
    threshold: float
    scores: Mapping[str, float] = field(default_factory=dict)


def envelope(sender: str, recipient: str, attempts: int, last_error: str) -> dict[str, Value]:
    """Variables of the rules for what leaves.

    :param last_error: kind of the last attempt's failure.
    """
    domains = (sender.rpartition("@")[2], recipient.rpartition("@")[2])
    return {
        "sender": sender,
        "sender_domain": domains[0],
        "rcpt": recipient,
        "rcpt_domain": domains[1],
        "retry_num": attempts,
        "last_error": last_error,
        "source": "authenticated",
    }


class Mta(Protocol):
    @property
    def hostname(self) -> str: ...

    @property
    def faults(self) -> set[str]: ...

    @property
    def greeting_seconds(self) -> float: ...

    @property
    def sasl_challenge(self) -> str:
        """What an empty challenge says."""
        ...

    @property
    def mail(self) -> MailStore: ...

    @property
    def spam_filter(self) -> SpamFilter | None: ...

    @property
    def adds_delivered_to(self) -> bool: ...

    def functions(self) -> Mapping[str, Callable[..., Value]]:
        """Those of expressions that look into the server."""
        ...

    def rule(self, name: str) -> Rule:
        """A rule in force, by the name that SMTP has for it."""
        ...

    def throttles(self) -> list[Throttle]: ...

    def blocks(self, address: str) -> bool: ...

    def refused_recipient(self, address: str, recipient: str) -> None:
        """Counts for the ban of clients that try addresses."""
        ...

    async def login(self, credentials: Credentials, address: str) -> Sender:
        """Raises LoginFailed, NotAuthorized, LoginUnavailable or Banned."""
        ...

    def is_local_domain(self, domain: str) -> bool: ...

    def resolve(self, address: str, catch_all: bool = True) -> tuple[Found, list[str]]:
        """What a recipient is, and the addresses it stands for."""
        ...

    def relay(self, sender: str, recipient: str, attempts: int, last_error: str) -> Relay | None:
        """By which server mail for others leaves; None for theirs."""
        ...

    def recipient(self, address: str) -> Account | None:
        """The account whose mailbox an address is."""
        ...

    def may_receive(self, account: Account) -> bool: ...

    def quota(self, account: Account) -> int:
        """Bytes, 0 for no limit."""
        ...

    def signatures(self, said: Value | None) -> list[Signature]:
        """The keys that sign, by what the rule `sign` said."""
        ...
