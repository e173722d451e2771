# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan without any schema: what the settings ask for, as they are, marked as not validated. Pure."""

from __future__ import annotations

import typing as t

from ...reconcile import Change, Plan
from ...redact import MASK
from ..driver import SettingsAsk
from ..principal import Principal
from ..problem import Problem, shown
from ..secrets import is_secret_key, masked
from .grammar import ALIASES, SINGLETON, refuse
from .shape import Fault, check


def unvalidated_plan(ask: SettingsAsk) -> Plan:
    """One change per object that the settings name; types and names are for the server's schema.

    :raises Failure: ``invalid_value`` with every fault that shows without a schema.
    """
    refuse([_problem(fault) for fault in check(ask.settings)])
    if ask.state == "absent":
        return Plan()
    groups: dict[tuple[str, str], t.Any] = {}
    for raw, value in ask.settings.items():
        head, _dot, rest = ALIASES.get(str(raw), str(raw)).partition(".")
        if rest:
            # Without a schema nobody knows whether what follows is a label or a nested property.
            label = head if "." in rest else SINGLETON
            groups.setdefault((head, label), {})[rest] = masked(value, f"{head}.{rest}")
        elif isinstance(value, t.Mapping) and value and all(isinstance(i, (dict, type(None))) for i in value.values()):
            for label, body in value.items():
                # An object without properties must still show in a diff.
                groups[(head, str(label))] = masked(body, f"{head}.{label}") if body else {"label": str(label)}
        elif value is not None:
            groups[(head, SINGLETON)] = masked(value, head)
    return Plan(tuple(Change("create", head, label, None, body) for (head, label), body in groups.items()))


def _problem(fault: Fault) -> Problem:
    value = "" if fault.value is None else shown(_given(fault))
    return Problem(fault.key, value, f"accepted: {fault.accepted}.")


def _given(fault: Fault) -> t.Any:
    """What was given, as far as it may be shown: a fault inside a secret's struct shows nothing of it."""
    inside = any(is_secret_key(fault.key.rsplit(".", count)[0]) for count in range(1, fault.key.count(".") + 1))
    return MASK if inside else masked(fault.value, fault.key)


def unvalidated_principals(principals: t.Sequence[Principal]) -> Plan:
    """Principals that a server which does not exist yet would get; permissions and locales are not checked."""
    changes = []
    for principal in principals:
        if principal.state == "absent":
            continue
        body = {"state": principal.state, **principal.given}
        if principal.enabled is not None:
            body["enabled_permissions"] = list(principal.enabled)
        if principal.disabled is not None:
            body["disabled_permissions"] = list(principal.disabled)
        if principal.send_as is not None:
            body["send_as"] = list(principal.send_as)
        if principal.password:
            body["password"] = MASK
        if principal.managed_by:
            body["managed_by"] = principal.managed_by
        changes.append(Change("create", principal.type, principal.name, None, body))
    return Plan(tuple(changes))
