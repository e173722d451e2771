"""What can happen to a release: each of these is repaired by one run, and the mail is there afterwards."""

from __future__ import annotations

import datetime
import json
from typing import Any, Callable, Iterator

import pytest

from tests.sandbox import facts

from . import helm, keycloak, older
from .run import Run
from .tenant import Tenant, remove
from .test_third_tenant import found_in, secrets_of

pytestmark = pytest.mark.lifecycle

SLUG = "mended"
Mail = Callable[[], bool]


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    found = Tenant(SLUG, 7, tmp_path_factory.mktemp("inventory"))
    remove(SLUG)
    try:
        run = found.provision()
        assert run.status == 0, run.output[-4000:]
        yield found
    finally:
        remove(SLUG)


@pytest.fixture(scope="module")
def mail(tenant: Tenant) -> Iterator[Mail]:
    """Logs alice in and reads her inbox; she has one message, and it must stay."""
    with keycloak.user(tenant.realm, "alice", tenant.domain), keycloak.client(tenant.realm, "probe"):

        def inbox(put: str | None = None) -> tuple[str, list[bytes]]:
            with older.imap(tenant.address) as client:
                older.bearer(client, f"alice@{tenant.domain}", keycloak.token(tenant.realm, "probe", "alice"))
                if put:
                    older.append(client, put)
                return older.inbox(client)

        kept = inbox("kept")
        yield lambda: inbox() == kept


@pytest.fixture
def proven(tenant: Tenant, mail: Mail) -> Iterator[None]:
    """Whatever a test did, its own run has repaired: the next one has nothing to do, and the mail is there."""
    volume = tenant.object("persistentvolumeclaim", "data-stalwart-0")["spec"]["volumeName"]
    yield
    assert tenant.provision("--tags", "chart").changed == {SLUG: 0}
    assert tenant.object("persistentvolumeclaim", "data-stalwart-0")["spec"]["volumeName"] == volume
    assert mail()


def shows(tenant: Tenant, *needles: str) -> None:
    """A check run shows what a run would do, and writes nothing."""
    mark = facts.mark()
    check = tenant.provision("--check", "--diff", "--tags", "chart")
    assert check.status == 0, check.output[-4000:]
    assert facts.counts(mark)["kubernetes"]["write"] == 0
    for needle in needles:
        assert needle in check.output, f"the diff does not show {needle}"


def repaired(tenant: Tenant, *args: str) -> Run:
    run = tenant.provision(*args)
    assert run.status == 0, run.output[-6000:]
    return run


@pytest.mark.usefixtures("proven")
def test_the_pod_and_a_secret_are_deleted(tenant: Tenant) -> None:
    """Kubernetes and External Secrets make them anew; the run ends when it has seen that both are there and work."""
    pod, secret = tenant.object("pod", "stalwart-0"), tenant.object("secret", "stalwart-admin")
    facts.kubernetes("delete", "pod", "stalwart-0", "-n", tenant.namespace, "--wait=false")
    facts.kubernetes("delete", "secret", "stalwart-admin", "-n", tenant.namespace)
    line = repaired(tenant).line(SLUG)
    assert "Secrets equal OpenBao; StatefulSet ready; SMTP banner; admin session" in line
    assert tenant.object("pod", "stalwart-0")["metadata"]["uid"] != pod["metadata"]["uid"]
    after = tenant.object("secret", "stalwart-admin")
    assert after["metadata"]["uid"] != secret["metadata"]["uid"]
    assert after["data"] == secret["data"], "the admin's password is OpenBao's, today as yesterday"


@pytest.mark.usefixtures("proven")
def test_a_secret_and_what_fills_it_are_deleted_and_the_repair_tells_no_secret(tenant: Tenant) -> None:
    for kind in ("externalsecret", "secret"):
        facts.kubernetes("delete", kind, "stalwart-admin", "-n", tenant.namespace, "--ignore-not-found")
    shows(tenant, "ExternalSecret stalwart-admin")
    run = repaired(tenant, "-vvvv", "--diff")
    assert tenant.object("secret", "stalwart-admin")["data"]["ADMIN_PASSWORD"]
    assert found_in({"the repair's output": run.output}, secrets_of(SLUG)) == []


@pytest.mark.usual
@pytest.mark.usefixtures("proven")
def test_the_release_is_uninstalled(tenant: Tenant) -> None:
    helm.output(tenant.namespace, "uninstall", "stalwart", "--wait")
    assert "data-stalwart-0" in tenant.names("persistentvolumeclaim")
    shows(tenant, "release stalwart", "StatefulSet stalwart")
    repaired(tenant)


@pytest.mark.usefixtures("proven")
def test_helm_s_record_is_deleted(tenant: Tenant) -> None:
    facts.kubernetes("delete", "secret", "-n", tenant.namespace, "-l", "owner=helm,name=stalwart")
    shows(tenant, "release stalwart")
    repaired(tenant)


@pytest.mark.usefixtures("proven")
def test_the_statefulset_is_deleted(tenant: Tenant) -> None:
    facts.kubernetes("delete", "statefulset", "stalwart", "-n", tenant.namespace)
    shows(tenant, "StatefulSet stalwart")
    repaired(tenant)


def uninstalling(tenant: Tenant, began: datetime.timedelta) -> int:
    """The newest revision's record, as a ``helm uninstall`` that began some time ago left it; returns the revision."""
    last = helm.record(tenant.namespace)
    revision = helm.contents(last)
    deleted = datetime.datetime.now(datetime.timezone.utc) - began
    revision["info"] |= {"status": "uninstalling", "deleted": deleted.isoformat()}
    broken = json.dumps(helm.packed(last, revision))
    facts.kubernetes("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=broken)
    return int(revision["version"])


@pytest.mark.usefixtures("proven")
def test_an_uninstall_died_on_its_way(tenant: Tenant) -> None:
    number = uninstalling(tenant, datetime.timedelta(minutes=1))
    mark = facts.mark()
    busy = tenant.provision()
    assert f"{SLUG}: FAILED at kubernetes (not_ready)" in busy.line(SLUG)
    assert f"is uninstalling (revision {number})" in busy.line(SLUG)
    assert facts.counts(mark)["kubernetes"]["write"] == 0

    uninstalling(tenant, datetime.timedelta(hours=1))
    facts.kubernetes("delete", "service", "stalwart-imap", "-n", tenant.namespace)
    facts.kubernetes("delete", "statefulset", "stalwart", "-n", tenant.namespace)
    assert "uninstalling" in helm.output(tenant.namespace, "status", "stalwart")
    shows(tenant, f"release revision stalwart {number}", "Service stalwart-imap", "StatefulSet stalwart")
    repaired(tenant)
    assert helm.contents(helm.record(tenant.namespace))["info"]["status"] == "deployed"


def unfinished(tenant: Tenant, status: str, *, ours: bool = True) -> str:
    """The next revision's record, as a Helm that died while it wrote it left it; returns its name."""
    last = helm.record(tenant.namespace)
    revision = helm.contents(last)
    number = revision["version"] + 1 if status != "pending-install" else 1
    revision["version"], revision["info"]["status"] = number, status
    revision["config"]["planMarker"] = f"canary-{number if ours else 0}"
    secret = helm.packed(last, revision)
    if status == "pending-install":
        facts.kubernetes("delete", "secret", "-n", tenant.namespace, "-l", "owner=helm,name=stalwart")
    facts.kubernetes("create", "-f", "-", stdin=json.dumps(secret))
    return str(secret["metadata"]["name"])


@pytest.mark.usefixtures("proven")
@pytest.mark.parametrize(
    "status", ["pending-install", pytest.param("pending-upgrade", marks=pytest.mark.usual), "pending-rollback"]
)
def test_a_run_died_while_helm_was_writing(tenant: Tenant, status: str) -> None:
    pod = tenant.object("pod", "stalwart-0")["metadata"]["uid"]
    number = unfinished(tenant, status).rpartition(".v")[2]
    assert status in helm.output(tenant.namespace, "status", "stalwart")
    if status == "pending-upgrade":  # the others are planned alike
        shows(tenant, f"release revision stalwart {number}")
    repaired(tenant)
    assert helm.contents(helm.record(tenant.namespace))["info"]["status"] == "deployed"
    assert tenant.object("pod", "stalwart-0")["metadata"]["uid"] == pod, "nothing but Helm's record was wrong"


def test_another_helm_that_may_still_be_writing_is_not_disturbed(tenant: Tenant) -> None:
    name = unfinished(tenant, "pending-upgrade", ours=False)
    try:
        mark = facts.mark()
        run = tenant.provision()
        assert run.status != 0
        assert f"{SLUG}: FAILED at kubernetes (not_ready)" in run.line(SLUG)
        assert "another Helm has been writing it since" in run.line(SLUG)
        assert facts.counts(mark)["kubernetes"]["write"] == 0
        assert name in tenant.names("secret")
    finally:
        facts.kubernetes("delete", "secret", name, "-n", tenant.namespace)


@pytest.mark.usefixtures("proven")
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
    last = helm.record(tenant.namespace)
    revision = helm.contents(last)
    revision["manifest"] += "---\n" + json.dumps(odd)
    revision["info"]["status"] = "failed"
    broken = json.dumps(helm.packed(last, revision))
    facts.kubernetes("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=broken)
    shows(tenant, "ConfigMap odd")
    repaired(tenant)
    assert "odd" not in tenant.names("configmap")


@pytest.mark.usefixtures("proven")
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
        tenant.variables.update(grown)
    finally:
        growable(False)
    assert run.status == 0, run.output[-6000:]
    found = tenant.object("persistentvolumeclaim", "data-stalwart-0")
    assert (found["metadata"]["uid"], found["spec"]["resources"]["requests"]["storage"]) == (claim, "21Gi")
    assert tenant.object("pod", "stalwart-0")["metadata"]["uid"] == pod, "a pod that is selected goes on"
