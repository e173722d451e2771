"""TLS Secrets as a cluster holds them."""

from __future__ import annotations

import base64
import datetime
import functools
from typing import Any

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.certificate import LABEL, LABEL_VALUE
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "mail.acme.test"


@functools.cache
def key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def certificate(*names: str, days: float = 90, since: float = -1, issuer: str = "self", of: str = "self") -> bytes:
    """PEM. :param issuer: whose key signs it. :param of: whose key it is for."""
    now = datetime.datetime.now(datetime.timezone.utc)
    built = (
        x509.CertificateBuilder()
        .subject_name(_name(of))
        .issuer_name(_name(issuer))
        .public_key(key(of).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=since))
        .not_valid_after(now + datetime.timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key(issuer), hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


def pem(name: str) -> bytes:
    """PEM of a private key."""
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key(name).private_bytes(serialization.Encoding.PEM, *form)


def secret(crt: bytes = b"", tls_key: bytes | None = None, *, own: bool = True, **annotations: str) -> dict[str, Any]:
    data = {"tls.crt": crt, "tls.key": pem("self") if tls_key is None else tls_key}
    return {
        "metadata": {
            "name": "stalwart-tls",
            "labels": {LABEL: LABEL_VALUE} if own else {},
            "annotations": annotations,
        },
        "type": "kubernetes.io/tls",
        "data": {name: base64.b64encode(value).decode() for name, value in data.items()},
    }
