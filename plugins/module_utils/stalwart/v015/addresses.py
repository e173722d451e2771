# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose addresses a server of 0.15 knows, and which network addresses it has blocked."""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ..driver import Addresses
from ..principal import GROUP, INDIVIDUAL, LIST
from .client import RestClient
from .principal import AUTHENTICATE_015, held_of

_BLOCKED = "server.blocked-ip"


def read_addresses(client: RestClient) -> Addresses:
    """In two requests.

    :raises Failure: as :meth:`RestClient.get`.
    """
    query = {
        "types": f"{INDIVIDUAL},{GROUP},{LIST}",
        "fields": "name,emails,quota,usedQuota,disabledPermissions",
        "limit": "0",
    }
    data = client.get("/api/principal", query)
    items: t.Any = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, list):
        raise Failure("stalwart", "protocol", f"GET {client.http.base_url}/api/principal: no principals in the answer.")
    held = [held_of(item) for item in items]
    blocked = client.list(_BLOCKED)
    return Addresses(
        frozenset(one.address for one in held if one.kind == INDIVIDUAL),
        frozenset(one.address for one in held if one.kind == GROUP),
        frozenset(alias for one in held for alias in one.aliases),
        tuple(sorted(blocked)),
        {one.address: (one.used, one.quota) for one in held if one.quota},
        frozenset(one.address for one in held if one.kind == INDIVIDUAL and AUTHENTICATE_015 in one.disabled),
    )
