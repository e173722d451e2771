# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A realm as values: what Keycloak holds, and what the inventory asks for in the options of community.general (pure).

Names of options are those of ``community.general.keycloak_*``; Keycloak's own (the Admin REST API's representations)
are the same in camel case.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..failure import Failure
from ..redact import check_secret

LAYER = "keycloak"
PROTOCOL = "openid-connect"
AUDIENCE_MAPPER = "oidc-audience-mapper"
GROUPS_MAPPER = "oidc-group-membership-mapper"
#: What every client gets beside the scopes asked for: `basic` carries `sub`, `acr` the level of authentication, and
#: `web-origins` the allowed origins. Not `roles`: it would add other clients to the audience.
BASE_SCOPES = ("acr", "basic", "web-origins")
OPTIONAL_SCOPES = ("offline_access",)
#: Of the database columns behind realm, client, scope and group names.
LONGEST = 255

Options = t.Dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class RealmState:
    """What was read. ``realm`` is none when there is no such realm; everything else is empty then."""

    realm: t.Mapping[str, t.Any] | None = None
    client_scopes: t.Mapping[str, t.Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)
    clients: t.Mapping[str, t.Mapping[str, t.Any]] = dataclasses.field(default_factory=dict, repr=False)
    groups: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class DesiredRealm:
    """What the inventory asks for.

    :param secrets: by client; none for a secret that is not known yet (check mode before the first run).
    :param audiences: clients whose tokens no other client's mapper may produce.
    """

    name: str
    realm: Options
    client_scopes: dict[str, Options]
    clients: dict[str, Options]
    groups: tuple[str, ...]
    secrets: dict[str, str | None] = dataclasses.field(repr=False)
    audiences: frozenset[str] = frozenset()


def desired_realm(params: t.Mapping[str, t.Any]) -> DesiredRealm:
    """From the options of realm_plan.

    :raises Failure: ``invalid_value`` naming the option.
    """
    name = params["realm"]
    if not params["realm_url"].rstrip("/").endswith(f"/realms/{name}"):
        raise _invalid("realm_url", params["realm_url"], f"a URL that ends in /realms/{name}")
    _check_names("groups", params["groups"])
    _check_names("clients", [client["client_id"] for client in params["clients"]])
    if len(params["display_name"] or "") > LONGEST:
        raise _invalid("display_name", params["display_name"], f"at most {LONGEST} characters")
    realm: Options = {"realm": name, "enabled": True}
    if params["display_name"] is not None:
        realm["display_name"] = params["display_name"]
    if params["admin_events"] is not None:
        realm["admin_events_enabled"] = params["admin_events"]
    scopes = sorted({*params["scopes"], *BASE_SCOPES} - {"openid"})
    clients = {client["client_id"]: _client(client, scopes) for client in params["clients"]}
    secrets = {
        client["client_id"]: check_secret(LAYER, f"the secret of client {client['client_id']}", client["secret"])
        for client in params["clients"]
    }
    return DesiredRealm(
        name=name,
        realm=realm,
        client_scopes={params["groups_scope"]: _groups_scope(params["groups_scope"])},
        clients=clients,
        groups=tuple(params["groups"]),
        secrets=secrets,
        audiences=frozenset(client["client_id"] for client in params["clients"] if client["audience"]),
    )


def camel(option: str) -> str:
    """Keycloak's name of an option (``redirect_uris`` -> ``redirectUris``)."""
    head, *tail = option.split("_")
    return head + "".join(word.capitalize() for word in tail)


def normal(value: t.Any, like: t.Any) -> t.Any:
    """A value of a representation in the form of the desired one: lists are sets, a missing boolean is false.

    Of a mapping only the desired keys count: Keycloak adds attributes and mapper settings of its own.
    """
    if isinstance(like, bool):
        return bool(value)
    if isinstance(like, list):
        return sorted(value or [])
    if isinstance(like, dict):
        return {key: (value or {}).get(key) for key in like}
    return value


def mapper_of(representation: t.Mapping[str, t.Any], name: str) -> t.Mapping[str, t.Any] | None:
    """The protocol mapper of that name."""
    return next((m for m in representation.get("protocolMappers") or [] if m.get("name") == name), None)


def _groups_scope(name: str) -> Options:
    return {
        "name": name,
        "protocol": PROTOCOL,
        "attributes": {"include.in.token.scope": "true", "display.on.consent.screen": "false"},
        "protocol_mappers": [
            _mapper(
                name,
                GROUPS_MAPPER,
                {
                    "claim.name": "groups",
                    "full.path": "false",
                    "id.token.claim": "true",
                    "access.token.claim": "true",
                    "userinfo.token.claim": "true",
                },
            )
        ],
    }


def _client(client: t.Mapping[str, t.Any], scopes: list[str]) -> Options:
    mappers = []
    if client["audience"]:
        config = {
            "included.client.audience": client["client_id"],
            "id.token.claim": "false",
            "access.token.claim": "true",
            "introspection.token.claim": "true",
            "userinfo.token.claim": "false",
        }
        mappers.append(_mapper("audience", AUDIENCE_MAPPER, config))
    return {
        "client_id": client["client_id"],
        "enabled": True,
        "protocol": PROTOCOL,
        "public_client": False,
        "client_authenticator_type": "client-secret",
        # A client that nobody may be redirected to has no use for the flow yet.
        "standard_flow_enabled": bool(client["redirect_uris"]),
        "implicit_flow_enabled": False,
        "direct_access_grants_enabled": False,
        "service_accounts_enabled": False,
        "full_scope_allowed": False,
        "redirect_uris": sorted(client["redirect_uris"]),
        "web_origins": sorted(client["web_origins"]),
        "default_client_scopes": scopes,
        "optional_client_scopes": sorted(OPTIONAL_SCOPES),
        "protocol_mappers": mappers,
    }


def _mapper(name: str, kind: str, config: dict[str, str]) -> Options:
    return {"name": name, "protocol": PROTOCOL, "protocolMapper": kind, "config": config}


def _check_names(option: str, names: t.Sequence[str]) -> None:
    for name in names:
        if not name.strip() or len(name) > LONGEST:
            raise _invalid(option, name, f"a name of 1 to {LONGEST} characters")
        if names.count(name) > 1:
            raise _invalid(option, name, "each name once")


def _invalid(option: str, value: t.Any, accepted: str) -> Failure:
    return Failure(LAYER, "invalid_value", f"{option} has the value {value!r}; accepted is {accepted}.")
