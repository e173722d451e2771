# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server runs, as far as its API shows it: the issuer of the directory in force (contract 11.2)."""

from __future__ import annotations

from ...failure import Failure
from ...http_client import HttpClient

#: A scope that only the server's own issuer offers; an external provider's document is passed on as it is.
_OWN_SCOPE = "urn:ietf:params:oauth:scope:mail"


def running_issuer(http: HttpClient, address: str = "postmaster@localhost") -> str:
    """The issuer URL of the running default directory, without a trailing slash; ``""`` for the internal one.

    Any address does: directories per domain exist in the enterprise edition only.

    :raises Failure: as :meth:`HttpClient.request`; ``protocol``.
    """
    # None removes the session's header: the question is anonymous, as a mail client asks it.
    document = http.json(http.request("GET", f"/api/discover/{address}", headers={"Authorization": None}), dict)
    try:
        issuer = document["issuer"]
    except KeyError:
        raise Failure("stalwart", "protocol", f"GET {http.base_url}/api/discover: no discovery document.") from None
    if not issuer or _OWN_SCOPE in (document.get("scopes_supported") or ()):
        return ""
    return str(issuer).rstrip("/")
