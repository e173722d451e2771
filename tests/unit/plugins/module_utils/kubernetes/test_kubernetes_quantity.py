"""Quantities: what the inventory accepts is what the comparison understands."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.quantity import amount, is_size


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", "0"),
        (2, "2"),
        (0.5, "0.5"),
        ("100m", "0.1"),
        ("7u", "0.000007"),
        ("7n", "0.000000007"),
        ("1.5k", "1500"),
        ("3M", "3000000"),
        ("3G", "3000000000"),
        ("3T", "3000000000000"),
        ("3P", "3000000000000000"),
        ("3E", "3000000000000000000"),
        ("1Ki", "1024"),
        ("1Mi", "1048576"),
        ("1.5Gi", "1610612736"),
        ("1Ti", "1099511627776"),
        ("1Pi", "1125899906842624"),
        ("1Ei", "1152921504606846976"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("1e+3", "1000"),
        ("1.5e-3", "0.0015"),
    ],
)
def test_amount(value: Any, expected: str) -> None:
    assert amount(value) == Decimal(expected)


@pytest.mark.parametrize(
    "value", ["", "-1", "1 Gi", "1GB", "1K", "1Eie3", "1e", "1e100", "Gi", "1Gi\n", "\u0661", "nan", True, None, [1]]
)
def test_no_quantity(value: Any) -> None:
    assert amount(value) is None
    assert not is_size(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("20Gi", True), ("1E", True), ("500k", True), ("20", False), (20, False), ("20m", False), ("20e9", False)],
)
def test_a_size_says_its_unit(value: Any, expected: bool) -> None:
    assert is_size(value) is expected
