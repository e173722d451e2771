# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs checks side by side in the order that they depend on each other; one record per check.

A check whose precondition failed is skipped and names the check that did: one cause, not twenty consequences.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import fnmatch
import os
import time
import traceback
import typing as t

from ..failure import Failure
from .causes import CAUSES, CHECKS

#: What came of a check. A ``warning`` failed, but was said not to count.
STATUSES = ("ok", "failed", "warning", "skipped")
#: Checks that wait for a server at the same time.
WORKERS = 12


class Wrong(Exception):
    """A check found something else than it expects.

    :param cause: a key of :data:`.causes.CAUSES`; gives the layer and the hint.
    :param observed: what was found; no secret.
    :param facts: for the hint's placeholders.
    """

    def __init__(self, cause: str, observed: str, **facts: str) -> None:
        if cause not in CAUSES:
            raise ValueError(f"unknown cause {cause!r}")
        super().__init__(f"{cause}: {observed}")
        self.cause = cause
        self.observed = observed
        self.facts = facts


class NotApplicable(Exception):
    """There is nothing to check; the message says why."""


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing to prove.

    :param name: a key of :data:`.causes.CHECKS`.
    :param expected: what has to be found, for people.
    :param run: returns what was found; raises :class:`Wrong`, :class:`NotApplicable` or :class:`Failure`.
    :param needs: checks that must have been ``ok`` (or not applicable) before.
    :param after: checks that must have ended before, however.
    """

    name: str
    expected: str
    run: t.Callable[[], str]
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Record:
    """The result of a check, as reports hold it.

    :param cause: key of the cause, empty where nothing failed.
    :param because: the check that failed before this one, if that is why it was skipped.
    """

    name: str
    status: str
    expected: str
    observed: str
    layer: str
    hint: str = ""
    cause: str = ""
    because: str = ""
    duration_ms: int = 0

    def as_dict(self) -> dict[str, t.Any]:
        """With ``ok``, which is null for what was not checked."""
        return {**dataclasses.asdict(self), "ok": None if self.status == "skipped" else self.status == "ok"}


def run_checks(checks: t.Sequence[Check], *, facts: t.Mapping[str, str], warn: t.Sequence[str] = ()) -> list[Record]:
    """Every check's record, in the order given.

    :param facts: for the placeholders of all hints.
    :param warn: patterns of checks whose failure does not count.
    :raises ValueError: for a check that needs one which is not given, or one that comes later.
    """
    done: dict[str, Record] = {}
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        futures: dict[str, concurrent.futures.Future[Record]] = {}
        for check in checks:
            unknown = [name for name in (*check.needs, *check.after) if name not in futures]
            if unknown:
                raise ValueError(f"{check.name} needs {', '.join(unknown)}, which is not there before it")
            # Waiting occupies a worker, but what is waited for was submitted earlier, so the pool cannot lock up.
            waits = [futures[name] for name in check.after]
            futures[check.name] = pool.submit(_run, check, [futures[name] for name in check.needs], waits, facts, warn)
        for name, future in futures.items():
            done[name] = future.result()
    return [done[check.name] for check in checks]


def _run(
    check: Check,
    needs: t.Sequence[concurrent.futures.Future[Record]],
    waits: t.Sequence[concurrent.futures.Future[Record]],
    facts: t.Mapping[str, str],
    warn: t.Sequence[str],
) -> Record:
    for need in needs:
        before = need.result()
        if before.status in ("failed", "warning") or before.because:
            root = before.because or before.name
            return _record(check, "skipped", f"not checked, because {root} failed", because=root)
    concurrent.futures.wait(waits)
    start = time.monotonic()
    found: dict[str, t.Any]
    try:
        status, found = "ok", {"observed": check.run()}
    except NotApplicable as exc:
        status, found = "skipped", {"observed": str(exc)}
    except Wrong as exc:
        cause = CAUSES[exc.cause]
        hint = cause.hint.format_map(_Facts({**facts, **exc.facts}))
        status, found = "failed", {"observed": exc.observed, "layer": cause.layer, "hint": hint, "cause": exc.cause}
    except Failure as exc:
        status, found = "failed", {"observed": exc.message, "layer": exc.layer, "hint": exc.hint, "cause": exc.code}
    except Exception as exc:
        # By its kind only: what it quotes may be a secret, and one check must not cost the others' results.
        cause = CAUSES["defect"]
        observed = f"{type(exc).__name__} at {_place(exc)}"
        status, found = "failed", {"observed": observed, "layer": cause.layer, "hint": cause.hint, "cause": "defect"}
    if status == "failed" and any(fnmatch.fnmatchcase(check.name, pattern) for pattern in warn):
        status = "warning"
    return _record(check, status, duration_ms=round((time.monotonic() - start) * 1000), **found)


def _place(exc: Exception) -> str:
    frame = traceback.extract_tb(exc.__traceback__)[-1]
    return f"{os.path.basename(frame.filename)}:{frame.lineno}"


def _record(check: Check, status: str, observed: str, **more: t.Any) -> Record:
    more.setdefault("layer", CHECKS[check.name].layer)
    return Record(check.name, status, check.expected, " ".join(observed.split()), **more)


class _Facts(t.Dict[str, str]):
    """A hint whose fact nobody knows keeps its placeholder's name rather than losing the check's result."""

    def __missing__(self, key: str) -> str:
        return f"<{key}>"
