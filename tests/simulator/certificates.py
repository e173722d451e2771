"""Certificates: what is read from them at write time (contract 4.9 and 11.20)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from . import formats, secret
from .behaviour import Behaviour, Body
from .errors import SetError


class Certificates(Behaviour):
    def prepare(self, old: Body | None, new: Body, given: Body) -> None:
        if old is not None and old["certificate"] == new["certificate"]:
            return
        try:
            certificate = x509.load_pem_x509_certificates(secret.resolve(new["certificate"]).encode())[0]
        except secret.Unreadable as error:
            raise _invalid(f"Failed to read certificate: {error}") from None
        except ValueError:
            raise _invalid("Failed to read certificate: Cryptographic error: No certificates found in PEM") from None
        new.update(_facts(certificate))

    def remove_expired(self) -> None:
        """Loading certificates deletes the expired ones."""
        now = formats.now()
        for key, body in self.server.store.all("Certificate").items():
            if body["notValidAfter"] < now and not self.server.registry.links_to("Certificate", key):
                self.server.store.remove("Certificate", key)


def _facts(certificate: x509.Certificate) -> dict[str, Any]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        alternatives = [str(name.value) for name in names]
    except x509.ExtensionNotFound:
        alternatives = []
    return {
        "subjectAlternativeNames": dict.fromkeys(alternatives, True),
        "notValidBefore": _date(certificate.not_valid_before_utc),
        "notValidAfter": _date(certificate.not_valid_after_utc),
        "issuer": certificate.issuer.rfc4514_string(),
    }


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _invalid(description: str) -> SetError:
    return SetError("invalidProperties", description, properties=["certificate"])
