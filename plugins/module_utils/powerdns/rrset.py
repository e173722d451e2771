# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Normal forms of names, TTLs and values: two record sets are equal exactly when their normal forms are.

Names are absolute, lower case (RFC 4343) and escaped the way PowerDNS writes them; values are canonical rdata
(RFC 4034 section 6.2, with names in lower case for every type) in presentation form. A TXT value is its octets: the borders between its character strings carry
no meaning for SPF (RFC 7208 section 3.3), DKIM (RFC 6376 section 3.6.2.2) and DMARC, so they are joined and split anew.
"""

from __future__ import annotations

import re
import struct
import traceback
import typing as t

DNSPYTHON_IMPORT_ERROR: str | None
try:
    import dns.exception
    import dns.name
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    DNSPYTHON_IMPORT_ERROR = None
except ImportError:
    DNSPYTHON_IMPORT_ERROR = traceback.format_exc()

#: Octets of one character string (RFC 1035 section 3.3).
STRING_OCTETS = 255
#: Octets of one rdata: RDLENGTH has 16 bits (RFC 1035 section 3.2.1).
RDATA_OCTETS = 65535
#: Octets of text that fit: each string costs one octet more than it holds.
TXT_OCTETS = RDATA_OCTETS - RDATA_OCTETS // (STRING_OCTETS + 1) - 1
#: RFC 2181 section 8.
MAX_TTL = 2**31 - 1

#: Types whose presentation form PowerDNS and dnspython agree on (tested against a real server).
TYPES = (
    "A",
    "AAAA",
    "CAA",
    "CNAME",
    "DNAME",
    "DS",
    "MX",
    "NAPTR",
    "NS",
    "OPENPGPKEY",
    "PTR",
    "SMIMEA",
    "SRV",
    "SSHFP",
    "TLSA",
    "TXT",
    "URI",
)
#: Types that have at most one value (RFC 2181 section 10.1, RFC 6672 section 2.4).
SINGLE_VALUE = ("CNAME", "DNAME")
#: Types whose value is one name and nothing else.
_ONE_NAME = ("CNAME", "DNAME", "NS", "PTR")
#: What a target is made of: a host name (RFC 1123 section 2.1, RFC 2181 section 10.3, RFC 2782), which PowerDNS insists
#: on, or for NAPTR the name of an SRV record.
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+\Z")
_SERVICE = re.compile(r"(?:[a-z0-9_](?:[a-z0-9-]*[a-z0-9])?\.)+\Z")
_TARGET = {"MX": _HOST, "NAPTR": _SERVICE, "NS": _HOST, "SRV": _HOST}
#: Where the name stands in rdata of more than one field; in presentation form it is the last one.
_NAME_FIELD = {"MX": "exchange", "NAPTR": "replacement", "SRV": "target"}

#: A character string in presentation form (RFC 1035 section 5.1), unrolled so that matching takes linear time.
_STRING_BODY = rb'[^"\\]*(?:\\(?:[0-9]{3}|[^0-9])[^"\\]*)*'
_STRING = re.compile(rb'"(' + _STRING_BODY + rb')"', re.DOTALL)
_QUOTED = re.compile(rb'(?:[ \t]*"' + _STRING_BODY + rb'")+[ \t]*\Z', re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-9]{3}|.)", re.DOTALL)
#: What each octet looks like inside a quoted string.
_TXT_TEXT = tuple(
    "\\" + chr(octet) if octet in b'"\\' else chr(octet) if 0x20 <= octet < 0x7F else f"\\{octet:03d}"
    for octet in range(256)
)

_PLACEHOLDER = re.compile(r"<[^<>\s][^<>]*>")


class NormalFormError(ValueError):
    """A name, TTL or value that is not acceptable; the text says why and what is accepted."""


class PlaceholderError(NormalFormError):
    """A value that still holds ``<…>``."""


def check_placeholder(text: str) -> str:
    """Refuse text that still holds a placeholder such as ``<public-key>``.

    :raises PlaceholderError: naming the placeholder.
    """
    found = _PLACEHOLDER.search(text)
    if found:
        raise PlaceholderError(f"{found.group(0)!r} is a placeholder; give the value itself")
    return text


def canonical_name(text: str) -> str:
    """The absolute lower-case form, with its trailing dot; every name is taken as absolute.

    :raises NormalFormError: for an empty label, a label over 63 or a name over 255 octets (RFC 1035 section 2.3.4), or
        characters outside ASCII.
    """
    if not text.isascii():
        raise NormalFormError(f"{text!r} is not ASCII; give the IDNA A-label form (xn--…)")
    if not text or text == "@" or any(character.isspace() for character in text):
        raise NormalFormError(f"{text!r} is no absolute domain name")
    try:
        name = dns.name.from_text(text, dns.name.root)
    except (dns.exception.DNSException, ValueError, struct.error) as exc:
        raise NormalFormError(f"{text!r} is no domain name: {exc}") from None
    return _name_text(name)


def _name_text(name: dns.name.Name) -> str:
    """Presentation form with the escapes PowerDNS writes: it refuses content in any other form."""
    labels = name.canonicalize().labels
    return ".".join("".join(map(_name_octet, label)) for label in labels[:-1]) + "."


def _name_octet(octet: int) -> str:
    if octet in b".\\":
        return "\\" + chr(octet)
    return chr(octet) if 0x20 < octet < 0x7F else f"\\{octet:03d}"


def is_below(name: str, zone: str) -> bool:
    """Whether the canonical ``name`` is the canonical ``zone`` or lies below it."""
    return dns.name.from_text(name).is_subdomain(dns.name.from_text(zone))


def check_type(type_: str) -> str:
    """The type in upper case.

    :raises NormalFormError: for a type that is not in :data:`TYPES`.
    """
    upper = type_.upper()
    if upper not in TYPES:
        raise NormalFormError(f"type {type_!r} is not managed; accepted are {', '.join(TYPES)}")
    return upper


def check_ttl(ttl: int) -> int:
    """:raises NormalFormError: outside of 0 … 2147483647 seconds (RFC 2181 section 8)."""
    if not 0 <= ttl <= MAX_TTL:
        raise NormalFormError(f"ttl {ttl} is out of range; accepted is 0 to {MAX_TTL} seconds")
    return ttl


def canonical_value(type_: str, value: str) -> str:
    """The normal form of one value in presentation form.

    :param type_: one of :data:`TYPES`.
    :param value: presentation form; TXT may also be plain text (see :func:`txt_octets`). Names are taken as absolute.
    :raises NormalFormError: for a value that does not follow the type's syntax.
    """
    if type_ == "TXT":
        return txt_value(txt_octets(value))
    if type_ in _ONE_NAME:
        name = canonical_name(value)
        _check_host(type_, value, name)
        return name
    if "\n" in value or "\r" in value:
        raise NormalFormError(f"{value!r} is no {type_} value: it holds a line break")
    if type_ in _NAME_FIELD and "@" in value.split():
        raise NormalFormError(f"{value!r} is no {type_} value: '@' has no meaning without an origin")
    try:
        rdata = dns.rdata.from_text("IN", type_, value, origin=dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError, TypeError, struct.error) as exc:
        raise NormalFormError(f"{value!r} is no {type_} value: {exc}") from None
    if type_ in _NAME_FIELD:
        field = _NAME_FIELD[type_]
        name = _name_text(getattr(rdata, field))
        _check_host(type_, value, name)
        # With the root in its place the text ends in "."; what stands before it has no names.
        return rdata.replace(**{field: dns.name.root}).to_text()[:-1] + name
    text = rdata.to_text(chunksize=0)
    if type_ == "AAAA" and "." in text:
        raise NormalFormError(f"{value!r} embeds an IPv4 address; give that one as an A record")
    return text


def _check_host(type_: str, value: str, target: str) -> None:
    if type_ in _TARGET and not (target == "." or _TARGET[type_].match(target)):
        raise NormalFormError(f"{value!r} is no {type_} value: its target is no host name")


def canonical_values(type_: str, values: t.Iterable[str]) -> tuple[str, ...]:
    """The normal forms, sorted, each once: order and repetition carry no meaning in a record set (RFC 2181 section 5).

    :raises NormalFormError: as :func:`canonical_value`.
    """
    return tuple(sorted({canonical_value(type_, value) for value in values}))


def txt_octets(value: str) -> bytes:
    """The octets of a TXT value.

    A value that starts with a quotation mark is presentation form: quoted character strings with ``\\"``, ``\\\\`` and
    ``\\DDD`` escapes (RFC 1035 section 5.1), joined. Any other value is taken literally, as UTF-8.

    :raises NormalFormError: when the quoting is broken or the text exceeds :data:`TXT_OCTETS`.
    """
    octets = _quoted_octets(value) if value.startswith('"') else value.encode("utf-8", "surrogatepass")
    if len(octets) > TXT_OCTETS:
        raise NormalFormError(
            f"a TXT value of {len(octets)} octets exceeds the {RDATA_OCTETS} octets of one record on the wire"
            f" ({TXT_OCTETS} of text)"
        )
    return octets


def _quoted_octets(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    if not _QUOTED.match(data):
        raise NormalFormError(f"{_shorten(text)} starts with a quotation mark but is no sequence of quoted strings")
    joined = b"".join(_STRING.findall(data))
    if b"\\" not in joined:
        return joined
    try:
        return _ESCAPE.sub(_unescape, joined)
    except ValueError:
        raise NormalFormError(f"{_shorten(text)} holds an escape over \\255") from None


def _unescape(match: re.Match[bytes]) -> bytes:
    escaped = match.group(1)
    return bytes((int(escaped),)) if len(escaped) == 3 else escaped


def _shorten(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


def txt_value(octets: bytes) -> str:
    """Presentation form: quoted strings of 255 octets, everything outside printable ASCII as ``\\DDD``."""
    strings = [octets[start : start + STRING_OCTETS] for start in range(0, len(octets), STRING_OCTETS)] or [b""]
    return " ".join(f'"{"".join(map(_TXT_TEXT.__getitem__, string))}"' for string in strings)


def has_prefix(value: str, prefix: str) -> bool:
    """Whether a TXT value in normal form starts with ``prefix``, as a whole word, whatever the case.

    ``v=spf10`` is not ``v=spf1`` (RFC 7208 section 4.5); a prefix that ends in ``=`` may be followed by anything.
    """
    octets, start = txt_octets(value).lower(), prefix.encode("utf-8").lower()
    if not octets.startswith(start):
        return False
    following = octets[len(start) : len(start) + 1]
    return not (following.isalnum() and start[-1:].isalnum())


def zone_line(name: str, ttl: int, type_: str, value: str) -> str:
    """One line of zone text (RFC 1035 section 5.1)."""
    return f"{name} {ttl} IN {type_} {value}"
