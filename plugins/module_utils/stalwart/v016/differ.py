# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one comparison of desired and current objects: the patch that would make them equal. Pure.

What the desired value leaves out is not managed. Patches are pointers (contract 3.5), so they reach into a variant
without resetting the members that are not managed.
"""

from __future__ import annotations

import typing as t

from ..placeholder import is_placeholder
from ..problem import Problem
from .schema import CREATE_ONLY, EXPRESSION, Fields, Prop, Schema, Type
from .texts import UNORDERED


class Write(t.NamedTuple):
    """One key of an update: a pointer, and the value in normal form with its type."""

    pointer: str
    type: Type
    value: t.Any


def escape(key: str) -> str:
    """A member's name inside a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


class Differ:
    """Compares desired with current values.

    :param write_secrets: whether a secret that exists already is written again; it cannot be compared (contract 3.7).
    :param exact_maps: pointers of maps whose other keys are removed.
    """

    def __init__(self, schema: Schema, *, write_secrets: bool = False, exact_maps: t.Container[str] = ()) -> None:
        self._schema = schema
        self._write_secrets = write_secrets
        self._exact_maps = exact_maps
        self.problems: list[Problem] = []

    def struct(
        self, name: str, desired: t.Mapping[str, t.Any], current: t.Mapping[str, t.Any], path: str, prefix: str = ""
    ) -> list[Write]:
        """Writes below ``prefix`` for a struct whose variant is the current one."""
        variants = self._schema.variants(name)
        variant = current.get("@type") if variants else None
        fields: Fields = self._schema.fields(name, variant)
        writes: list[Write] = []
        for key, item in desired.items():
            if key == "@type":
                continue
            spec = fields.get(key)
            if spec is None:
                self.problems.append(
                    Problem(f"{path}.{key}", "", f"{variant} has no such property; give @type to change the variant.")
                )
                continue
            found = self._value(spec.type, item, current.get(key), f"{prefix}{escape(key)}", f"{path}.{key}")
            if found and spec.access == CREATE_ONLY:
                self.problems.append(self._fixed(spec, path, current.get(key)))
            writes += found
        return writes

    @staticmethod
    def _fixed(spec: Prop, path: str, current: t.Any) -> Problem:
        held = "" if spec.type.is_secret else f" (it is {current!r})"
        return Problem(
            f"{path}.{spec.name}", "", f"can only be given on creation{held}; remove the object and create it again."
        )

    def _value(self, spec: Type, desired: t.Any, current: t.Any, pointer: str, path: str) -> list[Write]:
        whole = [Write(pointer, spec, desired)]
        if spec.is_secret:
            # Nothing there yet, or asked to write again; a masked secret counts as equal otherwise.
            rewrite = current is None or (self._write_secrets and not is_placeholder(desired))
            return whole if (desired is None) != (current is None) or (desired is not None and rewrite) else []
        if desired is None or current is None:
            return [] if desired is current else whole
        if spec.hidden and is_placeholder(desired):
            return []
        if spec.kind == "object":
            return self._object(spec, desired, current, pointer, path)
        if spec.kind == "map" and spec.value is not None:
            return self._map(spec.value, desired, current, pointer, path)
        if spec.kind == "objectList":
            return [] if self._same_list(spec, desired, current, path) else whole
        return [] if desired == current else whole

    def _object(self, spec: Type, desired: t.Any, current: t.Any, pointer: str, path: str) -> list[Write]:
        variants = self._schema.variants(spec.target)
        if variants and desired.get("@type", current.get("@type")) != current.get("@type"):
            return [Write(pointer, spec, desired)]
        if spec.target == EXPRESSION:
            # Its members depend on each other; half an expression is never what was meant.
            same = not self.struct(spec.target, desired, current, path)
            return [] if same else [Write(pointer, spec, {"match": [], **current, **desired})]
        return self.struct(spec.target, desired, current, path, f"{pointer}/")

    def _map(self, value: Type, desired: t.Any, current: t.Any, pointer: str, path: str) -> list[Write]:
        writes: list[Write] = []
        for key, item in desired.items():
            below = f"{pointer}/{escape(key)}"
            if key in current:
                writes += self._value(value, item, current[key], below, f"{path}.{key}")
            elif item is not None:
                writes.append(Write(below, value, item))
        if pointer in self._exact_maps:
            writes += [Write(f"{pointer}/{escape(key)}", value, None) for key in current if key not in desired]
        return writes

    def _same_list(self, spec: Type, desired: t.Sequence[t.Any], current: t.Sequence[t.Any], path: str) -> bool:
        if len(desired) != len(current):
            return False
        left = list(current)
        for index, item in enumerate(desired):
            candidates = range(len(left)) if spec.target in UNORDERED else range(1)
            match = next((at for at in candidates if self._same_item(spec, item, left[at], f"{path}[{index}]")), None)
            if match is None:
                return False
            del left[match]
        return True

    def _same_item(self, spec: Type, desired: t.Any, current: t.Any, path: str) -> bool:
        before = len(self.problems)
        writes = self._value(Type("object", target=spec.target), desired, current, "", path)
        # A create-only member that differs in one candidate is no problem: the list is written whole.
        del self.problems[before:]
        return not writes
