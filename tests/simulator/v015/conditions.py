"""Expressions of settings: one scalar, or a list of `if`, `then` and a last `else` (contract 0.15 sections 3.6 and 8)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from .. import expressions
from .kinds import is_read, pattern, table

_ADDRESS_MAPPING = "addressMapping"


class _Malformed(Exception):
    """The list is no chain of conditions."""


@cache
def _shared() -> dict[str, Any]:
    text = resources.files(expressions.__package__).joinpath("data", "expressions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _context(name: str) -> expressions.Context:
    """A variable of another context is as unknown as any other word."""
    own = table("expressions")
    variables, _, constants = own["contexts"][name].partition(" ")
    known = frozenset({**_shared()["variables"], **own["variables"]}[variables].split())
    words = frozenset(own["constants"][constants].split() if constants else ())
    return expressions.Context(
        known, words, known, words, frozenset(), own["functions"], frozenset({"matches", "config_get"})
    )


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    keys = table("expressions")["keys"]
    return [(pattern(key), context) for context, text in keys.items() for key in text.split()]


@cache
def base(key: str) -> tuple[str, str] | None:
    """(the expression's own key, what it may use) for a key that belongs to an expression."""
    parts = key.split(".")
    for length in (len(parts), len(parts) - 1, len(parts) - 2):
        name = ".".join(parts[:length])
        for found, allowed in _patterns():
            if length > 0 and found.fullmatch(name):
                return name, allowed
    return None


def problems(keys: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(key, complaint) per wrong expression: the key of the part, or of the whole where its structure is wrong."""
    wanted = dict(filter(None, (base(key) for key in keys)))
    for name, context in wanted.items():
        if not is_read(name, keys):
            continue
        if name in keys:
            if context != _ADDRESS_MAPPING:  # its scalar is a boolean
                yield from expression(keys, name, context)
            continue
        try:
            parts = _chain(name, keys)
        except _Malformed as error:
            yield name, str(error)
            continue
        yield from [found for part in parts for found in expression(keys, part, context)][:1]


def expression(keys: Mapping[str, str], key: str, context: str) -> Iterator[tuple[str, str]]:
    """The complaint about one expression, if it is there and wrong."""
    try:
        if key in keys:
            expressions.parse(_context(context), keys[key])
    except expressions.ExpressionError as error:
        yield key, str(error)


def _chain(name: str, keys: Mapping[str, str]) -> list[str]:
    """The keys of the parts, in order. Raises _Malformed."""
    parts, last, has_then, otherwise = list[str](), "", False, ""
    for key in sorted(key for key in keys if key.startswith(f"{name}.")):
        position, dot, kind = key.removeprefix(f"{name}.").partition(".")
        if not dot:
            raise _Malformed(f"Invalid property \"{key}\" found in 'if' block.")
        if kind == "if":
            if last and not has_then:
                raise _Malformed(f"Missing 'then' in 'if' condition {_number(last)}.")
            last, has_then = position, False
        elif kind == "then" and (otherwise or position != last):
            raise _Malformed("Found 'then' in 'else' block" if otherwise else "Found 'then' without 'if'")
        elif kind == "then":
            has_then = True
        elif kind == "else" and not last:
            raise _Malformed("Found 'else' before 'if'")
        elif kind == "else" and otherwise:
            raise _Malformed("Multiple 'else' found")
        elif kind == "else":
            otherwise = position
        else:
            continue
        parts.append(key)
    if last and not has_then:
        raise _Malformed(f"Missing 'then' in 'if' condition {_number(last)}")
    if last and not otherwise:
        raise _Malformed("Missing 'else'")
    return parts


def _number(position: str) -> int:
    return (int(position) if position.isdecimal() else 0) + 1
