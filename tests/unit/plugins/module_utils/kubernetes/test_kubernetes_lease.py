from __future__ import annotations

import datetime
import os
import subprocess
import sys
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import lock_task
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.lease import Lock, abandoned, body, parse
from kubernetes_cluster import Cluster

START = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.timezone.utc)
PATH = "/apis/coordination.k8s.io/v1/namespaces/tenant-acme/leases/lock"


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime.datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += datetime.timedelta(seconds=seconds)


def lock(cluster: Cluster, clock: Clock, holder: str = "a@host pid 1", namespace: str = "tenant-acme") -> Lock:
    return Lock(cluster, namespace, "lock", holder, 900, clock)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_take_keep_renew_release(cluster: Cluster, clock: Clock) -> None:
    mine = lock(cluster, clock)
    assert mine.hold() == "taken"
    clock.forward(60)
    assert mine.hold() == "held"
    assert [method for method, _ in cluster.writes] == ["POST"], "a lock that is fresh is not written again"
    clock.forward(300)
    assert mine.hold() == "renewed"
    spec = cluster.objects[PATH]["spec"]
    assert (spec["acquireTime"], spec["renewTime"]) == ("2026-11-23T12:00:00.000000Z", "2026-11-23T12:06:00.000000Z")
    assert spec["leaseTransitions"] == 0
    assert mine.release() == "released"
    assert "holderIdentity" not in cluster.objects[PATH]["spec"]
    assert mine.release() == "not_held"


def test_a_released_lock_is_taken_by_the_next(cluster: Cluster, clock: Clock) -> None:
    first = lock(cluster, clock)
    first.hold()
    first.release()
    assert lock(cluster, clock, "b@host pid 2").hold() == "taken"
    assert cluster.objects[PATH]["spec"]["leaseTransitions"] == 1


def test_somebody_else_s_lock_is_refused_with_its_holder(cluster: Cluster, clock: Clock) -> None:
    lock(cluster, clock).hold()
    other = lock(cluster, clock, "b@other pid 2")
    clock.forward(899)
    with pytest.raises(Failure) as caught:
        other.hold()
    assert caught.value.code == "locked"
    assert "a@host pid 1" in caught.value.message
    assert "12:15:00 UTC" in caught.value.message
    assert other.release() == "not_held"
    assert parse(cluster.objects[PATH]).holder == "a@host pid 1"


def test_a_stale_lock_is_taken_over(cluster: Cluster, clock: Clock) -> None:
    lock(cluster, clock).hold()
    clock.forward(900)
    assert lock(cluster, clock, "b@other pid 2").hold() == "taken"
    spec = cluster.objects[PATH]["spec"]
    assert (spec["holderIdentity"], spec["acquireTime"]) == ("b@other pid 2", "2026-11-23T12:15:00.000000Z")


@pytest.mark.parametrize("stale", [False, True], ids=["create", "take over"])
def test_two_at_once_one_gets_it(cluster: Cluster, clock: Clock, stale: bool) -> None:
    if stale:
        lock(cluster, clock, "dead@elsewhere pid 9").hold()
        clock.forward(901)
    cluster.before_write = lambda: lock(cluster, clock, "faster@host pid 3").hold()
    with pytest.raises(Failure) as caught:
        lock(cluster, clock).hold()
    assert caught.value.code == "locked"
    assert "faster@host pid 3" in caught.value.message


def test_release_does_not_take_a_lock_from_its_new_holder(cluster: Cluster, clock: Clock) -> None:
    mine = lock(cluster, clock)
    mine.hold()
    stolen = body("lock", "tenant-acme", "b@other pid 2", 900, clock(), None)
    cluster.before_write = lambda: cluster.put(PATH, stolen)
    assert mine.release() == "not_held"
    assert parse(cluster.objects[PATH]).holder == "b@other pid 2"


def test_a_missing_namespace_is_named(cluster: Cluster, clock: Clock) -> None:
    with pytest.raises(Failure) as caught:
        lock(cluster, clock, namespace="tenant-beta").hold()
    assert caught.value.code == "not_found"
    assert "tenant-beta" in caught.value.message


@pytest.mark.parametrize(
    "spec",
    [None, {}, {"holderIdentity": "x"}, {"holderIdentity": "x", "renewTime": "soon", "leaseDurationSeconds": 900}],
    ids=["no spec", "empty", "no time", "no valid time"],
)
def test_what_is_no_lease_belongs_to_nobody(cluster: Cluster, clock: Clock, spec: Any) -> None:
    cluster.put(PATH, {"metadata": {"name": "lock"}, **({"spec": spec} if spec is not None else {})})
    assert lock(cluster, clock).hold() == "taken"


def test_a_dead_process_of_this_machine_holds_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    dead = f"me@here pid {done.stdout.strip()}"
    mine = "me@here pid 1"
    assert abandoned(dead, mine)
    assert not abandoned(f"me@here pid {os.getpid()}", mine), "it lives"
    assert not abandoned(dead.replace("here", "there"), mine), "another machine's processes cannot be looked up"
    assert not abandoned("AWX job 7", "AWX job 8")
    assert not abandoned("me@here pid x", mine)


def parameters(**changes: Any) -> dict[str, Any]:
    given = {"connection": {}, "namespace": "tenant-acme", "state": "held", "name": "lock", "holder": None}
    return {**given, "duration": 900, **changes}


def test_no_request_in_check_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_task, "connect", lambda connection: pytest.fail("no connection is to be made"))
    result = lock_task.run(parameters(), check_mode=True)
    assert (result["changed"], result["lock"], result["requests"]) == (False, "none", 0)


def test_the_task_counts_and_is_never_changed(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    monkeypatch.setattr(lock_task, "connect", lambda connection: cluster)
    taken = lock_task.run(parameters(), check_mode=False)
    assert (taken["changed"], taken["lock"], taken["requests"]) == (False, "taken", 2)
    assert lock_task.run(parameters(state="released"), check_mode=False)["lock"] == "released"


def test_a_lock_that_cannot_be_given_back_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise Failure("kubernetes", "unreachable", "no answer.")

    down = Cluster()
    down.find = refuse  # type: ignore[method-assign,assignment]
    monkeypatch.setattr(lock_task, "connect", lambda connection: down)
    result = lock_task.run(parameters(state="released"), check_mode=False)
    assert result["lock"] == "unknown"
    assert "no answer" in result["warnings"][0]
    with pytest.raises(Failure):
        lock_task.run(parameters(), check_mode=False)


def test_who_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lock_task.this_run({"awx_job_id": 12}) == "AWX job 12"
    assert lock_task.this_run({"tower_job_id": 13}) == "AWX job 13"
    assert lock_task.this_run({}).endswith(f" pid {os.getppid()}")

    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr(lock_task.getpass, "getuser", nobody)
    assert lock_task.this_run().startswith("uid ")
