# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DKIM key records: parse, compose, and compare the key in DNS with the key the server signs with.

RFC 6376 section 3.2 (tag lists) and 3.6 (key records), RFC 8301 (RSA key sizes), RFC 8463 (Ed25519).
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
import traceback
import typing as t

CRYPTOGRAPHY_IMPORT_ERROR: str | None
try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

    CRYPTOGRAPHY_IMPORT_ERROR = None
except ImportError:
    CRYPTOGRAPHY_IMPORT_ERROR = traceback.format_exc()

KEY_TYPES = ("rsa", "ed25519")
#: RFC 8301 section 3.2: verifiers must not accept less.
MIN_RSA_BITS = 1024
#: Octets of an Ed25519 public key (RFC 8032 section 5.1.5).
ED25519_OCTETS = 32

_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_SELECTOR_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?\Z")
#: What people leave where the key belongs.
_PLACEHOLDER = re.compile(
    r"[<>{}$…]|\.\.\.|placeholder|change[ _-]?me|replace|todo|xxx|insert|your|example|public[ _-]?key|pubkey", re.I
)


class KeyRecordError(ValueError):
    """A text is no usable DKIM key record; the message says why."""


class PlaceholderError(KeyRecordError):
    """A placeholder stands where the key belongs."""


@dataclasses.dataclass(frozen=True)
class KeyRecord:
    """What a key record says.

    :param key_type: ``rsa`` or ``ed25519``.
    :param key: the public key in one form per type (SubjectPublicKeyInfo DER, the 32 octets); empty when it is revoked.
    :param hashes: accepted hash algorithms; empty stands for all of them.
    :param bits: size of an RSA key; 256 for Ed25519; 0 when revoked.
    """

    key_type: str
    key: bytes = dataclasses.field(repr=False)
    hashes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    bits: int = 0

    @property
    def revoked(self) -> bool:
        """The record says that the key must not be used any more (empty ``p=``)."""
        return not self.key

    def same_key(self, other: KeyRecord) -> bool:
        """Whether both verify the same signatures, however they are written."""
        return (self.key_type, self.key) == (other.key_type, other.key) and self.sha256 == other.sha256

    @property
    def sha256(self) -> bool:
        """Whether signatures with SHA-256, the only ones the server makes, are accepted."""
        return not self.hashes or "sha256" in self.hashes


def parse(text: str) -> KeyRecord:
    """A key record from its text.

    :param text: the TXT record's strings, joined.
    :raises PlaceholderError: when a placeholder stands where the key belongs.
    :raises KeyRecordError: for anything else that a verifier would not accept.
    """
    tags = _tags(text)
    if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and next(iter(tags)) != "v"):
        raise KeyRecordError("a key record begins with v=DKIM1 (RFC 6376 section 3.6.1)")
    if "p" not in tags:
        raise KeyRecordError("the tag p with the public key is missing")
    key_type = tags.get("k", "rsa").lower()
    if key_type not in KEY_TYPES:
        raise KeyRecordError(f"k={key_type} is unknown; accepted are {', '.join(KEY_TYPES)}")
    services = _list(tags.get("s", "*"))
    if not {"*", "email"} & set(services):
        raise KeyRecordError(f"s={tags['s']} does not allow mail")
    key, bits = _public_key(key_type, tags["p"])
    return KeyRecord(key_type, key, _list(tags.get("h", "").lower()), _list(tags.get("t", "")), bits)


def compose(key_type: str, public_key: str) -> str:
    """The key record's text, in the form the server itself proposes (contract 4.2).

    :param public_key: base64.
    :raises KeyRecordError: as :func:`parse`.
    """
    text = f"v=DKIM1; k={key_type}; h=sha256; p={''.join(public_key.split())}"
    parse(text)
    return text


def record_name(selector: str, domain: str) -> str:
    """``<selector>._domainkey.<domain>.`` (RFC 6376 section 3.6.2.1).

    :raises PlaceholderError: when the selector is one.
    :raises KeyRecordError: when the selector is no list of labels.
    """
    labels = selector.lower().split(".")
    if not all(_SELECTOR_LABEL.match(label) and len(label) <= 63 for label in labels):
        if re.search(r"[<>{}$…]", selector):
            raise PlaceholderError(f"the selector {selector!r} is a placeholder; give the server's own selector")
        raise KeyRecordError(f"{selector!r} is no selector; accepted are labels of letters, digits, - and _")
    return f"{'.'.join(labels)}._domainkey.{domain}."


def compare(published: t.Sequence[str], expected: str) -> tuple[str, str]:
    """What DNS holds against the record of the key that the server signs with.

    :param published: every TXT text at the key's name.
    :param expected: the record made from the server's key.
    :returns: verdict (``match``, ``missing`` or ``conflict``) and the reason, empty for a match.
    :raises KeyRecordError: when ``expected`` itself is no key record.
    """
    wanted = parse(expected)
    if not published:
        return "missing", "no key record is published"
    if len(set(published)) > 1:
        # RFC 6376 section 3.6.2.2: the result of more than one record is undefined.
        return "conflict", f"{len(published)} records stand at the name of one key"
    try:
        found = parse(published[0])
    except KeyRecordError as exc:
        return "conflict", str(exc)
    if found.revoked:
        return "conflict", "the published key is revoked (empty p=)"
    if not found.same_key(wanted):
        return "conflict", f"another {found.key_type} key is published"
    return "match", ""


def _tags(text: str) -> dict[str, str]:
    tags: dict[str, str] = {}
    parts = text.split(";")
    if not parts[-1].strip():
        parts.pop()
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or not _TAG_NAME.match(name):
            raise KeyRecordError(f"{part.strip()!r} is no tag=value (RFC 6376 section 3.2)")
        if name in tags:
            raise KeyRecordError(f"the tag {name} stands twice")
        tags[name] = value.strip()
    return tags


def _list(value: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in value.split(":") if item.strip())


def _public_key(key_type: str, value: str) -> tuple[bytes, int]:
    if not value:
        return b"", 0
    try:
        octets = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _unusable(value, "p is no base64") from None
    if key_type == "ed25519":
        if len(octets) != ED25519_OCTETS:
            raise _unusable(value, f"p holds {len(octets)} octets; an Ed25519 key has {ED25519_OCTETS} (RFC 8463)")
        return octets, 8 * ED25519_OCTETS
    return _rsa(octets, value)


def _rsa(octets: bytes, value: str) -> tuple[bytes, int]:
    if CRYPTOGRAPHY_IMPORT_ERROR is not None:
        raise KeyRecordError("the Python library cryptography is needed to read an RSA key (pip install cryptography)")
    try:
        key = load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm):
        raise _unusable(value, "p is no RSA public key in DER") from None
    if not isinstance(key, RSAPublicKey):
        raise KeyRecordError("p is a key of another type than k says")
    if key.key_size < MIN_RSA_BITS:
        raise KeyRecordError(f"an RSA key of {key.key_size} bits is too short; at least {MIN_RSA_BITS} (RFC 8301)")
    # SubjectPublicKeyInfo and PKCS#1 are both in use; one form makes them comparable.
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), key.key_size


def _unusable(value: str, why: str) -> KeyRecordError:
    if _PLACEHOLDER.search(value):
        shown = value if len(value) <= 40 else value[:40] + "…"
        return PlaceholderError(f"{shown!r} is a placeholder where the public key belongs; use the server's own key")
    return KeyRecordError(why)
