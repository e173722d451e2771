"""`/api/settings`: reading and writing (contract 0.15 sections 3.1 to 3.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .problems import BadRequest, NotFound, Refused
from .validate import below

if TYPE_CHECKING:
    from .login import Caller
    from .server import Server

Query = dict[str, str]


class SettingsApi:
    def __init__(self, server: Server) -> None:
        self.server = server

    def handle(self, method: str, path: list[str], query: Query, document: Callable[[], Any], caller: Caller) -> Any:
        """The answer's data. ``path`` is what follows `/api/settings`; ``document`` decodes the body."""
        readers = {"list": self._list, "keys": self._keys, "group": self._group}
        if method == "GET" and path and path[0] in readers:
            caller.require("settings-list")
            return readers[path[0]](query)
        if method == "DELETE" and path and path[0]:
            caller.require("settings-delete")
            self._log("delete", caller, self.server.config.clear([path[0]]), [path[0]])
            return None
        if method == "POST" and not path:
            caller.require("settings-update")
            for operation in _operations(document()):
                getattr(self, f"_{operation['type']}")(operation, caller)
            return None
        raise NotFound("settings")

    # -- reading -------------------------------------------------------------------------------------------------

    def _list(self, query: Query) -> Any:
        found = self._below(query.get("prefix", ""))
        start, end = _page(query, len(found))
        return {"total": len(found), "items": dict(list(found.items())[start:end])}

    def _below(self, prefix: str) -> dict[str, str]:
        """Sub-keys: the prefix, with its dot, is stripped."""
        prefix = prefix if not prefix or prefix.endswith(".") else f"{prefix}."
        return {key.removeprefix(prefix): value for key, value in self.server.config.starting(prefix).items()}

    def _keys(self, query: Query) -> Any:
        out = {}
        for key in query.get("keys", "").split(","):
            value = self.server.config.get(key)
            if value is not None:
                out[key] = value
        for prefix in query["prefixes"].split(",") if "prefixes" in query else []:
            out |= self.server.config.starting(prefix if prefix.endswith(".") else f"{prefix}.")
        return out

    def _group(self, query: Query) -> Any:
        found = self._below(query.get("prefix", ""))
        suffix, needle, field = query.get("suffix", ""), query.get("filter", "").lower(), query.get("field")
        suffix = suffix if not suffix or suffix.startswith(".") else f".{suffix}"
        records = []
        if suffix and found:
            for key in found:
                name = key.removesuffix(suffix)
                if key.endswith(suffix) and name:
                    values = {rest: value for rest, value in below(found, name).items() if field in (None, rest)}
                    records.append({"_id": name} | values)
            records = [record for record in records if any(needle in value.lower() for value in record.values())]
        else:
            pairs = ((key, value) for key, value in found.items() if needle in key.lower() or needle in value.lower())
            records = [{"_id": key, "_value": value} for key, value in pairs]
        start, end = _page(query, len(records))
        return {"total": len(records), "items": records[start:end]}

    # -- operations ----------------------------------------------------------------------------------------------

    def _delete(self, operation: dict[str, Any], caller: Caller) -> None:
        self._log("delete", caller, self.server.config.clear(operation["keys"]), operation["keys"])

    def _clear(self, operation: dict[str, Any], caller: Caller) -> None:
        """A raw prefix without dot boundary; the filter is not lower-cased, what it is compared with is."""
        config, prefix, needle = self.server.config, operation["prefix"], operation.get("filter")
        if needle is None:
            gone = config.clear_prefix(prefix)
        else:
            pairs = config.starting(prefix).items()
            gone = config.clear([key for key, value in pairs if needle in value.lower() or needle in key.lower()])
        self._log("clear", caller, gone, gone)

    def _insert(self, operation: dict[str, Any], caller: Caller) -> None:
        config, prefix = self.server.config, operation.get("prefix")
        pairs = [(key if prefix is None else f"{prefix}.{key}", value) for key, value in operation["values"]]
        if operation["assert_empty"]:
            first = pairs[:1]  # without a prefix only the first key is looked at
            present = (
                config.starting(f"{prefix}.")
                if prefix is not None
                else [key for key, _ in first if config.get(key) is not None]
            )
            if present:
                self.server.writes.add("settings", "insert", caller.name, refused=[key for key, _ in pairs])
                raise Refused("assertFailed")
        changed = config.set(pairs)
        self._log("insert", caller, changed, [key for key, _ in pairs])

    def _log(self, operation: str, caller: Caller, changed: list[str], asked: list[str]) -> None:
        unchanged = [key for key in asked if key not in changed]
        self.server.writes.add("settings", operation, caller.name, changed=changed, unchanged=unchanged)
        self.server.fault_after_write()


def _page(query: Query, total: int) -> tuple[int, int]:
    """0 or absent limit: all of them. Pages count from 1."""
    limit, page = number(query, "limit"), number(query, "page")
    start = max(page - 1, 0) * limit
    return start, start + limit if limit else total


def number(query: Query, name: str) -> int:
    return int(query[name]) if query.get(name, "").isdecimal() else 0


def _operations(document: Any) -> list[dict[str, Any]]:
    """All operations of a request, checked before the first is run. Raises BadRequest."""
    if not isinstance(document, list) or not all(isinstance(entry, dict) and _wellformed(entry) for entry in document):
        raise BadRequest("malformed operations")
    return document


def _wellformed(entry: dict[str, Any]) -> bool:
    match entry.get("type"):
        case "delete":
            return _texts(entry.get("keys"))
        case "clear":
            return isinstance(entry.get("prefix"), str) and isinstance(entry.get("filter"), str | None)
        case "insert":
            pairs = entry.get("values")
            wellformed = isinstance(pairs, list) and all(_texts(pair) and len(pair) == 2 for pair in pairs)
            return (
                wellformed
                and isinstance(entry.get("prefix"), str | None)
                and isinstance(entry.get("assert_empty"), bool)
            )
    return False


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
