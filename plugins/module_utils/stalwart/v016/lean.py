# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An object as ``settings`` would give it: without what an empty server has anyway, secrets as placeholders. Pure."""

from __future__ import annotations

import typing as t

from ..placeholder import placeholder
from .decode import Decoder
from .defaults import MISSING, Defaults
from .identity import Identity
from .schema import EXPRESSION, SERVER_SET, Schema, Type
from .seeds import OWN, seed

Body = t.Dict[str, t.Any]

#: Structs that 0.15 holds as one text: half of one would mean something else there.
_WHOLE = frozenset(("Rate",))


class Lean:
    """Leaves out of objects what is the same on every empty server.

    :param label_of: as for :class:`Decoder`.
    """

    def __init__(self, schema: Schema, decoder: Decoder) -> None:
        self._schema = schema
        self._decoder = decoder
        self._defaults = Defaults(schema)
        self.left_out: list[tuple[str, str]] = []

    def object(
        self, name: str, label: str, identity: t.Optional[Identity], wire: t.Mapping[str, t.Any], key: str
    ) -> t.Optional[Body]:
        """The body; none for an object that an empty server has just like that.

        :param identity: none for a singleton.
        """
        current = self._stripped(name, self._decoder.struct(name, wire))
        variant = current.get("@type")
        seeded = seed(name, label, self._schema.enum("Permission"))
        base = self._defaults.struct(name, variant)
        if seeded is not None and seeded.get("@type", variant) == variant:
            base.update(seeded)
        implied = identity.split(label) or {} if identity else {}
        out: Body = {}
        for prop, value in current.items():
            # When it was made is fixed on creation, and no setting.
            if prop in ("@type", "createdAt") or implied.get(prop) == value:
                continue
            if prop in OWN.get(name, ()):
                if value is not None and value != base.get(prop, MISSING):
                    self.left_out.append((f"{key}.{prop}", "the server makes it by itself"))
                continue
            spec = self._schema.fields(name, variant)[prop].type
            lean = self._value(spec, value, base.get(prop, MISSING), f"{key}.{prop}")
            if lean is not MISSING:
                out[prop] = lean
        there = identity is None or seeded is not None
        usual = self._usual_variant(name, identity, seeded)
        if there and not out and variant == usual:
            return None
        return {"@type": variant, **out} if variant else out

    def _usual_variant(self, name: str, identity: t.Optional[Identity], seeded: t.Optional[Body]) -> t.Optional[str]:
        if seeded is not None and "@type" in seeded:
            return str(seeded["@type"])
        return self._defaults.usual_variant(name) if identity is None else None

    def _stripped(self, name: str, value: t.Mapping[str, t.Any]) -> Body:
        """A struct without what the server sets, however deep."""
        fields = self._schema.fields(name, value.get("@type"))
        return {
            key: item if key == "@type" else self._strip(fields[key].type, item)
            for key, item in value.items()
            if key == "@type" or fields[key].access != SERVER_SET
        }

    def _strip(self, spec: Type, value: t.Any) -> t.Any:
        if value is None:
            return None
        if spec.kind == "object":
            return self._stripped(spec.target, value)
        if spec.kind == "objectList":
            return [self._stripped(spec.target, item) for item in value]
        if spec.kind == "map" and spec.value is not None:
            return {key: self._strip(spec.value, item) for key, item in value.items()}
        return value

    def _value(self, spec: Type, value: t.Any, base: t.Any, path: str) -> t.Any:
        """What has to be given; :data:`MISSING` where an empty server has it anyway."""
        # An empty string is a required one that was never given; none can be.
        if value == "" or (value == base and base is not MISSING):
            return MISSING
        if value is None:
            return None
        if spec.unshown:
            return placeholder(path)
        if spec.kind == "object":
            return self._object(spec, value, base, path)
        if spec.kind == "objectList":
            item = Type("object", target=spec.target)
            return [self._item(item, entry, f"{path}[{index}]") for index, entry in enumerate(value)]
        if spec.kind == "map" and spec.value is not None:
            return self._map(spec.value, value, base, path)
        return value

    def _object(self, spec: Type, value: Body, base: t.Any, path: str) -> t.Any:
        if spec.target == EXPRESSION:
            return value if value.get("match") else value.get("else")
        if spec.target in _WHOLE:
            return value
        variant = value.get("@type")
        fields = self._schema.fields(spec.target, variant)
        own = self._defaults.struct(spec.target, variant)
        same = base is not MISSING and base is not None and base.get("@type") == variant
        out: Body = {"@type": variant} if variant else {}
        for key, item in value.items():
            if key == "@type":
                continue
            # What is left out of a variant takes the variant's default where it is created, and keeps what is there where
            # it is not: both have to be the same.
            held = base.get(key, MISSING) if same else own.get(key, MISSING)
            if variant and same and held != own.get(key, MISSING):
                held = MISSING
            lean = self._value(fields[key].type, item, held, f"{path}.{key}")
            if lean is not MISSING:
                out[key] = lean
        return out

    def _item(self, spec: Type, value: Body, path: str) -> t.Any:
        return self._object(spec, value, MISSING, path)

    def _map(self, spec: Type, value: Body, base: t.Any, path: str) -> Body:
        held = {} if base is MISSING or base is None else base
        for key in sorted(set(held) - set(value)):
            self.left_out.append(
                (f"{path}.{key}", "is missing on the server, which settings cannot say but by exclusive")
            )
        out: Body = {}
        for key in sorted(value):
            lean = self._value(spec, value[key], held.get(key, MISSING), f"{path}.{key}")
            if lean is not MISSING:
                out[key] = lean
        return out
