"""Macros of config.toml: `%{env:NAME}%`, `%{file:/path}%`, `%{cfg:key}%` (contract 0.15 section 1.3)."""

from __future__ import annotations

import os
import re
from pathlib import Path

_CLASSES = ("env", "file", "cfg")


def resolve(keys: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """(keys with their macros replaced, errors by key). Classes are resolved one after the other, as the server does."""
    keys, errors = dict(keys), dict[str, str]()
    for name in _CLASSES:
        pattern = re.compile(r"%\{" + name + r":(.*?)\}%", re.DOTALL)
        for key, value in sorted(keys.items()):
            if not pattern.search(value):
                continue

            def replacement(match: re.Match[str], key: str = key, name: str = name) -> str:
                try:
                    return _value(name, match[1], keys)
                except LookupError as error:
                    errors[key] = str(error.args[0])
                    return ""

            resolved = pattern.sub(replacement, value)
            if not (name == "file" and key in errors):  # an unreadable file leaves the text as it is
                keys[key] = resolved
    return keys, errors


def _value(name: str, location: str, keys: dict[str, str]) -> str:
    if name == "env":
        if location not in os.environ:
            raise LookupError(f'Failed to obtain environment variable "{location}"')
        return os.environ[location]
    if name == "cfg":
        if location not in keys:
            raise LookupError(f'Unknown key "{location}"')
        return keys[location]
    path = location.removeprefix("//")
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        reason = f"{os.strerror(error.errno or 0)} (os error {error.errno})"
        raise LookupError(f'Failed to read file "{path}": {reason}') from None
    except UnicodeDecodeError as error:
        raise LookupError(f'Failed to read file "{path}": {error}') from None
