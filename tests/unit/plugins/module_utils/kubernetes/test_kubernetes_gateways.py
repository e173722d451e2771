from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.gateways import check_parents, refusal
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.objects import selects
from kubernetes_cluster import Cluster

PATH = "/apis/gateway.networking.k8s.io/v1/namespaces/edge/gateways/shared"
ALL = {"namespaces": {"from": "All"}}


def listener(**changes: Any) -> dict[str, Any]:
    return {"name": "web", "protocol": "HTTPS", "port": 443, "allowedRoutes": ALL, **changes}


def route(**parent: Any) -> dict[str, Any]:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "stalwart-web"},
        "spec": {
            "parentRefs": [{"name": "shared", "namespace": "edge", **parent}],
            "hostnames": ["mail.acme.test"],
        },
    }


def cluster(*listeners: dict[str, Any]) -> Cluster:
    return Cluster(
        {PATH: {"metadata": {"name": "shared", "namespace": "edge"}, "spec": {"listeners": list(listeners)}}}
    )


def check(world: Cluster, **parent: Any) -> list[str]:
    return check_parents(world, "tenant-acme", {"team": "mail"}, [{"kind": "Service"}, route(**parent)])


def test_a_listener_that_takes_the_route() -> None:
    assert check(cluster(listener(protocol="TLS", name="tls"), listener())) == []
    assert check(cluster(listener()), sectionName="web") == []


@pytest.mark.parametrize(
    ("listeners", "parent", "code", "says"),
    [
        (None, {}, "not_found", "there is no Gateway edge/shared"),
        ([listener(), listener(name="plain")], {"sectionName": "https"}, "invalid_value",
         "sectionName = 'https': the Gateway edge/shared has no such listener (accepted: web, plain)"),
        ([listener(allowedRoutes=None)], {}, "invalid_value", "web takes routes of the namespace edge only"),
        ([listener(hostname="*.other.test")], {}, "invalid_value", "web serves *.other.test"),
        ([], {}, "invalid_value", "it has none"),
        ([listener(name="a", protocol="TCP"), listener(name="web", hostname="x.test")], {"sectionName": "web"},
         "invalid_value", "takes mail.acme.test from tenant-acme: web serves x.test."),
    ],
)  # fmt: skip
def test_refused_before_helm(listeners: Any, parent: dict[str, str], code: str, says: str) -> None:
    with pytest.raises(Failure) as caught:
        check(Cluster() if listeners is None else cluster(*listeners), **parent)
    assert caught.value.code == code
    assert says in caught.value.message
    assert caught.value.hint


def test_a_gateway_that_may_not_be_read_is_said_to_be_unchecked() -> None:
    world = cluster()

    def refuse(path: str, params: Any = None) -> None:
        raise Failure("kubernetes", "forbidden", f"GET {path}: HTTP 403.")

    world.find = refuse  # type: ignore[method-assign,assignment]  # this one cluster only refuses
    assert check(world) == ["whether the Gateway edge/shared takes the web host (get gateways is not granted)"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"protocol": "HTTP"}, None),
        ({"protocol": "TLS"}, "speaks TLS"),
        ({"allowedRoutes": {"kinds": [{"kind": "TCPRoute"}], **ALL}}, "takes only TCPRoute"),
        ({"allowedRoutes": {"kinds": [{"kind": "HTTPRoute"}], **ALL}}, None),
        ({"allowedRoutes": {"namespaces": {"from": "None"}}}, "takes no routes"),
        ({"allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "mail"}}}}}, None),
        ({"allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "x"}}}}},
         "selects namespaces by labels that this one lacks"),
        ({"hostname": "*.acme.test"}, None),
        ({"hostname": "*.test"}, None),
        ({"hostname": "mail.acme.test"}, None),
        ({"hostname": "*.mail.acme.test"}, "serves *.mail.acme.test"),
        ({"hostname": "acme.test"}, "serves acme.test"),
    ],
)  # fmt: skip
def test_refusal(changes: dict[str, Any], why: str | None) -> None:
    assert refusal(listener(**changes), "edge", "tenant-acme", {"team": "mail"}, ["mail.acme.test"]) == why


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, True),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
    ],
)
def test_selects(selector: dict[str, Any], expected: bool) -> None:
    assert selects(selector, {"a": "1"}) is expected
