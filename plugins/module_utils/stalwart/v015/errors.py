# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a 0.15 server says is wrong, often with HTTP 200 (contract 2.1, 3.7), as failures."""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ...redact import Redactor

_CODES = {
    "notFound": "not_found",
    "fieldAlreadyExists": "conflict",
    "fieldMissing": "invalid_value",
    "assertFailed": "conflict",
    "unsupported": "unsupported_by_generation",
    "other": "invalid_value",
}
_AGAIN = "Nothing of the stored settings is lost; the next run repeats the reload."
#: What to do about reload errors by the start of their key.
_HINTS = {
    "spam-filter.pyzor.": "Pyzor needs outside DNS; disable it (spamPyzor.enable: false).",
    "storage.directory": "The default directory (authentication.directoryId; null is the internal one) must exist.",
    "server.listener.": "Check its bind addresses and protocol.",
    "certificate.": "Check the certificate and its private key.",
    "tracer.": "Check where it writes to.",
}


class ApiError(Failure):
    """A management error; where nobody handles it, it is the task's failure.

    :param kind: ``notFound``, ``fieldAlreadyExists``, ``fieldMissing``, ``assertFailed``, ``unsupported`` or ``other``.
    :param item: what is not found. :param field: the field that is missing or whose value is taken.
    :param value: the value that is taken. **It may be a secret** (contract 12.3) and is part of no message.
    :param reason: the server's explanation, redacted, as ``details`` is.
    """

    def __init__(self, method: str, url: str, body: t.Mapping[str, t.Any], redactor: Redactor) -> None:
        def text(name: str) -> str:
            return redactor.body(str(body.get(name) or ""))

        self.kind = str(body.get("error"))
        self.item, self.field, self.reason = text("item"), text("field"), text("reason")
        self.value = str(body.get("value") or "")
        shown = text("details")
        super().__init__(
            "stalwart",
            _CODES.get(self.kind, "server_error"),
            f"{method} {redactor.values(url)}: {self._why(shown)}.",
            request={"method": method, "url": redactor.values(url), "status": 200},
            details=shown or None,
        )

    def _why(self, details: str) -> str:
        if self.kind == "notFound":
            return f"{self.item!r} does not exist" if self.item else "it does not exist"
        if self.kind == "fieldAlreadyExists":
            return f"the value of {self.field} is taken"
        if self.kind == "fieldMissing":
            return f"{self.field} is missing"
        if self.kind == "assertFailed":
            return "something exists already where nothing was expected"
        parts = [part.rstrip(".") for part in (details, self.reason) if part]
        return ": ".join(parts) or f"the server answered {self.kind!r}"


def reload_failure(errors: t.Mapping[str, t.Any], redactor: Redactor, *, stored: bool) -> Failure:
    """The failure of a reload, which answers 200 although it applied nothing (contract 3.7).

    :param errors: key to ``{type, error}``.
    :param stored: whether this task's writes are stored; else the reload was a trial before them.
    """
    reasons = {str(key): redactor.body(_text(error)) for key, error in sorted(errors.items())}
    listed = "; ".join(f"{key}: {why.rstrip('.')}" for key, why in list(reasons.items())[:5])
    more = f"; and {len(reasons) - 5} more" if len(reasons) > 5 else ""
    hints = [hint for start, hint in _HINTS.items() if any(key.startswith(start) for key in reasons)]
    what = "the settings are stored, but the server refuses to run them" if stored else "the server cannot reload"
    after = _AGAIN if stored else "Nothing was written."
    return Failure(
        "stalwart",
        "reload_refused",
        f"{what}: {listed}{more}.",
        hint=" ".join([*(hints or ["Correct these keys; any wrong key blocks every reload."]), after]),
        details={"errors": reasons},
    )


def _text(error: t.Any) -> str:
    if isinstance(error, t.Mapping):
        return str(error.get("error") or error.get("type") or "refused")
    return str(error)
