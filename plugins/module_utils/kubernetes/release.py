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
import datetime
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
    """One revision of a release.

    :param status: Helm's word (``deployed``, ``failed``, ``pending-upgrade``, …).
    :param manifest: what Helm applied, as YAML documents.
    :param ours: a run of this collection began it.
    :param created: when its record was written, by the API server's clock.
    """

    name: str
    revision: int
    status: str
    chart: str
    chart_version: str
    manifest: str = dataclasses.field(repr=False)
    ours: bool = False
    created: datetime.datetime | None = None

    @property
    def record(self) -> str:
        """The name of the Secret that holds it."""
        return f"sh.helm.release.v1.{self.name}.v{self.revision}"

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
        # The marker of a run ends with the number of the revision that it asks for (plan.marker).
        mark = str((record.get("config") or {}).get("planMarker") or "")
        return Release(
            name=str(record["name"]),
            revision=int(record["version"]),
            status=str(record["info"]["status"]),
            chart=str(chart["name"]),
            chart_version=str(chart["version"]),
            manifest=str(record.get("manifest") or ""),
            ours=mark.endswith(f"-{record['version']}"),
            created=_time((secret.get("metadata") or {}).get("creationTimestamp")),
        )
    except (KeyError, TypeError, ValueError, OSError, EOFError, binascii.Error) as exc:
        raise Failure(
            "kubernetes",
            "protocol",
            f"the Secret {name} is no release record of Helm 3 ({type(exc).__name__}).",
            hint="Look at it with helm history, and delete it if it is not Helm's.",
        ) from None


def _time(text: t.Any) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00")) if text else None


def history(client: KubernetesClient, namespace: str, name: str) -> list[Release]:
    """The revisions of the release, the newest last; none also when the namespace does not exist. One request.

    :raises Failure: layer ``kubernetes``.
    """
    found = client.items(f"/api/v1/namespaces/{namespace}/secrets", f"owner=helm,name={name}") or []
    # The label holds the revision as well, but only the record itself is what Helm acts on.
    releases = sorted((decode(secret) for secret in found), key=lambda release: release.revision)
    return releases if releases and releases[-1].status not in GONE else []
