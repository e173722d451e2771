# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Principals of an export, proven by a plan on the server that they were read from. Pure."""

from __future__ import annotations

import typing as t

from ..failure import Failure
from ..reconcile import Plan
from .principal import GROUP, INDIVIDUAL, LIST

Body = t.Dict[str, t.Any]
LeftOut = t.List[t.Tuple[str, str]]

#: What a new principal has when it is not given.
USUAL_ROLES = {GROUP: ["default"], INDIVIDUAL: ["user"]}
_ORDER = {GROUP: 0, INDIVIDUAL: 1, LIST: 2}


def prove(
    found: dict[str, Body], left_out: LeftOut, plan: t.Callable[[t.Sequence[Body]], Plan]
) -> tuple[list[Body], LeftOut]:
    """The principals, groups first, and what was left out and why.

    Left out is what the plan would still change or refuse: first the options, then the principal.

    :param found: by name. :param left_out: what was left out already.
    :param plan: what the server the principals were read from would have to change to hold them.
    :raises Failure: of a plan that names no principal.
    """
    first = True
    # Every round leaves something out, so the last one finds nothing.
    while True:
        try:
            changes = [change for change in plan(list(found.values())).changes if change.key in found]
        except Failure as failure:
            if not _refused(found, left_out, failure):
                raise
            continue
        if not changes:
            break
        for change in changes:
            body = found.get(change.key)
            if body is None:
                continue
            options = [option for option in change.after or {} if option in body] if first else []
            for option in options:
                del body[option]
                left_out.append((f"{change.key}.{option}", "does not come back as it is given"))
            if not options:
                del found[change.key]
                left_out.append((change.key, "cannot be given as it is"))
        first = False
    return sorted(found.values(), key=lambda body: (_ORDER[body["type"]], body["name"])), left_out


def worth_giving(shown: t.Mapping[str, t.Any], usual: t.Mapping[str, t.Any]) -> Body:
    """The options of a principal that say more than leaving them out."""
    return {
        option: shown[option]
        for option in sorted(shown)
        if shown[option] not in (None, [], {}) and shown[option] != usual.get(option)
    }


def _refused(found: dict[str, Body], left_out: LeftOut, failure: Failure) -> bool:
    """Leave out the principals that a failure names."""
    names = list(found)
    gone = set()
    for detail in failure.details or ():
        for index, name in enumerate(names):
            if str(detail["key"]).startswith(f"principals[{index}]") and name in found:
                gone.add(name)
                left_out.append((name, str(detail["message"]).rstrip(".")))
    for name in gone:
        del found[name]
    return bool(gone)
