"""What can happen to a release: each of these is repaired by one run, and the mail is there afterwards.

And what nobody may find anywhere: a secret.
"""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.sandbox import facts
from tests.sandbox.process import wait_until

from . import keycloak, older
from .conftest import kubernetes_json
from .older import Tenant
from .test_breaks import _with_status
from .test_third_tenant import secrets_of

pytestmark = pytest.mark.lifecycle

SLUG = "mended"


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """A tenant of its own; ``first`` is what its first run printed at the highest verbosity."""
    found = Tenant(SLUG, 7, tmp_path_factory.mktemp("inventory"))
    run = found.provision("-vvvv", "--diff")
    assert run.status == 0, run.output[-4000:]
    found.first = run.output
    try:
        yield found
    finally:
        found.remove()


@pytest.fixture(scope="module")
def mail(tenant: Tenant) -> Iterator[Any]:
    """Logs alice in and reads her inbox; she has one message, and it must stay."""
    realm = f"sme-{SLUG}"
    with keycloak.user(realm, "alice", tenant.domain), keycloak.client(realm, "probe"):

        def inbox(put: str | None = None) -> tuple[str, list[bytes]]:
            with tenant.imap() as client:
                older.bearer(client, f"alice@{tenant.domain}", keycloak.token(realm, "probe", "alice"))
                if put:
                    older.append(client, put)
                return older.inbox(client)

        kept = inbox("kept")
        yield lambda: inbox() == kept


@pytest.fixture(autouse=True)
def proven(tenant: Tenant, mail: Any) -> Iterator[None]:
    """Whatever a test did, its own run has repaired: the next one has nothing to do, and the mail is there."""
    volume = tenant.object("persistentvolumeclaim", "data-stalwart-0")["spec"]["volumeName"]
    yield
    assert tenant.provision("--tags", "chart").changed == {SLUG: 0}
    assert tenant.object("persistentvolumeclaim", "data-stalwart-0")["spec"]["volumeName"] == volume
    assert mail()


def repaired(tenant: Tenant, *shown: str) -> None:
    """A check run that shows what it would do and writes nothing, and then the run."""
    if shown:
        mark = facts.mark()
        check = tenant.provision("--check", "--diff", "--tags", "chart")
        assert check.status == 0, check.output[-4000:]
        assert facts.counts(mark)["kubernetes"]["write"] == 0
        for needle in shown:
            assert needle in check.output, f"the diff does not show {needle}"
    run = tenant.provision()
    assert run.status == 0, run.output[-6000:]


def record(tenant: Tenant) -> dict[str, Any]:
    """Helm's Secret of the newest revision."""
    found = kubernetes_json("get", "secret", "-n", tenant.namespace, "-l", "owner=helm,name=stalwart")["items"]
    return max(found, key=lambda item: int(item["metadata"]["labels"]["version"]))


def contents(secret: dict[str, Any]) -> dict[str, Any]:
    return json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))


def test_the_pod_is_deleted(tenant: Tenant) -> None:
    old = tenant.object("pod", "stalwart-0")["metadata"]["uid"]
    facts.kubernetes("delete", "pod", "stalwart-0", "-n", tenant.namespace, "--wait=false")
    repaired(tenant)
    assert tenant.object("pod", "stalwart-0")["metadata"]["uid"] != old


def test_a_secret_is_deleted(tenant: Tenant) -> None:
    before = tenant.object("secret", "stalwart-admin")
    facts.kubernetes("delete", "secret", "stalwart-admin", "-n", tenant.namespace)
    repaired(tenant)
    after = tenant.object("secret", "stalwart-admin")
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["data"] == before["data"], "the admin's password is OpenBao's, today as yesterday"


def test_a_secret_and_what_fills_it_are_deleted(tenant: Tenant) -> None:
    for kind in ("externalsecret", "secret"):
        facts.kubernetes("delete", kind, "stalwart-admin", "-n", tenant.namespace, "--ignore-not-found")
    repaired(tenant, "ExternalSecret stalwart-admin")
    assert tenant.object("secret", "stalwart-admin")["data"]["ADMIN_PASSWORD"]


def test_the_release_is_uninstalled(tenant: Tenant) -> None:
    tenant.helm("uninstall", "stalwart", "--wait")
    assert "data-stalwart-0" in tenant.names("persistentvolumeclaim")
    repaired(tenant, "release stalwart", "StatefulSet stalwart")


def test_helm_s_record_is_deleted(tenant: Tenant) -> None:
    facts.kubernetes("delete", "secret", "-n", tenant.namespace, "-l", "owner=helm,name=stalwart")
    repaired(tenant, "release stalwart")


def test_the_statefulset_is_deleted(tenant: Tenant) -> None:
    facts.kubernetes("delete", "statefulset", "stalwart", "-n", tenant.namespace)
    repaired(tenant, "StatefulSet stalwart")


def unfinished(tenant: Tenant, status: str, *, ours: bool = True) -> str:
    """The next revision's record, as a Helm that died while it wrote it left it; returns its name."""
    last = record(tenant)
    body = contents(last)
    number = body["version"] + 1 if status != "pending-install" else 1
    body["version"], body["info"]["status"] = number, status
    body["config"]["planMarker"] = f"canary-{number if ours else 0}"
    name = f"sh.helm.release.v1.stalwart.v{number}"
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(body).encode()))).decode()
    labels = {**last["metadata"]["labels"], "status": status, "version": str(number)}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": last["type"],
        "metadata": {"name": name, "namespace": tenant.namespace, "labels": labels},
        "data": {"release": packed},
    }
    if status == "pending-install":
        facts.kubernetes("delete", "secret", "-n", tenant.namespace, "-l", "owner=helm,name=stalwart")
    facts.kubernetes("create", "-f", "-", stdin=json.dumps(secret))
    return name


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback"])
def test_a_run_died_while_helm_was_writing(tenant: Tenant, status: str) -> None:
    pod = tenant.object("pod", "stalwart-0")["metadata"]["uid"]
    number = unfinished(tenant, status).rpartition(".v")[2]
    assert status in tenant.helm("status", "stalwart")
    repaired(tenant, f"release revision stalwart {number}")
    assert contents(record(tenant))["info"]["status"] == "deployed"
    assert tenant.object("pod", "stalwart-0")["metadata"]["uid"] == pod, "nothing but Helm's record was wrong"


def test_another_helm_that_may_still_be_writing_is_not_disturbed(tenant: Tenant) -> None:
    name = unfinished(tenant, "pending-upgrade", ours=False)
    run = tenant.provision()
    assert run.status != 0
    assert f"{SLUG}: FAILED at kubernetes (not_ready)" in run.line(SLUG)
    assert "another Helm has been writing it since" in run.line(SLUG)
    assert name in tenant.names("secret")
    facts.kubernetes("delete", "secret", name, "-n", tenant.namespace)


def test_a_failed_upgrade_leaves_something_behind(tenant: Tenant) -> None:
    """Helm starts the next upgrade from the last revision that succeeded: it would leave the object for ever."""
    odd = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "odd",
            "namespace": tenant.namespace,
            "labels": {"app.kubernetes.io/instance": "stalwart"},
        },
    }
    facts.kubernetes("create", "-f", "-", stdin=json.dumps(odd))
    last = record(tenant)
    body = contents(last)
    body["manifest"] += "---\n" + json.dumps(odd)
    last["data"]["release"] = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(body).encode()))).decode()
    broken = _with_status(last, "failed")
    broken["metadata"]["namespace"] = tenant.namespace
    facts.kubernetes("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(broken))
    repaired(tenant, "ConfigMap odd")
    assert "odd" not in tenant.names("configmap")


def test_the_volume_grows_upward_only_and_only_where_it_may(tenant: Tenant) -> None:
    """Last of all: a volume keeps its new size. The sandbox's class has nobody who would really grow it."""
    claim = tenant.object("persistentvolumeclaim", "data-stalwart-0")["metadata"]["uid"]
    pod = tenant.object("pod", "stalwart-0")["metadata"]["uid"]
    grown, smaller = ({"tenant_storage": {"size": size, "class": "sandbox-local"}} for size in ("21Gi", "19Gi"))

    def refused(variables: dict[str, Any], says: str) -> None:
        run = tenant.provision(extra=variables)
        assert run.status != 0
        assert f"{SLUG}: FAILED at kubernetes (conflict)" in run.line(SLUG)
        assert says in run.line(SLUG)
        assert tenant.object("statefulset", "stalwart")["status"]["readyReplicas"] == 1

    refused(grown, "has 20Gi and cannot grow: StorageClass 'sandbox-local'")
    refused(smaller, "would shrink from 20Gi to 19Gi")

    def growable(value: bool) -> None:
        patch = json.dumps({"allowVolumeExpansion": value})
        facts.kubernetes("patch", "storageclass", "sandbox-local", "--type=merge", "--patch", patch)

    growable(True)
    try:
        check = tenant.provision("--check", "--diff", "--tags", "chart", extra=grown)
        assert "PersistentVolumeClaim data-stalwart-0" in check.output
        assert "StatefulSet stalwart" in check.output
        run = tenant.provision(extra=grown)
    finally:
        growable(False)
    assert run.status == 0, run.output[-6000:]
    found = tenant.object("persistentvolumeclaim", "data-stalwart-0")
    assert (found["metadata"]["uid"], found["spec"]["resources"]["requests"]["storage"]) == (claim, "21Gi")
    assert tenant.object("pod", "stalwart-0")["metadata"]["uid"] == pod, "a pod that is selected goes on"
    tenant.variables.update(grown)


def test_no_secret_is_found_anywhere_but_where_it_belongs(tenant: Tenant) -> None:
    facts.kubernetes("delete", "externalsecret", "stalwart-admin", "-n", tenant.namespace)
    run = tenant.provision("-vvvv", "--diff")
    assert run.status == 0, run.output[-4000:]
    record_ = contents(record(tenant))
    events = kubernetes_json("get", "events", "-n", tenant.namespace)
    places = {
        "the first run's output": tenant.first,
        "a repair's output": run.output,
        "helm get values": tenant.helm("get", "values", "stalwart", "--all"),
        "helm get manifest": tenant.helm("get", "manifest", "stalwart"),
        "Helm's record": json.dumps(record_),
        "events": json.dumps(events),
        **{
            f"{kind}s": json.dumps(kubernetes_json("get", kind, "-n", tenant.namespace))
            for kind in ("configmap", "pod", "statefulset", "lease")
        },
        "the pod's log": facts.kubernetes("logs", "stalwart-0", "-n", tenant.namespace),
    }
    assert events["items"], "there have been events"
    secrets = secrets_of(SLUG)
    assert len(secrets) >= 7
    found = [
        (where, place)
        for where, value in secrets.items()
        for place, text in places.items()
        if value in text or base64.b64encode(value.encode()).decode() in text
    ]
    assert found == []


# --- what stops a release stops it before anything is written ------------------------------------------
@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Tenant]:
    """A namespace with secrets and a realm, without a release."""
    found = Tenant("limited", 10, tmp_path)
    run = found.provision("--tags", "secrets,realm")
    assert run.status == 0, run.output[-4000:]
    try:
        yield found
    finally:
        found.remove()


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


def test_a_path_that_nobody_seeded_is_named(fresh: Tenant) -> None:
    """The secrets layer is somebody else's, and the path was forgotten."""
    path = f"sovereign/{facts.platform_fqdn()}/stalwart/limited/admin"
    external = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "forgotten", "namespace": fresh.namespace},
        "spec": {
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": "openbao"},
            "target": {"name": "forgotten"},
            "data": [{"secretKey": "A", "remoteRef": {"key": f"{path}-forgotten", "property": "A"}}],
        },
    }
    facts.kubernetes("create", "-f", "-", stdin=json.dumps(external))

    def status() -> dict[str, Any]:
        return fresh.object("externalsecret", "forgotten").get("status", {})

    wait_until(lambda: bool(status().get("conditions")), "External Secrets", timeout=30)
    from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.readiness import unsynced

    waiting = unsynced("forgotten", fresh.object("externalsecret", "forgotten"))
    assert waiting is not None
    assert f"{path}-forgotten" in waiting.what
    assert "is not synced: " in waiting.what
