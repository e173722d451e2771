"""The object tables of one Stalwart generation: what exists, its types, access rules and defaults.

The tables are TOML files under ``data/``, one line per property, in the notation of the contract's object tables
(``stalwart-0.16-objects.md``)::

    aliases = 'set<string>'                       a type
    timeZone = 'enum TimeZone?'                   ? = nullable
    port = 'uint {min 1, max 65535} = 25'         constraints, default (JSON)
    name = 'string create'                        create = create-only, server = server-set

They drive both the validation of writes (patch.py) and the schema document that clients read (schema.py).
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import Any

NUMBERS = {
    "uint": "unsignedInteger",
    "int": "integer",
    "float": "float",
    "size": "size",
    "duration": "duration",
}


@dataclass(frozen=True)
class Type:
    """A property's type. ``kind`` and ``format`` are the schema document's own words."""

    kind: str
    format: str | None = None
    target: str | None = None  # name of the object, nested type or enum
    item: Type | None = None  # set member
    key: Type | None = None  # map
    value: Type | None = None
    nullable: bool = False
    limits: tuple[tuple[str, float], ...] = ()

    def limit(self, name: str) -> float | None:
        return dict(self.limits).get(name)


@dataclass(frozen=True)
class Field:
    name: str
    type: Type
    access: str  # mutable | immutable | serverSet
    enterprise: bool
    default: Any = None
    has_default: bool = False


@dataclass
class Object:
    name: str
    singleton: bool
    enterprise: bool


@dataclass
class Tables:
    objects: dict[str, Object] = field(default_factory=dict)
    variants: dict[str, dict[str, str]] = field(default_factory=dict)  # type -> {variant: struct or ""}
    structs: dict[str, dict[str, Field]] = field(default_factory=dict)
    enums: dict[str, list[str]] = field(default_factory=dict)

    def struct(self, type_name: str, variant: str | None) -> dict[str, Field]:
        """Properties of a (variant of a) type."""
        if type_name in self.variants:
            name = self.variants[type_name][variant] if variant is not None else ""
            return self.structs[name] if name else {}
        return self.structs[type_name]

    @cached_property
    def id_properties(self) -> frozenset[str]:
        """Names of the properties that hold an id."""
        return frozenset(
            name for struct in self.structs.values() for name, entry in struct.items() if entry.type.kind == "objectId"
        )

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset({name for struct in self.structs.values() for name in struct} | {"id"})

    def known_property(self, name: str) -> bool:
        """Whether any type of the schema has a property of that name (contract 3.8: it decides the error)."""
        return name in self._names


_SUFFIX = re.compile(r"^(?P<type>.*?)(?: (?P<access>create|server))?(?: (?P<ent>enterprise))?$")
_LIMITS = re.compile(r"^(?P<base>.*?)(?: \{(?P<limits>[^}]*)\})?(?P<null>\?)?$")
_ACCESS = {None: "mutable", "create": "immutable", "server": "serverSet"}


def parse_type(text: str) -> Type:
    """Reads one type of the notation above. Raises ValueError with the text for anything else."""
    match = _LIMITS.match(text.strip())
    assert match
    base, nullable = match["base"], bool(match["null"])
    limits = tuple(
        (name, float(number)) for name, number in (part.split() for part in (match["limits"] or "").split(",") if part)
    )
    common: dict[str, Any] = {"nullable": nullable, "limits": limits}
    simple = {"boolean": "boolean", "date": "utcDateTime", "blob": "blobId"}
    if base in simple:
        return Type(simple[base], **common)
    if base in NUMBERS:
        return Type("number", format=NUMBERS[base], **common)
    if base == "string":
        return Type("string", format="string", **common)
    if base.startswith("enum "):
        return Type("enum", target=base[5:], **common)
    if base.startswith("obj "):
        return Type("object", target=base[4:], **common)
    outer, _, rest = base.partition("<")
    if not rest.endswith(">"):
        raise ValueError(f"not a type: {text!r}")
    inner = rest[:-1]
    if outer == "string":
        return Type("string", format=inner, **common)
    if outer == "id":
        return Type("objectId", target=inner, **common)
    if outer == "list":
        return Type("objectList", target=inner, **common)
    if outer == "set":
        return Type("set", item=parse_type(inner), **common)
    if outer == "map":
        key, _, value = inner.partition(", ")
        return Type("map", key=parse_type(key), value=parse_type(value), **common)
    raise ValueError(f"not a type: {text!r}")


def parse_field(name: str, text: str) -> Field:
    declaration, separator, default = text.partition(" = ")
    match = _SUFFIX.match(declaration)
    assert match
    return Field(
        name=name,
        type=parse_type(match["type"]),
        access=_ACCESS[match["access"]],
        enterprise=bool(match["ent"]),
        default=json.loads(default) if separator else None,
        has_default=bool(separator),
    )


def load() -> Tables:
    """All tables of the package."""
    tables = Tables()
    for entry in sorted(resources.files(__package__).joinpath("data").iterdir(), key=lambda path: path.name):
        if not entry.name.endswith(".toml"):
            continue
        data = tomllib.loads(entry.read_text(encoding="utf-8"))
        for name, kind in data.get("objects", {}).items():
            tables.objects[name] = Object(name, kind.startswith("singleton"), kind.endswith("enterprise"))
        tables.variants.update(data.get("variants", {}))
        for name, properties in data.get("fields", {}).items():
            tables.structs[name] = {prop: parse_field(prop, text) for prop, text in properties.items()}
        for name, values in data.get("enums", {}).items():
            tables.enums[name] = values.split() if isinstance(values, str) else values
    return tables
