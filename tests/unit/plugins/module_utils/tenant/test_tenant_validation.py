"""Mistakes are collected, named, and shown without secrets."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.redact import MASK
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import validation
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.validation import Given, Invalid, Problems


def upper(value: t.Any) -> str:
    if not isinstance(value, str) or not value.isupper():
        raise Invalid("capital letters")
    return value


def test_no_mistake_raises_nothing() -> None:
    problems = Problems()
    assert problems.check(Given("x", "A"), upper) == "A"
    assert problems.check(None, upper) is None
    problems.raise_if_any()


def test_every_mistake_is_in_the_failure() -> None:
    problems = Problems()
    problems.check(Given("x", "a"), upper)
    problems.items(Given("y", ["A", "b", 3]), upper)
    problems.fields(
        Given("z", {"one": "A", "two": "b", "tree": 1, "three": None}), {"one": upper, "two": upper, "three": upper}
    )
    problems.add("w", None, "something")
    with pytest.raises(Failure) as caught:
        problems.raise_if_any("acme")
    failure = caught.value
    assert (failure.layer, failure.code, failure.tenant) == ("inventory", "invalid_value", "acme")
    assert [item["variable"] for item in failure.details] == ["x", "y[1]", "y[2]", "z.two", "z.tree", "w"]
    assert all(set(item) == {"variable", "value", "accepted"} for item in failure.details)
    assert failure.sentence.startswith(
        'inventory: 6 values are not accepted: (1) x is "a"; accepted: capital letters. (2) y[1]'
    )
    assert "did you mean three?" in failure.sentence
    assert "w is missing; accepted: something" in failure.sentence


def test_wrong_containers_are_mistakes() -> None:
    problems = Problems()
    assert problems.items(Given("x", "a"), upper) == []
    assert problems.fields(Given("y", ["a"]), {"one": upper}) == {}
    assert [problem.accepted for problem in problems] == ["a list", "a mapping with the keys one"]


def test_the_same_mistake_counts_once() -> None:
    problems = Problems()
    problems.add("x", 1, "2")
    problems.add("x", 1, "2")
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("tenant_overlay.keycloak.clientSecret", "hunter2hunter2", MASK),
        ("platform_powerdns_api_key", "x", MASK),
        ("tenant_settings.a.password", "x", MASK),
        ("x.tokens[0]", "x", MASK),
        (
            "tenant_settings.directory",
            {"bindSecret": {"secret": "x"}, "url": "y"},
            {"bindSecret": {"secret": MASK}, "url": "y"},
        ),
        ("x", [{"privateKey": "x"}, {"private_key": "x"}], [{"privateKey": MASK}, {"private_key": MASK}]),
        (
            "tenant_settings.acmeProvider",
            [{"accountKey": "x", "eabHmacKey": "y"}],
            [{"accountKey": MASK, "eabHmacKey": MASK}],
        ),
        ("tenant_settings.acmeProvider.a.accountKey", "x", MASK),
        (
            "tenant_settings.account.a",
            {"credential.otpAuth": "x", "otpCode": ["y"]},
            {"credential.otpAuth": MASK, "otpCode": [MASK]},
        ),
        ("x.otpCode[0]", "x", MASK),
        ("tenant_overlay.keycloak.clientSecretName", "A_b", "A_b"),
        ("dns.powerdns.apiKeySecretName", "A_b", "A_b"),
        ("platform_secret_store", "A_b", "A_b"),
        ("tenant_certificate_secret", "A_b", "A_b"),
        ("tenant_domain", "a b", "a b"),
        ("platform_openbao_url", "https://root:p@ss word@bao.test/x", f"https://{MASK}@bao.test/x"),
        ("x", ["//u:p@h", {"y": "ldap://u@h"}], [f"//{MASK}@h", {"y": f"ldap://{MASK}@h"}]),
        ("tenant_overlay.keycloak.clientSecret", None, None),
    ],
)
def test_what_its_name_calls_a_secret_is_masked(name: str, value: t.Any, shown: t.Any) -> None:
    problems = Problems()
    problems.add(name, value, "x")
    assert next(iter(problems)).value == shown


def test_long_values_are_cut_in_the_sentence_only() -> None:
    problems = Problems()
    problems.add("x", "y" * 500, "z")
    with pytest.raises(Failure) as caught:
        problems.raise_if_any()
    assert len(caught.value.sentence) < 400
    assert caught.value.details[0]["value"] == "y" * 500


def test_nearest() -> None:
    assert validation.nearest("apiUrl", ["apiURL", "zone"]) == "apiURL"
    assert validation.nearest("keyclok", ["keycloak", "dns"]) == "keycloak"
    assert validation.nearest("zzz", ["keycloak", "dns"]) is None
