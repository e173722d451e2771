"""`x:<Object>/get` and `x:<Object>/set` for every object of the tables (contract 3.3 to 3.11)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import errors, expressions, ids, keys, validate
from .behaviour import Behaviour, Body
from .defaults import Defaults
from .errors import MethodError, SetError
from .patch import MASK, Patcher
from .tables import Tables, Type

if TYPE_CHECKING:
    from .store import Store

MAX_OBJECTS = 500
#: Objects that refer to others without keeping them from being destroyed.
WEAK = frozenset({"Task", "PublicKey"})

Resolve = Callable[[str], str | None]
_PLAIN = Behaviour.__new__(Behaviour)


class Registry:
    def __init__(self, tables: Tables, store: Store) -> None:
        self.tables = tables
        self.defaults = Defaults(tables)
        self.store = store
        self.behaviours: dict[str, Behaviour] = {}
        self._unique: dict[keys.Key, tuple[str, str]] = {}
        for type_ in store.types():
            for key, body in store.all(type_).items():
                self._index(type_, key, body)

    # -- reading -------------------------------------------------------------------------------------------------

    def current(self, type_: str, key: str) -> Body | None:
        """The stored object; a singleton nobody wrote has its defaults."""
        body = self.store.find(type_, key)
        if body is None and key == ids.SINGLETON and self.tables.objects[type_].singleton:
            return self.defaults.object(type_)
        return body

    def singleton(self, type_: str) -> Body:
        body = self.current(type_, ids.SINGLETON)
        assert body is not None
        return body

    def get(self, type_: str, arguments: Body) -> Body:
        requested = arguments.get("ids")
        properties = arguments.get("properties")
        if requested is not None and len(requested) > MAX_OBJECTS:
            raise MethodError("requestTooLarge", "The number of ids requested by the client exceeds the maximum.")
        if requested is None:
            requested = [] if self.tables.objects[type_].singleton else list(self.store.all(type_))[:MAX_OBJECTS]
        found, missing = [], [key for key in requested if not ids.valid(key)]
        for key in (ids.encode(ids.decode(key)) for key in requested if ids.valid(key)):
            body = self.current(type_, key)
            if body is None:
                missing.append(key)
            else:
                found.append(self.render(type_, key, body, properties))
        return {"list": found, "notFound": missing}

    def render(self, type_: str, key: str, body: Body, properties: list[str] | None = None) -> Body:
        """The wire form: secrets masked, computed properties added."""
        # Without one known name it is as if none had been given.
        wanted = {name for name in properties or () if name == "@type" or self.tables.known_property(name)} or None
        out = self._mask(Type("object", target=type_), body)
        out.update(self.behaviours.get(type_, _PLAIN).computed(key, body, wanted))
        out = {name: value for name, value in out.items() if wanted is None or name in wanted}
        out["id"] = key
        return out

    def _mask(self, spec: Type, value: Any) -> Any:
        if value is None:
            return None
        if spec.kind == "object":
            variant = value.get("@type") if spec.target in self.tables.variants else None
            struct = self.tables.struct(spec.target or "", variant)
            out = {name: self._mask(entry.type, value[name]) for name, entry in struct.items() if name in value}
            if variant == "Password" and out["otpAuth"] is None:
                del out["otpAuth"]  # the one nullable property that is left out
            return out | ({"@type": variant} if variant is not None else {})
        if spec.kind == "objectList":
            return {index: self._mask(Type("object", target=spec.target), item) for index, item in value.items()}
        if spec.kind == "map" and spec.value:
            return {key: self._mask(spec.value, item) for key, item in value.items()}
        if spec.format in ("secret", "secretText") and value:
            return MASK
        return dict(value) if isinstance(value, dict) else value

    # -- writing -------------------------------------------------------------------------------------------------

    def create(self, type_: str, values: Body, resolve: Resolve) -> Body:
        """One create. Returns the entry of `created`. Raises SetError."""
        _require_object(values)
        body = Patcher(self.tables, self.defaults, True, resolve).create(type_, values)
        if self.tables.objects[type_].singleton:
            extra = self._write(type_, ids.SINGLETON, None, body, values)
            return {"id": ids.SINGLETON} | extra
        return self._write(type_, None, None, body, values)

    def update(self, type_: str, key: str, values: Body, resolve: Resolve) -> tuple[Body, bool]:
        """One update. Returns (members generated by the server, whether anything changed). Raises SetError."""
        old = self.current(type_, key)
        if old is None:
            raise SetError("notFound")
        _require_object(values)
        body = Patcher(self.tables, self.defaults, False, resolve).update(type_, old, values)
        behaviour = self.behaviours.get(type_, _PLAIN)
        behaviour.prepare(old, body, values)
        self._compile(type_, body)
        if json.dumps(body) == json.dumps(old):
            return {}, False
        extra = self._write(type_, key, old, body, None)
        extra.pop("id", None)
        return extra, True

    def destroy(self, type_: str, key: str) -> None:
        if self.tables.objects[type_].singleton:
            raise SetError("singleton", "Singletons cannot be created or destroyed.")
        old = self.store.find(type_, key)
        if old is None:
            raise SetError("notFound")
        linked = self.links_to(type_, key)
        if linked:
            raise SetError("objectIsLinked", objectId={"object": type_, "id": key}, linkedObjects=linked)
        self.store.remove(type_, key)
        self._unique = {name: holder for name, holder in self._unique.items() if holder != (type_, key)}
        self.behaviours.get(type_, _PLAIN).removed(key, old)

    def insert(self, type_: str, values: Body, key: str | None = None) -> str:
        """A write by the server itself (default objects, keys, accounts of a login). Returns the id."""
        variant = values.get("@type")
        body = self.defaults.object(type_, variant) | values
        if key is None and self.tables.objects[type_].singleton:
            key = ids.SINGLETON
        return str(self._commit(type_, key, None, body)["id"])

    def replace(self, type_: str, key: str, body: Body) -> None:
        """The server itself stores a new state of an existing object."""
        self._commit(type_, key, self.store.find(type_, key), body)

    def _write(self, type_: str, key: str | None, old: Body | None, body: Body, given: Body | None) -> Body:
        if given is not None:
            self.behaviours.get(type_, _PLAIN).prepare(None, body, given)
            self._compile(type_, body)
        validate.check(self.tables, type_, body)
        if len(json.dumps(body)) > validate.MAX_OBJECT_BYTES:
            raise SetError("validationFailed", "Object is too large", properties=["id"])
        return self._commit(type_, key, old, body)

    def _commit(self, type_: str, key: str | None, old: Body | None, body: Body) -> Body:
        self._check_links(type_, body)
        for name, label in keys.of(type_, body):
            holder = self._unique.get(name)
            if holder is not None and holder != (type_, key):
                target = {"object": holder[0], "id": holder[1]}
                raise SetError("primaryKeyViolation", properties=[label], objectId=target)
        key = key or self.store.new_id(type_)
        if old is not None:
            for name, _ in keys.of(type_, old):
                self._unique.pop(name, None)
        self.store.put(type_, key, body)
        self._index(type_, key, body)
        return {"id": key} | self.behaviours.get(type_, _PLAIN).stored(key, old, body)

    def _index(self, type_: str, key: str, body: Body) -> None:
        for name, _ in keys.of(type_, body):
            self._unique[name] = (type_, key)

    def holder(self, name: keys.Key) -> tuple[str, str] | None:
        """(type, id) of the object that owns a unique key."""
        return self._unique.get(name)

    def _compile(self, type_: str, body: Body) -> None:
        struct = self.tables.variants[type_][body["@type"]] if type_ in self.tables.variants else type_
        wrong = expressions.check(self.tables, struct, body)
        if wrong:
            name, reason = wrong
            violation = {"type": "Invalid", "property": name, "value": reason}
            raise SetError("validationFailed", properties=[name], validationErrors=[violation])

    # -- links ---------------------------------------------------------------------------------------------------

    def _check_links(self, type_: str, body: Body) -> None:
        for target, key in validate.references(self.tables, type_, body):
            name, _, variant = target.partition("/")
            found = self.store.find(name, key)
            if found is None or (variant and found.get("@type") != variant):
                raise SetError("invalidForeignKey", objectId={"object": name, "id": key})

    def links_to(self, type_: str, key: str) -> list[dict[str, str]]:
        out = []
        for name in self.store.types():
            if name in WEAK:
                continue
            for other, body in self.store.all(name).items():
                if any(
                    target.partition("/")[0] == type_ and id_ == key
                    for target, id_ in validate.references(self.tables, name, body)
                ):
                    out.append({"object": name, "id": other})
        return out


def _require_object(values: Any) -> None:
    if not isinstance(values, dict):
        raise SetError("invalidPatch", errors.INVALID_OBJECT, properties=[""])
