# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts as the server stores them (contract 8.1). Pure."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ..problem import host_name

_DURATION = re.compile(r"^(\d+)(ms|s|m|h|d)$")
_DURATION_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

#: Strings that the server stores as lower-case A-labels though the schema says no more than "string" (contract 8.1).
HOST_NAMES = frozenset(
    (
        ("Domain", "name"),
        ("SystemSettings", "defaultHostname"),
        ("MailExchanger", "hostname"),
        ("Service", "hostname"),
        ("MtaConnectionStrategy", "ehloHostname"),
        ("Directory", "usernameDomain"),
        ("ReportSettings", "outboundReportDomain"),
        ("MtaConnectionIpHost", "ehloHostname"),
        ("HurricaneCredential", "zone"),
    )
)
#: Names that the server stores without blanks and in one case (contract 8.1).
_CASES: dict[tuple[str, str], t.Callable[[str], str]] = {
    ("SpamDnsblServer", "name"): str.upper,
    ("SpamRule", "name"): str.upper,
    ("SpamTag", "tag"): str.upper,
    ("SpamFileExtension", "extension"): str.lower,
}
#: Texts of several lines of which the server cuts both ends; a YAML block ends in a newline.
_TRIMMED = frozenset((("SieveSystemScript", "contents"), ("SieveUserScript", "contents")))
#: Item types of lists whose order means nothing.
UNORDERED = frozenset(("EmailAlias", "MailExchanger"))


def stored_text(name: str, prop: str, text: str) -> str:
    """A property's text as the server stores it, for the few that it rewrites."""
    if (name, prop) in HOST_NAMES:
        return host_name(text)
    if (name, prop) in _TRIMMED:
        return text.strip()
    change = _CASES.get((name, prop))
    return change("".join(text.split())) if change else text


def duration(text: str) -> t.Optional[int]:
    """Milliseconds of a duration such as ``30d``; none for anything else."""
    match = _DURATION.match(text)
    return int(match.group(1)) * _DURATION_MS[match.group(2)] if match else None


def ip_text(text: str) -> str:
    """An address or network in canonical form; a single host carries no prefix length. :raises ValueError:"""
    network = ipaddress.ip_network(text, strict=False)
    address = network.network_address
    # Old Pythons write 1.2.3.4 inside IPv6 (RFC 4291 section 2.5.5.2) in hexadecimal digits; the server never does.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    host = f"::ffff:{mapped}" if mapped is not None else str(address)
    return host if network.num_addresses == 1 else f"{host}/{network.prefixlen}"
