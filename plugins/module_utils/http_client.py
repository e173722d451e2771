# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that speaks HTTP: one pooled session, explicit time-outs, bounded retries, counted requests."""

from __future__ import annotations

import os
import random
import re
import time
import traceback
import typing as t

from .failure import Failure, missing_library
from .redact import Redactor, check_clean, without_userinfo

REQUESTS_IMPORT_ERROR: str | None
try:
    import requests
    import requests.adapters

    REQUESTS_IMPORT_ERROR = None
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()

if t.TYPE_CHECKING:
    from requests import Response, Session
    from requests.adapters import BaseAdapter

KindT = t.TypeVar("KindT")

#: Seconds for one connection and for one answer.
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0
#: Seconds after which retries of one request stop.
DEADLINE = 15.0
RETRY_STATUS = frozenset((429, 502, 503, 504))
IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
_BACKOFF = (0.2, 0.5, 1.0, 2.0, 3.0)
_MAX_RETRY_AFTER = 60.0
_HINTS = {"unauthorized": "Check the credential.", "tls_untrusted": "Give the private CA's file."}
#: How TLS libraries say that what came is no TLS at all.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")
_HTTP_URL = re.compile(r"https?://[^/\s?#]+[^\s?#]*\Z", re.IGNORECASE)


def _check_sendable(layer: str, what: str, value: t.Any) -> None:
    """Refuse what a header cannot carry: the library's own refusal quotes the value, which may be a secret.

    :param what: names the value.
    :raises Failure: ``invalid_value``, never with the value.
    """
    check_clean(layer, what, value)
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        wrong = "has a character outside ISO 8859-1, which HTTP cannot carry (RFC 9110 section 5.5)"
        raise Failure(layer, "invalid_value", f"{what} {wrong}.") from None


class HttpClient:
    """One back end over HTTP.

    :param layer: the back end's layer, for failures.
    :param base_url: without a trailing slash; paths are appended.
    :param auth: ``(user, password)`` for Basic; give ``headers`` for anything else.
    :param ca_path: PEM file of a private CA, or none for the system's store.
    :param secrets: values that must never reach a message.
    :param deadline: seconds within which a request is retried.
    :param adapter: another transport (the Kubernetes port-forward).
    :param hints: what to do, by failure code, where this back end's users can be told more than :data:`_HINTS`.
    :raises Failure: ``missing_library``, or ``invalid_value`` for the URL, a header, the credential or the CA's file.
    """

    def __init__(
        self,
        layer: str,
        base_url: str,
        *,
        auth: tuple[str, str] | None = None,
        headers: dict[str, str] | None = None,
        ca_path: str | None = None,
        secrets: t.Iterable[str | None] = (),
        deadline: float = DEADLINE,
        adapter: BaseAdapter | None = None,
        hints: t.Mapping[str, str] | None = None,
    ) -> None:
        if REQUESTS_IMPORT_ERROR is not None:
            raise missing_library(layer, "requests", "to speak HTTP")
        if not _HTTP_URL.match(base_url):
            shown = without_userinfo(base_url)
            raise Failure(layer, "invalid_value", f"{shown!r} is no URL; accepted is http(s)://host[:port][/path].")
        if ca_path and not os.access(ca_path, os.R_OK):
            raise Failure(
                layer,
                "invalid_value",
                f"the CA's file {ca_path} does not exist or cannot be read.",
                hint="Give the path of a PEM file (ca_path; for the roles platform_ca_file), or leave it out for the system's store.",
            )
        for name, value in (headers or {}).items():
            _check_sendable(layer, f"the value of header {name}", value)
        for name, value in zip(("user", "password"), auth or ()):
            _check_sendable(layer, f"the {name} for Basic authentication", value)
        self.layer = layer
        self.base_url = base_url.rstrip("/")
        self.requests = 0
        self.redactor = Redactor(secrets)
        self._deadline = deadline
        self._hints = {**_HINTS, **(hints or {})}
        self._session: Session = requests.Session()
        # No proxies, netrc or CA bundles from the environment: what is reached must follow from the options alone.
        self._session.trust_env = False
        self._session.verify = ca_path or True
        self._session.headers.update({"Accept": "application/json", **(headers or {})})
        self._session.auth = auth
        if adapter is not None:
            self._session.mount("http://", adapter)
            self._session.mount("https://", adapter)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def set_header(self, name: str, value: str, *, secret: str | None = None) -> None:
        """Set a header for all further requests (a token, say); ``secret`` is masked from then on.

        :raises Failure: ``invalid_value`` for a value that no header can carry, by the header's name.
        """
        _check_sendable(self.layer, f"the value of header {name}", value)
        self._session.headers[name] = value
        self.redactor.add(secret)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: t.Any = None,
        data: t.Mapping[str, str] | None = None,
        params: t.Mapping[str, str] | None = None,
        headers: t.Mapping[str, str | None] | None = None,
        expected: t.Collection[int] = (200,),
        idempotent: bool | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Send one request and return the answer if its status is expected.

        A connection that could not be opened is always tried again, a lost answer or 429/502/503/504 only when the
        request is idempotent (RFC 9110 section 9.2.2); never after ``deadline`` seconds, and never after a 401.

        :param idempotent: overrides what the method says (a JMAP ``get`` is a POST).
        :raises Failure: ``unreachable``, ``tls_untrusted``, ``unauthorized``, ``forbidden``, ``not_found``,
            ``conflict``, ``rate_limited``, ``invalid_value``, ``protocol`` or ``server_error``, with the request's method,
            URL and status.
        """
        for name, value in (headers or {}).items():
            if value is not None:  # None leaves a header of the session out.
                _check_sendable(self.layer, f"the value of header {name}", value)
        url = f"{self.base_url}{path}"
        repeatable = method in IDEMPOTENT if idempotent is None else idempotent
        end = time.monotonic() + self._deadline
        attempt = 0
        while True:
            wait: float
            try:
                self.requests += 1
                response = self._session.request(
                    method,
                    url,
                    json=json,
                    data=data,
                    params=params,
                    headers=dict(headers) if headers else None,
                    timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                    allow_redirects=allow_redirects,
                )
            except requests.exceptions.SSLError as exc:
                raise self._no_tls(exc, method, url) from None
            except (
                requests.exceptions.ConnectionError,
                requests.exceptions.Timeout,
                requests.exceptions.ChunkedEncodingError,
            ) as exc:
                wait = self._backoff(attempt)
                never_sent = isinstance(exc, requests.exceptions.ConnectTimeout) or "NewConnectionError" in repr(exc)
                if not (repeatable or never_sent) or time.monotonic() + wait > end:
                    hint = "Check that the server runs and the URL is right."
                    if not never_sent and url.startswith("http://"):
                        hint += " Where the port speaks TLS, the URL must begin with https://."
                    raise self._failure("unreachable", method, url, None, self._reason(exc), hint) from None
            except (requests.exceptions.ContentDecodingError, requests.exceptions.TooManyRedirects) as exc:
                raise self._failure("protocol", method, url, None, type(exc).__name__, "") from None
            except (requests.exceptions.RequestException, OSError) as exc:
                # Only the kind: the text of some quotes a header's value.
                raise self._failure(
                    "unreachable", method, url, None, type(exc).__name__, "Check the URL and the options around it."
                ) from None
            else:
                if response.status_code in expected:
                    return response
                wait = self._retry_after(response, attempt)
                if not (repeatable and response.status_code in RETRY_STATUS) or time.monotonic() + wait > end:
                    raise self.failure_of(response)
            attempt += 1
            # Waiting for a server to recover: the deadline above bounds it.
            time.sleep(wait)

    def json(self, response: Response, kind: type[KindT]) -> KindT:
        """The answer's JSON.

        :param kind: ``dict`` or ``list``, whichever the contract says.
        :raises Failure: ``protocol`` when it is no JSON or of another kind (a proxy's page, say).
        """
        try:
            body = response.json()
        except ValueError:
            body = None
        if isinstance(body, kind):
            return body
        wanted = "a JSON object" if kind is dict else "a JSON list"
        content = response.headers.get("Content-Type") or "no content type"
        raise self._failure(
            "protocol",
            response.request.method or "",
            response.request.url or "",
            response.status_code,
            f"HTTP {response.status_code}, but the answer ({content}) is not {wanted}",
            "Check that the URL is this server's API, and what answers in front of it.",
        )

    def failure_of(self, response: Response) -> Failure:
        """The failure that an answer with an unexpected status stands for."""
        status = response.status_code
        code = {
            400: "invalid_value",
            401: "unauthorized",
            403: "forbidden",
            404: "not_found",
            409: "conflict",
            422: "invalid_value",
        }.get(status)
        if code is None:
            code = "rate_limited" if status == 429 else "server_error"
        hint = self._hints.get(code, "")
        detail = f"HTTP {status} {response.reason or ''}".strip()
        body = self.redactor.body(response.text)
        return self._failure(
            code,
            response.request.method or "",
            response.request.url or "",
            status,
            f"{detail}: {body}" if body else detail,
            hint,
        )

    def _failure(self, code: str, method: str, url: str, status: int | None, why: str, hint: str) -> Failure:
        shown = without_userinfo(self.redactor.values(url))
        return Failure(
            self.layer,
            code,
            f"{method} {shown}: {why}.",
            hint=hint,
            request={"method": method, "url": shown, "status": status},
        )

    def _no_tls(self, exc: Exception, method: str, url: str) -> Failure:
        why = self._reason(exc)
        if any(sign in why.replace(" ", "_").upper() for sign in _NO_TLS):
            hint = "This port does not speak TLS: use http://, or the port that does."
            return self._failure("unreachable", method, url, None, why, hint)
        return self._failure("tls_untrusted", method, url, None, why, self._hints["tls_untrusted"])

    def _reason(self, exc: Exception) -> str:
        """The innermost reason of an exception chain that requests and urllib3 wrap several times."""
        inner: t.Any = exc
        while True:
            nxt = getattr(inner, "reason", None) or next(
                (a for a in getattr(inner, "args", ()) if isinstance(a, Exception)), None
            )
            if not isinstance(nxt, Exception):
                break
            inner = nxt
        text = str(inner)
        return self.redactor.body(text.split(": ", 1)[-1] if "object at 0x" in text else text)

    @staticmethod
    def _backoff(attempt: int) -> float:
        base = _BACKOFF[min(attempt, len(_BACKOFF) - 1)]
        return base * random.uniform(0.75, 1.25)

    @classmethod
    def _retry_after(cls, response: Response, attempt: int) -> float:
        header = response.headers.get("Retry-After", "")
        if header.isdigit():
            return min(float(header), _MAX_RETRY_AFTER)
        return cls._backoff(attempt)
