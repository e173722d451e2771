"""DKIM keys: the objects, the keys behind them and their DNS records (contract 4.2)."""

from __future__ import annotations

import base64
import re
import secrets
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from . import secret, validate
from .behaviour import Behaviour, Body
from .errors import SetError

_PEM = serialization.Encoding.PEM
_PLAIN = serialization.NoEncryption()
_PLACEHOLDER = re.compile(r"\{([a-z]+)(?:-([^}]*))?\}")


class DkimSignatures(Behaviour):
    def prepare(self, old: Body | None, new: Body, given: Body) -> None:
        if old is not None and old["privateKey"] == new["privateKey"]:
            return
        problem = self._problem(new)
        if problem:
            raise SetError("invalidProperties", f"Failed to validate DKIM signature: DKIM build error {problem}")

    def _problem(self, new: Body) -> str | None:
        """Required properties come first, but not as an answer of their own."""
        missing = validate.violations_of(self.server.tables, "DkimSignature", new)
        if missing:
            details = ", ".join(f"Property '{entry['property']}' is required" for entry in missing)
            return f"(dkim.build-error): reason = DKIM signature validation failed, details = [{details}]"
        try:
            text = secret.resolve(new["privateKey"])
        except secret.Unreadable as error:
            return f"(dkim.build-error): reason = {error}"
        if public_key(new["@type"], text) is not None:
            return None
        if "Rsa" in new["@type"]:
            return "(dkim.build-error): reason = no items found, details = Failed to build RSA key"
        reason = "Cryptography layer error: InvalidEncoding"
        return f"(dkim.build-error): reason = {reason}, details = Failed to build ED25519 key"

    def computed(self, key: str, body: Body, wanted: set[str] | None) -> Body:
        value = _published(body)
        return {"publicKey": value} if value is not None else {}


def _published(body: Body) -> str | None:
    try:
        return public_key(body["@type"], secret.resolve(body["privateKey"]))
    except secret.Unreadable:
        return None


def record(body: Body) -> str:
    """TXT value of a signature's key."""
    algorithm = "rsa" if "Rsa" in body["@type"] else "ed25519"
    return f"v=DKIM1; k={algorithm}; h=sha256; p={_published(body) or ''}"


@lru_cache(maxsize=256)
def public_key(variant: str, pem: str) -> str | None:
    """Base64 of the `p=` value: SubjectPublicKeyInfo for RSA, the 32 bytes for Ed25519; None for a wrong key."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if "Rsa" in variant and isinstance(key, rsa.RSAPrivateKey):
        encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        return base64.b64encode(key.public_key().public_bytes(encoding, form)).decode()
    if "Ed25519" in variant and isinstance(key, ed25519.Ed25519PrivateKey):
        return base64.b64encode(key.public_key().public_bytes_raw()).decode()
    return None


def new_key(variant: str) -> str:
    """PEM as the server makes it: RSA 2048 in PKCS#1, Ed25519 in PKCS#8."""
    if "Rsa" in variant:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return key.private_bytes(_PEM, serialization.PrivateFormat.TraditionalOpenSSL, _PLAIN).decode()
    return ed25519.Ed25519PrivateKey.generate().private_bytes(_PEM, serialization.PrivateFormat.PKCS8, _PLAIN).decode()


def selector(template: str, variant: str) -> str:
    """`v{version}-{algorithm}-{date-%Y%m%d}` -> v1-rsa-20250301. Raises ValueError for an unknown variable."""
    values: dict[str, Any] = {
        "algorithm": "rsa" if "Rsa" in variant else "ed25519",
        "hash": "sha256",
        "version": "2" if variant.startswith("Dkim2") else "1",
        "epoch": str(int(time.time())),
        "random": secrets.token_hex(4),
    }

    def value(match: re.Match[str]) -> str:
        if match[1] == "date" and match[2]:
            return datetime.now(UTC).strftime(match[2])
        if match[1] in values:
            return str(values[match[1]])
        raise ValueError(f"unrecognized variable '{match[0]}'")

    text = _PLACEHOLDER.sub(value, template)
    if "{" in text or "}" in text:
        raise ValueError("Invalid selector template")
    return re.sub(r"[^A-Za-z0-9._-]", "", text)


def new_p256_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, _PLAIN).decode()


def p256_point(pem: str) -> str:
    """Uncompressed public point, base64url without padding."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).decode().rstrip("=")
