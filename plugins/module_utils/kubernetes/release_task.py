# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``release_plan``: read Helm's record, render the chart, read the cluster, compare. Never writes."""

from __future__ import annotations

import typing as t

from ..failure import Failure
from . import chart as charts
from . import discovery, image_generation
from .client import KubernetesClient, connect
from .connection import HELM_OPTIONS, normalise
from .plan import ReleasePlan, marker, plan_namespace, plan_offline, plan_release
from .release import Release, newest, refuse_pending


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
    api_version = discovery.external_secrets_version(client)
    external = dict(values.get("externalSecrets") or {})
    values["externalSecrets"] = {"apiVersion": api_version, **external}
    space = client.find(f"/api/v1/namespaces/{namespace}")
    change = plan_namespace(namespace, params["namespace_labels"], space)
    release = newest(client, namespace, name)
    refuse_pending(release, namespace)
    desired = charts.documents(charts.render(chart, name, namespace, values, params["helm_binary"]))
    stored = charts.documents(release.manifest) if release else []
    live = discovery.live_objects(client, namespace, name, desired, stored)
    image_generation.check(params["connection"], namespace, name, values.get("generation"), stored, live)
    planned = plan_release(chart, name, namespace, release, stored, desired, live)
    if planned.action in ("install", "upgrade", "recover"):
        discovery.check_references(client, namespace, desired)
    return _result(planned.within(change), release, values, desired, rendered=True, requests=client.requests)


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
        "reapply": list(planned.reapply),
        "requests": requests,
    }
