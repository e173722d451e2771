from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.argspec import REALM_PLAN
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.model import (
    DesiredRealm,
    RealmState,
    camel,
    desired_realm,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.plan import (
    check_write_access,
    plan_realm,
    writes,
)

SECRET = "canary-of-the-inventory"
OTHER = "canary-of-keycloak"
BUILT_IN = ["acr", "address", "basic", "email", "offline_access", "phone", "profile", "roles", "web-origins"]


def options(**changes: Any) -> dict[str, Any]:
    given = {
        "admin_url": "https://kc.test",
        "auth": {"username": "provisioner", "password": "password-of-it"},
        "realm": "sme-acme",
        "realm_url": "https://kc.test/realms/sme-acme",
        "display_name": "Acme",
        "admin_events": True,
        "groups": ["sme-admin", "sme-user"],
        "clients": [
            {
                "client_id": "stalwart",
                "secret": SECRET,
                "redirect_uris": ["https://mail.acme.test/*", "https://a.test/*"],
                "web_origins": ["+"],
                "audience": True,
            },
            {"client_id": "wordpress", "secret": "canary-of-wordpress"},
        ],
        **changes,
    }
    validation = ArgumentSpecValidator(REALM_PLAN).validate(given)
    assert not validation.error_messages
    return validation.validated_parameters


def desired(**changes: Any) -> DesiredRealm:
    return desired_realm(options(**changes))


def representation(given: dict[str, Any]) -> dict[str, Any]:
    """What Keycloak would hold after a module of community.general wrote these options."""
    return {camel(name): copy.deepcopy(value) for name, value in given.items()}


def written(state: RealmState, target: DesiredRealm, given: dict[str, list[dict[str, Any]]]) -> RealmState:
    """The state after the writes: maps and lists are replaced as a whole, as Keycloak does; scopes keep other mappers."""
    realm = {**(state.realm or {}), **(representation(given["realm"][0]) if given["realm"] else {})}
    scopes = {
        name: dict(scope)
        for name, scope in (state.client_scopes or {name: {"name": name} for name in BUILT_IN}).items()
    }
    for scope in given["client_scopes"]:
        before = scopes.get(scope["name"], {})
        after = {**before, **representation(scope)}
        ours = {mapper["name"] for mapper in after["protocolMappers"]}
        after["protocolMappers"] += [m for m in before.get("protocolMappers", []) if m["name"] not in ours]
        scopes[scope["name"]] = after
    clients = dict(state.clients)
    for client in given["clients"]:
        client_id = client["client_id"]
        clients[client_id] = {
            "id": f"id-{client_id}",
            **clients.get(client_id, {}),
            **representation(client),
            "secret": target.secrets[client_id],
            "access": {"manage": True},
        }
    groups = state.groups | {group["name"] for group in given["groups"]}
    return RealmState(realm=realm, client_scopes=scopes, clients=clients, groups=groups)


@pytest.fixture
def converged() -> RealmState:
    """A realm as the role leaves it, with what Keycloak and others add."""
    target = desired()
    state = written(RealmState(), target, writes(plan_realm(RealmState(), target), RealmState(), target))
    realm = {**state.realm, "id": "x", "registrationAllowed": False, "attributes": {"cibaInterval": "5"}}
    stalwart = state.clients["stalwart"]
    stalwart["attributes"] = {"client.secret.creation.time": "1"}
    stalwart["redirectUris"] = stalwart["redirectUris"][::-1]
    stalwart["defaultClientScopes"] = stalwart["defaultClientScopes"][::-1]
    for holder in (stalwart, state.client_scopes["groups"]):
        for mapper in holder["protocolMappers"]:
            mapper.update(id=f"id-{mapper['name']}", consentRequired=False)
            mapper["config"]["lightweight.claim"] = "false"
    return RealmState(realm, state.client_scopes, state.clients, state.groups | {"somebody-elses"})


def names(state: RealmState, target: DesiredRealm) -> list[str]:
    return [str(change) for change in plan_realm(state, target).changes]


def test_a_missing_realm_is_created_in_the_order_of_writing() -> None:
    assert names(RealmState(), desired()) == [
        "create realm sme-acme",
        "create client_scope groups",
        "create client stalwart",
        "create client wordpress",
        "create group sme-admin",
        "create group sme-user",
    ]


def test_order_and_additions_of_the_server_do_not_count(converged: RealmState) -> None:
    target = desired()
    plan = plan_realm(converged, target)
    assert plan.changes == ()
    assert writes(plan, converged, target) == {"realm": [], "client_scopes": [], "clients": [], "groups": []}


def mutate(state: RealmState, kind: str, change: Any) -> RealmState:
    state = copy.deepcopy(state)
    if kind == "realm":
        state.realm.update(change)
    elif kind == "groups":
        state = RealmState(state.realm, state.client_scopes, state.clients, state.groups - {change})
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
        ("groups", "sme-user", ["create group sme-user"]),
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
        ("clients", ("stalwart", lambda c: c.update(secret=OTHER)), ["update client stalwart"]),
        ("clients", ("stalwart", lambda c: c.pop("secret")), ["update client stalwart"]),
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
        ("clients", ("stalwart", lambda c: c["protocolMappers"].clear()), ["create protocol_mapper stalwart/audience"]),
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
    assert plan.diff()[0]["before"]["secret"] != plan.diff()[0]["after"]["secret"]
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
    assert SECRET not in shown
    assert OTHER not in shown


def test_an_unknown_secret_is_not_compared(converged: RealmState) -> None:
    clients = [
        {
            "client_id": "stalwart",
            "audience": True,
            "web_origins": ["+"],
            "redirect_uris": ["https://mail.acme.test/*", "https://a.test/*"],
        }
    ]
    assert names(converged, desired(clients=clients)) == []


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
