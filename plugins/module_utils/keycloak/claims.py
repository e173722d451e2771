# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The claims of an access token; whoever fetched it over TLS need not verify its signature. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import typing as t


class NoToken(ValueError):
    """A text that is no JSON Web Token."""


def decode(token: str) -> dict[str, t.Any]:
    """The claims.

    :raises NoToken: for an opaque token, or none at all.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise NoToken("it has not the three parts of a JSON Web Token (RFC 7519)")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        raise NoToken("its payload is no base64url of JSON") from None
    if not isinstance(claims, dict):
        raise NoToken("its payload is no JSON object")
    return claims


def audiences(claims: t.Mapping[str, t.Any]) -> list[str]:
    """The claim ``aud``, which is a string or a list of them (RFC 7519 section 4.1.3)."""
    return _words(claims.get("aud"), split=False)


def scopes(claims: t.Mapping[str, t.Any]) -> list[str]:
    """The claim ``scope``."""
    return _words(claims.get("scope"))


def groups(claims: t.Mapping[str, t.Any]) -> t.Optional[list[str]]:
    """The claim ``groups``; none when it is absent, which is not the same as empty."""
    return None if claims.get("groups") is None else _words(claims.get("groups"))


def _words(value: t.Any, *, split: bool = True) -> list[str]:
    if isinstance(value, str):
        return value.split() if split else [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
