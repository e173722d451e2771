"""Ids of the registry (contract 3.2): u64 numbers in a base-32 alphabet of their own."""

from __future__ import annotations

import time

ALPHABET = "abcdefghijklmnopqrstuvwxyz792013"
_DIGITS = {char: value for value, char in enumerate(ALPHABET)}
LIMIT = 2**64

#: What an unset, non-nullable id property holds, e.g. `SystemSettings.defaultDomainId` of a new server.
UNSET = "p333333333333"
#: Account id of the recovery administrator: 2^32 - 1.
RECOVERY_ACCOUNT = "d333333"
SINGLETON = "singleton"

_SNOWFLAKE_EPOCH_MS = 1632280000000


def encode(number: int) -> str:
    """0 -> a, 31 -> 3, 32 -> ba."""
    digits = ""
    while True:
        number, rest = divmod(number, 32)
        digits = ALPHABET[rest] + digits
        if not number:
            return digits


def decode(text: str) -> int:
    """Inverse of `encode`, the empty string is 0. Raises ValueError for anything else."""
    number = 0
    for char in text:
        if char not in _DIGITS:
            raise ValueError(f"not an id: {text!r}")
        number = number * 32 + _DIGITS[char]
    if number >= LIMIT:
        raise ValueError(f"not an id: {text!r}")
    return number


def valid(text: object) -> bool:
    if not isinstance(text, str):
        return False
    try:
        decode(text)
    except ValueError:
        return False
    return True


class Snowflakes:
    """Strictly increasing 64-bit ids, roughly ordered by time."""

    def __init__(self, last: int = 0) -> None:
        self._last = last

    def next(self) -> str:
        milliseconds = int(time.time() * 1000) - _SNOWFLAKE_EPOCH_MS
        self._last = max(self._last + 512, milliseconds << 21)
        return encode(self._last)
