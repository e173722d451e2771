# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which groups exist, and which of them the claim names (pure).

Keycloak's group membership mapper has no filter: it names every group. So the claim is made of a group attribute, and the
groups that have it are exactly those of the inventory and those directly below the parent.
"""

from __future__ import annotations

import re
import typing as t

from ..reconcile import Change
from .model import GROUP_ATTRIBUTE, DesiredGroups, Options, RealmState

#: What the mail server can make an address of (RFC 5321 section 4.1.2), in the one case that it compares in.
_LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+=?^_`{|}~-]+)*\Z")
_LONGEST_LOCAL_PART = 64


def usable(name: str) -> bool:
    """Whether the group's name can be the local part of its mailbox's address; with another one its members cannot log in."""
    return len(name) <= _LONGEST_LOCAL_PART and _LOCAL_PART.match(name) is not None


def claimed(state: RealmState, desired: DesiredGroups) -> list[str]:
    """Paths of the groups that the claim may name, whether they exist yet or not."""
    paths = [desired.path(name) for name in desired.names]
    return list(dict.fromkeys([*paths, *(path for path in _below(state, desired) if usable(_name(path)))]))


def unusable(state: RealmState, desired: DesiredGroups) -> list[str]:
    """Paths of the groups below the parent that no mailbox can be named after."""
    return [path for path in _below(state, desired) if not usable(_name(path))]


def plan_groups(state: RealmState, desired: DesiredGroups) -> list[Change]:
    """The changes to groups, the parent first."""
    changes: list[Change] = []
    if desired.parent is not None and desired.parent not in state.groups:
        changes.append(Change("create", "group", desired.parent, after={"name": desired.parent}))
    claim = claimed(state, desired)
    for path in claim:
        wanted = [_name(path)]
        if path not in state.groups:
            changes.append(Change("create", "group", path, after={"name": wanted[0], **_shown(wanted)}))
        elif _value(state, path) != wanted:
            changes.append(Change("update", "group", path, _shown(_value(state, path)), _shown(wanted)))
    for path in state.groups:
        if path not in claim and _value(state, path):
            changes.append(Change("update", "group", path, _shown(_value(state, path)), _shown([])))
    return changes


def group_options(path: str, state: RealmState, desired: DesiredGroups) -> Options:
    """Options of ``community.general.keycloak_group``, which replaces a group's attributes as a whole."""
    current = state.groups.get(path)
    attributes = dict((current or {}).get("attributes") or {})
    attributes.pop(GROUP_ATTRIBUTE, None)
    if path in claimed(state, desired):
        attributes[GROUP_ATTRIBUTE] = [_name(path)]
    options: Options = {"name": _name(path), "attributes": attributes}
    if current is not None:
        return {**options, "id": current["id"]}
    return {**options, "parents": [{"name": desired.parent}]} if "/" in path else options


def _below(state: RealmState, desired: DesiredGroups) -> list[str]:
    return [path for path in state.groups if desired.parent is not None and path.startswith(f"{desired.parent}/")]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _value(state: RealmState, path: str) -> list[str]:
    return list((state.groups[path].get("attributes") or {}).get(GROUP_ATTRIBUTE) or [])


def _shown(value: t.Sequence[str]) -> Options:
    return {"attributes": {GROUP_ATTRIBUTE: list(value)}}
