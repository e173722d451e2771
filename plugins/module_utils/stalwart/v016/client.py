# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JMAP registry protocol of 0.16 (contract 3): method calls within the server's limits, reads in pages."""

from __future__ import annotations

import time
import typing as t

from ...failure import Failure
from ...http_client import HttpClient

if t.TYPE_CHECKING:
    from requests import Response

USING = ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"]
#: Defaults of ``x:Jmap`` (contract 3.1). The session is read for them only when the server refuses a request by a limit:
#: it would cost a request per task.
MAX_CALLS = 16
MAX_OBJECTS = 500
#: Bytes of a request that are used: its limit is 10 MB, and the size of values is only estimated.
MAX_BYTES = 6_000_000

#: Answers of a type that this server or this credential does not show; the second call of a pair then refers to nothing.
_UNREADABLE = ("forbidden", "unknownMethod", "serverUnavailable", "invalidResultReference")

_LIMIT = "urn:ietf:params:jmap:error:limit"
#: Seconds for which a request waits for others of the same account to end.
_PATIENCE = 10.0
_PAUSE = 0.25

Call = t.Tuple[str, t.Dict[str, t.Any]]


class WriteRace(Exception):
    """A ``/set`` lost a race or met a store that is busy: items before it are committed, read again and go on."""


class TooLarge(Failure):
    """The server takes less than was sent; the client has read how much by now, and whoever can sends less."""

    def __init__(self, what: str) -> None:
        super().__init__(
            "stalwart",
            "invalid_value",
            f"the server takes less in one request than it was sent ({what}).",
            hint="Its limits (jmap.maxMethodCalls, getMaxResults, setMaxObjects, maxRequestSize) are below the defaults; raise them.",
        )


class Limits(t.NamedTuple):
    """What one request takes. :param objects: per ``/get`` and ``/set``. :param bytes: of values, estimated."""

    calls: int = MAX_CALLS
    objects: int = MAX_OBJECTS
    bytes: int = MAX_BYTES


DEFAULT_LIMITS = Limits()


class Want(t.NamedTuple):
    """What to read of a type.

    :param properties: none = all. :param filter: only objects that match; none = all.
    :param optional: a credential that may not read it sees nothing, instead of a failure.
    """

    object: str
    singleton: bool
    properties: t.Optional[t.Sequence[str]] = None
    filter: t.Optional[t.Mapping[str, t.Any]] = None
    optional: bool = False


def _limit_of(response: Response) -> str:
    """The limit that a request has exceeded; empty for any other refusal."""
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body.get("limit") or "") if isinstance(body, dict) and body.get("type") == _LIMIT else ""


class JmapClient:
    """The management API of one 0.16 server."""

    def __init__(self, http: HttpClient) -> None:
        self.http = http
        self.limits = DEFAULT_LIMITS

    def call(self, calls: t.Sequence[Call], *, write: bool = False) -> list[tuple[str, dict[str, t.Any]]]:
        """Send one request and return ``(name, result)`` per call, in order; a failed call's name is ``error``.

        :param write: never repeated on its own when the answer is lost.
        :raises Failure: as :meth:`HttpClient.request`; ``protocol`` for an answer that is not one of this API.
        :raises TooLarge: when the server's limits are below the defaults; they are known then.
        """
        if len(calls) > self.limits.calls:
            raise ValueError(f"{len(calls)} calls in one request")
        body = {
            "using": USING,
            "methodCalls": [[name, arguments, str(index)] for index, (name, arguments) in enumerate(calls)],
        }
        response = self._post(body, write)
        document = self.http.json(response, dict)
        try:
            answers = [(str(name), dict(result)) for name, result, _call in document["methodResponses"]]
        except (ValueError, KeyError, TypeError):
            raise self._protocol("the answer is no JMAP response") from None
        if len(answers) != len(calls):
            raise self._protocol(f"{len(calls)} calls were answered by {len(answers)} results")
        return answers

    def _post(self, body: t.Mapping[str, t.Any], write: bool) -> Response:
        end = time.monotonic() + _PATIENCE
        while True:
            response = self.http.request("POST", "/jmap", json=body, idempotent=not write, expected=(200, 400))
            if response.status_code == 200:
                return response
            limit = _limit_of(response)
            if limit == "maxConcurrentRequests" and time.monotonic() < end:
                # Refused before anything was done; nothing announces that another one has ended.
                time.sleep(_PAUSE)
            elif limit in ("maxCallsInRequest", "maxSizeRequest") and self.learn():
                raise TooLarge(limit)
            else:
                raise self.http.failure_of(response)

    def learn(self) -> bool:
        """Read the server's limits; whether they are other ones than were believed (contract 3.1)."""
        session = self.http.json(self.http.request("GET", "/jmap/session"), dict)
        core = (session.get("capabilities") or {}).get(USING[0]) or {}
        before = self.limits
        objects = min(
            int(core.get("maxObjectsInGet") or MAX_OBJECTS),
            int(core.get("maxObjectsInSet") or MAX_OBJECTS),
            MAX_OBJECTS,
        )
        size = int(core.get("maxSizeRequest") or 10_000_000) * MAX_BYTES // 10_000_000
        # Fewer calls than a page, its marks and its action need are of no use.
        calls = max(4, min(int(core.get("maxCallsInRequest") or MAX_CALLS), MAX_CALLS))
        self.limits = Limits(calls, max(1, objects), min(size, MAX_BYTES))
        return self.limits != before

    def read(
        self, wants: t.Sequence[Want], unread: t.Optional[dict[str, str]] = None
    ) -> dict[str, dict[str, dict[str, t.Any]]]:
        """Objects by type and id: all types in as few requests as 16 calls allow, then further pages.

        :param unread: takes the optional types that could not be read, with the server's reason.
        :raises Failure: ``forbidden`` naming the type, ``protocol``.
        """
        try:
            return self._read(wants, unread)
        except TooLarge:
            return self._read(wants, unread)

    def _read(
        self, wants: t.Sequence[Want], unread: t.Optional[dict[str, str]]
    ) -> dict[str, dict[str, dict[str, t.Any]]]:
        found: dict[str, dict[str, dict[str, t.Any]]] = {want.object: {} for want in wants}
        refused: dict[str, str] = {} if unread is None else unread
        todo: list[tuple[Want, int]] = [(want, 0) for want in wants]
        while todo:
            batch: list[tuple[Want, int]] = []
            calls: list[Call] = []
            while todo and len(calls) + (1 if todo[0][0].singleton else 2) <= self.limits.calls:
                want, position = todo.pop(0)
                calls += self._page(want, position, len(calls))
                batch.append((want, position))
            answers = self.call(calls)
            index = 0
            for want, position in batch:
                if not want.singleton:
                    query = self._result(answers[index], want, refused)
                    index += 1
                    end = position + len(query.get("ids") or [])
                    if query.get("ids") and int(query.get("total") or 0) > end:
                        todo.append((want, end))
                result = self._result(answers[index], want, refused)
                index += 1
                for item in result.get("list") or []:
                    found[want.object][str(item["id"])] = item
        # Nobody knows what is there: a type that could not be read is not one without objects.
        return {name: objects for name, objects in found.items() if objects or name not in refused}

    def _page(self, want: Want, position: int, index: int) -> list[Call]:
        properties = {} if want.properties is None else {"properties": list(want.properties)}
        if want.singleton:
            return [(f"x:{want.object}/get", {"ids": ["singleton"], **properties})]
        query: dict[str, t.Any] = {
            # The default order is descending and pages oddly (contract 3.10).
            "sort": [{"property": "id", "isAscending": True}],
            "calculateTotal": True,
            "position": position,
            "limit": self.limits.objects,
        }
        if want.filter:
            query["filter"] = dict(want.filter)
        back = {"resultOf": str(index), "name": f"x:{want.object}/query", "path": "/ids"}
        return [(f"x:{want.object}/query", query), (f"x:{want.object}/get", {"#ids": back, **properties})]

    def _result(self, answer: tuple[str, dict[str, t.Any]], want: Want, unread: dict[str, str]) -> dict[str, t.Any]:
        name, result = answer
        if name != "error":
            return result
        object_name = want.object
        kind = str(result.get("type"))
        why = str(result.get("description") or kind)
        if want.optional and kind in _UNREADABLE:
            unread.setdefault(object_name, kind)
            return {}
        if kind == "requestTooLarge" and self.learn():
            raise TooLarge(object_name)
        if kind == "forbidden":
            raise Failure(
                "stalwart",
                "forbidden",
                f"the credential may not read {object_name}: {self.http.redactor.body(why)}.",
                hint=f"Give its account the permissions sys{object_name}Get and sys{object_name}Query.",
            )
        raise self._protocol(f"reading {object_name}: {kind}: {self.http.redactor.body(why)}")

    def _protocol(self, why: str) -> Failure:
        return Failure("stalwart", "protocol", f"POST {self.http.base_url}/jmap: {why}.")
