# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``state: absent``: objects without properties are removed, properties go back to their defaults. Pure."""

from __future__ import annotations

import typing as t

from ...reconcile import Change, Plan, present
from ..problem import Problem
from ..suggest import did_you_mean
from .decode import Decoder, mask, mask_value, project
from .differ import Write, escape
from .exclusive import defaults_of
from .grammar import SINGLETON, refuse, tree_of
from .identity import identity_of, setting_name, text_of
from .plan import Op, destroy, owed
from .registry import Registry
from .schema import Prop, Schema, Type
from .texts import stored_text
from .values import Normaliser, expand


class _Absent:
    """Collects what one object's given properties mean when they shall go."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._check = Normaliser(schema)

    @property
    def problems(self) -> list[Problem]:
        return self._check.problems

    def refuse(self, key: str, message: str) -> None:
        """Note a problem."""
        self._check.fail(key, ..., message)

    def identifying(self, name: str, prop: str, given: t.Any) -> str:
        """A given identifying value as labels have it."""
        spec = self._schema.fields(name).get(prop)
        structured = given and spec is not None and spec.type.kind == "object"
        return text_of(
            self._check.value(present(spec).type, given, f"{setting_name(name)}.{prop}") if structured else given
        )

    def struct(
        self, name: str, given: t.Mapping[str, t.Any], current: t.Mapping[str, t.Any], path: str, prefix: str = ""
    ) -> list[Write]:
        fields = self._schema.fields(name, current.get("@type") if self._schema.variants(name) else None)
        writes: list[Write] = []
        for key, item in expand(given, path, self._check).items():
            spec = fields.get(key)
            if spec is None:
                self._check.fail(f"{path}.{key}", ..., f"unknown property; {did_you_mean(key, fields)}".rstrip("; "))
            else:
                writes += self._property(spec, item, current.get(key), f"{path}.{key}", f"{prefix}{escape(key)}")
        return writes

    def _property(self, spec: Prop, given: t.Any, current: t.Any, path: str, pointer: str) -> list[Write]:
        kind = spec.type
        if given is None:
            return self._default(spec, current, path, pointer)
        if kind.kind == "set" and kind.item is not None and isinstance(given, (list, tuple)):
            gone = set(self._check.value(Type("set", item=kind.item), given, path) or ())
            kept = [member for member in current or () if member not in gone]
            return [] if kept == (current or []) else [Write(pointer, kind, kept)]
        if kind.kind == "map" and kind.value is not None and isinstance(given, t.Mapping):
            named = {str(key): item for key, item in given.items()}
            for key in [key for key, item in named.items() if item is not None]:
                self._check.fail(f"{path}.{key}", ..., "a map's keys are removed whole; give null.")
            return [Write(f"{pointer}/{escape(key)}", kind.value, None) for key in named if key in (current or {})]
        if kind.kind == "object" and isinstance(given, t.Mapping):
            return self.struct(kind.target, given, current or {}, path, f"{pointer}/") if current else []
        self._check.fail(path, given, "give null to put a property back to its default, or a list of a set's members.")
        return []

    def _default(self, spec: Prop, current: t.Any, path: str, pointer: str) -> list[Write]:
        known = defaults_of(self._schema, [spec])
        if spec.name not in known:
            self._check.fail(path, ..., "has no default that is known; set a value instead.")
            return []
        return [] if known[spec.name] == current else [Write(pointer, spec.type, known[spec.name])]


def make_absent_plan(registry: Registry, settings: t.Mapping[str, t.Any], *, known: bool) -> Plan:
    """The plan for ``state: absent``.

    :raises Failure: ``invalid_value`` with every problem.
    """
    schema = registry.schema
    tree, problems = tree_of(schema, settings)
    refuse(problems)
    absent = _Absent(schema)
    changes: list[Change] = []
    removed: list[Change] = []
    for name, labels in tree.items():
        for label, given in labels.items():
            change = _one(registry, absent, name, label, dict(given))
            if change is not None:
                (removed if change.action == "delete" else changes).append(change)
    refuse(absent.problems)
    changes += removed
    return Plan(tuple(changes + (owed(registry, changes) if known else [])))


def _one(registry: Registry, absent: _Absent, name: str, label: str, given: dict[str, t.Any]) -> t.Optional[Change]:
    schema = registry.schema
    key = setting_name(name) if label == SINGLETON else f"{setting_name(name)}.{label}"
    identifier: t.Optional[str] = SINGLETON
    if label != SINGLETON:
        identifier, given = _find(registry, absent, name, label, given)
        if identifier is None:
            return None
        if not given:
            return destroy(registry, name, identifier)
    wire = registry.of(name).get(identifier or "")
    if wire is None:
        return None
    current = Decoder(schema, registry.label).struct(name, wire)
    writes = absent.struct(name, given, current, key)
    if not writes:
        return None
    touched = {write.pointer.split("/", 1)[0]: None for write in writes}
    before = project({prop: current[prop] for prop in touched if prop in current}, current)
    fields = schema.fields(name, current.get("@type") if schema.variants(name) else None)
    after = {
        write.pointer: mask_value(schema, write.type, write.value)
        if "/" in write.pointer or write.pointer in fields
        else None
        for write in writes
    }
    op = Op("update", name, label, identifier or "", None, tuple(writes))
    return Change("update", setting_name(name), label, mask(schema, name, before), after, op)


def _find(
    registry: Registry, absent: _Absent, name: str, label: str, given: dict[str, t.Any]
) -> tuple[t.Optional[str], dict[str, t.Any]]:
    """The object's id, and what of the given properties is more than its identity."""
    identity = present(identity_of(registry.schema, registry.schema.objects[name]))
    parts = identity.split(label) or {}
    for prop in identity.properties:
        if given.get(prop, "") is None:
            # Taken as "not given", it would remove the whole object.
            absent.refuse(f"{setting_name(name)}.{label}.{prop}", "identifies the object and cannot be reset.")
    values = [
        absent.identifying(name, prop, given.pop(prop, None) or parts.get(prop, "")) for prop in identity.properties
    ]
    given.pop("@type", None)
    natural = identity.join([stored_text(name, prop, value) for prop, value in zip(identity.properties, values)])
    ids = registry.find(name, natural)
    return (ids[0] if ids else None), given
