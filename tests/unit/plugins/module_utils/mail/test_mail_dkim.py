"""DKIM key records: reading, writing, comparing, and refusing what no verifier accepts."""

from __future__ import annotations

import base64
import typing as t

import dkim as dkimpy
import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import dkim
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

# Fixed, so that every worker of a test run collects the same tests.
RSA = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnowe/a6encqVchj34bdPpIIvpkIKX1R4Ot+V3BUXkkBjh2h5kzc6YiJ/"
    "yNfE9VizIDpyYdLRNzYm+PWdjN61LbyhkjHtyT6CcVUcqw+NgZ9Jb0LgtBoLleAO72tIEi52xPcoBhnluhZKM9al/P3OuyQ3zG4n"
    "dKWCUW/IIH75T4WIKOhbDagXJDyxXcxuRfzrBI42ffF8rQOLQjTE8CirkHkMMa0CLnDHXdVg3+qQVVCLmjts3FGAQ7Pp+r4tzo9K"
    "nnbXP88IdCLyFII5ITbl51+TQm7KqEguCkzV8NH8zr9YpIsL7JBRrPf/WEV745W9W2Fm6fbfVTz3IJQvNbAvWwIDAQAB"
)
OTHER_RSA = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAkQ13yw2NqR9ULJUH8Nuxuu5gUZn01N2/7JMGrIhYWdJ+CaGo4heDLpwZ"
    "sws19u9H4+h/YF2H7V/4uOi6T4vDGRUhBDCqmpTw5gO+J4yKmsepgzZrmb/G3sQZGjgMhGXMeqKbwJy9VZiiegUOnOSqbTudUwse"
    "TUrbI08Z3Qr9CqOaRVnj9Sl4cDhjhM08+t4LE+QXUu8TJkVwfJHkXQpDiJl6Uv8Bd8Pg4KLDJpnpuMMiVR6jjoHWQfkj9s9+5yb9"
    "kcIoOzLVrNHmrjdJZllpGLi2lehmsm8dQt+JEFr46hyfHkqi64TZl8k9VLNf9+1yw0G0w20ZdLKjBuvNqct6UQIDAQAB"
)
EDWARDS = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
CURVE = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEADoYT90G8KpJ0kWQRHqM/0kL2xB1ZfftgKz39kplhArIWipDrG7M2t/hcWvy7KLO"
    "wadENXNS3mEqcq/ttdc+Hg=="
)
# 512 bits
SHORT_RSA = (
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL6NVycVBG35Q0dEdh0v+eWf37ACf25qve4eDIZNY+nRXN/zApxR2ZrK7t2OnWfmVBxj"
    "O/F1UtgYc/G/9/bQHccCAwEAAQ=="
)
RSA_KEY = t.cast(RSAPublicKey, load_der_public_key(base64.b64decode(RSA)))
RSA_PKCS1 = base64.b64encode(RSA_KEY.public_bytes(Encoding.DER, PublicFormat.PKCS1)).decode()


@pytest.mark.parametrize(("key_type", "key", "bits"), [("rsa", RSA, 2048), ("ed25519", EDWARDS, 256)])
def test_what_is_composed_is_parsed(key_type: str, key: str, bits: int) -> None:
    text = dkim.compose(key_type, key)
    assert text == f"v=DKIM1; k={key_type}; h=sha256; p={key}"
    record = dkim.parse(text)
    assert (record.key_type, record.bits, record.sha256, record.revoked) == (key_type, bits, True, False)


def test_an_independent_verifier_reads_the_record() -> None:
    text = dkim.compose("rsa", RSA)
    public, size, found_type, _report = dkimpy.load_pk_from_dns(
        b"s._domainkey.acme.test.", dnsfunc=lambda _name, timeout=5: text.encode()
    )
    assert found_type == b"rsa"
    assert size == dkim.parse(text).bits
    assert public["modulus"] == RSA_KEY.public_numbers().n


def test_the_example_of_rfc_8463() -> None:
    record = dkim.parse("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    assert record.key.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


@pytest.mark.parametrize(
    "text",
    [
        f"v=DKIM1; k=rsa; h=sha256; p={RSA}",
        f"v=DKIM1;p={RSA};",
        f"p={RSA}",
        f" v=DKIM1 ; t=y:s ; s=email ; n=a note ; p= {RSA[:100]} {RSA[100:]} ",
        f"v=DKIM1; k=RSA; p={RSA_PKCS1}",
        f"v=DKIM1; h=sha1:sha256; p={RSA}",
    ],
)
def test_many_ways_to_write_one_key(text: str) -> None:
    assert dkim.compare([text], dkim.compose("rsa", RSA)) == ("match", "")


@pytest.mark.parametrize(
    ("published", "verdict", "reason"),
    [
        ([], "missing", "no key record"),
        ([f"p={OTHER_RSA}"], "conflict", "another rsa key"),
        ([f"k=ed25519; p={EDWARDS}"], "conflict", "another ed25519 key"),
        ([f"p={RSA}", f"p={OTHER_RSA}"], "conflict", "2 records"),
        ([f"p={RSA}; h=sha1"], "conflict", "another rsa key"),
        (["v=DKIM1; p="], "conflict", "revoked"),
        (["v=DKIM1; p=<key>"], "conflict", "placeholder"),
        (["hello"], "conflict", "no tag=value"),
        ([f"p={RSA}", f"p={RSA}"], "match", ""),
    ],
)
def test_compare(published: list[str], verdict: str, reason: str) -> None:
    found, why = dkim.compare(published, dkim.compose("rsa", RSA))
    assert found == verdict
    assert reason in why


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the tag p"),
        ("v=DKIM1; k=rsa", "the tag p"),
        (f"v=DKIM2; p={RSA}", "v=DKIM1"),
        (f"p={RSA}; v=DKIM1", "v=DKIM1"),
        (f"v=DKIM1; k=dsa; p={RSA}", "k=dsa"),
        (f"v=DKIM1; s=other; p={RSA}", "does not allow mail"),
        (f"v=DKIM1; p={RSA}; p={RSA}", "stands twice"),
        (f"v=DKIM1;; p={RSA}", "no tag=value"),
        ("v=DKIM1; k=rsa; p=Zm9v*", "no base64"),
        ("v=DKIM1; k=rsa; p=Zm9vYmFy", "no RSA public key"),
        (f"v=DKIM1; k=rsa; p={EDWARDS}", "no RSA public key"),
        (f"v=DKIM1; k=rsa; p={CURVE}", "another type"),
        (f"v=DKIM1; k=ed25519; p={RSA}", "an Ed25519 key has 32"),
    ],
)
def test_what_no_verifier_accepts_is_refused(text: str, reason: str) -> None:
    with pytest.raises(dkim.KeyRecordError, match=reason.replace("(", r"\(")) as caught:
        dkim.parse(text)
    assert not isinstance(caught.value, dkim.PlaceholderError)


def test_a_short_rsa_key_is_refused() -> None:
    with pytest.raises(dkim.KeyRecordError, match="512 bits is too short"):
        dkim.parse(f"v=DKIM1; p={SHORT_RSA}")


@pytest.mark.parametrize(
    "key",
    [
        "<public key>",
        "<base64>",
        "...",
        "MIIBIjANBg...",
        "PLACEHOLDER",
        "changeme",
        "YOUR_PUBLIC_KEY",
        "TODO",
        "{{ dkim_key }}",
        "$DKIM_KEY",
        "insert-key-here",
        "xxxxxxxx",
    ],
)
@pytest.mark.parametrize("key_type", ["rsa", "ed25519"])
def test_placeholders_are_refused(key: str, key_type: str) -> None:
    with pytest.raises(dkim.PlaceholderError, match="placeholder"):
        dkim.compose(key_type, key)


@pytest.mark.parametrize(
    ("selector", "name"),
    [
        ("v1-rsa-20261123", "v1-rsa-20261123._domainkey.acme.test."),
        ("S1", "s1._domainkey.acme.test."),
        ("a.b", "a.b._domainkey.acme.test."),
        ("under_score", "under_score._domainkey.acme.test."),
    ],
)
def test_record_name(selector: str, name: str) -> None:
    assert dkim.record_name(selector, "acme.test") == name


@pytest.mark.parametrize("selector", ["", "a b", "a..b", "-a", "ä", "a" * 64, "a;b"])
def test_bad_selectors(selector: str) -> None:
    with pytest.raises(dkim.KeyRecordError, match="selector"):
        dkim.record_name(selector, "acme.test")


@pytest.mark.parametrize("selector", ["<selector>", "{{ selector }}", "$SELECTOR"])
def test_placeholder_selectors(selector: str) -> None:
    with pytest.raises(dkim.PlaceholderError):
        dkim.record_name(selector, "acme.test")
