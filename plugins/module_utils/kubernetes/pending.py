# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release that its writer left ``pending-*`` or ``uninstalling``: whether it is stuck, and how it gets unstuck.

The record of the revision that was never finished is deleted, as Helm's users do; the last finished one stays, and the next
upgrade starts from that.
"""

from __future__ import annotations

import datetime
import typing as t

from ..failure import Failure
from ..reconcile import Change
from . import lease
from .argspec import TENANT_LOCK
from .client import KubernetesClient
from .recreation import Step, deletion
from .release import GONE, UNFINISHED, Release

LOCK = TENANT_LOCK["name"]["default"]
#: Minutes after which a revision that nobody of us wrote counts as left behind; Helm's own time-outs are 5.
PATIENCE = 15


def split(history: t.Sequence[Release]) -> tuple[Release | None, tuple[Release, ...]]:
    """The newest finished revision, none where that is uninstalled, and the unfinished ones after it.

    :param history: all revisions, the newest last.
    """
    finished = [release for release in history if release.status not in UNFINISHED]
    last = finished[-1] if finished else None
    stuck = tuple(release for release in history if last is None or release.revision > last.revision)
    return (None if last is not None and last.status == GONE else last), stuck


def refuse_busy(
    client: KubernetesClient,
    namespace: str,
    pending: t.Sequence[Release],
    ours: str,
    now: datetime.datetime | None = None,
) -> None:
    """Stop where an unfinished revision may still be being written.

    A revision that a run of this collection began is left behind when nobody else holds the tenant's lock: every such run holds
    it. Others, who know no lock, are given time. One request, and only for an unfinished revision.

    :param ours: who holds the lock when this run does.
    :raises Failure: ``locked`` naming the holder, or ``not_ready`` naming the time.
    """
    now = now or datetime.datetime.now(datetime.timezone.utc)
    found = client.find(f"/apis/{lease.API_VERSION}/namespaces/{namespace}/leases/{LOCK}")
    held = lease.parse(found or {})
    if held.holder not in ("", ours) and not held.expired(now) and not lease.abandoned(held.holder, ours):
        raise Failure(
            "kubernetes",
            "locked",
            f"the release is {pending[-1].status}, and another run works on this tenant: {held.holder}.",
            hint="Wait for it to end.",
        )
    for release in pending:
        until = release.since + datetime.timedelta(minutes=PATIENCE) if release.since else now
        if not release.ours and until > now:
            raise Failure(
                "kubernetes",
                "not_ready",
                f"the release {release.name} in {namespace} is {release.status} (revision {release.revision}): another Helm "
                f"has been writing it since {release.since:%H:%M:%S} UTC.",
                hint=f"Wait for it to end. If it is dead, run again after {until:%H:%M:%S} UTC, "
                f"or delete the Secret {release.record} in {namespace} now.",
            )


def recovery(pending: t.Sequence[Release], namespace: str) -> list[tuple[Change, Step]]:
    """Deleting the records of revisions that are stuck. Pure."""
    found = []
    for release in pending:
        record = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": release.record}}
        before = {"revision": release.revision, **release.shown()}
        change = Change("delete", "release revision", f"{release.name} {release.revision}", before)
        found.append((change, deletion(record, namespace)))
    return found
