# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings against what a 0.15 server stores: the changes that make them so. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ...failure import Failure
from ...reconcile import Change, Plan
from ...redact import MASK
from ..placeholder import is_placeholder, refuse_placeholders
from ..suggest import did_you_mean
from . import domains, removal
from .codecs import Codec, Text, Wrong
from .grammar import Cell, Item, Parsed, find, refuse
from .native import area_of, native_shown
from .special import DirectoryLabel
from .store import DEFAULT_DIRECTORY, OWED, Op, Store
from .table import DOMAIN
from .vocabulary import SINGLETON, Kind


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked for.

    :param exclusive: prefixes as the option gives them. :param rewrite_secrets: compare secrets, too, and write those
        that differ; else a secret is written only where none is stored.
    """

    items: tuple[Item, ...]
    exclusive: removal.Exclusive
    absent: bool = False
    rewrite_secrets: bool = False


class Planner:
    """Collects changes, problems and keys that only config.toml can hold."""

    def __init__(self, store: Store, request: Request) -> None:
        self.store = store
        self.request = request
        self.changes: list[Change] = []
        self.problems = Parsed()
        self.local: list[dict[str, str]] = []
        self._local_keys = store.local
        self._placeholders: list[t.Any] = []

    def plan(self) -> Plan:
        """:raises Failure: ``invalid_value``, ``conflict`` for keys of config.toml and for what is still used."""
        for item in self.request.items:
            if item.kind is DOMAIN:
                domains.plan(self, item)
            elif self.request.absent:
                removal.plan_absent(self, item)
            elif item.ended:
                removal.remove(self, item, find(self.store.keys, item))
            else:
                self._present(item)
        removal.plan_exclusive(self)
        self._references()
        self._refuse()
        self._default_directory()
        for area in self.store.pending:
            before, after = {"running": "older than what is stored"}, {"running": "as stored"}
            self.changes.append(Change("update", OWED, area, before, after, Op(area=area)))
        return Plan(tuple(removal.keep_tables(self.changes, self.store.keys)))

    def write(
        self,
        action: str,
        item: Item,
        before: t.Any,
        after: t.Any,
        insert: t.Mapping[str, str],
        delete: t.Iterable[str],
        *,
        empty: str = "",
    ) -> None:
        """Note a change; keys of config.toml are noted as refused instead."""
        gone = frozenset(delete) - set(insert)
        for key in sorted({*insert, *gone}):
            if self.store.known and key in self._local_keys:
                wanted = _shown(item, key, insert[key]) if key in insert else ""
                held = _shown(item, key, self.store.keys[key]) if key in self.store.keys else ""
                self.local.append({"key": _owner(item, key), "native": key, "value": wanted, "held": held})
        area = item.kind.area if item.kind else area_of(item.key)
        op = Op(dict(insert), gone, empty, area, kind=item.kind)
        self.changes.append(Change(action, item.name, item.label, before, after, op))

    def _present(self, item: Item) -> None:
        kind = item.kind
        identifier = find(self.store.keys, item)
        held = kind.keys_of(identifier, self.store.keys) if kind and not kind.singleton else {}
        creating = bool(kind) and not kind.singleton and not held if kind else False
        implied = self._implied(kind, item, identifier, creating) if kind and not kind.singleton else []
        insert: dict[str, str] = {}
        delete: set[str] = set()
        before: dict[str, t.Any] = {}
        after: dict[str, t.Any] = {}
        if creating and kind and kind.bare:
            insert[kind.of(identifier)] = ""
        for given in (*item.cells, *implied):
            key = given.at(identifier)
            owned = given.codec.owned(key, self.store.keys)
            current = self.current(given, key, owned)
            cell = self._whole(item, given, current)
            if cell.codec.secret and not owned:
                self._placeholders.append(cell.value)
            if creating:
                insert.update(self.encode(cell, key))
                after[cell.name] = _masked(cell.codec, cell.value)
                continue
            if cell.codec.secret and owned and (is_placeholder(cell.value) or not self.request.rewrite_secrets):
                continue
            missing = given in implied and not owned
            if current == cell.value and not missing:
                continue
            new = self.encode(cell, key)
            insert.update({name: text for name, text in new.items() if self.store.keys.get(name) != text})
            delete |= set(owned) - set(new)
            before[cell.name] = None if missing else _masked(cell.codec, current, owned)
            after[cell.name] = _masked(cell.codec, cell.value)
        if creating:
            # A comparison shows what an object without properties is called.
            after = after or {"label": item.label}
            empty = kind.of(identifier) if kind and not kind.bare else ""
            self.write("create", item, None, after, insert, (), empty=empty)
        elif before or after:
            action = "update" if kind or any(value is not None for value in before.values()) else "create"
            self.write(action, item, before if action == "update" else None, after, insert, delete)

    def _whole(self, item: Item, given: Cell, current: t.Any) -> Cell:
        """A property with what is left out of its value."""
        if (item.kind, given.name) in self.request.exclusive.maps:
            return given
        try:
            return dataclasses.replace(given, value=given.codec.merge(current, given.value))
        except Wrong as exc:
            self.problems.fail(f"{item.key}.{given.name}", given.value, str(exc))
            return given

    def _implied(self, kind: Kind, item: Item, identifier: str, creating: bool) -> list[Cell]:
        """Keys that a variant always has, and with a new object or variant what 0.16 would give it by default."""
        typed = kind.row("@type")
        given = item.cell("@type")
        variant, held = given.value if given else None, None
        if typed is not None and not creating:
            key = typed.at(identifier)
            held = typed.codec.decode(key, typed.codec.owned(key, self.store.keys))
            variant = held if variant is None else variant
        if typed is not None and variant is None:
            self.problems.fail(f"{item.key}.@type", ..., f"is missing; expected {typed.codec.accepted}.")
        cells = [
            Cell(f"({name})", f"{kind.prefix}.{name}", Text(), text)
            for name, text in kind.fixed.get(variant or "", {}).items()
        ]
        names = {cell.name for cell in item.cells}
        for row in kind.rows if creating or held != variant else ():
            if row.name in names or (row.variants and variant not in row.variants):
                continue
            if not creating and (not row.key or row.codec.owned(row.at(identifier), self.store.keys)):
                continue
            if row.required:
                self.problems.fail(f"{item.key}.{row.name}", ..., "is missing; a new object needs it.")
            elif row.create is not None:
                cells.append(Cell(row.name, row.key, row.codec, row.create))
        return cells

    def current(self, cell: Cell, key: str, owned: t.Mapping[str, str]) -> t.Any:
        """The normal form of what is stored."""
        if isinstance(cell.codec, DirectoryLabel):
            return self.store.default_directory if DEFAULT_DIRECTORY in self.store.keys else ...
        return cell.codec.decode(key, owned)

    def encode(self, cell: Cell, key: str) -> dict[str, str]:
        """The keys that express a given value."""
        if isinstance(cell.codec, DirectoryLabel) and cell.value is None:
            return {key: self.store.internal} if self.store.internal else {}
        return cell.codec.encode(key, cell.value)

    def _references(self) -> None:
        """Labels that must name something, here or on the server."""
        if not self.store.known or self.request.absent:
            return
        made = {(item.name, item.identifier) for item in self.request.items}
        for item in self.request.items:
            for cell in item.cells:
                if cell.key == DEFAULT_DIRECTORY:
                    self._directory(item, cell, made)
                elif item.kind and (item.name, cell.name) == ("systemSettings", "defaultDomainId"):
                    known = {*(self.store.domains or {}), *(name for kind, name in made if kind == "domain")}
                    if cell.value not in known:
                        self.problems.fail(f"{item.key}.{cell.name}", cell.value, _not_one("domain", cell.value, known))

    def _directory(self, item: Item, cell: Cell, made: set[tuple[str, str]]) -> None:
        native = item.kind is None
        where = item.key if native else f"{item.key}.{cell.name}"
        if cell.value is None and not native and self.store.internal is None:
            self.problems.fail(where, None, "the server has no internal directory.")
        elif cell.value is not None:
            own = {name for kind, name in made if kind == "directory"}
            own |= {name.split(".")[1] for kind, name in made if kind == "native" and name.startswith("directory.")}
            if cell.value not in {*self.store.directories, *own}:
                message = _not_one("directory", cell.value, {*self.store.directories, *own})
                self.problems.fail(where, cell.value, message)

    def _default_directory(self) -> None:
        """Without a default directory no reload works (contract 12.1), so the internal one comes first."""
        store = self.store
        if not store.known or not (self.changes or store.pending) or DEFAULT_DIRECTORY in store.keys:
            return
        if store.internal is None or DEFAULT_DIRECTORY in self._local_keys:
            return
        if any(DEFAULT_DIRECTORY in change.payload.insert for change in self.changes):
            return
        op = Op({DEFAULT_DIRECTORY: store.internal})
        self.changes.insert(0, Change("create", "authentication", SINGLETON, None, {"directoryId": None}, op))

    def _refuse(self) -> None:
        refuse(self.problems)
        refuse_placeholders(self._placeholders)
        if self.local:
            raise _local_failure(self.local)


def _local_failure(local: t.Sequence[t.Mapping[str, str]]) -> Failure:
    names = "; ".join(_in_file(entry) for entry in local[:6])
    more = f"; and {len(local) - 6} more" if len(local) > 6 else ""
    return Failure(
        "stalwart",
        "conflict",
        f"settings that the server keeps in its config.toml, where the API cannot change them: {names}{more}.",
        hint="Change config.toml and restart the server. Or leave such keys to the store: take them out of the file, and let"
        ' its list config.local-keys exclude them (as "!server.auto-ban.*" does beside "server.*"; a list of your own takes'
        " the place of the server's). Nothing was written.",
        details=[dict(entry) for entry in local],
    )


def _in_file(entry: t.Mapping[str, str]) -> str:
    """One setting of the file: what it needs there and what it has."""
    key, wanted, held = entry["native"], entry["value"], entry["held"]
    if not wanted:
        return f"{entry['key']} (the file has {key} = {held}, which has to go)"
    return f"{entry['key']} (the file needs {key} = {wanted}, it has {held or 'none'})"


def _owner(item: Item, key: str) -> str:
    """The property that a key expresses, as settings address it."""
    names = [cell.name for cell in (*item.cells, *item.reset, *item.take) if cell.at(item.identifier) == key]
    return f"{item.key}.{names[0]}" if item.kind and names else item.key


def values(store: Store, items: t.Sequence[Item]) -> dict[str, t.Any]:
    """The managed settings as the server holds them, nested (native ones flat), secrets masked."""
    out: dict[str, t.Any] = {}
    planner = Planner(store, Request((), removal.Exclusive()))
    for item in items:
        if item.kind is DOMAIN:
            held = domains.shown(store, item)
            if held is not None:
                out.setdefault("domain", {})[item.label] = held
            continue
        identifier = find(store.keys, item)
        if item.kind and not item.kind.singleton and not item.kind.keys_of(identifier, store.keys):
            continue
        body: dict[str, t.Any] = {}
        for cell in item.cells:
            key = cell.at(identifier)
            owned = cell.codec.owned(key, store.keys)
            current = planner.current(cell, key, owned)
            _put(body, cell.name if item.kind else "", _masked(cell.codec, None if current is ... else current, owned))
        if item.kind is None:
            out[item.key] = body.get("")
        elif item.kind.singleton:
            out.setdefault(item.name, {}).update(body)
        else:
            out.setdefault(item.name, {})[item.label] = body
    return out


def _not_one(what: str, label: str, known: t.Iterable[str]) -> str:
    hint = did_you_mean(label, sorted(known))
    return f"names no {what} of the server or of this task; {hint}".rstrip("; ")


def _put(body: dict[str, t.Any], path: str, value: t.Any) -> None:
    parts = path.split(".")
    for part in parts[:-1]:
        body = body.setdefault(part, {})
    body[parts[-1]] = value


def _masked(codec: Codec, value: t.Any, owned: t.Optional[t.Mapping[str, str]] = None) -> t.Any:
    if value is ...:
        return None
    return value if owned == {} else codec.shown(value)


def _shown(item: Item, key: str, text: str) -> str:
    secret = any(cell.codec.secret and (text == cell.value or text in (cell.value or ())) for cell in item.cells)
    return MASK if secret else repr(native_shown(key, text))
