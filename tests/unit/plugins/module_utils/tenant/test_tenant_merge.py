"""Merging settings in both shapes, and chart values."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import merge
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.validation import Problems


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
        # Another variant keeps nothing of the first one.
        ({"a": {"@type": "X", "b": 1}}, {"a": {"@type": "Y", "c": 2}}, {"a": {"@type": "Y", "c": 2}}),
        ({"a": {"@type": "X", "b": 1}}, {"a": {"@type": "X", "c": 2}}, {"a": {"@type": "X", "b": 1, "c": 2}}),
        ({"a": {"@type": "X", "b": 1}}, {"a": {"c": 2}}, {"a": {"@type": "X", "b": 1, "c": 2}}),
    ],
)
def test_merged(base: dict[str, t.Any], over: dict[str, t.Any], result: dict[str, t.Any]) -> None:
    before = merge.plain(base)
    assert merge.merged(base, over) == result
    assert base == before


@pytest.mark.parametrize(
    ("settings", "result"),
    [
        ({"systemSettings.defaultHostname": "x"}, {"systemSettings": {"defaultHostname": "x"}}),
        (
            {"mtaRoute.relay.address": "a", "mtaRoute": {"relay": {"port": 25}}, "mtaRoute.relay.protocol": "smtp"},
            {"mtaRoute": {"relay": {"address": "a", "port": 25, "protocol": "smtp"}}},
        ),
        # Only level 1 is split: below it a key may be a label with dots.
        (
            {"domain": {"acme.com": {"catchAllAddress": "x@acme.com"}}},
            {"domain": {"acme.com": {"catchAllAddress": "x@acme.com"}}},
        ),
        ({"a.b": [1], "a": {"b": [1]}}, {"a": {"b": [1]}}),
    ],
)
def test_both_shapes_may_be_mixed(settings: dict[str, t.Any], result: dict[str, t.Any]) -> None:
    problems = Problems()
    assert merge.nested(settings, "tenant_settings", problems) == result
    assert not len(problems)


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({"a.b": 1, "a": {"b": 2}}, "tenant_settings.a.b"),
        ({"a.b": {"c": 1}, "a": {"b": 2}}, "tenant_settings.a.b"),
        ({"a..b": 1}, "tenant_settings.a..b"),
        ({"": 1}, "tenant_settings."),
        ({".a": 1}, "tenant_settings..a"),
    ],
)
def test_contradictions_and_broken_keys_are_mistakes(settings: dict[str, t.Any], variable: str) -> None:
    problems = Problems()
    merge.nested(settings, "tenant_settings", problems)
    assert [problem.variable for problem in problems] == [variable]


def test_owned_values_are_refused_at_any_depth() -> None:
    problems = Problems()
    tree = {"domain": {"primary": "x", "other": 1}, "keycloak": {"clientID": "y"}}
    merge.refuse_owned(tree, {"domain.primary": "tenant_domain", "keycloak": "tenant_realm_url"}, "v", problems)
    assert [(problem.variable, problem.accepted) for problem in problems] == [
        ("v.domain.primary", "nothing here; it follows from tenant_domain"),
        ("v.keycloak", "nothing here; it follows from tenant_realm_url"),
    ]


def test_plain_makes_plain_values() -> None:
    class Tagged(str):
        pass

    result = merge.plain({Tagged("a"): (Tagged("b"), [1, None, True])})
    assert result == {"a": ["b", [1, None, True]]}
    assert type(next(iter(result))) is str
    assert type(result["a"][0]) is str
