from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.recreation import (
    fixed_fields,
    pod_names,
    stray_pods,
)

TEMPLATE = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "20Gi"}}}}
STATEFULSET: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "stalwart"},
    "spec": {"selector": {"matchLabels": {"app": "x"}}, "replicas": 1, "volumeClaimTemplates": [TEMPLATE]},
}
#: The same as an API server keeps it.
KEPT = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data", "creationTimestamp": None},
    "spec": {"resources": {"requests": {"storage": "20480Mi"}}, "volumeMode": "Filesystem"},
    "status": {"phase": "Pending"},
}


def held(**changes: Any) -> dict[str, Any]:
    spec = {**STATEFULSET["spec"], "volumeClaimTemplates": [KEPT], "podManagementPolicy": "OrderedReady", **changes}
    return {**STATEFULSET, "spec": spec}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"replicas": 2, "template": {"x": 1}}, []),
        ({"serviceName": "h"}, ["spec.serviceName"]),
        ({"selector": {"matchLabels": {"app": "x", "more": "y"}}}, ["spec.selector"]),
        ({"selector": {"matchLabels": {}}}, ["spec.selector"]),
        ({"podManagementPolicy": "Parallel"}, ["spec.podManagementPolicy"]),
        ({"volumeClaimTemplates": [{**KEPT, "metadata": {"name": "data", "labels": {"v": "1"}}}]}, ["spec.volumeClaimTemplates"]),
        ({"volumeClaimTemplates": [{**KEPT, "spec": {**KEPT["spec"], "volumeMode": "Block"}}]}, ["spec.volumeClaimTemplates"]),
        ({"volumeClaimTemplates": []}, ["spec.volumeClaimTemplates"]),
    ],
)  # fmt: skip
def test_what_the_api_server_adds_is_no_difference_and_everything_else_is(
    changes: dict[str, Any], fields: list[str]
) -> None:
    assert fixed_fields(STATEFULSET, held(**changes)) == fields


def pod(labels: dict[str, str], **owner: Any) -> dict[str, Any]:
    owners = [{"controller": True, **owner}] if owner else []
    return {"metadata": {"name": "stalwart-0", "labels": labels, "ownerReferences": owners}}


def test_a_pod_that_is_selected_stays() -> None:
    assert stray_pods(STATEFULSET, [pod({"app": "x", "more": "y"})], "n") == []


@pytest.mark.parametrize("owner", [{}, {"kind": "StatefulSet", "name": "stalwart"}], ids=["orphan", "the old one's"])
def test_a_pod_that_is_not_selected_would_keep_its_name_from_the_new_one(owner: dict[str, str]) -> None:
    ((change, step),) = stray_pods(STATEFULSET, [pod({"app": "old"}, **owner)], "n")
    assert str(change) == "delete Pod stalwart-0"
    assert step.definition == {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stalwart-0", "namespace": "n"}}


def test_somebody_else_s_pod_is_left_alone() -> None:
    with pytest.raises(Failure, match="belongs to DaemonSet agent"):
        stray_pods(STATEFULSET, [pod({"app": "old"}, kind="DaemonSet", name="agent")], "n")


def test_names() -> None:
    assert pod_names(STATEFULSET) == ["stalwart-0"]
