"""Struct validation at write time (contract 3.8 `validationFailed`) and a walk over an object's references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .errors import SetError
from .ids import UNSET
from .patch import join
from .tables import Tables, Type

MAX_OBJECT_BYTES = 200_000


def check(tables: Tables, name: str, value: dict[str, Any]) -> None:
    """Raises SetError with all violations of required properties and limits."""
    violations = list(_object(tables, name, value, ""))
    if violations:
        raise SetError("validationFailed", validationErrors=violations)


def _object(tables: Tables, name: str, value: dict[str, Any], path: str) -> Iterator[dict[str, Any]]:
    for key, entry in tables.struct(name, value.get("@type") if name in tables.variants else None).items():
        if entry.access != "serverSet":
            yield from _value(tables, entry.type, value[key], join(path, key))


def _value(tables: Tables, spec: Type, value: Any, path: str) -> Iterator[dict[str, Any]]:
    if value is None:
        if not spec.nullable:
            yield {"type": "Required", "property": path}
        return
    match spec.kind:
        case "string":
            if value == "":
                yield {"type": "Required", "property": path}
            yield from _limit(spec, "maxLength", "MaxLength", len(value), path)
        case "objectId":
            if value == UNSET:
                yield {"type": "Required", "property": path}
        case "number":
            yield from _limit(spec, "min", "MinValue", value, path)
            yield from _limit(spec, "max", "MaxValue", value, path)
        case "set":
            yield from _limit(spec, "minItems", "MinLength", len(value), path)
        case "objectList":
            yield from _limit(spec, "minItems", "MinLength", len(value), path)
            for key, item in value.items():
                yield from _object(tables, spec.target or "", item, join(path, key))
        case "map":
            assert spec.value
            for key, item in value.items():
                yield from _value(tables, spec.value, item, join(path, key))
        case "object":
            yield from _object(tables, spec.target or "", value, path)


def _limit(spec: Type, name: str, error: str, actual: float, path: str) -> Iterator[dict[str, Any]]:
    limit = spec.limit(name)
    if limit is None:
        return
    if (name.startswith("max") and actual > limit) or (name.startswith("min") and actual < limit):
        yield {"type": error, "property": path, "required": int(limit) if limit == int(limit) else limit}


def references(tables: Tables, name: str, value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """All (object or `object/variant`, id) pairs that a stored object points to."""
    for key, entry in tables.struct(name, value.get("@type") if name in tables.variants else None).items():
        yield from _references(tables, entry.type, value.get(key))


def _references(tables: Tables, spec: Type, value: Any) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    match spec.kind:
        case "objectId":
            if value != UNSET:
                yield spec.target or "", value
        case "set":
            if spec.item and spec.item.kind == "objectId":
                for member in value:
                    yield spec.item.target or "", member
        case "objectList":
            for item in value.values():
                yield from references(tables, spec.target or "", item)
        case "map":
            for item in value.values():
                yield from _references(tables, spec.value or spec, item)
        case "object":
            yield from references(tables, spec.target or "", value)


def expressions(tables: Tables, name: str, value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All (property, expression) pairs of an object, nested ones with their path."""
    struct = tables.struct(name, value.get("@type") if name in tables.variants else None)
    for key, entry in struct.items():
        item = value.get(key)
        if entry.type.kind == "object" and item is not None:
            if entry.type.target == "Expression":
                yield key, item
            else:
                for path, nested in expressions(tables, entry.type.target or "", item):
                    yield join(key, path), nested
