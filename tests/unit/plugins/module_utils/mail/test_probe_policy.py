"""Whether NetworkPolicies shut a pod off: policies of a namespace in, cause out."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.checks import Wrong
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.probe_policy import Wanted, judge, selects

LABELS = {"app.kubernetes.io/name": "stalwart", "app.kubernetes.io/instance": "stalwart"}
POD = {
    "metadata": {"name": "stalwart-0", "namespace": "tenant-acme", "labels": LABELS},
    "spec": {
        "containers": [
            {"ports": [{"name": "http", "containerPort": 8080}, {"name": "https", "containerPort": 443}]},
            {"ports": [{"name": "smtp", "containerPort": 2525}, {"containerPort": 9090}]},
        ]
    },
}
GATEWAY = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
MONITOR = {"podSelector": {"matchLabels": {"app": "prometheus"}}}
EXTRA = {"from": [MONITOR], "ports": [{"port": 8080}]}
WANTED = Wanted({"smtp": 25, "submission": 587}, [GATEWAY], [EXTRA])
BOTH = ["Ingress", "Egress"]


def policy(name: str, owner: str = "Helm", **spec: t.Any) -> dict[str, t.Any]:
    labels = {"app.kubernetes.io/managed-by": owner, "app.kubernetes.io/instance": "stalwart"}
    spec.setdefault("podSelector", {"matchLabels": LABELS})
    return {"metadata": {"name": name, "labels": labels}, "spec": spec}


def rule(*ports: t.Any, peers: t.Sequence[t.Any] = (), **more: t.Any) -> dict[str, t.Any]:
    found: dict[str, t.Any] = {"ports": [{"protocol": "TCP", "port": port, **more} for port in ports]}
    return {**found, "from": list(peers)} if peers else found


DENY = policy("stalwart-default-deny", policyTypes=BOTH)
ALLOW = policy(
    "stalwart-allow",
    policyTypes=BOTH,
    ingress=[
        rule("smtp", 587),
        rule(8080, 443, peers=[GATEWAY]),
        {"from": [MONITOR], "ports": [{"protocol": "TCP", "port": 8080}]},
    ],
    egress=[{"ports": [{"protocol": "UDP", "port": 53}]}],
)


def test_what_the_chart_writes_is_right() -> None:
    assert judge([DENY, ALLOW], POD, WANTED) == "default deny by stalwart-allow, stalwart-default-deny"


def changed(**spec: t.Any) -> dict[str, t.Any]:
    found = copy.deepcopy(ALLOW)
    found["spec"].update(spec)
    return found


def others(**spec: t.Any) -> dict[str, t.Any]:
    return policy("somebodys", "somebody", **spec)


@pytest.mark.parametrize(
    ("policies", "cause", "observed"),
    [
        ([], "policy_missing", "no NetworkPolicy selects pod stalwart-0 for ingress"),
        ([others(podSelector={"matchLabels": {"app": "other"}})], "policy_missing", "for ingress"),
        ([changed(policyTypes=["Ingress"])], "policy_missing", "for egress"),
        ([policy("a", ingress=[rule(25, 587)])], "policy_missing", "for egress"),
        ([DENY], "policy_closed", "port 2525 (smtp)"),
        ([DENY, changed(ingress=[rule("smtp")])], "policy_closed", "port 587 (submission)"),
        ([DENY, changed(ingress=[rule("smtp", 587, peers=[GATEWAY])])], "policy_closed", "port 2525 (smtp)"),
        ([ALLOW, others(ingress=[rule(8080)])], "policy_opens", "somebodys opens port 8080 to everybody"),
        ([ALLOW, others(ingress=[rule("http", "https")])], "policy_opens", "port 443 and 8080 to everybody"),
        ([ALLOW, others(ingress=[{}])], "policy_opens", "port 443 and 8080 to everybody"),
        ([ALLOW, others(podSelector={}, ingress=[rule(8000, endPort=9000)])], "policy_opens", "port 8080 to everybody"),
        ([ALLOW, others(ingress=[rule(8080, peers=[GATEWAY, MONITOR])])], "policy_opens", "to others than who is"),
        ([ALLOW, others(policyTypes=["Egress"], egress=[{}])], "policy_opens", "everything outwards"),
        ([DENY, changed(ingress=[rule("smtp", 587, 8080)])], "policy_changed", "stalwart-allow opens port 8080"),
    ],
)
def test_what_is_wrong(policies: list[dict[str, t.Any]], cause: str, observed: str) -> None:
    with pytest.raises(Wrong) as raised:
        judge(policies, POD, WANTED)
    assert raised.value.cause == cause
    assert observed in raised.value.observed
    assert raised.value.facts["namespace"] == "tenant-acme"


@pytest.mark.parametrize(
    "spec",
    [
        {"ingress": [rule(8080, peers=[GATEWAY])]},
        {"ingress": [rule(9090)]},
        {"ingress": [rule(8080, protocol="UDP")]},
        {"ingress": [rule(8000, endPort=8079)]},
        {"ingress": [rule("metrics")]},
        {"policyTypes": ["Egress"], "ingress": [{}], "egress": [rule(443)]},
        {"podSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}, "ingress": [{}]},
    ],
)
def test_what_others_may_open(spec: dict[str, t.Any]) -> None:
    assert judge([DENY, ALLOW, others(**spec)], POD, WANTED)


@pytest.mark.parametrize(
    ("operator", "values", "found"),
    [
        ("In", ["stalwart", "x"], True),
        ("In", ["x"], False),
        ("NotIn", ["x"], True),
        ("NotIn", ["stalwart"], False),
        ("Exists", None, True),
        ("DoesNotExist", None, False),
    ],
)
def test_selectors(operator: str, values: list[str] | None, found: bool) -> None:
    expression = {"key": "app.kubernetes.io/name", "operator": operator, **({"values": values} if values else {})}
    assert selects({"matchExpressions": [expression]}, POD) is found
    assert selects({}, POD)
    assert selects(None, POD)
