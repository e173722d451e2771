# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JMAP as a mail client speaks it (RFC 8620): the session of a token."""

from __future__ import annotations

import threading
import typing as t

from ..http_client import HttpClient

if t.TYPE_CHECKING:
    from requests import Response

MAIL = "urn:ietf:params:jmap:mail"
_ANSWERS = (200, 401, 403)


class Session(t.NamedTuple):
    """What the server says to a token. :param status: of HTTP. :param account: id of its own mail account.

    :param username: whose session it is. :param shared: names of accounts that others share with it.
    """

    status: int
    reason: str = ""
    username: str = ""
    account: str = ""
    shared: tuple[str, ...] = ()


class Jmap:
    """The web port of one server; a port-forward serves one request at a time."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._lock = threading.Lock()

    def session(self, token: str) -> Session:
        """The session resource (RFC 8620 section 2).

        :raises Failure: when there is no answer to tell.
        """
        self._http.redactor.add(token)
        with self._lock:
            answer = self._http.request(
                "GET", "/jmap/session", headers={"Authorization": f"Bearer {token}"}, expected=_ANSWERS
            )
        if answer.status_code != 200:
            return Session(answer.status_code, self._reason(answer))
        body = self._http.json(answer, dict)
        own = str((body.get("primaryAccounts") or {}).get(MAIL) or "")
        accounts = body.get("accounts") or {}
        shared = tuple(str(entry.get("name")) for key, entry in accounts.items() if key != own)
        return Session(200, "", str(body.get("username") or ""), own, shared)

    def _reason(self, answer: Response) -> str:
        try:
            body = answer.json()
        except ValueError:
            body = {}
        told = body.get("detail") or body.get("title") or "" if isinstance(body, dict) else ""
        return f"HTTP {answer.status_code} {self._http.redactor.values(str(told))}".strip()
