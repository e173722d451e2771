# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Management REST protocol of 0.15 (contract 2, 3): answers unwrapped, errors inside 200 bodies found."""

from __future__ import annotations

import json
import typing as t

from ...failure import Failure
from ...http_client import HttpClient
from .errors import ApiError, reload_failure

#: A query string stays below what gateways accept (8 KiB for the whole request line).
MAX_QUERY = 6000
#: The server drops a body above 1 MiB and calls it unparsable (contract 2.1).
MAX_BODY = 512 * 1024

Operation = t.Dict[str, t.Any]


class RestClient:
    """The management API of one 0.15 server."""

    def __init__(self, http: HttpClient) -> None:
        self.http = http

    def get(self, path: str, params: t.Optional[t.Mapping[str, str]] = None) -> t.Any:
        """The ``data`` of an answer. A parameter without a value counts as absent at the server.

        :raises Failure: as :meth:`HttpClient.request`; ``protocol``. :raises ApiError: for an error inside a 200 body.
        """
        return self._call("GET", path, params=params)

    def post(self, path: str, body: t.Any) -> t.Any:
        """As :meth:`get`; never repeated when the answer is lost."""
        return self._call("POST", path, body=body)

    def patch(self, path: str, body: t.Any) -> t.Any:
        """As :meth:`post`."""
        return self._call("PATCH", path, body=body)

    def delete(self, path: str) -> t.Any:
        """As :meth:`get`; a second deletion answers ``notFound``."""
        return self._call("DELETE", path)

    def _call(
        self, method: str, path: str, *, params: t.Optional[t.Mapping[str, str]] = None, body: t.Any = None
    ) -> t.Any:
        response = self.http.request(method, path, params=params, json=body)
        document = self.http.json(response, dict)
        url = f"{self.http.base_url}{path}"
        if "error" in document:
            raise ApiError(method, url, document, self.http.redactor)
        if "data" not in document:
            raise Failure("stalwart", "protocol", f"{method} {url}: the answer has neither data nor error.")
        return document["data"]

    def _map(self, path: str, params: t.Mapping[str, str], name: str = "") -> dict[str, str]:
        data = self.get(path, params)
        found = data.get(name) if name and isinstance(data, dict) else data
        if not isinstance(found, dict):
            raise Failure("stalwart", "protocol", f"GET {self.http.base_url}{path}: no settings in the answer.")
        return {str(key): str(value) for key, value in found.items()}

    def keys(self, keys: t.Iterable[str] = (), prefixes: t.Iterable[str] = ()) -> dict[str, str]:
        """The stored values of these keys and of everything below these prefixes, by full key; absent keys are left out.

        One request unless the names are too long for one.

        :raises ValueError: for a name with a comma, which the query cannot carry.
        """
        found: dict[str, str] = {}
        for params in _queries(sorted(set(keys)), sorted({prefix.rstrip(".") for prefix in prefixes})):
            found.update(self._map("/api/settings/keys", params))
        return found

    def list(self, prefix: str) -> dict[str, str]:
        """Everything below a prefix, by the rest of the key."""
        return self._map("/api/settings/list", {"prefix": prefix}, "items")

    def write(self, operations: t.Sequence[Operation]) -> None:
        """Run operations in order (contract 3.4); not atomic, and nothing takes effect before a reload."""
        for batch in _batches(operations):
            self.post("/api/settings", batch)

    def reload(self, *, dry_run: bool = False, what: str = "", stored: bool = True) -> dict[str, t.Any]:
        """Parse the whole configuration and, unless ``dry_run``, run it; the warnings.

        :param what: ``lookup``, ``certificate`` or ``server.blocked-ip`` for these alone.
        :param stored: whether this task has written; for the message.
        :raises Failure: ``reload_refused`` naming the keys; then nothing was applied.
        """
        params = {"dry-run": "true"} if dry_run else None
        data = self.get(f"/api/reload/{what}" if what else "/api/reload", params)
        if not isinstance(data, dict):
            raise Failure("stalwart", "protocol", f"GET {self.http.base_url}/api/reload: unknown answer.")
        if data.get("errors"):
            raise reload_failure(data["errors"], self.http.redactor, stored=stored)
        return dict(data.get("warnings") or {})


def insert(values: t.Mapping[str, str], *, assert_empty: bool = False, prefix: t.Optional[str] = None) -> Operation:
    """An operation that sets keys; with ``assert_empty`` only where nothing is below the prefix."""
    pairs = [[key, value] for key, value in sorted(values.items())]
    return {"type": "insert", "prefix": prefix, "values": pairs, "assert_empty": assert_empty}


def delete(keys: t.Iterable[str]) -> Operation:
    """An operation that removes exactly these keys."""
    return {"type": "delete", "keys": sorted(keys)}


def _queries(keys: t.Sequence[str], prefixes: t.Sequence[str]) -> t.Iterator[dict[str, str]]:
    """Parameters of the requests that these names need."""
    pending: dict[str, list[str]] = {}
    size = 0
    for kind, names in (("keys", keys), ("prefixes", prefixes)):
        for name in names:
            if "," in name:
                raise ValueError(f"{name!r} cannot be asked for: it contains a comma")
            # What a name takes when every character that is not plain is percent-encoded.
            cost = sum(1 if char.isalnum() or char in "-._~" else 3 * len(char.encode()) for char in name) + 3
            if pending and size + cost > MAX_QUERY:
                yield {kind: ",".join(listed) for kind, listed in pending.items()}
                pending, size = {}, 0
            pending.setdefault(kind, []).append(name)
            size += cost
    if pending:
        yield {kind: ",".join(listed) for kind, listed in pending.items()}


def _batches(operations: t.Sequence[Operation]) -> t.Iterator[list[Operation]]:
    """Operations in their order, in bodies that the server accepts; a long insert is split between its values."""
    batch: list[Operation] = []
    size = 0
    for operation in operations:
        for part in _parts(operation):
            cost = len(json.dumps(part)) + 2
            if batch and size + cost > MAX_BODY:
                yield batch
                batch, size = [], 0
            batch.append(part)
            size += cost
    if batch:
        yield batch


def _parts(operation: Operation) -> t.Iterator[Operation]:
    name = "keys" if operation["type"] == "delete" else "values"
    items = operation.get(name)
    if not items or operation.get("assert_empty"):
        yield operation
        return
    part: list[t.Any] = []
    size = 0
    for item in items:
        cost = len(json.dumps(item)) + 2
        if part and size + cost > MAX_BODY // 2:
            yield {**operation, name: part}
            part, size = [], 0
        part.append(item)
        size += cost
    yield {**operation, name: part}
