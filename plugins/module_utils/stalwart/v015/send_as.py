# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``send_as`` on 0.15: rows are ``lookup.sender-allow.*``, the rule is ``session.auth.must-match-sender`` (contract 7). Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..send_as import TABLE, asks, question, split_row
from .store import PENDING, RELOADS

ROWS = f"lookup.{TABLE}"
RULE = "session.auth.must-match-sender"
SEPARATOR = "|"
#: A table whose last row goes stays in memory until a restart (contract 3.8), so one row that matches nobody stays.
_KEEP = f"{ROWS}.-{SEPARATOR}-"

SETTINGS_PREFIXES = (ROWS, RULE)
SETTINGS_KEYS = (RULE,)


@dataclasses.dataclass(frozen=True)
class SettingsChange:
    """Keys to write and to remove.

    :param reloads: areas (keys of :data:`RELOADS`) that must be reloaded for it.
    """

    insert: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    delete: tuple[str, ...] = ()
    reloads: tuple[str, ...] = ("lookup",)

    def __bool__(self) -> bool:
        return bool(self.insert or self.delete)


def senders_of(settings: t.Mapping[str, str], account: str) -> list[str]:
    """Senders that an account may use beside its own, by its name."""
    return sorted(sender for name, sender in _rows(settings) if name == account)


def _rows(settings: t.Mapping[str, str]) -> t.Iterator[tuple[str, str]]:
    for key in settings:
        pair = split_row(key[len(ROWS) + 1 :], SEPARATOR) if key.startswith(f"{ROWS}.") else None
        if pair is not None:
            yield pair


def rows_change(settings: t.Mapping[str, str], account: str, desired: t.Iterable[str]) -> SettingsChange:
    """What makes an account's rows these."""
    held, wanted = set(senders_of(settings, account)), set(desired)
    insert = {f"{ROWS}.{account}{SEPARATOR}{sender}": "" for sender in wanted - held}
    if wanted != held and _KEEP not in settings:
        insert[_KEEP] = ""
    return SettingsChange(insert, tuple(sorted(f"{ROWS}.{account}{SEPARATOR}{sender}" for sender in held - wanted)))


def rule_change(settings: t.Mapping[str, str]) -> SettingsChange:
    """What makes the server ask the table; nothing when it does. What the rule says besides stays.

    A rule is one expression, or a list of conditions that ends in an ``else``; the single one wins (contract 3.6).
    """
    listed = {key: value for key, value in settings.items() if key.startswith(f"{RULE}.")}
    if any(asks(value, SEPARATOR) for key, value in settings.items() if key == RULE or key in listed):
        return SettingsChange()
    if RULE in settings or not listed:
        said = settings.get(RULE, "true").strip()
        asked = f"!{question(SEPARATOR)}"
        return SettingsChange({RULE: asked if said == "true" else f"({said}) && {asked}"}, reloads=("settings",))
    entries: dict[str, dict[str, str]] = {}
    for key, value in sorted(listed.items()):
        index, _dot, part = key[len(RULE) + 1 :].partition(".")
        entries.setdefault(index, {})[part] = value
    insert: dict[str, str] = {f"{RULE}.0000.if": question(SEPARATOR), f"{RULE}.0000.then": "false"}
    for number, parts in enumerate(entries.values(), 1):
        insert.update({f"{RULE}.{number:04}.{part}": value for part, value in parts.items()})
    return SettingsChange(insert, tuple(sorted(set(listed) - set(insert))), reloads=("settings",))


def rule_shown(settings: t.Mapping[str, str]) -> dict[str, str]:
    """The rule as a diff shows it."""
    return {key: value for key, value in sorted(settings.items()) if key == RULE or key.startswith(f"{RULE}.")}


def owed(settings: t.Mapping[str, str]) -> SettingsChange:
    """Reloads that an earlier task has marked before it wrote, and did not come to."""
    areas = tuple(area for area in RELOADS if f"{PENDING}.{area}" in settings)
    return SettingsChange({}, tuple(f"{PENDING}.{area}" for area in areas), areas)


def markers(areas: t.Iterable[str]) -> dict[str, str]:
    """The marks of reloads that the writes of a task need."""
    return {f"{PENDING}.{area}": "" for area in areas}
