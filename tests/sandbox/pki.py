# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's own certificate authority and the certificates it issues (RFC 5280)."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .files import write

CA_LIFETIME = datetime.timedelta(days=3650)
LEAF_LIFETIME = datetime.timedelta(days=397)
RENEW_BEFORE = datetime.timedelta(days=30)


@dataclass(frozen=True)
class Pair:
    """A certificate (PEM) and its private key (PEM, readable by the owner only)."""

    certificate: Path
    key: Path


class Authority:
    """Issues server and client certificates into one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca = Pair(folder / "ca.crt", folder / "ca.key")

    def ensure(self) -> None:
        """Make the authority unless it exists."""
        if self.ca.certificate.exists() and self.ca.key.exists():
            return
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tenantmail sandbox CA")])
        now = _now()
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + CA_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(identifier, critical=False)
            .sign(key, hashes.SHA256())
        )
        write(self.ca.key, _private(key), 0o600)
        write(self.ca.certificate, certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, name: str, addresses: Sequence[str], names: Sequence[str] = ()) -> Pair:
        """Certificate of a server for IP `addresses` and DNS `names`."""
        alternatives: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(text)) for text in addresses]
        alternatives += [x509.DNSName(text) for text in names]
        return self._issue(
            name, name, (), alternatives, [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        )

    def client(self, name: str, common_name: str, organizations: Sequence[str] = ()) -> Pair:
        """Certificate of a client; Kubernetes reads user and groups from common name and organizations."""
        return self._issue(name, common_name, organizations, [], [ExtendedKeyUsageOID.CLIENT_AUTH])

    def _issue(
        self,
        name: str,
        common_name: str,
        organizations: Sequence[str],
        alternatives: Sequence[x509.GeneralName],
        usages: Sequence[x509.ObjectIdentifier],
    ) -> Pair:
        pair = Pair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        subject = x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, text) for text in organizations]
            + [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        )
        authority = x509.load_pem_x509_certificate(self.ca.certificate.read_bytes())
        if _still_good(pair, authority, subject, alternatives):
            return pair
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(subject, key.public_key(), alternatives, usages)
        write(pair.key, _private(key), 0o600)
        write(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM))
        return pair

    def sign(self, request: bytes) -> bytes:
        """The certificate (PEM) of a server that asks for it with a PKCS #10 request (PEM; RFC 2986)."""
        asked = x509.load_pem_x509_csr(request)
        key = asked.public_key()
        assert isinstance(key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey))
        names = list(asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
        certificate = self._certificate(asked.subject, key, names, [ExtendedKeyUsageOID.SERVER_AUTH])
        return certificate.public_bytes(serialization.Encoding.PEM)

    def _certificate(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
        alternatives: Sequence[x509.GeneralName],
        usages: Sequence[x509.ObjectIdentifier],
    ) -> x509.Certificate:
        authority = x509.load_pem_x509_certificate(self.ca.certificate.read_bytes())
        signer = serialization.load_pem_private_key(self.ca.key.read_bytes(), password=None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        now = _now()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + LEAF_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return builder.sign(signer, hashes.SHA256())


def signing_key(private: Path, public: Path) -> None:
    """RSA key pair by which the API server signs service account tokens, made unless it exists."""
    if private.exists() and public.exists():
        return
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    write(private, _private(key), 0o600)
    write(
        public,
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    )


def _still_good(
    pair: Pair, authority: x509.Certificate, subject: x509.Name, alternatives: Sequence[x509.GeneralName]
) -> bool:
    if not (pair.certificate.exists() and pair.key.exists()):
        return False
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # cryptography raises ValueError, TypeError or InvalidSignature: not ours in any case
        return False
    try:
        found = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        found = []
    return (
        certificate.subject == subject
        and found == list(alternatives)
        and certificate.not_valid_after_utc - RENEW_BEFORE > _now()
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    # PKCS#8: the one form that Go, Java and OpenSSL all read.
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)
