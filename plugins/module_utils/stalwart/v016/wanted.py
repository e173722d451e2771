# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to read of a server: the types that settings name, and all that their references may name. Pure."""

from __future__ import annotations

import typing as t

from .client import Want
from .decode import struct_references
from .exclusive import Exclusive
from .grammar import Item, Tree, catalogue
from .identity import identity_of
from .schema import SERVER_SET, Schema, Type
from .values import Normaliser, expand

#: What refers to settings without being one.
_HOLDERS = ("Account", "MailingList")


class Wanted:
    """Collects the types of one task.

    :param items: of ``state: present``. :param tree: of ``state: absent``.
    """

    def __init__(self, schema: Schema, items: t.Sequence[Item], tree: Tree, exclusive: Exclusive) -> None:
        self._schema = schema
        self._needed = {*tree, *exclusive.types, *(item.object for item in items)}
        self._seen: set[str] = set()
        for item in items:
            refs = struct_references(schema, item.object, item.body)
            self._needed |= {ref.type.target for ref in refs}
            self._touched(item.object, item.body)
            self._touched(item.object, dict.fromkeys(exclusive.reset_by(schema, item)))
        going = set(exclusive.types)
        for name, labels in tree.items():
            for given in labels.values():
                self._touched(name, given)
                if not schema.objects[name].singleton and not {*given} - {*self._identifying(name), "@type"}:
                    going.add(name)
        self._partly = self._holders(going)

    def wants(self, extra: t.Iterable[str]) -> list[Want]:
        """In a stable order; what only a label or a holder is taken from may be unreadable."""
        needed = self._closed({*self._needed, *extra})
        seen = self._closed({*needed, *self._seen, *self._partly})
        out = []
        for name in sorted(seen):
            whole = name in needed or name in self._seen
            properties = self._properties(name) if whole else self._part(name)
            out.append(Want(name, self._schema.objects[name].singleton, properties, optional=name not in needed))
        return out

    def _closed(self, names: set[str]) -> set[str]:
        """With the types whose labels are part of these types' own labels (a DKIM signature's domain)."""
        while True:
            more = {target for name in names for target in self._identity_targets(name)} - names
            if not more:
                return names
            names = names | more

    def _identity_targets(self, name: str) -> set[str]:
        fields = self._schema.fields(name)
        props = self._identifying(name)
        return {fields[prop].type.target for prop in props if prop in fields and fields[prop].type.kind == "objectId"}

    def _identifying(self, name: str) -> tuple[str, ...]:
        entry = self._schema.objects[name]
        identity = None if entry.singleton else identity_of(self._schema, entry)
        return identity.properties if identity else ()

    def _properties(self, name: str) -> t.Optional[list[str]]:
        """All properties, but of a domain not the zone text, which the server computes from keys and certificates."""
        if name != "Domain":
            return None
        return sorted(prop for prop, spec in self._schema.fields(name).items() if spec.access != SERVER_SET)

    def _part(self, name: str) -> list[str]:
        return sorted({*self._identifying(name), *self._partly.get(name, ())})

    def _touched(self, name: str, body: t.Mapping[str, t.Any]) -> None:
        """Types that given properties, ``null`` among them, may refer to: what they hold now has to be seen."""
        fields = self._schema.fields(name)
        for key, value in expand(body, "", Normaliser(self._schema)).items():
            if key in fields:
                self._value(fields[key].type, value)

    def _value(self, spec: Type, value: t.Any) -> None:
        if spec.kind == "object" and isinstance(value, t.Mapping):
            self._touched(spec.target, value)
        elif spec.kind == "objectList" and isinstance(value, (list, tuple)):
            for entry in value:
                self._value(Type("object", target=spec.target), entry)
        else:
            self._seen |= targets(self._schema, spec)

    def _holders(self, going: set[str]) -> dict[str, set[str]]:
        """Types, with properties, that may refer to objects which are removed."""
        found: dict[str, set[str]] = {}
        if not going:
            return found
        for name in {*catalogue(self._schema).values(), *_HOLDERS} & set(self._schema.objects):
            for prop, spec in self._schema.fields(name).items():
                if targets(self._schema, spec.type) & going:
                    found.setdefault(name, set()).add(prop)
        return found


def targets(schema: Schema, spec: Type, seen: frozenset[str] = frozenset()) -> set[str]:
    """Types that a value of this type may refer to, however deep."""
    if spec.kind == "objectId":
        return {spec.target}
    out: set[str] = set()
    for part in (spec.item, spec.value):
        if part is not None:
            out |= targets(schema, part, seen)
    if spec.kind in ("object", "objectList") and spec.target not in seen:
        for prop in schema.fields(spec.target).values():
            out |= targets(schema, prop.type, seen | {spec.target})
    return out
