"""A realm as the role leaves it, without a server: writes of community.general applied as Keycloak does."""

from __future__ import annotations

import copy
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.argspec import REALM_PLAN
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.desired import desired_realm
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.model import (
    DesiredRealm,
    RealmState,
    camel,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.plan import plan_realm
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.writes import writes

SECRET = "canary-of-the-inventory"
OTHER = "canary-of-keycloak"
PASSWORD = "canary-of-the-probe"
ALICE = {
    "username": "alice",
    "email": "alice@acme.test",
    "first_name": "Alice",
    "last_name": "Smith",
    "groups": ["sales"],
}
PROBE = {
    "client_id": "tenantmail-probe",
    "expired_client_id": "tenantmail-probe-expired",
    "username": "tenantmail-probe",
    "email": "tenantmail-probe@acme.test",
    "group": "tenantmail-probe-group",
    "secret": "canary-of-the-probe-client",
    "password": PASSWORD,
}
BUILT_IN = [
    "acr",
    "address",
    "basic",
    "email",
    "offline_access",
    "phone",
    "profile",
    "roles",
    "service_account",
    "web-origins",
]


def options(**changes: Any) -> dict[str, Any]:
    given = {
        "admin_url": "https://kc.test",
        "auth": {"username": "provisioner", "password": "password-of-it"},
        "realm": "sme-acme",
        "realm_url": "https://kc.test/realms/sme-acme",
        "display_name": "Acme",
        "admin_events": True,
        "settings": {"brute_force_protected": True, "access_token_lifespan": 300},
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
        "public_clients": [{"client_id": "stalwart-public", "redirect_uris": ["http://localhost/*"]}],
        "users": [ALICE],
        "probe": PROBE,
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
            "secret": target.secrets.get(client_id),
            "access": {"manage": True},
        }
    groups = dict(state.groups)
    for group in given["groups"]:
        path = "/".join([*(parent["name"] for parent in group.get("parents", [])), group["name"]])
        path = next((known for known, item in groups.items() if item["id"] == group.get("id")), path)
        groups[path] = {"id": f"id-{path}", "name": group["name"], "attributes": copy.deepcopy(group["attributes"])}
    users, members = dict(state.users), {path: set(names) for path, names in state.members.items()}
    for user in given["users"]:
        users[user["username"]] = {
            "id": f"id-of-{user['username']}",
            **users.get(user["username"], {}),
            **representation(user),
        }
        for group in user["groups"]:
            change = set.add if group["state"] == "present" else set.discard
            change(members.setdefault(group["name"][1:], set()), user["username"])
    return RealmState(
        realm=realm,
        client_scopes=scopes,
        clients=clients,
        groups=groups,
        users=users,
        members={path: frozenset(names) for path, names in members.items()},
    )


def as_the_role_leaves_it(target: DesiredRealm) -> RealmState:
    """What a first run leaves, with what Keycloak and others add."""
    empty = RealmState()
    state = written(empty, target, writes(plan_realm(empty, target), empty, target))
    realm = {**(state.realm or {}), "id": "x", "registrationAllowed": False, "attributes": {"cibaInterval": "5"}}
    clients: Any = state.clients
    for client in clients.values():
        client["attributes"] = {**client.get("attributes", {}), "client.secret.creation.time": "1"}
        client["redirectUris"] = client["redirectUris"][::-1]
        client["defaultClientScopes"] = client["defaultClientScopes"][::-1]
    for holder in (*clients.values(), *state.client_scopes.values()):
        for mapper in holder.get("protocolMappers", []):
            mapper.update(id=f"id-{mapper['name']}", consentRequired=False)
            mapper["config"]["lightweight.claim"] = "false"
    groups = {**state.groups, "somebody-elses": {"id": "x", "name": "somebody-elses", "attributes": {}}}
    return RealmState(realm, state.client_scopes, clients, groups, state.users, state.members)


def names(state: RealmState, target: DesiredRealm) -> list[str]:
    """The changes in words."""
    return [str(change) for change in plan_realm(state, target).changes]
