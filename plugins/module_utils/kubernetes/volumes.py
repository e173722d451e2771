# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The volumes of a release: they outlive every StatefulSet, grow and never shrink. Pure but for :func:`live_claims`."""

from __future__ import annotations

import typing as t

from ..failure import Failure
from ..reconcile import Change
from .client import KubernetesClient
from .objects import Object
from .quantity import amount

_OLD_NAME = 'Section "A volume under another name" in the README of role chart says how its volume is taken over.'


def claim_names(statefulset: Object) -> dict[str, Object]:
    """Claim → the template that it is made from, as the StatefulSet's controller names them."""
    spec, name = statefulset.get("spec") or {}, statefulset["metadata"]["name"]
    return {
        f"{template['metadata']['name']}-{name}-{ordinal}": template
        for template in spec.get("volumeClaimTemplates") or []
        for ordinal in range(int(spec.get("replicas", 1)))
    }


def live_claims(client: KubernetesClient, namespace: str, desired: t.Iterable[Object]) -> dict[str, Object]:
    """The claims of desired StatefulSets that exist. One request for each; by name, because they may be older than every label.

    :raises Failure: layer ``kubernetes``.
    """
    found: dict[str, Object] = {}
    for obj in desired:
        if obj["kind"] == "StatefulSet":
            for name in claim_names(obj):
                claim = client.find(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}")
                if claim is not None:
                    found[name] = claim
    return found


def plan_growth(statefulset: Object, live: Object | None, claims: t.Mapping[str, Object]) -> list[Change]:
    """The claims that have to grow for a StatefulSet.

    :param live: the StatefulSet as the cluster has it. :param claims: those that exist, by name.
    :raises Failure: ``conflict`` for a change that would need another volume.
    """
    changes = []
    before = {t["metadata"]["name"]: t for t in ((live or {}).get("spec") or {}).get("volumeClaimTemplates") or []}
    templates = {t["metadata"]["name"] for t in statefulset["spec"].get("volumeClaimTemplates") or []}
    gone = sorted(set(before) - templates)
    if gone:
        name = statefulset["metadata"]["name"]
        raise Failure(
            "kubernetes",
            "conflict",
            f"StatefulSet {name} would leave its volume(s) {', '.join(f'{template}-{name}-0' for template in gone)} behind "
            "and start with an empty one.",
            hint=_OLD_NAME,
        )
    for name, template in claim_names(statefulset).items():
        old, claim = before.get(template["metadata"]["name"]), claims.get(name)
        if old is not None and _storage(template) < _storage(old):
            raise Failure(
                "kubernetes",
                "conflict",
                f"the volume {name} would shrink from {_shown(old)} to {_shown(template)}, which no volume does.",
                hint=f"Set tenant_storage.size to {_shown(old)} or more.",
            )
        if claim is None:
            continue
        if old is None or template["spec"] != old.get("spec"):
            _refuse_another_kind(name, template, claim)
        if _storage(claim) < _storage(template):
            patch = {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name, "namespace": claim["metadata"]["namespace"]},
                "spec": {"resources": {"requests": {"storage": _shown(template)}}},
            }
            shown = {**patch, "spec": {"resources": {"requests": {"storage": _shown(claim)}}}}
            changes.append(Change("update", "PersistentVolumeClaim", name, shown, patch, patch))
    return changes


def check_expandable(client: KubernetesClient, growing: t.Iterable[str], claims: t.Mapping[str, Object]) -> None:
    """Volumes that have to grow must be of a class that lets them. One request for each class.

    :raises Failure: ``conflict`` naming class and size.
    """
    for name in growing:
        spec = claims[name]["spec"]
        class_name = spec.get("storageClassName") or ""
        try:
            found = client.find(f"/apis/storage.k8s.io/v1/storageclasses/{class_name}") if class_name else None
        except Failure as failure:
            if failure.code != "forbidden":
                raise
            continue  # The dry run of the claim's patch asks the same.
        if found is None or not found.get("allowVolumeExpansion"):
            what = f"StorageClass {class_name!r} does not let volumes grow" if class_name else "it has no StorageClass"
            raise Failure(
                "kubernetes",
                "conflict",
                f"the volume {name} has {_shown(claims[name])} and cannot grow: {what}.",
                hint=f"Set tenant_storage.size to {_shown(claims[name])}, or let the class grow (allowVolumeExpansion).",
            )


def refuse_leaving(statefulset: Object) -> None:
    """Stop before a StatefulSet goes whose volume nothing else would use: the mail would be out of reach.

    :raises Failure: ``conflict``.
    """
    names = list(claim_names(statefulset))
    if names:
        raise Failure(
            "kubernetes",
            "conflict",
            f"the release would remove StatefulSet {statefulset['metadata']['name']} and leave its volume(s) "
            f"{', '.join(names)} behind; the chart's own StatefulSet would start with an empty one.",
            hint=_OLD_NAME,
        )


def _refuse_another_kind(name: str, template: Object, claim: Object) -> None:
    for field in ("storageClassName", "accessModes"):
        wanted, has = template["spec"].get(field), claim["spec"].get(field)
        if wanted and wanted != has:
            raise Failure(
                "kubernetes",
                "conflict",
                f"the volume {name} has {field} {has!r}, which cannot become {wanted!r}.",
                hint="Keep the old value (tenant_storage.class, persistence.accessModes), or move the mail to a new volume.",
            )


def _shown(claim: Object) -> str:
    return str(claim["spec"]["resources"]["requests"]["storage"])


def _storage(claim: Object) -> t.Any:
    return amount(_shown(claim)) or 0
