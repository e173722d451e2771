# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of principals that an inventory named once and does not name any more. Pure.

A server cannot tell a mailbox that an inventory made from one that a login made. So the principals that a task with
``managed_by`` names are marked on the server itself: on 0.16 by a row of a lookup table that no lookup uses, on 0.15 by a
URN among the principal's URLs. Whatever has no mark was never named, and is left alone unless the task is exclusive.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..failure import Failure
from ..reconcile import Change
from .principal import INDIVIDUAL, Principal, normal_address, word
from .principal_checks import Census
from .problem import Problem, refuse_problems, shown

SUSPEND, ABSENT, KEEP = "suspend", "absent", "keep"
#: A name that can stand in a URN and in front of a colon.
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")


@dataclasses.dataclass(frozen=True)
class Managing:
    """How a task looks after principals that it does not name.

    :param by: the inventory's name; none for a task that looks at nothing else.
    :param disappeared: what becomes of those that are marked. :param exclusive: individuals without a mark are suspended.
    :param spare: addresses that neither concerns. :param most: how many may be touched at once; none for any number.
    """

    by: t.Optional[str] = None
    disappeared: str = SUSPEND
    exclusive: bool = False
    spare: frozenset[str] = frozenset()
    most: t.Optional[int] = None

    @property
    def removes(self) -> bool:
        """Whether principals may go that nobody names."""
        return bool(self.by) and self.disappeared == ABSENT


class Rest(t.NamedTuple):
    """What a task does with principals that it does not name.

    :param principals: in normal form. :param released: addresses that lose their mark and are left as they are.
    :param left: disappeared ones that are neither suspended nor removed, with their types.
    """

    principals: tuple[Principal, ...] = ()
    released: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()

    def told(self) -> list[dict[str, str]]:
        """Everything that has disappeared, as a result tells it."""
        found = {p.name: p.type for p in self.principals if p.managed_by or p.state == "absent"}
        return [{"name": name, "type": kind} for name, kind in sorted({**found, **dict(self.left)}.items())]

    def warnings(self) -> list[str]:
        """Groups and lists are nobody's login: nothing can be suspended of them."""
        return [
            f"{name} is not named any more; a {word(kind)} cannot be suspended, so it stays as it is. Name it with state: absent."
            for name, kind in self.left
        ]


def managing_of(params: t.Mapping[str, t.Any]) -> Managing:
    """What a task's options say.

    :raises Failure: ``invalid_value``.
    """
    by = params.get("managed_by")
    if not by:
        if params.get("exclusive"):
            raise Failure("stalwart", "invalid_value", "exclusive needs managed_by.", hint="Name the inventory.")
        return Managing()
    problems = [] if _NAME.match(by) else [Problem("managed_by", shown(by), "expected a-z, 0-9, _ and -.")]
    spare = set()
    for index, value in enumerate(params.get("spare") or ()):
        address = normal_address(str(value))
        if address is None:
            problems.append(Problem(f"spare[{index}]", shown(value), "expected an address such as alice@example.org."))
        else:
            spare.add(address)
    refuse_problems(problems)
    # Whoever writes must not lock himself out.
    own = normal_address(str(params.get("api_username") or ""))
    return Managing(
        str(by),
        params.get("disappeared") or SUSPEND,
        bool(params.get("exclusive")),
        frozenset(spare | {own or ""}),
        params.get("disappeared_max"),
    )


def marked(principals: t.Iterable[Principal], by: t.Optional[str]) -> list[Principal]:
    """The named principals, to be marked."""
    return [dataclasses.replace(p, managed_by=by) for p in principals]


def rest_of(managing: Managing, named: t.Iterable[Principal], census: Census, marks: t.Collection[str]) -> Rest:
    """What becomes of everybody else.

    :param census: of the server. :param marks: addresses that are marked as this inventory's.
    """
    if not managing.by:
        return Rest()
    known = {principal.name for principal in named} | managing.spare
    principals: list[Principal] = []
    released: list[str] = []
    left: list[tuple[str, str]] = []
    for address in sorted(set(marks) - known):
        kind = census.kinds.get(address)
        if kind is None or managing.disappeared == KEEP:
            released.append(address)
        elif managing.disappeared == ABSENT:
            principals.append(_unnamed(address, kind, "absent"))
        elif kind == INDIVIDUAL:
            principals.append(_unnamed(address, kind, "suspended", managing.by))
        else:
            left.append((address, kind))
    if managing.exclusive:
        strangers = {name for name, kind in census.kinds.items() if kind == INDIVIDUAL}
        strangers -= known | set(marks) | census.administrators
        principals += [_unnamed(address, INDIVIDUAL, "suspended") for address in sorted(strangers)]
    return Rest(tuple(principals), tuple(released), tuple(left))


def refuse_many(managing: Managing, rest: Rest, changes: t.Iterable[Change]) -> None:
    """Half a file is a valid one: who was named before and is not any more may not be touched in any number.

    :raises Failure: ``invalid_value``.
    """
    unnamed = {principal.name for principal in rest.principals}
    touched = sorted({change.key for change in changes if change.kind != "mark"} & unnamed)
    if managing.most is None or len(touched) <= managing.most:
        return
    some = ", ".join(touched[:5]) + (" and others" if len(touched) > 5 else "")
    raise Failure(
        "stalwart",
        "invalid_value",
        f"{len(touched)} principals that are not named any more would be suspended or removed ({some}), and disappeared_max "
        f"allows {managing.most}; nothing has been written.",
        hint="See whether the inventory's file is complete. If it is, raise disappeared_max for this run "
        f"(role mailboxes: -e mailboxes_disappeared_max={len(touched)}).",
    )


def _unnamed(address: str, kind: str, state: str, managed_by: t.Optional[str] = None) -> Principal:
    key = f"{address} (not named any more)" if managed_by or state == "absent" else f"{address} (not named)"
    return Principal(key, address, kind, state, {}, managed_by=managed_by)
