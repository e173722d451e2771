"""Typed values of settings (contract 0.15 section 3.6)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "": 1}  # in milliseconds
_OFF = frozenset({"", "false", "disable", "disabled", "never", "0"})
#: A rate that is none; whatever counts with it fails, as nothing can be divided by its period.
_NO_RATE = frozenset({"false", "none", "unlimited"})
_WORD = 64  # bits of most numbers


def boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f'Invalid boolean value "{text}".')
    return text == "true"


def integer(text: str, bits: int = _WORD) -> int:
    if not re.fullmatch(r"\+?[0-9]+", text) or int(text) >> bits:
        raise ValueError(f'Invalid integer value "{text}".')
    return int(text)


def small_integer(text: str) -> int:
    return integer(text, 32)


def number(text: str) -> float:
    """Also `inf` and `nan`; without Python's underscores and other digits."""
    try:
        if text == text.strip() and text.isascii() and "_" not in text:
            return float(text)
    except ValueError:
        pass
    raise ValueError(f'Invalid floating point value "{text}".')


def seconds(text: str) -> float:
    """`30s`, `5m`, `500ms`; a bare number is milliseconds. Must be above zero.

    The server collects digits and letters each for itself, so `5 0s` is fifty seconds, and lets the product overflow.
    """
    digits, unit = re.sub("[^0-9]", "", text), re.sub(r"[0-9\s]", "", text, flags=re.ASCII).lower()
    if unit not in _UNITS or not digits or not 0 < int(digits) < 1 << _WORD:
        raise ValueError(f'Invalid duration value "{text}".')
    return int(digits) * _UNITS[unit] % (1 << _WORD) / 1000


def rate(text: str) -> tuple[int, float]:
    """`100/1d` -> (requests, seconds); a second at least."""
    if text in _NO_RATE:
        return 0, 0.0
    count, slash, period = text.partition("/")
    try:
        if slash and integer(count.strip()):
            return int(count), max(seconds(period), 1.0)
    except ValueError as error:
        if "duration" in str(error):
            raise
    raise ValueError(f'Invalid rate value "{text}".')


def address(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """An address, or a network whose mask has 8 bits at least; neither zones nor netmasks."""
    host, slash, mask = (part.strip() for part in text.rpartition("/")) if "/" in text else (text, "", "")
    try:
        bits = small_integer(mask) if slash else None
        if "%" not in host and (bits is None or bits >= 8):
            return ipaddress.ip_network(host if bits is None else f"{host}/{bits}", strict=False)
    except ValueError:
        pass
    raise ValueError(f'Invalid IP address "{text}"' if slash else f'Invalid IP address value "{text}".')


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
    "small-integer": small_integer,
    "number": number,
    "duration": seconds,
    "rate": rate,
    "optional-integer": optional(integer),
    "optional-duration": optional(seconds),
    "optional-rate": optional(rate),
}
