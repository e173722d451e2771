# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for a release: what Helm recorded, what the chart renders now, what the cluster holds. Pure.

Helm notices neither a failed upgrade that is repeated with the same values, nor a template that changed, nor objects
that somebody deleted or edited; all of that is compared here, object by object.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from ..failure import Failure
from ..reconcile import Change, Plan
from .chart import Chart
from .objects import Key, Object, as_helm_writes, differs, immutable_changes, key_of, masked, merged, seen
from .release import Release

#: What a run has to do. ``upgrade`` and ``recover`` go through Helm; ``reapply`` writes single objects, because a Helm
#: upgrade would leave edited custom resources as they are.
ACTIONS = ("none", "install", "upgrade", "recover", "reapply")


@dataclasses.dataclass(frozen=True)
class ReleasePlan:
    """A plan and the way to carry it out.

    :param action: one of :data:`ACTIONS`.
    :param reapply: objects that are missing or edited in the cluster, as Helm would write them.
    :param namespace: the namespace to write first, if it is missing or lacks a label.
    """

    action: str
    plan: Plan
    reapply: tuple[dict[str, t.Any], ...] = ()
    namespace: dict[str, t.Any] | None = None

    def within(self, change: Change | None) -> ReleasePlan:
        """The same plan, preceded by a change to the namespace."""
        if change is None:
            return self
        return dataclasses.replace(self, plan=Plan((change, *self.plan.changes)), namespace=change.payload)


def plan_release(
    chart: Chart,
    name: str,
    namespace: str,
    release: Release | None,
    stored: t.Sequence[Object],
    desired: t.Sequence[Object],
    live: t.Mapping[Key, Object],
) -> ReleasePlan:
    """Compare and decide.

    :param stored: objects of the release's manifest, empty without a release.
    :param desired: objects that the chart renders now.
    :param live: objects of the cluster that are named in either, as far as they exist.
    :raises Failure: ``conflict`` when a change is one that the API server refuses.
    """
    before = {key_of(obj): obj for obj in stored}
    after = {key_of(obj): obj for obj in desired}
    changes: list[Change] = []
    reapply: list[dict[str, t.Any]] = []
    asked = False  # Whether the chart asks for something else than Helm recorded.
    for key, obj in after.items():
        full = as_helm_writes(obj, name, namespace)
        old, current = before.get(key), live.get(key)
        asked = asked or old != obj
        if current is None:
            changes.append(Change("create", key[0], key[1], None, masked(full), full))
            reapply.append(full)
            continue
        drifted = differs(full, current)
        if drifted:
            _refuse_immutable(full, current, namespace)
            reapply.append(full)
        if drifted or (old is not None and old != obj):
            shape = merged(as_helm_writes(old, name, namespace), full) if old is not None else full
            shown = {"apiVersion": full["apiVersion"], "kind": full["kind"], **seen(current, shape)}
            if shown != full:
                changes.append(Change("update", key[0], key[1], masked(shown), masked(full), full))
    for key, obj in before.items():
        if key not in after:
            asked = True
            if key in live:
                changes.append(Change("delete", key[0], key[1], masked(obj), None))
    change = _release_change(chart, name, release, asked)
    plan = Plan(tuple([change, *changes] if change else changes))
    return ReleasePlan(_action(release, change, changes), plan, tuple(reapply))


def plan_namespace(name: str, labels: t.Mapping[str, str], current: Object | None) -> Change | None:
    """The change to the namespace, none when it is there with these labels.

    :raises Failure: ``not_ready`` while it is being deleted.
    """
    desired = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels)}}
    if current is None:
        return Change("create", "Namespace", name, None, desired, desired)
    if (current.get("status") or {}).get("phase") == "Terminating":
        raise Failure(
            "kubernetes", "not_ready", f"the namespace {name} is being deleted.", hint="Run again when it is gone."
        )
    if not differs(desired, current):
        return None
    shown = {"apiVersion": "v1", "kind": "Namespace", **seen(current, desired)}
    return Change("update", "Namespace", name, shown, desired, desired)


def _release_change(chart: Chart, name: str, release: Release | None, asked: bool) -> Change | None:
    wanted: dict[str, t.Any] = {"status": "deployed", "chart": f"{chart.name}-{chart.version}"}
    if release is None:
        return Change("create", "release", name, None, wanted)
    if release.shown() != wanted or asked:
        return Change(
            "update",
            "release",
            name,
            {**release.shown(), "revision": release.revision},
            {**wanted, "revision": release.revision + 1},
        )
    return None


def _action(release: Release | None, change: Change | None, objects: t.Sequence[Change]) -> str:
    if release is None:
        return "install"
    if release.status != "deployed":
        return "recover"
    if change is not None:
        return "upgrade"
    return "reapply" if objects else "none"


def _refuse_immutable(desired: Object, live: Object, namespace: str) -> None:
    fields = immutable_changes(desired, live)
    if fields:
        kind, name = key_of(desired)
        raise Failure(
            "kubernetes",
            "conflict",
            f"{kind} {name} in {namespace} would change {', '.join(fields)}, which Kubernetes never changes in place.",
            hint=f"Keep the old value, or delete the {kind} without its pods and volumes "
            f"(kubectl delete {kind.lower()} {name} --namespace {namespace} --cascade=orphan) and run again.",
        )


def plan_offline(
    chart: Chart, name: str, namespace: str, desired: t.Sequence[Object], values: t.Mapping[str, t.Any]
) -> ReleasePlan:
    """The plan where nothing was read: every parent counts as absent.

    :param desired: objects that the chart renders; empty when there is no helm to render them, then the values speak.
    """
    if desired:
        return plan_release(chart, name, namespace, None, (), desired, {})
    after = {"status": "deployed", "chart": f"{chart.name}-{chart.version}", "values": dict(values)}
    return ReleasePlan("install", Plan((Change("create", "release", name, None, after),)))


def marker(desired: t.Sequence[Object], release: Release | None) -> str:
    """A value that differs at every upgrade that is asked for: Helm clients that compare values only must not skip it."""
    digest = hashlib.sha256(json.dumps(list(desired), sort_keys=True, default=str).encode()).hexdigest()
    return f"{digest[:12]}-{(release.revision if release else 0) + 1}"
