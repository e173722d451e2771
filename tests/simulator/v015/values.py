"""Typed values of settings (contract 0.15 section 3.6)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 0.001}
_DURATION = re.compile(r"(\d+)\s*(ms|s|m|h|d|)")
OFF = frozenset({"", "false", "disable", "disabled", "never", "0"})


def boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f'Invalid boolean value "{text}".')
    return text == "true"


def integer(text: str) -> int:
    if not re.fullmatch(r"\+?\d+", text):
        raise ValueError(f'Invalid integer value "{text}".')
    return int(text)


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f'Invalid floating point value "{text}".') from None


def seconds(text: str) -> float:
    """`30s`, `5m`, `500ms`; a bare number is milliseconds. Must be above zero."""
    match = _DURATION.fullmatch(text.strip())
    if not match or not int(match[1]):
        raise ValueError(f'Invalid duration value "{text}".')
    return int(match[1]) * _UNITS[match[2]]


def rate(text: str) -> tuple[int, float]:
    """`100/1d` -> (requests, seconds)."""
    count, slash, period = text.partition("/")
    try:
        if slash and int(count) > 0:
            return int(count), seconds(period)
    except ValueError:
        pass
    raise ValueError(f'Invalid rate value "{text}".')


def address(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """An address or a network; IPv4 masks are /8 at least."""
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f'Invalid IP address value "{text}".') from None
    if found.version == 4 and found.prefixlen < 8:
        raise ValueError(f'Invalid IP address value "{text}".')
    return found


def optional(parse: Callable[[str], object]) -> Callable[[str], object]:
    return lambda text: None if text in OFF else parse(text)


#: Kinds of `data/kinds.toml`.
KINDS: dict[str, Callable[[str], object]] = {
    "boolean": boolean,
    "integer": integer,
    "number": number,
    "duration": seconds,
    "rate": rate,
    "optional-integer": optional(integer),
    "optional-duration": optional(seconds),
    "optional-rate": optional(rate),
}
