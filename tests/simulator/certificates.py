"""Certificates: what is read from them at write time, and what their reload makes of them (contract 4.9 and 11.20)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from . import formats, secret, tls
from .behaviour import Behaviour, Body
from .errors import SetError

_NO_PEM = "Cryptographic error: No certificates found in PEM"


@dataclass
class Load:
    """:param problems: reason by the id of the certificate that is not shown for it."""

    loaded: tls.Loaded = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


class Certificates(Behaviour):
    def prepare(self, old: Body | None, new: Body, given: Body) -> None:
        if old is not None and old["certificate"] == new["certificate"]:
            return
        try:
            new.update(_facts(_leaf(secret.resolve(new["certificate"]))))
        except (secret.Unreadable, ValueError) as error:
            raise _invalid(f"Failed to read certificate: {error}") from None

    def load(self) -> Load:
        """All that can be shown now. Files are read anew, what is stored about them is refreshed, expired ones are deleted."""
        result, until, now = Load(), dict[str, str](), formats.now()
        default = self.server.registry.singleton("SystemSettings")["defaultCertificateId"]
        for key, body in self.server.store.all("Certificate").items():
            try:
                chain = secret.resolve(body["certificate"])
            except secret.Unreadable as error:
                result.problems[key] = f"Failed to obtain certificate value: {error}"
                continue
            try:
                facts = _facts(_leaf(chain))
            except ValueError as error:
                result.problems[key] = f"Invalid certificate: {error}"
                continue
            if facts["notValidAfter"] <= now:
                if not self.server.registry.links_to("Certificate", key):
                    self.server.store.remove("Certificate", key)
                continue
            if facts["notValidBefore"] > now:
                continue
            try:
                shown = tls.pem(chain, secret.resolve(body["privateKey"]))
            except secret.Unreadable as error:
                result.problems[key] = f"Failed to obtain private key secret: {error}"
                continue
            except ValueError as error:
                result.problems[key] = f"Invalid certificate: {error}"
                continue
            if any(body[name] != value for name, value in facts.items()):
                self.server.registry.replace("Certificate", key, body | facts)
            for name in (*facts["subjectAlternativeNames"], *(["*"] if key == default else [])):
                if until.get(name, "") < facts["notValidAfter"]:
                    until[name] = facts["notValidAfter"]
                    result.loaded[name.removeprefix("*.")] = shown
        return result


def _leaf(chain: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(chain.encode())[0]
    except ValueError:
        raise ValueError(_NO_PEM) from None


def _facts(certificate: x509.Certificate) -> dict[str, Any]:
    return {
        "subjectAlternativeNames": dict.fromkeys(tls.names(certificate), True),
        "notValidBefore": _date(certificate.not_valid_before_utc),
        "notValidAfter": _date(certificate.not_valid_after_utc),
        "issuer": certificate.issuer.rfc4514_string(),
    }


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _invalid(description: str) -> SetError:
    return SetError("invalidProperties", description, properties=["certificate"])
