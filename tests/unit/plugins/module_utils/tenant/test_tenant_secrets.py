"""Secrets are refused by name and never shown."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.openbao.argspec import AUTH
from ansible_collections.tenantmail.stalwart.plugins.module_utils.redact import MASK
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import argspec, secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.validation import Problems

LONG = "canary-secret-value"


#: What a run needs at least.
COMPLETE: dict[str, t.Any] = {
    "platform_powerdns_api_key": LONG,
    "platform_keycloak_auth": {"username": "u", "password": LONG},
    "platform_openbao_auth": {"method": "token", "token": LONG},
}


def check(options: t.Any, *, offline: bool = False, powerdns: bool = True) -> list[tuple[str, t.Any]]:
    problems = Problems()
    secrets.check({**COMPLETE, **options}, problems, offline=offline, powerdns=powerdns)
    assert LONG not in "".join(str(problem) for problem in problems)
    return [(problem.variable, problem.value) for problem in problems]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"platform_powerdns_api_key": LONG},
        {"platform_keycloak_auth": {"username": "u", "password": LONG}},
        {"platform_keycloak_auth": {"client_id": "c", "client_secret": LONG}},
        {"platform_openbao_auth": {"method": "token", "token": LONG}},
        {"platform_openbao_auth": {"method": "approle", "role_id": "r", "secret_id": LONG, "mount_point": "m"}},
        {"platform_openbao_auth": {"method": "kubernetes", "role_id": "r", "jwt": LONG}},
    ],
)
def test_complete_credentials(options: t.Any) -> None:
    assert check(options) == []


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        ({"platform_powerdns_api_key": "1234567"}, ["platform_powerdns_api_key"]),
        ({"platform_powerdns_api_key": ""}, ["platform_powerdns_api_key"]),
        ({"platform_powerdns_api_key": 12345678}, ["platform_powerdns_api_key"]),
        ({"platform_keycloak_auth": LONG}, ["platform_keycloak_auth"]),
        ({"platform_keycloak_auth": {"username": "u", "password": "short"}}, ["platform_keycloak_auth.password"]),
        ({"platform_keycloak_auth": {"username": "u"}}, ["platform_keycloak_auth"]),
        ({"platform_keycloak_auth": {"username": "u", "password": ""}}, ["platform_keycloak_auth.password"]),
        ({"platform_powerdns_api_key": f"{LONG}\n"}, ["platform_powerdns_api_key"]),
        ({"platform_keycloak_auth": {"username": "u", "password": f" {LONG}"}}, ["platform_keycloak_auth.password"]),
        ({"platform_openbao_auth": {"method": "token", "token": f"{LONG}\x00x"}}, ["platform_openbao_auth.token"]),
        ({"tenant_kubernetes": {"api_key": f"{LONG}\t"}}, ["tenant_kubernetes.api_key"]),
        ({"platform_keycloak_auth": {"client_secret": LONG}}, ["platform_keycloak_auth"]),
        (
            {"platform_keycloak_auth": {"username": "u", "password": LONG, "passwd": LONG}},
            ["platform_keycloak_auth.passwd"],
        ),
        ({"platform_openbao_auth": {"method": "ldap"}}, ["platform_openbao_auth.method"]),
        ({"platform_openbao_auth": {"token": LONG}}, ["platform_openbao_auth.method"]),
        ({"platform_openbao_auth": {"method": "token"}}, ["platform_openbao_auth.token"]),
        ({"platform_openbao_auth": {"method": "approle", "secret_id": LONG}}, ["platform_openbao_auth.role_id"]),
        ({"platform_openbao_auth": {"method": "token", "token": "short"}}, ["platform_openbao_auth.token"]),
        ({"tenant_kubernetes": {"api_key": "short"}}, ["tenant_kubernetes.api_key"]),
    ],
)
def test_short_missing_and_unknown_ones_are_named(options: t.Any, variables: list[str]) -> None:
    found = check(options)
    assert [variable for variable, _value in found] == variables
    for variable, value in found:
        given: t.Any = options
        for key in variable.split("."):
            given = given.get(key)
        assert value == (given if not given or variable.endswith(".method") else MASK)


def test_a_plan_without_servers_needs_no_credential() -> None:
    options = {
        "platform_powerdns_api_key": "",
        "platform_keycloak_auth": {"client_id": "c", "client_secret": ""},
        "platform_openbao_auth": {"method": "approle", "role_id": "", "secret_id": ""},
    }
    assert check(options, offline=True) == []
    assert check(options) == [
        ("platform_powerdns_api_key", ""),
        ("platform_keycloak_auth.client_secret", ""),
        ("platform_openbao_auth.secret_id", ""),
        ("platform_openbao_auth.role_id", ""),
    ]
    assert check({"platform_powerdns_api_key": "short"}, offline=True) != []


@pytest.mark.parametrize("empty", [None, {}])
def test_a_missing_credential_is_a_mistake_unless_offline(empty: t.Any) -> None:
    options = {
        "platform_powerdns_api_key": None,
        "platform_keycloak_auth": empty,
        "platform_openbao_auth": empty,
    }
    assert check(options) == [
        ("platform_powerdns_api_key", None),
        ("platform_keycloak_auth", None),
        ("platform_openbao_auth", None),
    ]
    assert [variable for variable, _value in check(options, powerdns=False)] == [
        "platform_keycloak_auth",
        "platform_openbao_auth",
    ]
    assert check(options, offline=True) == []
    problems = Problems()
    secrets.check(options, problems, offline=False)
    assert "approle (with role_id and secret_id)" in str(list(problems)[-1])


def test_values_are_those_that_can_be_masked() -> None:
    options = {
        "platform_powerdns_api_key": LONG,
        "platform_keycloak_auth": {"password": "short", "username": "provisioner"},
    }
    assert secrets.values(options) == [LONG]


@pytest.mark.parametrize(
    ("model", "refused"),
    [({"a": ["x", {"b": "tenant-canary1234"}]}, True), ({"canary1234": 1}, True), ({"a": "b"}, False)],
)
def test_a_secret_that_is_part_of_a_name_is_refused(model: t.Any, refused: bool) -> None:
    problems = Problems()
    secrets.not_in(model, {"platform_powerdns_api_key": "canary1234"}, problems)
    assert [problem.variable for problem in problems] == (["platform_powerdns_api_key"] if refused else [])


def test_every_masked_option_is_a_known_secret() -> None:
    """The argument spec and the list of secrets name the same options."""
    masked = set()
    for name, option in argspec.SPEC.items():
        if option.get("no_log"):
            masked.add((name,))
        for field, suboption in option.get("options", {}).items():
            if suboption.get("no_log"):
                masked.add((name, field))
    assert masked == set(secrets.SECRETS)


def test_every_method_of_openbao_is_known() -> None:
    for method in AUTH["method"]["choices"]:
        fields = {"method": method, "role_id": "r", "secret_id": LONG, "token": LONG, "jwt": LONG}
        assert check({"platform_openbao_auth": fields}) == []
