"""Secrets at rest and the password policy (contract 3.7 and 4.3)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path
from typing import Any

from zxcvbn import zxcvbn  # type: ignore[import-untyped]

from . import ids

APP_PASSWORD = "app_"
API_KEY = "API_"
_PREFIX = "$simulator$"
_STRENGTH = ("zero", "one", "two", "three", "four")
#: Complete hashes are stored as they are, without any policy.
_HASH = re.compile(r"\$(argon2|pbkdf2|scrypt|2[abxy]?\$|1\$|5\$|6\$|sha1\$)|\{[A-Za-z0-9-]+\}.")


class Unreadable(Exception):
    """A secret that lies in a file or a variable is not there."""


def token(prefix: str) -> str:
    if prefix == API_KEY:
        return prefix + secrets.token_urlsafe(28)
    return prefix + "".join(secrets.choice(ids.ALPHABET) for _ in range(36))


def is_hash(value: str) -> bool:
    return bool(_HASH.match(value)) or value.startswith(_PREFIX)


def hashed(value: str) -> str:
    """Salted and cheap: test equipment, and every request with a password is verified anew."""
    salt = secrets.token_bytes(12)
    return _PREFIX + base64.b64encode(salt + hashlib.sha256(salt + value.encode()).digest()).decode()


def verify(value: str, stored: str) -> bool:
    """Known for the simulator's own hashes only; a foreign hash never matches."""
    if not stored.startswith(_PREFIX):
        return False
    raw = base64.b64decode(stored.removeprefix(_PREFIX))
    return hmac.compare_digest(raw[12:], hashlib.sha256(raw[:12] + value.encode()).digest())


def policy_violation(value: str, policy: dict[str, Any]) -> str | None:
    """Why a plain password is refused, or None. ``policy`` is the stored x:Authentication."""
    if len(value) < policy["passwordMinLength"]:
        return f"Password must be at least {policy['passwordMinLength']} characters long."
    if len(value) > policy["passwordMaxLength"]:
        return f"Password must be at most {policy['passwordMaxLength']} characters long."
    judged = zxcvbn(value[:72])
    if judged["score"] < _STRENGTH.index(policy["passwordMinStrength"]):
        advice = [judged["feedback"]["warning"], *judged["feedback"]["suggestions"]]
        return " ".join(["Password is too weak.", *(f"{text.rstrip('.')}." for text in advice if text)])
    return None


def resolve(value: dict[str, Any]) -> str:
    """Text of a SecretKey, SecretText or PublicText, read where the server would read it. Raises Unreadable."""
    match value["@type"]:
        case "EnvironmentVariable":
            name = value["variableName"]
            if name not in os.environ:
                raise Unreadable(f"Environment variable '{name}' not found")
            return os.environ[name]
        case "File":
            path = value["filePath"]
            try:
                text = Path(path).read_text(encoding="utf-8").rstrip()
            except OSError as error:
                reason = f"{os.strerror(error.errno or 0)} (os error {error.errno})"
                raise Unreadable(f"Failed to read secret from file '{path}': {reason}") from None
            if not text:
                raise Unreadable(f"Secret in file '{path}' is empty")
            return text
        case _:
            return str(value.get("secret", value.get("value", "")))
