# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release still waits for, in one sentence. Pure: objects in, reason out."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import typing as t

from .discovery import condition

#: Restarts after which a crashing container is not given more time.
CRASHES = 3
#: Reasons of a waiting container that time does not mend.
_HOPELESS = frozenset(("InvalidImageName", "ErrImageNeverPull", "RunContainerError"))


@dataclasses.dataclass(frozen=True)
class Waiting:
    """Why a release is not ready.

    :param what: one sentence without its final stop.
    :param hint: what to do about it.
    :param hopeless: waiting longer changes nothing.
    :param pod: pod whose log tells more; ``claims`` are volume claims whose events do, ``events`` another object's name.
    """

    what: str
    hint: str = ""
    hopeless: bool = False
    pod: str | None = None
    claims: tuple[str, ...] = ()
    events: str | None = None


@dataclasses.dataclass(frozen=True)
class SecretCheck:
    """A Secret that has to hold a value. The value itself stays out of every message.

    :param read_at_start: the server reads it once, when it starts, and nobody can ask it what it has read.
    """

    name: str
    property: str
    value: str = dataclasses.field(repr=False)
    read_at_start: bool = False


def unsynced(name: str, external: t.Mapping[str, t.Any] | None) -> Waiting | None:
    """Whether an ExternalSecret has been synchronised."""
    if external is None:
        return Waiting(
            f"there is no ExternalSecret {name}", "Run role chart again; it re-applies what is missing.", True
        )
    ready = condition(external, "Ready")
    if ready.get("status") == "True":
        return None
    why = ready.get("message") or ready.get("reason") or "External Secrets has not looked at it yet"
    keys = {str(item["remoteRef"]["key"]) for item in (external.get("spec") or {}).get("data") or []}
    paths = f" (path {', '.join(sorted(keys))})" if keys else ""
    return Waiting(
        f"the ExternalSecret {name}{paths} is not synced: {why}",
        "Check that its path exists in OpenBao and that the secret store may read it.",
    )


def stale(check: SecretCheck, secret: t.Mapping[str, t.Any] | None) -> bool:
    """Whether a Secret lacks the value, or holds another one."""
    encoded = ((secret or {}).get("data") or {}).get(check.property)
    if encoded is None:
        return True
    try:
        return base64.b64decode(encoded) != check.value.encode()
    except (binascii.Error, ValueError):
        return True


def started_before(secret: t.Mapping[str, t.Any] | None, pods: t.Sequence[t.Mapping[str, t.Any]]) -> bool:
    """Whether a container of the pods is older than what a Secret holds now.

    The times are RFC 3339 in UTC to the second, so that they compare as texts.
    """
    managed = ((secret or {}).get("metadata") or {}).get("managedFields") or []
    changes = [str(entry.get("time") or "") for entry in managed if "f:data" in (entry.get("fieldsV1") or {})]
    starts = [
        str((((status.get("state") or {}).get("running")) or {}).get("startedAt") or "")
        for pod in pods
        for status in (pod.get("status") or {}).get("containerStatuses") or []
    ]
    return any(start and start < max(changes, default="") for start in starts)


def rollout(statefulset: t.Mapping[str, t.Any], pods: t.Sequence[t.Mapping[str, t.Any]]) -> Waiting | None:
    """Whether every pod of a StatefulSet runs its newest revision and is ready.

    :param pods: the pods of the release, in any order.
    """
    metadata, spec = statefulset["metadata"], statefulset.get("spec") or {}
    status, name, wanted = statefulset.get("status") or {}, metadata["name"], int(spec.get("replicas", 1))
    seen = status.get("observedGeneration", 0) >= metadata.get("generation", 0)
    revision = status.get("updateRevision")
    for pod in pods:
        label = (pod["metadata"].get("labels") or {}).get("controller-revision-hash")
        current = seen and label == revision
        waiting = pod_waiting(pod)
        if waiting is not None:
            return waiting if current else _of_another_revision(waiting)
        if not current or pod["metadata"].get("deletionTimestamp"):
            return Waiting(f"pod {pod['metadata']['name']} of the previous revision is being replaced")
    if not seen or len(pods) < wanted:
        # Why no pod is made (limits, quota, policy) stands in the events of the StatefulSet and nowhere else.
        return Waiting(f"StatefulSet {name} has {len(pods)} of {wanted} pods", events=name)
    if status.get("readyReplicas", 0) < wanted or status.get("currentRevision") != revision:
        return Waiting(f"StatefulSet {name} has {status.get('readyReplicas', 0)} of {wanted} ready pods")
    return None


def _of_another_revision(waiting: Waiting) -> Waiting:
    """What a pod waits for that the StatefulSet's controller has to replace: its state says nothing about what comes next.

    Under ``podManagementPolicy: Parallel`` the controller replaces a pod that never became ready; under ``OrderedReady`` it leaves it
    for ever (kubernetes issue 67250), so the hint says what mends that.
    """
    return dataclasses.replace(
        waiting,
        what=f"{waiting.what}; it is of the previous revision and is being replaced",
        hint="If it stays, delete the pod: its StatefulSet makes one of the newest revision.",
        hopeless=False,
    )


def pod_waiting(pod: t.Mapping[str, t.Any]) -> Waiting | None:
    """What one pod waits for, none when it is ready or already on its way out."""
    name = pod["metadata"]["name"]
    if pod["metadata"].get("deletionTimestamp"):
        return None
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        claims = tuple(
            volume["persistentVolumeClaim"]["claimName"]
            for volume in (pod.get("spec") or {}).get("volumes") or []
            if "persistentVolumeClaim" in volume
        )
        why = scheduled.get("message") or scheduled.get("reason")
        return Waiting(f"pod {name} is not scheduled: {why}", "Give the cluster what it lacks.", claims=claims)
    for container in (pod.get("status") or {}).get("containerStatuses") or []:
        waiting = _container(name, container)
        if waiting is not None:
            return waiting
    if condition(pod, "Ready").get("status") == "True":
        return None
    phase = (pod.get("status") or {}).get("phase")
    if phase == "Running":
        return Waiting(f"pod {name} runs but does not answer its probe yet", pod=name)
    if phase == "Failed":
        reason = (
            (pod.get("status") or {}).get("message") or (pod.get("status") or {}).get("reason") or "no reason given"
        )
        return Waiting(f"pod {name} failed: {reason}", pod=name)
    return Waiting(f"pod {name} is being started")


def _container(pod: str, status: t.Mapping[str, t.Any]) -> Waiting | None:
    state = (status.get("state") or {}).get("waiting") or {}
    reason, message = state.get("reason"), state.get("message") or ""
    restarts = int(status.get("restartCount") or 0)
    image = status.get("image")
    last = ((status.get("lastState") or {}).get("terminated")) or {}
    if reason in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"):
        return Waiting(
            f"pod {pod} cannot pull the image {image}: {message or reason}",
            "Check tenant_image, the registry and its credential (image.pullSecrets).",
            reason in _HOPELESS,
        )
    if reason == "CreateContainerConfigError":
        return Waiting(f"pod {pod} lacks something that it refers to: {message}", "It starts once that exists.")
    if reason == "CrashLoopBackOff" or (restarts and last.get("exitCode") and not status.get("ready")):
        why = last.get("reason") or "Error"
        return Waiting(
            f"pod {pod} crashes (restarts: {restarts}, last exit: {why}, code {last.get('exitCode')})",
            "Read the whole log: kubectl logs --previous.",
            # Without back-off the restarts may be months old, and the container is being started.
            reason == "CrashLoopBackOff" and restarts >= CRASHES,
            pod=pod,
        )
    if reason and reason not in ("ContainerCreating", "PodInitializing"):
        return Waiting(f"pod {pod} cannot start: {reason} {message}".strip(), hopeless=reason in _HOPELESS, pod=pod)
    if reason:
        return Waiting(f"pod {pod} is being started ({reason})")
    return None
