"""The realm's part of the model, and every mistake in it by name."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.model import derive

CANARY = "canary-of-a-password"
DOMAIN = "acme.omantel.test"
GIVEN: dict[str, t.Any] = {
    "tenant_slug": "acme",
    "platform_fqdn": "omantel.test",
    "platform_openbao_url": "https://bao.omantel.test",
    "platform_openbao_auth": {"method": "token", "token": "token-of-openbao"},
    "platform_keycloak_auth": {"client_id": "c", "client_secret": "secret-of-keycloak"},
    "platform_powerdns_url": "https://pdns.omantel.test",
    "platform_powerdns_api_key": "key-of-powerdns",
}
ALICE: dict[str, t.Any] = {"username": "alice", "first_name": "Alice", "last_name": "Smith"}


def model(**options: t.Any) -> dict[str, t.Any]:
    return derive({**GIVEN, **options})


def test_a_user_has_the_mailbox_of_his_name() -> None:
    users = [
        {**ALICE, "password": CANARY, "groups": ["sales"], "required_actions": ["CONFIGURE_TOTP"]},
        {**ALICE, "username": f"bob.w@{DOMAIN}", "email": f"bob.w@{DOMAIN}", "enabled": False},
    ]
    found = model(tenant_users=users)
    assert found["keycloak"]["users"] == [
        {
            "username": "alice",
            "email": f"alice@{DOMAIN}",
            "first_name": "Alice",
            "last_name": "Smith",
            "enabled": True,
            "groups": ["sales"],
            "required_actions": ["CONFIGURE_TOTP"],
        },
        {
            "username": f"bob.w@{DOMAIN}",
            "email": f"bob.w@{DOMAIN}",
            "first_name": "Alice",
            "last_name": "Smith",
            "enabled": False,
            "groups": [],
            "required_actions": [],
        },
    ]
    assert CANARY not in str(found)


def test_without_the_proof_nothing_of_it_is_asked_for() -> None:
    found = model(tenant_verify=False, tenant_public_client="no", tenant_realm_group_parent="mail")
    assert found["keycloak"]["probe"]["enabled"] is False
    assert found["keycloak"]["public_client"]["enabled"] is False
    assert found["keycloak"]["group_parent"] == "mail"
    assert not any("probe" in secret["path"] for secret in found["openbao"]["secrets"])


def test_the_overlays_client_names_what_belongs_to_it() -> None:
    overlay = {
        "keycloak": {"clientID": "mail", "oidcExternalSecret": {"remoteRef": {"key": "kept/here", "property": "P"}}}
    }
    found = model(tenant_overlay=overlay)["keycloak"]
    assert (found["public_client"]["client_id"], found["audience_scope"]) == ("mail-public", "mail-audience")
    assert [(c["openbao_path"], c["openbao_property"]) for c in found["clients"]] == [
        ("kept/here", "P"),
        ("sovereign/omantel.test/wordpress/acme/oidc", "OIDC_CLIENT_SECRET"),
        ("sovereign/omantel.test/openclaw/acme/oidc", "OIDC_CLIENT_SECRET"),
    ]


@pytest.mark.parametrize(
    ("options", "variables", "accepted"),
    [
        ({"tenant_users": "alice"}, ["tenant_users"], "a list"),
        ({"tenant_users": ["alice"]}, ["tenant_users[0]"], "a mapping"),
        ({"tenant_users": [{**ALICE, "username": "Alice"}]}, ["tenant_users[0].username"], "lower case"),
        ({"tenant_users": [{**ALICE, "username": "alice@ACME.test"}]}, ["tenant_users[0].username"], "lower case"),
        ({"tenant_users": [{**ALICE, "username": "al"}]}, ["tenant_users[0].username"], "at least 3"),
        ({"tenant_users": [{**ALICE, "username": "al ice"}]}, ["tenant_users[0].username"], "lower case"),
        ({"tenant_users": [{**ALICE, "username": "alice@other.test"}]}, ["tenant_users[0].username"], DOMAIN),
        ({"tenant_users": [{**ALICE, "username": "postmaster"}]}, ["tenant_users[0].username"], "administrator"),
        ({"tenant_users": [{**ALICE, "username": "tenantmail-probe"}]}, ["tenant_users[0].username"], "probe"),
        ({"tenant_users": [ALICE, {**ALICE, "username": f"alice@{DOMAIN}"}]}, ["tenant_users[1].username"], "once"),
        ({"tenant_users": [{**ALICE, "email": "a@elsewhere.test"}]}, ["tenant_users[0].email"], f"alice@{DOMAIN}"),
        ({"tenant_users": [{"username": "alice"}]}, ["tenant_users[0].first_name", "tenant_users[0].last_name"], ""),
        ({"tenant_users": [{**ALICE, "first_name": "<b>"}]}, ["tenant_users[0].first_name"], "without <"),
        ({"tenant_users": [{**ALICE, "last_name": "x" * 256}]}, ["tenant_users[0].last_name"], "255"),
        ({"tenant_users": [{**ALICE, "groups": ["Sales"]}]}, ["tenant_users[0].groups"], "lower case"),
        ({"tenant_users": [{**ALICE, "groups": "sales"}]}, ["tenant_users[0].groups"], "a list"),
        ({"tenant_users": [{**ALICE, "groups": ["a/b"]}]}, ["tenant_users[0].groups"], "lower case"),
        ({"tenant_users": [{**ALICE, "enabled": "maybe"}]}, ["tenant_users[0].enabled"], "true or false"),
        (
            {"tenant_users": [{**ALICE, "required_actions": ["UPDATE_PASWORD"]}]},
            ["tenant_users[0].required_actions"],
            "did you mean UPDATE_PASSWORD?",
        ),
        ({"tenant_users": [{**ALICE, "passwort": CANARY}]}, ["tenant_users[0].passwort"], "did you mean password?"),
        ({"tenant_users": [{**ALICE, "password": "tiny"}]}, ["tenant_users[0].password"], "8 characters"),
        ({"tenant_users": [{**ALICE, "groups": ["alice"]}]}, ["tenant_users (alice)"], "same mail address"),
        ({"tenant_users": [{**ALICE, "username": "sme-user"}]}, ["tenant_users (sme-user)"], "same mail address"),
        ({"tenant_realm_group_parent": "a/b"}, ["tenant_realm_group_parent"], "without /"),
        ({"tenant_realm_group_parent": "sme-user"}, ["tenant_realm_group_parent"], "none of those below it"),
        ({"tenant_verify": "perhaps"}, ["tenant_verify"], "true or false"),
        ({"tenant_public_client": "perhaps"}, ["tenant_public_client"], "true or false"),
    ],
)
def test_bad_input(options: dict[str, t.Any], variables: list[str], accepted: str) -> None:
    with pytest.raises(Failure) as caught:
        model(**options)
    failure = caught.value
    assert (failure.layer, failure.code) == ("inventory", "invalid_value")
    assert [item["variable"] for item in failure.details] == variables
    assert accepted in failure.sentence
    assert CANARY not in failure.sentence
    assert "tiny" not in str(failure.details)
