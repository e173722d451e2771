"""The types of settings, by key pattern (`data/kinds.toml`)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from . import values


@cache
def table(name: str) -> dict[str, Any]:
    """A TOML file of the package's data."""
    return tomllib.loads(resources.files(__package__).joinpath("data", f"{name}.toml").read_text(encoding="utf-8"))


def pattern(key: str) -> re.Pattern[str]:
    """`*` stands for one part of a key."""
    return re.compile(re.escape(key).replace(r"\*", "[^.]+"))


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(pattern(key), kind) for key, kind in table("kinds")["keys"].items()]


@cache
def parser(key: str) -> Callable[[str], object] | None:
    """Parses the key's text, raising ValueError; None for a setting without a type."""
    return next((values.KINDS[kind] for found, kind in _patterns() if found.fullmatch(key)), None)


def is_read(key: str, keys: Mapping[str, str]) -> bool:
    """Whether the server looks at a key at all: those of a record need the key that makes it one."""
    for prefix, identity in table("kinds")["records"].items():
        if key.startswith(f"{prefix}."):
            record = key.removeprefix(f"{prefix}.").partition(".")[0]
            return f"{prefix}.{record}.{identity}" in keys
    return True
