"""What is rendered, judged by a real API server and its admission: a server-side dry run in namespaces of each PodSecurity level."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sandbox import facts
from tests.sandbox.errors import SandboxError

from .conftest import Manifest
from .test_incidents import CONTEXTS, pods

pytestmark = pytest.mark.sandbox
LEVEL = "pod-security.kubernetes.io/enforce"
LEVELS = ("baseline", "restricted")


@pytest.fixture(scope="module")
def namespaces() -> Iterator[dict[str, str]]:
    """By level."""
    names = {level: f"admission-{level}" for level in LEVELS}
    made = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {LEVEL: level}}}
        for level, name in names.items()
    ]
    facts.kubernetes("apply", "--server-side", "--field-manager=test", "-f", "-", stdin=listed(made))
    try:
        for name in names.values():
            facts.kubernetes("wait", "--for=create", "serviceaccount/default", "-n", name, "--timeout=30s")
        yield names
    finally:
        facts.kubernetes("delete", "namespace", *names.values(), "--wait=false")


def listed(objects: list[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def dry_run(namespace: str, objects: list[dict[str, Any]]) -> None:
    """kubectl's own way; it fails at a refusal or a kind that is not served, and warns of what a later API server would refuse."""
    facts.kubernetes(
        "apply", "--server-side", "--dry-run=server", "--validate=strict", "--warnings-as-errors",
        "-n", namespace, "-f", "-", stdin=listed(objects),
    )  # fmt: skip


def pod(name: str, namespace: str, spec: dict[str, Any]) -> dict[str, Any]:
    """As a StatefulSet's controller would make it, with its claim."""
    spec = {key: value for key, value in spec.items() if key != "serviceAccountName"}
    spec["volumes"] = [*spec.get("volumes", []), {"name": "data", "emptyDir": {}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_object_is_admitted(render: Callable[..., Manifest], namespaces: dict[str, str], context: str) -> None:
    """Levels are about pods alone, so one of them will do."""
    namespace = namespaces["restricted"]
    manifest = render(CONTEXTS[context])
    assert {"StatefulSet", "Service", "NetworkPolicy"} <= {kind for kind, _name in manifest}
    dry_run(namespace, [{**obj, "metadata": {**obj["metadata"], "namespace": namespace}} for obj in manifest.values()])


@pytest.mark.parametrize("level", LEVELS)
def test_every_pod_is_admitted(render: Callable[..., Manifest], namespaces: dict[str, str], level: str) -> None:
    made = [
        pod(re.sub(r"[^a-z0-9]+", "-", f"{context}-{name}".lower()), namespaces[level], spec)
        for context, values in CONTEXTS.items()
        for name, spec in pods(render(values))
    ]
    assert len(made) > len(CONTEXTS), "the Job's is missing"
    dry_run(namespaces[level], made)


@pytest.mark.parametrize("level", LEVELS)
def test_the_namespace_does_refuse(render: Callable[..., Manifest], namespaces: dict[str, str], level: str) -> None:
    """Or the test above would prove nothing."""
    spec = {**render().pod, "hostPID": True}
    with pytest.raises(SandboxError, match=f'violates PodSecurity "{level}:'):
        dry_run(namespaces[level], [pod("pod", namespaces[level], spec)])
