"""Role chart's resync.yml and restart.yml in a play: what they ask of the cluster, and what they say when they may not.

A loopback server stands for the API server and OpenBao. It ends where a server's pod would have to answer.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Iterator

import pytest
from loopback import Loopback

from tests import playbook

NEW = "canary-new-password"
OTHER = "canary-client-secret"
GROUP = "external-secrets.io"
BASE = f"/apis/{GROUP}/v1/namespaces/tenant-acme/externalsecrets"
PODS = "/api/v1/namespaces/tenant-acme/pods"
SECRETS = {
    "stalwart-admin": ("ADMIN_PASSWORD", "stalwart/acme/admin", NEW),
    "stalwart-oidc": ("OIDC_CLIENT_SECRET", "stalwart/acme/oidc", OTHER),
}


def resource(name: str, kind: str) -> dict[str, Any]:
    return {
        "name": name,
        "singularName": "",
        "namespaced": True,
        "kind": kind,
        "verbs": ["get", "list", "patch", "delete"],
    }


DISCOVERY = {
    "/version": {"major": "1", "minor": "34"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {
        "kind": "APIGroupList",
        "groups": [
            {
                "name": GROUP,
                "versions": [{"groupVersion": f"{GROUP}/v1", "version": "v1"}],
                "preferredVersion": {"groupVersion": f"{GROUP}/v1", "version": "v1"},
            }
        ],
    },
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [resource("secrets", "Secret"), resource("pods", "Pod")],
    },
    f"/apis/{GROUP}/v1": {
        "kind": "APIResourceList",
        "groupVersion": f"{GROUP}/v1",
        "resources": [resource("externalsecrets", "ExternalSecret")],
    },
}


class Cluster(Loopback):
    """The API server with one ExternalSecret and one Secret for each of :data:`SECRETS`, and OpenBao."""

    def __init__(self) -> None:
        self.refuse = False
        self.patches: list[tuple[str, dict[str, Any]]] = []
        self.pods = {f"{PODS}/stalwart-0"}
        self.external = {name: self._external(name) for name in SECRETS}
        self.values = {
            name: "the-old-value" if name == "stalwart-admin" else value for name, (*_, value) in SECRETS.items()
        }
        super().__init__()

    @staticmethod
    def _external(name: str) -> dict[str, Any]:
        return {
            "apiVersion": f"{GROUP}/v1",
            "kind": "ExternalSecret",
            "metadata": {"name": name, "namespace": "tenant-acme", "annotations": {}},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        name = path.rpartition("/")[2]
        if method == "PATCH" and path.startswith(BASE):
            if self.refuse:
                return 403, {
                    "kind": "Status",
                    "status": "Failure",
                    "message": f'externalsecrets "{name}" is forbidden',
                    "code": 403,
                }
            patch = json.loads(body)
            self.patches.append((name, patch))
            self.external[name]["metadata"]["annotations"].update(patch["metadata"]["annotations"])
            # External Secrets sees the annotation and reads OpenBao again.
            self.values[name] = SECRETS[name][2]
            return 200, self.external[name]
        if path in self.pods:
            if method == "DELETE" and self.refuse:
                return 403, {
                    "kind": "Status",
                    "status": "Failure",
                    "message": f'pods "{name}" is forbidden',
                    "code": 403,
                }
            if method == "DELETE":
                self.pods.remove(path)
            return 200, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "tenant-acme"}}
        if path == BASE:
            return 200, {
                "kind": "ExternalSecretList",
                "apiVersion": f"{GROUP}/v1",
                "items": list(self.external.values()),
            }
        if path.startswith(f"{BASE}/"):
            return 200, self.external[name]
        if path.startswith("/api/v1/namespaces/tenant-acme/secrets/"):
            encoded = base64.b64encode(self.values[name].encode()).decode()
            return 200, {"kind": "Secret", "metadata": {"name": name}, "data": {SECRETS[name][0]: encoded}}
        for prop, where, value in SECRETS.values():
            if path == f"/v1/secret/data/{where}":
                return 200, {"data": {"data": {prop: value}, "metadata": {"version": 2}}}
        return (
            (200, DISCOVERY[path])
            if path in DISCOVERY
            else (404, {"kind": "Status", "code": 404, "message": "not found"})
        )


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    running = Cluster()
    yield running
    running.stop()


def include(tasks_from: str, folder: Path, cluster: Cluster) -> dict[str, Any]:
    """Include the file for a stale administrator's Secret; what failed, and the facts then."""
    told = "{{ {'task': ansible_failed_task.name, 'failure': ansible_failed_result.failure, 'written': __chart_written | default([]), 'report': tenant_report | default({})} | to_json }}"
    tasks = [
        {
            "block": [
                {"ansible.builtin.include_role": {"name": "tenantmail.stalwart.chart", "tasks_from": tasks_from}}
            ],
            "rescue": [
                {
                    "ansible.builtin.copy": {"content": told, "dest": f"{folder}/told.json", "mode": "0600"},
                    "diff": False,
                }
            ],
        }
    ]
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "chart_connection": {"host": cluster.url, "api_key": "canary-cluster-token"},
        "chart_namespace": "tenant-acme",
        "chart_release": "stalwart",
        "chart_timeout": 5,
        "chart_admin_username": "admin",
        "chart_admin_secret": "stalwart-admin",
        "chart_secrets": [{"name": name, "property": prop, "path": path} for name, (prop, path, _) in SECRETS.items()],
        "chart_openbao_url": cluster.url,
        "chart_openbao_mount": "secret",
        "chart_openbao_auth": {"method": "token", "token": "canary-openbao-token"},
        "chart_openbao_ca_path": None,
        "__chart_plan": {"release_values": {"externalSecrets": {"apiVersion": f"{GROUP}/v1"}}},
        "__chart_ready": {"stale": ["stalwart-admin"]},
    }
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    done = playbook.run(
        folder, {"all": {"hosts": {"acme": variables}}}, plays, "--diff", "-vvv", **playbook.own_settings(folder)
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert NEW not in done.stdout
    assert OTHER not in done.stdout
    return dict(json.loads((folder / "told.json").read_text()))


def test_only_the_stale_secret_is_read_again(cluster: Cluster, tmp_path: Path) -> None:
    told = include("resync", tmp_path, cluster)
    [(name, patch)] = cluster.patches
    assert name == "stalwart-admin"
    assert list(patch["metadata"]["annotations"]) == ["force-sync"]
    # The Secrets were seen to be up to date: the next thing that is looked for is the StatefulSet.
    assert told["task"] == "Wait until the release works"
    assert "there is no StatefulSet stalwart" in told["failure"]["message"]
    assert told["written"] == [{"action": "update", "kind": "Secret", "key": "stalwart-admin"}]
    assert told["report"]["chart"]["changed"] == told["written"]


def test_what_the_cluster_refuses_is_said_with_the_next_step(cluster: Cluster, tmp_path: Path) -> None:
    cluster.refuse = True
    told = include("resync", tmp_path, cluster)
    failure = told["failure"]
    assert (failure["layer"], failure["code"], failure["tenant"]) == ("kubernetes", "forbidden", "acme")
    assert failure["message"].startswith("Annotate the ExternalSecret (stalwart in tenant-acme): ")
    assert "least privilege" in failure["hint"]
    assert told["written"] == []


def test_a_restart_is_known_also_when_the_server_does_not_come_back(cluster: Cluster, tmp_path: Path) -> None:
    cluster.values = {name: value for name, (*_, value) in SECRETS.items()}
    told = include("restart", tmp_path, cluster)
    assert cluster.pods == set()
    assert "there is no StatefulSet stalwart" in told["failure"]["message"]
    assert told["report"]["chart"]["changed"] == [{"action": "restart", "kind": "Pod", "key": "stalwart-0"}]


def test_a_restart_that_the_cluster_refuses_is_said_with_the_next_step(cluster: Cluster, tmp_path: Path) -> None:
    cluster.refuse = True
    told = include("restart", tmp_path, cluster)
    assert cluster.pods == {f"{PODS}/stalwart-0"}
    assert told["failure"]["code"] == "forbidden"
    assert told["failure"]["message"].startswith("Delete the pod (stalwart in tenant-acme): ")
    assert "least privilege" in told["failure"]["hint"]
    assert told["report"] == {}
