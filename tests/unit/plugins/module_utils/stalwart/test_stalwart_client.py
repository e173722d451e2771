"""JMAP requests: batching, pages, and what goes wrong."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.client import JmapClient, Want


def page(ids: list[str], total: int) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"ids": ids, "total": total}, {"list": [{"id": i} for i in ids], "notFound": []}


def test_types_share_a_request(script: Any, client: JmapClient) -> None:
    script.jmap(*page(["b", "c"], 2), {"list": [{"id": "singleton", "enable": True}]})
    found = client.read([Want("Domain", False, ("name",)), Want("SpamSettings", True)])
    assert set(found["Domain"]) == {"b", "c"}
    assert found["SpamSettings"]["singleton"]["enable"] is True
    [(query, asked), (get, got), (single, one)] = script.calls()
    assert (query, get, single) == ("x:Domain/query", "x:Domain/get", "x:SpamSettings/get")
    assert asked["sort"] == [{"property": "id", "isAscending": True}]
    assert asked["limit"] == 500
    assert got == {"#ids": {"resultOf": "0", "name": "x:Domain/query", "path": "/ids"}, "properties": ["name"]}
    assert one == {"ids": ["singleton"]}


def test_more_than_500_come_in_pages(script: Any, client: JmapClient) -> None:
    script.jmap(*page([f"i{n}" for n in range(500)], 1100))
    script.jmap(*page([f"j{n}" for n in range(500)], 1100))
    script.jmap(*page([f"k{n}" for n in range(100)], 1100))
    assert len(client.read([Want("Account", False)])["Account"]) == 1100
    assert [script.calls(i)[0][1]["position"] for i in range(3)] == [0, 500, 1000]


def test_at_most_16_calls_in_a_request(script: Any, client: JmapClient) -> None:
    names = [f"T{n}" for n in range(9)]
    script.jmap(*[part for _ in range(8) for part in page([], 0)])
    script.jmap(*page([], 0))
    assert set(client.read([Want(name, False) for name in names])) == set(names)


def test_too_many_calls_are_a_mistake_of_ours(client: JmapClient) -> None:
    with pytest.raises(ValueError, match="17 calls"):
        client.call([("x:Domain/get", {})] * 17)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ({"type": "forbidden", "description": "You are not authorized"}, "forbidden", "may not read Domain"),
        ({"type": "unknownMethod", "description": "x:Domain/get"}, "protocol", "unknownMethod"),
        ({"type": "serverUnavailable"}, "protocol", "serverUnavailable"),
    ],
)
def test_method_errors(script: Any, client: JmapClient, error: dict[str, str], code: str, message: str) -> None:
    script.jmap(("error", error), ("error", error))
    with pytest.raises(Failure) as caught:
        client.read([Want("Domain", False)])
    assert caught.value.code == code
    assert message in caught.value.message


def test_what_is_optional_may_be_forbidden(script: Any, client: JmapClient) -> None:
    script.jmap(("error", {"type": "forbidden"}), ("error", {"type": "invalidResultReference"}))
    assert client.read([Want("MemoryLookupKey", False, optional=True)]) == {}


@pytest.mark.parametrize("answer", ["nonsense", [], {}, {"methodResponses": [1]}, {"methodResponses": []}])
def test_answers_that_are_none(script: Any, client: JmapClient, answer: Any) -> None:
    script.expect("POST", "/jmap", answer)
    with pytest.raises(Failure) as caught:
        client.call([("x:Domain/get", {})])
    assert caught.value.code == "protocol"


def test_a_refused_credential_is_tried_once(script: Any, client: JmapClient) -> None:
    script.expect("POST", "/jmap", {"status": 401}, status=401)
    with pytest.raises(Failure) as caught:
        client.call([("x:Domain/get", {})])
    assert caught.value.code == "unauthorized"
    assert client.http.requests == 1


def test_echoed_secrets_are_masked(script: Any, client: JmapClient) -> None:
    client.http.redactor.add("geheim-geheim")
    script.expect("POST", "/jmap", {"type": "notRequest", "detail": "body was geheim-geheim"}, status=400)
    with pytest.raises(Failure) as caught:
        client.call([("x:Domain/set", {})], write=True)
    assert "geheim" not in str(caught.value.as_dict())
