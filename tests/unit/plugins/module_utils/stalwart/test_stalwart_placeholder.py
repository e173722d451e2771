"""Placeholders of secrets: equal to what is there, and never written."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.placeholder import (
    is_placeholder,
    placeholder,
    refuse_placeholders,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.problem import SHORTEST_SECRET


def test_a_placeholder_says_where_it_stands() -> None:
    text = placeholder("a.b")
    assert text == "<secret: a.b>"
    assert is_placeholder(text)
    assert len(placeholder("")) > SHORTEST_SECRET


@pytest.mark.parametrize(
    "value", ["", "secret", "<secret", "secret: a>", None, 7, ["<secret: a>"], {"a": "<secret: a>"}]
)
def test_nothing_else_is_one(value: Any) -> None:
    assert not is_placeholder(value)


def test_all_are_named_wherever_they_are() -> None:
    values = [
        {"a": ["x", placeholder("one")]},
        placeholder("two"),
        "plain",
        None,
        [placeholder(f"n{i}") for i in range(9)],
    ]
    with pytest.raises(Failure) as caught:
        refuse_placeholders(values)
    assert caught.value.code == "placeholder"
    assert "n0, n1, n2, n3, n4 and 6 more" in caught.value.message
    refuse_placeholders(["plain", {"a": "b"}, None, 3])
