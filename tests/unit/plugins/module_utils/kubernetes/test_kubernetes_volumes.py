from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.volumes import (
    check_expandable,
    claim_names,
    live_claims,
)
from kubernetes_cluster import Cluster

CLASS = "/apis/storage.k8s.io/v1/storageclasses/fast"
STATEFULSET: dict[str, Any] = {
    "kind": "StatefulSet",
    "metadata": {"name": "stalwart"},
    "spec": {"replicas": 2, "volumeClaimTemplates": [{"metadata": {"name": "data"}}]},
}


def claim(class_name: str | None = "fast") -> dict[str, Any]:
    spec: dict[str, Any] = {"resources": {"requests": {"storage": "20Gi"}}}
    return {"metadata": {"name": "c"}, "spec": {**spec, **({"storageClassName": class_name} if class_name else {})}}


def test_names_are_the_controller_s() -> None:
    assert list(claim_names(STATEFULSET)) == ["data-stalwart-0", "data-stalwart-1"]


def test_claims_are_found_by_name_whatever_their_labels() -> None:
    cluster = Cluster({"/api/v1/namespaces/n/persistentvolumeclaims/data-stalwart-1": claim()})
    assert list(live_claims(cluster, "n", [{"kind": "Service"}, STATEFULSET])) == ["data-stalwart-1"]
    assert cluster.requests == 2


def test_a_class_that_lets_its_volumes_grow() -> None:
    check_expandable(Cluster({CLASS: {"allowVolumeExpansion": True}}), ["c"], {"c": claim()})


@pytest.mark.parametrize(
    ("objects", "class_name", "says"),
    [
        ({CLASS: {}}, "fast", "StorageClass 'fast' does not let volumes grow"),
        ({}, "fast", "StorageClass 'fast' does not let volumes grow"),
        ({}, None, "it has no StorageClass"),
    ],
)
def test_a_volume_that_cannot_grow(objects: dict[str, Any], class_name: str | None, says: str) -> None:
    with pytest.raises(Failure) as caught:
        check_expandable(Cluster(objects), ["c"], {"c": claim(class_name)})
    assert caught.value.code == "conflict"
    assert f"the volume c has 20Gi and cannot grow: {says}." in caught.value.message
    assert "tenant_storage.size to 20Gi" in caught.value.hint


def test_a_class_that_may_not_be_read_is_left_to_the_dry_run() -> None:
    cluster = Cluster()

    def refuse(path: str, params: Any = None) -> None:
        raise Failure("kubernetes", "forbidden", f"GET {path}: HTTP 403.")

    cluster.find = refuse  # type: ignore[method-assign,assignment]  # this one cluster only refuses
    check_expandable(cluster, ["c"], {"c": claim()})
