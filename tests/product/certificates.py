"""A private certification authority for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def new_chain(host: str) -> tuple[str, str, str]:
    """PEM of a CA's certificate, of one that it issues for a host, and of that one's key."""
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _builder("A private CA", "A private CA", authority.public_key())
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    root = root.add_extension(x509.BasicConstraints(True, 0), critical=True).add_extension(usage, critical=True)
    leaf = _builder(host, "A private CA", own.public_key())
    leaf = leaf.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key = own.private_bytes(serialization.Encoding.PEM, form, plain).decode()
    pem = [
        builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) for builder in (root, leaf)
    ]
    return pem[0].decode(), pem[1].decode(), key


def _builder(name: str, issuer: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    named = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, issuer)]
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(named[1], named[0], key, x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )
