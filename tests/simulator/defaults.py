"""Values of properties nobody has set (contract 4.0 and the defaults of the tables), in stored form.

Stored form is the wire form of `/get`: sets are `{member: true}`, lists `{"0": item}`, variants carry `@type`.
"""

from __future__ import annotations

import re
from typing import Any

from . import formats
from .ids import UNSET
from .tables import Field, Tables, Type

DEFAULT_VARIANTS = {
    "DkimManagement": "Automatic",
    "SubAddressing": "Enabled",
    "CertificateManagement": "Manual",
    "DnsManagement": "Manual",
    "EncryptionAtRest": "Disabled",
    "SecretKey": "Value",
    "SecretText": "Text",
    "SecretKeyOptional": "None",
    "SecretTextOptional": "None",
    "DataStore": "RocksDb",
    "MtaDeliveryExpiration": "Ttl",
    "MtaDeliveryScheduleIntervalsOrDefault": "Default",
    "DnsResolver": "System",
    "HttpAuth": "Unauthenticated",
    "HttpLookupFormat": "Csv",
    "SqlAuthStore": "Default",
    "TaskStatus": "Pending",
}
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def milliseconds(text: str) -> int:
    """`1m` -> 60000, as the schema writes the defaults of durations."""
    match = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text)
    if not match:
        raise ValueError(f"not a duration: {text!r}")
    return int(match[1]) * _UNITS[match[2]]


class Defaults:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def default_variant(self, type_name: str) -> str | None:
        variants = self._tables.variants.get(type_name)
        if variants is None:
            return None
        return DEFAULT_VARIANTS.get(type_name) or next(iter(variants))

    def object(self, type_name: str, variant: str | None = None) -> dict[str, Any]:
        """A new object of the type with every property at its default."""
        if variant is None:
            variant = self.default_variant(type_name)
        out = {name: self._field(entry) for name, entry in self._tables.struct(type_name, variant).items()}
        if variant is not None:
            out["@type"] = variant
        return out

    def _field(self, entry: Field) -> Any:
        if entry.has_default:
            return self._given(entry.type, entry.default)
        return self.value(entry.type)

    def value(self, spec: Type) -> Any:
        if spec.nullable:
            return None
        match spec.kind:
            case "boolean":
                return False
            case "number":
                return 0.0 if spec.format == "float" else 0
            case "string" | "blobId":
                return ""
            case "objectId":
                return UNSET
            case "set" | "map" | "objectList":
                return {}
            case "enum":
                return self._tables.enums[spec.target or ""][0]
            case "utcDateTime":
                return formats.now()
            case _:
                return self.object(spec.target or "")

    def _given(self, spec: Type, value: Any) -> Any:
        """A default as the schema writes it -> stored form."""
        if value is None:
            return None
        if spec.kind == "object":
            if spec.target == "Expression" and "default" in value:
                return {"match": {}, "else": value["default"]}
            variant = value.get("@type")
            out = self.object(spec.target or "", variant)
            struct = self._tables.struct(spec.target or "", out.get("@type"))
            for name, entry in value.items():
                if name != "@type":
                    out[name] = self._given(struct[name].type, entry)
            return out
        if spec.kind == "objectList":
            items = value if isinstance(value, list) else value.values()
            item = Type("object", target=spec.target)
            return {str(index): self._given(item, entry) for index, entry in enumerate(items)}
        if spec.kind == "map" and spec.value:
            return {key: self._given(spec.value, entry) for key, entry in value.items()}
        if spec.format == "duration" and isinstance(value, str):
            return milliseconds(value)
        if spec.format == "float":
            return float(value)
        return value
