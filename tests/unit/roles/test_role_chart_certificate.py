"""Role chart's write_certificate.yml in a play: the Secret that reaches the cluster, and that its key reaches nothing else."""

from __future__ import annotations

import base64
import datetime
import json
from pathlib import Path
from typing import Any, Iterator

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import certificate as tls
from loopback import Loopback

from tests import playbook

SECRETS = "/api/v1/namespaces/tenant-acme/secrets"
NAMES = ["mail.acme.test", f"{'long-' * 12}web.acme.test"]
DISCOVERY = {
    "/version": {"major": "1", "minor": "34"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "groups": []},
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            {
                "name": "secrets",
                "singularName": "",
                "namespaced": True,
                "kind": "Secret",
                "verbs": ["get", "create", "patch"],
            }
        ],
    },
}


class Cluster(Loopback):
    """The API server with its Secrets."""

    def __init__(self) -> None:
        self.refuse = False
        self.secrets: dict[str, dict[str, Any]] = {}
        super().__init__()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if method in ("POST", "PATCH") and self.refuse:
            return 403, {"kind": "Status", "status": "Failure", "message": "secrets is forbidden", "code": 403}
        if method == "POST":
            made = json.loads(body)
            self.secrets[made["metadata"]["name"]] = made
            return 201, made
        name = path.removeprefix(f"{SECRETS}/")
        if name in self.secrets:
            if method == "PATCH":
                patch = json.loads(body)
                self.secrets[name] = {**self.secrets[name], "data": patch["data"]}
            return 200, self.secrets[name]
        return (
            (200, DISCOVERY[path]) if path in DISCOVERY else (404, {"kind": "Status", "code": 404, "message": "none"})
        )


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    running = Cluster()
    yield running
    running.stop()


def write(folder: Path, cluster: Cluster) -> tuple[dict[str, Any], str]:
    """The facts then, and all that was printed."""
    told = "{{ {'failure': ansible_failed_result.failure | default({}), 'report': tenant_report | default({})} | to_json }}"
    copy = {"ansible.builtin.copy": {"content": told, "dest": f"{folder}/told.json", "mode": "0600"}, "diff": False}
    include = {"ansible.builtin.include_role": {"name": "tenantmail.stalwart.chart", "tasks_from": "write_certificate"}}
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "ansible_failed_result": {},
        "chart_connection": {"host": cluster.url, "api_key": "canary-cluster-token"},
        "chart_namespace": "tenant-acme",
        "chart_release": "stalwart",
        "chart_certificate_secret": "stalwart-tls",
        "chart_certificate_names": NAMES,
        "__chart_plan": {"namespace": None, "changes": []},
        "__chart_certificate": {"changes": [{"action": "create", "kind": "Secret", "key": "stalwart-tls"}]},
    }
    plays = [{"hosts": "all", "gather_facts": False, "tasks": [{"block": [include, copy], "rescue": [copy]}]}]
    done = playbook.run(
        folder, {"all": {"hosts": {"acme": variables}}}, plays, "--diff", "-vvvv", **playbook.own_settings(folder)
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return dict(json.loads((folder / "told.json").read_text())), done.stdout


def key_lines(secret: dict[str, Any]) -> list[str]:
    """Of the private key, as PEM and as the Secret has it."""
    encoded = str(secret["data"]["tls.key"])
    return [encoded[40:80], *base64.b64decode(encoded).decode().splitlines()[1:-1]]


def test_the_secret_is_what_the_plan_takes_for_the_role_s_own(cluster: Cluster, tmp_path: Path) -> None:
    told, output = write(tmp_path, cluster)
    made = cluster.secrets["stalwart-tls"]
    now = datetime.datetime.now(datetime.timezone.utc)
    held = tls.held(made, NAMES, now)
    assert (held.own, held.fault, held.self_signed, list(held.names)) == (True, "", True, NAMES)
    assert held.until is not None
    assert 396 <= (held.until - now).days <= 397
    assert tls.plan("stalwart-tls", NAMES, held, now) is None
    assert made["type"] == "kubernetes.io/tls"
    assert set(made["data"]) == {"tls.crt", "tls.key"}
    assert told["report"]["chart"]["changed"] == [{"action": "create", "kind": "Secret", "key": "stalwart-tls"}]
    assert [line for line in key_lines(made) if line in output] == []
    # A renewed certificate has a new key.
    _told, output = write(tmp_path, cluster)
    again = cluster.secrets["stalwart-tls"]
    assert again["data"]["tls.key"] != made["data"]["tls.key"]
    assert [line for line in key_lines(again) + key_lines(made) if line in output] == []


def test_what_the_cluster_refuses_is_said_with_the_next_step(cluster: Cluster, tmp_path: Path) -> None:
    cluster.refuse = True
    told, output = write(tmp_path, cluster)
    assert told["failure"]["code"] == "forbidden"
    assert "least privilege" in told["failure"]["hint"]
    assert "PRIVATE KEY" not in output
    assert told["report"] == {}
