# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``exclusive``: prefixes under which the settings are all there is. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..problem import Problem, host_name
from ..suggest import did_you_mean
from .decode import Decoder
from .differ import escape
from .grammar import SINGLETON, Item, catalogue, refuse
from .schema import READ_WRITE, Prop, Schema

#: Seeded again at the next start when the last one is gone (contract 1.6), so removing them all achieves nothing.
NEVER = frozenset(("Role",))


@dataclasses.dataclass(frozen=True)
class Exclusive:
    """:param types: object types. :param objects: (type, label). :param maps: (type, label, property)."""

    types: tuple[str, ...] = ()
    objects: frozenset[tuple[str, str]] = frozenset()
    maps: frozenset[tuple[str, str, str]] = frozenset()

    def resets(
        self, schema: Schema, item: Item, body: t.Mapping[str, t.Any], current: t.Mapping[str, t.Any]
    ) -> dict[str, t.Any]:
        """Properties that the settings leave out, with the defaults they go back to."""
        if (item.object, item.label) not in self.objects:
            return {}
        variant = body.get("@type", current.get("@type"))
        fields = schema.fields(item.object, variant if schema.variants(item.object) else None)
        return {name: value for name, value in defaults_of(schema, fields.values()).items() if name not in body}

    def reset_by(self, schema: Schema, item: Item) -> set[str]:
        """Properties that the settings leave out and that therefore go back to their defaults."""
        if (item.object, item.label) not in self.objects:
            return set()
        return set(defaults_of(schema, schema.fields(item.object).values())) - set(item.body)

    def exact_maps(self, item: Item) -> frozenset[str]:
        """Pointers of this item's maps that hold exactly what the settings give."""
        return frozenset(escape(prop) for name, label, prop in self.maps if (name, label) == (item.object, item.label))


def defaults_of(schema: Schema, specs: t.Iterable[Prop]) -> dict[str, t.Any]:
    """Defaults in normal form, of the properties for which one is known (contract 4: what an empty default means)."""
    decoder = Decoder(schema, lambda _name, _identifier: None)
    out: dict[str, t.Any] = {}
    for spec in specs:
        if spec.access != READ_WRITE or spec.type.is_secret:
            continue
        if spec.has_default and spec.type.kind != "object":
            out[spec.name] = decoder.value(spec.type, spec.default)
        elif spec.type.nullable:
            out[spec.name] = None
        elif spec.type.kind == "boolean":
            out[spec.name] = False
        elif spec.type.kind in ("set", "objectList") and not spec.type.min_items:
            out[spec.name] = []
    return out


def parse_exclusive(schema: Schema, prefixes: t.Sequence[str], items: t.Sequence[Item]) -> Exclusive:
    """:raises Failure: ``invalid_value`` naming every prefix that means nothing."""
    known = catalogue(schema)
    types: list[str] = []
    objects: set[tuple[str, str]] = set()
    maps: set[tuple[str, str, str]] = set()
    problems: list[Problem] = []
    for prefix in prefixes:
        head, _dot, rest = prefix.partition(".")
        name = known.get(head)
        if name is None:
            problems.append(
                Problem("exclusive", repr(prefix), f"unknown key; {did_you_mean(head, known)}".rstrip("; "))
            )
        elif schema.objects[name].singleton:
            if not rest:
                objects.add((name, SINGLETON))
            elif _is_map(schema, name, rest):
                maps.add((name, SINGLETON, rest))
            else:
                problems.append(Problem("exclusive", repr(prefix), "is no singleton and no map."))
        elif not rest:
            if name in NEVER:
                problems.append(Problem("exclusive", repr(prefix), "the server's own roles cannot be removed."))
            types.append(name)
        else:
            found = _item(schema, items, name, rest)
            if found is None:
                problems.append(Problem("exclusive", repr(prefix), "names no object of the settings."))
            elif found[1]:
                maps.add((name, found[0], found[1]))
            else:
                objects.add((name, found[0]))
    refuse(problems)
    return Exclusive(tuple(types), frozenset(objects), frozenset(maps))


def _item(schema: Schema, items: t.Sequence[Item], name: str, rest: str) -> t.Optional[tuple[str, str]]:
    for item in items:
        if item.object != name:
            continue
        if item.label == (host_name(rest) if name == "Domain" else rest):
            return item.label, ""
        label, _dot, prop = rest.rpartition(".")
        if item.label == label and _is_map(schema, name, prop):
            return item.label, prop
    return None


def _is_map(schema: Schema, name: str, prop: str) -> bool:
    spec = schema.fields(name).get(prop)
    return spec is not None and spec.type.kind == "map"
