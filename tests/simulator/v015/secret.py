"""Stored passwords: the first character decides how they are compared (contract 0.15 section 1.4)."""

from __future__ import annotations

import hmac

from passlib.context import CryptContext  # type: ignore[import-untyped]
from passlib.exc import MissingBackendError  # type: ignore[import-untyped]
from passlib.hash import sha512_crypt  # type: ignore[import-untyped]

APP_PASSWORD = "$app$"
OTP = "otpauth://"
_PLAIN = ("{PLAIN}", "{plain}", "{CLEAR}", "{clear}")
#: The server's schemes, as far as their libraries are here: bcrypt and argon2 never match without theirs.
_SCHEMES = CryptContext(
    schemes=(
        "sha512_crypt sha256_crypt md5_crypt sha1_crypt pbkdf2_sha256 pbkdf2_sha512 bcrypt argon2 scrypt ldap_sha1 "
        "ldap_salted_sha1 ldap_salted_sha256 ldap_salted_sha512 ldap_md5"
    ).split()
)


def verify(password: str, stored: str) -> bool:
    if stored[:1] not in ("$", "_", "{"):
        return bool(stored) and hmac.compare_digest(password.encode(), stored.encode())
    if stored.startswith(_PLAIN):
        return hmac.compare_digest(password.encode(), stored[7:].encode())
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
