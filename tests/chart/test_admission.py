"""What is rendered, judged by a real API server and its admission: a server-side dry run in namespaces of each PodSecurity level."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sandbox import facts
from tests.sandbox.errors import SandboxError

from .conftest import Manifest
from .test_incidents import CONTEXTS, pods

pytestmark = pytest.mark.sandbox
LEVEL = "pod-security.kubernetes.io/enforce"


@pytest.fixture(scope="module", params=["baseline", "restricted"])
def namespace(request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"admission-{request.param}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {LEVEL: request.param}}}
    facts.kubernetes("apply", "--server-side", "--field-manager=test", "-f", "-", stdin=json.dumps(body))
    facts.kubernetes("wait", "--for=create", "serviceaccount/default", "-n", name, "--timeout=30s")
    try:
        yield name
    finally:
        facts.kubernetes("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def served() -> set[str]:
    """The API versions of this cluster."""
    return set(facts.kubernetes("api-versions").split())


def dry_run(namespace: str, objects: list[dict[str, Any]]) -> None:
    """kubectl's own way; it fails at the first refusal, and warns of what a later API server would refuse."""
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    facts.kubernetes(
        "apply", "--server-side", "--dry-run=server", "--validate=strict", "--warnings-as-errors",
        "-n", namespace, "-f", "-", stdin=body,
    )  # fmt: skip


def placed(obj: dict[str, Any], namespace: str) -> dict[str, Any]:
    return {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_object_and_every_pod_is_admitted(
    render: Callable[..., Manifest], namespace: str, served: set[str], context: str
) -> None:
    manifest = render(CONTEXTS[context])
    objects = [placed(obj, namespace) for obj in manifest.values() if obj["apiVersion"] in served]
    assert {"StatefulSet", "Service", "NetworkPolicy"} <= {obj["kind"] for obj in objects}
    dry_run(namespace, objects)
    made = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"pod-{number}", "namespace": namespace},
            "spec": {key: value for key, value in spec.items() if key != "serviceAccountName"}
            | {"volumes": [*spec.get("volumes", []), {"name": "data", "emptyDir": {}}]},
        }
        for number, (_name, spec) in enumerate(pods(manifest))
    ]
    dry_run(namespace, made)


def test_the_namespace_does_refuse(render: Callable[..., Manifest], namespace: str) -> None:
    """Or the test above would prove nothing."""
    spec = {**render().pod, "hostNetwork": True, "volumes": [{"name": "data", "emptyDir": {}}]}
    spec.pop("serviceAccountName")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "namespace": namespace}, "spec": spec}
    with pytest.raises(SandboxError, match=r"violates PodSecurity|is invalid"):
        dry_run(namespace, [pod])
