"""The patch algorithm of `/set` (contract 3.5 and 3.6): wire values and JSON pointers onto stored objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import errors, formats, ids
from .defaults import Defaults
from .errors import SetError, invalid_patch
from .tables import Field, Tables, Type

MASK = "****"


def tokens(pointer: str) -> list[str]:
    """`a/b~1c` -> [a, b/c]; a leading slash is tolerated."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.removeprefix("/").split("/")]


def join(path: str, *names: str) -> str:
    """The path as errors name it: escaped like a JSON pointer, without a leading slash."""
    escaped = (name.replace("~", "~0").replace("/", "~1") for name in names)
    return "/".join([*([path] if path else []), *escaped])


class Patcher:
    """Applies the values of one create or update.

    :param creating: create-only properties may be set and keys are plain names.
    :param resolve: creation reference (`#cid`) -> id, or None when there is none.
    """

    def __init__(self, tables: Tables, defaults: Defaults, creating: bool, resolve: Callable[[str], str | None]):
        self.tables = tables
        self.defaults = defaults
        self.creating = creating
        self.resolve = resolve

    # -- whole objects -------------------------------------------------------------------------------------------

    def create(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        if name in self.tables.variants:
            variant = values.get("@type")
            if variant not in self.tables.variants[name]:
                raise invalid_patch(errors.INVALID_VARIANT, "")
            target = self.defaults.object(name, variant)
        else:
            target = self.defaults.object(name)
        self._members(name, target, values, "")
        return self._finish(name, target)

    def update(self, name: str, current: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        variant = values.get("@type")
        if name in self.tables.variants and variant is not None and variant != current.get("@type"):
            if name == "Account" and variant in self.tables.variants[name]:
                raise SetError(
                    "invalidProperties", "Cannot change the type of an existing account.", properties=["@type"]
                )
            # Another variant is built anew, create-only properties included.
            return Patcher(self.tables, self.defaults, True, self.resolve).create(name, values)
        target = _copy(current)
        struct_name, struct = self._struct(name, target)
        for key, value in values.items():
            if key != "@type":
                names = tokens(key)
                self._member(struct_name, struct, target, names, value, join("", *names), pointer=True)
        return self._finish(name, target)

    # -- members -------------------------------------------------------------------------------------------------

    def _struct(self, name: str, target: dict[str, Any]) -> tuple[str, dict[str, Field]]:
        variants = self.tables.variants.get(name)
        struct_name = variants[target["@type"]] if variants else name
        return struct_name, self.tables.structs[struct_name] if struct_name else {}

    def _members(self, name: str, target: dict[str, Any], values: dict[str, Any], path: str) -> None:
        """Whole members of an object. A variant without properties ignores what it is given."""
        struct_name, struct = self._struct(name, target)
        for key, value in values.items():
            if key != "@type" and struct_name:
                self._member(struct_name, struct, target, [key], value, path, pointer=False)

    def _member(
        self,
        struct_name: str,
        struct: dict[str, Field],
        target: dict[str, Any],
        names: list[str],
        value: Any,
        path: str,
        pointer: bool,
    ) -> None:
        """One property, or what ``names`` point to below it.

        :param pointer: the names come from the key of an update, and ``path`` is that key: errors always name it whole.
        """
        name, rest = names[0], names[1:]
        entry = struct.get(name)
        here = path if pointer else join(path, name)
        if entry is None:
            if pointer or self.tables.known_property(name):
                raise invalid_patch(errors.INVALID_PROPERTY, here)
            raise invalid_patch(errors.INVALID_KEY, path)
        if entry.access == "serverSet":
            raise invalid_patch(errors.SERVER_SET, here)
        if entry.access == "immutable" and not self.creating:
            raise invalid_patch(errors.CREATE_ONLY, here)
        if rest:
            target[name] = self._pointer(entry.type, target[name], rest, value, here)
            return
        if value == MASK and entry.type.format == "secret" and struct_name.endswith("Credential") and target[name]:
            return  # a masked secret written back is ignored for credentials only (contract 3.7)
        target[name] = self._assign(entry.type, target[name], value, here)
        if entry.type.kind == "string" and target[name] is not None:
            try:
                target[name] = formats.normal_form(struct_name, name, entry.type.format)(target[name])
            except ValueError as error:
                raise invalid_patch(str(error), here) from None

    def _assign(self, spec: Type, current: Any, value: Any, path: str) -> Any:
        if value is None and spec.nullable:
            return None
        match spec.kind:
            case "set":
                return self._set(spec, value, path)
            case "map":
                return self._map(spec, value, path)
            case "objectList":
                return self._list(spec, value, path)
            case "object":
                return self._object(spec.target or "", current, value, path)
            case _:
                return self._scalar(spec, value, path, self._complaint(spec, current, value))

    def _complaint(self, spec: Type, current: Any, value: Any) -> str:
        if spec.kind == "enum":
            current = current or self.tables.enums[spec.target or ""][0]
            name = "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", current))
            return f'Invalid value Str("{value}") for enum type {name}.'
        return errors.INVALID_SCALAR.get(spec.format or "", errors.INVALID_SCALAR.get(spec.kind, errors.INVALID_VALUE))

    def _object(self, name: str, current: Any, value: Any, path: str) -> dict[str, Any]:
        if name in self.tables.variants:
            variant = value.get("@type") if isinstance(value, dict) else None
            if variant not in self.tables.variants[name]:
                raise invalid_patch(errors.INVALID_VARIANT, path)
            target = self.defaults.object(name, variant)
        elif not isinstance(value, dict):
            raise invalid_patch(errors.INVALID_OBJECT, path)
        else:
            target = _copy(current) if current is not None else self.defaults.object(name)
        self._members(name, target, value, path)
        return target

    def _set(self, spec: Type, value: Any, path: str) -> dict[str, bool]:
        if not isinstance(value, dict):
            raise invalid_patch(errors.INVALID_MEMBER_VALUE, path)
        out: dict[str, bool] = {}
        for key, flag in value.items():
            if not isinstance(flag, bool):
                raise invalid_patch(errors.INVALID_MEMBER_KEY, path)
            member = self._key(spec.item, key, path)
            if flag:
                out[member] = True
        return out

    def _map(self, spec: Type, value: Any, path: str) -> dict[str, Any]:
        """Errors inside name the map, not the key: so does the server, here and for lists."""
        if not isinstance(value, dict):
            raise invalid_patch(errors.INVALID_MEMBER_VALUE, path)
        assert spec.value
        out = {}
        for key, entry in value.items():
            member = self._key(spec.key, key, path)
            out[member] = self._assign(spec.value, None, entry, path)
        return out

    def _list(self, spec: Type, value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid_patch(errors.INVALID_MEMBER_VALUE, path)
        out = {}
        for key, entry in value.items():
            out[_index(key, path)] = self._object(spec.target or "", None, entry, path)
        return out

    def _key(self, spec: Type | None, key: str, path: str, complaint: str = errors.INVALID_MEMBER_KEY) -> str:
        """A set's member or a map's key: typed ones are parsed, strings are taken as they are, unless empty."""
        assert spec
        if spec.kind == "string" and spec.format not in formats.FORMATS and key:
            return key
        return str(self._scalar(spec, key, path, complaint))

    # -- pointers ------------------------------------------------------------------------------------------------

    def _pointer(self, spec: Type, current: Any, names: list[str], value: Any, path: str) -> Any:
        """Errors name the whole pointer, which is ``path``."""
        if spec.kind == "set":
            if len(names) > 1 or (value is not None and not isinstance(value, bool)):
                raise invalid_patch(errors.INVALID_MEMBER_VALUE, path)
            member = self._key(spec.item, names[0], path, errors.INVALID_MEMBER_VALUE)
            return {**current, member: True} if value else {key: True for key in current if key != member}
        if spec.kind == "map":
            return self._map_pointer(spec, current, names, value, path)
        if spec.kind == "objectList":
            return self._list_pointer(spec, current, names, value, path)
        if spec.kind == "object":
            target = _copy(current) if current is not None else self.defaults.object(spec.target or "")
            struct_name, struct = self._struct(spec.target or "", target)
            if names == ["@type"]:
                return target  # accepted, without effect
            if not struct_name:
                raise invalid_patch(errors.INVALID_POINTER, path)
            self._member(struct_name, struct, target, names, value, path, pointer=True)
            return target
        raise invalid_patch(errors.INVALID_POINTER, path)

    def _map_pointer(self, spec: Type, current: dict[str, Any], names: list[str], value: Any, path: str) -> Any:
        assert spec.value
        member = self._key(spec.key, names[0], path, errors.INVALID_MEMBER_VALUE)
        before = current.get(member)
        if len(names) > 1:
            before = self.defaults.value(spec.value) if before is None else before
            return {**current, member: self._pointer(spec.value, before, names[1:], value, path)}
        if value is None:
            return {key: entry for key, entry in current.items() if key != member}
        return {**current, member: self._assign(spec.value, before, value, path)}

    def _list_pointer(self, spec: Type, current: dict[str, Any], names: list[str], value: Any, path: str) -> Any:
        if not names[0].isdigit():
            raise invalid_patch(errors.INVALID_MEMBER_VALUE, path)
        index = str(int(names[0]))
        before = current.get(index)
        if len(names) > 1:
            before = self.defaults.object(spec.target or "") if before is None else before
            item = Type("object", target=spec.target)
            return {**current, index: self._pointer(item, before, names[1:], value, path)}
        if value is None:
            if before is None:
                raise invalid_patch(errors.INVALID_MEMBER_VALUE, path)
            return {key: entry for key, entry in current.items() if key != index}
        return {**current, index: self._object(spec.target or "", before, value, path)}

    # -- scalars -------------------------------------------------------------------------------------------------

    def _scalar(self, spec: Type, value: Any, path: str, description: str) -> Any:
        try:
            return self._decode(spec, value)
        except (ValueError, TypeError):
            raise invalid_patch(description, path) from None

    def _decode(self, spec: Type, value: Any) -> Any:
        """Raises ValueError or TypeError for a value of the wrong type."""
        if spec.kind == "boolean":
            if isinstance(value, bool):
                return value
            raise TypeError("boolean")
        if spec.kind == "number":
            return _number(spec, value)
        if not isinstance(value, str) or not value:
            raise TypeError("string")
        if spec.kind == "enum":
            if value not in self.tables.enums[spec.target or ""]:
                raise ValueError("enum")
            return value
        if spec.kind == "objectId":
            return self._id(value)
        if spec.kind == "utcDateTime":
            return formats.date(value)
        return formats.FORMATS.get(spec.format or "", str)(value)

    def _id(self, value: str) -> str:
        if value.startswith("#"):
            resolved = self.resolve(value[1:])
            if resolved is None:
                raise ValueError("reference")
            return resolved
        return ids.encode(ids.decode(value))

    # -- storing -------------------------------------------------------------------------------------------------

    def _finish(self, name: str, target: dict[str, Any]) -> dict[str, Any]:
        """Renumbers all lists 0..n-1 in key order, as they are stored (contract 3.5)."""
        _, struct = self._struct(name, target)
        for key, entry in struct.items():
            target[key] = self._renumber(entry.type, target[key])
        return target

    def _renumber(self, spec: Type, value: Any) -> Any:
        if value is None:
            return None
        if spec.kind == "objectList":
            ordered = [value[key] for key in sorted(value, key=int)]
            return {str(index): self._finish(spec.target or "", item) for index, item in enumerate(ordered)}
        if spec.kind == "object":
            return self._finish(spec.target or "", value)
        if spec.kind == "map" and spec.value and spec.value.kind == "object":
            return {key: self._renumber(spec.value, entry) for key, entry in value.items()}
        return value


def _index(key: str, path: str) -> str:
    if not key.isdigit():
        raise invalid_patch(errors.INVALID_MEMBER_KEY, path)
    return str(int(key))


def _number(spec: Type, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("number")
    if spec.format == "float":
        return float(value)
    if not isinstance(value, int):
        raise TypeError("integer")
    if spec.format != "integer" and value < 0:
        raise ValueError("unsigned")
    if spec.format == "duration" and value == 0:
        raise ValueError("duration")
    return value


def _copy(value: Any) -> Any:
    """Deep copy of JSON data; keeps the order of sets."""
    if isinstance(value, dict):
        return {key: _copy(entry) for key, entry in value.items()}
    return value
