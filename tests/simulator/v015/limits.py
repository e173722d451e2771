"""Rate limits and the auto-ban (contract 0.15 section 2.4 and 12.13): fixed windows aligned to the epoch."""

from __future__ import annotations

import ipaddress
import time
from collections import Counter
from typing import TYPE_CHECKING

from .problems import TooMany
from .running import BLOCKED

if TYPE_CHECKING:
    from .server import Server

#: Names of the counters, as `/api/store/purge/in-memory/default/<name>` takes them.
AUTH, ANONYMOUS, ACCOUNT = "rate-auth", "rate-http-anonymous", "rate-http-authenticated"
_BANNED = {"title": "Too Many Authentication Attempts", "detail": "Too many failed authentication attempts."}


class Limits:
    """Counters of one server. They do not survive the process, unlike the real ones."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._counters: Counter[tuple[str, str, int]] = Counter()

    def purge(self, name: str) -> None:
        for key in [key for key in self._counters if key[0] == name]:
            del self._counters[key]

    def exempt(self, address: str) -> bool:
        """Loopback and the allow list. The fault `loopback-counts` treats loopback as any other address."""
        loopback = ipaddress.ip_address(address).is_loopback and "loopback-counts" not in self.server.faults
        return loopback or self.server.running.allowed(address)

    def anonymous(self, address: str) -> None:
        """Counts a request without credentials or with a bearer token. Raises TooMany."""
        rate = self.server.running.rate("http.rate-limit.anonymous", "100/1m")
        if rate and not self.exempt(address) and self._count(ANONYMOUS, address, *rate) > rate[0]:
            raise TooMany("anonymous rate limit")

    def account(self, name: str) -> None:
        """Counts a request of an account without the permission unlimited-requests. Raises TooMany."""
        rate = self.server.running.rate("http.rate-limit.account", "1000/1m")
        if rate and self._count(ACCOUNT, name, *rate) > rate[0]:
            raise TooMany("account rate limit")

    def failed_login(self, address: str, login: str) -> None:
        """Counts wrong Basic credentials by address and by name; raises TooMany for the one that fills either.

        From then on the address is blocked, which is stored as a setting, unless it is exempt.
        """
        rate = self.server.running.rate("server.auto-ban.auth.rate", "100/1d")
        if rate is None or self.exempt(address):
            return
        counts = [self._count(AUTH, value, *rate) for value in (address, login)]
        if max(counts) >= rate[0]:
            self.server.config.set([(f"{BLOCKED}.{address}", "")])
            self.server.running.blocked.add(address)
            raise TooMany("banned", **_BANNED)

    def blocks(self, address: str) -> bool:
        return self.server.running.is_blocked(address) and not self.exempt(address)

    def _count(self, name: str, value: str, _: int, seconds: float) -> int:
        key = (name, value, int(time.time() // seconds))
        self._counters[key] += 1
        return self._counters[key]
