# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets inside ``settings`` by their property names, before any schema is at hand. Pure.

In a server's schema every secret is a string of format ``secret`` or ``secretText``, mostly inside a struct ``Secret…``
(contract 3.7), under one of these names; a test holds them against the schema. The values are what Ansible's own
output filters have to know.
"""

from __future__ import annotations

import typing as t

from ..redact import MASK

#: Wherever they are. ``httpAuth`` holds no text at all: one that is given there is the secret in the wrong form.
SECRET_KEYS = frozenset(
    (
        "accesskey",
        "accesstoken",
        "accountkey",
        "apikey",
        "applicationsecret",
        "authsecret",
        "authtoken",
        "bearertoken",
        "bindsecret",
        "clientsecret",
        "consumerkey",
        "credentials",
        "currentsecret",
        "eabhmackey",
        "encryptionkey",
        "httpauth",
        "licensekey",
        "otpauth",
        "otpcode",
        "password",
        "privatekey",
        "privatekeypassword",
        "privatekeypem",
        "sastoken",
        "secret",
        "secretaccesskey",
        "secretapikey",
        "secretkey",
        "securitytoken",
        "sentinelsecret",
        "serviceaccountjson",
        "sessiontoken",
        "sharedsecret",
        "signaturekey",
        "token",
        "webpushkey",
    )
)
#: Names that are secrets below these types only.
BELOW: t.Mapping[str, frozenset[str]] = {"key": frozenset(("dnsserver",))}
#: Maps whose values may be credentials (``Authorization``).
HEADERS = "httpheaders"
#: All that a struct ``Secret…`` may hold, and what is given there by mistake; of these, what is no secret.
_MEMBERS = frozenset(("@type", "secret", "value", "text", "variableName", "filePath"))
_OPEN = frozenset(("variableName", "filePath"))
_VARIANTS = frozenset(("None", "Value", "Text", "EnvironmentVariable", "File"))


def is_secret_key(name: str) -> bool:
    """Whether a property of this name, or an item of it, holds a secret when its value is a string.

    :param name: the name or its whole path, such as ``acmeProvider.a.accountKey`` or ``otpCode[0]``.
    """
    path = [part.partition("[")[0].lower() for part in name.split(".")]
    return path[-1] in SECRET_KEYS or path[0] in BELOW.get(path[-1], ()) or HEADERS in path[:-1]


def secrets_of(value: t.Any, path: str = "") -> list[str]:
    """Every string under a secret's name, however deep."""
    found: list[str] = []

    def note(text: str) -> str:
        scheme, _blank, credential = text.partition(" ")
        # What a server may repeat of "Bearer …" is the part behind it.
        more = [credential.strip()] if credential and scheme.lower() in ("bearer", "basic") else []
        found.extend([text, *more])
        return text

    _walk(value, path, note)
    return found


def masked(value: t.Any, path: str = "") -> t.Any:
    """A value whose secrets by their names are masked. :param path: the keys above it, with dots."""
    return _walk(value, path, lambda _text: MASK)


def _walk(value: t.Any, path: str, of_secret: t.Callable[[str], str], inside: bool = False) -> t.Any:
    """The value with every secret replaced. :param inside: it belongs to a struct that holds a secret."""
    secret = is_secret_key(path)
    if isinstance(value, t.Mapping):
        # A label may be called like a secret: only what can be the struct of one is taken for it.
        below = path.rpartition(".")[2] == "secret" or (secret and {str(key) for key in value} <= _MEMBERS)
        prefix = f"{path}." if path else ""
        return {key: _walk(item, f"{prefix}{key}", of_secret, below or inside) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_walk(item, path, of_secret, inside) for item in value]
    if not isinstance(value, str) or not value:
        return value
    name = path.rpartition(".")[2]
    exempt = name in _OPEN or (name == "@type" and value in _VARIANTS)
    return of_secret(value) if secret or (inside and not exempt) else value
