"""Rate limits, the auto-ban and blocked addresses of 0.16 (contract 2.4 and 2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import formats
from .limits import Counters, Rate, contains, exempt

if TYPE_CHECKING:
    from .login import Caller
    from .server import Server


class TooMany(Exception):
    """429."""

    def __init__(self, retry_after: int | None = None, count: int | None = None, banned: bool = False) -> None:
        super().__init__("banned" if banned else "rate limit")
        self.retry_after, self.count, self.banned = retry_after, count, banned


class Guard:
    def __init__(self, server: Server) -> None:
        self.server = server
        self._counters = Counters()

    def exempt(self, address: str) -> bool:
        return exempt(address, self.server.running.allowed, self.server.faults)

    def blocks(self, address: str) -> bool:
        return contains(self.server.running.blocked, address) and not self.exempt(address)

    def anonymous(self, address: str) -> None:
        """Counts a request without credentials, or with a bearer token. Raises TooMany."""
        rate = self._rate("Http", "rateLimitAnonymous")
        if not self.exempt(address):
            self._check("anonymous", address, rate)

    def account(self, caller: Caller, address: str) -> None:
        """Counts a request of an account. Raises TooMany, but not for one with the permission unlimitedRequests."""
        if not self.exempt(address) and not caller.may("unlimitedRequests"):
            self._check("account", caller.account, self._rate("Http", "rateLimitAuthenticated"))

    def failed_login(self, address: str, login: str) -> None:
        """Counts wrong credentials by address and by name."""
        self._count_for_ban("auth", address, login, "authFailure")

    def refused_recipient(self, address: str, recipient: str) -> None:
        """Counts a recipient that does not exist or may not be relayed to, by address and by recipient."""
        self._count_for_ban("abuse", address, recipient, "rcptToFailure")

    def _count_for_ban(self, name: str, address: str, value: str, reason: str) -> None:
        """The one too many for either blocks the address: TooMany. An empty value is not counted."""
        rate = self._rate("Security", f"{name}BanRate")
        if self.exempt(address):
            return
        if self._counters.exceeded(name, address, rate) or (value and self._counters.exceeded(name, value, rate)):
            stored = {"address": address, "reason": reason, "createdAt": formats.now()}
            period = self.server.running.settings["Security"][f"{name}BanPeriod"]
            if period:
                stored["expiresAt"] = formats.now(period / 1000)
            if self.server.registry.holder(("BlockedIp", address)) is None:
                self.server.registry.insert("BlockedIp", stored)
            self.server.running.blocked.append(address)
            raise TooMany(banned=True)

    def _rate(self, object_: str, name: str) -> Rate | None:
        stored: dict[str, Any] | None = self.server.running.settings[object_][name]
        return self.rate(stored) if stored else None

    @staticmethod
    def rate(stored: dict[str, Any]) -> Rate:
        return Rate(stored["count"], stored["period"] / 1000)

    def _check(self, name: str, value: str, rate: Rate | None) -> None:
        retry_after = self._counters.exceeded(name, value, rate)
        if retry_after is not None and rate is not None:
            raise TooMany(retry_after, rate.count)
