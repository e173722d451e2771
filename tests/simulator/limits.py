"""Rates and addresses, as both generations count and compare them: fixed windows aligned to the epoch."""

from __future__ import annotations

import ipaddress
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True)
class Rate:
    count: int
    seconds: float


class Counters:
    """They do not survive the process, unlike the real ones."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, int]] = Counter()

    def exceeded(self, name: str, value: str, rate: Rate | None) -> int | None:
        """Counts one more; the seconds until the window ends if that is more than the rate allows."""
        if rate is None:
            return None
        now = time.time()
        window = int(now // rate.seconds)
        self._counts[name, value, window] += 1
        if self._counts[name, value, window] <= rate.count:
            return None
        return max(1, int((window + 1) * rate.seconds - now))

    def purge(self, name: str) -> None:
        for key in [key for key in self._counts if key[0] == name]:
            del self._counts[key]


def contains(networks: Iterable[str], address: str) -> bool:
    """Whether an address is in one of these addresses or networks; what is none of them is ignored."""
    candidate = ipaddress.ip_address(address)
    for text in networks:
        try:
            if candidate in ipaddress.ip_network(text, strict=False):
                return True
        except ValueError:
            continue
    return False


def exempt(address: str, allowed: Iterable[str], faults: set[str]) -> bool:
    """The two loopback addresses (no others of 127.0.0.0/8) and the allow list; the fault `loopback-counts` exempts none."""
    if address in _LOOPBACK and "loopback-counts" not in faults:
        return True
    return contains(allowed, address)
