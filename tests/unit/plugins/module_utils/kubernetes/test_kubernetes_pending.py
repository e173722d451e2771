from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import pending
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.release import UNFINISHED, Release
from kubernetes_cluster import Cluster

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.timezone.utc)
OURS = "AWX job 7"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/n/leases/tenantmail-provisioning"


def revision(number: int, status: str, *, ours: bool = False, minutes: float = 0) -> Release:
    created = NOW - datetime.timedelta(minutes=minutes)
    return Release("stalwart", number, status, "c", "1", "", ours, created)


def lock(holder: str, minutes: float = 1) -> dict[str, dict[str, Any]]:
    renewed = (NOW - datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": 900}
    return {LEASE: {"metadata": {}, "spec": spec}}


def test_the_last_finished_revision_is_never_given_up() -> None:
    kept, stuck = pending.split([revision(1, "superseded"), revision(2, "deployed"), revision(3, "pending-upgrade")])
    assert kept is not None
    assert (kept.revision, [release.revision for release in stuck]) == (2, [3])
    found = [step.definition["metadata"]["name"] for _change, step in pending.recovery(stuck, "n")]
    assert found == ["sh.helm.release.v1.stalwart.v3"]


@pytest.mark.parametrize(
    ("statuses", "kept", "stuck"),
    [
        ([], None, []),
        (["pending-install"], None, [1]),
        (["deployed"], 1, []),
        (["failed", "pending-rollback"], 1, [2]),
        (["uninstalling"], None, [1]),
        (["superseded", "uninstalling"], 1, [2]),
        (["uninstalled", "uninstalling"], None, [2]),
        (["uninstalled", "pending-install"], None, [2]),
        (["pending-upgrade", "deployed"], 2, []),
    ],
)
def test_split(statuses: list[str], kept: int | None, stuck: list[int]) -> None:
    found, unfinished = pending.split([revision(n, status) for n, status in enumerate(statuses, 1)])
    assert (found.revision if found else None) == kept
    assert [release.revision for release in unfinished] == stuck


def busy(objects: dict[str, Any], release: Release) -> Failure:
    with pytest.raises(Failure) as caught:
        pending.refuse_busy(Cluster(objects), "n", [release], OURS, NOW)
    return caught.value


@pytest.mark.parametrize("status", sorted(UNFINISHED))
def test_another_run_of_ours_is_not_disturbed(status: str) -> None:
    failure = busy(lock("somebody@elsewhere pidns 1 pid 1"), revision(3, status, ours=True, minutes=600))
    assert failure.code == "locked"
    assert "somebody@elsewhere" in failure.message


@pytest.mark.parametrize("objects", [{}, lock(""), lock("x@y pidns 1 pid 1", minutes=16), lock(OURS)])
def test_what_a_run_of_ours_left_behind_is_stuck_as_soon_as_nobody_else_holds_the_lock(objects: dict[str, Any]) -> None:
    cluster = Cluster(objects)
    pending.refuse_busy(cluster, "n", [revision(3, "pending-upgrade", ours=True)], OURS, NOW)
    assert cluster.requests == 1


def test_a_helm_that_knows_no_lock_is_given_time() -> None:
    failure = busy({}, revision(3, "pending-upgrade", minutes=2))
    assert failure.code == "not_ready"
    assert "has been writing it since 11:58:00 UTC" in failure.message
    assert "run again after 12:13:00 UTC" in failure.hint
    assert "sh.helm.release.v1.stalwart.v3" in failure.hint
    pending.refuse_busy(Cluster(), "n", [revision(3, "pending-upgrade", minutes=16)], OURS, NOW)
