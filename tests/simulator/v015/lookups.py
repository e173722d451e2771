"""Lookup tables in memory, which do not follow the settings by themselves (contract 0.15 section 3.8)."""

from __future__ import annotations

from collections.abc import Mapping

Tables = dict[str, dict[str, str]]
_PREFIX = "lookup."


def parse(keys: Mapping[str, str]) -> tuple[Tables, dict[str, str]]:
    """(tables, errors by key without its prefix): the table's id ends at the first dot, the rest is the entry."""
    tables: Tables = {}
    errors = {}
    for key, value in keys.items():
        if not key.startswith(_PREFIX):
            continue
        table, dot, entry = key.removeprefix(_PREFIX).partition(".")
        if table and entry:
            tables.setdefault(table, {})[entry] = value
        else:
            errors[f"{table}{dot}{entry}"] = "Invalid lookup key format"
    return tables, errors


def after_full_reload(loaded: Tables, parsed: Tables) -> Tables:
    """Only new tables come in; one that is loaded stays as it is."""
    return parsed | loaded


def after_lookup_reload(loaded: Tables, parsed: Tables) -> Tables:
    """Tables are replaced, but one without entries is no table any more: it stays loaded until the restart."""
    return loaded | parsed
