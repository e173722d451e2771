# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tenant's realm in Keycloak: scopes, groups, clients, users and the probe."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from . import names
from .identity import Identity
from .overlay import Inputs
from .server import boolean
from .validation import Given, Invalid, Problems, one_of, refuse_secret

SCOPES = ("openid", "email", "profile", "groups")
GROUPS = ("sme-admin", "sme-user")
#: The apps that share the tenant's realm, beside the mail server itself.
OTHER_APPS = ("wordpress", "openclaw")
CLIENT_SECRET = "OIDC_CLIENT_SECRET"
PROBE_PASSWORD = "PROBE_PASSWORD"
PROBE = "tenantmail-probe"
PROBE_GROUP = f"{PROBE}-group"
#: Mail programs on the user's own machine listen on a loopback address (RFC 8252 section 7.3); Keycloak takes any port there.
LOOPBACK = ("http://127.0.0.1/*", "http://localhost/*")
#: Names whose mailbox is the administrator's: who logs in with one would get it.
ROLE_NAMES = ("postmaster", "abuse")
#: Keycloak's own required actions that need no set-up; the aliases are case-sensitive.
REQUIRED_ACTIONS = ("UPDATE_PASSWORD", "VERIFY_EMAIL", "UPDATE_PROFILE", "CONFIGURE_TOTP", "webauthn-register")

_MAX_TEXT = 255
_USER_NAME = re.compile(r"[a-z0-9_][a-z0-9._+-]*\Z")
_GROUP_NAME = re.compile(r"[a-z0-9_-]+(?:[.+][a-z0-9_-]+)*\Z")
#: Keycloak's validator person-name-prohibited-characters.
_NOT_IN_PERSONS = re.compile(r"[<>&\"$%!#?§;*~/\\|^=\[\]{}()\x00-\x1f\x7f]")


@dataclasses.dataclass(frozen=True)
class Realm:
    """What the inventory says about the realm.

    :param users: without their passwords.
    """

    verify: bool
    public_client: bool
    group_parent: str | None
    users: list[dict[str, t.Any]]


def resolve(inputs: Inputs, identity: Identity, problems: Problems) -> Realm:
    """Everything about the realm; mistakes go to ``problems``."""
    verify = problems.check(inputs.given("tenant_verify"), boolean) is not False
    parent = problems.check(inputs.given("tenant_realm_group_parent"), parent_name)
    users = _users(inputs.given("tenant_users"), identity.domain, verify, problems)
    taken = {*GROUPS, *(group for user in users for group in user["groups"]), *([PROBE_GROUP] if verify else [])}
    if parent in taken:
        problems.add("tenant_realm_group_parent", parent, "a group that is none of those below it")
    for user in users:
        local, _at, _domain = user["email"].partition("@")
        if local in taken:
            where = f"tenant_users ({user['username']})"
            problems.add(where, local, "a name that is no group's; both would have the same mail address")
    return Realm(
        verify=verify,
        public_client=problems.check(inputs.given("tenant_public_client"), boolean) is not False,
        group_parent=parent,
        users=users,
    )


def compose(
    who: Identity, display_name: str, realm: Realm, *, client_id: str, reference: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """The realm's part of ``model.keycloak``.

    :param reference: OpenBao's path and property of the mail server's client.
    """
    # Where the platform has no name, OpenBao is not read either.
    prefix = f"sovereign/{who.fqdn or who.domain}"
    clients: list[dict[str, t.Any]] = [
        {
            "client_id": client_id,
            "openbao_path": reference["path"],
            "openbao_property": reference["property"],
            "redirect_uris": [f"https://{who.web_host}/*"],
            "web_origins": ["+"],
            # On this client only: with it, a token opens the mailbox.
            "audience": True,
        }
    ]
    clients += [
        {
            "client_id": app,
            "openbao_path": f"{prefix}/{app}/{who.slug}/oidc",
            "openbao_property": CLIENT_SECRET,
            "redirect_uris": [],
            "web_origins": [],
            "audience": False,
        }
        for app in OTHER_APPS
    ]
    return {
        "display_name": display_name,
        "scopes": list(SCOPES),
        "audience_scope": f"{client_id}-audience",
        "groups": list(GROUPS),
        "group_parent": realm.group_parent,
        "clients": clients,
        "public_client": {
            "client_id": f"{client_id}-public",
            "enabled": realm.public_client,
            "redirect_uris": [f"https://{who.web_host}/*", *LOOPBACK],
            "web_origins": ["+"],
        },
        "users": realm.users,
        "probe": {
            "enabled": realm.verify,
            "client_id": PROBE,
            "expired_client_id": f"{PROBE}-expired",
            "username": PROBE,
            "email": f"{PROBE}@{who.domain}",
            "group": PROBE_GROUP,
            "openbao_path": f"{prefix}/tenantmail/{who.slug}/probe",
            "client_secret_property": CLIENT_SECRET,
            "password_property": PROBE_PASSWORD,
        },
    }


def secrets(keycloak: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """What of the realm must exist in OpenBao."""
    needed = [
        {"path": client["openbao_path"], "property": client["openbao_property"]} for client in keycloak["clients"]
    ]
    probe = keycloak["probe"]
    if probe["enabled"]:
        properties = (probe["client_secret_property"], probe["password_property"])
        needed += [{"path": probe["openbao_path"], "property": name} for name in properties]
    return needed


def user_name(value: t.Any) -> str:
    """A realm user's name: the local part of the mailbox's address, or the whole address.

    Keycloak lower-cases user names, and the mail server compares addresses byte by byte.
    """
    accepted = "a name of at least 3 characters in lower case: a to z, 0 to 9, . _ + and -; or the mailbox's address"
    if not isinstance(value, str):
        raise Invalid(accepted)
    local, at, domain = "".join(value).partition("@")
    if len(local) < 3 or not _USER_NAME.match(local) or local in ROLE_NAMES:
        wrong = f"; the mailbox of {local} is the administrator's" if local in ROLE_NAMES else ""
        raise Invalid(accepted + wrong)
    address = names.mail_address(f"{local}@{domain if at else 'a.test'}")
    if at and address != value:
        raise Invalid(accepted)
    return address if at else local


def group_name(value: t.Any) -> str:
    """A group's name; it becomes the local part of the group's address."""
    if not isinstance(value, str) or len(value) > names.MAX_LOCAL_PART or not _GROUP_NAME.match(value):
        raise Invalid("a group's name in lower case: a to z, 0 to 9, . _ + and -, at most 64 characters")
    return "".join(value)


def parent_name(value: t.Any) -> str:
    """A group at the realm's top."""
    found = names.text(value, "the name of a group at the realm's top")
    if "/" in found or len(found) > _MAX_TEXT:
        raise Invalid("the name of a group at the realm's top, without /, at most 255 characters")
    return found


def person(value: t.Any) -> str:
    """A first or last name as Keycloak takes it."""
    accepted = 'a name on one line of at most 255 characters, without < > & " $ % ! # ? § ; * ~ / \\ | ^ = [ ] { } ( )'
    found = names.text(value, accepted)
    if len(found) > _MAX_TEXT or _NOT_IN_PERSONS.search(found):
        raise Invalid(accepted)
    return found


def required_action(value: t.Any) -> str:
    """What a user must do at the next login."""
    if value not in REQUIRED_ACTIONS:
        raise Invalid(one_of(value, REQUIRED_ACTIONS))
    return "".join(value)


def _list_of(parse: t.Callable[[t.Any], str]) -> t.Callable[[t.Any], list[str]]:
    def parsed(value: t.Any) -> list[str]:
        if not isinstance(value, (list, tuple)):
            raise Invalid("a list")
        return list(dict.fromkeys(parse(item) for item in value))

    return parsed


_FIELDS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "username": user_name,
    "email": names.mail_address,
    "first_name": person,
    "last_name": person,
    "enabled": boolean,
    "groups": _list_of(group_name),
    "required_actions": _list_of(required_action),
    # Checked with all other secrets, and no part of the model.
    "password": lambda _value: None,
}


def _users(given: Given | None, domain: str | None, verify: bool, problems: Problems) -> list[dict[str, t.Any]]:
    if given is None:
        return []
    if not isinstance(given.value, (list, tuple)):
        problems.add(given.variable, given.value, "a list")
        return []
    found: dict[str, dict[str, t.Any]] = {}
    for index, item in enumerate(given.value):
        where = f"{given.variable}[{index}]"
        if not isinstance(item, t.Mapping):
            problems.add(where, item, "a mapping with the keys " + ", ".join(_FIELDS))
            continue
        for key in item:
            if key not in _FIELDS:
                # By name only: a misspelt password is one.
                refuse_secret(problems, f"{where}.{key}", "only the keys " + one_of(key, list(_FIELDS)))
        user = problems.fields(Given(where, {key: item[key] for key in _FIELDS if key in item}), _FIELDS)
        for field in ("username", "first_name", "last_name"):
            if item.get(field) is None:
                problems.add(f"{where}.{field}", None, "required (without names Keycloak lets nobody log in)")
        if "username" not in user:
            continue
        name = user["username"]
        address = name if "@" in name else f"{name}@{domain}"
        if domain is not None and not address.endswith(f"@{domain}"):
            problems.add(f"{where}.username", name, f"an address of {domain}")
        if user.get("email", address) != address:
            problems.add(f"{where}.email", user["email"], f"{address}, the address of the mailbox that the user opens")
        if verify and address == f"{PROBE}@{domain}":
            problems.add(f"{where}.username", name, "another name; this one is the probe's")
        if address in found:
            problems.add(f"{where}.username", name, "each user once")
        found[address] = {
            "username": name,
            "email": address,
            "first_name": user.get("first_name"),
            "last_name": user.get("last_name"),
            "enabled": user.get("enabled", True),
            "groups": user.get("groups", []),
            "required_actions": user.get("required_actions", []),
        }
    return list(found.values())
