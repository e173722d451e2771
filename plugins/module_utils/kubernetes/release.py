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
import re
import typing as t

from ..failure import Failure
from .client import KubernetesClient

#: Leaves nothing of a release behind but its history.
GONE = "uninstalled"
#: Becomes of the newest revision when ``helm uninstall`` begins; no upgrade starts from it.
UNINSTALLING = "uninstalling"
#: Statuses that a Helm gives while it writes, and leaves when it dies.
UNFINISHED = frozenset(("pending-install", "pending-upgrade", "pending-rollback", UNINSTALLING))
_FRACTION = re.compile(r"\.[0-9]+")


@dataclasses.dataclass(frozen=True)
class Release:
    """One revision of a release.

    :param status: Helm's word (``deployed``, ``failed``, ``pending-upgrade``, …).
    :param manifest: what Helm applied, as YAML documents.
    :param ours: a run of this collection gave it its status; none ever uninstalls.
    :param since: when it got its status: when its record was written, by the API server's clock, or when its deletion began, by
        Helm's.
    """

    name: str
    revision: int
    status: str
    chart: str
    chart_version: str
    manifest: str = dataclasses.field(repr=False)
    ours: bool = False
    since: datetime.datetime | None = None

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
        info = record["info"]
        status = str(info["status"])
        created = _time((secret.get("metadata") or {}).get("creationTimestamp"))
        # The marker of a run ends with the number of the revision that it asks for (plan.marker).
        mark = str((record.get("config") or {}).get("planMarker") or "")
        return Release(
            name=str(record["name"]),
            revision=int(record["version"]),
            status=status,
            chart=str(chart["name"]),
            chart_version=str(chart["version"]),
            manifest=str(record.get("manifest") or ""),
            ours=status != UNINSTALLING and mark.endswith(f"-{record['version']}"),
            since=(_time(info.get("deleted")) or created) if status == UNINSTALLING else created,
        )
    except (KeyError, TypeError, ValueError, OSError, EOFError, binascii.Error) as exc:
        raise Failure(
            "kubernetes",
            "protocol",
            f"the Secret {name} is no release record of Helm 3 ({type(exc).__name__}).",
            hint="Look at it with helm history, and delete it if it is not Helm's.",
        ) from None


def _time(text: t.Any) -> datetime.datetime | None:
    """RFC 3339, as UTC. Go writes nanoseconds, which older Pythons do not read, and Helm its machine's own zone."""
    if not text:
        return None
    whole = _FRACTION.sub("", str(text)).replace("Z", "+00:00")
    return datetime.datetime.fromisoformat(whole).astimezone(datetime.timezone.utc)


def history(client: KubernetesClient, namespace: str, name: str) -> list[Release]:
    """The revisions of the release, the newest last; none also when it is uninstalled or the namespace does not exist. One request.

    :raises Failure: layer ``kubernetes``.
    """
    found = client.items(f"/api/v1/namespaces/{namespace}/secrets", f"owner=helm,name={name}") or []
    # The label holds the revision as well, but only the record itself is what Helm acts on.
    releases = sorted((decode(secret) for secret in found), key=lambda release: release.revision)
    return releases if releases and releases[-1].status != GONE else []
