"""Servers that take less than the defaults: asked how much, then served in smaller portions."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016 import client as module
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.apply import Writer, batches
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.client import (
    JmapClient,
    Limits,
    Want,
    WriteRace,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.differ import Write
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.plan import Op
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.registry import Registry
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.schema import Type

LIMIT = "urn:ietf:params:jmap:error:limit"
CORE = {"maxCallsInRequest": 4, "maxObjectsInGet": 2, "maxObjectsInSet": 3, "maxSizeRequest": 1_000_000}
WANTS = [Want("Role", False), Want("Domain", False), Want("Directory", False)]


def refused(limit: str) -> dict[str, Any]:
    return {"type": LIMIT, "status": 400, "detail": "…", "limit": limit}


def session(core: dict[str, Any]) -> dict[str, Any]:
    return {"capabilities": {"urn:ietf:params:jmap:core": core}}


def page(*ids: str, total: int | None = None) -> list[Any]:
    return [{"ids": list(ids), "total": total or len(ids)}, {"list": [{"id": key} for key in ids]}]


def test_a_read_goes_on_with_what_the_session_says(script: Any, client: JmapClient) -> None:
    script.expect("POST", "/jmap", refused("maxCallsInRequest"), 400)
    script.expect("GET", "/jmap/session", session(CORE))
    script.jmap(*page("a", "b", total=3), *page("c"))
    script.jmap(*page(), *page("d"))
    found = client.read(WANTS)
    assert [name for name, _ in script.calls(2)] == ["x:Role/query", "x:Role/get", "x:Domain/query", "x:Domain/get"]
    assert script.calls(2)[0][1]["limit"] == 2
    assert sorted(found["Role"]) == ["a", "b", "d"]
    assert client.limits == Limits(4, 2, 600_000)


def test_too_many_objects_for_one_get(script: Any, client: JmapClient) -> None:
    script.jmap({"ids": ["a", "b", "c"], "total": 3}, ("error", {"type": "requestTooLarge"}))
    script.expect("GET", "/jmap/session", session(CORE))
    script.jmap(*page("a", "b", total=3))
    script.jmap(*page("c", total=3))
    assert sorted(client.read(WANTS[:1])["Role"]) == ["a", "b", "c"]


@pytest.mark.parametrize("limit", ["maxCallsInRequest", "maxSizeRequest"])
def test_a_limit_that_the_session_does_not_explain_is_a_failure(script: Any, client: JmapClient, limit: str) -> None:
    script.expect("POST", "/jmap", refused(limit), 400)
    script.expect("GET", "/jmap/session", session({}))
    with pytest.raises(Failure) as caught:
        client.read(WANTS)
    assert caught.value.code == "invalid_value"
    assert limit in caught.value.message


def test_another_refusal_is_a_failure_at_once(script: Any, client: JmapClient) -> None:
    script.expect("POST", "/jmap", {"type": "urn:ietf:params:jmap:error:notRequest", "detail": "no"}, 400)
    with pytest.raises(Failure) as caught:
        client.read(WANTS)
    assert caught.value.request == {"method": "POST", "url": "http://stalwart.test/jmap", "status": 400}


def test_too_many_requests_at_once_are_awaited(
    script: Any, client: JmapClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.001)
    for _ in range(3):
        script.expect("POST", "/jmap", refused("maxConcurrentRequests"), 400)
    script.jmap({"updated": {"a": None}})
    assert client.call([("x:Role/set", {"update": {"a": {}}})], write=True) == [
        ("x:Role/set", {"updated": {"a": None}})
    ]
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    script.expect("POST", "/jmap", refused("maxConcurrentRequests"), 400)
    with pytest.raises(Failure) as caught:
        client.call([("x:Role/get", {})])
    assert "maxConcurrentRequests" in caught.value.message


def creates(count: int, size: int = 1) -> list[Op]:
    text = Type("string")
    return [Op("create", "Role", f"r{n}", writes=(Write("description", text, "x" * size),)) for n in range(count)]


def test_portions_follow_the_limits() -> None:
    assert [len(batch.ops) for batch in batches(creates(1201))] == [500, 500, 201]
    assert [len(batch.ops) for batch in batches(creates(7), Limits(4, 3, 10_000))] == [3, 3, 1]
    assert [len(batch.ops) for batch in batches(creates(5, 4000), Limits(4, 500, 10_000))] == [2, 2, 1]
    assert [len(batch.ops) for batch in batches(creates(2, 20_000), Limits(4, 500, 10_000))] == [1, 1]


@pytest.mark.parametrize("answer", ["400", "error"])
def test_a_write_that_was_too_large_is_planned_anew(
    script: Any, client: JmapClient, registry: Registry, answer: str
) -> None:
    registry.pending = {"ReloadSettings": "m", "InvalidateCaches": "m"}
    if answer == "400":
        script.expect("POST", "/jmap", refused("maxSizeRequest"), 400)
    else:
        script.jmap(("error", {"type": "requestTooLarge"}))
    script.expect("GET", "/jmap/session", session(CORE))
    with pytest.raises(WriteRace):
        Writer(client, registry).apply(creates(5))
    script.jmap(
        {"created": {f"c0-{n}": {"id": f"i{n}"} for n in range(2)}},
        {"created": {f"c1-{n}": {"id": "j"} for n in range(2)}},
    )
    script.jmap({"created": {"c0-0": {"id": "k"}}})
    Writer(client, registry).apply(creates(5))
