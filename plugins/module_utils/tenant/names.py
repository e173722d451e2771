# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Syntax of names: every function takes what the inventory gave and returns its normal form or raises ``Invalid``.

RFC 1035 section 2.3 and RFC 1123 section 2.1 (host names), RFC 5890 (IDNA), RFC 5321 section 4.1.2 (mail addresses),
RFC 6761 and its registry (special-use names), ``stalwart-0.16`` contract 4.1 and 11.6 (domains the server refuses).

The rules of a host name are spelled out here although dnspython knows them too: this runs once per tenant in a fresh
process, where importing ``dns.name`` costs more than everything else together. A property test compares the two.
"""

from __future__ import annotations

import ipaddress
import re
import traceback
import typing as t
from urllib.parse import SplitResult, urlsplit

from .validation import Invalid

IDNA_IMPORT_ERROR: str | None
try:
    import idna

    IDNA_IMPORT_ERROR = None
except ImportError:
    IDNA_IMPORT_ERROR = traceback.format_exc()

MAX_SLUG = 40
MAX_LABEL = 63
MAX_NAME = 253
MAX_LOCAL_PART = 64
#: RFC 6761, 7686, 9476 and 3172: names that never lead to a mail server. ``test`` is left out, the server accepts it.
RESERVED_TLDS = ("alt", "arpa", "example", "invalid", "localhost", "onion")

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")
_SLUG = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?\Z")
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_REALM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_VAULT_PATH = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*\Z")

SLUG = f"a DNS label (RFC 1035): a to z, 0 to 9 and -, first a letter, last no -, at most {MAX_SLUG} characters"
DOMAIN = (
    "a domain name of at least two labels, each of letters, digits and -, none longer than 63 characters, "
    "253 characters in all; no address, no space, no underscore"
)
HOST = "a host name of at least two labels (letters, digits and -)"
ADDRESS = "a mail address such as dmarc@acme.com"


def text(value: t.Any, accepted: str = "a text that is not empty") -> str:
    """A non-empty text on one line, blanks around it removed."""
    if not isinstance(value, str) or not value.strip() or any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise Invalid(accepted)
    # Ansible hands out tagged or unsafe subclasses of str; the model holds plain ones.
    return "".join(value.strip())


def slug(value: t.Any) -> str:
    """A tenant's short name: realm, namespace and release names are made of it."""
    if not isinstance(value, str) or len(value) > MAX_SLUG or not _SLUG.match(value):
        raise Invalid(SLUG)
    return "".join(value)


def label(value: t.Any) -> str:
    """A Kubernetes object name that is an RFC 1123 label."""
    if not isinstance(value, str) or len(value) > MAX_LABEL or not _LABEL.match(value):
        raise Invalid("an RFC 1123 label: a to z, 0 to 9 and -, not first or last, at most 63 characters")
    return "".join(value)


def release(value: t.Any) -> str:
    """A Helm release whose derived object names stay below 63 characters."""
    accepted = f"an RFC 1035 label of at most {MAX_SLUG} characters (object names are derived from it)"
    if not isinstance(value, str) or len(value) > MAX_SLUG or not _SLUG.match(value):
        raise Invalid(accepted)
    return "".join(value)


def object_name(value: t.Any) -> str:
    """A Kubernetes object name (RFC 1123 subdomain)."""
    accepted = "a Kubernetes object name: lower-case labels of a to z, 0 to 9 and -, separated by dots"
    if not isinstance(value, str) or len(value) > MAX_NAME or not all(_LABEL.match(part) for part in value.split(".")):
        raise Invalid(accepted)
    return "".join(value)


def _ascii_name(value: t.Any, accepted: str) -> str:
    """Lower-case A-labels without trailing dot.

    :raises Invalid: with ``accepted``, or naming the missing library for a name that is not ASCII.
    """
    if not isinstance(value, str):
        raise Invalid(accepted)
    name = "".join(value).lower()
    name = name[:-1] if name.endswith(".") else name
    if not name.isascii() or any(part.startswith("xn--") for part in name.split(".")):
        if IDNA_IMPORT_ERROR is not None:
            raise Invalid(f"{accepted}; a name that is not ASCII needs the Python library idna (pip install idna)")
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise Invalid(f"{accepted}; an internationalised name must be valid IDNA 2008 (RFC 5891)") from None
    labels = name.split(".")
    if len(name) > MAX_NAME or not all(len(part) <= MAX_LABEL and _LABEL.match(part) for part in labels):
        raise Invalid(accepted)
    # An all-numeric top label is an address or a piece of one (RFC 3696 section 2).
    if len(labels) < 2 or labels[-1].isdigit():
        raise Invalid(accepted)
    return name


def host(value: t.Any) -> str:
    """A host name in normal form: A-labels, lower case, no trailing dot."""
    return _ascii_name(value, HOST)


def domain(value: t.Any) -> str:
    """A mail domain in normal form: A-labels, lower case, no trailing dot, none that the server refuses."""
    name = _ascii_name(value, DOMAIN)
    tld = name.rpartition(".")[2]
    if tld in RESERVED_TLDS:
        raise Invalid(
            f"a domain that mail can be sent to; .{tld} is reserved (RFC 6761) and the mail server refuses it "
            "(.test works for trials)"
        )
    return name


def below(name: str, parent: str) -> bool:
    """Whether ``name`` is ``parent`` or lies below it (both in normal form)."""
    return name == parent or name.endswith("." + parent)


def mail_address(value: t.Any) -> str:
    """An addr-spec with a dot-atom local part (RFC 5321 section 4.1.2); ``mailto:`` in front is dropped."""
    if not isinstance(value, str):
        raise Invalid(ADDRESS)
    given = "".join(value).strip()
    local, at, name = given[7 if given.startswith("mailto:") else 0 :].rpartition("@")
    if not at or len(local) > MAX_LOCAL_PART or not _LOCAL_PART.match(local):
        raise Invalid(ADDRESS)
    # A DMARC tag ends at ; and a list of URIs is separated by , (RFC 7489 section 6.2); ! is a size limit there.
    if "!" in local:
        raise Invalid(f"{ADDRESS}, without !")
    try:
        return f"{local}@{_ascii_name(name, ADDRESS)}"
    except Invalid:
        raise Invalid(ADDRESS) from None


def address(value: t.Any) -> str:
    """An IPv4 or IPv6 address in its canonical text form (RFC 5952)."""
    try:
        found = ipaddress.ip_address(text(value))
    except ValueError:
        raise Invalid("an IPv4 or IPv6 address") from None
    if found.is_unspecified or found.is_multicast or (isinstance(found, ipaddress.IPv6Address) and found.scope_id):
        raise Invalid("an IPv4 or IPv6 address of one host")
    return str(found)


def network(value: t.Any) -> str:
    """A network (``192.0.2.0/24``) or one address, in its canonical text form."""
    accepted = "a network such as 192.0.2.0/24 or 2001:db8::/32, or an address"
    try:
        found = ipaddress.ip_network(text(value, accepted))
    except ValueError:
        raise Invalid(accepted) from None
    return str(found.network_address) if found.prefixlen == found.max_prefixlen else str(found)


def nameserver(value: t.Any) -> str:
    """``address:port`` of a name server; the port is 53 when none is given; IPv6 in brackets."""
    accepted = "an address with or without port, such as 192.0.2.1, 192.0.2.1:5300 or [2001:db8::1]:53"
    given = text(value, accepted)
    match = re.match(r"\[([^\]]+)\](?::(\d{1,5}))?\Z", given) or re.match(r"([^:\[\]]+)(?::(\d{1,5}))?\Z", given)
    raw, port = match.groups() if match else (given, None)
    try:
        found = address(raw)
    except Invalid:
        raise Invalid(accepted) from None
    number = int(port or 53)
    if not 0 < number < 65536:
        raise Invalid(accepted)
    return f"[{found}]:{number}" if ":" in found else f"{found}:{number}"


def _url(value: t.Any, accepted: str) -> SplitResult:
    given = text(value, accepted)
    try:
        parts = urlsplit(given)
        hostname, _port = parts.hostname, parts.port
    except ValueError:
        raise Invalid(accepted) from None
    if parts.scheme not in ("http", "https") or not hostname or " " in given:
        raise Invalid(accepted)
    if parts.username is not None or parts.password is not None:
        raise Invalid(f"{accepted}; credentials do not belong into a URL")
    if parts.query or parts.fragment:
        raise Invalid(f"{accepted}; no query and no fragment")
    if not re.match(r"[0-9.]+\Z|[0-9a-f:.]+\Z", hostname):
        if not all(len(part) <= MAX_LABEL and _LABEL.match(part) for part in hostname.split(".")):
            raise Invalid(accepted)
        return parts
    try:
        ipaddress.ip_address(hostname)
    except ValueError:
        raise Invalid(accepted) from None
    return parts


def url(value: t.Any) -> str:
    """A base URL in normal form: scheme and host lower case, no trailing slash."""
    parts = _url(value, "an http or https URL such as https://bao.example.net:8200")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def openbao_url(value: t.Any) -> str:
    """OpenBao's base URL; the API's own prefix does not belong to it."""
    found = url(value)
    if re.search(r"/v1(/|\Z)", found):
        raise Invalid("the server's base URL such as https://bao.example.net:8200, without /v1")
    return found


def realm_url(value: t.Any) -> tuple[str, str, str]:
    """``(realm URL, base URL, realm)``; the realm URL is the issuer, so only a trailing slash is dropped from it.

    :returns: for ``https://kc.example.net/auth/realms/sme``: itself, ``https://kc.example.net/auth`` and ``sme``.
    """
    accepted = "an http or https URL that ends in /realms/<realm>, such as https://keycloak.acme.com/realms/sme-acme"
    parts = _url(value, accepted)
    base, separator, realm = parts.path.rstrip("/").partition("/realms/")
    if not separator or not _REALM.match(realm):
        raise Invalid(accepted)
    root = f"{parts.scheme}://{parts.netloc.lower()}{base}"
    return f"{root}/realms/{realm}", root, realm


def powerdns_url(value: t.Any) -> tuple[str, str | None]:
    """``(server URL, server id)`` from any of the ways to write PowerDNS's API URL.

    ``https://pdns``, ``…/api``, ``…/api/v1`` and ``…/api/v1/servers/localhost`` all name the same server; the id is
    None where the URL has none.
    """
    accepted = "an http or https URL of the PowerDNS API, with or without /api, /api/v1 or /api/v1/servers/<id>"
    parts = _url(value, accepted)
    match = re.match(r"(.*?)(?:/api(?:/v1(?:/servers(?:/([^/]+))?)?)?)?\Z", parts.path.rstrip("/"))
    base, server_id = match.groups() if match else (parts.path, None)
    if "/api" in base or "/zones" in parts.path:
        raise Invalid(accepted)
    return f"{parts.scheme}://{parts.netloc.lower()}{base}", server_id


def vault_path(value: t.Any) -> str:
    """The path of a secret below its mount, without slashes around it."""
    accepted = "a path such as sovereign/acme.com/stalwart/acme/oidc (letters, digits, . _ - and /)"
    found = text(value, accepted).strip("/")
    if not _VAULT_PATH.match(found) or any(part in (".", "..") for part in found.split("/")):
        raise Invalid(accepted)
    if found.startswith("secret/data/"):
        raise Invalid(f"{accepted}; without the mount and without data/")
    return found


def property_name(value: t.Any) -> str:
    """The name of a property of a secret, which becomes an environment variable or a Secret's key."""
    if not isinstance(value, str) or not re.match(r"[A-Za-z_][A-Za-z0-9_.-]*\Z", value):
        raise Invalid("letters, digits, _ . and -, first a letter or _")
    return "".join(value)


def client_id(value: t.Any) -> str:
    """A Keycloak client id."""
    if not isinstance(value, str) or not re.match(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z", value):
        raise Invalid("a client id of letters, digits, . _ and -, at most 100 characters")
    return "".join(value)


def description(value: t.Any) -> str:
    """A display name: one line, at most 255 characters (Keycloak's limit)."""
    accepted = "a text on one line of at most 255 characters"
    found = text(value, accepted)
    if len(found) > 255:
        raise Invalid(accepted)
    return found


def realm_name(value: t.Any) -> str:
    """The name of a Keycloak realm."""
    if not isinstance(value, str) or not _REALM.match(value):
        raise Invalid("a realm's name (letters, digits, . _ and -)")
    return "".join(value)
