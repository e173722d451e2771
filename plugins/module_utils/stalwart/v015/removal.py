# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``state: absent`` and ``exclusive``: what goes, and what goes back to its default. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ...failure import Failure
from ...reconcile import Change
from ..problem import host_name
from ..suggest import did_you_mean
from . import domains
from .codecs import Items
from .grammar import Cell, Item, Parsed, find
from .native import bad_name, native_shown
from .special import Headers
from .store import DEFAULT_DIRECTORY
from .table import DOMAIN, KINDS
from .vocabulary import SINGLETON, Kind

if t.TYPE_CHECKING:
    from .plan import Planner

#: The server and its rules write here themselves (contract 10.16): nobody's list of these is complete.
_SERVERS_OWN = (
    "asn",
    "enterprise",
    "http-lookup",
    "lookup",
    "oauth",
    "report",
    "server",
    "server.blocked-ip",
    "spam-filter",
    "version",
)
#: An entry that matches nobody: a table whose last entry goes stays in memory until a restart (contract 3.8).
KEEPER = "tenantmail-keep"


@dataclasses.dataclass(frozen=True)
class Exclusive:
    """:param kinds: object types. :param objects: (kind, label); a singleton's label is :data:`SINGLETON`.
    :param native: key prefixes. :param maps: (singleton, property) of maps that hold what is given and nothing else.
    """

    kinds: tuple[Kind, ...] = ()
    objects: tuple[tuple[Kind, str], ...] = ()
    native: tuple[str, ...] = ()
    maps: tuple[tuple[Kind, str], ...] = ()

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What must be read for it."""
        named = [kind.root for kind in self.kinds if kind is not DOMAIN]
        named += [row.key for kind, label in self.objects if label == SINGLETON for row in kind.rows if row.key]
        return (*named, *self.native)


def parse_exclusive(prefixes: t.Sequence[str], items: t.Sequence[Item], parsed: Parsed, *, native: bool) -> Exclusive:
    """The option's prefixes; problems go to ``parsed``."""
    kinds: list[Kind] = []
    objects: list[tuple[Kind, str]] = []
    raw: list[str] = []
    maps: list[tuple[Kind, str]] = []
    for prefix in prefixes:
        where = f"exclusive {prefix!r}"
        if native:
            problem = bad_name(prefix.rstrip("."))
            if problem:
                parsed.fail(where, ..., problem)
            elif prefix.rstrip(".") in _SERVERS_OWN:
                parsed.fail(where, ..., "the server writes keys of its own there; give a longer prefix.")
            else:
                raw.append(prefix.rstrip("."))
            continue
        head, _dot, label = prefix.partition(".")
        kind = KINDS.get(head)
        if kind is None:
            parsed.fail(where, ..., f"unknown key; {did_you_mean(head, KINDS)}".rstrip("; "))
        elif kind.root == "lookup" and not label:
            parsed.unsupported[where] = "the server's own rules put entries into lookup tables"
        elif kind.singleton and not label:
            objects.append((kind, SINGLETON))
        elif kind.singleton:
            row = kind.row(label)
            if row is None or not isinstance(row.codec, Headers):
                parsed.fail(where, ..., "is no map; give the object itself.")
            elif not any(item.kind is kind and item.cell(label) for item in items):
                parsed.fail(where, ..., "names a map that the settings do not give.")
            else:
                maps.append((kind, label))
        elif not label:
            kinds.append(kind)
        else:
            objects.append((kind, host_name(label) if kind is DOMAIN else label))
    for kind, label in objects:
        if not any(item.kind is kind and item.label == label for item in items):
            parsed.fail(f"exclusive {kind.name}", ..., "names an object that the settings do not give.")
    return Exclusive(tuple(kinds), tuple(objects), tuple(raw), tuple(maps))


def plan_exclusive(planner: Planner) -> None:
    """Remove other objects, put other properties back to their defaults."""
    wanted = planner.request.exclusive
    items = planner.request.items
    for kind in wanted.kinds:
        if kind is DOMAIN:
            domains.plan_exclusive(planner)
            continue
        kept = {find(planner.store.keys, item) for item in items if item.kind is kind}
        for identifier in kind.ids(planner.store.keys):
            if identifier not in kept and not identifier.endswith(f".{KEEPER}"):
                label = kind.unlabel(identifier) if kind.unlabel else identifier
                remove(planner, Item(kind, label, f"{kind.name}.{label}"), identifier)
    for kind, label in wanted.objects:
        item = next(item for item in items if item.kind is kind and item.label == label)
        given = {cell.name for cell in item.cells}
        rows = [row for row in kind.rows if row.key and row.name not in given and row.name != "@type"]
        reset = tuple(
            Cell(row.name, row.key, row.codec, None) for row in rows if row.create is None and not row.required
        )
        _reset(planner, dataclasses.replace(item, reset=reset, take=()))
    keep = {
        key
        for item in items
        if item.kind is None
        for cell in item.cells
        for key in cell.codec.owned(cell.key, planner.store.keys)
    }
    for prefix in wanted.native:
        for key, text in sorted(planner.store.keys.items()):
            if key.startswith(f"{prefix}.") and key not in keep and not key.endswith(f".{KEEPER}"):
                planner.write("delete", Item(None, key, key), {key: native_shown(key, text)}, None, {}, [key])


def plan_absent(planner: Planner, item: Item) -> None:
    """Remove one object, or put the named properties back."""
    if item.reset or item.take:
        _reset(planner, item)
    elif item.kind and not item.kind.singleton:
        remove(planner, item, find(planner.store.keys, item))


def _reset(planner: Planner, item: Item) -> None:
    store = planner.store
    identifier = item.identifier
    insert: dict[str, str] = {}
    delete: set[str] = set()
    before: dict[str, t.Any] = {}
    after: dict[str, t.Any] = {}
    for cell in item.reset:
        key = cell.at(identifier)
        owned = cell.codec.owned(key, store.keys)
        if not owned:
            continue
        current = planner.current(cell, key, owned)
        if current == cell.codec.default and item.kind is not None:
            continue
        name = cell.name
        before[name] = cell.codec.shown(current)
        if cell.key == DEFAULT_DIRECTORY:
            # Without a default directory no reload works: its default is the internal one.
            if store.internal is None or current is None:
                before.pop(name)
                continue
            insert[key] = store.internal
            after[name] = None
            continue
        delete |= set(owned)
        if item.kind and item.kind.bare:
            # The key is the object: without it the object would be gone.
            insert.update(cell.codec.encode(key, None))
            if key not in insert:
                planner.problems.fail(f"{item.key}.{name}", ..., "has no default that is known; set a value instead.")
        after[name] = cell.codec.default
    for cell in item.take:
        key = cell.at(identifier)
        owned = cell.codec.owned(key, store.keys)
        current = cell.codec.decode(key, owned)
        kept = cell.codec.without(current, cell.value) if isinstance(cell.codec, Items) else current
        if kept == current:
            continue
        new = cell.codec.encode(key, kept)
        insert.update(new)
        delete |= set(owned) - set(new)
        before[cell.name], after[cell.name] = current, kept
    if before:
        action = "update" if item.kind else "delete"
        planner.write(action, item, before, after if item.kind else None, insert, delete)


def remove(planner: Planner, item: Item, identifier: str) -> None:
    """Remove one object, if it is there."""
    store = planner.store
    kind = item.kind
    held = kind.keys_of(identifier, store.keys) if kind else {}
    if not kind or not held:
        return
    if kind.name == "directory" and store.keys.get(DEFAULT_DIRECTORY) == identifier:
        _refuse_default(planner, identifier)
    shown: dict[str, t.Any] = {}
    for row in kind.rows:
        key = row.at(identifier)
        owned = row.codec.owned(key, store.keys) if row.key else {}
        if owned:
            shown[row.name] = row.codec.shown(row.codec.decode(key, owned))
    planner.write("delete", item, shown or {"label": item.label}, None, {}, held)


def keep_tables(changes: t.Sequence[Change], stored: t.Mapping[str, str]) -> list[Change]:
    """The same changes; where they take the last entry of a lookup table, one that matches nobody takes its place."""
    gone = {key for change in changes for key in change.payload.delete if key.startswith("lookup.")}
    held = {*stored, *(key for change in changes for key in change.payload.insert)} - gone
    out: list[Change] = []
    for change in changes:
        op = change.payload
        tables = {table_of(key) for key in op.delete if key in gone and not key.endswith(f".{KEEPER}")}
        empty = {table for table in tables if not any(key.startswith(f"{table}.") for key in held)}
        added = {f"{table}.{KEEPER}": "" for table in sorted(empty)}
        held |= set(added)
        out.append(dataclasses.replace(change, payload=dataclasses.replace(op, insert={**op.insert, **added})))
    return out


def table_of(key: str) -> str:
    """The lookup table that a key is an entry of, as a prefix."""
    return ".".join(key.split(".")[:2])


def _refuse_default(planner: Planner, identifier: str) -> None:
    """:raises Failure: ``conflict`` for the default directory, unless the task names another one: without one no reload
    works.
    """
    cells = [cell for item in planner.request.items for cell in (*item.cells, *item.reset)]
    if any(cell.key == DEFAULT_DIRECTORY and cell.value != identifier for cell in cells):
        return
    raise Failure(
        "stalwart",
        "conflict",
        f"cannot remove directory {identifier}: is still used by authentication.",
        hint="Make another one the default first (authentication.directoryId: null is the internal one).",
    )
