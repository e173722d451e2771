# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of a task's own writes: what one object gives up, another one may take. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ...failure import Failure
from .apply import gone, levels
from .differ import Write
from .plan import Op
from .registry import Registry
from .removal import references_of
from .schema import Type

#: Names that no two domains share, aliases among them (contract 3.11).
_UNIQUE = {"Domain": ("name", "aliases")}


def in_order(registry: Registry, ops: t.Sequence[Op]) -> list[Op]:
    """The operations with what makes :func:`levels` write them in an order that the server takes.

    :raises Failure: ``invalid_value`` for new objects that refer to each other.
    """
    out = _holders_first(registry, _unreferenced_last(registry, _given_up_first(registry, ops)))
    try:
        levels(out)
    except Failure as failure:
        failure.hint = (
            "Create them without these references first, and give the references in a later task. Nothing was written."
        )
        raise
    return out


def _given_up_first(registry: Registry, ops: t.Sequence[Op]) -> list[Op]:
    frees = [_names(registry, op)[0] for op in ops]
    takes = [_names(registry, op)[1] for op in ops]
    needs: list[set[tuple[str, str]]] = [set(op.needs) for op in ops]
    first: list[Op] = []
    for index, op in enumerate(ops):
        takers = [
            other
            for other, taken in enumerate(takes)
            if other != index and ops[other].object == op.object and taken & frees[index]
        ]
        if not takers:
            continue
        key = (op.object, op.label)
        if op.kind == "destroy":
            key = gone(op.object, op.label)
        elif any(takes[index] & freed for other, freed in enumerate(frees) if other != index):
            # It takes, too: two objects that swap names both give up theirs before.
            released = set().union(*(takes[other] & frees[index] for other in takers))
            write = next(write for write in op.writes if write.pointer == "aliases")
            held = set(registry.of(op.object)[op.id].get("aliases") or ())
            label = f"{op.label} (without {', '.join(sorted(released))})"
            kept = Write(write.pointer, write.type, sorted(held - released))
            first.append(Op("update", op.object, label, op.id, None, (kept,)))
            key = (op.object, label)
            needs[index].add(key)
        for other in takers:
            needs[other].add(key)
    return [*first, *(dataclasses.replace(op, needs=frozenset(needs[index])) for index, op in enumerate(ops))]


def _names(registry: Registry, op: Op) -> tuple[set[str], set[str]]:
    """Unique names that an operation gives up, and that it takes."""
    if op.object not in _UNIQUE or op.kind == "action":
        return set(), set()
    wire = registry.of(op.object).get(op.id) or {}
    held = {str(wire["name"])} if wire.get("name") else set()
    aliases = {str(alias) for alias in wire.get("aliases") or ()}
    if op.kind == "destroy":
        return held | aliases, set()
    after = held | aliases
    for write in op.writes:
        if write.pointer == "aliases":
            after = (after - aliases) | set(write.value or ())
        elif write.pointer == "name":
            after = (after - held) | {write.value}
    return (held | aliases) - after, after - held - aliases


def _holders_first(registry: Registry, ops: t.Sequence[Op]) -> list[Op]:
    """A removal that others wait for comes early, and so must whatever lets go of that object."""
    needs = [set(op.needs) for op in ops]
    waited = {key for some in needs for key in some}
    todo = [index for index, op in enumerate(ops) if op.kind == "destroy" and gone(op.object, op.label) in waited]
    if not todo:
        return list(ops)
    held = [
        references_of(registry.schema, Type("object", target=op.object), registry.of(op.object).get(op.id))
        if op.kind in ("update", "destroy")
        else ()
        for op in ops
    ]
    seen = set(todo)
    while todo:
        index = todo.pop()
        own = gone(ops[index].object, ops[index].label)
        for other, op in enumerate(ops):
            if other == index or (ops[index].object, ops[index].id) not in held[other] or own in needs[other]:
                continue
            removal = op.kind == "destroy"
            needs[index].add(gone(op.object, op.label) if removal else (op.object, op.label))
            if removal and other not in seen:
                seen.add(other)
                todo.append(other)
    return [dataclasses.replace(op, needs=frozenset(needs[index])) for index, op in enumerate(ops)]


def _unreferenced_last(registry: Registry, ops: t.Sequence[Op]) -> list[Op]:
    """Removals of one type: who refers before whom it refers to; the server looks at each one as it comes."""
    removals = [op for op in ops if op.kind == "destroy"]
    if len(removals) < 2:
        return list(ops)
    places = {(op.object, op.id): op for op in removals}
    refers = {
        key: {
            ref
            for ref in references_of(
                registry.schema, Type("object", target=op.object), registry.of(op.object).get(op.id)
            )
            if ref in places and ref != key
        }
        for key, op in places.items()
    }
    counts = dict.fromkeys(places, 0)
    for refs in refers.values():
        for ref in refs:
            counts[ref] += 1
    free = [key for key in places if not counts[key]]
    out: list[tuple[str, str]] = []
    while free:
        key = free.pop(0)
        out.append(key)
        for ref in sorted(refers[key]):
            counts[ref] -= 1
            if not counts[ref]:
                free.append(ref)
    # Objects that refer to each other stay, and the server says so.
    out += [key for key in places if key not in set(out)]
    return [*(op for op in ops if op.kind != "destroy"), *(places[key] for key in out)]
