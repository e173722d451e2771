"""Why a release is not ready, asked of the cluster: what the kubelet and the scheduler really report becomes one sentence."""

from __future__ import annotations

import json
from typing import Any, Iterator

import pytest

from tests import playbook
from tests.sandbox import facts

from .conftest import kubernetes_json

pytestmark = pytest.mark.lifecycle

NAMESPACE = CLASS = "sandbox-readiness"
#: Seconds; enough for a crash, its restart, and the next crash.
TIMEOUT = 15
LAST_WORDS = "no store at /nowhere"
#: Never ready, so that between two crashes it is not taken for a server that works.
CRASHING = {
    "command": ["python3", "-c", f"import sys; print({LAST_WORDS!r}, flush=True); sys.exit(3)"],
    "readinessProbe": {"exec": {"command": ["false"]}},
}
#: By the name of the release: the reason that has to be named, and what of it.
REASONS = {
    "untagged": ("pod untagged-0 cannot pull the image localhost/stalwart:no-such-tag: ",),
    "unbound": (
        "pod unbound-0 is not scheduled: ",
        "unbound immediate PersistentVolumeClaims",
        "; volume claim data-unbound-0: ",
    ),
    "unplaced": ("pod unplaced-0 is not scheduled: ", "didn't match Pod's node affinity/selector"),
    "crashing": (
        "pod crashing-0 crashes (restarts: ",
        "last exit: Error, code 3)",
        f"; its last log line: {LAST_WORDS}.",
    ),
}


def statefulset(name: str, container: dict[str, Any], pod: dict[str, Any], **spec: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/instance": name}
    containers = [{"name": name, **container}]
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "serviceName": name,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": containers, **pod},
            },
            **spec,
        },
    }


def broken(image: str) -> list[dict[str, Any]]:
    """The releases: what makes each of them wait for ever."""
    here = {"image": image}
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": CLASS,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    mounted = {**here, "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    return [
        statefulset("untagged", {"image": "localhost/stalwart:no-such-tag"}, {}),
        statefulset("unbound", mounted, {}, volumeClaimTemplates=[claim]),
        statefulset("unplaced", here, {"nodeSelector": {"sandbox/no-such-label": "yes"}}),
        statefulset("crashing", {**here, **CRASHING}, {}),
    ]


@pytest.fixture(scope="module")
def releases() -> Iterator[None]:
    """The broken releases, in a namespace and with a StorageClass of their own."""
    image = kubernetes_json("get", "pod", "stalwart-0", "-n", "tenant-acme")["spec"]["containers"][0]["image"]
    storage = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": CLASS},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "Immediate",
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    items = [storage, namespace, *broken(image)]
    try:
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        facts.kubernetes("apply", "-f", "-", stdin=body)
        yield
    finally:
        facts.kubernetes("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait", "--timeout=60s")
        facts.kubernetes("delete", "storageclass", CLASS, "--ignore-not-found")


@pytest.fixture(scope="module")
def told(releases: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What release_ready says of each, all asked at the same time and with the rights of the playbooks."""
    folder = tmp_path_factory.mktemp("readiness")
    wait = {
        "tenantmail.stalwart.release_ready": {
            "connection": {"kubeconfig": str(facts.settings().provisioner_kubeconfig)},
            "namespace": NAMESPACE,
            "release": "{{ inventory_hostname }}",
            "timeout": TIMEOUT,
        }
    }
    keep = {"content": "{{ told | to_json }}", "dest": f"{folder}/{{{{ inventory_hostname }}}}.json", "mode": "0600"}
    tasks = [
        {
            "block": [wait],
            "rescue": [
                {"ansible.builtin.set_fact": {"told": "{{ ansible_failed_result }}"}},
                {"ansible.builtin.copy": keep},
            ],
        }
    ]
    done = playbook.run(
        folder,
        {"all": {"hosts": {name: {} for name in REASONS}, "vars": playbook.LOCAL}},
        [{"hosts": "all", "gather_facts": False, "tasks": tasks}],
        **playbook.own_settings(folder),
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in REASONS}


@pytest.mark.parametrize("name", REASONS)
def test_the_sentence_names_the_reason(told: dict[str, Any], name: str) -> None:
    failure = told[name]["failure"]
    assert (failure["layer"], failure["code"]) == ("kubernetes", "not_ready")
    message = failure["message"]
    assert message.startswith(f"release {name} in {NAMESPACE} is not ready after ")
    assert "\n" not in message
    for words in REASONS[name]:
        assert words in message
    assert failure["hint"]
