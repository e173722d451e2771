from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.plan import (
    ReleasePlan,
    marker,
    plan_namespace,
    plan_offline,
    plan_release,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.release import Release
from kubernetes_plans import CHART, DESIRED, deployed, in_cluster, names, obj, plan


def test_nothing_to_do() -> None:
    result = plan(deployed(), DESIRED, copy.deepcopy(DESIRED), in_cluster(DESIRED))
    assert (result.action, names(result), result.reapply) == ("none", [], ())


def test_install() -> None:
    result = plan(None, [], DESIRED, {})
    assert (result.action, result.prepare) == ("install", ())
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


def statefulset(size: str = "20Gi", name: str = "s", claim: str = "data", **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"name": claim}, "spec": {"resources": {"requests": {"storage": size}}}}
    full = {"selector": {"matchLabels": {"app": "x"}}, "volumeClaimTemplates": [template], **spec}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": full}


def claim(size: str = "20Gi", **spec: Any) -> dict[str, Any]:
    metadata = {"name": "data-s-0", "namespace": "n"}
    return {"metadata": metadata, "spec": {"resources": {"requests": {"storage": size}}, **spec}}


def plan_with(old: dict[str, Any], new: dict[str, Any], **more: Any) -> ReleasePlan:
    return plan_release(CHART, "stalwart", "n", deployed(), [old], [new], in_cluster([old]), **more)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"serviceName": "a"}, {"serviceName": "b"}),
        ({"podManagementPolicy": "OrderedReady"}, {"podManagementPolicy": "Parallel"}),
        ({"selector": {"matchLabels": {"app": "x", "version": "1"}}}, {}),
    ],
)
def test_a_change_that_is_never_made_in_place_is_a_recreation_without_what_is_owned(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    result = plan_with(statefulset(**old), statefulset(**new), claims={"data-s-0": claim()})
    assert (result.action, names(result)) == ("recreate", ["update release stalwart", "recreate StatefulSet s"])
    (step,) = result.prepare
    assert (step.state, step.propagation) == ("absent", "Orphan")
    assert step.definition["metadata"] == {"name": "s", "namespace": "n"}
    assert [obj["metadata"]["name"] for obj in result.new_statefulsets] == ["s"]
    change = result.plan.changes[1]
    assert list(change.before["spec"]) == list(change.after["spec"]), "the diff shows the fields that are in the way"


def test_labels_of_a_version_in_a_claim_s_template_need_a_recreation() -> None:
    """The original chart's: they change with every version, and Helm would replace the whole list."""
    old = statefulset()
    old["spec"]["volumeClaimTemplates"][0]["metadata"]["labels"] = {"helm.sh/chart": "bp-stalwart-tenant-0.1.2"}
    result = plan_with(old, statefulset())
    assert (result.action, names(result)) == ("recreate", ["update release stalwart", "recreate StatefulSet s"])


def test_what_others_add_to_it_needs_none_as_long_as_nothing_is_written() -> None:
    live = in_cluster([statefulset()])
    live["StatefulSet", "s"]["spec"]["volumeClaimTemplates"][0]["metadata"] = {"name": "data", "labels": {"x": "y"}}
    assert plan(deployed(), [statefulset()], [statefulset()], live).action == "none"
    assert plan(deployed(version="0.0.9"), [statefulset()], [statefulset()], live).action == "recreate"


def test_an_edited_field_that_cannot_be_changed_back_goes_through_helm() -> None:
    live = in_cluster([statefulset(serviceName="edited")])
    result = plan(deployed(), [statefulset(serviceName="a")], [statefulset(serviceName="a")], live)
    assert (result.action, names(result)) == ("recreate", ["update release stalwart", "recreate StatefulSet s"])


@pytest.mark.parametrize(
    ("old", "new", "live", "recreated"),
    [
        ({"clusterIP": "None"}, {}, "None", True),
        ({}, {"clusterIP": "None"}, "10.96.0.9", True),
        ({"clusterIP": "10.96.0.9"}, {"clusterIP": "10.96.0.10"}, "10.96.0.9", True),
        ({"clusterIP": "10.96.0.9"}, {}, "10.96.0.9", False),
        ({"clusterIP": "None"}, {"clusterIP": "None"}, "None", False),
    ],
)
def test_a_service_s_cluster_address(old: dict[str, Any], new: dict[str, Any], live: str, recreated: bool) -> None:
    stored, desired = obj("Service", "web", port=1, **old), obj("Service", "web", port=2, **new)
    held = in_cluster([stored])
    held["Service", "web"]["spec"]["clusterIP"] = live
    result = plan(deployed(), [stored], [desired], held)
    assert result.action == ("recreate" if recreated else "upgrade")
    assert [step.propagation for step in result.prepare] == (["Background"] if recreated else [])


def test_a_volume_grows_before_its_statefulset_is_made_anew() -> None:
    result = plan_with(statefulset(), statefulset("30Gi"), claims={"data-s-0": claim()})
    assert names(result) == [
        "update release stalwart",
        "update PersistentVolumeClaim data-s-0",
        "recreate StatefulSet s",
    ]
    assert [step.state for step in result.prepare] == ["present", "absent"]
    assert result.prepare[0].definition["spec"] == {"resources": {"requests": {"storage": "30Gi"}}}


def test_a_volume_that_did_not_grow_yet_is_found_again() -> None:
    """A run that ended between the two steps, or a volume that outlived its release."""
    new = statefulset("30Gi")
    result = plan(deployed(), [new], [new], in_cluster([new]))
    assert result.action == "none"
    again = plan_with(new, new, claims={"data-s-0": claim()})
    assert (again.action, names(again)) == ("reapply", ["update PersistentVolumeClaim data-s-0"])
    adopted = plan_release(CHART, "stalwart", "n", None, [], [new], {}, {"data-s-0": claim()})
    assert (adopted.action, [step.state for step in adopted.prepare]) == ("install", ["present"])


@pytest.mark.parametrize("larger", ["20Gi", "50Gi"])
def test_a_volume_that_is_larger_than_asked_for_stays(larger: str) -> None:
    held = {"data-s-0": claim(larger)}
    assert plan_with(statefulset(), statefulset(), claims=held).action == "none"
    assert plan_release(CHART, "stalwart", "n", None, [], [statefulset()], {}, held).action == "install"


@pytest.mark.parametrize(
    ("old", "new", "has", "says"),
    [
        (statefulset(), statefulset("10Gi"), claim(), "data-s-0 would shrink from 20Gi to 10Gi"),
        (statefulset(), statefulset(claim="mail"), claim(), "leave its volume(s) data-s-0 behind"),
        (statefulset(), statefulset(name="t"), claim(), "remove StatefulSet s and leave its volume(s) data-s-0 behind"),
        (statefulset("1Gi"), statefulset(), claim(accessModes=["ReadWriteMany"]), None),
    ],
)
def test_no_change_puts_mail_out_of_reach(
    old: dict[str, Any], new: dict[str, Any], has: dict[str, Any], says: str | None
) -> None:
    if says is None:
        new["spec"]["volumeClaimTemplates"][0]["spec"]["accessModes"] = ["ReadWriteOnce"]
        says = "data-s-0 has accessModes ['ReadWriteMany'], which cannot become ['ReadWriteOnce']"
    with pytest.raises(Failure) as caught:
        plan_with(old, new, claims={"data-s-0": has})
    assert caught.value.code == "conflict"
    assert says in caught.value.message
    assert caught.value.hint


def test_the_class_of_a_volume_is_compared_with_what_the_default_class_gave_it() -> None:
    new = statefulset()
    new["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = "fast"
    assert plan_with(statefulset(), new, claims={"data-s-0": claim(storageClassName="fast")}).action == "recreate"
    with pytest.raises(Failure, match="storageClassName 'slow', which cannot become 'fast'"):
        plan_with(statefulset(), new, claims={"data-s-0": claim(storageClassName="slow")})


def pending_install() -> Release:
    return Release("stalwart", 1, "pending-install", "bp-stalwart-tenant", "0.1.0", "")


def test_a_stuck_install_is_recovered_over_what_it_left() -> None:
    left = in_cluster(DESIRED[:1])
    result = plan_release(CHART, "stalwart", "n", None, [], DESIRED, left, {}, [(pending_install(), DESIRED)])
    assert (result.action, names(result)) == (
        "recover",
        ["create release stalwart", "delete release revision stalwart 1", "create ConfigMap config"],
    )
    assert result.prepare[0].definition["metadata"] == {"name": "sh.helm.release.v1.stalwart.v1", "namespace": "n"}


def test_a_stuck_upgrade_goes_on_from_the_last_finished_revision_and_takes_back_what_only_it_wrote() -> None:
    stuck = Release("stalwart", 3, "pending-upgrade", "bp-stalwart-tenant", "0.1.0", "")
    only_there = obj("ConfigMap", "half-done")
    left = in_cluster([*DESIRED, only_there])
    result = plan_release(
        CHART, "stalwart", "n", deployed(), DESIRED, DESIRED, left, {}, [(stuck, [*DESIRED, only_there])]
    )
    assert (result.action, names(result)) == (
        "recover",
        ["update release stalwart", "delete release revision stalwart 3", "delete ConfigMap half-done"],
    )
    assert result.plan.changes[0].after["revision"] == 3
    assert [step.definition["kind"] for step in result.prepare] == ["Secret", "ConfigMap"]


def test_what_only_a_failed_revision_wrote_is_taken_back() -> None:
    """Helm's next upgrade starts from the last revision that succeeded, which knows nothing of it."""
    result = plan(
        deployed("failed"), [*DESIRED, obj("ConfigMap", "odd")], DESIRED, in_cluster([obj("ConfigMap", "odd")])
    )
    assert result.action == "recover"
    assert [step.definition["metadata"]["name"] for step in result.prepare] == ["odd"]
    assert names(result).count("delete ConfigMap odd") == 1


@pytest.mark.parametrize(
    ("marks", "whose"),
    [
        ({}, "no release"),
        ({"meta.helm.sh/release-name": "other", "meta.helm.sh/release-namespace": "n"}, "the release other"),
    ],
)
def test_helm_would_refuse_what_is_somebody_else_s(marks: dict[str, str], whose: str) -> None:
    live = {("Service", "web"): {"metadata": {"name": "web", "annotations": marks}, "spec": {"port": 8080}}}
    with pytest.raises(Failure, match=f"Service web in n exists and belongs to {whose}") as caught:
        plan(None, [], DESIRED, live)
    assert caught.value.code == "conflict"


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
