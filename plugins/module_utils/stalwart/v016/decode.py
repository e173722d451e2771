# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between the server's encoding (contract 3.6) and the normal form of :mod:`.values`. Pure."""

from __future__ import annotations

import contextlib
import typing as t

from ...redact import MASK
from .schema import SERVER_SET, Schema, Type
from .texts import ip_text

#: ``(object type, id) -> label``; none for an id that names nothing.
LabelOf = t.Callable[[str, str], t.Optional[str]]
#: ``(object type, label) -> id`` or ``#creationId``.
IdOf = t.Callable[[str, str], str]


class Decoder:
    """The server's values in normal form; ids have become labels."""

    def __init__(self, schema: Schema, label_of: LabelOf) -> None:
        self._schema = schema
        self._label_of = label_of

    def struct(self, name: str, wire: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """An object or nested struct; properties that the schema does not know are left out."""
        variants = self._schema.variants(name)
        variant = wire.get("@type") if variants else None
        fields = self._schema.fields(name, variant if variants and variant in variants else None)
        out: dict[str, t.Any] = {"@type": variant} if variants and variant else {}
        for key, spec in fields.items():
            if key in wire:
                out[key] = self.value(spec.type, wire[key])
        return out

    def value(self, spec: Type, wire: t.Any) -> t.Any:
        """One value."""
        if wire is None:
            return None
        if spec.kind == "objectId":
            return self._label_of(spec.target, wire)
        if spec.kind == "set" and spec.item is not None:
            members = [self.value(spec.item, _typed(spec.item, key)) for key, held in _mapping(wire).items() if held]
            # A member that names nothing any more must not hide: it sorts as its own null.
            return sorted(members, key=lambda member: (member is None, str(member)))
        if spec.kind == "map" and spec.value is not None:
            return {key: self.value(spec.value, item) for key, item in _mapping(wire).items()}
        if spec.kind == "objectList":
            item = Type("object", target=spec.target)
            entries = sorted(_mapping(wire).items(), key=lambda pair: int(pair[0]) if str(pair[0]).isdigit() else 0)
            return [self.value(item, entry) for _index, entry in entries]
        if spec.kind == "object":
            return self.struct(spec.target, _mapping(wire))
        if spec.format in ("ipNetwork", "ipAddress") and isinstance(wire, str):
            with contextlib.suppress(ValueError):
                return ip_text(wire)
        return wire


def _mapping(wire: t.Any) -> t.Mapping[str, t.Any]:
    # The schema document writes default lists as arrays; on the wire they never are (contract 3.6).
    if isinstance(wire, (list, tuple)):
        return {str(index): item for index, item in enumerate(wire)}
    return wire if isinstance(wire, t.Mapping) else {}


def _typed(spec: Type, key: str) -> t.Any:
    return int(key) if spec.kind == "number" and key.lstrip("-").isdigit() else key


def encode(schema: Schema, spec: Type, value: t.Any, id_of: IdOf) -> t.Any:
    """A normal-form value as the server wants it."""
    if value is None:
        return None
    if spec.kind == "objectId":
        return id_of(spec.target, value)
    if spec.kind == "set" and spec.item is not None:
        return {str(encode(schema, spec.item, member, id_of)): True for member in value}
    if spec.kind == "map" and spec.value is not None:
        return {key: encode(schema, spec.value, item, id_of) for key, item in value.items()}
    if spec.kind == "objectList":
        item = Type("object", target=spec.target)
        return {str(index): encode(schema, item, entry, id_of) for index, entry in enumerate(value)}
    if spec.kind == "object":
        return encode_struct(schema, spec.target, value, id_of)
    return value


def encode_struct(schema: Schema, name: str, value: t.Mapping[str, t.Any], id_of: IdOf) -> dict[str, t.Any]:
    """An object or nested struct as the server wants it."""
    fields = schema.fields(name, value.get("@type"))
    return {
        key: item if key == "@type" else encode(schema, fields[key].type, item, id_of) for key, item in value.items()
    }


class Reference(t.NamedTuple):
    """A reference inside a value in normal form.

    :param type: of the property. :param label: of the object it names. :param place: of the property, below the value.
    """

    type: Type
    label: str
    place: str


def references(schema: Schema, spec: Type, value: t.Any, place: str = "") -> t.Iterator[Reference]:
    """Every reference inside a normal-form value."""
    if value is None:
        return
    if spec.kind == "objectId":
        yield Reference(spec, value, place)
    elif spec.kind == "set" and spec.item is not None:
        for member in value:
            yield from references(schema, spec.item, member, place)
    elif spec.kind == "map" and spec.value is not None:
        for key, item in value.items():
            yield from references(schema, spec.value, item, f"{place}.{key}")
    elif spec.kind == "objectList":
        for index, entry in enumerate(value):
            yield from references(schema, Type("object", target=spec.target), entry, f"{place}[{index}]")
    elif spec.kind == "object":
        yield from struct_references(schema, spec.target, value, place)


def struct_references(
    schema: Schema, name: str, value: t.Mapping[str, t.Any], place: str = ""
) -> t.Iterator[Reference]:
    """Every reference inside an object in normal form."""
    fields = schema.fields(name, value.get("@type"))
    for key, item in value.items():
        if key in fields:
            yield from references(schema, fields[key].type, item, f"{place}.{key}")


def mask(schema: Schema, name: str, value: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """An object in normal form as it may be shown: secrets by the schema's word masked, nothing else."""
    fields = schema.fields(name, value.get("@type"))
    return {key: mask_value(schema, fields[key].type, item) if key in fields else item for key, item in value.items()}


def mask_value(schema: Schema, spec: Type, value: t.Any) -> t.Any:
    """One value as it may be shown."""
    if value is None:
        return None
    if spec.unshown:
        return MASK
    if spec.kind == "object":
        return mask(schema, spec.target, value)
    if spec.kind == "objectList":
        return [mask(schema, spec.target, entry) for entry in value]
    if spec.kind == "map" and spec.value is not None:
        return {key: mask_value(schema, spec.value, item) for key, item in value.items()}
    return value


def project(current: t.Any, desired: t.Any) -> t.Any:
    """Of the current value what the desired one speaks about, so that a diff shows nothing else."""
    if isinstance(current, dict) and isinstance(desired, dict):
        found = {key: project(current[key], item) for key, item in desired.items() if key in current}
        return {"@type": current["@type"], **found} if "@type" in current else found
    if isinstance(current, list) and isinstance(desired, list) and any(isinstance(item, dict) for item in desired):
        return [project(item, desired[index]) if index < len(desired) else item for index, item in enumerate(current)]
    return current


def writable(schema: Schema, name: str, value: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """An object in normal form without what the server sets."""
    fields = schema.fields(name, value.get("@type"))
    return {key: item for key, item in value.items() if key == "@type" or fields[key].access != SERVER_SET}


def secrets_in(schema: Schema, spec: Type, value: t.Any) -> t.Iterator[str]:
    """Every secret inside a normal-form value."""
    if value is None:
        return
    if spec.unshown:
        yield value
    elif spec.kind == "object":
        fields = schema.fields(spec.target, value.get("@type"))
        for key, item in value.items():
            if key in fields:
                yield from secrets_in(schema, fields[key].type, item)
    elif spec.kind == "objectList":
        for entry in value:
            yield from secrets_in(schema, Type("object", target=spec.target), entry)
    elif spec.kind == "map" and spec.value is not None:
        for item in value.values():
            yield from secrets_in(schema, spec.value, item)
