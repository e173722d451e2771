"""The chart installed by itself, as GitOps does it: the Job configures the server, or the install fails."""

from __future__ import annotations

import json
import secrets
import subprocess
from typing import Any, Iterator

import pytest
import yaml

from tests.sandbox import environment_image, facts
from tests.sandbox.process import wait_until

from . import helm, older
from .conftest import kubernetes_json
from .run import LINK
from .stalwart import Stalwart, secret
from .tenant import remove

NAMESPACE = "tenant-gitops"
CHART = LINK / "roles/chart/files/bp-stalwart-tenant"


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    """What a GitOps repository would hold; the sandbox's own places are taken from its inventory."""
    sandbox = yaml.safe_load((LINK / "inventories/sandbox/group_vars/tenants.yml").read_text())
    return {
        "image": older.image_values(older.image()),
        "store": {"@type": sandbox["sandbox_stores"]["0.16"]},
        "domain": {"primary": "gitops.omantel.test"},
        "keycloak": {"realmURL": "https://keycloak.acme.omantel.test/realms/sme-acme"},
        "networkPolicy": sandbox["tenant_chart_values"]["networkPolicy"],
        "persistence": {"storageClassName": sandbox["tenant_storage"]["class"]},
        "service": {"type": "ClusterIP"},
        "ca": {"bundle": facts.settings().ca_file.read_text()},
        "setupJob": {
            "image": older.image_values(environment_image.ensure(facts.settings())),
            "variables": {"tenant_mailboxes": [{"name": "alice@gitops.omantel.test"}]},
        },
    }


@pytest.fixture(scope="module", autouse=True)
def namespace(provisioned: object) -> Iterator[str]:
    """One that enforces Pod Security; the Secret is there, as External Secrets would have put it."""
    remove("gitops")
    try:
        make(namespace_of(NAMESPACE), secret_of(NAMESPACE))
        yield NAMESPACE
    finally:
        remove("gitops")


def namespace_of(name: str) -> dict[str, Any]:
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def secret_of(namespace: str) -> dict[str, Any]:
    """The administrator's."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "stalwart-admin", "namespace": namespace},
        "stringData": {"ADMIN_PASSWORD": secrets.token_urlsafe(24)},
    }


def make(*objects: dict[str, Any]) -> None:
    facts.kubernetes("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))


def upgrade(values: dict[str, Any], namespace: str = NAMESPACE) -> subprocess.CompletedProcess[str]:
    return helm.call(namespace, "upgrade", "--install", "stalwart", str(CHART), "--values", "-", values=values)


def status() -> str:
    found: str = json.loads(helm.output(NAMESPACE, "status", "stalwart", "-o", "json"))["info"]["status"]
    return found


def log() -> str:
    return facts.kubernetes("logs", "job/stalwart-setup", "-n", NAMESPACE)


def job() -> str:
    """Its UID."""
    return str(kubernetes_json("get", "job", "stalwart-setup", "-n", NAMESPACE)["metadata"]["uid"])


@pytest.fixture(scope="module")
def installed(namespace: str, values: dict[str, Any]) -> str:
    """What the Job of the first install printed."""
    done = upgrade(values)
    assert done.returncode == 0, done.stdout + log()
    return log()


def test_an_install_configures_the_server(installed: str, values: dict[str, Any]) -> None:
    assert "gitops: changed" in installed
    with Stalwart("gitops") as server:
        assert {"alice", "admin"} <= {account["name"] for account in server.objects("Account")}
        (directory,) = [item for item in server.objects("Directory") if item["@type"] == "Oidc"]
        assert directory["issuerUrl"] == values["keycloak"]["realmURL"]


@pytest.mark.usefixtures("installed")
def test_a_job_that_cannot_succeed_fails_the_upgrade_and_the_next_one_recovers(values: dict[str, Any]) -> None:
    """The next one: with right values, and with its Job deleted behind Helm's back."""
    wrong = {"tenant_settings": {"mtaStageAuth": {"noSuchProperty": True}}}
    refused = upgrade({**values, "setupJob": {**values["setupJob"], "variables": wrong, "backoffLimit": 0}})
    assert refused.returncode != 0
    assert "BackoffLimitExceeded" in refused.stdout
    assert "gitops: FAILED at stalwart" in log()
    assert "noSuchProperty" in log()
    assert status() == "failed"

    failed = job()
    facts.kubernetes("delete", "job", "stalwart-setup", "-n", NAMESPACE)
    with Stalwart("gitops") as server:
        before = server.writes()
        done = upgrade(values)
        assert done.returncode == 0, done.stdout + log()
        assert server.writes() == before
    assert "gitops: changed 0" in log()
    assert job() != failed
    assert status() == "deployed"


@pytest.mark.usefixtures("installed")
def test_no_secret_is_told() -> None:
    password = secret(NAMESPACE, "stalwart-admin", "ADMIN_PASSWORD")
    told = [
        log(),
        helm.output(NAMESPACE, "get", "values", "stalwart", "--all"),
        helm.output(NAMESPACE, "get", "manifest", "stalwart"),
        facts.kubernetes("get", "configmaps,jobs,pods,statefulsets,events", "-n", NAMESPACE, "-o", "yaml"),
    ]
    assert [text for text in told if password in text] == []


@pytest.fixture
def keyless() -> Iterator[str]:
    """A namespace without the administrator's Secret."""
    remove("keyless")
    try:
        make(namespace_of("tenant-keyless"))
        yield "tenant-keyless"
    finally:
        remove("keyless")


@pytest.mark.lifecycle
def test_a_pod_waits_for_the_administrators_secret_and_says_so(keyless: str, values: dict[str, Any]) -> None:
    """It starts by itself when somebody makes it."""

    def waiting() -> dict[str, Any]:
        pods = kubernetes_json("get", "pod", "-n", keyless)["items"]
        states = [entry["state"] for pod in pods for entry in pod["status"].get("containerStatuses", [])]
        return next((state["waiting"] for state in states if "waiting" in state), {})

    done = upgrade({**values, "setupJob": {"enabled": False}}, keyless)
    assert done.returncode == 0, done.stdout
    wait_until(lambda: waiting().get("reason") == "CreateContainerConfigError", "the pod's reason", timeout=30)
    assert waiting()["message"] == 'secret "stalwart-admin" not found'
    make(secret_of(keyless))
    facts.kubernetes("wait", "--for=condition=Ready", "pod/stalwart-0", "-n", keyless, "--timeout=60s")
