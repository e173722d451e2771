# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations become ``/set`` calls: markers first, dependencies before what needs them, actions last.

Inside a request new objects are referred to by creation id, in later requests by the id that the server gave them.
"""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ...reconcile import after_writes
from .actions import MANAGED_PREFIX, MARKER_NAMESPACE, MARKER_OBJECT, actions_for, marker
from .client import DEFAULT_LIMITS, Call, JmapClient, Limits, TooLarge, WriteRace
from .decode import encode
from .errors import reload_failure, set_failures
from .identity import setting_name
from .plan import Op
from .registry import Registry

#: Types that others refer to, referenced ones first; they are removed in the opposite order, after all other types.
REFERRED = (
    "Tenant",
    "AcmeProvider",
    "DnsServer",
    "Directory",
    "Role",
    "Domain",
    "Certificate",
    "Account",
    "MtaVirtualQueue",
)
#: Calls of a request that stay free for markers and actions.
_RESERVED = 2


class _Batch(t.NamedTuple):
    """One ``/set`` call: what it creates, updates and destroys, by creation id or id."""

    object: str
    ops: list[Op]
    size: int


def gone(name: str, label: str) -> tuple[str, str]:
    """How ``needs`` name the removal of an object, which comes last where nobody needs it."""
    return f"no {name}", label


def _key(op: Op) -> tuple[str, str]:
    return gone(op.object, op.label) if op.kind == "destroy" else (op.object, op.label)


def levels(ops: t.Sequence[Op]) -> list[list[Op]]:
    """Operations in the order of their dependencies: what a level needs, earlier ones write; removals come last.

    :raises Failure: ``invalid_value`` when objects need each other.
    """
    needed = {key for op in ops for key in op.needs}
    todo = [op for op in ops if op.kind in ("create", "update") or _key(op) in needed]
    unwritten = {_key(op) for op in todo}
    out: list[list[Op]] = []
    while todo:
        ready = [op for op in todo if not (op.needs & unwritten)]
        waiting = [op for op in todo if op.needs & unwritten]
        if not ready:
            names = ", ".join(f"{op.object} {op.label}" for op in todo)
            raise Failure("stalwart", "invalid_value", f"these objects refer to each other: {names}.")
        out.append(ready)
        unwritten -= {_key(op) for op in ready}
        todo = waiting
    removals = [op for op in ops if op.kind == "destroy" and _key(op) not in needed]
    if removals:
        out.append(
            sorted(removals, key=lambda op: -REFERRED.index(op.object) if op.object in REFERRED else -len(REFERRED))
        )
    return out


def batches(ops: t.Sequence[Op], limits: Limits = DEFAULT_LIMITS) -> list[_Batch]:
    """One call per type and level, none with more than 500 items or more bytes than a request takes."""
    out: list[_Batch] = []
    for level in levels(ops):
        by_type: dict[str, list[Op]] = {}
        for op in level:
            by_type.setdefault(op.object, []).append(op)
        for name, same in by_type.items():
            out += _portions(name, same, limits)
    return out


def _portions(name: str, ops: t.Sequence[Op], limits: Limits) -> list[_Batch]:
    portions: list[list[Op]] = []
    sizes: list[int] = []
    for op in ops:
        size = 100 + sum(_size(write.value) for write in op.writes)
        if not portions or len(portions[-1]) >= limits.objects or sizes[-1] + size > limits.bytes:
            portions.append([])
            sizes.append(0)
        portions[-1].append(op)
        sizes[-1] += size
    return [_Batch(name, portion, size) for portion, size in zip(portions, sizes)]


def _fitting(todo: t.Sequence[_Batch], limits: Limits) -> int:
    """How many of the calls the next request takes."""
    size = 0
    for index, batch in enumerate(todo[: limits.calls - _RESERVED]):
        size += batch.size
        if index and size > limits.bytes:
            return index
    return min(len(todo), limits.calls - _RESERVED)


def _size(value: t.Any) -> int:
    """About how many bytes a value takes in a request."""
    if isinstance(value, t.Mapping):
        return sum(_size(key) + _size(item) + 4 for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return sum(_size(item) + 12 for item in value)
    return len(value) + value.count("\n") + 2 if isinstance(value, str) and value.isascii() else 6 * len(str(value)) + 2


class Writer:
    """Applies a plan's operations to one server."""

    def __init__(self, client: JmapClient, registry: Registry) -> None:
        self._client = client
        self._registry = registry
        self._new: dict[tuple[str, str], str] = {}
        self._cids: dict[tuple[str, str], str] = {}
        self._markers: dict[str, str] = dict(registry.pending)
        self._written: list[str] = []

    def apply(self, ops: t.Sequence[Op]) -> None:
        """Mark the actions that the writes need, write everything, then run the actions.

        The markers lead the first request and the actions end the last one (often the same). A controller that dies
        between two requests leaves stored settings that do not run, and a next plan may find nothing else to do: the
        markers are what makes it run the actions.

        :raises Failure: what the server refused, with what was written before; ``reload_refused`` when it stored everything but does not run it.
        """
        actions = sorted({op.action for op in ops if op.kind == "action"}.union(*(self._actions(op) for op in ops)))
        try:
            self._apply(batches(ops, self._client.limits), actions)
        except Failure as failure:
            raise after_writes(failure, self._written) from None

    def _apply(self, todo: list[_Batch], actions: t.Sequence[str]) -> None:
        unmarked = [action for action in actions if action not in self._markers]
        while True:
            count = _fitting(todo, self._client.limits)
            now, todo = todo[:count], todo[count:]
            self._request(unmarked, now, actions if not todo else [])
            unmarked = []
            if not todo:
                break

    @property
    def finished(self) -> list[str]:
        """Ids of markers whose actions have succeeded; they are removed with the next request."""
        return sorted(self._markers.values())

    @staticmethod
    def _actions(op: Op) -> set[str]:
        if op.kind == "action" or (op.object == MARKER_OBJECT and op.label.startswith(MANAGED_PREFIX)):
            return set()
        return actions_for(op.object, op.kind, [write.pointer for write in op.writes])

    def _request(self, fresh: t.Sequence[str], now: t.Sequence[_Batch], actions: t.Sequence[str]) -> None:
        """Send one request.

        :param fresh: actions to mark before anything is written. :param actions: what to run behind the writes.
        """
        calls: list[Call] = []
        if fresh and MARKER_OBJECT in self._registry.schema.objects:
            calls.append((f"x:{MARKER_OBJECT}/set", {"create": {f"m{i}": marker(a) for i, a in enumerate(fresh)}}))
        marked = len(calls)
        self._cids = {}
        calls += [self._call(batch, index) for index, batch in enumerate(now)]
        if actions:
            calls.append(("x:Action/set", {"create": {f"a{i}": {"@type": a} for i, a in enumerate(actions)}}))
        try:
            answers = self._client.call(calls, write=True)
        except TooLarge as exc:
            # Refused as a whole: planned anew, it goes in smaller portions.
            raise WriteRace(str(exc)) from None
        if marked:
            self._remember(fresh, answers[0])
        failures: list[Failure] = []
        for index, (batch, answer) in enumerate(zip(now, answers[marked:])):
            failures += set_failures(
                self._client, self._registry, batch.object, self._asked(batch, index), answer, self._names()
            )
            self._written += self._done(batch, index, answer[1])
            for op, identifier in self._created(batch, index, answer[1]):
                self._new[(op.object, op.label)] = identifier
        if failures:
            if not self._written and not failures[0].hint:
                failures[0].hint = "Nothing was written."
            failures[0].details = [failure.as_dict() for failure in failures]
            raise failures[0]
        if actions:
            failure = reload_failure(self._client, self._registry, actions, answers[-1], self._names())
            if failure is not None:
                raise failure

    def _remember(self, fresh: t.Sequence[str], answer: tuple[str, dict[str, t.Any]]) -> None:
        for index, action in enumerate(fresh):
            made = (answer[1].get("created") or {}).get(f"m{index}")
            if made:
                self._markers[action] = str(made["id"])

    def _names(self) -> dict[tuple[str, str], str]:
        """Labels of the objects that this task has created, by type and id."""
        return {(name, identifier): label for (name, label), identifier in self._new.items()}

    def _call(self, batch: _Batch, index: int) -> Call:
        arguments: dict[str, t.Any] = {}
        for number, op in enumerate(batch.ops):
            if op.kind == "destroy":
                arguments.setdefault("destroy", []).append(op.id)
                continue
            body: dict[str, t.Any] = {"@type": op.variant} if op.variant else {}
            for write in op.writes:
                body[write.pointer] = encode(self._registry.schema, write.type, write.value, self._id_of)
            arguments.setdefault(op.kind, {})[self._key(op, index, number)] = body
            if op.kind == "create":
                self._cids[(op.object, op.label)] = self._key(op, index, number)
        return f"x:{batch.object}/set", arguments

    @staticmethod
    def _key(op: Op, index: int, number: int) -> str:
        return f"c{index}-{number}" if op.kind == "create" else op.id

    def _asked(self, batch: _Batch, index: int) -> dict[str, Op]:
        return {self._key(op, index, number): op for number, op in enumerate(batch.ops)}

    def _done(self, batch: _Batch, index: int, result: t.Mapping[str, t.Any]) -> t.Iterator[str]:
        """What one call has written, as messages say it."""
        done = {*(result.get("created") or ()), *(result.get("updated") or ()), *(result.get("destroyed") or ())}
        for key, op in self._asked(batch, index).items():
            if key in done:
                yield setting_name(op.object) + ("" if op.label == "singleton" else f" {op.label}")

    def _created(self, batch: _Batch, index: int, result: t.Mapping[str, t.Any]) -> t.Iterator[tuple[Op, str]]:
        for key, op in self._asked(batch, index).items():
            made = (result.get("created") or {}).get(key)
            if op.kind == "create" and made:
                yield op, str(made["id"])

    def _id_of(self, name: str, label: str) -> str:
        cid = self._cids.get((name, label))
        if cid is not None:
            return f"#{cid}"
        known = self._new.get((name, label))
        if known is not None:
            return known
        ids = self._registry.find(name, label)
        if not ids:
            raise Failure("stalwart", "not_found", f"the {name} {label!r} does not exist any more.")
        return ids[0]


def marker_removal(identifiers: t.Sequence[str]) -> list[Call]:
    """The call that removes markers whose actions have succeeded."""
    return [(f"x:{MARKER_OBJECT}/set", {"destroy": list(identifiers)})] if identifiers else []


__all__ = ["MARKER_NAMESPACE", "Writer", "batches", "levels", "marker_removal"]
