# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords for a server that stores secrets as they come (contract 1.4): hashed here, compared by verifying. Pure.

The form is the PHC string of PBKDF2 (``$pbkdf2-sha512$i=…,l=…$salt$hash``), which needs nothing beyond the standard
library and which the server verifies by itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import typing as t

#: OWASP's recommendation for PBKDF2-HMAC-SHA512.
ROUNDS = 210_000
_LENGTH = 32
_SALT = 16
_FORM = re.compile(r"^\$pbkdf2-(sha256|sha512)\$i=(\d{1,9})(?:,l=(\d{1,3}))?\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$")
_PLAIN = re.compile(r"^\{(?:PLAIN|CLEAR|plain|clear)\}")
#: Kinds of secrets that are no account's password.
_OTHER = ("$app$", "otpauth://")


def hash_password(password: str, salt: t.Optional[bytes] = None, rounds: int = ROUNDS) -> str:
    """The PHC string of a password. :param salt: random unless a test gives one."""
    salt = os.urandom(_SALT) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds, _LENGTH)
    return f"$pbkdf2-sha512$i={rounds},l={_LENGTH}${_encode(salt)}${_encode(digest)}"


def verify_password(stored: str, password: str) -> bool:
    """Whether a stored secret is this password; false, too, for forms that are not known here."""
    form = _FORM.match(stored)
    if form:
        name, rounds, _length, salt, digest = form.groups()
        expected = _decode(digest)
        found = hashlib.pbkdf2_hmac(name, password.encode(), _decode(salt), int(rounds), len(expected))
        return hmac.compare_digest(found, expected)
    plain = _PLAIN.sub("", stored, count=1)
    if plain == stored and stored[:1] in ("$", "_", "{"):
        return False
    return hmac.compare_digest(plain.encode(), password.encode())


def account_password(secrets: t.Iterable[str]) -> t.Optional[str]:
    """The account's password among its secrets, or none: app passwords and TOTP are none."""
    return next((secret for secret in secrets if secret and not secret.startswith(_OTHER)), None)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))
