"""Permissions, roles and what a principal may do (contract 0.15 sections 2.3 and 11, appendix A)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from .kinds import table
from .store import Body, Store

#: Built-in roles by name, with the ids that stand for them among the memberships.
BUILT_IN = {"admin": 2**32 - 2, "tenant-admin": 2**32 - 3, "user": 2**32 - 4}
BUILT_IN_NAMES = {number: name for name, number in BUILT_IN.items()}

#: Prefix of the permissions to list, get, create, update and delete a principal, by its type.
PREFIXES = {
    "individual": "individual",
    "group": "group",
    "list": "mailing-list",
    "domain": "domain",
    "tenant": "tenant",
    "role": "role",
    "apiKey": "api-key",
    "oauthClient": "oauth-client",
    "resource": "principal",
    "location": "principal",
}
#: What listing needs without a valid `types`.
LISTED = tuple("individual group mailing-list domain tenant role principal api-key oauth-client".split())


@cache
def _words(name: str) -> frozenset[str]:
    return frozenset(table("permissions")[name].split())


@cache
def every() -> frozenset[str]:
    return _words("user") | _words("administrative")


@cache
def of_built_in(number: int) -> frozenset[str]:
    match BUILT_IN_NAMES[number]:
        case "admin":
            return every()
        case "tenant-admin":
            return _words("user") | _words("tenant-admin")
    return _words("user")


def of_role(store: Store, number: int) -> frozenset[str]:
    """A role's own, with those of the roles it is a member of."""
    if number in BUILT_IN_NAMES:
        return of_built_in(number)
    role = store.principals.get(number)
    return of_principal(store, role) if role and role["type"] == "role" else frozenset()


def of_principal(store: Store, body: Body) -> frozenset[str]:
    """(enabled by the roles and itself) without (disabled by the roles and itself)."""
    enabled, disabled = set(body["enabledPermissions"]), set(body["disabledPermissions"])
    for number in body["memberOf"]:
        if number in BUILT_IN_NAMES:
            enabled |= of_built_in(number)
            continue
        role = store.principals.get(number)
        if role and role["type"] == "role":
            enabled |= of_role(store, number)
            disabled |= set(role["disabledPermissions"])
    return frozenset(enabled - disabled)


def unknown(names: Iterable[str]) -> str | None:
    """The first name that is no permission."""
    return next((name for name in names if name not in every()), None)
