# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read, plan, write, read back, on a server that has no optimistic locking (contract 3.4)."""

from __future__ import annotations

import time
import typing as t

from ...failure import Failure
from ...reconcile import Plan, after_earlier, converge
from ..placeholder import refuse_placeholders
from .client import WriteRace
from .errors import FileMissing
from .registry import Registry

_TRIES = 3
#: Seconds between two looks whether the server can read a file by now.
INTERVAL = 3.0


def written(plan: Plan) -> t.Iterator[t.Any]:
    """Every value that a plan would write."""
    for change in plan.changes:
        for op in change.payload if isinstance(change.payload, tuple) else (change.payload,):
            for write in op.writes:
                yield write.value


def converge_server(
    read: t.Callable[[], Registry],
    plan: t.Callable[[Registry], Plan],
    apply: t.Callable[[Plan, Registry], None],
    *,
    check_mode: bool,
    patience: float = 0,
) -> tuple[Plan, Registry]:
    """As :func:`converge`; a write that lost a race is planned anew from what the server holds then.

    :param patience: seconds for which the file of a certificate is awaited; what does not need it is written at once.
    :returns: the plan that was applied first (what was asked for, not the rest of it), and the state read last.
    :raises Failure: ``conflict`` when the race is lost again and again.
    """
    applied: list[Plan] = []

    def checked(registry: Registry) -> Plan:
        chosen = plan(registry)
        refuse_placeholders(written(chosen))
        return chosen

    def remember(chosen: Plan, registry: Registry) -> None:
        applied.append(chosen)
        apply(chosen, registry)

    end, races, missing = time.monotonic() + patience, 0, None
    while races < _TRIES:
        try:
            done, registry = converge("stalwart", read, checked, remember, check_mode=check_mode)
        except WriteRace:
            races += 1
        except FileMissing as failure:
            # The first one tells what was written before.
            missing = missing or failure
            if time.monotonic() >= end:
                raise missing from None
            # Nothing announces that the kubelet has written the file.
            time.sleep(min(INTERVAL, max(0.0, end - time.monotonic())))
        except Failure as failure:
            if missing:
                after_earlier(failure, missing)
            raise
        else:
            return (applied[0] if applied else done), registry
    raise Failure(
        "stalwart",
        "conflict",
        f"the server could not finish the write {_TRIES} times.",
        hint="Something else writes at the same time, or its store is not available; run again.",
    )
