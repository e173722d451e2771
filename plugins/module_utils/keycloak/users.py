# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users of the inventory: created once, then kept but for what is theirs, the password (pure)."""

from __future__ import annotations

import typing as t

from ..reconcile import Change
from ..redact import MASK
from .argspec import RETIRED
from .groups import claimed
from .model import DesiredRealm, Options, RealmState, camel, normal

FIELDS = ("email", "email_verified", "first_name", "last_name", "enabled")
#: Payload of the change that makes a user anew.
ANEW = "anew"


def plan_users(state: RealmState, desired: DesiredRealm) -> list[Change]:
    """The changes to users."""
    changes: list[Change] = []
    for name, user in desired.kept("user", state).items():
        current = state.users.get(name)
        if current is None:
            after = {field: user[field] for field in (*FIELDS, "groups", "required_actions")}
            changes.append(Change("create", "user", name, after={**after, "password": MASK}))
            continue
        before, after = {}, {}
        for field in FIELDS:
            found = normal(current.get(camel(field)), user[field])
            if found != user[field]:
                before[field], after[field] = found, user[field]
        groups = groups_of(name, state, desired)
        if not _retired(name, desired) and groups != user["groups"]:
            before["groups"], after["groups"] = groups, user["groups"]
        if after:
            changes.append(Change("update", "user", name, before, after))
    return changes


def anew(name: str, reason: str) -> Change:
    """The change that makes a user anew who cannot log in although nothing differs."""
    return Change("update", "user", name, {"login": f"refused: {reason}"}, {"login": "accepted"}, payload=ANEW)


def groups_of(name: str, state: RealmState, desired: DesiredRealm) -> list[str]:
    """Names of the user's groups among those that the claim may name."""
    paths = [path for path in claimed(state, desired.groups) if name in state.members.get(path, ())]
    return sorted(path.rpartition("/")[2] for path in paths)


def user_options(name: str, state: RealmState, desired: DesiredRealm, *, again: bool = False) -> Options:
    """Options of ``community.general.keycloak_user`` but for the password, which is given on creation only.

    The module empties what it is not given: the required actions of a user who exists are given as they are.

    :param again: the user is removed first.
    """
    user, current = desired.users[name], state.users.get(name)
    new = current is None or again
    options: Options = {field: user[field] for field in ("username", *FIELDS)}
    options["required_actions"] = user["required_actions"] if new else (current or {}).get("requiredActions") or []
    options["force"] = again
    options["new"] = new
    before = set() if new else set(groups_of(name, state, desired))
    changed: t.Iterable[tuple[str, str]] = (
        *((group, "present") for group in user["groups"] if group not in before),
        *((group, "absent") for group in sorted(before - set(user["groups"]))),
    )
    if _retired(name, desired):
        changed = ()
    options["groups"] = [{"name": f"/{desired.groups.path(group)}", "state": to} for group, to in changed]
    return options


def _retired(name: str, desired: DesiredRealm) -> bool:
    probe = desired.probe
    return probe is not None and probe.state == RETIRED and name == probe.username
