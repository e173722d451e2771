# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry schema of a 0.16 server, reduced to what typing, access rules and names need (contract 3.6, 11.4)."""

from __future__ import annotations

import dataclasses
import typing as t

from ...failure import Failure
from ..secrets import HEADERS

#: Raise it when :func:`reduce_document` changes: older cache files are then fetched again.
FORMAT = 1

#: ``update`` values of the schema.
READ_WRITE = "mutable"
CREATE_ONLY = "immutable"
SERVER_SET = "serverSet"

#: Nested types whose content is one value to its reader: compared and written whole.
EXPRESSION = "Expression"


@dataclasses.dataclass(frozen=True)
class Type:
    """A property's type.

    :param kind: ``string number boolean enum utcDateTime blobId objectId object objectList set map``.
    :param format: refinement of a string or a number (``emailAddress``, ``duration``, ``secret`` …).
    :param target: enum, object or struct that ``enum``, ``objectId``, ``object`` and ``objectList`` name.
    :param variant: the only variant an ``objectId`` may point to (``Account/Group``).
    :param item: member of a set. :param key: key of a map. :param value: value of a map.
    """

    kind: str
    format: str = ""
    target: str = ""
    variant: str = ""
    nullable: bool = False
    item: t.Optional[Type] = None
    key: t.Optional[Type] = None
    value: t.Optional[Type] = None
    minimum: t.Optional[float] = None
    maximum: t.Optional[float] = None
    max_length: t.Optional[int] = None
    min_items: int = 0
    #: The server shows it, we do not.
    hidden: bool = False

    @property
    def is_secret(self) -> bool:
        """Whether the server masks the value on read (contract 3.7)."""
        return self.format in ("secret", "secretText")

    @property
    def unshown(self) -> bool:
        """Whether no output may hold the value."""
        return self.is_secret or self.hidden


@dataclasses.dataclass(frozen=True)
class Prop:
    """One property of a struct: its type, who may write it when, and its default where the schema states one."""

    name: str
    type: Type
    access: str = READ_WRITE
    default: t.Any = None
    has_default: bool = False


#: Properties of a struct, by name.
Fields = t.Dict[str, Prop]


@dataclasses.dataclass(frozen=True)
class ObjectType:
    """A registry object: ``x:<name>/get``, ``/set`` and, unless it is a singleton, ``/query``."""

    name: str
    singleton: bool
    label_property: str = ""


def reduce_document(document: t.Mapping[str, t.Any], schema_hash: str) -> dict[str, t.Any]:
    """What of ``GET /api/schema`` is kept: 0.9 MB become a fifth.

    :raises Failure: ``protocol`` when the document has another structure.
    """
    try:
        lists = document.get("lists") or {}
        objects = {
            name[2:]: {
                "singleton": entry["type"] == "singleton",
                "label": (lists.get(name) or {}).get("labelProperty") or "",
            }
            for name, entry in document["objects"].items()
            if name.startswith("x:") and entry["type"] in ("object", "singleton")
        }
        structs: dict[str, dict[str, t.Any]] = {}
        for name, entry in document["schemas"].items():
            if entry["type"] == "single":
                structs[_bare(name)] = {"": _bare(entry["schemaName"])}
            else:
                structs[_bare(name)] = {
                    v["name"]: _bare(v["schemaName"]) if v.get("schemaName") else None for v in entry["variants"]
                }
        fields = {
            _bare(name): {
                "props": {
                    prop: {"type": _slim(spec["type"]), "update": spec["update"]}
                    for prop, spec in entry["properties"].items()
                },
                "defaults": entry.get("defaults") or {},
            }
            for name, entry in document["fields"].items()
        }
        enums = {name: [value["name"] for value in values] for name, values in document["enums"].items()}
    except (KeyError, TypeError, AttributeError) as exc:
        raise Failure(
            "stalwart", "protocol", f"the server's schema document has an unknown structure ({exc!r} is missing)."
        ) from None
    return {
        "format": FORMAT,
        "hash": schema_hash,
        "objects": objects,
        "structs": structs,
        "fields": fields,
        "enums": enums,
    }


def _bare(name: str) -> str:
    return name[2:] if name.startswith("x:") else name


def _slim(spec: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    out = dict(spec)
    if "objectName" in out:
        out["objectName"] = _bare(out["objectName"])
    for part in ("class", "keyClass", "valueClass"):
        if part in out:
            out[part] = _slim(out[part])
    return out


class Schema:
    """A reduced schema with typed access.

    :param reduced: what :func:`reduce_document` returned.
    :raises Failure: ``protocol`` for another format.
    """

    def __init__(self, reduced: t.Mapping[str, t.Any]) -> None:
        if reduced.get("format") != FORMAT:
            raise Failure("stalwart", "protocol", "the cached schema has another format.")
        self.hash: str = reduced["hash"]
        self.objects: dict[str, ObjectType] = {
            name: ObjectType(name, bool(entry["singleton"]), entry.get("label") or "")
            for name, entry in reduced["objects"].items()
        }
        self._structs: t.Mapping[str, t.Mapping[str, t.Any]] = reduced["structs"]
        self._raw: t.Mapping[str, t.Any] = reduced["fields"]
        self._enums: t.Mapping[str, t.Sequence[str]] = reduced["enums"]
        self._fields: dict[str, Fields] = {}
        self._secretive: dict[str, bool] = {}

    @property
    def structs(self) -> list[str]:
        """All types, nested ones among them."""
        return list(self._structs)

    def enum(self, name: str) -> t.Sequence[str]:
        """Accepted values; empty for an enum that the schema does not hold."""
        return self._enums.get(name, ())

    def variants(self, struct: str) -> t.Optional[list[str]]:
        """Names for ``@type``, or none when the struct has no variants."""
        entry = self._struct(struct)
        return None if "" in entry else list(entry)

    def fields(self, struct: str, variant: t.Optional[str] = None) -> Fields:
        """The properties of a struct's variant; of all variants together when none is named.

        :raises Failure: ``protocol`` for an unknown struct; KeyError is never raised for a variant that was checked.
        """
        entry = self._struct(struct)
        if "" in entry:
            return self._of(entry[""])
        if variant is not None:
            return self._of(entry[variant]) if entry[variant] else {}
        union: Fields = {}
        for name in entry.values():
            for prop, spec in (self._of(name) if name else {}).items():
                union.setdefault(prop, spec)
        return union

    def text_variant(self, struct: str) -> str:
        """The variant of a struct ``Secret…`` that holds the secret itself; empty for any other struct."""
        for variant in self.variants(struct) or ():
            fields = self.fields(struct, variant)
            if list(fields) == ["secret"] and fields["secret"].type.is_secret:
                return variant
        return ""

    def holds_secret(self, spec: Type) -> bool:
        """Whether a value of this type may hold a secret, however deep."""
        if spec.unshown:
            return True
        inner = [part for part in (spec.item, spec.value) if part is not None]
        if spec.kind in ("object", "objectList"):
            return self._holds(spec.target)
        return any(self.holds_secret(part) for part in inner)

    def _holds(self, struct: str) -> bool:
        known = self._secretive.get(struct)
        if known is None:
            # A struct that leads back to itself adds nothing.
            self._secretive[struct] = False
            fields = [self.fields(struct, variant) for variant in self.variants(struct) or (None,)]
            known = any(self.holds_secret(spec.type) for props in fields for spec in props.values())
            self._secretive[struct] = known
        return known

    def _struct(self, name: str) -> t.Mapping[str, t.Any]:
        entry = self._structs.get(name)
        if entry is None:
            raise Failure("stalwart", "protocol", f"the server's schema names the type {name!r} but does not hold it.")
        return entry

    def _of(self, name: str) -> Fields:
        known = self._fields.get(name)
        if known is None:
            raw = self._raw.get(name)
            if raw is None:
                raise Failure("stalwart", "protocol", f"the server's schema has no fields for the type {name!r}.")
            defaults = raw["defaults"]
            known = {
                prop: Prop(
                    prop, _shown(prop, _type(spec["type"])), spec["update"], defaults.get(prop), prop in defaults
                )
                for prop, spec in raw["props"].items()
            }
            self._fields[name] = known
        return known


def _shown(prop: str, spec: Type) -> Type:
    """Headers of requests carry credentials (``Authorization``), though to the server they are text like any other."""
    if prop.lower() != HEADERS or spec.value is None:
        return spec
    return dataclasses.replace(spec, value=dataclasses.replace(spec.value, hidden=True))


def _type(spec: t.Mapping[str, t.Any]) -> Type:
    target, _slash, variant = str(spec.get("objectName") or spec.get("enumName") or "").partition("/")
    return Type(
        kind=spec["type"],
        format=spec.get("format") or "",
        target=target,
        variant=variant,
        nullable=bool(spec.get("nullable")),
        item=_type(spec["class"]) if "class" in spec else None,
        key=_type(spec["keyClass"]) if "keyClass" in spec else None,
        value=_type(spec["valueClass"]) if "valueClass" in spec else None,
        minimum=spec.get("min"),
        maximum=spec.get("max"),
        max_length=spec.get("maxLength"),
        min_items=spec.get("minItems") or 0,
    )
