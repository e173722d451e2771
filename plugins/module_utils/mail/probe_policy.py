# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the cluster's NetworkPolicies shut the server's pod off as the chart means them to. Pure.

Policies add up (documentation of NetworkPolicy): a pod is under default deny in a direction as soon as one of them selects
it for that direction, and every rule of any of them opens more. So all of the namespace that select the pod are judged.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..kubernetes import objects
from .checks import Wrong

Object = t.Mapping[str, t.Any]
#: Ports that have the management API, by their names in the pod, and numbers where it does not name them.
WEB = {"http": 8080, "https": 443}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Who may come in.

    :param mail: container ports that everybody may reach, by name.
    :param web_from: peers that may reach the web ports. :param extra: further rules, in the API's own form.
    """

    mail: t.Mapping[str, int]
    web_from: t.Sequence[Object]
    extra: t.Sequence[Object]


def judge(policies: t.Sequence[Object], pod: Object, wanted: Wanted) -> str:
    """``network.policy``

    :param policies: all of the namespace.
    :raises Wrong: ``policy_missing``, ``policy_opens``, ``policy_changed``, ``policy_closed``.
    """
    where = {"namespace": pod["metadata"]["namespace"]}
    selecting = [policy for policy in policies if selects(policy["spec"].get("podSelector"), pod)]
    for kind in ("Ingress", "Egress"):
        if not any(kind in _types(policy["spec"]) for policy in selecting):
            name = pod["metadata"]["name"]
            raise Wrong("policy_missing", f"no NetworkPolicy selects pod {name} for {kind.lower()}", **where)
    ports = {name: _number(pod, name, number) for name, number in WEB.items()}
    for policy in selecting:
        opened = _opened(policy["spec"], ports, wanted, pod)
        if opened:
            name = policy["metadata"]["name"]
            cause = "policy_changed" if _is_charts(policy, pod) else "policy_opens"
            raise Wrong(cause, f"NetworkPolicy {name} opens {opened}", policy=name, **where)
    rules = [rule for policy in selecting for rule in policy["spec"].get("ingress") or []]
    for name, number in wanted.mail.items():
        port = _number(pod, name, number)
        if not any(not rule.get("from") and _covers(rule, port, pod) for rule in rules):
            raise Wrong("policy_closed", f"no NetworkPolicy opens port {port} ({name})", port=str(port), **where)
    return f"default deny by {', '.join(sorted(policy['metadata']['name'] for policy in selecting))}"


def selects(selector: t.Optional[Object], pod: Object) -> bool:
    """Whether a label selector selects a pod; an empty one selects all."""
    return objects.selects(selector or {}, pod["metadata"].get("labels") or {})


def _types(spec: Object) -> t.Sequence[str]:
    return spec.get("policyTypes") or (["Ingress", "Egress"] if "egress" in spec else ["Ingress"])


def _opened(spec: Object, ports: t.Mapping[str, int], wanted: Wanted, pod: Object) -> str:
    """What a policy opens that nobody asked for; empty if nothing."""
    types = _types(spec)
    if "Egress" in types and any(not rule.get("to") and not rule.get("ports") for rule in spec.get("egress") or ()):
        return "everything outwards"
    extra = [_normal(rule) for rule in wanted.extra]
    for rule in (spec.get("ingress") or ()) if "Ingress" in types else ():
        covered = sorted({port for port in ports.values() if _covers(rule, port, pod)})
        peers = rule.get("from") or ()
        if not covered or _normal(rule) in extra or (peers and all(peer in wanted.web_from for peer in peers)):
            continue
        others = "others than who is configured" if peers else "everybody"
        return f"port {' and '.join(map(str, covered))} to {others}"
    return ""


def _normal(rule: Object) -> dict[str, t.Any]:
    """As the API server keeps a rule: the protocol of a port is TCP unless it says."""
    return {
        "from": list(rule.get("from") or ()),
        "ports": [{"protocol": "TCP", **port} for port in rule.get("ports") or ()],
    }


def _covers(rule: Object, number: int, pod: Object) -> bool:
    ports = rule.get("ports")
    if not ports:
        return True
    for port in ports:
        if port.get("protocol", "TCP") != "TCP":
            continue
        first = port.get("port")
        if isinstance(first, str):
            first = _number(pod, first, 0)
        if first is None or first == number or first < number <= int(port.get("endPort") or 0):
            return True
    return False


def _number(pod: Object, name: str, otherwise: int) -> int:
    """The number of a named container port."""
    for container in pod["spec"].get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("name") == name:
                return int(port["containerPort"])
    return otherwise


def _is_charts(policy: Object, pod: Object) -> bool:
    """Whether role chart keeps a policy."""
    instance = "app.kubernetes.io/instance"
    labels, own = policy["metadata"].get("labels") or {}, pod["metadata"].get("labels") or {}
    return labels.get("app.kubernetes.io/managed-by") == "Helm" and labels.get(instance) == own.get(instance)
