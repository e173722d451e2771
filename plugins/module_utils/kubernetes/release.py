# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Helm's own record of a release: the Secret ``sh.helm.release.v1.<name>.v<revision>``, decoded.

Source: ``pkg/storage/driver/secrets.go`` and ``util.go`` of Helm 3 (base64 of gzip of JSON, inside the Secret's base64).
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import gzip
import json
import typing as t

from ..failure import Failure
from .client import KubernetesClient

#: Statuses that leave nothing of a release behind.
GONE = frozenset(("uninstalled", "uninstalling"))
PENDING = frozenset(("pending-install", "pending-upgrade", "pending-rollback"))


@dataclasses.dataclass(frozen=True)
class Release:
    """The newest revision of a release.

    :param status: Helm's word (``deployed``, ``failed``, ``pending-upgrade``, …).
    :param manifest: what Helm applied, as YAML documents.
    """

    name: str
    revision: int
    status: str
    chart: str
    chart_version: str
    manifest: str = dataclasses.field(repr=False)

    def shown(self) -> dict[str, t.Any]:
        """The part a diff shows."""
        return {"status": self.status, "chart": f"{self.chart}-{self.chart_version}"}


def decode(secret: t.Mapping[str, t.Any]) -> Release:
    """The release in one of Helm's Secrets.

    :raises Failure: ``protocol`` when the Secret does not hold a release.
    """
    name = str((secret.get("metadata") or {}).get("name"))
    try:
        inner = base64.b64decode(secret["data"]["release"])
        payload = base64.b64decode(inner)
        if payload[:3] == b"\x1f\x8b\x08":
            payload = gzip.decompress(payload)
        record = json.loads(payload)
        chart = record["chart"]["metadata"]
        return Release(
            name=str(record["name"]),
            revision=int(record["version"]),
            status=str(record["info"]["status"]),
            chart=str(chart["name"]),
            chart_version=str(chart["version"]),
            manifest=str(record.get("manifest") or ""),
        )
    except (KeyError, TypeError, ValueError, OSError, EOFError, binascii.Error) as exc:
        raise Failure(
            "kubernetes",
            "protocol",
            f"the Secret {name} is no release record of Helm 3 ({type(exc).__name__}).",
            hint="Look at it with helm history, and delete it if it is not Helm's.",
        ) from None


def newest(client: KubernetesClient, namespace: str, name: str) -> Release | None:
    """The newest revision of the release, or none (also when the namespace does not exist). One request.

    :raises Failure: layer ``kubernetes``.
    """
    found = client.items(f"/api/v1/namespaces/{namespace}/secrets", f"owner=helm,name={name}") or []
    # The label holds the revision as well, but only the record itself is what Helm acts on.
    releases = sorted((decode(secret) for secret in found), key=lambda release: release.revision)
    return releases[-1] if releases and releases[-1].status not in GONE else None


def refuse_pending(release: Release | None, namespace: str) -> None:
    """Stop before a release that another Helm is writing, or that a dead one left behind.

    :raises Failure: ``not_ready`` with the way out.
    """
    if release is None or release.status not in PENDING:
        return
    record = f"sh.helm.release.v1.{release.name}.v{release.revision}"
    if release.status == "pending-install":
        hint = (
            f"If no helm is running, delete the Secret {record} in {namespace} and run again; the objects are adopted."
        )
    else:
        hint = f"If no helm is running: helm rollback {release.name} {release.revision - 1} --namespace {namespace}, then run again."
    raise Failure(
        "kubernetes",
        "not_ready",
        f"the release {release.name} in {namespace} is {release.status} (revision {release.revision}).",
        hint=hint,
    )
