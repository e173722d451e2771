"""What certificates of several ports come to, by services and their DER."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.checks import NotApplicable, Wrong
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.probe_certificate import judge
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.datetime(2026, 11, 30, tzinfo=datetime.timezone.utc)
KEY = ec.generate_private_key(ec.SECP256R1())
HOST = "mail.acme.test"


def certificate(*names: str, issuer: str = "CA", subject: str = "leaf", days: int = 30, san: bool = True) -> bytes:
    subject_, issuer_ = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (subject, issuer))
    builder = x509.CertificateBuilder(issuer_, subject_, KEY.public_key(), x509.random_serial_number())
    begin, end = sorted((NOW - datetime.timedelta(days=1), NOW + datetime.timedelta(days=days)))
    builder = builder.not_valid_before(begin).not_valid_after(end)
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def ask(served: t.Mapping[str, bytes], *, trusted: bool = False) -> tuple[str, list[str]]:
    verified: list[str] = []
    return judge(served, HOST, trusted=trusted, now=NOW, verify=verified.append), verified


GOOD, SELF = certificate(HOST), certificate("localhost", issuer="own", subject="own")


def test_one_certificate_is_judged_and_verified_once() -> None:
    told, verified = ask(dict.fromkeys(("submissions", "submission", "imaps"), GOOD), trusted=True)
    assert told == f"submissions, submission, imaps: issued by CN=CA, for {HOST}, until 2026-12-30"
    assert verified == ["submissions"]


def test_a_self_signed_one_passes_until_another_is_configured() -> None:
    told, verified = ask({"imaps": SELF})
    assert told.startswith("imaps: self-signed (no issuer is configured)")
    assert verified == []


@pytest.mark.parametrize(
    ("der", "cause"),
    [
        (SELF, "certificate_self_signed"),
        (certificate("mail.other.test"), "certificate_other_name"),
        (certificate("*.test"), "certificate_other_name"),
        (certificate(HOST, days=-10), "certificate_expired"),
        (certificate(subject=HOST, san=False), "certificate_other_name"),
    ],
)
def test_the_port_that_differs_is_named(der: bytes, cause: str) -> None:
    with pytest.raises(Wrong) as raised:
        ask({"submissions": GOOD, "submission": der, "imap": der}, trusted=True)
    assert raised.value.cause == cause
    assert raised.value.observed.startswith("submission, imap: ")


@pytest.mark.parametrize("der", [certificate("*.acme.test"), certificate("x", HOST)])
def test_names(der: bytes) -> None:
    assert ask({"imaps": der})[0].startswith("imaps: issued by")


def test_without_a_port_there_is_nothing_to_judge() -> None:
    with pytest.raises(NotApplicable):
        ask({})
