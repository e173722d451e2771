from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.readiness import (
    SecretCheck,
    pod_waiting,
    rollout,
    stale,
    unsynced,
)


def statefulset(**status: Any) -> dict[str, Any]:
    complete = {"observedGeneration": 2, "updateRevision": "r2", "currentRevision": "r2", "readyReplicas": 1}
    return {
        "metadata": {"name": "stalwart", "generation": 2},
        "spec": {"replicas": 1},
        "status": {**complete, **status},
    }


def pod(
    ready: bool = True, revision: str = "r2", container: dict[str, Any] | None = None, **metadata: Any
) -> dict[str, Any]:
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": {"name": "stalwart-0", "labels": {"controller-revision-hash": revision}, **metadata},
        "spec": {
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-stalwart-0"}}, {"name": "tmp"}]
        },
        "status": {"phase": "Running", "conditions": conditions, "containerStatuses": [container] if container else []},
    }


def waiting(reason: str, message: str = "", restarts: int = 0, **more: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"image": "repo/stalwart:v0.16.18", "restartCount": restarts, "ready": False, "state": state, **more}


def test_ready() -> None:
    assert rollout(statefulset(), [pod()]) is None


RUNNING = {"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
CRASH = {"lastState": {"terminated": {"reason": "Error", "exitCode": 1}}}


@pytest.mark.parametrize(
    ("status", "pods", "says", "hopeless"),
    [
        ({}, [], "has 0 of 1 pods", False),
        ({"observedGeneration": 1}, [pod()], "previous revision is being replaced", False),
        ({}, [pod(revision="r1")], "previous revision is being replaced", False),
        ({}, [pod(deletionTimestamp="2026-01-01T00:00:00Z")], "being replaced", False),
        ({"readyReplicas": 0}, [pod()], "0 of 1 ready pods", False),
        ({"currentRevision": "r1"}, [pod()], "ready pods", False),
        ({}, [pod(False)], "does not answer its probe yet", False),
        ({}, [pod(False, container=waiting("ContainerCreating"))], "is being started", False),
        ({}, [pod(False, container=waiting("ImagePullBackOff", "not found"))], "cannot pull the image repo/stalwart:v0.16.18: not found", False),
        ({}, [pod(False, container=waiting("InvalidImageName", "bad"))], "cannot pull the image", True),
        ({}, [pod(False, container=waiting("CreateContainerConfigError", 'secret "stalwart-admin" not found'))], 'secret "stalwart-admin" not found', False),
        ({}, [pod(False, container=waiting("CrashLoopBackOff", "", 1, **CRASH))], "crashes (restarts: 1, last exit: Error, code 1)", False),
        ({}, [pod(False, container=waiting("CrashLoopBackOff", "", 5, **CRASH))], "crashes (restarts: 5", True),
        ({}, [pod(False, container=waiting("", "", 4, **CRASH, **RUNNING))], "crashes (restarts: 4, last exit: Error, code 1)", False),
        ({}, [pod(False, container=waiting("ContainerCreating", "", 4, **CRASH))], "crashes (restarts: 4", False),
        ({}, [pod(False, revision="r1", container=waiting("CrashLoopBackOff", "", 5, **CRASH))], "is of the previous revision and is being replaced", False),
        ({}, [pod(False, revision="r1", container=waiting("InvalidImageName", "bad"))], "cannot pull the image", False),
        ({"observedGeneration": 1}, [pod(False, container=waiting("CrashLoopBackOff", "", 5, **CRASH))], "crashes (restarts: 5", False),
        ({}, [pod(False, container=waiting("RunContainerError", "exec format error"))], "exec format error", True),
    ],
)  # fmt: skip
def test_what_is_waited_for(status: dict[str, Any], pods: list[dict[str, Any]], says: str, hopeless: bool) -> None:
    found = rollout(statefulset(**status), pods)
    assert found is not None
    assert says in found.what
    assert found.hopeless is hopeless


@pytest.mark.parametrize(
    ("status", "says", "with_log"),
    [
        ({"phase": "Failed", "message": "The node was low on memory"}, "failed: The node was low on memory", True),
        ({"phase": "Failed", "reason": "Evicted"}, "failed: Evicted", True),
        ({"phase": "Failed"}, "failed: no reason given", True),
        ({"phase": "Pending"}, "is being started", False),
        ({}, "is being started", False),
    ],
)
def test_a_pod_without_containers_tells_its_phase(status: dict[str, Any], says: str, with_log: bool) -> None:
    found = pod_waiting({"metadata": {"name": "stalwart-0"}, "status": status})
    assert found is not None
    assert found.what == f"pod stalwart-0 {says}"
    assert (found.pod == "stalwart-0") is with_log


def test_a_pod_without_a_node_names_its_claims() -> None:
    unscheduled = pod(False)
    unscheduled["status"]["conditions"] = [
        {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available: pod has unbound claims."}
    ]
    found = pod_waiting(unscheduled)
    assert found is not None
    assert "is not scheduled: 0/1 nodes are available" in found.what
    assert found.claims == ("data-stalwart-0",)


@pytest.mark.parametrize(
    ("external", "says"),
    [
        (None, "there is no ExternalSecret stalwart-admin"),
        ({}, "has not looked at it yet"),
        (
            {"status": {"conditions": [{"type": "Ready", "status": "False", "message": "could not get secret data"}]}},
            "not synced: could not get secret data",
        ),
    ],
)
def test_external_secret(external: dict[str, Any] | None, says: str) -> None:
    found = unsynced("stalwart-admin", external)
    assert found is not None
    assert says in found.what


def test_a_path_that_nobody_seeded_is_named() -> None:
    external = {
        "spec": {"data": [{"remoteRef": {"key": "sovereign/omantel.test/stalwart/acme/admin"}}]},
        "status": {
            "conditions": [{"type": "Ready", "status": "False", "message": "could not get secret data from provider"}]
        },
    }
    found = unsynced("stalwart-admin", external)
    assert found is not None
    assert found.what == (
        "the ExternalSecret stalwart-admin (path sovereign/omantel.test/stalwart/acme/admin) is not synced: "
        "could not get secret data from provider"
    )


def test_synced_external_secret() -> None:
    assert unsynced("x", {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}) is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"ADMIN_PASSWORD": base64.b64encode(b"canary-value").decode()}, False),
        ({"ADMIN_PASSWORD": base64.b64encode(b"other-value").decode()}, True),
        ({"OTHER": "eA=="}, True),
        ({"ADMIN_PASSWORD": "!"}, True),
        (None, True),
    ],
)
def test_stale(data: dict[str, str] | None, expected: bool) -> None:
    assert stale(SecretCheck("stalwart-admin", "ADMIN_PASSWORD", "canary-value"), {"data": data}) is expected


def test_the_value_is_not_in_the_check_s_text() -> None:
    assert "canary" not in repr(SecretCheck("stalwart-admin", "ADMIN_PASSWORD", "canary-value"))
