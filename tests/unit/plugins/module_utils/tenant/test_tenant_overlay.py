"""The original values file: every key, unknown keys, precedence."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import overlay
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.validation import Problems


def flatten(values: t.Any) -> tuple[dict[str, t.Any], list[str], list[str]]:
    problems = Problems()
    leaves = overlay.flatten(values, problems)
    return leaves, [problem.variable for problem in problems], [problem.accepted for problem in problems]


def test_leaves_have_dotted_paths() -> None:
    leaves, variables, _accepted = flatten(
        {
            "domain": {"primary": "a.test", "mode": None},
            "resources": {"limits": {"cpu": 1}},
            "replicas": 1,
            "dns": {"powerdns": {"enabled": False}},
        }
    )
    assert leaves == {
        "domain.primary": "a.test",
        "resources": {"limits": {"cpu": 1}},
        "replicas": 1,
        "dns.powerdns.enabled": False,
    }
    assert variables == []


def test_nothing_given() -> None:
    assert flatten(None) == ({}, [], [])
    assert flatten({}) == ({}, [], [])


@pytest.mark.parametrize(
    ("values", "variable", "guess"),
    [
        ({"domian": {}}, "tenant_overlay.domian", "did you mean domain?"),
        ({"domain": {"primry": "x"}}, "tenant_overlay.domain.primry", "did you mean domain.primary?"),
        ({"keycloak": {"realmUrl": "x"}}, "tenant_overlay.keycloak.realmUrl", "did you mean keycloak.realmURL?"),
        (
            {"dns": {"powerdns": {"apiUrl": "x"}}},
            "tenant_overlay.dns.powerdns.apiUrl",
            "did you mean dns.powerdns.apiURL?",
        ),
        # A known key at the wrong place.
        ({"realmURL": "x"}, "tenant_overlay.realmURL", "did you mean keycloak.realmURL?"),
        ({"dns": {"apiURL": "x"}}, "tenant_overlay.dns.apiURL", "did you mean dns.powerdns.apiURL?"),
        ({"zzz": 1}, "tenant_overlay.zzz", "only the keys domain, keycloak"),
        ({"domain": "acme.test"}, "tenant_overlay.domain", "a mapping with the keys primary, mode"),
        (["x"], "tenant_overlay", "a mapping with the keys domain"),
        ("x", "tenant_overlay", "a mapping with the keys domain"),
    ],
)
def test_unknown_keys_are_refused_with_path_and_nearest_name(values: t.Any, variable: str, guess: str) -> None:
    _leaves, variables, accepted = flatten(values)
    assert variables == [variable]
    assert guess in accepted[0]


def test_precedence_is_the_order_of_the_names() -> None:
    problems = Problems()
    options = {"tenant_domain": "t", "platform_x": "p", "tenant_overlay": {"domain": {"primary": "o", "mode": "m"}}}
    inputs = overlay.Inputs(options, problems)

    def value(*names: str) -> t.Any:
        found = inputs.given(*names)
        return found and (found.variable, found.value)

    assert value("tenant_domain", ":domain.primary") == ("tenant_domain", "t")
    assert value("tenant_mode", ":domain.mode") == ("tenant_overlay.domain.mode", "m")
    assert value(":domain.webHost", "platform_x") == ("platform_x", "p")
    assert value("tenant_mode", ":domain.webHost") is None
