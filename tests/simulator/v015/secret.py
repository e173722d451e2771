"""Stored passwords: the first character decides how they are compared (contract 0.15 section 1.4)."""

from __future__ import annotations

import base64
import hmac
import re

from passlib.context import CryptContext  # type: ignore[import-untyped]
from passlib.crypto.digest import pbkdf2_hmac  # type: ignore[import-untyped]
from passlib.exc import MissingBackendError  # type: ignore[import-untyped]
from passlib.hash import sha512_crypt  # type: ignore[import-untyped]

APP_PASSWORD = "$app$"
OTP = "otpauth://"
_PLAIN = ("{PLAIN}", "{plain}", "{CLEAR}", "{clear}")
#: The server's schemes, as far as their libraries are here: bcrypt and argon2 never match without theirs.
_SCHEMES = CryptContext(
    schemes=(
        "sha512_crypt sha256_crypt md5_crypt sha1_crypt bcrypt argon2 scrypt ldap_sha1 "
        "ldap_salted_sha1 ldap_salted_sha256 ldap_salted_sha512 ldap_md5"
    ).split()
)
#: PBKDF2 as a PHC string; passlib's own form is none, and the server refuses it.
_PBKDF2 = re.compile(r"\$pbkdf2-(sha256|sha512)\$i=(\d+)(?:,l=\d+)?\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)")


def verify(password: str, stored: str) -> bool:
    if stored[:1] not in ("$", "_", "{"):
        return bool(stored) and hmac.compare_digest(password.encode(), stored.encode())
    if stored.startswith(_PLAIN):
        return hmac.compare_digest(password.encode(), stored[7:].encode())
    phc = _PBKDF2.fullmatch(stored)
    if phc:
        salt, digest = (base64.b64decode(part + "=" * (-len(part) % 4)) for part in phc.groups()[2:])
        return hmac.compare_digest(pbkdf2_hmac(phc[1], password, salt, int(phc[2]), len(digest)), digest)
    stored = stored.removeprefix("{CRYPT}").removeprefix("{crypt}")
    try:
        return _SCHEMES.identify(stored) is not None and bool(_SCHEMES.verify(password, stored))
    except (ValueError, MissingBackendError):
        return False


def hashed(password: str) -> str:
    """As `--init` writes it."""
    return str(sha512_crypt.using(rounds=5000).hash(password))


def app_label(stored: str) -> str | None:
    """The name of an app password `$app$<label>$<hash>`, None for other secrets."""
    label, separator, _ = stored.removeprefix(APP_PASSWORD).partition("$")
    return label if stored.startswith(APP_PASSWORD) and separator else None


def app_hash(stored: str) -> str:
    return stored.removeprefix(APP_PASSWORD).partition("$")[2]
