from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.openbao.model import (
    Reference,
    Secret,
    secret_from_answer,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.openbao.plan import plan_secrets, value_of

CANARY = "canary-value"


@pytest.mark.parametrize(
    "value", ["a/b#P", {"path": "a/b", "property": "P"}, "/a/b/#P", {"path": "a/b", "property": "P", "more": 1}]
)
def test_reference(value: Any) -> None:
    assert Reference.parse(value) == Reference("a/b", "P")
    assert str(Reference.parse(value)) == "a/b#P"


@pytest.mark.parametrize(
    "value", ["", "a/b", "#P", "a/b#", {}, {"path": "a"}, {"path": "a", "property": 1}, None, 7, ["a#b"], "/#P"]
)
def test_bad_reference(value: Any) -> None:
    with pytest.raises(Failure) as caught:
        Reference.parse(value)
    assert caught.value.code == "invalid_value"
    assert repr(value) in caught.value.message
    assert "path#property" in caught.value.hint


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, {"errors": []}, Secret("a")),
        (404, None, Secret("a")),
        (404, {"data": {"data": None, "metadata": {"version": 3, "deletion_time": "x"}}}, Secret("a", 3, deleted=True)),
        (200, {"data": {"data": {"P": "v"}, "metadata": {"version": 2}}}, Secret("a", 2, data={"P": "v"})),
        (200, {"data": {"data": {}, "metadata": {"version": 2}}}, Secret("a", 2)),
    ],
)
def test_answer(status: int, body: Any, expected: Secret) -> None:
    assert secret_from_answer("a", status, body) == expected


@pytest.mark.parametrize(
    "body", [{"data": {"P": CANARY}}, {}, None, [], {"data": {"data": {}, "metadata": {"version": None}}}]
)
def test_answer_of_something_else(body: Any) -> None:
    with pytest.raises(Failure) as caught:
        secret_from_answer("a", 200, body)
    assert caught.value.code == "protocol"
    assert "platform_openbao_mount" in caught.value.hint
    assert CANARY not in str(caught.value.as_dict())


def test_only_what_is_missing_is_planned_in_order_and_masked() -> None:
    secrets = {"a": Secret("a", 2, data={"P": CANARY}), "b": Secret("b")}
    plan = plan_secrets(secrets, [Reference("b", "P"), Reference("a", "P"), Reference("a", "Q"), Reference("a", "Q")])
    assert [(str(change), change.payload) for change in plan.changes] == [
        ("create secret b#P", 0),
        ("create secret a#Q", 2),
    ]
    assert plan.diff()[1]["after"] == {"Q": "********"}
    assert CANARY not in repr((plan, plan.diff(), secrets))


def test_nothing_missing() -> None:
    assert not plan_secrets({"a": Secret("a", 1, data={"P": CANARY})}, [Reference("a", "P")])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"P": "short12"}, "the secret a#P has 7 characters"),
        ({"P": ""}, "the secret a#P has 0 characters"),
        ({"P": 12345678}, "the secret a#P is of type int; a string is accepted"),
        ({"P": {"x": CANARY}}, "the secret a#P is of type dict"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises(Failure, match=message) as caught:
        plan_secrets({"a": Secret("a", 1, data=data)}, [Reference("a", "P")])
    assert caught.value.code == "invalid_value"
    assert CANARY not in str(caught.value.as_dict())
    assert "short12" not in str(caught.value.as_dict())


def test_every_fault_is_reported_at_once() -> None:
    secrets = {"a": Secret("a", 3, deleted=True), "b": Secret("b", 1, data={"P": "short", "Q": "tiny"})}
    with pytest.raises(Failure) as caught:
        plan_secrets(secrets, [Reference("a", "P"), Reference("b", "P"), Reference("b", "Q")])
    assert caught.value.code == "conflict"
    assert len(caught.value.details) == 3
    assert "version 3" in caught.value.message
    assert "b#Q" in caught.value.message
    assert "undelete" in caught.value.hint


def test_value_of() -> None:
    assert value_of(Secret("a", 1, data={"P": CANARY}), "P") == CANARY
    assert value_of(Secret("a"), "P", optional=True) is None
    assert value_of(Secret("a", 2, deleted=True), "P", optional=True) is None
    with pytest.raises(Failure, match=r"a#P cannot be read: it does not exist") as caught:
        value_of(Secret("a"), "P")
    assert caught.value.code == "not_found"
    with pytest.raises(Failure, match="version 2 is deleted"):
        value_of(Secret("a", 2, deleted=True), "P")
