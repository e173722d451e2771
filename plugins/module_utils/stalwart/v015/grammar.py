# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The grammar of ``settings`` on 0.15: canonical or native keys become items, each a few cells of stored text. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ...failure import Failure
from ..problem import Problem, host_name, shown
from ..suggest import did_you_mean
from ..v016.expiry import has_expired
from .codecs import Codec, Items, Unsupported, Wrong
from .special import Moment
from .table import DOMAIN, KINDS, OTHERS, why_not
from .vocabulary import SINGLETON, Kind, Row, leaves, merged

#: Keys of the original design that name a canonical key.
ALIASES = {"storage": ("directory", "authentication", "directoryId")}
#: Properties that say again what the label says; with ``state: absent`` they are no more than that.
_IDENTITY = ("@type", "name", "address", "namespace", "key", "isGlobPattern", "description")
#: What a domain has that is no key.
_OF_DOMAINS = ("description", "dkimManagement")
#: What belongs to another module.
_ELSEWHERE = {"account": "manage it with stalwart_principal", "mailingList": "manage it with stalwart_principal"}


@dataclasses.dataclass(frozen=True)
class Cell:
    """One given property. :param name: how messages and diffs call it. :param key: with ``<id>`` for the object's id."""

    name: str
    key: str
    codec: Codec
    value: t.Any

    def at(self, identifier: str) -> str:
        """The key of one object's property."""
        return self.key.replace("<id>", identifier)


@dataclasses.dataclass(frozen=True)
class Item:
    """One object of the settings.

    :param kind: none for a native key. :param label: what the settings call it. :param key: how they address it.
    :param cells: given properties. :param reset: with ``state: absent``, properties that go back to their defaults.
    :param take: with ``state: absent``, members to take out of a set. :param ended: its time is past.
    """

    kind: t.Optional[Kind]
    label: str
    key: str
    cells: tuple[Cell, ...] = ()
    reset: tuple[Cell, ...] = ()
    take: tuple[Cell, ...] = ()
    ended: bool = False

    @property
    def name(self) -> str:
        """What changes call its kind."""
        return self.kind.name if self.kind else "native"

    @property
    def identifier(self) -> str:
        """The id that the label stands for."""
        return self.kind.label(self.label) if self.kind and self.kind.label else self.label

    def cell(self, name: str) -> t.Optional[Cell]:
        """A given property."""
        return next((cell for cell in self.cells if cell.name == name), None)


@dataclasses.dataclass
class Parsed:
    """:param unsupported: canonical keys that 0.15 cannot express, with the reason.
    :param unknown: keys that the table does not list: they may be of 0.16, or a mistake.
    """

    items: list[Item] = dataclasses.field(default_factory=list)
    problems: list[Problem] = dataclasses.field(default_factory=list)
    unsupported: dict[str, str] = dataclasses.field(default_factory=dict)
    unknown: dict[str, str] = dataclasses.field(default_factory=dict)

    def fail(self, key: str, value: t.Any, message: str) -> None:
        """Note a problem. A ``value`` of ``...`` is not shown."""
        self.problems.append(Problem(key, "" if value is ... else shown(value), message))


def refuse(parsed: Parsed, *, report: bool = False) -> None:
    """:param report: what 0.15 cannot express is only reported by the caller, as far as the table knows it.

    :raises Failure: ``invalid_value`` or ``unsupported_by_generation``, with everything in ``details``.
    """
    problems = list(parsed.problems)
    unsupported = {**parsed.unknown, **({} if report else parsed.unsupported)}
    if not problems and not unsupported:
        return
    details = [{"key": p.key, "value": p.value, "message": p.message} for p in problems]
    details += [
        {"key": key, "value": "", "message": f"0.15 has no counterpart: {why}."} for key, why in unsupported.items()
    ]
    listed = [str(p).rstrip(".") for p in problems] + [f"{key}: {why}" for key, why in unsupported.items()]
    text = "; ".join(listed[:8]) + (f"; and {len(listed) - 8} more" if len(listed) > 8 else "")
    end = "" if text.endswith("?") else "."
    hint = "Nothing was written."
    if unsupported:
        hint += (
            " Leave them out for a server of 0.15, or accept that they have no effect there"
            " (on_unsupported: report), or give 0.15's own keys (vocabulary: native)."
        )
    raise Failure(
        "stalwart",
        "invalid_value" if problems else "unsupported_by_generation",
        ("settings: " if problems else "settings that 0.15 cannot express: ") + text + end,
        hint=hint,
        details=details,
    )


def parse(settings: t.Mapping[str, t.Any], *, absent: bool = False, moment: str = "") -> Parsed:
    """Canonical settings as items; problems and what cannot be expressed are collected, not raised.

    :param moment: this one, as a time in UTC; none = nothing has ended.
    """
    parsed = Parsed()
    for name, labels in _tree(settings, parsed).items():
        kind = KINDS[name]
        for label, body in labels.items():
            _item(kind, label, body, parsed, absent=absent, moment=moment)
    _twins(parsed)
    return parsed


def _tree(settings: t.Mapping[str, t.Any], parsed: Parsed) -> dict[str, dict[str, dict[str, t.Any]]]:
    tree: dict[str, dict[str, dict[str, t.Any]]] = {}
    for raw, value in settings.items():
        key = str(raw)
        path, given = _alias(key.split("."), value)
        head = path[0]
        kind = KINDS.get(head)
        if kind is None:
            _unknown(head, key, parsed)
        elif not all(path):
            parsed.fail(key, ..., "has an empty part between its dots.")
        elif kind.singleton:
            _put(tree, kind, SINGLETON, path[1:], given, key, parsed)
        elif len(path) > 1:
            _put(tree, kind, path[1], path[2:], given, key, parsed)
        elif not isinstance(given, t.Mapping):
            parsed.fail(head, given, "expected a mapping of labels, each with its properties.")
        else:
            for label, body in given.items():
                _put(tree, kind, str(label), [], body, f"{head}.{label}", parsed)
    return tree


def _alias(path: list[str], value: t.Any) -> tuple[list[str], t.Any]:
    if path[0] in ALIASES:
        tail, name, prop = ALIASES[path[0]]
        if path[1:] == [tail]:
            return [name, prop], value
        if len(path) == 1 and isinstance(value, t.Mapping) and set(value) == {tail}:
            return [name, prop], value[tail]
    return path, value


def _unknown(head: str, key: str, parsed: Parsed) -> None:
    if head in _ELSEWHERE:
        parsed.fail(key, ..., f"is no setting: {_ELSEWHERE[head]}.")
        return
    if head in OTHERS:
        parsed.unsupported[key] = why_not(head)
        return
    hint = did_you_mean(head, [*KINDS, *OTHERS])
    if hint.startswith("did you mean"):
        parsed.fail(key, ..., f"unknown key; {hint}")
    else:
        # It may well exist on 0.16; here nothing stands for it.
        parsed.unknown[key] = "no key of 0.15 stands for it in the translation table"


def _put(
    tree: dict[str, dict[str, dict[str, t.Any]]],
    kind: Kind,
    label: str,
    rest: t.Sequence[str],
    value: t.Any,
    key: str,
    parsed: Parsed,
) -> None:
    if not label:
        parsed.fail(key, ..., "has an empty label.")
        return
    if not rest and value is not None and not isinstance(value, t.Mapping):
        parsed.fail(key, value, "expected a mapping of properties.")
        return
    body = {".".join(rest): value} if rest else dict(value or {})
    held = tree.setdefault(kind.name, {}).setdefault(label, {})
    nested, twice = merged(body)
    for name in twice:
        parsed.fail(f"{key}.{name}", ..., "is given twice.")
    _merge(held, nested, key if not rest else key.rsplit(".", len(rest))[0], parsed)


def _merge(held: dict[str, t.Any], given: t.Mapping[str, t.Any], path: str, parsed: Parsed) -> None:
    for name, value in given.items():
        if name not in held:
            held[name] = value
        elif isinstance(held[name], dict) and isinstance(value, t.Mapping):
            _merge(held[name], value, f"{path}.{name}", parsed)
        else:
            parsed.fail(f"{path}.{name}", ..., "is given twice.")


def _item(kind: Kind, label: str, body: t.Mapping[str, t.Any], parsed: Parsed, *, absent: bool, moment: str) -> None:
    path = kind.name if label == SINGLETON else f"{kind.name}.{label}"
    if kind is DOMAIN:
        label = host_name(label)
    item = Item(kind, label, path, ended=has_expired(kind.name[:1].upper() + kind.name[1:], body, moment))
    try:
        if kind.label:
            kind.label(label)
    except Wrong as exc:
        parsed.fail(path, ..., str(exc))
        return
    variant = body.get("@type")
    typed = kind.row("@type")
    cells: list[Cell] = []
    reset: list[Cell] = []
    take: list[Cell] = []
    for name, row, value in leaves(kind, body):
        where = f"{path}.{name}"
        if row is None:
            known = [known.name for known in kind.rows]
            parsed.fail(where, ..., f"unknown property; {did_you_mean(name, known)}".rstrip("; "))
        elif absent and value is None:
            if row.key or (kind is DOMAIN and row.name in _OF_DOMAINS):
                reset.append(Cell(name, row.key, row.codec, None))
            elif not row.always:
                parsed.unsupported[where] = row.why
        elif absent and isinstance(row.codec, Items) and row.codec.members:
            _checked(take, row, value, where, parsed, row.codec.named)
        elif absent and kind.by_type and name == "@type":
            _checked(cells, row, value, where, parsed)
        elif absent and name in _IDENTITY:
            continue
        elif absent:
            parsed.fail(where, ..., "give null to put a property back to its default, or a list of a set's members.")
        elif row.variants and variant is not None and variant not in row.variants:
            parsed.fail(where, ..., f"unknown property of {variant}.")
        else:
            _given(item, cells, row, value, where, parsed)
    if typed is not None and kind.prefix and not absent and variant is None and kind.by_type:
        parsed.fail(f"{path}.@type", ..., f"is missing; expected {typed.codec.accepted}.")
    parsed.items.append(dataclasses.replace(item, cells=tuple(cells), reset=tuple(reset), take=tuple(take)))


def _given(item: Item, cells: list[Cell], row: Row, value: t.Any, where: str, parsed: Parsed) -> None:
    kind = item.kind
    if isinstance(row.codec, Moment):
        ends: list[Cell] = []
        _checked(ends, row, value, where, parsed)
        if value is not None and ends and not item.ended:
            parsed.unsupported[where] = f"{row.why}; accepted: null, and a time that is past, which removes it"
    elif not row.key and kind is DOMAIN and row.name in _OF_DOMAINS:
        _checked(cells, row, value, where, parsed)
    elif not row.key and (row.why or row.always) and row.name != "isGlobPattern":
        if value not in row.always:
            accepted = ", ".join(map(repr, row.always)).replace("None", "null")
            parsed.unsupported[where] = f"{row.why}; accepted: {accepted}" if accepted else row.why
    elif not row.key:
        _repeats(item.label, row, value, where, parsed)
    else:
        _checked(cells, row, value, where, parsed)


def _checked(
    cells: list[Cell],
    row: Row,
    value: t.Any,
    where: str,
    parsed: Parsed,
    check: t.Optional[t.Callable[[t.Any], t.Any]] = None,
) -> None:
    try:
        cells.append(Cell(row.name, row.key, row.codec, (check or row.codec.check)(value)))
    except Unsupported as exc:
        parsed.unsupported[where] = str(exc).rstrip(".")
    except Wrong as exc:
        parsed.fail(where, ... if row.codec.secret else value, str(exc))


def _repeats(label: str, row: Row, value: t.Any, where: str, parsed: Parsed) -> None:
    """A property that the label or the key already says must say the same."""
    if row.name == "isGlobPattern":
        said: t.Any = any(mark in label for mark in "*?")
    elif row.name in ("namespace", "key"):
        said = label.partition(":")[0 if row.name == "namespace" else 2]
    else:
        said = label
    try:
        given = row.codec.check(value)
        same = given == (row.codec.check(said) if row.name != "isGlobPattern" else said)
    except Wrong as exc:
        parsed.fail(where, value, str(exc))
        return
    if not same:
        parsed.unsupported[where] = f"on 0.15 it follows from the label, which says {said!r}"


def _twins(parsed: Parsed) -> None:
    seen: dict[tuple[str, str], str] = {}
    for item in parsed.items:
        if item.kind is None or item.label == SINGLETON:
            continue
        root = item.kind.root if item.kind is not DOMAIN else "domain"
        natural = item.identifier
        if item.kind.by_type:
            typed = item.cell("@type")
            natural = f"@{typed.value if typed else item.label}"
        other = seen.setdefault((root, natural), item.key)
        if other != item.key:
            parsed.fail(item.key, ..., f"is the same object as {other}.")


def find(stored: t.Mapping[str, str], item: Item) -> str:
    """The id of an item's object; a tracer is found by its ``@type``."""
    kind, given = item.kind, item.cell("@type")
    typed = kind.row("@type") if kind and kind.by_type else None
    if kind and typed and given:
        for identifier in kind.ids(stored):
            key = typed.at(identifier)
            if typed.codec.decode(key, typed.codec.owned(key, stored)) == given.value:
                return identifier
    return item.identifier
