from __future__ import annotations

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tls import covers, self_signed
from cryptography import x509

#: Self-signed, on the curve secp112r1, which the library does not know.
ODD = b"""-----BEGIN CERTIFICATE-----
MIIBJjCB8qADAgECAhRfMRFsvivNiWQGesff07XASE75HTAKBggqhkjOPQQDAjAO
MQwwCgYDVQQDDANvZGQwIBcNMjYxMjAxMDQwMTA1WhgPMjEyNjExMDcwNDAxMDVa
MA4xDDAKBgNVBAMMA29kZDAyMBAGByqGSM49AgEGBSuBBAAGAx4ABIuUSDtN8FLb
wTnXDBfXVXgWZg7Im6mRzy+ZHwKjUzBRMB0GA1UdDgQWBBSMF1eowcUvuFJ7hhVa
wdS/DBpRBTAfBgNVHSMEGDAWgBSMF1eowcUvuFJ7hhVawdS/DBpRBTAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCAyMAMCACDhqMsmBTyE+qq/lDGUJJAg5Xsdb8
SISZI4p4c+PEYw==
-----END CERTIFICATE-----
"""


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("mail.acme.test", "mail.acme.test"),
        ("MAIL.acme.test.", "mail.ACME.test"),
        ("*.acme.test", "mail.acme.test"),
    ],
)
def test_a_name_covers_a_host(name: str, host: str) -> None:
    assert covers(["other.test", name], host)


@pytest.mark.parametrize("host", ["a.mail.acme.test", "acme.test", "mail.other.test"])
def test_a_wildcard_stands_for_one_label(host: str) -> None:
    assert not covers(["*.acme.test"], host)


def test_a_signature_that_cannot_be_checked_vouches_for_nothing() -> None:
    assert not self_signed(x509.load_pem_x509_certificate(ODD))
