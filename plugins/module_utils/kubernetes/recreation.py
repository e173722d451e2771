# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes that Kubernetes never makes in place: the object is deleted and Helm writes it anew. Pure.

A StatefulSet is deleted without what it owns: its volume claims stay in any case, and a pod that the new one selects goes on
until it is replaced.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..failure import Failure
from ..reconcile import Change
from .objects import Object, key_of, same

#: Fields of a StatefulSet that the API server refuses to update; only replicas, template and a few more can be.
_STATEFULSET = (("serviceName",), ("selector",), ("podManagementPolicy",), ("volumeClaimTemplates",))


@dataclasses.dataclass(frozen=True)
class Step:
    """One write that has to come before Helm's.

    :param state: ``absent``, or ``present`` for a merge patch of what is there.
    :param definition: the object, or what of it is patched.
    :param propagation: what becomes of what a deleted object owns (``Orphan``, ``Background``).
    """

    state: str
    definition: dict[str, t.Any]
    propagation: str | None = None

    def as_dict(self) -> dict[str, t.Any]:
        """An item of the result's ``prepare``."""
        return {"state": self.state, "definition": self.definition, "propagation": self.propagation}


def deletion(obj: Object, namespace: str, propagation: str = "Background") -> Step:
    """The step that deletes an object."""
    metadata = {"name": obj["metadata"]["name"], "namespace": namespace}
    return Step("absent", {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata}, propagation)


def fixed_fields(desired: Object, live: Object) -> list[str]:
    """Dotted paths of fields that differ and that the API server does not change.

    Here both sides have to say the same, unlike in :func:`.objects.differs`: a label more in a claim's template is enough for
    the API server to refuse.
    """
    want, have = desired.get("spec") or {}, live.get("spec") or {}
    if desired["kind"] == "Service":
        asked, given = want.get("clusterIP"), have.get("clusterIP")
        headless = "None" in (asked, given)
        return ["spec.clusterIP"] if asked != given and (asked or headless) else []
    if desired["kind"] != "StatefulSet":
        return []
    found = []
    for (field,) in _STATEFULSET:
        left, right = _plain(field, want.get(field)), _plain(field, have.get(field))
        if not (same(left, right, field) and same(right, left, field)):
            found.append(f"spec.{field}")
    return found


def _plain(field: str, value: t.Any) -> t.Any:
    """The value without what the API server adds."""
    if field == "podManagementPolicy":
        return value or "OrderedReady"
    if field != "volumeClaimTemplates":
        return value
    plain = []
    for template in value or []:
        metadata, spec = dict(template["metadata"]), {"volumeMode": "Filesystem", **template["spec"]}
        metadata.pop("creationTimestamp", None)
        plain.append({"metadata": metadata, "spec": spec})
    return plain


def plan_recreation(desired: Object, live: Object, namespace: str) -> tuple[Change, Step] | None:
    """Deleting an object that cannot become what is desired, none when it can."""
    fields = fixed_fields(desired, live)
    if not fields:
        return None
    kind, name = key_of(desired)
    propagation = "Orphan" if kind == "StatefulSet" else "Background"
    paths = [field.split(".")[1] for field in fields]
    shown = [
        {
            "apiVersion": desired["apiVersion"],
            "kind": kind,
            "spec": {path: spec[path] for path in paths if path in spec},
        }
        for spec in (live["spec"], desired["spec"])
    ]
    return Change("recreate", kind, name, *shown), deletion(desired, namespace, propagation)


def stray_pods(statefulset: Object, pods: t.Iterable[Object], namespace: str) -> list[tuple[Change, Step]]:
    """Pods that bear the name of a StatefulSet's pod and that it does not select: it could not start its own.

    :param pods: those of its names that exist.
    :raises Failure: ``conflict`` when a pod is another controller's.
    """
    found = []
    wanted = (statefulset["spec"].get("selector") or {}).get("matchLabels") or {}
    for pod in pods:
        metadata = pod["metadata"]
        if wanted.items() <= (metadata.get("labels") or {}).items():
            continue
        owner = next((o for o in metadata.get("ownerReferences") or [] if o.get("controller")), None)
        if owner is not None and (owner["kind"], owner["name"]) != key_of(statefulset):
            raise Failure(
                "kubernetes",
                "conflict",
                f"pod {metadata['name']} in {namespace} belongs to {owner['kind']} {owner['name']} and bears the name of the "
                "server's pod.",
                hint="Remove its owner, or set tenant_release to another name.",
            )
        step = deletion({"apiVersion": "v1", "kind": "Pod", "metadata": metadata}, namespace)
        shown = {"labels": dict(metadata.get("labels") or {})}
        found.append((Change("delete", "Pod", metadata["name"], shown), step))
    return found


def pod_names(statefulset: Object) -> list[str]:
    """The names of a StatefulSet's pods."""
    return [
        f"{statefulset['metadata']['name']}-{ordinal}"
        for ordinal in range(int((statefulset.get("spec") or {}).get("replicas", 1)))
    ]
