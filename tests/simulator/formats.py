"""String validators and normal forms on write (contract 8.1)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import idna
from publicsuffixlist import PublicSuffixList

RESERVED_SUFFIXES = frozenset(
    ["test", "localhost", "local", "internal", "lan", "home", "corp", "intranet", "private", "localdomain"]
)
_LOCAL_PART = re.compile(r"[\w.!#$%&'*+\-/=?^`{|}~]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


@cache
def suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)


def trim(text: str) -> str:
    if not text.strip():
        raise ValueError("String cannot be empty")
    return text.strip()


def verbatim(text: str) -> str:
    return text


def upper(text: str) -> str:
    return "".join(text.split()).upper()


def lower(text: str) -> str:
    return "".join(text.split()).lower()


def domain(text: str) -> str:
    """Lower-case A-label form without blanks. Raises ValueError unless it ends in a public or reserved suffix."""
    name = "".join(text.split()).lower()
    wellformed = "." in name and not name.endswith(".") and not re.search(r"(^|[^\w-])\.", name)
    try:
        name = name if name.isascii() else idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        wellformed = False
    if not wellformed or (name.rpartition(".")[2] not in RESERVED_SUFFIXES and suffixes().publicsuffix(name) is None):
        raise ValueError("Invalid domain name")
    return name


def local_part(text: str) -> str:
    name = "".join(text.split()).lower()
    if not _LOCAL_PART.fullmatch(name) or name.startswith(".") or name.endswith(".") or ".." in name:
        raise ValueError("Invalid email local part")
    return name


def email(text: str) -> str:
    name, at, host = text.rpartition("@")
    if not at:
        raise ValueError("Invalid email address")
    try:
        return f"{local_part(name)}@{domain(host)}"
    except ValueError:
        raise ValueError("Invalid email address") from None


def hostname(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    try:
        return domain(text)
    except ValueError:
        raise ValueError("Invalid hostname or IP address") from None


def ip_address(text: str) -> str:
    return _ip(ipaddress.ip_address(text))


def ip_network(text: str) -> str:
    """Host bits are kept; a full mask is left out: `10.0.0.1` is stored as it is."""
    network = ipaddress.ip_interface(text.strip())
    if "/" in text and network.network.prefixlen < 8:
        raise ValueError("mask")
    full = network.network.prefixlen == network.max_prefixlen
    return _ip(network.ip) if full else f"{_ip(network.ip)}/{network.network.prefixlen}"


def _ip(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """An IPv4-mapped address (RFC 4291, 2.5.5.2) ends in its IPv4 form, which Python's text has not."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return f"::ffff:{mapped}" if mapped else str(address)


def socket_address(text: str) -> str:
    host, _, port = text.rpartition(":")
    number = int(port)
    if not 0 <= number <= 65535:
        raise ValueError("port")
    if host.startswith("[") and host.endswith("]"):
        return f"[{ipaddress.IPv6Address(host[1:-1])}]:{number}"
    return f"{ipaddress.IPv4Address(host)}:{number}"


def date(text: str) -> str:
    if not _DATE.fullmatch(text):
        raise ValueError("date")
    moment = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def now(later: float = 0) -> str:
    """:param later: seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=later)).strftime("%Y-%m-%dT%H:%M:%SZ")


#: Formats that are parsed and stored in a canonical form, as values and as members of sets.
FORMATS: dict[str, Callable[[str], str]] = {
    "ipAddress": ip_address,
    "ipNetwork": ip_network,
    "socketAddress": socket_address,
}

#: Properties stored as they are sent. All other strings are trimmed, unless PROPERTIES says more. Members of sets and
#: keys of maps are neither (contract 8.1).
_VERBATIM = frozenset(
    "description name logo usernameDomain secret otpAuth variableName filePath key namespace value else if then message "
    "template emailTemplate httpRsvpTemplate defaultSubjectPrefix authUsername authenticatedAs spfEhloDomain "
    "spfMailFromDomain documentId failureReason accountName".split()
)
PROPERTIES: dict[tuple[str, str], Callable[[str], str]] = {
    ("Domain", "name"): domain,
    ("Domain", "catchAllAddress"): email,
    ("CalendarAlarm", "fromEmail"): email,
    ("UserAccount", "name"): local_part,
    ("GroupAccount", "name"): local_part,
    ("MailingList", "name"): local_part,
    ("EmailAlias", "name"): local_part,
    ("ReportSettings", "outboundReportDomain"): domain,
    ("SystemSettings", "defaultHostname"): hostname,
    ("MailExchanger", "hostname"): hostname,
    ("Service", "hostname"): hostname,
    ("MtaConnectionStrategy", "ehloHostname"): hostname,
    ("MtaConnectionIpHost", "ehloHostname"): hostname,
    ("SpamFileExtension", "extension"): lower,
    ("SpamTagScore", "tag"): upper,
    ("SpamTagAction", "tag"): upper,
    ("SieveSystemScript", "name"): trim,
    ("SieveUserScript", "name"): trim,
}


def normal_form(struct: str, name: str, format_: str | None) -> Callable[[str], str]:
    """What a string property goes through on write. The function raises ValueError with the server's complaint."""
    if (struct, name) in PROPERTIES:
        return PROPERTIES[struct, name]
    if name == "name" and struct.startswith(("SpamRule", "SpamDnsblServer")):
        return upper
    return verbatim if name in _VERBATIM or format_ in FORMATS else trim
