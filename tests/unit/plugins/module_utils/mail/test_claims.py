"""A token read like the server reads it: each claim that it would refuse, by its cause."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.claims import NoToken, decode
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import claims
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.causes import CAUSES

NOW = 1_800_000_000
WANTED = claims.Wanted(
    "https://auth.acme.test/realms/sme-acme",
    "stalwart",
    ("openid", "email", "profile", "groups"),
    "acme.test",
    "tenantmail-probe@acme.test",
    "tenantmail-probe-group",
    frozenset({"alice@acme.test"}),
)
GOOD: dict[str, Any] = {
    "iss": "https://auth.acme.test/realms/sme-acme",
    "aud": ["stalwart", "account"],
    "scope": "openid email profile groups",
    "exp": NOW + 300,
    "iat": NOW,
    "preferred_username": "tenantmail-probe",
    "groups": ["tenantmail-probe-group", "sme-user"],
}


def found(**changes: Any) -> list[str]:
    merged = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    faults = claims.faults(merged, WANTED, NOW)
    assert {fault.cause for fault in faults} <= set(CAUSES)
    return [fault.cause for fault in faults]


def test_a_right_token_has_no_fault() -> None:
    assert found() == []
    assert found(aud="stalwart", scope=["openid", "email", "profile", "groups"]) == []
    assert found(preferred_username="tenantmail-probe@acme.test", groups="tenantmail-probe-group") == []


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"iss": "https://auth.acme.test/realms/other"}, "issuer_changed"),
        ({"aud": "account"}, "audience_missing"),
        ({"aud": None}, "audience_missing"),
        ({"scope": "openid email profile"}, "scope_missing"),
        ({"scope": None}, "scope_missing"),
        ({"nbf": NOW + 3600}, "token_not_yet_valid"),
        ({"exp": NOW - 3600}, "token_expired"),
        ({"exp": None}, "token_expired"),
        ({"preferred_username": "alice"}, "username_other"),
        ({"preferred_username": None}, "username_other"),
        ({"groups": None}, "groups_missing"),
        ({"groups": ["/tenantmail-probe-group"]}, "groups_full_path"),
        ({"groups": ["tenantmail-probe-group", "alice"]}, "group_collides"),
        ({"groups": ["tenantmail-probe-group", "Alice@acme.test"]}, "group_collides"),
        ({"groups": []}, "probe_not_in_group"),
    ],
)
def test_each_fault_has_its_cause(changes: dict[str, Any], cause: str) -> None:
    assert found(**changes) == [cause]


def test_clocks_may_differ_by_a_minute() -> None:
    assert found(nbf=NOW + 59, exp=NOW - 59) == []


def test_all_faults_are_told() -> None:
    assert found(aud=[], scope="", groups=None) == ["audience_missing", "scope_missing", "groups_missing"]


def test_a_collision_names_the_group() -> None:
    (fault,) = claims.faults({**GOOD, "groups": ["alice"]}, WANTED, NOW)
    assert fault.facts == {"group": "alice"}


def test_a_server_that_looks_at_the_mail_address_and_at_no_group() -> None:
    old = dataclasses.replace(WANTED, taken=frozenset(), email="tenantmail-probe@acme.test")
    groups = ["tenantmail-probe-group", "alice"]
    assert claims.faults({**GOOD, "groups": groups, "email": "Tenantmail-Probe@acme.test"}, old, NOW) == []
    (other,) = claims.faults({**GOOD, "email": "probe@elsewhere.test"}, old, NOW)
    assert other == claims.Fault("email_other", "email is probe@elsewhere.test")
    assert [fault.cause for fault in claims.faults(GOOD, old, NOW)] == ["email_other"]


def test_a_token_is_decoded_without_its_key() -> None:
    payload = base64.urlsafe_b64encode(json.dumps(GOOD).encode()).rstrip(b"=").decode()
    assert decode(f"e30.{payload}.c2ln") == GOOD


@pytest.mark.parametrize("token", ["", "opaque", "a.!!!.c", "a.W10.c"])
def test_what_is_no_token_is_told(token: str) -> None:
    with pytest.raises(NoToken):
        decode(token)
