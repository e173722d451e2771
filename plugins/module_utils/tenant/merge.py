# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Merges nested mappings: settings in both of their shapes, and chart values."""

from __future__ import annotations

import typing as t

from ..stalwart.v016.shape import TWICE
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
            problems.add(where, value, TWICE)


def paths(tree: t.Any, prefix: str = "") -> t.Iterator[tuple[str, t.Any]]:
    """Everything in a nested mapping by its dotted path, inner nodes included."""
    if isinstance(tree, t.Mapping):
        for key, value in tree.items():
            yield f"{prefix}{key}", value
            yield from paths(value, f"{prefix}{key}.")


def parents(owned: t.Mapping[str, str]) -> dict[str, str]:
    """Every path above an owned one, with all that follows from there."""
    found: dict[str, dict[str, None]] = {}
    for path, source in owned.items():
        parts = path.split(".")
        for length in range(1, len(parts)):
            found.setdefault(".".join(parts[:length]), {})[source] = None
    return {path: ", ".join(sources) for path, sources in found.items()}


def refuse_owned(tree: t.Any, owned: t.Mapping[str, str], variable: str, problems: Problems) -> None:
    """Note every path that another variable owns, and whatever would take its place from above.

    Two sources for one fact would never converge.

    :param owned: path → what it follows from.
    """
    above = parents(owned)
    for path, value in paths(tree):
        where = f"{variable}.{path}"
        if path in owned:
            problems.refuse(where, value, f"nothing here; it follows from {owned[path]}")
        elif path in above and not isinstance(value, t.Mapping):
            problems.refuse(where, value, f"a mapping; what the role puts there follows from {above[path]}")
        elif path in above and "@type" in value:
            # Another variant keeps nothing of the object that it is laid on.
            accepted = f"nothing here; what it would take the place of follows from {above[path]}"
            problems.refuse(f"{where}.@type", value["@type"], accepted)


def refuse_displaced(tree: t.Any, base: t.Mapping[str, t.Any], variable: str, problems: Problems) -> None:
    """Note what would take the place of a whole mapping of ``base``, unless it is noted already.

    Null would as well, but for an empty one: it stands for "no properties".
    """
    mappings = {path: value for path, value in paths(base) if isinstance(value, t.Mapping)}
    noted = {problem.variable for problem in problems}
    for path, value in paths(tree):
        where = f"{variable}.{path}"
        if path not in mappings or isinstance(value, t.Mapping) or where in noted:
            continue
        if value is not None or mappings[path]:
            problems.refuse(where, value, "a mapping, laid on what the role puts there")
