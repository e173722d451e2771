# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``release_plan``: read Helm's record, render the chart, read the cluster, compare. Never writes."""

from __future__ import annotations

import typing as t

from ..failure import Failure
from ..reconcile import Change
from . import capabilities, discovery, dry_run, gateways, image_generation, pending, recreation, volumes
from . import chart as charts
from .client import KubernetesClient, connect
from .connection import HELM_OPTIONS, normalise
from .lock_task import this_run
from .objects import Key, Object, key_of
from .plan import BY_HELM, ReleasePlan, marker, plan_namespace, plan_offline, plan_release
from .release import Release, history


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Plan a release. The same in check mode: this task only reads.

    :raises Failure: layer ``kubernetes``.
    """
    chart = charts.load(params["chart"])
    values: dict[str, t.Any] = dict(params["values"])
    checked = charts.validate(chart, values)
    if params["offline"]:
        if not check_mode:
            raise Failure(
                "kubernetes", "invalid_value", "offline is accepted in check mode only.", hint="Run with --check."
            )
        return _offline(chart, params, values, checked)
    options = normalise(params["connection"])
    refuse_for_helm(options)
    client = connect(params["connection"])
    try:
        return _online(client, chart, params, values)
    finally:
        client.close()


def refuse_for_helm(options: t.Mapping[str, t.Any]) -> None:
    """Options that kubernetes.core.helm does not take would make Helm use another connection than the plan.

    :raises Failure: ``invalid_value`` naming them.
    """
    if {"context", "ca_cert"} <= set(options):
        raise Failure(
            "kubernetes",
            "invalid_value",
            "the connection options context and ca_cert cannot be handed to Helm together.",
            hint="Put the certificate into the kubeconfig that holds the context.",
        )
    others = sorted(set(options) - HELM_OPTIONS)
    if others:
        raise Failure(
            "kubernetes",
            "invalid_value",
            f"the connection option(s) {', '.join(others)} cannot be handed to Helm.",
            hint=f"Put them into a kubeconfig; accepted here: {', '.join(sorted(HELM_OPTIONS))}.",
        )


def _online(
    client: KubernetesClient, chart: charts.Chart, params: t.Mapping[str, t.Any], values: dict[str, t.Any]
) -> dict[str, t.Any]:
    name, namespace = params["release"], params["namespace"]
    served = capabilities.read(client)
    values = capabilities.complete(values, served)
    space = client.find(f"/api/v1/namespaces/{namespace}")
    change = plan_namespace(namespace, params["namespace_labels"], space)
    release, unfinished = pending.split(history(client, namespace, name))
    if unfinished:
        pending.refuse_busy(client, namespace, unfinished, params["holder"] or this_run())
    desired = charts.documents(charts.render(chart, name, namespace, values, params["helm_binary"], served.found))
    stored = charts.documents(release.manifest) if release else []
    stuck = [(revision, charts.documents(revision.manifest)) for revision in unfinished]
    recorded = [*stored, *(obj for _revision, objects in stuck for obj in objects)]
    live = discovery.live_objects(client, namespace, name, desired, recorded)
    image_generation.check(params["connection"], namespace, name, values.get("generation"), stored, live)
    claims = volumes.live_claims(client, namespace, desired) if space else {}
    planned = plan_release(chart, name, namespace, release, stored, desired, live, claims, stuck)
    planned = planned.after(_stray_pods(client, namespace, planned) if space else [])
    unchecked = []
    if planned.action != "none":
        labels = {**((space or {}).get("metadata") or {}).get("labels", {}), **params["namespace_labels"]}
        unchecked = _preflight(client, namespace, labels, planned, desired, live, stored, claims, new=space is None)
        if served.policy_engine is None and any(obj["kind"] == "NetworkPolicy" for obj in desired):
            unchecked.append("whether a network plug-in enforces the NetworkPolicies (none was recognised)")
    result = _result(planned.within(change), release, values, desired, rendered=True, requests=client.requests)
    return {**result, "capabilities": served.as_dict(), "unchecked": unchecked}


def _stray_pods(client: KubernetesClient, namespace: str, planned: ReleasePlan) -> list[tuple[Change, recreation.Step]]:
    found = []
    for statefulset in planned.new_statefulsets:
        pods = [client.find(f"/api/v1/namespaces/{namespace}/pods/{pod}") for pod in recreation.pod_names(statefulset)]
        found += recreation.stray_pods(statefulset, filter(None, pods), namespace)
    return found


def _preflight(
    client: KubernetesClient,
    namespace: str,
    labels: t.Mapping[str, str],
    planned: ReleasePlan,
    desired: t.Sequence[Object],
    live: t.Mapping[Key, Object],
    stored: t.Sequence[Object],
    claims: t.Mapping[str, Object],
    *,
    new: bool,
) -> list[str]:
    """What would stop the release later stops it here. Returns what could not be checked."""
    unchecked = []
    growing = [step.definition["metadata"]["name"] for step in planned.prepare if step.state == "present"]
    volumes.check_expandable(client, growing, claims)
    if planned.action in BY_HELM:
        discovery.check_references(client, namespace, desired)
        routes = [{**obj, "metadata": {**obj["metadata"], "namespace": namespace}} for obj in desired]
        unchecked += gateways.check_parents(
            client, namespace, {"kubernetes.io/metadata.name": namespace, **labels}, routes
        )
    # A dry run in a namespace that is not there yet would say just that; role chart plans once more when it is.
    if not new:
        written = planned.written if planned.action in BY_HELM else planned.reapply
        before = {key_of(obj): obj for obj in stored}
        unchecked += dry_run.check(client, namespace, written, live, before, planned.prepare, claims)
    return unchecked


def _offline(
    chart: charts.Chart, params: t.Mapping[str, t.Any], values: dict[str, t.Any], checked: bool
) -> dict[str, t.Any]:
    desired: list[dict[str, t.Any]] = []
    try:
        desired = charts.documents(
            charts.render(chart, params["release"], params["namespace"], values, params["helm_binary"])
        )
    except Failure as failure:
        # A plan without servers needs no helm either; the values then stand for what it would render.
        if failure.code != "not_found":
            raise
    planned = plan_offline(chart, params["release"], params["namespace"], desired, values)
    change = plan_namespace(params["namespace"], params["namespace_labels"], None)
    result = _result(planned.within(change), None, values, desired, rendered=bool(desired), requests=0)
    result.update(capabilities={}, unchecked=[])
    if not desired and not checked:
        result["warnings"] = ["Neither helm nor jsonschema is here: the chart's values were not checked."]
    return result


def _result(
    planned: ReleasePlan,
    release: Release | None,
    values: dict[str, t.Any],
    desired: t.Sequence[t.Mapping[str, t.Any]],
    *,
    rendered: bool,
    requests: int,
) -> dict[str, t.Any]:
    return {
        "changed": planned.plan.changed,
        "changes": planned.plan.summary(),
        "diff": planned.plan.diff(),
        "action": planned.action,
        "rendered": rendered,
        "status": release.status if release else None,
        "revision": release.revision if release else None,
        "release_values": {**values, "planMarker": marker(desired, release)},
        "namespace": planned.namespace,
        "prepare": [step.as_dict() for step in planned.prepare],
        "reapply": list(planned.reapply),
        "requests": requests,
    }
