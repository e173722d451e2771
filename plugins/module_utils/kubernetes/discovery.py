# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the cluster serves and holds that a release refers to. Reads only."""

from __future__ import annotations

import typing as t

from ..failure import Failure
from .client import KubernetesClient
from .objects import Key, Object, key_of

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"

_HINTS = {"HTTPRoute": "Install the Gateway API, or set gateway.enabled to false in tenant_chart_values."}

#: Resource names of the kinds that the chart renders; others are looked up in the API's own discovery.
_RESOURCES = {
    ("v1", "ConfigMap"): "configmaps",
    ("v1", "PersistentVolumeClaim"): "persistentvolumeclaims",
    ("v1", "Pod"): "pods",
    ("v1", "Secret"): "secrets",
    ("v1", "Service"): "services",
    ("v1", "ServiceAccount"): "serviceaccounts",
    ("apps/v1", "StatefulSet"): "statefulsets",
    ("networking.k8s.io/v1", "Ingress"): "ingresses",
    ("networking.k8s.io/v1", "NetworkPolicy"): "networkpolicies",
    ("cilium.io/v2", "CiliumNetworkPolicy"): "ciliumnetworkpolicies",
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): "httproutes",
    ("gateway.networking.k8s.io/v1beta1", "HTTPRoute"): "httproutes",
    ("cert-manager.io/v1", "Certificate"): "certificates",
    ("external-secrets.io/v1", "ExternalSecret"): "externalsecrets",
    ("external-secrets.io/v1beta1", "ExternalSecret"): "externalsecrets",
}


def base_path(api_version: str) -> str:
    """``/api/v1`` or ``/apis/<group>/<version>``."""
    return f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"


def collection_path(client: KubernetesClient, api_version: str, kind: str, namespace: str) -> str | None:
    """Path of a kind's objects in a namespace, or none when the cluster does not serve it.

    :raises Failure: layer ``kubernetes``.
    """
    base = base_path(api_version)
    plural = _RESOURCES.get((api_version, kind))
    if plural is None:
        served = client.find(base) or {}
        plural = next(
            (r["name"] for r in served.get("resources", []) if r["kind"] == kind and "/" not in r["name"]), None
        )
    return f"{base}/namespaces/{namespace}/{plural}" if plural else None


def live_objects(
    client: KubernetesClient, namespace: str, release: str, desired: t.Iterable[Object], stored: t.Sequence[Object]
) -> dict[Key, dict[str, t.Any]]:
    """The objects of a release as the cluster holds them. One list per kind; for a release that exists, one more read per
    object that is not in it, because somebody may have removed the label that the list goes by.

    :param desired: what the chart renders now.
    :param stored: what Helm recorded; empty without a release.
    :raises Failure: ``not_found`` for a desired kind that the cluster does not serve.
    """
    names: dict[tuple[str, str], dict[str, None]] = {}
    for obj in [*desired, *stored]:
        names.setdefault((str(obj["apiVersion"]), str(obj["kind"])), {})[key_of(obj)[1]] = None
    needed = {(str(obj["apiVersion"]), str(obj["kind"])) for obj in desired}
    found: dict[Key, dict[str, t.Any]] = {}
    for (api_version, kind), wanted in names.items():
        path = collection_path(client, api_version, kind, namespace)
        listed = client.items(path, f"app.kubernetes.io/instance={release}") if path else None
        if path is None or listed is None:
            if (api_version, kind) not in needed:
                continue  # An API that Helm wrote to once, and that is gone with all its objects.
            raise Failure(
                "kubernetes",
                "not_found",
                f"the cluster does not serve {api_version} {kind}, which the chart needs.",
                hint=_HINTS.get(kind, "Install the operator that brings it."),
            )
        by_name = {item["metadata"]["name"]: item for item in listed}
        for name in wanted:
            item = by_name.get(name) or (client.find(f"{path}/{name}") if stored else None)
            if item is not None:
                found[kind, name] = item
    return found


def check_references(client: KubernetesClient, namespace: str, desired: t.Iterable[Object]) -> None:
    """What a release refers to has to be there before it is written: secret stores, ready, and storage classes.

    One request per store, and one for all classes.

    :raises Failure: ``not_found`` or ``not_ready``.
    """
    stores: list[tuple[str, str, str]] = []
    classes: list[str | None] = []
    for obj in desired:
        spec = obj.get("spec") or {}
        if obj["kind"] == "ExternalSecret":
            store = (str(obj["apiVersion"]), str(spec["secretStoreRef"]["kind"]), str(spec["secretStoreRef"]["name"]))
            stores.extend([store] if store not in stores else [])
        for claim in spec.get("volumeClaimTemplates") or []:
            classes.append(claim["spec"].get("storageClassName"))
    for api_version, kind, name in stores:
        _check_store(client, namespace, kind, name, api_version)
    if classes:
        _check_classes(client, classes)


def _check_classes(client: KubernetesClient, wanted: t.Iterable[str | None]) -> None:
    try:
        items = client.items("/apis/storage.k8s.io/v1/storageclasses") or []
    except Failure as failure:
        if failure.code != "forbidden":
            raise
        # A tenant's credential need not see cluster-wide objects; release_ready names a claim that stays unbound.
        return
    names = [str(item["metadata"]["name"]) for item in items]
    default = any((i["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true" for i in items)
    for name in wanted:
        if name not in names and (name or not default):
            what = f"there is no StorageClass {name!r}" if name else "no StorageClass is the cluster's default"
            raise Failure(
                "kubernetes",
                "not_found",
                f"{what} (there are: {', '.join(names) or 'none'}).",
                hint="Set tenant_storage.class to one of them" + (", or make one the default." if not name else "."),
            )


def _check_store(client: KubernetesClient, namespace: str, kind: str, name: str, api_version: str) -> None:
    if kind == "ClusterSecretStore":
        path = f"{base_path(api_version)}/clustersecretstores/{name}"
    else:
        path = f"{base_path(api_version)}/namespaces/{namespace}/secretstores/{name}"
    store = client.find(path)
    if store is None:
        raise Failure(
            "kubernetes",
            "not_found",
            f"there is no {kind} {name!r}.",
            hint="Create it (External Secrets), or name another in platform_secret_store.",
        )
    ready = condition(store, "Ready")
    if ready.get("status") != "True":
        raise Failure(
            "kubernetes",
            "not_ready",
            f"{kind} {name!r} is not ready: {ready.get('message') or ready.get('reason') or 'no status yet'}.",
            hint="External Secrets cannot read OpenBao with it; correct the store first.",
        )


def condition(obj: t.Mapping[str, t.Any], kind: str) -> dict[str, t.Any]:
    """The condition of that type in an object's status, empty when there is none."""
    conditions = (obj.get("status") or {}).get("conditions") or []
    return dict(next((c for c in conditions if c.get("type") == kind), {}))
