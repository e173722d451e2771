from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import dry_run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.recreation import Step, deletion
from kubernetes_cluster import Cluster

CORE, APPS = "/api/v1/namespaces/n", "/apis/apps/v1/namespaces/n"
SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"type": "ClusterIP"},
}
POD = {
    "containers": [{"name": "c", "resources": {"limits": {"cpu": "1"}}}],
    "serviceAccountName": "new",
    "volumes": [{"name": "tmp"}],
}
STATEFULSET: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "s"},
    "spec": {
        "template": {"metadata": {"labels": {"app": "x"}}, "spec": POD},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}}],
    },
}  # fmt: skip


def check(
    cluster: Cluster,
    written: list[dict[str, Any]],
    live: dict[Any, Any] | None = None,
    stored: dict[Any, Any] | None = None,
    steps: list[Step] | None = None,
    claims: dict[str, Any] | None = None,
) -> list[str]:
    return dry_run.check(cluster, "n", written, live or {}, stored or {}, steps or [], claims or {})


def asked(cluster: Cluster) -> list[tuple[str, str]]:
    return [(method, path) for method, path, _body in cluster.dry_runs]


def test_new_objects_their_volume_and_their_pod() -> None:
    cluster = Cluster()
    assert check(cluster, [SERVICE, STATEFULSET]) == []
    assert asked(cluster) == [
        ("POST", f"{CORE}/services"),
        ("POST", f"{APPS}/statefulsets"),
        ("POST", f"{CORE}/persistentvolumeclaims"),
        ("POST", f"{CORE}/pods"),
    ]
    claim, pod = (body for _method, _path, body in cluster.dry_runs[2:])
    assert claim["metadata"] == {"name": "data-s-0"}
    assert pod["metadata"] == {"labels": {"app": "x"}, "generateName": "s-"}
    assert "serviceAccountName" not in pod["spec"], "it may be as new as the pod"
    assert pod["spec"]["volumes"] == [
        {"name": "tmp"},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-s-0"}},
    ]
    assert cluster.writes == []


def test_an_object_that_is_there_is_patched_and_one_that_is_recreated_stands_under_another_name() -> None:
    cluster = Cluster({f"{CORE}/services/web": SERVICE, f"{CORE}/persistentvolumeclaims/data-s-0": {}})
    old = {**SERVICE, "spec": {"type": "LoadBalancer", "externalIPs": ["192.0.2.1"]}}
    growth = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-s-0"}, "spec": {"x": 1}}
    check(
        cluster,
        [SERVICE, STATEFULSET],
        {("Service", "web"): old, ("StatefulSet", "s"): STATEFULSET},
        {("Service", "web"): old},
        [Step("present", growth), deletion(STATEFULSET, "n", "Orphan")],
        {"data-s-0": {}},
    )
    assert asked(cluster) == [
        ("PATCH", f"{CORE}/persistentvolumeclaims/data-s-0"),
        ("PATCH", f"{CORE}/services/web"),
        ("POST", f"{APPS}/statefulsets"),
        ("POST", f"{CORE}/pods"),
    ]
    assert cluster.dry_runs[1][2]["spec"] == {"type": "ClusterIP", "externalIPs": None}
    assert cluster.dry_runs[2][2]["metadata"] == {"generateName": "s-"}


def refused(code: str, message: str, path: str = f"{CORE}/pods", **more: Any) -> Failure:
    cluster = Cluster()
    cluster.refuses[path] = Failure("kubernetes", code, f"POST https://k:6443{path}?dryRun=All: {message}.")
    with pytest.raises(Failure) as caught:
        check(cluster, [SERVICE, STATEFULSET], **more)
    return caught.value


@pytest.mark.parametrize(
    ("code", "message", "says"),
    [
        ("forbidden", 'pods "s-abc" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
         'Pod s-0 in n: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true).'),
        ("forbidden", 'pods "s-abc" is forbidden: maximum cpu usage per Container is 500m, but limit is 1',
         "Pod s-0 in n: maximum cpu usage per Container is 500m, but limit is 1."),
        ("forbidden", 'pods "s-abc" is forbidden: exceeded quota: q, requested: limits.cpu=1, used: limits.cpu=0, limited: limits.cpu=500m',
         "Pod s-0 in n: exceeded quota: q"),
        ("invalid_value", 'Pod "s-abc" is invalid: spec.containers[0].image: Required value', "spec.containers[0].image: Required value"),
    ],
)  # fmt: skip
def test_what_the_cluster_would_refuse_is_said_before_anything_is_written(code: str, message: str, says: str) -> None:
    failure = refused(code, message)
    assert (failure.layer, failure.code) == ("kubernetes", "invalid_value")
    assert says in failure.message
    assert "tenant_resources" in failure.hint


def test_an_object_that_is_somebody_else_s() -> None:
    failure = refused("conflict", 'services "web" already exists', f"{CORE}/services")
    assert failure.code == "conflict"
    assert 'Service web in n: services "web" already exists.' in failure.message


def test_a_failure_of_the_cluster_is_no_refusal() -> None:
    assert refused("server_error", "failed calling webhook").code == "server_error"


@pytest.mark.parametrize(
    ("code", "message", "note"),
    [
        ("forbidden", 'pods is forbidden: User "p" cannot create resource "pods" in API group "" in the namespace "n"',
         "whether the cluster takes Pod s-0 (create pods is not granted)"),
        ("invalid_value", 'admission webhook "w" does not support dry run', "whether the cluster takes Pod s-0 (a webhook there knows no dry run)"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_noted(code: str, message: str, note: str) -> None:
    cluster = Cluster()
    cluster.refuses[f"{CORE}/pods"] = Failure("kubernetes", code, f"POST x: {message}.")
    assert check(cluster, [STATEFULSET]) == [note]


QUOTA = "exceeded quota: q, requested: {}, used: {}, limited: {}."


@pytest.mark.parametrize(
    ("requested", "used", "hard", "fits"),
    [
        ("limits.cpu=1", "limits.cpu=1", "limits.cpu=1", True),
        ("limits.cpu=2", "limits.cpu=1", "limits.cpu=1500m", False),
        ("limits.cpu=2,pods=1", "limits.cpu=1,pods=1", "limits.cpu=2,pods=1", True),
        ("pods=1", "pods=2", "pods=1", False),
        ("memory=1Gi", "memory=512Mi", "memory=1Gi", False),
    ],
)
def test_the_pod_that_is_replaced_makes_room(requested: str, used: str, hard: str, fits: bool) -> None:
    message = QUOTA.format(requested, used, hard)
    live = {("StatefulSet", "s"): STATEFULSET}
    cluster = Cluster({f"{APPS}/statefulsets/s": STATEFULSET})
    cluster.refuses[f"{CORE}/pods"] = Failure("kubernetes", "forbidden", f"POST x: pods is forbidden: {message}")
    if fits:
        assert check(cluster, [STATEFULSET], live) == []
    else:
        with pytest.raises(Failure, match="exceeded quota"):
            check(cluster, [STATEFULSET], live)


BALANCED: dict[str, Any] = {
    **SERVICE,
    "spec": {"type": "LoadBalancer", "ports": [{"port": 25, "nodePort": 30025}, {"port": 465}]},
}


@pytest.mark.parametrize(
    ("obj", "path", "requested", "used", "hard", "fits"),
    [
        (STATEFULSET, f"{APPS}/statefulsets", "count/statefulsets.apps=1", "count/statefulsets.apps=1", "count/statefulsets.apps=1", True),
        (STATEFULSET, f"{APPS}/statefulsets", "count/statefulsets.apps=1", "count/statefulsets.apps=2", "count/statefulsets.apps=1", False),
        (BALANCED, f"{CORE}/services", "count/services=1", "count/services=4", "count/services=4", True),
        (BALANCED, f"{CORE}/services", "services=1,services.loadbalancers=1", "services=4,services.loadbalancers=2", "services=4,services.loadbalancers=2", True),
        (BALANCED, f"{CORE}/services", "services.nodeports=1", "services.nodeports=1", "services.nodeports=1", True),
        (BALANCED, f"{CORE}/services", "services.nodeports=2", "services.nodeports=1", "services.nodeports=1", False),
        (SERVICE, f"{CORE}/services", "services.loadbalancers=1", "services.loadbalancers=2", "services.loadbalancers=2", False),
    ],
)  # fmt: skip
def test_what_is_deleted_first_makes_room_for_what_is_written_anew(
    obj: dict[str, Any], path: str, requested: str, used: str, hard: str, fits: bool
) -> None:
    """Both are never there at the same time, unlike in the dry run."""
    key = (obj["kind"], obj["metadata"]["name"])
    cluster = Cluster({f"{path}/{obj['metadata']['name']}": obj})
    message = f"POST x: {path.rpartition('/')[2]} is forbidden: {QUOTA.format(requested, used, hard)}"
    cluster.refuses[path] = Failure("kubernetes", "forbidden", message)

    def recreate() -> list[str]:
        return check(cluster, [obj], {key: obj}, steps=[deletion(obj, "n")], claims={"data-s-0": {}})

    if fits:
        assert recreate() == []
    else:
        with pytest.raises(Failure, match="exceeded quota"):
            recreate()


def test_a_new_object_takes_nobody_s_place() -> None:
    cluster = Cluster()
    message = "POST x: services is forbidden: " + QUOTA.format("services=1", "services=1", "services=1")
    cluster.refuses[f"{CORE}/services"] = Failure("kubernetes", "forbidden", message)
    with pytest.raises(Failure, match="exceeded quota"):
        check(cluster, [SERVICE])


def test_another_refusal_is_not_about_a_quota() -> None:
    assert dry_run.fits_when_replaced("maximum cpu usage per Container is 500m", {"pods": 1}) is None
