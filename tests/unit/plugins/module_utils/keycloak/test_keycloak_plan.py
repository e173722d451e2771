from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.model import RealmState
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.plan import (
    check_write_access,
    plan_realm,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.writes import writes
from keycloak_realm import ALICE, OTHER, PASSWORD, PROBE, SECRET, as_the_role_leaves_it, desired, names, written


@pytest.fixture
def converged() -> RealmState:
    return as_the_role_leaves_it(desired())


def test_a_missing_realm_is_created_in_the_order_of_writing() -> None:
    assert names(RealmState(), desired()) == [
        "create realm sme-acme",
        "create client_scope groups",
        "create client_scope stalwart-audience",
        "create client stalwart",
        "create client wordpress",
        "create client stalwart-public",
        "create client tenantmail-probe",
        "create client tenantmail-probe-expired",
        "create group sme-admin",
        "create group sme-user",
        "create group sales",
        "create group tenantmail-probe-group",
        "create user alice",
        "create user tenantmail-probe",
    ]


def test_order_and_additions_of_the_server_do_not_count(converged: RealmState) -> None:
    target = desired()
    plan = plan_realm(converged, target)
    assert plan.changes == ()
    assert set(map(str, writes(plan, converged, target).values())) == {"[]"}


def mutate(state: RealmState, kind: str, change: Any) -> RealmState:
    state = copy.deepcopy(state)
    if kind == "realm":
        state.realm.update(change)
    else:
        holder, function = change
        function((state.clients if kind == "clients" else state.client_scopes)[holder])
    return state


def audience_mapper(audience: str) -> dict[str, Any]:
    return {
        "id": "id-sneaky",
        "name": "sneaky",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": {"included.client.audience": audience},
    }


@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        ("realm", {"displayName": "Other"}, ["update realm sme-acme"]),
        ("realm", {"enabled": False}, ["update realm sme-acme"]),
        ("realm", {"adminEventsEnabled": None}, ["update realm sme-acme"]),
        ("realm", {"bruteForceProtected": False, "accessTokenLifespan": 1}, ["update realm sme-acme"]),
        (
            "scopes",
            ("groups", lambda s: s["attributes"].update({"include.in.token.scope": "false"})),
            ["update client_scope groups"],
        ),
        (
            "scopes",
            ("groups", lambda s: s["protocolMappers"][0]["config"].pop("claim.name")),
            ["update protocol_mapper groups/groups"],
        ),
        ("scopes", ("groups", lambda s: s.pop("protocolMappers")), ["create protocol_mapper groups/groups"]),
        ("clients", ("stalwart", lambda c: c.update(redirectUris=["https://evil.test/*"])), ["update client stalwart"]),
        ("clients", ("stalwart", lambda c: c.update(webOrigins=[])), ["update client stalwart"]),
        ("clients", ("stalwart", lambda c: c.update(secret=OTHER)), ["update client_secret stalwart"]),
        ("clients", ("stalwart", lambda c: c.pop("secret")), ["update client_secret stalwart"]),
        ("clients", ("stalwart", lambda c: c.update(publicClient=True)), ["update client stalwart"]),
        ("clients", ("stalwart", lambda c: c.update(directAccessGrantsEnabled=True)), ["update client stalwart"]),
        ("clients", ("stalwart", lambda c: c["defaultClientScopes"].append("roles")), ["update client stalwart"]),
        ("clients", ("stalwart", lambda c: c["defaultClientScopes"].remove("groups")), ["update client stalwart"]),
        (
            "clients",
            ("stalwart", lambda c: c["protocolMappers"][0]["config"].update({"included.client.audience": "wordpress"})),
            ["update protocol_mapper stalwart/audience"],
        ),
        (
            "clients",
            ("stalwart", lambda c: c["protocolMappers"][0].update(protocolMapper="oidc-hardcoded-claim-mapper")),
            ["update protocol_mapper stalwart/audience"],
        ),
        (
            "clients",
            ("stalwart", lambda c: c["protocolMappers"].clear()),
            ["create protocol_mapper stalwart/audience", "create protocol_mapper stalwart/no-groups"],
        ),
        (
            "clients",
            ("stalwart-public", lambda c: c["attributes"].pop("pkce.code.challenge.method")),
            ["update client stalwart-public"],
        ),
        (
            "clients",
            ("stalwart-public", lambda c: c["protocolMappers"].append(audience_mapper("stalwart"))),
            ["delete protocol_mapper stalwart-public/sneaky"],
        ),
        (
            "clients",
            ("tenantmail-probe-expired", lambda c: c["attributes"].update({"access.token.lifespan": "60"})),
            ["update client tenantmail-probe-expired"],
        ),
        (
            "clients",
            ("tenantmail-probe", lambda c: c.update(secret=OTHER)),
            ["update client_secret tenantmail-probe"],
        ),
        (
            "scopes",
            ("stalwart-audience", lambda s: s["protocolMappers"].clear()),
            ["create protocol_mapper stalwart-audience/audience", "create protocol_mapper stalwart-audience/no-groups"],
        ),
        (
            "scopes",
            ("groups", lambda s: s["protocolMappers"][0].update(protocolMapper="oidc-group-membership-mapper")),
            ["update protocol_mapper groups/groups"],
        ),
        ("clients", ("stalwart", lambda c: c["protocolMappers"].append(audience_mapper("account"))), []),
        (
            "clients",
            ("wordpress", lambda c: c["protocolMappers"].append(audience_mapper("stalwart"))),
            ["delete protocol_mapper wordpress/sneaky"],
        ),
        ("clients", ("wordpress", lambda c: c["protocolMappers"].append(audience_mapper("account"))), []),
    ],
)
def test_each_drift_is_seen_alone_and_healed_by_its_write(
    converged: RealmState, kind: str, change: Any, expected: list[str]
) -> None:
    target = desired()
    state = mutate(converged, kind, change)
    plan = plan_realm(state, target)
    assert [str(item) for item in plan.changes] == expected
    healed = written(state, target, writes(plan, state, target))
    assert names(healed, target) == []


def test_what_others_added_survives_a_write(converged: RealmState) -> None:
    target = desired()
    state = mutate(converged, "clients", ("stalwart", lambda c: c.update(redirectUris=[])))
    own = {
        "id": "id-own",
        "name": "own",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-hardcoded-claim-mapper",
        "config": {},
    }
    state.clients["stalwart"]["protocolMappers"].append(own)
    state = mutate(
        state, "scopes", ("groups", lambda s: s["attributes"].update({"gui.order": "7", "include.in.token.scope": "x"}))
    )
    plan = plan_realm(state, target)
    given = writes(plan, state, target)
    (client,) = given["clients"]
    assert own in client["protocol_mappers"]
    assert client["protocol_mappers"][0]["config"]["lightweight.claim"] == "false"
    assert given["client_scopes"][0]["attributes"]["gui.order"] == "7"


def test_secrets_are_never_shown(converged: RealmState) -> None:
    target = desired()
    state = mutate(converged, "clients", ("stalwart", lambda c: c.update(secret=OTHER)))
    plan = plan_realm(state, target)
    assert plan.diff()[0]["before"] == {"keycloak": "******** (differs from OpenBao)"}
    shown = repr(
        (
            plan,
            plan.diff(),
            plan.summary(),
            writes(plan, state, target),
            plan_realm(RealmState(), target).diff(),
            target,
            state,
        )
    )
    for secret in (SECRET, OTHER, PASSWORD, PROBE["secret"]):
        assert secret not in shown


def test_where_keycloak_has_the_last_word_its_secret_goes_to_openbao(converged: RealmState) -> None:
    target = desired(secret_source="keycloak")
    state = mutate(converged, "clients", ("stalwart", lambda c: c.update(secret=OTHER)))
    state.clients["tenantmail-probe"]["secret"] = OTHER
    plan = plan_realm(state, target)
    # The probe's secret is nobody else's: OpenBao has it.
    assert [str(change) for change in plan.changes] == [
        "update openbao_secret stalwart",
        "update client_secret tenantmail-probe",
    ]
    given = writes(plan, state, target)
    assert given["openbao_secrets"] == [{"client_id": "stalwart"}]
    assert [client["client_id"] for client in given["clients"]] == ["tenantmail-probe"]
    assert OTHER not in str(plan.diff())


def test_a_secret_of_keycloaks_that_cannot_be_masked_is_not_taken_over(converged: RealmState) -> None:
    state = mutate(converged, "clients", ("stalwart", lambda c: c.update(secret="tiny")))
    with pytest.raises(Failure, match="the secret of client stalwart in Keycloak has 4 characters"):
        plan_realm(state, desired(secret_source="keycloak"))


@pytest.mark.parametrize(
    "profile",
    [
        {"unmanagedAttributePolicy": "ENABLED"},
        {"attributes": [{"name": "tenantmail_group", "permissions": {"edit": ["admin", "user"]}}]},
    ],
)
def test_users_may_not_put_themselves_into_groups(converged: RealmState, profile: dict[str, Any]) -> None:
    harmless = {
        "unmanagedAttributePolicy": "ADMIN_EDIT",
        "attributes": [{"name": "email", "permissions": {"edit": ["user"]}}],
    }
    assert names(dataclasses.replace(converged, profile=harmless), desired()) == []
    with pytest.raises(Failure, match="put himself into a group") as caught:
        plan_realm(dataclasses.replace(converged, profile=profile), desired())
    assert caught.value.code == "conflict"


@pytest.mark.parametrize(("state", "clients", "user"), [("disabled", False, True), ("retired", False, False)])
def test_a_probe_that_is_not_asked_for_is_disabled(
    converged: RealmState, state: str, clients: bool, user: bool
) -> None:
    target = desired(probe={**PROBE, "state": state, "secret": None, "password": None})
    plan = plan_realm(converged, target)
    expected = ["update client tenantmail-probe", "update client tenantmail-probe-expired"]
    if state == "retired":
        expected += ["update group tenantmail-probe-group", "update user tenantmail-probe"]
    assert [str(change) for change in plan.changes] == expected
    healed = written(converged, target, writes(plan, converged, target))
    assert healed.clients["tenantmail-probe"]["enabled"] is clients
    assert healed.users["tenantmail-probe"]["enabled"] is user
    assert names(healed, target) == []


def test_a_probe_that_was_never_asked_for_is_not_made() -> None:
    target = desired(probe={**PROBE, "state": "retired", "secret": None, "password": None})
    assert not any("probe" in name for name in names(RealmState(), target))
    assert any(
        "tenantmail-probe" in name for name in names(RealmState(), desired(probe={**PROBE, "state": "disabled"}))
    )


def test_an_unknown_secret_is_not_compared(converged: RealmState) -> None:
    clients = [
        {
            "client_id": "stalwart",
            "audience": True,
            "web_origins": ["+"],
            "redirect_uris": ["https://mail.acme.test/*", "https://a.test/*"],
        }
    ]
    target = desired(clients=clients, probe={**PROBE, "secret": None})
    assert names(mutate(converged, "clients", ("stalwart", lambda c: c.update(secret=OTHER))), target) == []


def test_omitted_options_are_left_alone(converged: RealmState) -> None:
    state = mutate(converged, "realm", {"displayName": "Other", "adminEventsEnabled": False})
    assert names(state, desired(display_name=None, admin_events=None)) == []


def test_a_scope_that_the_realm_lacks_is_refused(converged: RealmState) -> None:
    with pytest.raises(Failure, match=r"client stalwart shall get the client scopes nonsense") as caught:
        plan_realm(converged, desired(scopes=["openid", "email", "nonsense", "groups"]))
    assert caught.value.code == "invalid_value"
    assert "profile" in caught.value.hint


def test_the_standard_flow_needs_a_redirect_uri() -> None:
    clients = desired().clients
    assert clients["stalwart"]["standard_flow_enabled"] is True
    assert clients["wordpress"]["standard_flow_enabled"] is False
    assert clients["wordpress"]["protocol_mappers"] == []
    assert clients["stalwart-public"]["standard_flow_enabled"] is True
    assert clients["tenantmail-probe"]["standard_flow_enabled"] is False


def test_only_the_probe_may_log_in_with_a_password() -> None:
    granted = [name for name, client in desired().clients.items() if client["direct_access_grants_enabled"]]
    assert granted == ["tenantmail-probe", "tenantmail-probe-expired"]
    assert [name for name, client in desired().clients.items() if client["public_client"]] == ["stalwart-public"]


@pytest.mark.parametrize(
    ("kind", "objects", "role"),
    [("group sales", "groups", "manage-users"), ("user alice", "users", "manage-users")],
)
def test_writing_users_with_an_account_that_only_views_is_refused(
    converged: RealmState, kind: str, objects: str, role: str
) -> None:
    state = copy.deepcopy(converged)
    if objects == "groups":
        state.groups["sales"]["attributes"] = {}
    else:
        state.users["alice"]["firstName"] = "Other"
    held: dict[str, Any] = getattr(state, objects)
    for item in held.values():
        item["access"] = {"view": True, "manage": False}
    with pytest.raises(Failure, match=f"update {kind}") as caught:
        check_write_access(plan_realm(state, desired()), state)
    assert (caught.value.code, role in caught.value.hint) == ("forbidden", True)


def test_writing_with_an_account_that_only_views_is_refused(converged: RealmState) -> None:
    state = mutate(converged, "clients", ("stalwart", lambda c: c.update(webOrigins=[])))
    plan = plan_realm(state, desired())
    check_write_access(plan, state)
    for client in state.clients.values():
        client["access"] = {"view": True, "manage": False}
    with pytest.raises(Failure, match=r"update client stalwart") as caught:
        check_write_access(plan, state)
    assert (caught.value.code, "manage-clients" in caught.value.hint) == ("forbidden", True)
    check_write_access(plan_realm(converged, desired()), state)


@pytest.mark.parametrize(
    ("changes", "field", "value", "accepted"),
    [
        (
            {"realm_url": "https://kc.test/realms/other"},
            "realm_url",
            "https://kc.test/realms/other",
            "/realms/sme-acme",
        ),
        ({"realm_url": "https://kc.test"}, "realm_url", "https://kc.test", "/realms/sme-acme"),
        ({"groups": ["a", "a"]}, "groups", "a", "each name once"),
        ({"groups": [" "]}, "groups", " ", "1 to 255"),
        ({"clients": [{"client_id": "a"}, {"client_id": "a"}]}, "clients", "a", "each name once"),
        ({"groups": ["a/b"]}, "groups", "a/b", "without /"),
        ({"groups": ["mail"], "group_parent": "mail"}, "group_parent", "mail", "not itself one"),
        ({"users": [{**ALICE, "username": "Alice"}]}, "users", "Alice", "lower case"),
        ({"users": [ALICE, ALICE]}, "users", "alice", "each name once"),
        ({"users": [{**ALICE, "username": "tenantmail-probe"}]}, "users", "tenantmail-probe", "than the probe's"),
        ({"users": [{**ALICE, "last_name": ""}]}, "users (alice) last_name", "", "1 to 255"),
        ({"settings": {"failure_factor": 0}}, "settings.failure_factor", 0, "at least 1"),
        (
            {"clients": [{"client_id": "a", "audience": True}, {"client_id": "b", "audience": True}]},
            "clients",
            "a, b",
            "one client with audience",
        ),
        ({"display_name": "x" * 256}, "display_name", "x" * 256, "at most 255"),
    ],
)
def test_bad_input(changes: dict[str, Any], field: str, value: str, accepted: str) -> None:
    with pytest.raises(Failure) as caught:
        desired(**changes)
    assert caught.value.code == "invalid_value"
    assert caught.value.message.startswith(f"{field} has the value {value!r}")
    assert accepted in caught.value.message


def test_a_short_secret_is_refused_by_name_only() -> None:
    with pytest.raises(Failure, match=r"the secret of client stalwart has 7 characters") as caught:
        desired(clients=[{"client_id": "stalwart", "secret": "shorty7"}])
    assert "shorty7" not in str(caught.value.as_dict())
