"""Rate limits and the auto-ban of 0.15 (contract 0.15 sections 2.4 and 12.13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..limits import Counters, Rate, exempt
from .problems import TooMany
from .running import BLOCKED

if TYPE_CHECKING:
    from .server import Server

#: Names of the counters, as `/api/store/purge/in-memory/default/<name>` takes them.
AUTH, ANONYMOUS, ACCOUNT = "rate-auth", "rate-http-anonymous", "rate-http-authenticated"
RECIPIENT = "rate-rcpt"
_BANNED = {"title": "Too Many Authentication Attempts", "detail": "Too many failed authentication attempts."}


class Limits:
    def __init__(self, server: Server) -> None:
        self.server = server
        self._counters = Counters()

    def purge(self, name: str) -> None:
        self._counters.purge(name)

    def exempt(self, address: str) -> bool:
        return exempt(address, self.server.running.allowed(), self.server.faults)

    def anonymous(self, address: str) -> None:
        """Counts a request without credentials or with a bearer token. Raises TooMany."""
        rate = self.server.running.rate("http.rate-limit.anonymous", "100/1m")
        if not self.exempt(address) and self._counters.exceeded(ANONYMOUS, address, rate):
            raise TooMany("anonymous rate limit")

    def account(self, name: str) -> None:
        """Counts a request of an account without the permission unlimited-requests. Raises TooMany."""
        if self._counters.exceeded(ACCOUNT, name, self.server.running.rate("http.rate-limit.account", "1000/1m")):
            raise TooMany("account rate limit")

    def failed_login(self, address: str, login: str) -> None:
        """Counts wrong Basic credentials by address and by name; raises TooMany for the one that is too many for either.

        From then on the address is blocked, which is stored as a setting, unless it is exempt.
        """
        self._count_for_ban(AUTH, address, login, self.server.running.rate("server.auto-ban.auth.rate", "100/1d"))

    def refused_recipient(self, address: str, recipient: str) -> None:
        """Counts a recipient that does not exist or may not be relayed to, likewise."""
        rate = self.server.running.rate("server.auto-ban.abuse.rate", "35/1d")
        self._count_for_ban(RECIPIENT, address, recipient, rate)

    def _count_for_ban(self, name: str, address: str, value: str, rate: Rate | None) -> None:
        if self.exempt(address):
            return
        if self._counters.exceeded(name, address, rate) or self._counters.exceeded(name, value, rate):
            self.server.config.set([(f"{BLOCKED}.{address}", "")])
            self.server.running.blocked.add(address)
            raise TooMany("banned", **_BANNED)

    def blocks(self, address: str) -> bool:
        return self.server.running.is_blocked(address) and not self.exempt(address)
