"""Expressions of settings: one scalar, or a list of `if`, `then` and a last `else` (contract 0.15 sections 3.6 and 8)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from .. import expressions
from .kinds import pattern, table


class _Malformed(Exception):
    """The list is no chain of conditions."""


@cache
def _known() -> dict[str, Any]:
    text = resources.files(expressions.__package__).joinpath("data", "expressions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _context(allowed: str) -> expressions.Context:
    known = _known()
    variables, _, constants = allowed.partition(" ")
    every = {name for words in known["variables"].values() for name in words.split()}
    return expressions.Context(
        frozenset(every),
        frozenset(name for words in known["constants"].values() for name in words.split()),
        frozenset(known["variables"][variables].split()),
        frozenset(known["constants"][constants].split() if constants else ()),
        frozenset(),
        table("expressions")["functions"],
        frozenset({"matches", "config_get"}),
    )


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(pattern(key), allowed) for key, allowed in table("expressions")["keys"].items()]


def base(key: str) -> tuple[str, str] | None:
    """(the expression's own key, what it may use) for a key that belongs to an expression."""
    parts = key.split(".")
    for length in (len(parts), len(parts) - 2):
        name = ".".join(parts[:length])
        for found, allowed in _patterns():
            if length > 0 and found.fullmatch(name):
                return name, allowed
    return None


def problems(keys: Mapping[str, str]) -> dict[str, str]:
    """The complaint per wrong expression: by the key of the part, or of the whole where its structure is wrong."""
    wanted = dict(filter(None, (base(key) for key in keys)))
    errors = {}
    for name, allowed in wanted.items():
        try:
            parts = [name] if name in keys else _chain(name, keys)
        except _Malformed as error:
            errors[name] = str(error)
            continue
        for part in parts:
            try:
                expressions.parse(_context(allowed), keys[part])
            except expressions.ExpressionError as error:
                errors[part] = str(error)
                break
    return errors


def _chain(name: str, keys: Mapping[str, str]) -> list[str]:
    """The keys of the parts, in order. Raises _Malformed."""
    parts, last, has_then, otherwise = list[str](), "", False, ""
    for key in sorted(key for key in keys if key.startswith(f"{name}.")):
        position, dot, kind = key.removeprefix(f"{name}.").partition(".")
        if not dot:
            raise _Malformed(f"Invalid property \"{key}\" found in 'if' block.")
        if kind == "if":
            if last and not has_then:
                raise _Malformed("Missing 'then' in 'if' condition.")
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
        raise _Malformed("Missing 'then' in 'if' condition.")
    if last and not otherwise:
        raise _Malformed("Missing 'else'")
    return parts
