"""The chart installed by itself, as GitOps does it: the Job configures the server, or the install fails."""

from __future__ import annotations

import json
import secrets
import subprocess
from typing import Any, Iterator

import pytest
import yaml

from tests.sandbox import environment_image, facts

from .conftest import kubernetes_json
from .run import LINK
from .stalwart import Stalwart, secret

NAMESPACE = "tenant-gitops"
CHART = LINK / "roles/chart/files/bp-stalwart-tenant"


def image(reference: str) -> dict[str, str]:
    repository, _colon, tag = reference.rpartition(":")
    return {"repository": repository, "tag": tag}


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    """What a GitOps repository would hold; the sandbox's own places are taken from its inventory."""
    sandbox = yaml.safe_load((LINK / "inventories/sandbox/group_vars/tenants.yml").read_text())
    return {
        "image": image(sandbox["sandbox_images"]["0.16"]),
        "store": {"@type": sandbox["sandbox_stores"]["0.16"]},
        "domain": {"primary": "gitops.omantel.test"},
        "keycloak": {"realmURL": "https://keycloak.acme.omantel.test/realms/sme-acme"},
        "networkPolicy": sandbox["tenant_chart_values"]["networkPolicy"],
        "persistence": {"storageClassName": sandbox["tenant_storage"]["class"]},
        "service": {"type": "ClusterIP"},
        "ca": {"bundle": facts.settings().ca_file.read_text()},
        "setupJob": {
            "image": image(environment_image.ensure(facts.settings())),
            "variables": {"tenant_mailboxes": [{"name": "alice@gitops.omantel.test"}]},
        },
    }


@pytest.fixture(scope="module", autouse=True)
def namespace(provisioned: object) -> Iterator[str]:
    """One that enforces Pod Security; the Secret is there, as External Secrets would have put it."""
    objects = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "baseline"}},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "stalwart-admin", "namespace": NAMESPACE},
            "stringData": {"ADMIN_PASSWORD": secrets.token_urlsafe(24)},
        },
    ]
    facts.kubernetes("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))
    yield NAMESPACE
    facts.kubernetes("delete", "namespace", NAMESPACE, "--wait=true", "--timeout=120s")


def helm(*words: str, values: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    settings = facts.settings()
    return subprocess.run(
        [str(settings.bin / "helm"), *words, "--namespace", NAMESPACE, "--kubeconfig", str(settings.kubeconfig)],
        input=json.dumps(values) if values else "",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )


def upgrade(values: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    return helm("upgrade", "--install", "stalwart", str(CHART), "--values", "-", values=values)


def log() -> str:
    return facts.kubernetes("logs", "job/stalwart-setup", "-n", NAMESPACE)


def job() -> dict[str, Any]:
    return kubernetes_json("get", "job", "stalwart-setup", "-n", NAMESPACE)


def test_an_install_configures_the_server(values: dict[str, Any]) -> None:
    done = upgrade(values)
    assert done.returncode == 0, done.stdout + log()
    assert "gitops: changed" in log()
    with Stalwart("gitops") as server:
        assert {"alice", "admin"} <= {account["name"] for account in server.objects("Account")}
        (directory,) = [item for item in server.objects("Directory") if item["@type"] == "Oidc"]
        assert directory["issuerUrl"] == values["keycloak"]["realmURL"]


def test_another_run_changes_nothing_and_a_deleted_job_comes_back(values: dict[str, Any]) -> None:
    first = job()["metadata"]["uid"]
    facts.kubernetes("delete", "job", "stalwart-setup", "-n", NAMESPACE)
    with Stalwart("gitops") as server:
        before = server.writes()
        assert upgrade(values).returncode == 0, log()
        assert server.writes() == before
    assert "gitops: changed 0" in log()
    assert job()["metadata"]["uid"] != first


def test_a_job_that_cannot_succeed_fails_the_upgrade(values: dict[str, Any]) -> None:
    wrong = {"tenant_settings": {"mtaStageAuth": {"noSuchProperty": True}}}
    refused = {**values, "setupJob": {**values["setupJob"], "variables": wrong, "backoffLimit": 0}}
    done = upgrade(refused)
    assert done.returncode != 0
    assert "BackoffLimitExceeded" in done.stdout
    assert "gitops: FAILED at stalwart" in log()
    assert "noSuchProperty" in log()
    assert json.loads(helm("status", "stalwart", "-o", "json").stdout)["info"]["status"] == "failed"
    assert upgrade(values).returncode == 0, log()


def test_no_secret_is_told(values: dict[str, Any]) -> None:
    password = secret(NAMESPACE, "stalwart-admin", "ADMIN_PASSWORD")
    told = [
        log(),
        helm("get", "values", "stalwart", "--all").stdout,
        helm("get", "manifest", "stalwart").stdout,
        facts.kubernetes("get", "configmaps,jobs,pods,statefulsets,events", "-n", NAMESPACE, "-o", "yaml"),
    ]
    assert [text for text in told if password in text] == []
