# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options with which community.general writes a plan (pure)."""

from __future__ import annotations

from ..reconcile import Plan
from .groups import group_options
from .model import DesiredRealm, Options, RealmState, Representation, mapper_of
from .plan import foreign_audiences
from .users import ANEW, user_options

#: Kind of a change -> key of the result.
KINDS = {
    "realm": "realm",
    "client_scope": "client_scopes",
    "client": "clients",
    "group": "groups",
    "user": "users",
    "openbao_secret": "openbao_secrets",
}


def writes(plan: Plan, state: RealmState, desired: DesiredRealm) -> dict[str, list[Options]]:
    """For each kind of object the complete options of ``community.general.keycloak_*``, but secrets and passwords.

    An update replaces a map or a list of mappers as a whole, so what is there beside the desired entries is kept here.
    """
    touched: dict[str, dict[str, None]] = {kind: {} for kind in KINDS}
    again = {change.key for change in plan.changes if change.kind == "user" and change.payload == ANEW}
    for change in plan.changes:
        # A mapper is written with the object that holds it, and so is a secret.
        kind, key = change.payload if isinstance(change.payload, tuple) else (change.kind, change.key)
        touched[kind][key] = None
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
        "groups": [group_options(path, state, desired.groups) for path in touched["group"]],
        "users": [user_options(name, state, desired, again=name in again) for name in touched["user"]],
        "openbao_secrets": [{"client_id": client_id} for client_id in touched["openbao_secret"]],
    }


def _merged(name: str, options: Options, current: Representation | None, desired: DesiredRealm) -> Options:
    if current is None:
        return options
    merged = dict(options)
    if "attributes" in options:
        merged["attributes"] = {**(current.get("attributes") or {}), **options["attributes"]}
    removed = {mapper["name"] for mapper in foreign_audiences(current, name, desired)}
    ours = {mapper["name"] for mapper in options["protocol_mappers"]}
    kept = [m for m in current.get("protocolMappers") or [] if m.get("name") not in removed | ours]
    merged["protocol_mappers"] = [_merged_mapper(m, mapper_of(current, m["name"])) for m in options["protocol_mappers"]]
    if "client_id" in options:
        merged["protocol_mappers"] += kept
    return merged


def _merged_mapper(mapper: Options, current: Representation | None) -> Options:
    if current is None:
        return mapper
    same_kind = current.get("protocolMapper") == mapper["protocolMapper"]
    config = {**((current.get("config") or {}) if same_kind else {}), **mapper["config"]}
    return {**mapper, "id": current["id"], "config": config}
