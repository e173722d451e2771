# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's zone text (contract 6): lines of a master file without TTLs. Pure."""

from __future__ import annotations

import traceback
import typing as t

from ...failure import Failure, missing_library

DNSPYTHON_IMPORT_ERROR: t.Optional[str]
try:
    import dns.exception
    import dns.name
    import dns.rdatatype
    import dns.zonefile

    DNSPYTHON_IMPORT_ERROR = None
except ImportError:
    DNSPYTHON_IMPORT_ERROR = traceback.format_exc()


def dkim_values(zone_text: str, name: str) -> list[str]:
    """The TXT values at a name, their strings joined (RFC 7208 section 3.3 as for DKIM, RFC 6376 section 3.6.2.2).

    :raises Failure: ``protocol`` for a text that is no master file, ``missing_library``.
    """
    if DNSPYTHON_IMPORT_ERROR is not None:
        raise missing_library("stalwart", "dnspython", "to read the server's zone text")
    if not zone_text.strip():
        return []
    try:
        rrsets = dns.zonefile.read_rrsets(zone_text, origin=dns.name.root, rdclass=None, default_ttl=300)
    except (dns.exception.DNSException, ValueError) as exc:
        raise Failure("stalwart", "protocol", f"the server's zone text cannot be read: {exc}.") from None
    owner = dns.name.from_text(name)
    return [
        b"".join(rdata.strings).decode("ascii", "replace")
        for rrset in rrsets
        if rrset.name == owner and rrset.rdtype == dns.rdatatype.TXT
        for rdata in rrset
    ]
