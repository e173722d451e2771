"""The principals of a server: who is there, and what belongs to whom (contract 0.15 section 5)."""

from __future__ import annotations

from typing import Any

from ..mailstore import MailStore
from . import permissions, secret
from .problems import exists, missing, other
from .store import Body, Store

TYPES = ("individual", "group", "list", "domain", "tenant", "role", "apiKey", "oauthClient", "resource", "location")
LISTS = ("secrets", "emails", "urls", "externalMembers", "enabledPermissions", "disabledPermissions")
TEXTS = ("description", "picture", "locale")
#: Field of a membership -> type of the container.
CONTAINERS = {"memberOf": "group", "lists": "list", "roles": "role"}
MAXIMUM_BYTES = 100_000


def empty(type_: str, name: str) -> Body:
    lists: Body = {field: [] for field in LISTS}
    return {"type": type_, "name": name, "quota": None, "usedQuota": 0, "memberOf": []} | lists | dict.fromkeys(TEXTS)


class Principals:
    """Memberships are ids of groups, lists and roles alike in the member's ``memberOf``; built-in roles have fixed ids."""

    def __init__(self, store: Store, mail: MailStore) -> None:
        self.store = store
        self.mail = mail

    def find(self, name: str) -> tuple[int, Body] | None:
        """Names are compared as they are: those of requests are not lower-cased."""
        return next(((key, body) for key, body in self.store.principals.items() if body["name"] == name), None)

    def require(self, name: str) -> tuple[int, Body]:
        """Raises Refused notFound."""
        found = self.find(name)
        if found is None:
            raise missing(name)
        return found

    def owner(self, email: str) -> tuple[int, Body] | None:
        return next(((key, body) for key, body in self.store.principals.items() if email in body["emails"]), None)

    def is_domain(self, name: str) -> bool:
        found = self.find(name)
        return found is not None and found[1]["type"] == "domain"

    def container(self, field: str, name: str) -> tuple[int, str]:
        """(id, type) of what a membership names; built-in roles first. Raises Refused notFound."""
        if field == "roles" and name in permissions.BUILT_IN:
            return permissions.BUILT_IN[name], "role"
        key, body = self.require(name)
        return key, body["type"]

    def members(self, key: int) -> list[int]:
        return [member for member, body in sorted(self.store.principals.items()) if key in body["memberOf"]]

    def used(self, key: int) -> int:
        """Bytes that count for the quota: what the tests said is there, and what was delivered."""
        return int(self.store.principals[key]["usedQuota"]) + self.mail.used(key)

    # -- writing -------------------------------------------------------------------------------------------------

    def insert(self, body: Body, members: list[int]) -> int:
        check_size(body)
        key = self.store.next_id()
        changed = {key: sort(body)}
        for member in members:
            old = self.store.principals[member]
            changed[member] = old | {"memberOf": [*old["memberOf"], key]}
        self.store.put(changed)
        return key

    def remove(self, key: int) -> None:
        changed = {}
        for member in self.members(key):
            body = self.store.principals[member]
            changed[member] = body | {"memberOf": [other for other in body["memberOf"] if other != key]}
        self.store.put(changed)
        self.store.remove(key)
        self.mail.forget(key)

    def check_email(self, email: str) -> None:
        """A new address. Raises Refused when it is taken or in no domain; an address without a domain is let through."""
        if self.owner(email) is not None:
            raise exists("emails", email)
        _, at, domain = email.rpartition("@")
        if at and not self.is_domain(domain):
            raise missing(domain)

    # -- reading -------------------------------------------------------------------------------------------------

    def view(self, key: int, fields: list[str]) -> Body:
        """The principal as GET shows it: empty fields are left out, aliases sorted, secrets in clear."""
        body = self.store.principals[key]
        shown: Body = {name: list(dict.fromkeys(body[name])) for name in LISTS if body[name]}
        shown |= {name: body[name] for name in TEXTS if body[name] is not None}
        shown["name"] = body["name"]
        if body["quota"] is not None:
            shown["quota"] = body["quota"]
        if self.used(key) > 0:
            shown["usedQuota"] = self.used(key)
        for container in sorted(body["memberOf"]):
            field, name = self._membership(container)
            shown.setdefault(field, []).append(name)
        shown |= self._members(key, body)
        kept = {name: value for name, value in shown.items() if not fields or name in fields}
        return {"id": key, "type": body["type"]} | kept

    def _membership(self, key: int) -> tuple[str, str]:
        if key in permissions.BUILT_IN_NAMES:
            return "roles", permissions.BUILT_IN_NAMES[key]
        body = self.store.principals[key]
        return {"list": "lists", "role": "roles"}.get(body["type"], "memberOf"), body["name"]

    def _members(self, key: int, body: Body) -> dict[str, Any]:
        if body["type"] == "domain":
            suffix = f"@{body['name']}"
            emails = {email for other in self.store.principals.values() for email in other["emails"]}
            return {"members": sum(email.endswith(suffix) for email in emails)}
        names = [self.store.principals[member]["name"] for member in self.members(key)]
        return {"members": names} if names and body["type"] in ("group", "list", "role") else {}


def sort(body: Body) -> Body:
    """The order in which things are kept: primary address, then the aliases sorted; TOTP, password, app passwords."""
    emails = [*body["emails"][:1], *sorted(body["emails"][1:])]
    return body | {"emails": emails, "secrets": sorted(body["secrets"], key=_rank)}


def _rank(text: str) -> tuple[int, str]:
    return (0 if text.startswith(secret.OTP) else 2 if text.startswith(secret.APP_PASSWORD) else 1), text


def secrets(texts: list[str]) -> list[str]:
    """What is kept of a list of secrets: TOTP, app passwords, and the first of the others as the password."""
    special = [text for text in texts if text.startswith((secret.OTP, secret.APP_PASSWORD))]
    plain = [text for text in texts if text not in special]
    return [*plain[:1], *special]


def check_size(body: Body) -> None:
    texts = [body["name"], *(body[name] or "" for name in TEXTS), *(text for name in LISTS for text in body[name])]
    if sum(len(text.encode()) for text in texts) > MAXIMUM_BYTES:
        raise other("Invalid parameter", "Principal object size exceeds 100kb safety limit.")
