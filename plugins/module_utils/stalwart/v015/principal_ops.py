# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests that a plan for principals consists of. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ...failure import Failure
from ..principal import Principal
from .principal import Held
from .send_as import SettingsChange

#: One step of a PATCH (contract 5.5).
Step = t.Dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Op:
    """The requests that one principal needs.

    :param kind: ``create``, ``update``, ``delete`` or ``settings``. :param address: its own.
    :param name: what the server calls it. :param body: of a create. :param steps: of an update.
    :param needs: addresses of principals whose requests must come before. :param password: to be hashed and set.
    """

    kind: str
    address: str
    key: str = ""
    name: str = ""
    body: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    settings: SettingsChange = dataclasses.field(default_factory=SettingsChange)
    needs: frozenset[str] = frozenset()
    password: t.Optional[str] = dataclasses.field(default=None, repr=False)

    @property
    def addresses(self) -> bool:
        """Whether it changes which addresses exist; the server remembers for long what it has found (contract 3.8)."""
        return self.kind in ("create", "delete") or any(step["field"] == "emails" for step in self.steps)


def body(principal: Principal, goal: Held) -> dict[str, t.Any]:
    """What a create sends: no empty field, and no list but of strings (contract 5.3)."""
    fields: dict[str, t.Any] = {
        "type": principal.type,
        "name": goal.name,
        "emails": list(goal.emails),
        "description": goal.description,
        "quota": goal.quota,
        "locale": goal.locale,
        "memberOf": sorted(goal.groups),
        "members": sorted(goal.members),
        "externalMembers": sorted(goal.external),
        "roles": sorted(goal.roles),
        "enabledPermissions": sorted(goal.enabled),
        "disabledPermissions": sorted(goal.disabled),
        "urls": sorted(goal.urls),
    }
    return {key: value for key, value in fields.items() if value}


def steps_of(held: Held, goal: Held) -> list[Step]:
    """The shortest PATCH. Never ``set`` of groups, lists or roles, which replaces all three (contract 5.5)."""
    steps: list[Step] = []
    if goal.name != held.name:
        steps.append({"action": "set", "field": "name", "value": goal.name})
    for field, before, after in (
        ("description", held.description, goal.description),
        ("locale", held.locale, goal.locale),
    ):
        if before != after:
            steps.append({"action": "set", "field": field, "value": after})
    if goal.quota != held.quota:
        steps.append({"action": "set", "field": "quota", "value": goal.quota or ""})
    for field, old, new in (
        ("emails", held.emails, goal.emails),
        ("memberOf", held.groups, goal.groups),
        ("roles", held.roles, goal.roles),
        ("members", held.members, goal.members),
        ("externalMembers", held.external, goal.external),
        ("enabledPermissions", held.enabled, goal.enabled),
        ("disabledPermissions", held.disabled, goal.disabled),
        ("urls", held.urls, goal.urls),
    ):
        # What is added first keeps the first address the first one.
        added = [value for value in new if value not in old] if field == "emails" else sorted(set(new) - set(old))
        steps += [{"action": "addItem", "field": field, "value": value} for value in added]
        steps += [{"action": "removeItem", "field": field, "value": value} for value in sorted(set(old) - set(new))]
    return steps


def gone(address: str) -> str:
    """How ``needs`` name the removal of a principal, which comes last where nobody needs it."""
    return f"no {address}"


def in_two(op: Op) -> tuple[Op, ...]:
    """An update as two, of which the first one only gives up addresses and groups, and needs nothing."""
    early = [step for step in op.steps if step["action"] == "removeItem" and step["field"] in ("emails", "memberOf")]
    rest = tuple(step for step in op.steps if step not in early)
    first = dataclasses.replace(op, steps=tuple(early), settings=SettingsChange(), needs=frozenset(), password=None)
    return first, dataclasses.replace(op, steps=rest)


def _key(op: Op) -> str:
    return gone(op.address) if op.kind == "delete" else op.address


def ordered(ops: t.Sequence[Op]) -> list[Op]:
    """Operations with those first that others need; other removals come last.

    :raises Failure: ``invalid_value`` when principals need each other.
    """
    needed = {key for op in ops for key in op.needs}
    todo = [op for op in ops if op.kind in ("create", "update") or (op.kind == "delete" and _key(op) in needed)]
    unwritten = set(map(_key, todo))
    done: list[Op] = []
    while todo:
        ready = [op for op in todo if not op.needs & unwritten]
        waiting = [op for op in todo if op.needs & unwritten]
        if not ready:
            names = ", ".join(op.address for op in todo)
            raise Failure("stalwart", "invalid_value", f"these principals need each other's addresses: {names}.")
        done += ready
        unwritten -= set(map(_key, ready))
        todo = waiting
    return [*done, *(op for op in ops if op.kind == "delete" and _key(op) not in needed)]
