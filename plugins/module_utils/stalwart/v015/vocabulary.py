# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The translation table's form: canonical settings (names of 0.16) and the keys of 0.15 that express them. Pure.

The table itself is :mod:`.table`; ``docs/vocabulary-0.15.md`` is printed from it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .codecs import Codec

#: Stands in a native key for the object's id.
ID = "<id>"
#: The label of a singleton's only object.
SINGLETON = "singleton"


@dataclasses.dataclass(frozen=True)
class Row:
    """One property.

    :param name: its canonical path below the object (``model.@type``).
    :param key: 0.15's key; with :data:`ID` for the object's id. Empty: 0.15 has none.
    :param create: the canonical default that a new object is given, where 0.15 would assume something else.
    :param required: a new object needs it.
    :param variants: which variants have it; none = all.
    :param always: values of a property without a key that say what 0.15 does anyway; they are accepted.
    :param why: why there is no key, or a note.
    """

    name: str
    key: str = ""
    codec: Codec = dataclasses.field(default_factory=Codec)
    create: t.Any = None
    required: bool = False
    variants: tuple[str, ...] = ()
    always: tuple[t.Any, ...] = ()
    why: str = ""

    def at(self, identifier: str) -> str:
        """The key of one object's property."""
        return self.key.replace(ID, identifier)


def plain(name: str, key: str, codec: Codec) -> Row:
    """A property that is one key."""
    return Row(name, key, codec)


def no_key(name: str, why: str, *always: t.Any) -> Row:
    """A property that 0.15 has no key for. :param always: values that say what it does anyway."""
    return Row(name, why=why, always=always)


@dataclasses.dataclass(frozen=True)
class Kind:
    """A singleton or an object type.

    :param name: level 1 of the canonical key. :param prefix: where one object's keys are, with :data:`ID`; empty for a
        singleton.
    :param fixed: per variant, keys that always have one value.
    :param by_type: objects are found by their ``@type``, the label is free.
    :param label: how the label becomes the id; raises :class:`.codecs.Wrong`.
    :param bare: an object is one key, which is the prefix itself.
    :param area: which reload makes it take effect. :param restart: it takes effect at the server's next start.
    """

    name: str
    rows: tuple[Row, ...]
    prefix: str = ""
    fixed: t.Mapping[str, t.Mapping[str, str]] = dataclasses.field(default_factory=dict)
    by_type: bool = False
    label: t.Optional[t.Callable[[str], str]] = None
    unlabel: t.Optional[t.Callable[[str], str]] = None
    bare: bool = False
    area: str = "settings"
    restart: bool = False
    note: str = ""

    @property
    def singleton(self) -> bool:
        """Whether there is exactly one."""
        return not self.prefix

    @property
    def root(self) -> str:
        """What all objects' keys begin with, without the last dot."""
        return self.prefix.split(ID, 1)[0].rstrip(".")

    def row(self, name: str) -> t.Optional[Row]:
        """A property by its path."""
        return next((row for row in self.rows if row.name == name), None)

    def of(self, identifier: str) -> str:
        """One object's prefix."""
        return self.prefix.replace(ID, identifier)

    def keys_of(self, identifier: str, stored: t.Mapping[str, str]) -> dict[str, str]:
        """All stored keys of one object."""
        prefix = self.of(identifier)
        if self.bare:
            return {prefix: stored[prefix]} if prefix in stored else {}
        return {key: text for key, text in stored.items() if key.startswith(f"{prefix}.")}

    def ids(self, stored: t.Mapping[str, str]) -> list[str]:
        """Ids of all stored objects of a kind that this table knows."""
        root = f"{self.root}."
        rests = [key[len(root) :] for key in stored if key.startswith(root)]
        if self.bare:
            return sorted(rests)
        typed = self.row("@type")
        if typed is None:
            return sorted({rest.split(".", 1)[0] for rest in rests if "." in rest})
        known = []
        for identifier in sorted({rest.split(".", 1)[0] for rest in rests}):
            key = typed.at(identifier)
            if typed.codec.decode(key, typed.codec.owned(key, stored)) in self.fixed:
                known.append(identifier)
        return known


def merged(body: t.Mapping[t.Any, t.Any]) -> t.Tuple[dict[str, t.Any], list[str]]:
    """A body whose dotted keys have become nested mappings, and the keys that are given twice."""
    out: dict[str, t.Any] = {}
    twice: list[str] = []
    for raw, value in body.items():
        path = str(raw).split(".")
        here = out
        for part in path[:-1]:
            inner = here.setdefault(part, {})
            if not isinstance(inner, dict):
                inner = dict(inner) if isinstance(inner, t.Mapping) else None
                if inner is None:
                    twice.append(str(raw))
                    break
                here[part] = inner
            here = inner
        else:
            last = path[-1]
            if last not in here:
                here[last] = value
            elif isinstance(here[last], t.Mapping) and isinstance(value, t.Mapping):
                both, again = merged({**{str(k): v for k, v in here[last].items()}})
                more, further = merged(value)
                twice += [f"{raw}.{name}" for name in both if name in more] + again + further
                here[last] = {**both, **more}
            else:
                twice.append(str(raw))
    return out, twice


def leaves(kind: Kind, body: t.Mapping[str, t.Any], path: str = "") -> t.Iterator[tuple[str, t.Optional[Row], t.Any]]:
    """Every given property with its row; none where the table has no such path."""
    for name, value in body.items():
        full = f"{path}.{name}" if path else str(name)
        row = kind.row(full)
        inside = any(known.name.startswith(f"{full}.") for known in kind.rows)
        if row is None and isinstance(value, t.Mapping) and inside:
            yield from leaves(kind, value, full)
        else:
            yield full, row, value
