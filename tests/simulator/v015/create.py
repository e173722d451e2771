"""`POST /api/principal[/deploy]`: what is taken from the body, and in which order it is refused (contract 0.15 5.3)."""

from __future__ import annotations

from typing import Any

from . import permissions
from .principals import CONTAINERS, LISTS, TEXTS, TYPES, Principals, empty, secrets
from .problems import BadRequest, Refused, exists, missing, other
from .store import Body

MAXIMUM_TEXT = 512
QUOTAS = 13  # of the disk, and of each type of principal
_MEMBERSHIPS = (*CONTAINERS, "members")
_FIELDS = frozenset({"id", "type", "name", "quota", "usedQuota", "tenant", *TEXTS, *LISTS, *_MEMBERSHIPS})


def parse(document: Any) -> Body:
    """The given fields in their normal form; absent where the server takes them for absent. Raises BadRequest."""
    if not isinstance(document, dict) or not set(document) <= _FIELDS:
        raise BadRequest("unknown field")
    given: Body = {"type": _type(document.get("type", "individual"))}
    if "name" in document:
        given["name"] = _text(document["name"])
    for name in (*TEXTS, "tenant"):
        if document.get(name) is not None:
            given[name] = _text(document[name])
    if "quota" in document:
        given["quota"] = _quota(document["quota"])
    for name in (*LISTS, *_MEMBERSHIPS):
        value = document.get(name)
        if isinstance(value, str):
            given[name] = [_text(value)]
        elif isinstance(value, list):
            given[name] = [item for item in value if isinstance(item, str) and len(item.encode()) <= MAXIMUM_TEXT]
    return given


def _type(value: Any) -> str:
    value = "individual" if value == "superuser" else value
    if value not in TYPES:
        raise BadRequest("invalid principal type")
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value.encode()) > MAXIMUM_TEXT:
        raise BadRequest("invalid text")
    return value


def _quota(value: Any) -> int | list[int] | None:
    """The disk quota, or with it the numbers of principals by type; zeros are nothing."""
    if isinstance(value, str):
        return int(value) if value.isdecimal() and int(value) else None
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, bool) or not isinstance(item, int) or item < 0 for item in items):
        raise BadRequest("invalid quota")
    if any(items[1:QUOTAS]):
        return [*items[:QUOTAS], *[0] * (QUOTAS - len(items))]
    return items[0] if items and items[0] else None


def create(principals: Principals, given: Body, allowed: frozenset[str]) -> int:
    """The new principal's id. ``allowed`` are the caller's permissions. Raises Refused."""
    name = given.get("name", "").lower()
    if not name:
        raise Refused("fieldMissing", field="name")
    if principals.find(name) is not None:
        raise exists("name", name)
    body = empty(given["type"], name)
    body |= {field: given[field] for field in (*TEXTS, "urls", "externalMembers") if field in given}
    body["secrets"] = secrets(given.get("secrets", []))
    body["quota"] = given.get("quota")
    members = [principals.require(member)[0] for member in given.get("members", [])]
    for field, type_ in CONTAINERS.items():
        body["memberOf"] += [_container(principals, field, type_, other) for other in given.get(field, [])]
    body["memberOf"] = list(dict.fromkeys(body["memberOf"]))
    for field in ("enabledPermissions", "disabledPermissions"):
        for permission in given.get(field, []):
            check_permission(field, permission, allowed)
            if permission not in body["enabledPermissions"] + body["disabledPermissions"]:
                body[field].append(permission)
    if body["type"] != "oauthClient":
        for email in given.get("emails", []):
            principals.check_email(email.lower())
            body["emails"].append(email.lower())
    return principals.insert(body, members)


def _container(principals: Principals, field: str, type_: str, name: str) -> int:
    key, found = principals.container(field, name)
    if found != type_:
        raise missing(name)
    return key


def check_permission(field: str, permission: str, allowed: frozenset[str]) -> None:
    """Enabling needs the permission, disabling does not. Raises Refused."""
    if permission not in permissions.every():
        raise other(f"Invalid {field} value", f'Permission "{permission}" is invalid')
    if field == "enabledPermissions" and permission not in allowed:
        raise other("Invalid permission", f'Your account cannot grant the "{permission}" permission')


def check_roles(principals: Principals, names: list[str], allowed: frozenset[str]) -> None:
    """A caller may only grant a role whose every permission it holds. Unknown names are told later. Raises Refused."""
    for name in names:
        try:
            key, type_ = principals.container("roles", name)
        except Refused:
            continue
        if type_ == "role" and not permissions.of_role(principals.store, key) <= allowed:
            raise other("Invalid role", f'Your account cannot grant the "{name}" role')
