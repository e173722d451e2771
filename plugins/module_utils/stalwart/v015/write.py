# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing to a 0.15 server: settings, keys, domains, then the reloads that make them take effect.

A refused reload leaves stored settings that do not run (contract 3.7), and a plan alone would then find nothing to do. So a
key of the collection's own is stored before the first write and removed after the reload; one that is still there makes
the next run repeat the reload.
"""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ...reconcile import Change, Plan
from .client import Operation, RestClient, delete, insert
from .store import DEFAULT_DIRECTORY, OWED, PENDING, RELOADS, Op
from .table import OBJECTS

#: Keys that errors name although other ones cause them: where these begin.
_CAUSES: t.Mapping[str, tuple[str, ...]] = {
    "asn.urls": ("asn.",),
    DEFAULT_DIRECTORY: ("directory.",),
    "spam-filter.classifier.parameters.ccfh.features": ("spam-filter.classifier.",),
    "spam-filter.pyzor.host": ("spam-filter.pyzor.",),
}


def write_and_run(client: RestClient, plan: Plan) -> None:
    """Apply a plan.

    :raises Failure: ``reload_refused`` naming the keys; :raises ApiError: ``assertFailed`` or ``fieldAlreadyExists`` when
        somebody else was faster, for the caller to plan anew.
    """
    ops: list[Op] = [change.payload for change in plan.changes]
    areas = _areas(ops)
    markers = {f"{PENDING}.{area}": "" for area in areas}
    client.write([insert(markers), *_operations(ops)])
    for op in ops:
        for algorithm, domain in op.dkim:
            client.post("/api/dkim", {"algorithm": algorithm, "domain": domain, "id": None, "selector": None})
    for op in ops:
        if op.domain is not None:
            _domain(client, *op.domain)
    for area in areas:
        client.reload(what=RELOADS[area])
    client.write([delete(markers)])


def trial(client: RestClient, plan: Plan) -> None:
    """Whether the server could reload at all: any wrong key of anybody blocks what is about to be written.

    Errors that the plan may heal do not count: the way to repair a server must not be barred.

    :raises Failure: ``reload_refused``.
    """
    ops: list[Op] = [change.payload for change in plan.changes if change.kind != OWED]
    if "settings" not in _areas(ops):
        return
    try:
        client.reload(dry_run=True, stored=False)
    except Failure as failure:
        errors = failure.details.get("errors", {}) if isinstance(failure.details, dict) else {}
        if not errors or any(not any(_may_heal(op, str(key)) for op in ops) for key in errors):
            raise


def _may_heal(op: Op, error: str) -> bool:
    """Whether a change touches the key that an error names, the thing it is a part of, or what else may cause it."""
    thing = _thing(error) if op.kind else _stem(error)
    below = (f"{error}.", *_CAUSES.get(error, ()))
    return any(
        key == error
        or key.startswith(below)
        or error.startswith(f"{key}.")
        or (_thing(key) if op.kind else _stem(key)) == thing
        for key in (*op.insert, *op.delete)
    )


def _thing(key: str) -> str:
    """The prefix of the object that a key is a part of; the key itself where it is no object's."""
    for kind in OBJECTS:
        if not kind.bare and key.startswith(f"{kind.root}."):
            return kind.of(key[len(kind.root) + 1 :].split(".", 1)[0])
    return key


def _stem(key: str) -> str:
    """What keys of one thing have in common in the native vocabulary, where nothing tells what a thing is."""
    return ".".join(key.split(".")[:2])


def _areas(ops: t.Sequence[Op]) -> list[str]:
    areas = {op.area for op in ops}
    if any(op.area == "blocked" and any("/" in key for key in (*op.insert, *op.delete)) for op in ops):
        # Networks are read by the full reload only (contract 3.8).
        areas.add("settings")
    return [area for area in RELOADS if area in areas]


def _operations(ops: t.Sequence[Op]) -> list[Operation]:
    gone = {key for op in ops for key in op.delete}
    together: dict[str, str] = {}
    created: list[Operation] = []
    for op in ops:
        if not op.insert:
            continue
        if op.empty:
            start = len(op.empty) + 1
            values = {key[start:]: text for key, text in op.insert.items() if key.startswith(f"{op.empty}.")}
            together.update({key: text for key, text in op.insert.items() if not key.startswith(f"{op.empty}.")})
            created.append(insert(values, assert_empty=True, prefix=op.empty))
        else:
            together.update(op.insert)
    out: list[Operation] = [*created]
    if gone - set(together):
        out.append(delete(gone - set(together)))
    if together:
        out.append(insert(together))
    return out


def _domain(client: RestClient, action: str, name: str, description: t.Optional[str]) -> None:
    if action == "create":
        body = {"type": "domain", "name": name, **({"description": description} if description else {})}
        client.post("/api/principal", body)
    elif action == "update":
        client.patch(f"/api/principal/{name}", [{"action": "set", "field": "description", "value": description or ""}])
    else:
        client.delete(f"/api/principal/{name}")


def restarts(changes: t.Iterable[Change]) -> list[str]:
    """Changed kinds that take effect at the next start of the process only."""
    kinds = [change.payload.kind for change in changes]
    return sorted({kind.name for kind in kinds if kind is not None and kind.restart})
