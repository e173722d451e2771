"""What stops a release stops it before anything is written, or is named by the run that meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.sandbox import facts
from tests.sandbox.process import wait_until

from . import helm
from .run import provision
from .tenant import Tenant, remove
from .test_parts import LAYERS

pytestmark = pytest.mark.lifecycle


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Tenant]:
    """A namespace with secrets and a realm, without a release."""
    found = Tenant("limited", 10, tmp_path)
    remove(found.slug)
    try:
        run = found.provision("--tags", "secrets,realm")
        assert run.status == 0, run.output[-4000:]
        yield found
    finally:
        remove(found.slug)


def test_what_the_namespace_would_refuse_is_said_before_helm(fresh: Tenant) -> None:
    def put(kind: str, **spec: Any) -> None:
        body = {"kind": kind, "metadata": {"name": "canary", "namespace": fresh.namespace}, "spec": spec}
        facts.kubernetes("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", **body}))

    def refused(says: str) -> None:
        mark = facts.mark()
        run = fresh.provision()
        assert run.status != 0
        assert "limited: FAILED at kubernetes (invalid_value)" in run.line("limited")
        assert says in run.line("limited")
        assert facts.counts(mark)["kubernetes"]["write"] == 0
        assert fresh.names("statefulset") == []

    put("LimitRange", limits=[{"type": "Container", "max": {"cpu": "500m"}}])
    refused("maximum cpu usage per Container is 500m, but limit is 1")
    facts.kubernetes("delete", "limitrange", "canary", "-n", fresh.namespace)
    put("LimitRange", limits=[{"type": "PersistentVolumeClaim", "max": {"storage": "10Gi"}}])
    refused("maximum storage usage per PersistentVolumeClaim is 10Gi")
    facts.kubernetes("delete", "limitrange", "canary", "-n", fresh.namespace)
    put("ResourceQuota", hard={"limits.memory": "512Mi"})
    wait_until(
        lambda: bool(fresh.object("resourcequota", "canary").get("status", {}).get("used")), "the quota", timeout=30
    )
    refused("exceeded quota: canary")
    # Enough for one pod: the one that is replaced later makes room for its successor.
    patch = json.dumps({"spec": {"hard": {"limits.memory": "1Gi", "pods": "1"}}})
    facts.kubernetes("patch", "resourcequota", "canary", "-n", fresh.namespace, "--type=merge", "--patch", patch)
    wait_until(
        lambda: fresh.object("resourcequota", "canary")["status"]["hard"].get("pods") == "1", "the quota", timeout=30
    )
    level = "pod-security.kubernetes.io/enforce=restricted"
    facts.kubernetes("label", "namespace", fresh.namespace, level, "--overwrite")
    run = fresh.provision()
    assert run.status == 0, run.output[-6000:]
    again = fresh.provision(extra={"tenant_resources": {"limits": {"cpu": "900m"}}})
    assert again.status == 0, again.output[-6000:]
    larger = fresh.provision(extra={"tenant_resources": {"limits": {"cpu": "900m", "memory": "2Gi"}}})
    assert "exceeded quota: canary" in larger.line("limited")


def test_a_listener_that_the_gateway_lacks_is_said_before_helm() -> None:
    def revision() -> str:
        return str(helm.record("tenant-acme")["metadata"]["name"])

    before, mark = revision(), facts.mark()
    values = {"gateway": {"parentRef": {"sectionName": "nowhere"}}}
    run = provision("--limit", "acme", "--tags", "chart", extra={"tenant_chart_values": values})
    assert run.status != 0
    assert "acme: FAILED at kubernetes (invalid_value)" in run.line("acme")
    told = (
        "gateway.parentRef.sectionName = 'nowhere': the Gateway gateway/sandbox has no such listener (accepted: https)"
    )
    assert told in run.line("acme")
    assert sum(count["write"] for count in facts.counts(mark).values()) == 0
    assert revision() == before


@pytest.mark.usual
def test_a_path_that_nobody_seeded_is_named(fresh: Tenant) -> None:
    """The secrets layer is somebody else's, and the path was forgotten."""
    path = f"sovereign/{facts.platform_fqdn()}/stalwart/limited/forgotten"
    forgotten = {"admin": {"externalSecret": {"remoteRef": {"key": path}}}}
    others = [layer for layer in LAYERS if layer != "openbao"]
    mark = facts.mark()
    run = fresh.provision(extra={"tenant_overlay": forgotten, "tenant_layers": others})
    assert run.status != 0
    assert "limited: FAILED at openbao (not_converged)" in run.line("limited")
    assert f"secrets are missing: {path}#ADMIN_PASSWORD;" in run.line("limited")
    assert sum(count["write"] for count in facts.counts(mark).values()) == 0

    # Role chart by itself, whose ExternalSecret asks for that path.
    values = "{{ tenant_model.chart_values | combine(forgotten, recursive=true) }}"
    extra = {"forgotten": forgotten, "chart_values": values, "chart_timeout": 10}
    run = fresh.provision("--tags", "chart", extra=extra)
    assert run.status != 0
    assert "limited: FAILED at kubernetes (not_ready)" in run.line("limited")
    assert f"the ExternalSecret stalwart-admin (path {path}) is not synced: " in run.line("limited")
