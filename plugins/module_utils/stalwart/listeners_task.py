# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``listeners_ready``: ask a server's listeners, once or until all answer. Never writes."""

from __future__ import annotations

import time
import typing as t

from ..failure import Failure
from ..kubernetes.client import connect
from .listening import CLOSED, OPEN, Answer, Listener, ask, listeners_of
from .portforward import PodFinder, PortForward

LAYER = "stalwart"
#: Seconds between two looks.
INTERVAL = 1.0
#: Failures of a pod that has only just started; they end by waiting.
_PASSING = frozenset(("unreachable", "not_ready", "server_error"))


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Two requests for all listeners together, and two for each further look.

    :raises Failure: ``not_ready`` without a ready pod, or when the time is over; as :class:`PodFinder`.
    """
    listeners = listeners_of(params["listeners"])
    cluster = connect(params["connection"])
    finder = PodFinder(cluster, params["namespace"], params["service"], "http")
    look = _Look(finder, PortForward(params["connection"], finder, params["namespace"]), listeners, params["replaced"])
    try:
        result = look.until(params["timeout"])
        return {**result, "requests": cluster.requests + look.forwards}
    finally:
        cluster.close()


class _Look:
    """:param replaced: UID of a pod that is on its way out."""

    def __init__(
        self, finder: PodFinder, forward: PortForward, listeners: t.Sequence[Listener], replaced: str | None
    ) -> None:
        self._finder = finder
        self._forward = forward
        self._listeners = listeners
        self._replaced = replaced
        self.forwards = 0

    def until(self, seconds: float) -> dict[str, t.Any]:
        """The first look at which everything answers; with no seconds the first one, whatever it finds."""
        end = time.monotonic() + seconds
        while True:
            waiting = ""
            try:
                target = self._finder.find()
                if self._replaced and target.uid == self._replaced:
                    waiting = f"pod {target.pod} has not been replaced yet"
                else:
                    answers = self._ask(target.pod)
                    if not seconds or all(answer.state == OPEN for answer in answers):
                        return _result(target.pod, target.uid, answers)
                    waiting = "; ".join(f"{a.listener} {a.said}" for a in answers if a.state != OPEN)
            except Failure as failure:
                if not seconds or failure.code not in _PASSING:
                    raise
                waiting = failure.message.rstrip(".")
            except OSError as exc:
                waiting = str(exc)
            if time.monotonic() >= end:
                raise Failure(
                    LAYER,
                    "not_ready",
                    f"the server's listeners do not answer{f' after {seconds:g} s' if seconds else ''}: {waiting}.",
                    hint="Look at the pod's log: the port may be taken, or the address not be the pod's.",
                )
            time.sleep(INTERVAL)

    def _ask(self, pod: str) -> list[Answer]:
        if not self._listeners:
            return []
        self.forwards += 1
        return ask(self._forward.forward(pod, [listener.port for listener in self._listeners]), self._listeners)


def _result(pod: str, uid: str, answers: t.Sequence[Answer]) -> dict[str, t.Any]:
    return {
        "changed": False,
        "pod": pod,
        "uid": uid,
        "answers": [answer.as_dict() for answer in answers],
        "closed": [answer.listener.name for answer in answers if answer.state == CLOSED],
        "ready": all(answer.state == OPEN for answer in answers),
    }
