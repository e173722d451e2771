# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A dry run on the API server: what it would refuse, it refuses before anything is written.

It makes every check that a real write meets: schema and immutable fields, admission webhooks, LimitRange, ResourceQuota, and
the namespace's PodSecurity level, which only the pod itself meets.
"""

from __future__ import annotations

import re
import typing as t

from ..failure import Failure
from . import discovery
from .client import KubernetesClient
from .objects import Key, Object, key_of, patch
from .quantity import amount
from .recreation import Step
from .volumes import claim_names

_NOT_GRANTED = re.compile(r"cannot (\w+) resource \"([^\"]+)\"")
_CORRECT = (
    "Correct the value in tenant_resources, tenant_storage or tenant_chart_values, or have the namespace's limits, quota or "
    "policy changed."
)
#: Codes of refusals, and what to do. Admission answers 403, as a missing permission does.
_HINTS = {
    "invalid_value": _CORRECT,
    "forbidden": _CORRECT,
    "conflict": "Remove what is there, or set tenant_release to another name.",
}
_NO_DRY_RUN = "does not support dry run"
_QUOTA = re.compile(
    r"exceeded quota: (?P<name>[^,]+), requested: (?P<requested>.+), used: (?P<used>.+), limited: (?P<hard>.+)"
)


def check(
    client: KubernetesClient,
    namespace: str,
    written: t.Sequence[Object],
    live: t.Mapping[Key, Object],
    stored: t.Mapping[Key, Object],
    steps: t.Sequence[Step],
    claims: t.Mapping[str, Object],
) -> list[str]:
    """What could not be asked, in words. One request for each object, claim and pod.

    :param written: what Helm or the role is going to write, as it writes it.
    :param live: those that exist. :param stored: what Helm wrote before. :param steps: what comes before Helm.
    :param claims: volume claims that exist, by name.
    :raises Failure: what the API server answers, by object.
    """
    run = _Run(client, namespace)
    deleted = {key_of(step.definition) for step in steps if step.state == "absent"}
    for step in steps:
        if step.state == "present":
            run.patch(step.definition)
    for obj in written:
        key = key_of(obj)
        if key in deleted:
            run.create(obj, live[key])
        elif key in live:
            run.patch(patch(stored.get(key) or {}, obj))
        else:
            run.create(obj)
    for obj in written:
        if obj["kind"] == "StatefulSet":
            for name, template in claim_names(obj).items():
                if name not in claims:
                    run.create(
                        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **template, "metadata": {"name": name}}
                    )
            run.pod(obj, live.get(key_of(obj)))
    return run.unchecked


class _Run:
    """One dry run; remembers what was not granted."""

    def __init__(self, client: KubernetesClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self.unchecked: list[str] = []

    def create(self, obj: Object, old: Object | None = None) -> None:
        """:param old: the object that is there still and goes first, so another name stands for the new one."""
        if old is None:
            self._ask(obj, lambda path: self._client.try_create(path, obj))
            return
        metadata = {key: value for key, value in obj["metadata"].items() if key != "name"}
        body = {**obj, "metadata": {**metadata, "generateName": f"{obj['metadata']['name']}-"}}
        self._ask(obj, lambda path: self._replace(path, body, _object_amounts(path, obj, old)))

    def patch(self, obj: Object) -> None:
        name = obj["metadata"]["name"]
        self._ask(obj, lambda path: self._client.try_patch(f"{path}/{name}", obj))

    def pod(self, statefulset: Object, live: Object | None) -> None:
        """The pod as the controller would make it. It has no ServiceAccount: a missing one is refused, and it may be new."""
        template, name = statefulset["spec"]["template"], statefulset["metadata"]["name"]
        volumes = [
            {"name": volume["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim}}
            for claim, volume in claim_names(statefulset).items()
        ]
        spec = {key: value for key, value in template["spec"].items() if key != "serviceAccountName"}
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**template["metadata"], "generateName": f"{name}-"},
            "spec": {**spec, "volumes": [*spec.get("volumes", []), *volumes]},
        }

        old = ((live or {}).get("spec") or {}).get("template")
        freed = _pod_amounts(old["spec"]) if old else {}
        self._ask({**body, "metadata": {"name": f"{name}-0"}}, lambda path: self._replace(path, body, freed))

    def _replace(self, path: str, body: Object, freed: t.Mapping[str, t.Any]) -> None:
        """:param freed: what the object that is there still counts for: it makes room for the one that replaces it."""
        try:
            self._client.try_create(path, body)
        except Failure as failure:
            if fits_when_replaced(failure.message, freed) is not True:
                raise

    def _ask(self, obj: Object, send: t.Callable[[str], None]) -> None:
        kind, name = key_of(obj)
        path = discovery.collection_path(self._client, str(obj["apiVersion"]), kind, self._namespace)
        try:
            send(str(path))
        except Failure as failure:
            granted = _NOT_GRANTED.search(failure.message)
            if failure.code == "forbidden" and granted:
                self.unchecked.append(
                    f"whether the cluster takes {kind} {name} ({granted[1]} {granted[2]} is not granted)"
                )
            elif _NO_DRY_RUN in failure.message:
                self.unchecked.append(f"whether the cluster takes {kind} {name} (a webhook there knows no dry run)")
            elif failure.code in _HINTS:
                what = f"the cluster would refuse {kind} {name} in {self._namespace}: {_reason(failure.message)}"
                code = "conflict" if failure.code == "conflict" else "invalid_value"
                raise Failure("kubernetes", code, what, hint=_HINTS[failure.code], request=failure.request) from None
            else:
                raise


def _reason(message: str) -> str:
    """The server's sentence without the request and the object's generated name in front of it."""
    text = message.split(": ", 1)[-1] if message.startswith(("POST ", "PATCH ")) else message
    return text.partition(" is forbidden: ")[2] or text.partition(" is invalid: ")[2] or text


def fits_when_replaced(message: str, freed: t.Mapping[str, t.Any]) -> bool | None:
    """Whether what exceeds a quota fits once the old object is gone; none when the message is about something else. Pure.

    :param freed: what the old object counts for, by the quota's resource.
    """
    found = _QUOTA.search(message)
    if found is None:
        return None
    requested, used, hard = (_amounts(found[part]) for part in ("requested", "used", "hard"))
    return all(used[name] - freed.get(name, 0) + requested[name] <= hard[name] for name in requested)


def _amounts(text: str) -> dict[str, t.Any]:
    pairs = (part.partition("=") for part in text.strip(" .").split(","))
    return {name.strip(): amount(value.strip()) or 0 for name, _equals, value in pairs}


def _object_amounts(path: str, obj: Object, old: Object) -> dict[str, t.Any]:
    """What an object that is no pod counts for in a quota.

    :param path: of the kind's objects, which ends with the resource's name. :param old: the object as the cluster holds it.
    """
    group, _slash, _version = str(obj["apiVersion"]).rpartition("/")
    resource = path.rpartition("/")[2]
    found: dict[str, t.Any] = {f"count/{resource}.{group}" if group else f"count/{resource}": 1}
    if obj["kind"] == "Service":
        spec = old.get("spec") or {}
        found["services"] = 1
        found["services.loadbalancers"] = int(spec.get("type") == "LoadBalancer")
        found["services.nodeports"] = sum(1 for port in spec.get("ports") or [] if port.get("nodePort"))
    return found


def _pod_amounts(spec: Object) -> dict[str, t.Any]:
    """What a pod counts for in a quota; init containers that need more than all others together are not looked at."""
    found: dict[str, t.Any] = {"pods": 1, "count/pods": 1}
    for container in spec.get("containers") or []:
        for kind, values in (container.get("resources") or {}).items():
            for name, value in values.items() if kind in ("requests", "limits") else ():
                for key in (f"{kind}.{name}", *([name] if kind == "requests" else [])):
                    found[key] = found.get(key, 0) + (amount(value) or 0)
    return found
