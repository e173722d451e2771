"""Policies of the network in a plan: whatever somebody adds to one is drift."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.objects import key_of
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.plan import ReleasePlan
from kubernetes_plans import deployed, in_cluster, names, obj, plan


def policy(**rules: Any) -> dict[str, Any]:
    return obj("NetworkPolicy", "deny", policyTypes=["Ingress"], **rules)


def test_a_rule_in_a_policy_that_has_none_is_taken_out() -> None:
    """The API server leaves the empty list out, so that what is live never holds it."""
    desired = [policy(ingress=[])]
    untouched = plan(deployed(), desired, desired, in_cluster([policy()]))
    assert (untouched.action, names(untouched), untouched.reapply) == ("none", [], ())
    opened = plan(deployed(), desired, desired, in_cluster([policy(ingress=[{}])]))
    assert (opened.action, names(opened)) == ("reapply", ["update NetworkPolicy deny"])
    assert opened.reapply[0]["spec"]["ingress"] == [], (
        "only a list that is there replaces the foreign one in a merge patch"
    )


PEER = {"podSelector": {"matchLabels": {"app": "mail"}}}
#: As the chart renders it, with the protocol.
RULE = {"ports": [{"port": 25, "protocol": "TCP"}], "from": [PEER, {"namespaceSelector": {}}]}
SELECTOR = {"podSelector": {"matchLabels": {"app": "stalwart"}}}


def edited(desired: dict[str, Any], edit: Callable[[Any], Any]) -> tuple[dict[str, Any], ReleasePlan]:
    """What an edited policy has then, and the plan."""
    live = in_cluster([copy.deepcopy(desired)])
    held = live[key_of(desired)]
    edit(held["spec"] if desired["kind"] == "NetworkPolicy" else held)
    return held, plan(deployed(), [desired], [desired], live)


@pytest.mark.parametrize(
    ("edit", "undone"),
    [
        (lambda spec: spec["ingress"][0]["ports"][0].update(endPort=65535), {"ingress": [RULE]}),
        (lambda spec: spec["ingress"][0]["from"][0].update(namespaceSelector={}), {"ingress": [RULE]}),
        (lambda spec: spec["ingress"][0]["from"][1].pop("namespaceSelector"), {"ingress": [RULE]}),
        (
            lambda spec: spec["podSelector"]["matchLabels"].update(protocol="TCP"),
            {"podSelector": {"matchLabels": {"app": "stalwart", "protocol": None}}},
        ),
        (lambda spec: spec.update(egress=[{}]), {"egress": None}),
    ],
    ids=["endPort", "peer", "peer taken away", "label", "rules of the other direction"],
)
def test_whatever_is_added_to_a_policy_is_taken_out(edit: Callable[[Any], Any], undone: dict[str, Any]) -> None:
    held, result = edited(policy(ingress=[RULE], **SELECTOR), edit)
    assert (result.action, names(result)) == ("reapply", ["update NetworkPolicy deny"])
    assert result.plan.changes[0].before["spec"] == held["spec"]
    assert result.reapply[0]["spec"].items() >= undone.items()


def test_what_the_api_server_makes_of_a_policy_is_no_drift() -> None:
    bare = obj("NetworkPolicy", "bare", ingress=[{"ports": [{"port": 25}], "from": [PEER]}], egress=[], podSelector={})

    def stored(spec: dict[str, Any]) -> None:
        spec["ingress"][0]["ports"][0]["protocol"] = "TCP"
        spec["policyTypes"] = ["Ingress"]
        del spec["egress"]

    result = edited(bare, stored)[1]
    assert (result.action, names(result), result.reapply) == ("none", [], ())


@pytest.mark.parametrize(
    ("edit", "undone"),
    [
        (lambda held: held["spec"].update(egress=[{"toEntities": ["all"]}]), {"egress": None}),
        (lambda held: held["spec"]["ingress"][0].update(fromCIDR=["0.0.0.0/0"]), {}),
        (lambda held: held.update(specs=[{"endpointSelector": {}}]), {}),
    ],
    ids=["egress", "from", "specs"],
)
def test_whatever_is_added_to_a_policy_of_cilium_is_taken_out(
    edit: Callable[[Any], Any], undone: dict[str, Any]
) -> None:
    rules = {"endpointSelector": SELECTOR["podSelector"], "ingress": [{"fromEntities": ["ingress"]}]}
    held, result = edited(obj("CiliumNetworkPolicy", "web", **rules), edit)
    assert (result.action, names(result)) == ("reapply", ["update CiliumNetworkPolicy web"])
    written = result.reapply[0]
    assert written["spec"] == {**rules, **undone}
    assert written.get("specs") is None
    assert ("specs" in written) == ("specs" in held)


def test_an_empty_list_that_a_chart_begins_to_give_changes_helm_s_record_only() -> None:
    result = plan(deployed(), [policy()], [policy(ingress=[])], in_cluster([policy()]))
    assert (result.action, names(result)) == ("upgrade", ["update release stalwart"])


def test_an_empty_list_that_a_chart_ceases_to_give_changes_helm_s_record_only() -> None:
    result = plan(deployed(), [policy(ingress=[])], [policy()], in_cluster([policy()]))
    assert (result.action, names(result)) == ("upgrade", ["update release stalwart"])
