"""A message judged as a receiver judges it: real signatures, the DNS of a dict."""

from __future__ import annotations

import base64

import dkim
import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import received
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.probe_messages import (
    _bounced,
    compose,
    group_inbox,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns import rrset
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED = ed25519.Ed25519PrivateKey.generate()


class Dns:
    """Values by name and type."""

    def __init__(self, **texts: str) -> None:
        public = base64.b64encode(
            RSA.public_key().public_bytes(ser.Encoding.DER, ser.PublicFormat.SubjectPublicKeyInfo)
        )
        octets = base64.b64encode(ED.public_key().public_bytes(ser.Encoding.Raw, ser.PublicFormat.Raw))
        self.found = {
            ("acme.test", "MX"): ["10 mail.acme.test."],
            ("mail.acme.test", "A"): ["192.0.2.25"],
            ("acme.test", "TXT"): [self.text("v=spf1 mx -all")],
            ("_dmarc.acme.test", "TXT"): [self.text("v=DMARC1; p=reject; adkim=s; aspf=s")],
            ("r._domainkey.acme.test", "TXT"): [self.text(f"v=DKIM1; k=rsa; h=sha256; p={public.decode()}")],
            ("e._domainkey.acme.test", "TXT"): [self.text(f"v=DKIM1; k=ed25519; h=sha256; p={octets.decode()}")],
        }

    @staticmethod
    def text(text: str) -> str:
        return rrset.txt_value(text.encode())

    def lookup(self, name: str, type_: str) -> list[str]:
        return self.found.get((name.rstrip("."), type_), [])

    def texts(self, name: str) -> list[str]:
        return [rrset.txt_octets(value).decode() for value in self.lookup(name, "TXT")]


def signed() -> bytes:
    raw = compose("probe@acme.test", ["probe@acme.test"], "tenantmail-verify 1", "acme.test")
    pem = RSA.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.TraditionalOpenSSL, ser.NoEncryption())
    seed = base64.b64encode(ED.private_bytes(ser.Encoding.Raw, ser.PrivateFormat.Raw, ser.NoEncryption()))
    first = dkim.sign(raw, b"r", b"acme.test", pem, canonicalize=(b"relaxed", b"relaxed"))
    second = dkim.sign(
        raw, b"e", b"acme.test", seed, signature_algorithm=b"ed25519-sha256", canonicalize=(b"relaxed", b"relaxed")
    )
    return second + first + raw


def faults(raw: bytes, dns: Dns) -> dict[str, bool]:
    return {found.algorithm: bool(found.fault) for found in received.signatures(raw, dns)}


def test_both_kinds_of_signature_verify() -> None:
    assert faults(signed(), Dns()) == {"ed25519-sha256": False, "rsa-sha256": False}
    assert [found.key_type for found in received.signatures(signed(), Dns())] == ["ed25519", "rsa"]


def test_a_changed_message_does_not() -> None:
    assert faults(signed().replace(b"removed at once", b"kept for ever"), Dns()) == {
        "ed25519-sha256": True,
        "rsa-sha256": True,
    }


@pytest.mark.parametrize(
    "text", [None, "v=DKIM1; p=", "no key at all", "v=DKIM1; k=rsa; p=!!", "v=DKIM1; k=ed25519; p=AAAA"]
)
def test_a_key_record_that_is_missing_or_broken_is_a_fault_of_that_signature(text: str | None) -> None:
    dns = Dns()
    dns.found["r._domainkey.acme.test", "TXT"] = [] if text is None else [dns.text(text)]
    assert faults(signed(), dns) == {"ed25519-sha256": False, "rsa-sha256": True}


def test_two_records_for_one_key_are_none() -> None:
    dns = Dns()
    dns.found["e._domainkey.acme.test", "TXT"] *= 2
    assert faults(signed(), dns)["ed25519-sha256"]


@pytest.mark.parametrize(
    ("text", "address", "result"),
    [
        ("v=spf1 mx -all", "192.0.2.25", "pass"),
        ("v=spf1 mx -all", "192.0.2.26", "fail"),
        ("v=spf1 mx ~all", "192.0.2.26", "softfail"),
        ("v=spf1 ip4:192.0.2.25 -all", "192.0.2.25", "pass"),
        ("v=spf1 include:nobody.test -all", "192.0.2.25", "permerror"),
        ("v=spf1 mxx -all", "192.0.2.25", "permerror"),
        ("nothing", "192.0.2.25", "none"),
    ],
)
def test_spf_is_evaluated_with_the_given_dns(text: str, address: str, result: str) -> None:
    dns = Dns()
    dns.found["acme.test", "TXT"] = [dns.text(text)]
    assert received.check_spf(dns, address=address, sender="a@acme.test", helo="mail.acme.test")[0] == result


def test_two_spf_records_are_a_permanent_error() -> None:
    dns = Dns()
    dns.found["acme.test", "TXT"] *= 2
    result, why = received.check_spf(dns, address="192.0.2.25", sender="a@acme.test", helo="mail.acme.test")
    assert (result, "Two or more" in why) == ("permerror", True)


def test_dmarc_needs_one_mechanism_in_alignment() -> None:
    good = received.signatures(signed(), Dns())
    result, _why = received.judge(Dns(), "acme.test", spf=None, signed=good)
    assert result is not None
    assert result.aligned == ("dkim",)
    result, _why = received.judge(Dns(), "acme.test", spf="mail.acme.test", signed=[])
    assert result is not None
    assert (result.passed, result.disposition) == (False, "reject")


def test_without_a_record_no_policy_applies() -> None:
    dns = Dns()
    dns.found["_dmarc.acme.test", "TXT"] = []
    assert received.judge(dns, "acme.test", spf="acme.test", signed=[]) == (None, "0 DMARC records")


# Messages that are read -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["INBOX", "Shared Folders/team@acme.test/INBOX"], "Shared Folders/team@acme.test/INBOX"),
        (["INBOX", "Shared Folders/Team/Inbox"], "Shared Folders/Team/Inbox"),
        (["INBOX", "Shared Folders/other@acme.test/INBOX", "team@acme.test/Sent"], None),
        (["INBOX"], None),
    ],
)
def test_a_groups_inbox_is_found_by_its_address(names: list[str], found: str | None) -> None:
    assert group_inbox(names, "team@acme.test") == found


REPORT = b"""\
From: MAILER-DAEMON@mail.acme.test
Subject: Failed to deliver message
MIME-Version: 1.0
Content-Type: multipart/report; report-type="delivery-status"; boundary="b"

--b
Content-Type: text/plain

It did not work.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns;mail.acme.test

Final-Recipient: rfc822;team@acme.test
Action: failed
Status: 5.5.0
Diagnostic-Code: smtp;550 5.5.0 This account is not authorized
 to receive email.

--b--
"""


def test_a_bounce_is_read_for_its_recipient() -> None:
    assert _bounced(REPORT, "Team@acme.test") == "smtp;550 5.5.0 This account is not authorized to receive email."
    assert _bounced(REPORT, "probe@acme.test") == ""
    assert _bounced(signed(), "probe@acme.test") == ""
