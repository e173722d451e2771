# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan, diff and converge: the one comparison from which changed, diff and writes are made (design 3)."""

from __future__ import annotations

import dataclasses
import typing as t

from .failure import Failure

CurrentT = t.TypeVar("CurrentT")
ValueT = t.TypeVar("ValueT")
#: Longer lists help nobody in a one-line message.
_MOST_NAMED = 8


def present(value: ValueT | None) -> ValueT:
    """A value that is there by the order of things (a client after ``connect``), as its plain type.

    :raises RuntimeError: when it is not, which is a mistake in this collection.
    """
    if value is None:
        raise RuntimeError("a value that must be there by now is not")
    return value


@dataclasses.dataclass(frozen=True)
class Change:
    """One thing that differs. ``before``/``after`` are what a diff may show: normal forms, secrets already masked.

    :param action: ``create``, ``update`` or ``delete``.
    :param kind: what it is, in the back end's own term (``Directory``, ``client``, ``MX``).
    :param key: its name, unique within the kind.
    :param payload: what the writer needs; never shown.
    """

    action: str
    kind: str
    key: str
    before: t.Any = None
    after: t.Any = None
    payload: t.Any = dataclasses.field(default=None, repr=False, compare=False)

    def as_dict(self) -> dict[str, str]:
        """The short form that results list."""
        return {"action": self.action, "kind": self.kind, "key": self.key}

    def __str__(self) -> str:
        return f"{self.action} {self.kind} {self.key}"


@dataclasses.dataclass(frozen=True)
class Plan:
    """A list of changes, computed without writing."""

    changes: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def changed(self) -> bool:
        """Whether an apply would write."""
        return bool(self.changes)

    def summary(self) -> list[dict[str, str]]:
        """The ``changes`` key of a result."""
        return [change.as_dict() for change in self.changes]

    def diff(self) -> list[dict[str, t.Any]]:
        """Ansible's diff structure, one item per change."""
        return [
            {
                "before_header": f"{change.kind} {change.key}",
                "after_header": f"{change.kind} {change.key}",
                "before": change.before if change.before is not None else {},
                "after": change.after if change.after is not None else {},
            }
            for change in self.changes
        ]


#: Before what a task had written when it failed, in a hint.
_WRITTEN = "Written before: "


def after_writes(failure: Failure, written: t.Iterable[str]) -> Failure:
    """The failure, its hint ending with what the task had written before; it is unchanged when that is nothing.

    :param written: in the words of :meth:`Change.__str__`.
    """
    names = list(dict.fromkeys(written))
    if not names or _WRITTEN in failure.hint:
        return failure
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    said = f"{_WRITTEN}{', '.join(names[:_MOST_NAMED])}{more}; the next run continues from there."
    failure.hint = f"{failure.hint} {said}".lstrip()
    return failure


def after_earlier(failure: Failure, earlier: Failure) -> Failure:
    """The failure, its hint ending with what an earlier one tells was written, unless it tells that of itself."""
    told = earlier.hint.partition(_WRITTEN)[2]
    if told and _WRITTEN not in failure.hint:
        failure.hint = f"{failure.hint} {_WRITTEN}{told}".lstrip()
    return failure


def converge(
    layer: str,
    read: t.Callable[[], CurrentT],
    plan: t.Callable[[CurrentT], Plan],
    apply: t.Callable[[Plan, CurrentT], None],
    *,
    check_mode: bool,
) -> tuple[Plan, CurrentT]:
    """Read, plan, apply, read back, and plan again.

    :returns: the plan that was (or, in check mode, would be) applied, and the state read last.
    :raises Failure: ``not_converged`` when the plan after the apply is not empty.
    """
    current = read()
    first = plan(current)
    if check_mode or not first:
        return first, current
    apply(first, current)
    try:
        after = read()
        rest = plan(after)
    except Failure as failure:
        raise after_writes(failure, map(str, first.changes)) from None
    if rest:
        names = ", ".join(str(change) for change in rest.changes[:5])
        raise Failure(
            layer,
            "not_converged",
            f"{len(rest.changes)} change(s) are still open after writing: {names}.",
            hint="Something else writes the same objects, or the server rewrites the value; run again with --check --diff.",
        )
    return first, after
