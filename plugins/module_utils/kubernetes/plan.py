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
from . import pending, recreation, volumes
from .chart import Chart
from .objects import RULES, Key, Object, added_rules, as_helm_writes, differs, key_of, masked, merged, patch, same, seen
from .recreation import Step
from .release import Release

#: What a run has to do. All but the last go through Helm, ``recover`` from a release that was left failed or pending,
#: ``recreate`` after objects were deleted that cannot be changed in place. ``reapply`` writes single objects, because a Helm
#: upgrade would leave edited custom resources as they are.
ACTIONS = ("none", "install", "upgrade", "recover", "recreate", "reapply")
BY_HELM = ("install", "upgrade", "recover", "recreate")


@dataclasses.dataclass(frozen=True)
class ReleasePlan:
    """A plan and the way to carry it out.

    :param action: one of :data:`ACTIONS`.
    :param reapply: objects that are missing or edited in the cluster, as Helm would write them.
    :param namespace: the namespace to write first, if it is missing or lacks a label.
    :param prepare: what comes before Helm, in this order.
    :param written: objects that change, as Helm writes them.
    """

    action: str
    plan: Plan
    reapply: tuple[dict[str, t.Any], ...] = ()
    namespace: dict[str, t.Any] | None = None
    prepare: tuple[Step, ...] = ()
    written: tuple[dict[str, t.Any], ...] = ()

    def within(self, change: Change | None) -> ReleasePlan:
        """The same plan, preceded by a change to the namespace."""
        if change is None:
            return self
        return dataclasses.replace(self, plan=Plan((change, *self.plan.changes)), namespace=change.payload)

    def after(self, more: t.Sequence[tuple[Change, Step]]) -> ReleasePlan:
        """The same plan with more to do before Helm."""
        changes = (*self.plan.changes, *(change for change, _step in more))
        return dataclasses.replace(self, plan=Plan(changes), prepare=(*self.prepare, *(step for _change, step in more)))

    @property
    def new_statefulsets(self) -> list[dict[str, t.Any]]:
        """StatefulSets that will be made, for the first time or anew."""
        made = {c.key for c in self.plan.changes if c.kind == "StatefulSet" and c.action in ("create", "recreate")}
        return [obj for obj in self.written if obj["kind"] == "StatefulSet" and obj["metadata"]["name"] in made]


def plan_release(
    chart: Chart,
    name: str,
    namespace: str,
    release: Release | None,
    stored: t.Sequence[Object],
    desired: t.Sequence[Object],
    live: t.Mapping[Key, Object],
    claims: t.Mapping[str, Object] | None = None,
    stuck: t.Sequence[tuple[Release, t.Sequence[Object]]] = (),
) -> ReleasePlan:
    """Compare and decide.

    :param release: the newest finished revision; ``stored`` are its objects, empty without one.
    :param desired: objects that the chart renders now.
    :param live: objects of the cluster that are named in any manifest, as far as they exist.
    :param claims: volume claims of desired StatefulSets that exist, by name.
    :param stuck: revisions after ``release`` that were never finished, with their objects.
    :raises Failure: ``conflict`` when a change is one that would lose the volume, or that somebody else's object is in its way.
    """
    before = {key_of(obj): obj for obj in stored}
    after = {key_of(obj): as_helm_writes(obj, name, namespace) for obj in desired}
    changes: dict[Key, Change] = {}
    reapply: list[dict[str, t.Any]] = []
    asked = bool(stuck) or release is None  # Whether the chart asks for something else than Helm recorded.
    drifted: set[Key] = set()
    for obj, (key, full) in zip(desired, after.items()):
        old, current = before.get(key), live.get(key)
        asked = asked or old != obj
        if current is None:
            changes[key] = Change("create", key[0], key[1], None, masked(full), full)
            reapply.append(full)
            continue
        added = added_rules(full, current)
        if added or differs(full, current):
            drifted.add(key)
            undone = {part: patch(current[part], full.get(part)) for part in RULES if part in current}
            reapply.append({**full, **undone} if added else full)
        if key in drifted or (old is not None and old != obj):
            shape = merged(as_helm_writes(old, name, namespace), full) if old is not None else full
            shown = {"apiVersion": full["apiVersion"], "kind": full["kind"], **seen(current, shape)}
            if added:
                shown.update({part: current[part] for part in RULES if part in current})
            # An empty list or mapping is none: the API server holds neither.
            if added or not (same(full, shown) and same(shown, full)):
                changes[key] = Change("update", key[0], key[1], masked(shown), masked(full), full)
    gone = [key for key in before if key not in after]
    asked = asked or bool(gone)
    by_helm = asked or release is None or release.shown() != _wanted(chart)

    steps = pending.recovery([revision for revision, _objects in stuck], namespace)
    for full in after.values():
        if full["kind"] == "StatefulSet":
            growing = volumes.plan_growth(full, live.get(key_of(full)), claims or {})
            steps += [(change, Step("present", change.payload)) for change in growing]
    for key, obj in _leftovers(release, before, stuck, after).items():
        if key in live:
            _refuse_leaving(obj)
            steps.append((Change("delete", key[0], key[1], masked(obj), None), recreation.deletion(obj, namespace)))
    for key in gone:
        if key in live and not any((change.kind, change.key) == key for change, _step in steps):
            _refuse_leaving(before[key])
            changes[key] = Change("delete", key[0], key[1], masked(before[key]), None)
    for key, full in after.items():
        if key not in live or not (by_helm or key in drifted):
            continue
        recreated = recreation.plan_recreation(full, live[key], namespace)
        if recreated is not None:
            changes.pop(key, None)
            steps.append(recreated)
            by_helm = True
        elif by_helm and key not in before:
            _refuse_foreign(full, live[key], namespace)

    action = _action(release, stuck, by_helm, steps, changes)
    ordered = [
        *([_release_change(chart, name, release)] if by_helm else []),
        *(change for change, _step in steps),
        *changes.values(),
    ]
    recreated_keys = {(change.kind, change.key) for change, _step in steps}
    written = [full for key, full in after.items() if key in changes or key in recreated_keys]
    return ReleasePlan(
        action, Plan(tuple(ordered)), tuple(reapply), None, tuple(step for _change, step in steps), tuple(written)
    )


def _leftovers(
    release: Release | None,
    before: t.Mapping[Key, Object],
    stuck: t.Sequence[tuple[Release, t.Sequence[Object]]],
    after: t.Mapping[Key, Object],
) -> dict[Key, Object]:
    """Objects of revisions that did not succeed and that are asked for no more: the next upgrade starts from the one before."""
    found = dict(before) if release is not None and release.status == "failed" else {}
    found.update({key_of(obj): obj for _revision, objects in stuck for obj in objects})
    return {key: obj for key, obj in found.items() if key not in after}


def _refuse_leaving(obj: Object) -> None:
    if obj["kind"] == "StatefulSet":
        volumes.refuse_leaving(obj)


def _refuse_foreign(desired: Object, live: Object, namespace: str) -> None:
    """Helm takes over only what bears its marks."""
    marks = desired["metadata"]["annotations"]
    metadata = live.get("metadata") or {}
    found = metadata.get("annotations") or {}
    if (metadata.get("labels") or {}).get("app.kubernetes.io/managed-by") == "Helm" and all(
        found.get(key) == value for key, value in marks.items() if key.startswith("meta.helm.sh/")
    ):
        return
    kind, name = key_of(desired)
    owner = found.get("meta.helm.sh/release-name")
    raise Failure(
        "kubernetes",
        "conflict",
        f"{kind} {name} in {namespace} exists and belongs to {f'the release {owner}' if owner else 'no release'}.",
        hint="Remove it, or set tenant_release to another name.",
    )


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


def _wanted(chart: Chart) -> dict[str, t.Any]:
    return {"status": "deployed", "chart": f"{chart.name}-{chart.version}"}


def _release_change(chart: Chart, name: str, release: Release | None) -> Change:
    if release is None:
        return Change("create", "release", name, None, _wanted(chart))
    before = {**release.shown(), "revision": release.revision}
    return Change("update", "release", name, before, {**_wanted(chart), "revision": release.revision + 1})


def _action(
    release: Release | None,
    stuck: t.Sequence[t.Any],
    by_helm: bool,
    steps: t.Sequence[tuple[Change, Step]],
    changes: t.Mapping[Key, Change],
) -> str:
    if stuck or (release is not None and release.status != "deployed"):
        return "recover"
    if release is None:
        return "install"
    if any(change.action == "recreate" for change, _step in steps):
        return "recreate"
    if by_helm:
        return "upgrade"
    return "reapply" if changes or steps else "none"


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
