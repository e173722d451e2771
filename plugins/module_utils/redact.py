# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps secrets out of everything that is shown (design 9)."""

from __future__ import annotations

import re
import typing as t

from .failure import Failure

MASK = "********"
#: A shorter value cannot be masked without corrupting unrelated output.
SHORTEST_SECRET = 8
MAX_BODY = 500

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
#: Greedy up to the last ``@``, for a password may hold one.
_USERINFO = re.compile(r"//[^/]*@")
_USERINFO_IN_TEXT = re.compile(r"//[^/\s]*@")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL)
_CREDENTIAL = re.compile(
    r"""(?ix)
    (["']?[\w.@-]*(?:password|passwd|secret|api[_-]?key|private[_-]?key|client[_-]?token|access[_-]?token|refresh[_-]?token|bearer|authorization)[\w.-]*["']?
    \s*[:=]\s*)
    (?:(["'])(?:\\.|(?!\2).)*\2|(?:bearer\s+|basic\s+)?[^\s,;}&\]]+)
    """
)


def check_secret(layer: str, field: str, value: str | None) -> str | None:
    """Refuse a secret that is too short to be masked.

    :raises Failure: ``invalid_value`` naming the field, never the value.
    """
    if value is not None and len(value) < SHORTEST_SECRET:
        raise Failure(
            layer,
            "invalid_value",
            f"{field} has {len(value)} characters; a secret needs at least {SHORTEST_SECRET}.",
            hint="A shorter one cannot be masked in output; choose a longer one.",
        )
    return value


def unclean(value: str) -> bool:
    """Whether a value starts or ends with white space or holds control characters, which no credential means to do."""
    return value != value.strip() or _CONTROL.search(value) is not None


def check_clean(layer: str, what: str, value: t.Any) -> None:
    """Refuse an :func:`unclean` credential: a server would refuse it, count that, and not say why.

    :param what: names the value.
    :raises Failure: ``invalid_value``, never with the value.
    """
    if not isinstance(value, str) or unclean(value):
        raise Failure(
            layer,
            "invalid_value",
            f"{what} starts or ends with white space, or holds a control character.",
            hint="A file and a YAML block scalar end in a newline: use the filter trim, or |- instead of |.",
        )


def without_userinfo(url: str) -> str:
    """The text with the user and password of a URL masked (RFC 3986 section 3.2.1)."""
    return _USERINFO.sub(f"//{MASK}@", url)


class Redactor:
    """Masks known secret values, PEM blocks and credential-named fields in text and data."""

    def __init__(self, secrets: t.Iterable[str | None] = ()) -> None:
        self._secrets: list[str] = []
        self.add(*secrets)

    def add(self, *secrets: str | None) -> None:
        """Mask further values from now on; those too short to be masked are left out."""
        known = {*self._secrets, *(s for s in secrets if s and len(s) >= SHORTEST_SECRET)}
        # Longest first: a secret may contain another one.
        self._secrets = sorted(known, key=len, reverse=True)

    def values(self, text: str) -> str:
        """Mask the known values only."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def text(self, text: str) -> str:
        """Mask known values, PEM blocks, users of URLs and ``name: value`` pairs with a credential's name."""
        known = _USERINFO_IN_TEXT.sub(f"//{MASK}@", _PEM.sub(MASK, self.values(text)))
        return _CREDENTIAL.sub(lambda m: m.group(1) + MASK, known)

    def body(self, body: str) -> str:
        """An error body of a server, safe to put into a message: redacted, one line, cut at 500 characters."""
        flat = " ".join(self.text(body).split())
        return flat if len(flat) <= MAX_BODY else flat[:MAX_BODY] + "…"

    def data(self, data: t.Any) -> t.Any:
        """Mask the known values in nested data."""
        if isinstance(data, str):
            return self.values(data)
        if isinstance(data, t.Mapping):
            return {self.data(k): self.data(v) for k, v in data.items()}
        if isinstance(data, (list, tuple)):
            return [self.data(v) for v in data]
        return data
