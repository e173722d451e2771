# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Merges nested mappings: settings in both of their shapes, and chart values."""

from __future__ import annotations

import typing as t

from .validation import Problems


def merged(base: t.Mapping[str, t.Any], over: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """``over`` laid on ``base``: mappings are merged key by key, everything else (lists too) is replaced."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        if isinstance(value, t.Mapping) and isinstance(below, t.Mapping) and not _other_variant(below, value):
            result[key] = merged(below, value)
        else:
            result[key] = plain(value)
    return result


def _other_variant(below: t.Mapping[str, t.Any], over: t.Mapping[str, t.Any]) -> bool:
    # An object of another variant has other properties: none of the old ones may stay.
    return "@type" in over and over["@type"] != below.get("@type")


def plain(value: t.Any) -> t.Any:
    """A deep copy made of dict, list and scalars only."""
    if isinstance(value, t.Mapping):
        return {str(key): plain(below) for key, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(below) for below in value]
    return "".join(value) if isinstance(value, str) else value


def nested(settings: t.Mapping[str, t.Any], variable: str, problems: Problems) -> dict[str, t.Any]:
    """Settings in the nested shape: flat keys on level 1 (``directory.keycloak.issuerUrl``) are split at their dots.

    Only level 1 is split: below it a key may be a label that holds dots itself (``domain: {acme.com: …}``).
    One setting given in both shapes with different values is noted as a mistake.
    """
    result: dict[str, t.Any] = {}
    for key, value in settings.items():
        parts = str(key).split(".")
        if not all(parts):
            problems.add(f"{variable}.{key}", value, "a key without empty parts between its dots")
            continue
        tree: t.Any = value
        for part in reversed(parts):
            tree = {part: tree}
        _join(result, tree, variable, problems)
    return result


def _join(into: dict[str, t.Any], tree: t.Mapping[str, t.Any], path: str, problems: Problems) -> None:
    for key, value in tree.items():
        where = f"{path}.{key}"
        if key not in into:
            into[key] = plain(value)
        elif isinstance(value, t.Mapping) and isinstance(into[key], dict):
            _join(into[key], value, where, problems)
        elif into[key] != value:
            problems.add(where, value, f"one value; another one is given in the other shape: {into[key]!r}")


def paths(tree: t.Any, prefix: str = "") -> t.Iterator[str]:
    """Dotted paths of everything in a nested mapping, inner nodes included."""
    if isinstance(tree, t.Mapping):
        for key, value in tree.items():
            yield f"{prefix}{key}"
            yield from paths(value, f"{prefix}{key}.")


def refuse_owned(tree: t.Mapping[str, t.Any], owned: t.Mapping[str, str], variable: str, problems: Problems) -> None:
    """Note every path that another variable owns: two sources for one fact would never converge.

    :param owned: path → what it follows from.
    """
    for path in paths(tree):
        source = owned.get(path)
        if source is not None:
            problems.add(f"{variable}.{path}", value_at(tree, path), f"nothing here; it follows from {source}")


def value_at(tree: t.Any, path: str) -> t.Any:
    """What stands at a dotted path; None where nothing does."""
    for key in path.split("."):
        tree = tree.get(key) if isinstance(tree, t.Mapping) else None
    return tree
