# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between a realm and what is desired, and the options with which to write it (pure)."""

from __future__ import annotations

import typing as t

from ..failure import Failure
from ..reconcile import Change, Plan
from ..redact import MASK
from .model import AUDIENCE_MAPPER, LAYER, DesiredRealm, Options, RealmState, camel, mapper_of, normal

#: Shown for a secret: the values never are, so two masks must tell whether they are equal.
OTHER_SECRET = f"{MASK} (another value)"


def plan_realm(state: RealmState, desired: DesiredRealm) -> Plan:
    """All changes, in the order in which they must be written: realm, client scopes, clients, groups.

    :raises Failure: ``invalid_value`` when a client shall get a scope that the realm does not have.
    """
    if state.realm is not None:
        _check_scopes(state, desired)
    changes: list[Change] = []
    changes += _object("realm", desired.name, state.realm, desired.realm)
    for name, scope in desired.client_scopes.items():
        changes += _with_mappers("client_scope", name, state.client_scopes.get(name), scope)
    for client_id, client in desired.clients.items():
        current = state.clients.get(client_id)
        changes += _with_mappers("client", client_id, current, client, _secret(current, desired.secrets[client_id]))
        changes += [
            Change(
                "delete",
                "protocol_mapper",
                f"{client_id}/{mapper['name']}",
                _shown_mapper(mapper),
                payload=("client", client_id),
            )
            for mapper in _foreign_audiences(current, client_id, desired)
        ]
    changes += [
        Change("create", "group", name, after={"name": name}) for name in desired.groups if name not in state.groups
    ]
    return Plan(tuple(changes))


def writes(plan: Plan, state: RealmState, desired: DesiredRealm) -> dict[str, list[Options]]:
    """For each kind of object the complete options of ``community.general.keycloak_*``, but a client's secret.

    An update replaces a map or a list of mappers as a whole, so what is there beside the desired entries is kept here.
    """
    touched: dict[str, set[str]] = {"realm": set(), "client_scope": set(), "client": set(), "group": set()}
    for change in plan.changes:
        # A mapper is written with the object that holds it.
        kind, key = change.payload or (change.kind, change.key)
        touched[kind].add(key)
    return {
        "realm": [desired.realm for _name in touched["realm"]],
        "client_scopes": [
            _merged(name, options, state.client_scopes.get(name), desired)
            for name, options in desired.client_scopes.items()
            if name in touched["client_scope"]
        ],
        "clients": [
            _merged(name, options, state.clients.get(name), desired)
            for name, options in desired.clients.items()
            if name in touched["client"]
        ],
        "groups": [{"name": name} for name in desired.groups if name in touched["group"]],
    }


def check_write_access(plan: Plan, state: RealmState) -> None:
    """Refuse to start when Keycloak already said that clients may only be viewed.

    :raises Failure: ``forbidden``.
    """
    needed = any(change.kind in ("client", "client_scope", "protocol_mapper") for change in plan.changes)
    if not needed or state.realm is None:
        return
    if not any((client.get("access") or {}).get("manage") for client in state.clients.values()):
        raise Failure(
            LAYER,
            "forbidden",
            f"the account may view the clients of realm {state.realm['realm']} but not change them: "
            f"{', '.join(str(change) for change in plan.changes)}.",
            hint="Grant it the role manage-clients of that realm.",
        )


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


def _object(
    kind: str, key: str, current: t.Mapping[str, t.Any] | None, options: Options, secret: dict[str, str] | None = None
) -> list[Change]:
    wanted = {name: value for name, value in options.items() if name != "protocol_mappers"}
    if current is None:
        after: Options = {name: value for name, value in options.items() if name != "protocol_mappers" or value}
        return [Change("create", kind, key, after={**after, **({"secret": MASK} if kind == "client" else {})})]
    before: Options = {}
    after = {}
    for name, value in wanted.items():
        found = normal(current.get(camel(name)), value)
        if found != value:
            before[name], after[name] = found, value
    if secret is not None:
        before["secret"], after["secret"] = secret["before"], secret["after"]
    return [Change("update", kind, key, before=before, after=after)] if after else []


def _with_mappers(
    kind: str,
    key: str,
    current: t.Mapping[str, t.Any] | None,
    options: Options,
    secret: dict[str, str] | None = None,
) -> list[Change]:
    changes = _object(kind, key, current, options, secret)
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


def _secret(current: t.Mapping[str, t.Any] | None, secret: str | None) -> dict[str, str] | None:
    if current is None or secret is None or current.get("secret") == secret:
        return None
    return {"before": OTHER_SECRET if current.get("secret") else "", "after": MASK}


def _foreign_audiences(
    current: t.Mapping[str, t.Any] | None, client_id: str, desired: DesiredRealm
) -> list[t.Mapping[str, t.Any]]:
    """Mappers that put another client's protected audience into this client's tokens: such a token opens its mailboxes."""
    return [
        mapper
        for mapper in (current or {}).get("protocolMappers") or []
        if mapper.get("protocolMapper") == AUDIENCE_MAPPER
        and (mapper.get("config") or {}).get("included.client.audience") in desired.audiences - {client_id}
    ]


def _shown_mapper(mapper: t.Mapping[str, t.Any]) -> Options:
    return {name: mapper.get(name) for name in ("name", "protocol", "protocolMapper", "config")}


def _merged(name: str, options: Options, current: t.Mapping[str, t.Any] | None, desired: DesiredRealm) -> Options:
    if current is None:
        return options
    merged = dict(options)
    if "attributes" in options:
        merged["attributes"] = {**(current.get("attributes") or {}), **options["attributes"]}
    removed = {mapper["name"] for mapper in _foreign_audiences(current, name, desired)}
    ours = {mapper["name"] for mapper in options["protocol_mappers"]}
    kept = [m for m in current.get("protocolMappers") or [] if m.get("name") not in removed | ours]
    merged["protocol_mappers"] = [_merged_mapper(m, mapper_of(current, m["name"])) for m in options["protocol_mappers"]]
    if "client_id" in options:
        merged["protocol_mappers"] += kept
    return merged


def _merged_mapper(mapper: Options, current: t.Mapping[str, t.Any] | None) -> Options:
    if current is None:
        return mapper
    same_kind = current.get("protocolMapper") == mapper["protocolMapper"]
    config = {**((current.get("config") or {}) if same_kind else {}), **mapper["config"]}
    return {**mapper, "id": current["id"], "config": config}
