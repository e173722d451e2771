# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects every tenant's namespace relies on: storage class, volumes, and the playbooks' rights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import yaml

from . import kubeconfig, kubectl, process
from .settings import NODE_NAME, PROVISIONER, STORAGE_CLASS, VOLUME_COUNT, VOLUME_SIZE, Settings

MANIFESTS = Path(__file__).parent / "manifests"
TENANT_PREFIX = "tenant-"


def manifest(name: str) -> list[dict[str, Any]]:
    """The objects of manifests/<name>.yaml."""
    return list(yaml.safe_load_all((MANIFESTS / f"{name}.yaml").read_text()))


def apply(settings: Settings) -> None:
    """Bring rights and the storage class into the cluster."""
    kubeconfig.ensure(settings, settings.provisioner_kubeconfig, PROVISIONER, PROVISIONER)
    kubectl.apply(
        settings,
        [
            *manifest("provisioner"),
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {"name": STORAGE_CLASS},
                "provisioner": "kubernetes.io/no-provisioner",
                "volumeBindingMode": "WaitForFirstConsumer",
                "reclaimPolicy": "Retain",
                # Said, so that the next start takes back what a test has changed.
                "allowVolumeExpansion": False,
            },
        ],
    )


def recycle_volumes(settings: Settings) -> list[str]:
    """Make missing volumes and empty those whose claim is gone; return the names of the volumes that are new.

    The class has no provisioner, so nobody else would ever free a released volume. The controller manager has to
    run: it is who takes the protecting finalizer off a volume that is deleted.
    """
    found = {
        item["metadata"]["name"]: item["status"].get("phase")
        for item in json.loads(kubectl.run(settings, "get", "persistentvolumes", "-o", "json"))["items"]
    }
    names = [f"sandbox-{number:02d}" for number in range(1, VOLUME_COUNT + 1)]
    released = [name for name in names if found.get(name) in ("Released", "Failed")]
    if released:
        kubectl.run(settings, "delete", "persistentvolume", *released, "--wait=true", "--timeout=60s")
    fresh = [name for name in names if name in released or name not in found]
    for name in fresh:
        shutil.rmtree(settings.volumes / name, ignore_errors=True)
    for name in names:
        (settings.volumes / name).mkdir(parents=True, exist_ok=True)
    if fresh:
        kubectl.apply(settings, [_volume(settings, name) for name in fresh])
    return fresh


def _volume(settings: Settings, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": VOLUME_SIZE},
            "accessModes": ["ReadWriteOnce"],
            "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": STORAGE_CLASS,
            # `local` and not `hostPath`: only the former gets the pod's fsGroup.
            "local": {"path": str(settings.volumes / name)},
            "nodeAffinity": {
                "required": {
                    "nodeSelectorTerms": [
                        {
                            "matchExpressions": [
                                {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE_NAME]}
                            ]
                        }
                    ]
                }
            },
        },
    }


def volume_folder(settings: Settings, namespace: str, claim: str) -> Path | None:
    """Folder on this machine behind a claim; None while the claim is not bound."""
    for item in json.loads(kubectl.run(settings, "get", "persistentvolumes", "-o", "json"))["items"]:
        reference = item["spec"].get("claimRef") or {}
        if (item["status"].get("phase"), reference.get("namespace"), reference.get("name")) == (
            "Bound",
            namespace,
            claim,
        ):
            return Path(item["spec"]["local"]["path"])
    return None


def wipe(settings: Settings) -> list[str]:
    """Remove the tenants' namespaces and free their volumes; return the names of the namespaces."""
    listed = json.loads(kubectl.run(settings, "get", "namespaces", "-o", "json"))["items"]
    names = [item["metadata"]["name"] for item in listed if item["metadata"]["name"].startswith(TENANT_PREFIX)]
    if names:
        kubectl.run(settings, "delete", "namespace", *names, "--wait=false")
        for name in names:  # their data goes, so there is nothing to end gracefully for
            kubectl.run(settings, "-n", name, "delete", "pods", "--all", "--grace-period=1", "--wait=false")
        kubectl.run(
            settings, "wait", "--for=delete", "--timeout=180s", *(f"namespace/{name}" for name in names), timeout=200
        )

    def none_bound() -> bool:
        volumes = json.loads(kubectl.run(settings, "get", "persistentvolumes", "-o", "json"))["items"]
        return not any(
            item["status"].get("phase") == "Bound" and item["spec"]["claimRef"]["namespace"] in names
            for item in volumes
        )

    # The controller sees the claims go a moment after they went.
    process.wait_until(none_bound, "volumes of the removed namespaces", timeout=60)
    recycle_volumes(settings)
    return names
