# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tenant's lock: a Lease of coordination.k8s.io, written by compare-and-swap on its resourceVersion.

Two runs on one tenant would duplicate objects of the mail server, which has few unique keys. A lease ends by itself, so
that a run that died does not lock its tenant out for good.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import typing as t

from ..failure import Failure
from .client import KubernetesClient

API_VERSION = "coordination.k8s.io/v1"
#: A lease is renewed once a third of it is over: a short run writes once.
RENEW_AFTER = 3
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclasses.dataclass(frozen=True)
class Lease:
    """What the lock's object says.

    :param renewed: when its holder took or renewed it, none when it never was.
    :param duration: seconds from then on in which nobody else may take it.
    """

    holder: str
    renewed: datetime.datetime | None
    duration: int
    version: str
    transitions: int = 0

    def expired(self, now: datetime.datetime) -> bool:
        """Whether anybody may take it."""
        if not self.holder or self.renewed is None:
            return True
        return now >= self.renewed + datetime.timedelta(seconds=self.duration)

    def due(self, now: datetime.datetime) -> bool:
        """Whether its holder should renew it."""
        if self.renewed is None:
            return True
        return now >= self.renewed + datetime.timedelta(seconds=self.duration / RENEW_AFTER)


def parse(obj: t.Mapping[str, t.Any]) -> Lease:
    """The lease in a Lease object; missing fields count as nobody's."""
    spec = obj.get("spec") or {}
    return Lease(
        holder=str(spec.get("holderIdentity") or ""),
        renewed=_time(spec.get("renewTime") or spec.get("acquireTime")),
        duration=int(spec.get("leaseDurationSeconds") or 0),
        version=str((obj.get("metadata") or {}).get("resourceVersion") or ""),
        transitions=int(spec.get("leaseTransitions") or 0),
    )


def _time(text: t.Any) -> datetime.datetime | None:
    try:
        # RFC 3339 with microseconds (MicroTime); the suffix Z is not understood before Python 3.11.
        return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None


def body(
    name: str, namespace: str, holder: str, duration: int, now: datetime.datetime, previous: Lease | None
) -> dict[str, t.Any]:
    """The Lease object that says that ``holder`` has it now; with the version of the previous one, if there is one."""
    ours = previous is not None and previous.holder == holder
    metadata: dict[str, t.Any] = {
        "name": name,
        "namespace": namespace,
        "labels": {"app.kubernetes.io/managed-by": "tenantmail"},
    }
    spec: dict[str, t.Any] = {
        "holderIdentity": holder,
        "leaseDurationSeconds": duration,
        "renewTime": now.strftime(_FORMAT),
        "leaseTransitions": previous.transitions + (0 if ours else 1) if previous else 0,
    }
    if not ours:
        spec["acquireTime"] = now.strftime(_FORMAT)
    if previous is not None:
        metadata["resourceVersion"] = previous.version
    return {"apiVersion": API_VERSION, "kind": "Lease", "metadata": metadata, "spec": spec}


def over(found: t.Mapping[str, t.Any], new: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The object to PUT: what was found with the new holder's fields; its version makes the write a compare-and-swap."""
    metadata = {**(found.get("metadata") or {}), **new["metadata"]}
    return {**found, "metadata": metadata, "spec": {**(found.get("spec") or {}), **new["spec"]}}


def abandoned(holder: str, ours: str) -> bool:
    """Whether the holder is a process of this machine and user that does not run any more.

    Holders look like ``user@host pidns 4026531836 pid 4711``; only ours can be looked up, every other one has to expire.
    """
    theirs, pid = holder.rpartition(" pid ")[::2]
    mine = ours.rpartition(" pid ")[0]
    if not theirs or theirs != mine or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


class Lock:
    """One tenant's lock.

    :param holder: who takes it; equal holders are one run.
    :param duration: seconds that it lasts without a renewal.
    :param now: the clock (UTC).
    """

    def __init__(
        self,
        client: KubernetesClient,
        namespace: str,
        name: str,
        holder: str,
        duration: int,
        now: t.Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.timezone.utc),
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._holder = holder
        self._duration = duration
        self._now = now
        self._collection = f"/apis/{API_VERSION}/namespaces/{namespace}/leases"
        self._path = f"{self._collection}/{name}"

    def hold(self) -> str:
        """Take the lock, or renew it when it is ours already: ``taken``, ``renewed`` or ``held`` (nothing to do yet).

        :raises Failure: ``locked`` naming the holder; ``not_found`` when the namespace does not exist.
        """
        found = self._client.find(self._path)
        if found is None:
            return self._create()
        lease, now = parse(found), self._now()
        if lease.holder == self._holder:
            if not lease.expired(now) and not lease.due(now):
                return "held"
        elif not lease.expired(now) and not abandoned(lease.holder, self._holder):
            raise self._locked(lease)
        try:
            self._client.replace(self._path, over(found, self._body(lease)))
        except Failure as failure:
            if failure.code not in ("conflict", "not_found"):
                raise
            # Somebody else wrote between our read and our write: theirs counts.
            raise self._locked(parse(self._client.find(self._path) or {})) from None
        return "renewed" if lease.holder == self._holder else "taken"

    def release(self) -> str:
        """Give the lock back: ``released``, or ``not_held`` when it is not ours (then nothing is written)."""
        found = self._client.find(self._path)
        if found is None or parse(found).holder != self._holder:
            return "not_held"
        # As client-go's leader election does: the object stays, without a holder.
        spec = {key: value for key, value in found["spec"].items() if key != "holderIdentity"}
        try:
            self._client.replace(self._path, {**found, "spec": spec})
        except Failure as failure:
            if failure.code not in ("conflict", "not_found"):
                raise
            return "not_held"
        return "released"

    def _create(self) -> str:
        try:
            self._client.create(self._collection, self._body(None))
        except Failure as failure:
            if failure.code == "conflict":
                raise self._locked(parse(self._client.find(self._path) or {})) from None
            if failure.code == "not_found":
                raise Failure(
                    "kubernetes",
                    "not_found",
                    f"the namespace {self._namespace} does not exist, so its lock cannot be taken.",
                    hint="Create it first (role chart, tasks_from: namespace).",
                    request=failure.request,
                ) from None
            raise
        return "taken"

    def _body(self, previous: Lease | None) -> dict[str, t.Any]:
        return body(self._name, self._namespace, self._holder, self._duration, self._now(), previous)

    def _locked(self, lease: Lease) -> Failure:
        until = "an unknown time"
        if lease.renewed is not None:
            until = (lease.renewed + datetime.timedelta(seconds=lease.duration)).strftime("%H:%M:%S UTC")
        return Failure(
            "kubernetes",
            "locked",
            f"another run works on this tenant: {lease.holder or 'unknown'} holds the lock {self._namespace}/{self._name} "
            f"until {until}.",
            hint="Wait for it to end. If it is dead, the lock ends by itself at that time, "
            f"or: kubectl delete lease {self._name} --namespace {self._namespace}.",
        )
