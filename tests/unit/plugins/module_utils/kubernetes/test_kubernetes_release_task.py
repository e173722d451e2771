from __future__ import annotations

import base64
import dataclasses
import datetime
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import chart as charts
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import discovery, release_task
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.objects import as_helm_writes
from kubernetes_cluster import Cluster

LABELS = {"app.kubernetes.io/instance": "stalwart"}
OBJECTS: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "stalwart-web", "labels": LABELS}, "spec": {"type": "ClusterIP"}},
    {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "stalwart-admin", "labels": LABELS},
        "spec": {"secretStoreRef": {"kind": "ClusterSecretStore", "name": "openbao"}},
    },
    {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "stalwart", "labels": LABELS},
        "spec": {
            "template": {"metadata": {"labels": LABELS}, "spec": {"containers": []}},
            "volumeClaimTemplates": [
                {"metadata": {"name": "data"}, "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "20Gi"}}}}
            ],
        },
    },
]  # fmt: skip
MANIFEST = yaml.safe_dump_all(OBJECTS)
NAMESPACE = "/api/v1/namespaces/tenant-acme"
PLURALS = {"Service": "services", "ExternalSecret": "externalsecrets", "StatefulSet": "statefulsets"}


def path_of(obj: dict[str, Any]) -> str:
    base = discovery.base_path(obj["apiVersion"])
    return f"{base}/namespaces/tenant-acme/{PLURALS[obj['kind']]}/{obj['metadata']['name']}"


def served(**groups: list[str]) -> dict[str, Any]:
    """The answer to GET /apis."""
    return {"groups": [{"name": name, "versions": [{"version": v} for v in groups[name]]} for name in groups]}


def platform() -> dict[str, dict[str, Any]]:
    """What every cluster has before a tenant comes."""
    return {
        "/apis": served(**{"external-secrets.io": ["v1", "v1beta1"]}),
        "/apis/external-secrets.io/v1/clustersecretstores/openbao": {
            "metadata": {"name": "openbao"},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        },
        "/apis/storage.k8s.io/v1/storageclasses/fast": {"metadata": {"name": "fast"}},
    }


def provisioned(status: str = "deployed") -> dict[str, dict[str, Any]]:
    record = {
        "name": "stalwart",
        "version": 1,
        "info": {"status": status},
        "chart": {"metadata": {"name": "bp-stalwart-tenant", "version": "0.1.0"}},
        "manifest": MANIFEST,
    }
    data = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(record).encode()))).decode()
    secret = {"metadata": {"name": "sh.helm.release.v1.stalwart.v1", "labels": {"owner": "helm", "name": "stalwart"}}}
    objects = {path_of(obj): as_helm_writes(obj, "stalwart", "tenant-acme") for obj in OBJECTS}
    return {
        **platform(),
        NAMESPACE: {"metadata": {"name": "tenant-acme"}},
        f"{NAMESPACE}/secrets/sh.helm.release.v1.stalwart.v1": {**secret, "data": {"release": data}},
        **objects,
    }


@pytest.fixture
def chart_path(tmp_path: Path) -> str:
    (tmp_path / "Chart.yaml").write_text("name: bp-stalwart-tenant\nversion: 0.1.0\n")
    (tmp_path / "values.schema.json").write_text(
        json.dumps(
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {"externalSecrets": {}, "replicas": {"maximum": 1}},
            }
        )
    )
    return str(tmp_path)


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Values that reach helm; it renders the objects above."""
    seen: list[dict[str, Any]] = []

    def render(chart: Any, release: str, namespace: str, values: dict[str, Any], binary: str, *served: Any) -> str:
        seen.append(values)
        return MANIFEST

    monkeypatch.setattr(charts, "render", render)
    return seen


def run(
    monkeypatch: pytest.MonkeyPatch,
    chart_path: str,
    cluster: Cluster | None,
    *,
    check_mode: bool = False,
    **changes: Any,
) -> dict[str, Any]:
    def connect(connection: Any) -> Cluster:
        assert cluster is not None, "no connection is to be made"
        return cluster

    monkeypatch.setattr(release_task, "connect", connect)
    given = {
        "connection": {"kubeconfig": "/k"},
        "namespace": "tenant-acme",
        "namespace_labels": {},
        "release": "stalwart",
        "chart": chart_path,
        "values": {},
        "helm_binary": "helm",
        "offline": False,
        "holder": None,
        **changes,
    }
    return release_task.run(given, check_mode=check_mode)


@pytest.mark.usefixtures("rendered")
def test_an_unchanged_release_needs_reads_only(monkeypatch: pytest.MonkeyPatch, chart_path: str) -> None:
    cluster = Cluster(provisioned())
    result = run(monkeypatch, chart_path, cluster)
    assert (result["changed"], result["action"], result["diff"]) == (False, "none", [])
    assert cluster.writes == []
    assert result["requests"] == 4 + len(PLURALS), "APIs, namespace, release, one list per kind, the volume claim"


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize("check_mode", [True, False])
def test_an_empty_cluster_is_planned_as_new(monkeypatch: pytest.MonkeyPatch, chart_path: str, check_mode: bool) -> None:
    cluster = Cluster(platform())
    result = run(monkeypatch, chart_path, cluster, check_mode=check_mode)
    assert result["action"] == "install"
    assert [change["kind"] for change in result["changes"]] == [
        "Namespace",
        "release",
        "Service",
        "ExternalSecret",
        "StatefulSet",
    ]
    assert cluster.writes == []


def test_the_served_version_of_external_secrets_is_used(
    monkeypatch: pytest.MonkeyPatch, chart_path: str, rendered: list[dict[str, Any]]
) -> None:
    objects = provisioned()
    objects["/apis"] = served(**{"external-secrets.io": ["v1beta1"]})
    result = run(monkeypatch, chart_path, Cluster(objects), values={"externalSecrets": {"refreshInterval": "1h"}})
    expected = {"apiVersion": "external-secrets.io/v1beta1", "refreshInterval": "1h"}
    assert rendered[0]["externalSecrets"] == expected
    assert result["release_values"]["externalSecrets"] == expected
    assert result["release_values"]["planMarker"]


@pytest.mark.usefixtures("rendered")
def test_a_failed_release_is_to_be_recovered(monkeypatch: pytest.MonkeyPatch, chart_path: str) -> None:
    result = run(monkeypatch, chart_path, Cluster(provisioned("failed")))
    assert (result["action"], result["status"], result["revision"]) == ("recover", "failed", 1)


@pytest.mark.usefixtures("rendered")
def test_an_object_without_its_label_is_edited_not_missing(monkeypatch: pytest.MonkeyPatch, chart_path: str) -> None:
    objects = provisioned()
    del objects[path_of(OBJECTS[0])]["metadata"]["labels"]
    result = run(monkeypatch, chart_path, Cluster(objects))
    assert result["changes"] == [{"action": "update", "kind": "Service", "key": "stalwart-web"}]
    assert [obj["metadata"]["name"] for obj in result["reapply"]] == ["stalwart-web"]


@pytest.mark.usefixtures("rendered")
def test_a_kind_that_only_the_record_names_may_be_gone(monkeypatch: pytest.MonkeyPatch, chart_path: str) -> None:
    cluster = Cluster(provisioned())
    (release,) = release_task.history(cluster, "tenant-acme", "stalwart")
    old = {"apiVersion": "old.test/v1", "kind": "Thing", "metadata": {"name": "thing"}}
    more = release.manifest + "---\n" + yaml.safe_dump(old)
    monkeypatch.setattr(release_task, "history", lambda *args: [dataclasses.replace(release, manifest=more)])
    result = run(monkeypatch, chart_path, cluster)
    assert result["changes"] == [{"action": "update", "kind": "release", "key": "stalwart"}]


@pytest.mark.usefixtures("rendered")
def test_a_kind_that_the_cluster_does_not_serve_is_named(monkeypatch: pytest.MonkeyPatch, chart_path: str) -> None:
    route = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "web"}}
    monkeypatch.setattr(charts, "render", lambda *args: yaml.safe_dump(route))
    cluster = Cluster(platform())
    cluster.unserved.add("httproutes")
    with pytest.raises(Failure) as caught:
        run(monkeypatch, chart_path, cluster)
    assert "gateway.networking.k8s.io/v1 HTTPRoute" in caught.value.message
    assert "gateway.enabled" in caught.value.hint


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize(
    ("section", "new", "says"),
    [
        ("https", True, None),
        ("web", True, "sectionName = 'web': the Gateway edge/shared has no such listener (accepted: https)"),
        ("web", False, "sectionName = 'web': the Gateway edge/shared has no such listener (accepted: https)"),
    ],
)
def test_a_listener_that_the_gateway_lacks_is_named_before_a_write(
    monkeypatch: pytest.MonkeyPatch, chart_path: str, section: str, new: bool, says: str | None
) -> None:
    parent = {"name": "shared", "namespace": "edge", "sectionName": section}
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "stalwart-web", "labels": LABELS},
        "spec": {"parentRefs": [parent], "hostnames": ["mail.acme.test"]},
    }
    monkeypatch.setattr(charts, "render", lambda *args: yaml.safe_dump_all([*OBJECTS, route]))
    listener = {"name": "https", "protocol": "HTTPS", "allowedRoutes": {"namespaces": {"from": "All"}}}
    gateway = {"metadata": {"name": "shared", "namespace": "edge"}, "spec": {"listeners": [listener]}}
    path = "/apis/gateway.networking.k8s.io/v1/namespaces/edge/gateways/shared"
    cluster = Cluster({**(platform() if new else provisioned()), path: gateway})
    if says is None:
        assert run(monkeypatch, chart_path, cluster)["action"] == "install"
    else:
        with pytest.raises(Failure) as caught:
            run(monkeypatch, chart_path, cluster)
        assert (caught.value.layer, caught.value.code) == ("kubernetes", "invalid_value")
        assert says in caught.value.message
        assert "tenant_chart_values" in caught.value.hint
    assert (cluster.writes, cluster.dry_runs) == ([], [])
    assert ("GET", path) in cluster.log


def without(path: str) -> dict[str, dict[str, Any]]:
    return {key: value for key, value in platform().items() if key != path}


def unready() -> dict[str, dict[str, Any]]:
    objects = platform()
    store = objects["/apis/external-secrets.io/v1/clustersecretstores/openbao"]
    store["status"]["conditions"][0] = {"type": "Ready", "status": "False", "message": "unable to log in"}
    return objects


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize(
    ("objects", "code", "says"),
    [
        ({**platform(), "/apis": served()}, "not_found", "does not serve external-secrets.io"),
        (
            {**platform(), "/apis": served(**{"external-secrets.io": ["v2"]})},
            "not_found",
            "serves only v2 of external-secrets.io",
        ),
        (
            without("/apis/external-secrets.io/v1/clustersecretstores/openbao"),
            "not_found",
            "no ClusterSecretStore 'openbao'",
        ),
        (unready(), "not_ready", "unable to log in"),
        (without("/apis/storage.k8s.io/v1/storageclasses/fast"), "not_found", "no StorageClass 'fast'"),
        ({**platform(), NAMESPACE: {"status": {"phase": "Terminating"}}}, "not_ready", "is being deleted"),
    ],
)
def test_what_is_missing_is_named_before_a_write(
    monkeypatch: pytest.MonkeyPatch, chart_path: str, objects: dict[str, Any], code: str, says: str
) -> None:
    with pytest.raises(Failure) as caught:
        run(monkeypatch, chart_path, Cluster(objects))
    assert (caught.value.layer, caught.value.code) == ("kubernetes", code)
    assert says in caught.value.message
    assert caught.value.hint


STATEFULSET = OBJECTS[2]
CLAIM = f"{NAMESPACE}/persistentvolumeclaims/data-stalwart-0"
CLASS = "/apis/storage.k8s.io/v1/storageclasses/fast"


def claim(size: str = "20Gi") -> dict[str, Any]:
    spec = {"storageClassName": "fast", "resources": {"requests": {"storage": size}}}
    return {"metadata": {"name": "data-stalwart-0", "namespace": "tenant-acme"}, "spec": spec}


def record(revision: int, status: str, deleted: str = "", **config: str) -> dict[str, Any]:
    """Helm's Secret of one revision, younger than any patience.

    :param deleted: when ``helm uninstall`` began.
    """
    body = {
        "name": "stalwart",
        "version": revision,
        "info": {"status": status, "deleted": deleted},
        "chart": {"metadata": {"name": "bp-stalwart-tenant", "version": "0.1.0"}},
        "config": config,
        "manifest": MANIFEST,
    }
    data = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(body).encode()))).decode()
    name = f"sh.helm.release.v1.stalwart.v{revision}"
    created = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {"owner": "helm", "name": "stalwart"}
    return {"metadata": {"name": name, "labels": labels, "creationTimestamp": created}, "data": {"release": data}}


def asked_for(monkeypatch: pytest.MonkeyPatch, **spec: Any) -> None:
    """The chart renders another StatefulSet."""
    changed = {**STATEFULSET, "spec": {**STATEFULSET["spec"], **spec}}
    monkeypatch.setattr(charts, "render", lambda *args: yaml.safe_dump_all([*OBJECTS[:2], changed]))


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback"])
def test_what_a_run_of_ours_left_pending_is_recovered(
    monkeypatch: pytest.MonkeyPatch, chart_path: str, status: str
) -> None:
    objects = provisioned()
    objects[f"{NAMESPACE}/secrets/r2"] = record(2, status, planMarker="abc-2")
    result = run(monkeypatch, chart_path, Cluster(objects))
    assert (result["action"], result["status"], result["revision"]) == ("recover", "deployed", 1)
    assert result["prepare"] == [
        {
            "state": "absent",
            "propagation": "Background",
            "definition": {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "sh.helm.release.v1.stalwart.v2", "namespace": "tenant-acme"},
            },
        }
    ]
    assert result["release_values"]["planMarker"].endswith("-2")


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize("mark", ["", "abc-1"], ids=["by hand", "by hand with our values"])
def test_what_another_helm_writes_is_not_touched(monkeypatch: pytest.MonkeyPatch, chart_path: str, mark: str) -> None:
    objects = provisioned()
    objects[f"{NAMESPACE}/secrets/r2"] = record(2, "pending-upgrade", planMarker=mark)
    with pytest.raises(Failure, match="another Helm has been writing it") as caught:
        run(monkeypatch, chart_path, Cluster(objects))
    assert caught.value.code == "not_ready"


def uninstalling(minutes: int) -> dict[str, dict[str, Any]]:
    """A cluster where ``helm uninstall`` began some minutes ago and got no further than Helm's record."""
    began = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=minutes)
    history = {1: record(1, "superseded"), 2: record(2, "uninstalling", began.isoformat(), planMarker="abc-2")}
    objects = {path: obj for path, obj in provisioned().items() if "/secrets/sh.helm" not in path}
    return {**objects, **{f"{NAMESPACE}/secrets/r{number}": found for number, found in history.items()}}


@pytest.mark.usefixtures("rendered")
def test_an_uninstall_that_died_is_recovered(monkeypatch: pytest.MonkeyPatch, chart_path: str) -> None:
    result = run(monkeypatch, chart_path, Cluster(uninstalling(20)))
    assert (result["action"], result["status"], result["revision"]) == ("recover", "superseded", 1)
    names = [step["definition"]["metadata"]["name"] for step in result["prepare"]]
    assert names == ["sh.helm.release.v1.stalwart.v2"]


@pytest.mark.usefixtures("rendered")
def test_an_uninstall_that_goes_on_is_not_disturbed(monkeypatch: pytest.MonkeyPatch, chart_path: str) -> None:
    """Its revision bears the mark of the run that wrote it, which has ended long ago."""
    with pytest.raises(Failure, match=r"is uninstalling \(revision 2\): another Helm has been writing it") as caught:
        run(monkeypatch, chart_path, Cluster(uninstalling(2)))
    assert caught.value.code == "not_ready"


@pytest.mark.usefixtures("rendered")
def test_a_pod_that_the_new_statefulset_does_not_select_goes_too(
    monkeypatch: pytest.MonkeyPatch, chart_path: str
) -> None:
    asked_for(monkeypatch, selector={"matchLabels": {"app": "new"}})
    objects = {
        **provisioned(),
        CLAIM: claim(),
        f"{NAMESPACE}/pods/stalwart-0": {"metadata": {"name": "stalwart-0", "labels": LABELS}},
    }
    result = run(monkeypatch, chart_path, Cluster(objects), check_mode=True)
    assert result["action"] == "recreate"
    assert [(step["definition"]["kind"], step["propagation"]) for step in result["prepare"]] == [
        ("StatefulSet", "Orphan"),
        ("Pod", "Background"),
    ]
    assert {"action": "recreate", "kind": "StatefulSet", "key": "stalwart"} in result["changes"]
    assert {"action": "delete", "kind": "Pod", "key": "stalwart-0"} in result["changes"]


GROWN = [
    {"metadata": {"name": "data"}, "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "30Gi"}}}}
]


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize("expandable", [True, False])
def test_a_volume_grows_only_where_its_class_lets_it(
    monkeypatch: pytest.MonkeyPatch, chart_path: str, expandable: bool
) -> None:
    asked_for(monkeypatch, volumeClaimTemplates=GROWN)
    objects = {
        **provisioned(),
        CLAIM: claim(),
        CLASS: {"metadata": {"name": "fast"}, "allowVolumeExpansion": expandable},
    }
    if expandable:
        result = run(monkeypatch, chart_path, Cluster(objects))
        assert [step["state"] for step in result["prepare"]] == ["present", "absent"]
        assert result["prepare"][0]["definition"]["spec"] == {"resources": {"requests": {"storage": "30Gi"}}}
    else:
        with pytest.raises(Failure) as caught:
            run(monkeypatch, chart_path, Cluster(objects))
        assert caught.value.code == "conflict"
        assert "data-stalwart-0 has 20Gi and cannot grow: StorageClass 'fast'" in caught.value.message
        assert "tenant_storage.size to 20Gi" in caught.value.hint


@pytest.mark.usefixtures("rendered")
def test_the_cluster_is_asked_before_anything_is_written(monkeypatch: pytest.MonkeyPatch, chart_path: str) -> None:
    asked_for(monkeypatch, serviceName="other")
    cluster = Cluster({**provisioned(), CLAIM: claim()})
    cluster.refuses[f"{NAMESPACE}/pods"] = Failure(
        "kubernetes", "forbidden", 'POST x: pods "s" is forbidden: violates PodSecurity "restricted:latest".'
    )
    with pytest.raises(Failure, match="would refuse Pod stalwart-0 in tenant-acme: violates PodSecurity"):
        run(monkeypatch, chart_path, cluster)
    assert cluster.writes == []


@pytest.mark.usefixtures("rendered")
def test_a_namespace_that_is_not_there_yet_cannot_be_asked(monkeypatch: pytest.MonkeyPatch, chart_path: str) -> None:
    cluster = Cluster(platform())
    run(monkeypatch, chart_path, cluster)
    assert cluster.dry_runs == []


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize(("groups", "noted"), [({}, True), ({"cilium.io": ["v2"]}, False)])
def test_whether_policies_are_enforced_is_said_when_nobody_is_known_to(
    monkeypatch: pytest.MonkeyPatch, chart_path: str, groups: dict[str, list[str]], noted: bool
) -> None:
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"}}
    monkeypatch.setattr(charts, "render", lambda *args: yaml.safe_dump_all([*OBJECTS, policy]))
    cluster = Cluster({**platform(), "/apis": served(**{"external-secrets.io": ["v1"], **groups})})
    result = run(monkeypatch, chart_path, cluster)
    assert bool(result["unchecked"]) is noted
    assert result["capabilities"]["external_secrets"] == "external-secrets.io/v1"


CILIUM = "cilium.io/v2/CiliumNetworkPolicy"


@pytest.mark.parametrize("serves", [True, False])
def test_cilium_s_own_policy_is_rendered_compared_and_removed(
    monkeypatch: pytest.MonkeyPatch, chart_path: str, serves: bool
) -> None:
    """As the templates do: the policy is there exactly where helm is told that the API is."""
    policy = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "stalwart-web", "labels": LABELS},
        "spec": {"ingress": [{"fromEntities": ["ingress"]}]},
    }
    monkeypatch.setattr(
        charts, "render", lambda *args: yaml.safe_dump_all([*OBJECTS, policy] if CILIUM in args[-1] else OBJECTS)
    )
    path = "/apis/cilium.io/v2/namespaces/tenant-acme/ciliumnetworkpolicies"
    objects = {
        **provisioned(),
        "/apis": served(**{"external-secrets.io": ["v1"], "cilium.io": ["v2"]}),
        "/apis/cilium.io/v2": {"resources": [{"name": "c", "kind": "CiliumNetworkPolicy"}] if serves else []},
    }
    new = run(monkeypatch, chart_path, Cluster(objects))
    created = {"action": "create", "kind": "CiliumNetworkPolicy", "key": "stalwart-web"}
    assert (new["action"], created in new["changes"]) == (("upgrade", True) if serves else ("none", False))

    recorded = dataclasses.replace(
        release_task.history(Cluster(objects), "tenant-acme", "stalwart")[0],
        manifest=yaml.safe_dump_all([*OBJECTS, policy]),
    )
    monkeypatch.setattr(release_task, "history", lambda *args: [recorded])
    edited = as_helm_writes({**policy, "spec": {"ingress": []}}, "stalwart", "tenant-acme")
    found = run(monkeypatch, chart_path, Cluster({**objects, f"{path}/stalwart-web": edited}))
    change = {"action": "update" if serves else "delete", "kind": "CiliumNetworkPolicy", "key": "stalwart-web"}
    assert change in found["changes"]


def test_wrong_values_are_refused_before_any_request(monkeypatch: pytest.MonkeyPatch, chart_path: str) -> None:
    with pytest.raises(Failure) as caught:
        run(monkeypatch, chart_path, None, values={"replicas": 2})
    assert caught.value.details[0]["path"] == "replicas"


def test_offline_without_helm(monkeypatch: pytest.MonkeyPatch, chart_path: str) -> None:
    result = run(
        monkeypatch, chart_path, None, check_mode=True, offline=True, values={"replicas": 1}, helm_binary="/no/helm"
    )
    assert (result["action"], result["rendered"], result["requests"]) == ("install", False, 0)
    assert [change["kind"] for change in result["changes"]] == ["Namespace", "release"]


@pytest.mark.usefixtures("rendered")
def test_offline_with_helm_names_the_objects(monkeypatch: pytest.MonkeyPatch, chart_path: str) -> None:
    result = run(monkeypatch, chart_path, None, check_mode=True, offline=True)
    assert {"action": "create", "kind": "StatefulSet", "key": "stalwart"} in result["changes"]


def test_offline_is_for_check_mode(monkeypatch: pytest.MonkeyPatch, chart_path: str) -> None:
    with pytest.raises(Failure) as caught:
        run(monkeypatch, chart_path, None, offline=True)
    assert caught.value.code == "invalid_value"


def test_without_helm_a_real_run_stops(monkeypatch: pytest.MonkeyPatch, chart_path: str) -> None:
    with pytest.raises(Failure) as caught:
        run(monkeypatch, chart_path, Cluster(provisioned()), helm_binary="/no/helm")
    assert caught.value.code == "not_found"
    assert "chart_helm_binary" in caught.value.hint


def test_what_helm_complains_about_is_one_sentence() -> None:
    text = (
        "Error: execution error at (c/templates/validate.yaml:9:4): image.tag: no.\n\n"
        "Use --debug flag to render out invalid YAML\n"
    )
    assert charts.complaint(text) == "image.tag: no."


@pytest.mark.parametrize("content", [None, "name: [", "version: 1"], ids=["no file", "no YAML", "no name"])
def test_no_chart(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "Chart.yaml").write_text(content)
    with pytest.raises(Failure) as caught:
        charts.load(str(tmp_path))
    assert caught.value.code == "not_found"
