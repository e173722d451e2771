"""Typed values of settings (contract 0.15 section 3.6)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 0.001}
_DURATION = re.compile(r"(\d+)\s*(ms|s|m|h|d|)")
_OFF = frozenset({"", "false", "disable", "disabled", "never", "0"})


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
        if text == text.strip():
            return float(text)
    except ValueError:
        pass
    raise ValueError(f'Invalid floating point value "{text}".')


def seconds(text: str) -> float:
    """`30s`, `5m`, `500ms`; a bare number is milliseconds. Must be above zero."""
    match = _DURATION.fullmatch(text.strip().lower())
    if not match or not int(match[1]):
        raise ValueError(f'Invalid duration value "{text}".')
    return int(match[1]) * _UNITS[match[2]]


def rate(text: str) -> tuple[int, float]:
    """`100/1d` -> (requests, seconds)."""
    count, slash, period = text.partition("/")
    if slash and count.strip().isdecimal() and int(count):
        return int(count), seconds(period)
    raise ValueError(f'Invalid rate value "{text}".')


def address(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """An address or a network; IPv4 masks are /8 at least."""
    try:
        found = ipaddress.ip_network(text, strict=False)
        if "/" not in text or found.version == 6 or found.prefixlen >= 8:
            return found
    except ValueError:
        pass
    raise ValueError(f'Invalid IP address "{text}"' if "/" in text else f'Invalid IP address value "{text}".')


def address_mapping(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f'Invalid value for address mapping "{text}"')
    return text == "true"


def is_off(text: str) -> bool:
    return text.lower() in _OFF


def optional(parse: Callable[[str], object]) -> Callable[[str], object]:
    return lambda text: None if is_off(text) else parse(text)


#: Kinds of `data/kinds.toml`.
KINDS: dict[str, Callable[[str], object]] = {
    "address-mapping": address_mapping,
    "boolean": boolean,
    "integer": integer,
    "number": number,
    "duration": seconds,
    "rate": rate,
    "optional-integer": optional(integer),
    "optional-duration": optional(seconds),
    "optional-rate": optional(rate),
}
