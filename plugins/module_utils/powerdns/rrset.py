# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Normal forms of names, TTLs and values: two record sets are equal exactly when their normal forms are.

Names are absolute, lower case (RFC 4343) and escaped the way PowerDNS writes them; values are canonical rdata
(RFC 4034 section 6.2) in presentation form. A TXT value is its octets: the borders between its character strings carry
no meaning for SPF (RFC 7208 section 3.3), DKIM (RFC 6376 section 3.6.2.2) and DMARC, so they are joined and split anew.
"""

from __future__ import annotations

import re
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
#: Types whose target is a host (RFC 974, RFC 2181 section 10.3, RFC 2782); PowerDNS refuses anything else.
_HOST_TARGET = ("MX", "NS", "SRV")

_HOST_LABEL = re.compile(rb"[A-Za-z0-9_-]+\Z")
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
    except (dns.exception.DNSException, ValueError) as exc:
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
    if "\n" in value or "\r" in value:
        raise NormalFormError(f"{value!r} is no {type_} value: it holds a line break")
    if "@" in value.split():
        raise NormalFormError(
            f"{value!r} is no {type_} value: '@' has no meaning without an origin; give the name itself"
        )
    try:
        rdata = dns.rdata.from_text("IN", type_, value, origin=dns.name.root, relativize=False)
        wire = rdata.to_digestable(dns.name.root)
        canonical = dns.rdata.from_wire(dns.rdataclass.IN, rdata.rdtype, wire, 0, len(wire))
    except (dns.exception.DNSException, ValueError, TypeError) as exc:
        raise NormalFormError(f"{value!r} is no {type_} value: {exc}") from None
    target = getattr(canonical, "exchange", None) or getattr(canonical, "target", None)
    if isinstance(target, dns.name.Name):
        _check_host(type_, value, target)
        # to_digestable lower-cases only the types of RFC 4034; comparison ignores case in every name (RFC 4343).
        field = "exchange" if hasattr(canonical, "exchange") else "target"
        return _with_name(canonical, field, target)
    if type_ == "NAPTR":
        return _with_name(canonical, "replacement", t.cast("t.Any", canonical).replacement)
    text = canonical.to_text(chunksize=0)
    if type_ == "AAAA" and "." in text:
        raise NormalFormError(f"{value!r} embeds an IPv4 address; give that one as an A record")
    return text


def _with_name(rdata: dns.rdata.Rdata, field: str, name: dns.name.Name) -> str:
    """Presentation form whose last part is ``name``, written with PowerDNS's escapes."""
    blank = t.cast("t.Any", rdata).replace(**{field: dns.name.root})
    return blank.to_text()[:-1] + _name_text(name)


def _check_host(type_: str, value: str, target: dns.name.Name) -> None:
    if type_ in _HOST_TARGET and not all(_HOST_LABEL.match(label) for label in target.labels[:-1]):
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
    result = bytearray()
    position, inside = 0, False
    while position < len(data):
        octet = data[position]
        position += 1
        if octet == 0x22:
            inside = not inside
        elif not inside:
            if octet not in b" \t":
                raise NormalFormError(
                    f"{_shorten(text)} starts with a quotation mark but is no sequence of quoted strings"
                )
        elif octet != 0x5C:
            result.append(octet)
        else:
            escaped, position = _escape(data, position, text)
            result.append(escaped)
    if inside:
        raise NormalFormError(f"{_shorten(text)} lacks a closing quotation mark")
    return bytes(result)


def _escape(data: bytes, position: int, text: str) -> tuple[int, int]:
    """The octet after a backslash and the position behind it."""
    digits = data[position : position + 3]
    if digits.isdigit() and len(digits) == 3:
        number = int(digits)
        if number > 255:
            raise NormalFormError(f"{_shorten(text)} holds the escape \\{number}; the highest is \\255")
        return number, position + 3
    if not digits or digits[:1].isdigit():
        raise NormalFormError(f"{_shorten(text)} holds a backslash without a character or three digits behind it")
    return data[position], position + 1


def _shorten(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


def txt_value(octets: bytes) -> str:
    """Presentation form: quoted strings of 255 octets, everything outside printable ASCII as ``\\DDD``."""
    strings = [octets[start : start + STRING_OCTETS] for start in range(0, len(octets), STRING_OCTETS)] or [b""]
    return " ".join('"' + "".join(map(_txt_octet, string)) + '"' for string in strings)


def _txt_octet(octet: int) -> str:
    if octet in b'"\\':
        return "\\" + chr(octet)
    return chr(octet) if 0x20 <= octet < 0x7F else f"\\{octet:03d}"


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
