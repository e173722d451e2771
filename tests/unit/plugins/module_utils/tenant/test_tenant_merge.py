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


OWNED = {"image.tag": "tenant_image", "image.digest": "tenant_image", "gateway.parentRef.name": "platform_gateway"}


@pytest.mark.parametrize(
    ("tree", "variable", "source"),
    [
        ({"image": "x"}, "v.image", "tenant_image"),
        ({"image": ["x"]}, "v.image", "tenant_image"),
        ({"image": None}, "v.image", "tenant_image"),
        ({"image": {"tag": None}}, "v.image.tag", "tenant_image"),
        ({"image": {"@type": "Other", "pullPolicy": "Always"}}, "v.image.@type", "tenant_image"),
        ({"gateway": False}, "v.gateway", "platform_gateway"),
        ({"gateway": {"parentRef": None}}, "v.gateway.parentRef", "platform_gateway"),
    ],
)
def test_what_would_displace_an_owned_value_is_refused(tree: dict[str, t.Any], variable: str, source: str) -> None:
    problems = Problems()
    merge.refuse_owned(tree, OWNED, "v", problems)
    (problem,) = problems
    assert problem.variable == variable
    assert problem.accepted.endswith(f"follows from {source}")
    assert str(problem).startswith(f"{variable} is ")
    assert "missing" not in str(problem)


@pytest.mark.parametrize(
    "tree", [{}, {"image": {"pullPolicy": "Always"}}, {"gateway": {"enabled": False}}, {"x": None}]
)
def test_what_stands_beside_an_owned_value_is_not(tree: dict[str, t.Any]) -> None:
    problems = Problems()
    merge.refuse_owned(tree, OWNED, "v", problems)
    assert not len(problems)


def test_no_scalar_takes_the_place_of_a_mapping() -> None:
    problems = Problems()
    problems.add("v.d", "x", "noted before")
    base = {"a": {"b": {"c": 1}}, "d": {}, "e": 1}
    merge.refuse_displaced({"a": {"b": None, "x": None}, "d": "x", "e": 2, "f": 3}, base, "v", problems)
    assert [problem.variable for problem in problems] == ["v.d", "v.a.b"]
    problems = Problems()
    merge.refuse_displaced({"a": {"b": {"c": 2}}, "d": {"x": 1}}, base, "v", problems)
    # Null stands for a mapping without anything in it, which is what is there.
    merge.refuse_displaced({"d": None}, base, "v", problems)
    assert not len(problems)


def test_the_other_value_of_a_contradiction_is_not_shown() -> None:
    problems = Problems()
    merge.nested({"a.b.secret": "canary-one", "a": {"b": {"secret": "canary-two"}}}, "tenant_settings", problems)
    assert "canary" not in " ".join(map(str, problems))


def test_plain_makes_plain_values() -> None:
    class Tagged(str):
        pass

    result = merge.plain({Tagged("a"): (Tagged("b"), [1, None, True])})
    assert result == {"a": ["b", [1, None, True]]}
    assert type(next(iter(result))) is str
    assert type(result["a"][0]) is str
