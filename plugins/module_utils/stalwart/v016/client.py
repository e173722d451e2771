# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JMAP registry protocol of 0.16 (contract 3): method calls within the server's limits, reads in pages."""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ...http_client import HttpClient

USING = ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"]
#: Defaults of ``x:Jmap`` (contract 3.1); the session is not read for them, it would cost a request per task.
MAX_CALLS = 16
MAX_OBJECTS = 500
#: Bytes of a request that are used: its limit is 10 MB, and the size of values is only estimated.
MAX_BYTES = 6_000_000

#: Answers of a type that this server or this credential does not show; the second call of a pair then refers to nothing.
_UNREADABLE = ("forbidden", "unknownMethod", "serverUnavailable", "invalidResultReference")

Call = t.Tuple[str, t.Dict[str, t.Any]]


class WriteRace(Exception):
    """A ``/set`` lost a race or met a store that is busy: items before it are committed, read again and go on."""


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


class JmapClient:
    """The management API of one 0.16 server."""

    def __init__(self, http: HttpClient) -> None:
        self.http = http

    def call(self, calls: t.Sequence[Call], *, write: bool = False) -> list[tuple[str, dict[str, t.Any]]]:
        """Send one request and return ``(name, result)`` per call, in order; a failed call's name is ``error``.

        :param write: never repeated on its own when the answer is lost.
        :raises Failure: as :meth:`HttpClient.request`; ``protocol`` for an answer that is not one of this API.
        """
        if len(calls) > MAX_CALLS:
            raise ValueError(f"{len(calls)} calls in one request")
        body = {
            "using": USING,
            "methodCalls": [[name, arguments, str(index)] for index, (name, arguments) in enumerate(calls)],
        }
        response = self.http.request("POST", "/jmap", json=body, idempotent=not write)
        document = self.http.json(response, dict)
        try:
            answers = [(str(name), dict(result)) for name, result, _call in document["methodResponses"]]
        except (ValueError, KeyError, TypeError):
            raise self._protocol("the answer is no JMAP response") from None
        if len(answers) != len(calls):
            raise self._protocol(f"{len(calls)} calls were answered by {len(answers)} results")
        return answers

    def read(
        self, wants: t.Sequence[Want], unread: t.Optional[dict[str, str]] = None
    ) -> dict[str, dict[str, dict[str, t.Any]]]:
        """Objects by type and id: all types in as few requests as 16 calls allow, then further pages.

        :param unread: takes the optional types that could not be read, with the server's reason.
        :raises Failure: ``forbidden`` naming the type, ``protocol``.
        """
        found: dict[str, dict[str, dict[str, t.Any]]] = {want.object: {} for want in wants}
        todo: list[tuple[Want, int]] = [(want, 0) for want in wants]
        while todo:
            batch: list[tuple[Want, int]] = []
            calls: list[Call] = []
            while todo and len(calls) + (1 if todo[0][0].singleton else 2) <= MAX_CALLS:
                want, position = todo.pop(0)
                calls += self._page(want, position, len(calls))
                batch.append((want, position))
            answers = self.call(calls)
            index = 0
            for want, position in batch:
                if not want.singleton:
                    query = self._result(answers[index], want, unread)
                    index += 1
                    end = position + len(query.get("ids") or [])
                    if query.get("ids") and int(query.get("total") or 0) > end:
                        todo.append((want, end))
                result = self._result(answers[index], want, unread)
                index += 1
                for item in result.get("list") or []:
                    found[want.object][str(item["id"])] = item
        return found

    @staticmethod
    def _page(want: Want, position: int, index: int) -> list[Call]:
        properties = {} if want.properties is None else {"properties": list(want.properties)}
        if want.singleton:
            return [(f"x:{want.object}/get", {"ids": ["singleton"], **properties})]
        query: dict[str, t.Any] = {
            # The default order is descending and pages oddly (contract 3.10).
            "sort": [{"property": "id", "isAscending": True}],
            "calculateTotal": True,
            "position": position,
            "limit": MAX_OBJECTS,
        }
        if want.filter:
            query["filter"] = dict(want.filter)
        back = {"resultOf": str(index), "name": f"x:{want.object}/query", "path": "/ids"}
        return [(f"x:{want.object}/query", query), (f"x:{want.object}/get", {"#ids": back, **properties})]

    def _result(
        self, answer: tuple[str, dict[str, t.Any]], want: Want, unread: t.Optional[dict[str, str]] = None
    ) -> dict[str, t.Any]:
        name, result = answer
        if name != "error":
            return result
        object_name = want.object
        kind = str(result.get("type"))
        why = str(result.get("description") or kind)
        if want.optional and kind in _UNREADABLE:
            if unread is not None:
                unread.setdefault(object_name, kind)
            return {}
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
