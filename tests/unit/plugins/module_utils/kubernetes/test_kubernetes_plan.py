from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.chart import Chart
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.objects import as_helm_writes, key_of
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.plan import (
    ReleasePlan,
    marker,
    plan_namespace,
    plan_offline,
    plan_release,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.release import Release

CHART = Chart("/charts/c", "bp-stalwart-tenant", "0.1.0")


def obj(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


DESIRED = [obj("Service", "web", port=8080), obj("ConfigMap", "config", a="1")]


def deployed(status: str = "deployed", version: str = "0.1.0") -> Release:
    return Release("stalwart", 2, status, "bp-stalwart-tenant", version, "")


def in_cluster(objects: list[dict[str, Any]]) -> dict[tuple[str, str], Any]:
    return {key_of(o): {**as_helm_writes(o, "stalwart", "n"), "status": {"x": 1}} for o in objects}


def plan(
    release: Release | None,
    stored: list[dict[str, Any]],
    desired: list[dict[str, Any]],
    live: dict[tuple[str, str], Any],
) -> ReleasePlan:
    return plan_release(CHART, "stalwart", "n", release, stored, desired, live)


def names(result: ReleasePlan) -> list[str]:
    return [str(change) for change in result.plan.changes]


def test_nothing_to_do() -> None:
    result = plan(deployed(), DESIRED, copy.deepcopy(DESIRED), in_cluster(DESIRED))
    assert (result.action, names(result), result.reapply) == ("none", [], ())


def test_install() -> None:
    result = plan(None, [], DESIRED, {})
    assert result.action == "install"
    assert names(result) == ["create release stalwart", "create Service web", "create ConfigMap config"]


def test_install_over_objects_that_are_left_from_before() -> None:
    result = plan(None, [], DESIRED, in_cluster(DESIRED))
    assert (result.action, names(result)) == ("install", ["create release stalwart"])


def test_a_failed_release_is_recovered_even_when_nothing_else_differs() -> None:
    result = plan(deployed("failed"), DESIRED, DESIRED, in_cluster(DESIRED))
    assert (result.action, names(result)) == ("recover", ["update release stalwart"])
    change = result.plan.changes[0]
    assert change.before == {"status": "failed", "chart": "bp-stalwart-tenant-0.1.0", "revision": 2}
    assert change.after == {"status": "deployed", "chart": "bp-stalwart-tenant-0.1.0", "revision": 3}


def test_a_changed_template_is_an_upgrade() -> None:
    desired = [obj("Service", "web", port=8081), DESIRED[1]]
    result = plan(deployed(), DESIRED, desired, in_cluster(DESIRED))
    assert (result.action, names(result)) == ("upgrade", ["update release stalwart", "update Service web"])
    change = result.plan.changes[1]
    assert (change.before["spec"], change.after["spec"]) == ({"port": 8080}, {"port": 8081})
    assert "status" not in change.before


def test_another_chart_version_alone_is_an_upgrade() -> None:
    result = plan(deployed(version="0.0.9"), DESIRED, DESIRED, in_cluster(DESIRED))
    assert (result.action, names(result)) == ("upgrade", ["update release stalwart"])


def test_a_field_that_the_chart_no_longer_gives_is_shown_as_removed() -> None:
    stored = [obj("Service", "web", port=8080, extra="x")]
    desired = [obj("Service", "web", port=8080)]
    result = plan(deployed(), stored, desired, in_cluster(stored))
    change = result.plan.changes[1]
    assert (change.before["spec"], change.after["spec"]) == ({"port": 8080, "extra": "x"}, {"port": 8080})


def test_an_object_that_the_chart_no_longer_renders_is_deleted() -> None:
    result = plan(deployed(), DESIRED, DESIRED[:1], in_cluster(DESIRED))
    assert (result.action, names(result)) == ("upgrade", ["update release stalwart", "delete ConfigMap config"])
    gone = plan(deployed(), DESIRED, DESIRED[:1], in_cluster(DESIRED[:1]))
    assert names(gone) == ["update release stalwart"]


def test_an_object_deleted_behind_helm_is_reapplied() -> None:
    result = plan(deployed(), DESIRED, DESIRED, in_cluster(DESIRED[1:]))
    assert (result.action, names(result)) == ("reapply", ["create Service web"])
    written = result.reapply[0]
    assert written["metadata"]["annotations"]["meta.helm.sh/release-name"] == "stalwart"


def test_an_object_edited_behind_helm_is_reapplied() -> None:
    live = in_cluster(DESIRED)
    live["Service", "web"]["spec"] = {"port": 9}
    result = plan(deployed(), DESIRED, DESIRED, live)
    assert (result.action, names(result)) == ("reapply", ["update Service web"])
    change = result.plan.changes[0]
    assert (change.before["spec"], change.after["spec"]) == ({"port": 9}, {"port": 8080})


def test_drift_that_equals_what_is_asked_for_needs_only_helm_s_record() -> None:
    desired = [obj("Service", "web", port=8081)]
    result = plan(deployed(), DESIRED[:1], desired, in_cluster(desired))
    assert (result.action, names(result)) == ("upgrade", ["update release stalwart"])


def test_an_immutable_change_stops_before_helm_fails() -> None:
    old = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"}, "spec": {"serviceName": "a"}}
    new = {**old, "spec": {"serviceName": "b"}}
    with pytest.raises(Failure) as caught:
        plan(deployed(), [old], [new], in_cluster([old]))
    assert caught.value.code == "conflict"
    assert "spec.serviceName" in caught.value.message
    assert "--cascade=orphan" in caught.value.hint


def test_a_secret_s_values_are_in_no_diff() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "Y2FuYXJ5"}}
    live = in_cluster([secret])
    live["Secret", "s"]["data"] = {"k": "b2xkLWNhbmFyeQ=="}
    for result in (plan(None, [], [secret], {}), plan(deployed(), [secret], [secret], live)):
        assert result.plan.changed
        assert "Y2FuYXJ5" not in str(result.plan.diff())
        assert "b2xkLWNhbmFyeQ" not in str(result.plan.diff())


def test_the_marker_differs_at_every_upgrade() -> None:
    first, again = marker(DESIRED, deployed()), marker(DESIRED, Release("stalwart", 3, "failed", "c", "1", ""))
    assert first != again
    assert marker(DESIRED, None).endswith("-1")
    assert first == marker(copy.deepcopy(DESIRED), deployed())


def test_offline_without_helm_the_values_speak() -> None:
    result = plan_offline(CHART, "stalwart", "n", [], {"replicas": 1})
    assert (result.action, names(result)) == ("install", ["create release stalwart"])
    assert result.plan.changes[0].after["values"] == {"replicas": 1}


LABELS = {"app.kubernetes.io/managed-by": "tenantmail"}


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        (None, "create Namespace tenant-acme"),
        (
            {"metadata": {"name": "tenant-acme", "labels": {**LABELS, "kubernetes.io/metadata.name": "tenant-acme"}}},
            "None",
        ),
        ({"metadata": {"name": "tenant-acme"}}, "update Namespace tenant-acme"),
        (
            {"metadata": {"name": "tenant-acme", "labels": {"app.kubernetes.io/managed-by": "x"}}},
            "update Namespace tenant-acme",
        ),
    ],
)
def test_namespace(current: dict[str, Any] | None, expected: str) -> None:
    change = plan_namespace("tenant-acme", LABELS, current)
    assert str(change) == expected
    planned = plan(deployed(), DESIRED, DESIRED, in_cluster(DESIRED)).within(change)
    assert planned.plan.changed is (expected != "None")
    assert (planned.namespace is None) is (expected == "None")


def test_a_namespace_that_is_being_deleted_stops() -> None:
    with pytest.raises(Failure) as caught:
        plan_namespace("tenant-acme", {}, {"metadata": {"name": "tenant-acme"}, "status": {"phase": "Terminating"}})
    assert caught.value.code == "not_ready"
