from __future__ import annotations

import base64
import socket
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import ready_task
from kubernetes_cluster import Cluster

PASSWORD = "canary-of-the-admin"
SPACE = "/namespaces/tenant-acme"
LABELS = {"app.kubernetes.io/instance": "stalwart"}
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
SECRET = f"/api/v1{SPACE}/secrets/stalwart-admin"
EXTERNAL = f"/apis/external-secrets.io/v1{SPACE}/externalsecrets/stalwart-admin"
STATEFULSET = f"/apis/apps/v1{SPACE}/statefulsets/stalwart"
POD = f"/api/v1{SPACE}/pods/stalwart-0"


def working() -> dict[str, dict[str, Any]]:
    return {
        SECRET: {
            "metadata": {"name": "stalwart-admin"},
            "data": {"ADMIN_PASSWORD": base64.b64encode(PASSWORD.encode()).decode()},
        },
        EXTERNAL: {"metadata": {"name": "stalwart-admin", "labels": LABELS}, "status": READY},
        STATEFULSET: {
            "metadata": {"name": "stalwart", "generation": 1},
            "spec": {"replicas": 1},
            "status": {"observedGeneration": 1, "updateRevision": "r", "currentRevision": "r", "readyReplicas": 1},
        },
        POD: {
            "metadata": {"name": "stalwart-0", "labels": {**LABELS, "controller-revision-hash": "r"}},
            "status": {"phase": "Running", **READY},
        },
    }


class World:
    """The cluster, the server behind its port-forwards, and the clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cluster = Cluster(working())
        self.greeting = b"220 mail.acme.test Stalwart ESMTP\r\n"
        self.session: Failure | None = None
        self.credentials: list[dict[str, Any]] = []
        self.now = 0.0
        #: Called with the seconds passed at each pause: how a test lets things happen.
        self.at_pause: Any = lambda seconds: None
        monkeypatch.setattr(ready_task, "connect", lambda connection: self.cluster)
        monkeypatch.setattr(ready_task, "PodFinder", lambda *args: args)
        monkeypatch.setattr(ready_task, "PortForward", lambda *args: self)
        monkeypatch.setattr(ready_task, "connect_server", self.connect_server)
        monkeypatch.setattr(ready_task.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(ready_task.time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.at_pause(self.now)

    def open(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        theirs.sendall(self.greeting)
        theirs.close()
        return ours

    def connect_server(self, params: dict[str, Any]) -> Any:
        self.credentials.append(params)
        world = self

        class Connection:
            cluster = None
            closed = False

            class http:
                requests = 1

                @staticmethod
                def request(method: str, path: str) -> None:
                    assert (method, path) == ("GET", "/jmap/session")
                    if world.session:
                        raise world.session

            def close(self) -> None:
                self.closed = True

        return Connection()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def run(**changes: Any) -> dict[str, Any]:
    given = {
        "connection": {"kubeconfig": "/k"},
        "namespace": "tenant-acme",
        "release": "stalwart",
        "secrets": [
            {"name": "stalwart-admin", "property": "ADMIN_PASSWORD", "value": PASSWORD, "read_at_start": False}
        ],
        "admin": {"username": "admin", "password": PASSWORD},
        "external_secrets_api_version": "external-secrets.io/v1",
        "on_stale": "wait",
        "on_outdated": "fail",
        "timeout": 30,
        **changes,
    }
    return ready_task.run(given, check_mode=False)


def test_everything_works(world: World) -> None:
    result = run()
    assert result["ready"] is True
    assert result["changed"] is False
    assert result["proven"] == ["1 Secrets equal OpenBao", "StatefulSet ready", "SMTP banner", "admin session"]
    assert world.now == 0
    assert world.cluster.writes == []
    assert world.credentials[0]["kubernetes"] == {
        "kubeconfig": "/k",
        "namespace": "tenant-acme",
        "service": "stalwart-web",
        "port": "http",
    }


def test_the_pod_of_the_chart_s_job_is_not_the_server_s(world: World) -> None:
    labels = {**LABELS, "app.kubernetes.io/component": "setup"}
    pod = {"metadata": {"name": "stalwart-setup-x", "labels": labels}, "status": {"phase": "Succeeded"}}
    world.cluster.put(POD.replace("stalwart-0", "stalwart-setup-x"), pod)
    assert run()["ready"] is True


def test_only_what_is_asked_for(world: World) -> None:
    assert run(secrets=[], admin=None)["proven"] == ["StatefulSet ready", "SMTP banner"]
    assert world.credentials == []


def test_waits_until_it_works(world: World) -> None:
    pod = world.cluster.objects.pop(POD)

    def appear(seconds: float) -> None:
        if seconds >= 3:
            world.cluster.put(POD, pod)

    world.at_pause = appear
    assert run()["ready"] is True
    assert world.now == 3


def not_ready(world: World, **changes: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        run(**changes)
    assert PASSWORD not in caught.value.sentence
    return caught.value


def test_the_deadline_ends_with_what_is_waited_for(world: World) -> None:
    del world.cluster.objects[POD]
    failure = not_ready(world, timeout=5)
    assert (failure.layer, failure.code) == ("kubernetes", "not_ready")
    assert "not ready after 5 s: StatefulSet stalwart has 0 of 1 pods" in failure.message


def test_what_time_does_not_mend_fails_at_once(world: World) -> None:
    del world.cluster.objects[STATEFULSET]
    assert "there is no StatefulSet" in not_ready(world).message
    assert world.now == 0


def test_a_crash_is_told_with_its_last_words(world: World) -> None:
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    last = {"terminated": {"reason": "Error", "exitCode": 1}}
    world.cluster.objects[POD]["status"] = {
        "containerStatuses": [{"restartCount": 4, "state": state, "lastState": last}]
    }

    def text(path: str, params: dict[str, str]) -> str:
        assert path == f"{POD}/log"
        return f"started\nfatal: password is {PASSWORD}, and no store\n\n"

    world.cluster.text = text  # type: ignore[attr-defined]
    failure = not_ready(world)
    assert "crashes (restarts: 4" in failure.message
    assert "its last log line: fatal:" in failure.message


def test_a_corrected_release_outlives_the_pod_that_it_replaces(world: World) -> None:
    """Its controller needs a moment to delete the pod of the broken revision."""
    corrected = world.cluster.objects[POD]
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    broken = {"containerStatuses": [{"restartCount": 4, "state": state, "lastState": {"terminated": {"exitCode": 1}}}]}
    labels = {**LABELS, "controller-revision-hash": "broken"}
    world.cluster.put(POD, {"metadata": {"name": "stalwart-0", "labels": labels}, "status": broken})

    def replace(seconds: float) -> None:
        if seconds >= 3:
            world.cluster.put(POD, corrected)

    world.at_pause = replace
    assert run()["ready"] is True
    assert world.now == 3


def test_a_log_that_cannot_be_read_hides_nothing(world: World) -> None:
    def refuse(path: str, params: dict[str, str]) -> str:
        raise Failure("kubernetes", "forbidden", "no logs for you.")

    world.cluster.text = refuse  # type: ignore[attr-defined]
    world.cluster.objects[POD]["status"] = {"phase": "Running"}
    assert not_ready(world, timeout=0).message.endswith("does not answer its probe yet.")


def test_a_claim_without_a_volume_is_told_by_its_event(world: World) -> None:
    world.cluster.objects[POD]["spec"] = {"volumes": [{"persistentVolumeClaim": {"claimName": "data-stalwart-0"}}]}
    world.cluster.objects[POD]["status"] = {
        "conditions": [{"type": "PodScheduled", "status": "False", "message": "unbound claims"}]
    }
    events = [{"lastTimestamp": "2", "message": "no volume left"}, {"lastTimestamp": "1", "message": "older"}]
    world.cluster.objects[f"/api/v1{SPACE}/events"] = {"items": events}
    assert "volume claim data-stalwart-0: no volume left" in not_ready(world, timeout=0).message


def test_a_pod_that_is_not_made_is_told_by_the_statefulset_s_event(world: World) -> None:
    del world.cluster.objects[POD]
    message = (
        'create Pod stalwart-0 in StatefulSet stalwart failed error: pods "stalwart-0" is forbidden: exceeded quota'
    )
    world.cluster.objects[f"/api/v1{SPACE}/events"] = {"items": [{"lastTimestamp": "1", "message": message}]}
    assert f"StatefulSet stalwart has 0 of 1 pods: {message}." in not_ready(world, timeout=0).message


def test_a_stale_secret_is_reported_at_once_when_asked(world: World) -> None:
    world.cluster.objects[SECRET]["data"]["ADMIN_PASSWORD"] = base64.b64encode(b"canary-of-before").decode()
    result = run(on_stale="report")
    assert (result["ready"], result["stale"], result["proven"]) == (False, ["stalwart-admin"], [])
    assert world.now == 0
    assert world.credentials == [], "the admin is not tried with a password that the pod cannot have"


def test_a_stale_secret_is_waited_for_otherwise(world: World) -> None:
    world.cluster.objects[SECRET]["data"]["ADMIN_PASSWORD"] = base64.b64encode(b"canary-of-before").decode()
    failure = not_ready(world, timeout=2)
    assert "the Secret stalwart-admin does not hold OpenBao's value yet" in failure.message
    assert "canary-of-before" not in failure.sentence


def test_a_secret_that_is_not_there_yet_is_not_stale_but_unsynced(world: World) -> None:
    del world.cluster.objects[SECRET]
    world.cluster.objects[EXTERNAL]["status"] = {
        "conditions": [{"type": "Ready", "status": "False", "message": "could not get secret data"}]
    }
    failure = not_ready(world, on_stale="report", timeout=1)
    assert "ExternalSecret stalwart-admin is not synced: could not get secret data" in failure.message


def test_a_secret_that_was_deleted_is_to_be_read_again(world: World) -> None:
    """Its ExternalSecret says that it was synced, and it was."""
    del world.cluster.objects[SECRET]
    assert run(on_stale="report")["stale"] == ["stalwart-admin"]
    assert "Secret stalwart-admin does not hold OpenBao's value yet" in not_ready(world, timeout=1).message


@pytest.mark.parametrize("greeting", [b"554 no service\r\n", b"", b"\xff\xfe\n"], ids=["refused", "nothing", "noise"])
def test_another_greeting(world: World, greeting: bytes) -> None:
    world.greeting = greeting
    assert "instead of 220" in not_ready(world, timeout=1).message


def test_a_port_that_does_not_answer_is_waited_for(world: World) -> None:
    def refuse() -> socket.socket:
        raise ConnectionRefusedError

    world.open = refuse  # type: ignore[method-assign]
    assert "port 25 of stalwart-smtp does not answer" in not_ready(world, timeout=1).message


def test_a_refused_admin_stops_at_once(world: World) -> None:
    world.session = Failure("stalwart", "unauthorized", "GET /jmap/session: HTTP 401.")
    failure = not_ready(world)
    assert (failure.layer, failure.code) == ("stalwart", "unauthorized")
    assert "kubectl delete pod" in failure.hint
    assert world.now == 0, "the server counts failed logins"


def test_a_refused_admin_is_a_pod_to_restart_when_asked(world: World) -> None:
    world.session = Failure("stalwart", "unauthorized", "GET /jmap/session: HTTP 401.")
    result = run(on_outdated="report")
    assert (result["ready"], result["outdated"], result["stale"], result["proven"]) == (False, True, [], [])
    assert world.now == 0


def test_a_refusal_by_the_cluster_is_no_pod_to_restart(world: World) -> None:
    def refuse(path: str, params: Any = None) -> None:
        raise Failure("kubernetes", "unauthorized", f"GET {path}: HTTP 401.")

    world.cluster.find = refuse  # type: ignore[method-assign,assignment]  # this one cluster only refuses
    assert not_ready(world, on_outdated="report").layer == "kubernetes"


def test_a_server_that_has_only_just_started_is_waited_for(world: World) -> None:
    world.session = Failure("stalwart", "unreachable", "GET /jmap/session: refused.")
    world.at_pause = lambda seconds: setattr(world, "session", None)
    assert run()["ready"] is True
    assert world.now == 1
    assert len(world.credentials) == 1, "one connection is kept"


def test_a_short_value_is_refused_by_name(world: World) -> None:
    with pytest.raises(Failure) as caught:
        run(secrets=[{"name": "stalwart-admin", "property": "ADMIN_PASSWORD", "value": "short"}])
    assert caught.value.code == "invalid_value"
    assert "stalwart-admin.ADMIN_PASSWORD" in caught.value.message
    assert world.cluster.log == []


@pytest.fixture
def at_start(world: World) -> dict[str, Any]:
    """The admin's Secret as one that is read at the start; it changed a second before the container started."""
    fields = [
        {"time": "2026-11-30T17:00:09Z", "fieldsV1": {"f:data": {}}},
        {"time": "2026-11-30T18:00:00Z", "fieldsV1": {"f:metadata": {}}},
    ]
    world.cluster.objects[SECRET]["metadata"]["managedFields"] = fields
    started = {"name": "stalwart", "ready": True, "state": {"running": {"startedAt": "2026-11-30T17:00:10Z"}}}
    world.cluster.objects[POD]["status"]["containerStatuses"] = [started]
    return {
        "secrets": [{"name": "stalwart-admin", "property": "ADMIN_PASSWORD", "value": PASSWORD, "read_at_start": True}]
    }


def test_a_pod_that_is_younger_than_its_secret_has_read_it(world: World, at_start: dict[str, Any]) -> None:
    assert run(**at_start)["ready"] is True


def test_a_pod_that_is_older_than_its_secret_is_to_be_restarted(world: World, at_start: dict[str, Any]) -> None:
    world.cluster.objects[SECRET]["metadata"]["managedFields"][0]["time"] = "2026-11-30T17:00:11Z"
    assert run()["ready"] is True, "not one of those that are read at the start only"
    assert run(**at_start, on_outdated="report")["outdated"] is True
    failure = not_ready(world, **at_start)
    assert "since before the Secret stalwart-admin changed" in failure.message
    assert "kubectl delete pod" in failure.hint
