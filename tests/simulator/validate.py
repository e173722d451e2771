"""Struct validation at write time (contract 3.8 `validationFailed`) and a walk over an object's references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .errors import SetError
from .ids import UNSET
from .tables import Tables, Type

MAX_OBJECT_BYTES = 200_000
#: Expressions without a default that may stay empty.
_OPTIONAL_EXPRESSIONS = {("MtaQueueQuota", "match"), ("SieveSystemInterpreter", "defaultReturnPath")}
_UNSPECIFIED = {"ipNetwork": "0.0.0.0", "ipAddress": "0.0.0.0", "socketAddress": "0.0.0.0:0"}


def check(tables: Tables, name: str, value: dict[str, Any]) -> None:
    """Raises SetError with all violations of required properties and limits."""
    violations = violations_of(tables, name, value)
    if violations:
        raise SetError("validationFailed", validationErrors=violations)


def violations_of(tables: Tables, name: str, value: dict[str, Any]) -> list[dict[str, Any]]:
    return list(_object(tables, name, value))


def _object(tables: Tables, name: str, value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Nested properties are named without the way to them."""
    for key, entry in tables.struct(name, value.get("@type") if name in tables.variants else None).items():
        unset = entry.type.target == "Expression" and value[key] == {"match": {}, "else": ""}
        if entry.access != "serverSet" and not (unset and (name, key) in _OPTIONAL_EXPRESSIONS):
            yield from _value(tables, entry.type, value[key], key)


def _value(tables: Tables, spec: Type, value: Any, path: str) -> Iterator[dict[str, Any]]:
    if value is None:
        if not spec.nullable:
            yield {"type": "Required", "property": path}
        return
    match spec.kind:
        case "string":
            if value == "" and spec.format in _UNSPECIFIED:
                yield {"type": "Invalid", "property": path, "value": _UNSPECIFIED[spec.format]}
            elif value == "":
                yield {"type": "Required", "property": path}
            yield from _limit(spec, "maxLength", "MaxLength", len(value), path)
        case "objectId":
            if value == UNSET:
                yield {"type": "Required", "property": path}
        case "number":
            if spec.format == "duration" and value == 0:
                yield {"type": "Invalid", "property": path, "value": "0"}
            yield from _limit(spec, "max", "MaxValue", value, path)
            yield from _limit(spec, "min", "MinValue", value, path)
        case "set":
            yield from _limit(spec, "minItems", "MinLength", len(value), path)
        case "objectList":
            yield from _limit(spec, "minItems", "MinLength", len(value), path)
            for item in value.values():
                yield from _object(tables, spec.target or "", item)
        case "map":
            assert spec.value
            for item in value.values():
                yield from _value(tables, spec.value, item, path)
        case "object":
            yield from _object(tables, spec.target or "", value)


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
