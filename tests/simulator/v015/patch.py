"""`PATCH /api/principal/<name>`: one atomic write of several changes (contract 0.15 section 5.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .. import formats
from . import secret
from .create import MAXIMUM_TEXT, check_permission
from .permissions import BUILT_IN
from .principals import CONTAINERS, LISTS, TEXTS, Principals, check_size, secrets, sort
from .problems import BadRequest, exists, missing, other
from .store import Body

ACTIONS = ("set", "addItem", "removeItem")
_FIELDS = frozenset({"name", "type", "quota", "usedQuota", "tenant", "members", *TEXTS, *LISTS, *CONTAINERS})
_PERMISSIONS = ("enabledPermissions", "disabledPermissions")
#: What may be a member, by the container's type.
_MEMBERS = {
    "group": ("individual", "group"),
    "list": ("individual", "group"),
    "role": ("role",),
    "resource": ("resource",),
    "location": ("location", "resource", "individual", "group", "other"),
}
#: What a principal may be a member of, by field and its own type.
_MEMBER_OF = {
    ("memberOf", "individual"): ("group", "individual"),
    ("memberOf", "group"): ("group",),
    ("lists", "individual"): ("list",),
    ("lists", "group"): ("list",),
    ("roles", "individual"): ("role",),
    ("roles", "tenant"): ("role",),
    ("roles", "role"): ("role",),
}


@dataclass(frozen=True)
class Change:
    action: str
    field: str
    value: Any  # text, number >= 0, list of texts or list of numbers


def parse(document: Any) -> list[Change]:
    """Raises BadRequest."""
    if not isinstance(document, list):
        raise BadRequest("not a list")
    return [_change(entry) for entry in document]


def _change(entry: Any) -> Change:
    wellformed = isinstance(entry, dict) and entry.get("action") in ACTIONS and entry.get("field") in _FIELDS
    if not wellformed or not _acceptable(entry.get("value")):
        raise BadRequest("malformed change")
    return Change(entry["action"], entry["field"], entry["value"])


def _acceptable(value: Any) -> bool:
    if isinstance(value, list):
        kinds = {type(item) for item in value}
        return len(kinds) < 2 and all(_acceptable(item) and not isinstance(item, list) for item in value)
    if isinstance(value, str):
        return len(value.encode()) <= MAXIMUM_TEXT
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


class Patch:
    """The changes of one request on copies, written when all of them are accepted."""

    def __init__(self, principals: Principals, key: int, allowed: frozenset[str]) -> None:
        self.principals, self.key, self.allowed = principals, key, allowed
        self.body: Body = {name: _copy(value) for name, value in principals.store.principals[key].items()}
        self.members = set(principals.members(key))

    def apply(self, changes: list[Change]) -> bool:
        """Whether anything is different now. Raises Refused and leaves everything as it was."""
        before, members = self.principals.store.principals[self.key], set(self.members)
        for change in changes:
            self._one(change)
        check_size(self.body)
        bodies = {self.key: sort(self.body)}
        for member in members ^ self.members:
            old = self.principals.store.principals[member]
            kept = [container for container in old["memberOf"] if container != self.key]
            bodies[member] = old | {"memberOf": [*kept, self.key] if member in self.members else kept}
        self.principals.store.put(bodies)
        return len(bodies) > 1 or bodies[self.key] != before

    def _one(self, change: Change) -> None:
        field, value = change.field, change.value
        texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
        accepted = isinstance(value, str) if change.action != "set" else texts
        if field in (*TEXTS, "name") and change.action == "set" and isinstance(value, str):
            self._text(field, value)
        elif field == "quota" and change.action == "set" and self.body["type"] in ("individual", "group", "tenant"):
            self._quota(change)
        elif field == "secrets" and isinstance(value, str) | accepted:
            self._secrets(change.action, value)
        elif field in CONTAINERS and accepted:
            self._membership(change)
        elif field == "members" and accepted:
            self._members(change.action, value)
        elif field == "emails" and accepted:
            self._emails(change.action, value)
        elif field in _PERMISSIONS and accepted:
            self._permissions(change.action, field, value)
        elif field in ("urls", "externalMembers") and accepted:
            self._addresses(change.action, field, value)
        else:
            raise _invalid(change)

    # -- single values -------------------------------------------------------------------------------------------

    def _text(self, field: str, value: str) -> None:
        if field != "name":
            self.body[field] = value or None
        elif value.lower() != self.body["name"]:
            if self.principals.find(value.lower()) is not None:
                raise exists("name", value.lower())
            self.body["name"] = value.lower()

    def _quota(self, change: Change) -> None:
        value = change.value
        if (isinstance(value, list) and self.body["type"] != "tenant") or (isinstance(value, str) and value):
            raise _invalid(change)
        self.body["quota"] = None if value == "" else value

    def _secrets(self, action: str, value: str | list[str]) -> None:
        own = self.body["secrets"]
        if action == "set" or not isinstance(value, str):
            self.body["secrets"] = secrets([value] if isinstance(value, str) else value)
        elif action == "addItem" and value not in own:
            if not value.startswith(secret.APP_PASSWORD):
                own = [text for text in own if _kind(text) != _kind(value)]  # there is one password and one TOTP
            self.body["secrets"] = [*own, value]
        elif action == "removeItem":
            special = (secret.OTP, secret.APP_PASSWORD)
            prefix = special if not value else value if value.startswith(special) else None
            gone = [text for text in own if text == value or (prefix and text.startswith(prefix))]
            if prefix:
                gone = [text for text in gone if text.startswith(special)]
            self.body["secrets"] = [text for text in own if text not in gone]

    # -- memberships ---------------------------------------------------------------------------------------------

    def _membership(self, change: Change) -> None:
        """`set` replaces all memberships: groups, lists and roles are one list to the server."""
        own = self.body["memberOf"]
        if change.action == "removeItem":
            found = self.principals.find(change.value)
            key = found[0] if found else self._built_in(change)
            self.body["memberOf"] = [container for container in own if container != key]
            return
        names = change.value if change.action == "set" else [change.value]
        wanted = []
        for name in names:
            key, type_ = self.principals.container(change.field, name)
            if change.action == "set" or key not in own:
                self._may_join(change.field, type_, name)
            wanted.append(key)
        kept = [] if change.action == "set" else own
        self.body["memberOf"] = [*kept, *(key for key in dict.fromkeys(wanted) if key not in kept)]

    def _built_in(self, change: Change) -> int | None:
        return BUILT_IN.get(change.value) if change.field == "roles" else None

    def _may_join(self, field: str, type_: str, name: str) -> None:
        expected = _MEMBER_OF.get((field, self.body["type"]), ())
        if type_ not in expected:
            kinds = ", ".join(expected)
            reason = f"is not a {kinds}." if kinds else "cannot be added as a member."
            raise other(f"Invalid {field} value", f'Principal "{name}" {reason}')

    def _members(self, action: str, value: str | list[str]) -> None:
        names = [value] if isinstance(value, str) else value
        if action == "removeItem":
            found = self.principals.find(names[0])
            self.members -= {found[0]} if found else set()
            return
        wanted = set()
        for name in names:
            key, body = self.principals.require(name)
            allowed = _MEMBERS.get(self.body["type"], ())
            if body["type"] not in allowed and (action == "set" or key not in self.members):
                raise other("Invalid members value", f'Principal "{name}" is not one of {", ".join(allowed)}.')
            wanted.add(key)
        self.members = wanted if action == "set" else self.members | wanted

    # -- lists ---------------------------------------------------------------------------------------------------

    def _emails(self, action: str, value: str | list[str]) -> None:
        own = self.body["emails"]
        emails = [text.lower() for text in ([value] if isinstance(value, str) else value)]
        if action == "removeItem":
            self.body["emails"] = [email for email in own if email not in emails]
            return
        for email in emails:
            if email in own:
                continue
            if self.body["type"] != "oauthClient":
                self._check_email(email)
        self.body["emails"] = emails if action == "set" else list(dict.fromkeys([*own, *emails]))

    def _check_email(self, email: str) -> None:
        """Uniqueness is judged by what is stored, not by the changes of this request."""
        if self.principals.owner(email) is not None:
            raise exists("emails", email)
        if "@" not in email:
            raise other("Invalid email", "Email address is invalid")
        domain = email.rpartition("@")[2]
        if not self.principals.is_domain(domain):
            raise missing(domain)

    def _permissions(self, action: str, field: str, value: str | list[str]) -> None:
        names = [value] if isinstance(value, str) else value
        opposite = _PERMISSIONS[1 - _PERMISSIONS.index(field)]
        for name in names:
            check_permission(field, name, self.allowed | {name} if action == "removeItem" else self.allowed)
        if action == "removeItem":
            self.body[field] = [name for name in self.body[field] if name not in names]
            return
        kept = [] if action == "set" else self.body[field]
        self.body[field] = list(dict.fromkeys([*kept, *names]))
        self.body[opposite] = [name for name in self.body[opposite] if name not in names]

    def _addresses(self, action: str, field: str, value: str | list[str]) -> None:
        items = [value] if isinstance(value, str) else value
        if action == "removeItem":
            self.body[field] = [item for item in self.body[field] if item not in items]
            return
        if field == "externalMembers":
            items = [_sanitized(item) for item in items]
        kept = [] if action == "set" else self.body[field]
        self.body[field] = list(dict.fromkeys([*kept, *items]))


def _kind(text: str) -> str:
    return next((prefix for prefix in (secret.OTP, secret.APP_PASSWORD) if text.startswith(prefix)), "")


def _sanitized(text: str) -> str:
    """Lower-case, without blanks, with a domain under a known public suffix. Raises Refused."""
    email = "".join(text.split()).lower()
    local, _, domain = email.partition("@")
    wellformed = local and "@" not in domain and "." in domain and not email.endswith(".")
    wellformed = wellformed and not re.search(r"(^|[^\w-])\.", email)
    if not wellformed or formats.suffixes().publicsuffix(domain) is None:
        raise other("Invalid email address", f'Invalid value "{text}" for externalMembers')
    return email


def _invalid(change: Change) -> Exception:
    return other("Invalid parameter", f"Invalid value {change.value!r} for {change.field}")


def _copy(value: Any) -> Any:
    return list(value) if isinstance(value, list) else value
