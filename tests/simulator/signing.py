"""DKIM signatures of outgoing mail, with the server's own keys (contract 4.2 and 11.19)."""

from __future__ import annotations

import base64
import logging
from functools import lru_cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

import dkim as dkimpy  # type: ignore[import-untyped]

from .mta import Signature

__all__ = ["Signature", "signed"]

log = logging.getLogger("simulator.dkim")


def signed(message: bytes, signatures: list[Signature]) -> bytes:
    """The message with a header for every key, each over what the client and the server wrote."""
    return b"".join(_header(message, signature) for signature in signatures) + message


def _header(message: bytes, signature: Signature) -> bytes:
    headers, _, body = signature.canonicalization.partition("/")
    ed25519_key = "Ed25519" in signature.variant
    try:
        return bytes(
            dkimpy.sign(
                message,
                signature.selector.encode(),
                signature.domain.encode(),
                _key(signature.private_key),
                identity=signature.identity.encode() if signature.identity else None,
                canonicalize=(headers.encode(), body.encode()),
                signature_algorithm=b"ed25519-sha256" if ed25519_key else b"rsa-sha256",
                include_headers=[name.encode() for name in signature.headers],
            )
        )
    except (dkimpy.DKIMException, ValueError) as error:
        log.error("Failed to sign message with %s._domainkey.%s: %s", signature.selector, signature.domain, error)
        return b""


@lru_cache(maxsize=256)
def _key(pem: str) -> bytes:
    """As dkimpy takes it: PKCS#1 for RSA, the seed for Ed25519. Raises ValueError."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return base64.b64encode(key.private_bytes_raw())
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("neither an RSA nor an Ed25519 key")
    form, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, plain)
