"""The JMAP envelope: methods, limits and references (contract 3.1 and 3.9)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import arguments as arguments_
from . import ids, jmap_mail, query, results
from .behaviour import Body
from .credentials import SCOPED
from .errors import MethodError, SetError
from .login import Caller
from .registry import MAX_OBJECTS
from .session import state

if TYPE_CHECKING:
    from .server import Server

MAX_CALLS = 16
KNOWN_CAPABILITIES = frozenset(
    {"urn:ietf:params:jmap:core", "urn:stalwart:jmap"}
    | {
        f"urn:ietf:params:jmap:{name}"
        for name in (
            "mail submission vacationresponse contacts contacts:parse calendars calendars:parse websocket sieve blob "
            "quota principals principals:owner principals:availability filenode mail:share emailpush webpush-vapid"
        ).split()
    }
)
_UNAUTHORIZED = "You are not authorized to {} objects of this type"
_OPERATIONS = ("create", "update", "destroy")


class NotRequest(Exception):
    """400 urn:ietf:params:jmap:error:notRequest. The text is echoed, secrets and all (contract 2.4)."""


class LimitExceeded(Exception):
    """400 urn:ietf:params:jmap:error:limit with the name of the limit."""


def parse(text: bytes) -> Body:
    """The request object. Raises NotRequest or LimitExceeded."""
    try:
        body = json.loads(text)
    except ValueError:
        raise NotRequest(text.decode(errors="replace")) from None
    wellformed = isinstance(body, dict) and isinstance(body.get("using"), list)
    wellformed = wellformed and isinstance(body.get("methodCalls"), list)
    wellformed = wellformed and all(name in KNOWN_CAPABILITIES for name in body["using"])
    if wellformed:
        for call in body["methodCalls"]:
            shape = isinstance(call, list) and len(call) == 3
            wellformed = wellformed and shape and isinstance(call[0], str) and isinstance(call[1], dict)
    if not wellformed:
        raise NotRequest(text.decode(errors="replace"))
    if len(body["methodCalls"]) > MAX_CALLS:
        raise LimitExceeded("maxCallsInRequest")
    return dict(body)


class Request:
    """One HTTP request's calls, in order; a failing call does not stop the following ones."""

    def __init__(self, server: Server, caller: Caller, body: Body) -> None:
        self.server = server
        self.caller = caller
        self.body = body
        self.created: dict[str, str] = dict(body.get("createdIds") or {})
        self.responses: list[results.Response] = []

    async def run(self) -> Body:
        for name, arguments, call_id in self.body["methodCalls"]:
            try:
                result = await self._call(name, results.resolved(arguments, self.responses))
                self.responses.append((name, result, call_id))
            except MethodError as error:
                self.responses.append(("error", error.body, call_id))
        out: Body = {"methodResponses": self.responses, "sessionState": state(self.server, self.caller)}
        if "createdIds" in self.body:
            out["createdIds"] = self.created
        return out

    # -- references ----------------------------------------------------------------------------------------------

    def _reference(self, name: str) -> str | None:
        return self.created.get(name)

    def _referenced(self, key: str) -> str:
        """An id of `/get`, which may name an object created earlier in the request."""
        if not key.startswith("#"):
            return key
        if key[1:] not in self.created:
            raise MethodError("invalidResultReference", f'Id reference "{key[1:]}" does not exist or is invalid.')
        return self.created[key[1:]]

    def _check_references(self, create: Body, update: Body) -> None:
        """Values of id properties must name known objects or siblings, or the whole call fails.

        Keys of sets are not looked at: those that name nothing fail their item only.
        """
        for name, values in create.items():
            for target in self._unknown(values):
                if target not in create:
                    reason = f'Invalid reference to non-existing object "{target}" from "{name}"'
                    raise MethodError("invalidResultReference", reason)
        for values in update.values():
            for target in self._unknown(values):
                raise MethodError("invalidResultReference", f'Id reference "{target}" not found.')

    def _unknown(self, value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, item in value.items():
                names_object = key.rpartition("/")[2] in self.server.tables.id_properties
                if names_object and isinstance(item, str) and item.startswith("#"):
                    if item[1:] not in self.created:
                        yield item[1:]
                else:
                    yield from self._unknown(item)

    # -- dispatch ------------------------------------------------------------------------------------------------

    async def _call(self, method: str, arguments: Body) -> Body:
        server = self.server
        if method in jmap_mail.PERMISSIONS and server.settings.mode == "normal":
            arguments_.check(arguments)
            return jmap_mail.Mail(server.reading, server.reading.reader(self.caller)).call(method, arguments)
        type_, _, verb = method.removeprefix("x:").rpartition("/")
        entry = server.tables.objects.get(type_)
        if type_ == "Bootstrap" and verb in ("get", "set"):
            return self._bootstrap(verb, arguments)
        known = method.startswith("x:") and entry is not None and verb in ("get", "set", "query")
        if not known or entry is None or (verb == "query" and entry.singleton):
            raise MethodError("unknownMethod", method)
        if server.settings.mode == "bootstrap":
            raise MethodError("forbidden", "The server is in bootstrap mode, only x:Bootstrap is available")
        arguments_.check(arguments)
        account = self._account(arguments)
        server.caller = self.caller
        if verb == "set":
            result = await self._set(type_, account, arguments)
        else:
            if not self.caller.may(f"sys{type_}{verb.title()}"):
                raise MethodError("forbidden", "You are not authorized to perform this action")
            result = self._get(type_, account, arguments) if verb == "get" else self._query(type_, account, arguments)
        return {"accountId": account} | result

    def _account(self, arguments: Body) -> str:
        """The account acted on: the caller's own unless another, valid one is named."""
        account = arguments.get("accountId")
        if not ids.valid(account) or account == self.caller.account:
            return self.caller.account
        if not self.caller.may("impersonate"):
            raise MethodError("forbidden", f"You are not an owner of account {account}")
        return str(account)

    def _bootstrap(self, verb: str, arguments: Body) -> Body:
        """Bootstrap mode itself is not simulated: no installation by `x:Bootstrap` (the chart never needs it)."""
        keys = list(arguments.get("ids") or []) if verb == "get" else []
        if verb == "set":
            raise MethodError("forbidden", "The simulator does not install")
        if self.server.settings.mode == "bootstrap":
            shown = [{"id": key} for key in keys if key == ids.SINGLETON]
            return {"accountId": self.caller.account, "list": shown, "notFound": []}
        return {"accountId": self.caller.account, "list": [], "notFound": keys}

    def _get(self, type_: str, account: str, arguments: Body) -> Body:
        requested = arguments.get("ids")
        if requested is not None:
            arguments["ids"] = [self._referenced(key) for key in requested]
        if type_ in SCOPED:
            return self._get_scoped(type_, account, arguments)
        if type_ == "Action":
            return {"list": [], "notFound": list(requested or [])}
        return self.server.registry.get(type_, arguments)

    def _get_scoped(self, type_: str, account: str, arguments: Body) -> Body:
        entries = self.server.scoped.all(type_, account)
        wanted = arguments.get("ids")
        wanted = list(entries) if wanted is None else wanted
        properties = arguments.get("properties")
        shown = [self.server.scoped.render(type_, key, entries[key], properties) for key in wanted if key in entries]
        return {"list": shown, "notFound": [key for key in wanted if key not in entries]}

    def _query(self, type_: str, account: str, arguments: Body) -> Body:
        if type_ == "Action":
            raise MethodError("invalidArguments", "Actions cannot be queried")
        server = self.server
        if type_ in SCOPED and server.store.find("Account", account) is None:
            raise MethodError("forbidden", "Account not found.")
        objects = server.scoped.all(type_, account) if type_ in SCOPED else server.store.all(type_)
        return query.run(server.registry, type_, objects, arguments)

    # -- set -----------------------------------------------------------------------------------------------------

    async def _set(self, type_: str, account: str, arguments: Body) -> Body:
        create = arguments.get("create") or {}
        update = arguments.get("update") or {}
        destroy = arguments.get("destroy") or []
        self._permitted(type_, {"create": create, "update": update, "destroy": destroy})
        if len(create) + len(update) + len(destroy) > MAX_OBJECTS:
            raise MethodError("requestTooLarge", "The number of objects exceeds the maximum of the server.")
        self._check_references(create, update)
        out: dict[str, Any] = {}
        await self._creates(type_, account, create, out)
        # What is no id at all is dropped without a word.
        update = {ids.encode(ids.decode(key)): values for key, values in update.items() if ids.valid(key)}
        destroy = [ids.encode(ids.decode(key)) for key in destroy if ids.valid(key)]
        self._updates(type_, account, update, destroy, out)
        self._destroys(type_, account, destroy, out)
        return out

    def _permitted(self, type_: str, operations: dict[str, Any]) -> None:
        """Checked for the operations present, before anything is executed."""
        verb = "Update" if self.server.tables.objects[type_].singleton else None
        for name, items in operations.items():
            if items and not self.caller.may(f"sys{type_}{verb or name.title()}"):
                raise MethodError("forbidden", _UNAUTHORIZED.format(name))
        if not any(operations.values()):
            held = any(self.caller.may(f"sys{type_}{verb or name.title()}") for name in _OPERATIONS)
            if not held:
                raise MethodError("forbidden", _UNAUTHORIZED.format("create, update or destroy"))

    async def _creates(self, type_: str, account: str, create: Body, out: dict[str, Any]) -> None:
        done, refused = [], []
        # In the order given: a sibling that is named as a key of a set must come first.
        for name in create:
            try:
                if type_ == "Action":
                    made = await self.server.actions.create(create[name], self._reference)
                elif type_ in SCOPED:
                    made = self.server.scoped.create(type_, account, create[name], self._reference)
                else:
                    made = self.server.registry.create(type_, create[name], self._reference)
                self.created[name] = made["id"]
                out.setdefault("created", {})[name] = made
                done.append(made["id"])
                self._fault("exit-after-write")
            except SetError as error:
                out.setdefault("notCreated", {})[name] = error.body
                refused.append(name)
        self._log(type_, "create", changed=done, refused=refused)

    def _updates(self, type_: str, account: str, update: Body, destroy: list[str], out: dict[str, Any]) -> None:
        done: list[str] = []
        unchanged: list[str] = []
        refused: list[str] = []
        for key, values in update.items():
            try:
                if key in destroy:
                    raise SetError("willDestroy", "ID will be destroyed.")
                extra: Body = {}
                if type_ == "Action":
                    raise SetError("forbidden", "Actions cannot be updated")
                if type_ in SCOPED:
                    changed = self.server.scoped.update(type_, account, key, values, self._reference)
                else:
                    extra, changed = self.server.registry.update(type_, key, values, self._reference)
                out.setdefault("updated", {})[key] = extra or None
                (done if changed else unchanged).append(key)
                self._fault("exit-after-write")
            except SetError as error:
                out.setdefault("notUpdated", {})[key] = error.body
                refused.append(key)
        self._log(type_, "update", changed=done, unchanged=unchanged, refused=refused)

    def _destroys(self, type_: str, account: str, destroy: list[str], out: dict[str, Any]) -> None:
        done, refused = [], []
        for key in destroy:
            try:
                if type_ == "Action":
                    raise SetError("forbidden", "Actions cannot be destroyed")
                if type_ in SCOPED:
                    self.server.scoped.destroy(type_, account, key)
                else:
                    self.server.registry.destroy(type_, key)
                out.setdefault("destroyed", []).append(key)
                done.append(key)
                self._fault("exit-after-write")
            except SetError as error:
                out.setdefault("notDestroyed", {})[key] = error.body
                refused.append(key)
        self._log(type_, "destroy", changed=done, refused=refused)

    def _log(self, type_: str, operation: str, **outcome: list[str]) -> None:
        if any(outcome.values()):
            self.server.writes.add(type_, operation, self.caller.name, **outcome)

    def _fault(self, name: str) -> None:
        self.server.fault(name)
