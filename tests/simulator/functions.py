"""Functions of expressions that need nothing of the server (contract 4.13); the others come with the question."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable


class Constant(str):
    """A bare word that is no variable: `relaxed`, `plain`."""


Value = str | int | float | list["Value"]


def truth(value: Value) -> bool:
    return isinstance(value, Constant) or bool(value)


def text_of(value: Value) -> str:
    return "\r\n".join(map(text_of, value)) if isinstance(value, list) else str(value)


def _each(function: Callable[[str], str]) -> Callable[[Value], Value]:
    def apply(value: Value) -> Value:
        return [function(text_of(item)) for item in value] if isinstance(value, list) else function(text_of(value))

    return apply


def _is_empty(value: Value) -> int:
    return int(isinstance(value, str | list) and not isinstance(value, Constant) and not value)


def _contains(value: Value, part: Value) -> int:
    return int(part in value if isinstance(value, list) else text_of(part) in text_of(value))


def _email_part(value: Value, part: Value) -> str:
    local, at, domain = text_of(value).rpartition("@")
    return (local if text_of(part) == "local" else domain) if at else ""


def _is_address(value: Value, version: int | None = None) -> int:
    try:
        return int(version in (None, ipaddress.ip_address(text_of(value)).version))
    except ValueError:
        return 0


def _in_network(value: Value, network: Value) -> int:
    try:
        return int(ipaddress.ip_address(text_of(value)) in ipaddress.ip_network(text_of(network), strict=False))
    except ValueError:
        return 0


def _cut(value: Value, start: int, length: int) -> str:
    return text_of(value)[int(start) : int(start) + int(length)]


def _once(value: Value, at: Value, last: bool) -> Value:
    text, sign = text_of(value), text_of(at)
    before, found, after = text.rpartition(sign) if last else text.partition(sign)
    return [before, after] if found else 0


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "contains": _contains,
    "contains_ignore_case": lambda value, part: int(text_of(part).lower() in text_of(value).lower()),
    "count": lambda value: len(value) if isinstance(value, list) else 1,
    "dedup": lambda value: list({text_of(item): item for item in value}.values()),
    "email_part": _email_part,
    "ends_with": lambda value, part: int(text_of(value).endswith(text_of(part))),
    "eq_ignore_case": lambda value, other: int(text_of(value).lower() == text_of(other).lower()),
    "has_digits": lambda value: int(bool(re.search(r"\d", text_of(value)))),
    "if_then": lambda condition, yes, no: yes if truth(condition) else no,
    "is_email": lambda value: int(bool(re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", text_of(value)))),
    "is_empty": _is_empty,
    "is_intersect": lambda one, other: int(bool({text_of(x) for x in one} & {text_of(x) for x in other})),
    "is_ip_addr": _is_address,
    "is_ip_in_cidr": _in_network,
    "is_ipv4_addr": lambda value: _is_address(value, 4),
    "is_ipv6_addr": lambda value: _is_address(value, 6),
    "is_lowercase": lambda value: int(text_of(value).islower()),
    "is_number": lambda value: int(isinstance(value, int | float)),
    "is_uppercase": lambda value: int(text_of(value).isupper()),
    "len": lambda value: len(value) if isinstance(value, str | list) else 2,
    "lines": lambda value: list(text_of(value).splitlines()),
    "rsplit_once": lambda value, at: _once(value, at, last=True),
    "split": lambda value, at: list(text_of(value).split(text_of(at))),
    "split_once": lambda value, at: _once(value, at, last=False),
    "starts_with": lambda value, part: int(text_of(value).startswith(text_of(part))),
    "strip_prefix": lambda value, part: text_of(value).removeprefix(text_of(part)),
    "strip_suffix": lambda value, part: text_of(value).removesuffix(text_of(part)),
    "substring": _cut,
    "to_lowercase": _each(str.lower),
    "to_uppercase": _each(str.upper),
    "trim": _each(str.strip),
    "trim_end": _each(str.rstrip),
    "trim_start": _each(str.lstrip),
    "winnow": lambda value: [item for item in value if truth(item)],
}
