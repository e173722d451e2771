# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server holds: the objects of the types that were read, and how they are named. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .identity import identity_of, text_of
from .schema import Schema

Wire = t.Dict[str, t.Any]

#: What stands where a reference is required and nobody has given one yet (the largest number there is).
NO_ID = "p333333333333"


@dataclasses.dataclass
class Registry:
    """A snapshot.

    :param objects: by type and id, as the server encodes them; a type that was not read is not in it.
    :param running_issuer: the issuer of the directory in force (contract 11.2): none = not asked, ``""`` = internal.
    :param pending: actions that an earlier run still owes (:mod:`.pending`), with the marker's id.
    """

    schema: Schema
    objects: dict[str, dict[str, Wire]] = dataclasses.field(default_factory=dict)
    running_issuer: t.Optional[str] = None
    pending: dict[str, str] = dataclasses.field(default_factory=dict)
    #: Labels that settings give to objects which the server knows by another name.
    local: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)
    #: Ids by natural label, per type; a thousand accounts are looked up by label a thousand times.
    _index: dict[str, dict[str, list[str]]] = dataclasses.field(default_factory=dict, repr=False)

    def begin(self) -> None:
        """Forget what an earlier plan has noted."""
        self.local.clear()
        self._index.clear()

    def of(self, name: str) -> dict[str, Wire]:
        """Objects of a type, by id."""
        return self.objects.get(name, {})

    def label(self, name: str, identifier: str) -> t.Optional[str]:
        """An object's label: what the settings call it, else its natural one; none for an id that is not there.

        Of a type that was not read nobody knows what is there: its objects are called by their ids.
        """
        given = self.local.get((name, identifier))
        return given if given is not None else self.natural(name, identifier)

    def natural(self, name: str, identifier: str) -> t.Optional[str]:
        """An object's label as its identifying properties give it."""
        if identifier == NO_ID:
            return None
        if name not in self.objects:
            return identifier
        wire = self.of(name).get(identifier)
        if wire is None or name not in self.schema.objects:
            return None
        identity = identity_of(self.schema, self.schema.objects[name])
        if identity is None:
            return identifier
        fields = self.schema.fields(name)
        values = []
        for prop in identity.properties:
            value = wire.get(prop)
            if prop in fields and fields[prop].type.kind == "objectId" and value is not None:
                value = self.natural(fields[prop].type.target, value)
            values.append(text_of(value))
        return identity.join(values)

    def find(self, name: str, label: str) -> list[str]:
        """Ids of the objects with that label; more than one where the server allows duplicates."""
        local = [i for (object_name, i), given in self.local.items() if object_name == name and given == label]
        return local or self.named(name, label)

    def named(self, name: str, natural: str) -> list[str]:
        """Ids of the objects with that natural label."""
        known = self._index.get(name)
        if known is None:
            known = self._index[name] = {}
            for identifier in self.of(name):
                known.setdefault(self.natural(name, identifier) or "", []).append(identifier)
        return known.get(natural, [])

    def labels(self, name: str) -> list[str]:
        """All natural labels of a type."""
        return sorted({label for label in (self.natural(name, i) for i in self.of(name)) if label})
