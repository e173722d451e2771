from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.capabilities import (
    Capabilities,
    complete,
    read,
)
from kubernetes_cluster import Cluster

ESO, GATEWAY = "external-secrets.io", "gateway.networking.k8s.io"
ON = {"gateway": {"enabled": True, "parentRef": {"name": "g"}}}


def serving(**groups: tuple[str, ...]) -> Capabilities:
    return Capabilities({ESO: ("v1",), **groups})


def test_what_is_served_costs_two_requests_at_most() -> None:
    group = {"name": ESO, "versions": [{"version": "v1"}, {"version": "v1beta1"}]}
    cluster = Cluster({"/apis": {"groups": [group, {"name": "cilium.io", "versions": [{"version": "v2"}]}]}})
    found = read(cluster)
    assert found.groups == {ESO: ("v1", "v1beta1"), "cilium.io": ("v2",)}
    assert cluster.log == [("GET", "/apis"), ("GET", "/apis/cilium.io/v2")], "the second one for a kind that matters"
    assert found.as_dict() == {
        "external_secrets": "external-secrets.io/v1",
        "gateway": None,
        "cert_manager": None,
        "policy_engine": "Cilium",
    }


@pytest.mark.parametrize(
    ("version", "kinds", "found"),
    [
        ("v2", ["CiliumEndpoint", "CiliumNetworkPolicy"], ("cilium.io/v2/CiliumNetworkPolicy",)),
        ("v2", ["CiliumEndpoint"], ()),
        ("v3", ["CiliumNetworkPolicy"], ()),
        (None, [], ()),
    ],
)
def test_kinds_that_the_chart_looks_for(version: str | None, kinds: list[str], found: tuple[str, ...]) -> None:
    groups = [{"name": "cilium.io", "versions": [{"version": version}]}] if version else []
    resources = [{"name": f"{kind.lower()}s", "kind": kind} for kind in kinds]
    cluster = Cluster({"/apis": {"groups": groups}, f"/apis/cilium.io/{version}": {"resources": resources}})
    assert read(cluster).found == found
    assert len(cluster.log) == (2 if version == "v2" else 1)


@pytest.mark.parametrize(
    ("served", "version"),
    [(("v1",), "v1"), (("v1beta1",), "v1beta1"), (("v1beta1", "v1"), "v1"), (("v1alpha1", "v1beta1"), "v1beta1")],
)
def test_the_best_version_that_is_served(served: tuple[str, ...], version: str) -> None:
    found = complete(ON, serving(**{ESO: served, GATEWAY: served}))
    assert found["externalSecrets"]["apiVersion"] == f"{ESO}/{version}"
    assert found["gateway"] == {"apiVersion": f"{GATEWAY}/{version}", **ON["gateway"]}


def test_what_the_values_say_wins() -> None:
    values = {"externalSecrets": {"apiVersion": f"{ESO}/v1beta1"}, "gateway": {"enabled": True, "apiVersion": "own/v1"}}
    assert complete(values, serving(**{GATEWAY: ("v1",)})) == values


@pytest.mark.parametrize("gateway", [{}, {"gateway": {"enabled": False}}])
def test_no_gateway_is_asked_for(gateway: dict[str, Any]) -> None:
    assert complete(gateway, serving()).get("gateway") == gateway.get("gateway")


@pytest.mark.parametrize(
    ("served", "says", "hint"),
    [
        ({ESO: ()}, "does not serve external-secrets.io", "v1, v1beta1"),
        ({ESO: ("v2",)}, "serves only v2 of external-secrets.io", "v1, v1beta1"),
        ({}, f"does not serve {GATEWAY}", "ingress.enabled to true"),
        ({GATEWAY: ("v1alpha2",)}, f"serves only v1alpha2 of {GATEWAY}", "v1 or v1beta1"),
    ],
)
def test_what_is_not_served_is_refused_with_the_way_out(served: dict[str, Any], says: str, hint: str) -> None:
    with pytest.raises(Failure) as caught:
        complete(ON, serving(**served))
    assert caught.value.code == "not_found"
    assert says in caught.value.message
    assert hint in caught.value.hint
