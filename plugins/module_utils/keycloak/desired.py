# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of realm_plan to what the realm shall hold (pure)."""

from __future__ import annotations

import dataclasses
import typing as t

from ..redact import check_secret
from .argspec import ENABLED, RETIRED, SETTINGS
from .model import (
    ATTRIBUTE_MAPPER,
    AUDIENCE_MAPPER,
    GROUP_ATTRIBUTE,
    HARDCODED_MAPPER,
    LAYER,
    LONGEST,
    PROTOCOL,
    DesiredGroups,
    DesiredRealm,
    Options,
    Probe,
    invalid,
)

#: What every client gets beside the scopes asked for: `basic` carries `sub`, `acr` the level of authentication, and
#: `web-origins` the allowed origins. Not `roles`: it would add other clients to the audience.
BASE_SCOPES = ("acr", "basic", "web-origins")
OPTIONAL_SCOPES = ("offline_access",)
#: Keycloak gives it to a client with a service account by itself.
SERVICE_ACCOUNT_SCOPE = "service_account"
#: RFC 7636: of a public client only who began a login can end it.
PKCE = {"pkce.code.challenge.method": "S256"}
#: Keycloak takes a negative lifespan: the token is expired when it is issued, by more than any server's leeway.
EXPIRED = {"access.token.lifespan": "-3600"}
PROBE_FIELDS = tuple(field.name for field in dataclasses.fields(Probe))
_EVERYWHERE = {
    "id.token.claim": "true",
    "access.token.claim": "true",
    "userinfo.token.claim": "true",
    "introspection.token.claim": "true",
}
_NOWHERE = dict.fromkeys(_EVERYWHERE, "false")


def desired_realm(params: t.Mapping[str, t.Any]) -> DesiredRealm:
    """From the options of realm_plan.

    :raises Failure: ``invalid_value`` naming the option.
    """
    name = params["realm"]
    if not params["realm_url"].rstrip("/").endswith(f"/realms/{name}"):
        raise invalid("realm_url", params["realm_url"], f"a URL that ends in /realms/{name}")
    probe = params["probe"]
    given = [*params["clients"], *params["public_clients"]]
    _check_names("groups", params["groups"])
    _check_names("clients", [client["client_id"] for client in given])
    _check_names("users", [user["username"] for user in params["users"]])
    audiences = [client["client_id"] for client in params["clients"] if client["audience"]]
    if len(audiences) > 1:
        raise invalid("clients", ", ".join(audiences), "one client with audience")
    secrets = {
        client["client_id"]: check_secret(LAYER, f"the secret of client {client['client_id']}", client["secret"])
        for client in params["clients"]
    }
    if probe is not None:
        secret = check_secret(LAYER, f"the secret of client {probe['client_id']}", probe["secret"])
        secrets.update(dict.fromkeys((probe["client_id"], probe["expired_client_id"]), secret))
        check_secret(LAYER, f"the password of user {probe['username']}", probe["password"])
    return DesiredRealm(
        name=name,
        realm=_realm(params),
        client_scopes=_client_scopes(params, audiences),
        clients=_clients(params, {params["audience_scope"]} if audiences else set()),
        groups=_groups(params),
        users=_users(params),
        secrets=secrets,
        restore_openbao=frozenset(
            client["client_id"] for client in params["clients"] if params["secret_source"] == "keycloak"
        ),
        audience=audiences[0] if audiences else None,
        required_scopes=tuple(params["scopes"]),
        asked_scopes=(*params["scopes"], *([params["audience_scope"]] if audiences else [])),
        probe=None if probe is None else Probe(**{field: probe[field] for field in PROBE_FIELDS}),
    )


def _realm(params: t.Mapping[str, t.Any]) -> Options:
    if len(params["display_name"] or "") > LONGEST:
        raise invalid("display_name", params["display_name"], f"at most {LONGEST} characters")
    realm: Options = {"realm": params["realm"], "enabled": True}
    if params["display_name"] is not None:
        realm["display_name"] = params["display_name"]
    if params["admin_events"] is not None:
        realm["admin_events_enabled"] = params["admin_events"]
    for option, value in (params["settings"] or {}).items():
        if value is None:
            continue
        if SETTINGS[option]["type"] == "int" and not 1 <= value < 2**31:
            raise invalid(f"settings.{option}", value, "a number of at least 1")
        realm[option] = value
    return realm


def _client_scopes(params: t.Mapping[str, t.Any], audiences: t.Sequence[str]) -> dict[str, Options]:
    name = params["groups_scope"]
    groups = {
        "claim.name": "groups",
        "jsonType.label": "String",
        "user.attribute": GROUP_ATTRIBUTE,
        "multivalued": "true",
        "aggregate.attrs": "true",
        **_EVERYWHERE,
    }
    scopes = {name: _scope(name, [_mapper(name, ATTRIBUTE_MAPPER, groups)])}
    if audiences and (params["public_clients"] or params["probe"]):
        name = params["audience_scope"]
        scopes[name] = _scope(name, _mail_mappers(audiences[0]))
    return scopes


def _scope(name: str, mappers: list[Options]) -> Options:
    return {
        "name": name,
        "protocol": PROTOCOL,
        # The user info of a token knows only the scopes that the token names.
        "attributes": {"include.in.token.scope": "true", "display.on.consent.screen": "false"},
        "protocol_mappers": mappers,
    }


def _mail_mappers(audience: str) -> list[Options]:
    """What a token must carry for the mail server beside the scopes."""
    return [
        _mapper(
            "audience",
            AUDIENCE_MAPPER,
            {
                "included.client.audience": audience,
                "id.token.claim": "false",
                "access.token.claim": "true",
                "introspection.token.claim": "true",
                "userinfo.token.claim": "false",
            },
        ),
        # The mapper of the groups leaves the claim out for who is in none, and the mail server then leaves the account in
        # the groups it was in. It asks for the user info before, where this mapper answers with an empty list.
        # Only there: Keycloak adds the values of several mappers to one list.
        _mapper(
            "no-groups",
            HARDCODED_MAPPER,
            {
                "claim.name": "groups",
                "claim.value": "[]",
                "jsonType.label": "JSON",
                "multivalued": "true",
                **_NOWHERE,
                "userinfo.token.claim": "true",
            },
        ),
    ]


def _clients(params: t.Mapping[str, t.Any], mail_scopes: set[str]) -> dict[str, Options]:
    scopes = sorted({*params["scopes"], *BASE_SCOPES} - {"openid"})
    clients: dict[str, Options] = {}
    for client in params["clients"]:
        clients[client["client_id"]] = _client(
            client["client_id"],
            # A client that nobody may be redirected to has no use for the flow yet.
            standard_flow_enabled=bool(client["redirect_uris"]),
            redirect_uris=sorted(client["redirect_uris"]),
            web_origins=sorted(client["web_origins"]),
            default_client_scopes=scopes,
            protocol_mappers=_mail_mappers(client["client_id"]) if client["audience"] else [],
        )
    for client in params["public_clients"]:
        clients[client["client_id"]] = _client(
            client["client_id"],
            enabled=client["enabled"],
            public_client=True,
            attributes=dict(PKCE),
            standard_flow_enabled=bool(client["redirect_uris"]),
            redirect_uris=sorted(client["redirect_uris"]),
            web_origins=sorted(client["web_origins"]),
            default_client_scopes=sorted({*scopes, *mail_scopes}),
        )
    probe = params["probe"]
    if probe is not None:
        optional = {params["groups_scope"], *mail_scopes}
        usual = {
            "enabled": probe["state"] == ENABLED,
            "direct_access_grants_enabled": True,
            "optional_client_scopes": sorted(optional),
        }
        clients[probe["client_id"]] = _client(
            probe["client_id"],
            # By its own credentials another tenant gets a token that this one's users have no part in.
            service_accounts_enabled=True,
            default_client_scopes=sorted({*scopes, SERVICE_ACCOUNT_SCOPE} - optional),
            **usual,
        )
        clients[probe["expired_client_id"]] = _client(
            probe["expired_client_id"],
            default_client_scopes=sorted(set(scopes) - optional),
            attributes=dict(EXPIRED),
            **usual,
        )
    return clients


def _client(client_id: str, **options: t.Any) -> Options:
    """A client with which nothing can be done but what the options say."""
    return {
        "client_id": client_id,
        "enabled": True,
        "protocol": PROTOCOL,
        "public_client": False,
        "client_authenticator_type": "client-secret",
        "standard_flow_enabled": False,
        "implicit_flow_enabled": False,
        "direct_access_grants_enabled": False,
        "service_accounts_enabled": False,
        "full_scope_allowed": False,
        "redirect_uris": [],
        "web_origins": [],
        "optional_client_scopes": sorted(OPTIONAL_SCOPES),
        "protocol_mappers": [],
        **options,
    }


def _groups(params: t.Mapping[str, t.Any]) -> DesiredGroups:
    names = list(params["groups"])
    for user in params["users"]:
        names += user["groups"]
    if params["probe"] is not None and params["probe"]["state"] != RETIRED:
        names.append(params["probe"]["group"])
    parent = params["group_parent"]
    for name in [*names, *([] if parent is None else [parent])]:
        _check_name("groups", name)
        if "/" in name:
            raise invalid("groups", name, "a name without /")
    if parent in names:
        raise invalid("group_parent", parent, "a group that is not itself one of the groups below it")
    return DesiredGroups(parent, tuple(dict.fromkeys(names)))


def _users(params: t.Mapping[str, t.Any]) -> dict[str, Options]:
    users: dict[str, Options] = {}
    for user in params["users"]:
        if user["username"] != user["username"].lower():
            raise invalid("users", user["username"], "a name in lower case")
        users[user["username"]] = _user(user)
    probe = params["probe"]
    if probe is not None:
        name = {"first_name": "Tenantmail", "last_name": "Probe", "required_actions": []}
        enabled = probe["state"] != RETIRED
        if probe["username"] in users:
            raise invalid("users", probe["username"], "another name than the probe's")
        users[probe["username"]] = _user({**probe, **name, "enabled": enabled, "groups": [probe["group"]]})
    return users


def _user(user: t.Mapping[str, t.Any]) -> Options:
    for field in ("first_name", "last_name", "email"):
        _check_name(f"users ({user['username']}) {field}", user[field])
    return {
        "username": user["username"],
        "email": user["email"].lower(),
        # It is the address of a mailbox that this realm opens, so nobody else can read what is sent there.
        "email_verified": True,
        "first_name": user["first_name"],
        "last_name": user["last_name"],
        "enabled": user["enabled"],
        "groups": sorted(set(user["groups"])),
        "required_actions": list(user["required_actions"]),
    }


def _mapper(name: str, kind: str, config: dict[str, str]) -> Options:
    return {"name": name, "protocol": PROTOCOL, "protocolMapper": kind, "config": config}


def _check_names(option: str, names: t.Sequence[str]) -> None:
    for name in names:
        _check_name(option, name)
        if names.count(name) > 1:
            raise invalid(option, name, "each name once")


def _check_name(option: str, name: str) -> None:
    if not name.strip() or len(name) > LONGEST:
        raise invalid(option, name, f"a name of 1 to {LONGEST} characters")
