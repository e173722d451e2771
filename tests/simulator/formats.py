"""String validators and normal forms on write (contract 8.1)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

from publicsuffixlist import PublicSuffixList

RESERVED_SUFFIXES = frozenset(
    ["test", "localhost", "local", "internal", "lan", "home", "corp", "intranet", "private", "localdomain"]
)
_LOCAL_PART = re.compile(r"[\w.!#$%&'*+\-/=?^`{|}~]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)


def trim(text: str) -> str:
    return text.strip()


def lower(text: str) -> str:
    return text.lower()


def domain(text: str) -> str:
    """Lower-case A-label form. Raises ValueError unless it has a dot and ends in a public or reserved suffix."""
    name = "".join(text.split()).lower()
    if text.strip() != "".join(text.split()):
        raise ValueError("Invalid domain name")
    try:
        name = name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        raise ValueError("Invalid domain name") from None
    labels = name.split(".")
    wellformed = len(labels) > 1 and len(name) <= 253
    wellformed = wellformed and all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label) for label in labels)
    if not wellformed or (labels[-1] not in RESERVED_SUFFIXES and _suffixes().publicsuffix(name) is None):
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
    return str(ipaddress.ip_address(text))


def ip_network(text: str) -> str:
    """A single address stays an address: `10.0.0.1` is stored as it is."""
    if "/" not in text:
        return ip_address(text)
    return str(ipaddress.ip_network(text, strict=False))


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


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


#: By the format of the type.
FORMATS: dict[str, Callable[[str], str]] = {
    "ipAddress": ip_address,
    "ipNetwork": ip_network,
    "socketAddress": socket_address,
    "uri": trim,
}

#: By (struct, property). Members of sets and keys of maps are not validated as strings (contract 8.1).
PROPERTIES: dict[tuple[str, str], Callable[[str], str]] = {
    ("Domain", "name"): domain,
    ("Domain", "catchAllAddress"): email,
    ("UserAccount", "name"): local_part,
    ("GroupAccount", "name"): local_part,
    ("MailingList", "name"): local_part,
    ("EmailAlias", "name"): local_part,
    ("SystemSettings", "defaultHostname"): hostname,
    ("MailExchanger", "hostname"): hostname,
    ("Service", "hostname"): hostname,
}
