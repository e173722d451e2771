"""`/api/principal`: routes, permissions, lists and the bulk deletion (contract 0.15 sections 2.3, 5.1, 5.4, 5.7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import create
from .patch import Patch, parse
from .permissions import LISTED, PREFIXES
from .principals import LISTS, TEXTS, TYPES
from .problems import ENTERPRISE, BadRequest, NotFound, Refused
from .settings import Query, number

if TYPE_CHECKING:
    from .login import Caller
    from .server import Server

_FIELDS = frozenset({"name", "type", "quota", "usedQuota", "memberOf", "members", "lists", "roles", *TEXTS, *LISTS})
_DIRECTORY_NAMES = {"oidc": "OpenID", "ldap": "LDAP", "sql": "SQL", "imap": "IMAP", "memory": "In-Memory"}

_INTERNAL_ONLY = "Only internal directories support inserts and update operations."


class PrincipalApi:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.principals = server.principals

    def handle(self, method: str, path: list[str], query: Query, document: Callable[[], Any], caller: Caller) -> Any:
        """The answer's data. ``path`` is what follows `/api/principal`."""
        if method == "POST" and path in ([], ["deploy"]):
            return self._create(document(), caller, deploy=bool(path))
        if not path and method == "GET":
            return self._list(query, caller)
        if not path and method == "DELETE":
            return self._delete_all(query, caller)
        if len(path) == 0 or method not in ("GET", "PATCH", "DELETE"):
            raise NotFound("principal")
        key, body = self.principals.require(path[0])
        prefix = PREFIXES[body["type"]]
        if method == "GET":
            caller.require(f"{prefix}-get")
            return self.principals.view(key, [])
        if method == "DELETE":
            caller.require(f"{prefix}-delete")
            self.principals.remove(key)
            self._log("delete", caller, body["name"])
            return None
        caller.require(f"{prefix}-update")
        return self._patch(key, body["name"], parse(document()), caller)

    # -- writing -------------------------------------------------------------------------------------------------

    def _create(self, document: Any, caller: Caller, deploy: bool) -> int:
        given = create.parse(document)
        caller.require(f"{PREFIXES[given['type']]}-create")
        name = given.get("name", "").lower()
        try:
            if given["type"] == "tenant" or "tenant" in given:
                raise ENTERPRISE
            if given["type"] == "individual" and not deploy:
                self.assert_internal()
            create.check_roles(self.principals, given.get("roles", []), caller.permissions)
            key = create.create(self.principals, given, caller.permissions)
        except Refused:
            self.server.writes.add("principal", "create", caller.name, refused=[name])
            raise
        if given["type"] == "domain" and self.server.config.get("report.domain") is None:
            self.server.config.set([("report.domain", name)])
        self._log("create", caller, name)
        return key

    def assert_internal(self) -> None:
        """Raises Refused unless the default directory is the internal one."""
        kind = self.server.running.directory or "internal"
        if kind != "internal":
            name = _DIRECTORY_NAMES.get(kind, kind.upper())
            raise Refused("unsupported", details=f"{name} directory cannot be managed. {_INTERNAL_ONLY}")

    def _patch(self, key: int, name: str, changes: list[Any], caller: Caller) -> None:
        try:
            for change in changes:
                if change.field == "roles" and change.action != "removeItem":
                    roles = [change.value] if isinstance(change.value, str) else change.value
                    texts = [role for role in roles if isinstance(role, str)] if isinstance(roles, list) else []
                    create.check_roles(self.principals, texts, caller.permissions)
            changed = Patch(self.principals, key, caller.permissions).apply(changes)
        except Refused:
            self.server.writes.add("principal", "update", caller.name, refused=[name])
            raise
        self._log("update", caller, name, changed=changed)

    def _delete_all(self, query: Query, caller: Caller) -> bool:
        type_ = query.get("type", "")
        if type_ not in TYPES:
            raise BadRequest("type", detail="Invalid type")
        if query.get("confirm") != "true":
            raise BadRequest("confirm", detail="Missing confirmation parameter")
        caller.require(f"{PREFIXES[type_]}-delete")
        if type_ == "tenant":
            raise ENTERPRISE
        keys = self._matching([type_], query.get("filter", ""))
        for key in keys:
            name = self.server.store.principals[key]["name"]
            self.principals.remove(key)
            self._log("delete", caller, name)
        return bool(keys)

    def _log(self, operation: str, caller: Caller, name: str, changed: bool = True) -> None:
        outcome = {"changed" if changed else "unchanged": [name]}
        self.server.writes.add("principal", operation, caller.name, **outcome)
        self.server.fault_after_write()

    # -- lists ---------------------------------------------------------------------------------------------------

    def _list(self, query: Query, caller: Caller) -> Any:
        """An unknown type is ignored; if none is left there is no filter at all."""
        wanted = query.get("types", query.get("type", "")).split(",")
        types = [name for name in dict.fromkeys(wanted) if name in TYPES]
        fields = [name for name in dict.fromkeys(query.get("fields", "").split(",")) if name in _FIELDS]
        for prefix in [PREFIXES[name] for name in types] or LISTED:
            caller.require(f"{prefix}-list")
        if "tenant" in types:
            raise ENTERPRISE
        keys = self._matching(types, query.get("filter", ""))
        limit, page = number(query, "limit"), number(query, "page")
        start = max(page - 1, 0) * limit
        shown = [] if "count" in query else keys[start : start + limit if limit else None]
        return {"items": [self.principals.view(key, fields) for key in shown], "total": len(keys)}

    def _matching(self, types: list[str], needle: str) -> list[int]:
        """Ordered by name. The filter compares whole words; leading words that nobody has do not count."""
        bodies = self.server.store.principals
        keys = [key for key, body in bodies.items() if not types or body["type"] in types]
        if needle.strip():
            matches: set[int] = set()
            for word in _words(needle):
                having = {key for key, body in bodies.items() if word in _indexed(body)}
                matches = matches & having if matches else having
            keys = [key for key in keys if key in matches]
        return sorted(keys, key=lambda key: bodies[key]["name"].encode())


def _words(text: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[^\W_]+", text)]


def _indexed(body: dict[str, Any]) -> set[str]:
    return {word for text in (body["name"], body["description"] or "", *body["emails"]) for word in _words(text)}
