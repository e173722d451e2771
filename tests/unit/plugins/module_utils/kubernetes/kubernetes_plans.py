"""Objects as a chart renders them and as an API server lists them, and the plan between the two."""

from __future__ import annotations

from typing import Any

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.chart import Chart
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.objects import as_helm_writes, key_of
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.plan import ReleasePlan, plan_release
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.release import Release

CHART = Chart("/charts/c", "bp-stalwart-tenant", "0.1.0")


def obj(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


DESIRED = [obj("Service", "web", port=8080), obj("ConfigMap", "config", a="1")]


def deployed(status: str = "deployed", version: str = "0.1.0") -> Release:
    return Release("stalwart", 2, status, "bp-stalwart-tenant", version, "")


def in_cluster(objects: list[dict[str, Any]]) -> dict[tuple[str, str], Any]:
    """As an API server lists them: without a kind of their own."""
    found = {key_of(o): {**as_helm_writes(o, "stalwart", "n"), "status": {"x": 1}} for o in objects}
    return {
        key: {name: part for name, part in o.items() if name not in ("apiVersion", "kind")} for key, o in found.items()
    }


def plan(
    release: Release | None,
    stored: list[dict[str, Any]],
    desired: list[dict[str, Any]],
    live: dict[tuple[str, str], Any],
) -> ReleasePlan:
    return plan_release(CHART, "stalwart", "n", release, stored, desired, live)


def names(result: ReleasePlan) -> list[str]:
    return [str(change) for change in result.plan.changes]
