# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between a realm and what is desired (pure)."""

from __future__ import annotations

from ..failure import Failure
from ..reconcile import Change, Plan
from ..redact import MASK, check_secret
from .groups import plan_groups
from .model import (
    AUDIENCE_MAPPER,
    GROUP_ATTRIBUTE,
    LAYER,
    DesiredRealm,
    Options,
    RealmState,
    Representation,
    camel,
    mapper_of,
    normal,
)
from .users import plan_users


def plan_realm(state: RealmState, desired: DesiredRealm) -> Plan:
    """All changes, in the order in which they must be written: realm, client scopes, clients, groups, users.

    :raises Failure: ``invalid_value`` when a client shall get a scope that the realm does not have, ``conflict`` when users
        may write the attribute that the groups' claim is made of.
    """
    if state.realm is not None:
        _check_scopes(state, desired)
        _check_profile(state)
    changes: list[Change] = []
    changes += _object("realm", desired.name, state.realm, desired.realm)
    for name, scope in desired.client_scopes.items():
        changes += _with_mappers("client_scope", name, state.client_scopes.get(name), scope)
    for client_id, client in desired.kept("client", state).items():
        current = state.clients.get(client_id)
        changes += _with_mappers("client", client_id, current, client)
        changes += _secret(client_id, current, desired)
        changes += [
            Change(
                "delete",
                "protocol_mapper",
                f"{client_id}/{mapper['name']}",
                _shown_mapper(mapper),
                payload=("client", client_id),
            )
            for mapper in foreign_audiences(current, client_id, desired)
        ]
    changes += plan_groups(state, desired.groups)
    changes += plan_users(state, desired)
    return Plan(tuple(changes))


def check_write_access(plan: Plan, state: RealmState) -> None:
    """Refuse to start when Keycloak already said that clients, groups or users may only be viewed.

    :raises Failure: ``forbidden``.
    """
    if state.realm is None:
        return
    for kinds, objects, noun, role in (
        (("client", "client_scope", "client_secret", "protocol_mapper"), state.clients, "clients", "manage-clients"),
        (("group",), state.groups, "groups", "manage-users"),
        (("user",), state.users, "users", "manage-users"),
    ):
        needed = [change for change in plan.changes if change.kind in kinds]
        refused = [(item.get("access") or {}).get("manage") is False for item in objects.values()]
        if needed and refused and all(refused):
            raise Failure(
                LAYER,
                "forbidden",
                f"the account may view the {noun} of realm {state.realm['realm']} but not change them: "
                f"{', '.join(map(str, needed))}.",
                hint=f"Grant it the role {role} of that realm.",
            )


def foreign_audiences(current: Representation | None, client_id: str, desired: DesiredRealm) -> list[Representation]:
    """Mappers that put another client's protected audience into this client's tokens: such a token opens its mailboxes."""
    return [
        mapper
        for mapper in (current or {}).get("protocolMappers") or []
        if mapper.get("protocolMapper") == AUDIENCE_MAPPER
        and desired.audience not in (None, client_id)
        and (mapper.get("config") or {}).get("included.client.audience") == desired.audience
    ]


def _check_scopes(state: RealmState, desired: DesiredRealm) -> None:
    known = {*state.client_scopes, *desired.client_scopes}
    for client_id, client in desired.clients.items():
        missing = sorted({*client["default_client_scopes"], *client["optional_client_scopes"]} - known)
        if missing:
            # community.general.keycloak_client passes over an unknown scope in silence.
            raise Failure(
                LAYER,
                "invalid_value",
                f"client {client_id} shall get the client scopes {', '.join(missing)}, which realm {desired.name} does not have.",
                hint=f"Create them in the realm, or choose among: {', '.join(sorted(known))}.",
            )


def _check_profile(state: RealmState) -> None:
    """Whoever may write the attribute of groups to his own account puts himself into any group's mailbox."""
    own = [item for item in state.profile.get("attributes") or [] if item.get("name") == GROUP_ATTRIBUTE]
    if any("user" in ((item.get("permissions") or {}).get("edit") or []) for item in own):
        reason = f"the user profile lets users edit the attribute {GROUP_ATTRIBUTE}"
    elif state.profile.get("unmanagedAttributePolicy") == "ENABLED":
        reason = "the user profile lets users write attributes of their own (unmanaged attributes are enabled)"
    else:
        return
    raise Failure(
        LAYER,
        "conflict",
        f"{reason}, so anybody could put himself into a group and read its mailbox.",
        hint="In the realm's settings let only administrators write unmanaged attributes (ADMIN_EDIT), and no user this one.",
    )


def _object(kind: str, key: str, current: Representation | None, options: Options) -> list[Change]:
    wanted = {name: value for name, value in options.items() if name != "protocol_mappers"}
    if current is None:
        after: Options = {name: value for name, value in options.items() if name != "protocol_mappers" or value}
        secret = {"secret": MASK} if kind == "client" and not options["public_client"] else {}
        return [Change("create", kind, key, after={**after, **secret})]
    before: Options = {}
    after = {}
    for name, value in wanted.items():
        found = normal(current.get(camel(name)), value)
        if found != value:
            before[name], after[name] = found, value
    return [Change("update", kind, key, before=before, after=after)] if after else []


def _with_mappers(kind: str, key: str, current: Representation | None, options: Options) -> list[Change]:
    changes = _object(kind, key, current, options)
    if current is None:
        return changes
    for mapper in options["protocol_mappers"]:
        found = mapper_of(current, mapper["name"])
        name = f"{key}/{mapper['name']}"
        if found is None:
            changes.append(Change("create", "protocol_mapper", name, after=mapper, payload=(kind, key)))
            continue
        before = {option: normal(found.get(option), value) for option, value in mapper.items()}
        if before != mapper:
            changes.append(Change("update", "protocol_mapper", name, before, mapper, payload=(kind, key)))
    return changes


def _secret(client_id: str, current: Representation | None, desired: DesiredRealm) -> list[Change]:
    """A secret that differs between Keycloak and OpenBao. The values are never shown, so the words must tell."""
    secret = desired.secrets.get(client_id)
    if current is None or secret is None or current.get("secret") == secret:
        return []
    found = current.get("secret")
    if client_id in desired.restore_openbao and found:
        check_secret(LAYER, f"the secret of client {client_id} in Keycloak", found)
        before, after = {"openbao": f"{MASK} (differs from Keycloak)"}, {"openbao": MASK}
        return [Change("update", "openbao_secret", client_id, before, after)]
    before = {"keycloak": f"{MASK} (differs from OpenBao)" if found else ""}
    return [Change("update", "client_secret", client_id, before, {"keycloak": MASK}, payload=("client", client_id))]


def _shown_mapper(mapper: Representation) -> Options:
    return {name: mapper.get(name) for name in ("name", "protocol", "protocolMapper", "config")}
