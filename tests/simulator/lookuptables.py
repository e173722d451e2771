"""Lookup tables in memory: exact entries, and patterns with `*` and `?`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Table:
    exact: dict[str, str] = field(default_factory=dict)
    patterns: list[tuple[re.Pattern[str], str]] = field(default_factory=list)

    def get(self, key: str) -> str | None:
        if key in self.exact:
            return self.exact[key]
        return next((value for pattern, value in self.patterns if pattern.fullmatch(key)), None)


Tables = dict[str, Table]


def build(entries: Iterable[tuple[str, str, str, bool]]) -> Tables:
    """From (table, key, value, whether the key is a pattern)."""
    tables: Tables = {}
    for name, key, value, is_pattern in entries:
        table = tables.setdefault(name, Table())
        if is_pattern:
            table.patterns.append((glob(key), value))
        else:
            table.exact[key] = value
    return tables


def glob(pattern: str) -> re.Pattern[str]:
    """A backslash makes the next character plain."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL)
