# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose addresses a server of 0.16 knows, and which network addresses it has blocked."""

from __future__ import annotations

from ..driver import Addresses
from ..principal import AUTHENTICATE
from .client import JmapClient, Want
from .principal_view import address_of

_WANTS = (
    Want("Domain", False, ("name",)),
    Want("Account", False, ("@type", "name", "domainId", "aliases", "quotas", "usedDiskQuota", "permissions")),
    Want("MailingList", False, ("name", "domainId", "aliases")),
    # An administrator of mailboxes need not see it.
    Want("BlockedIp", False, ("address",), optional=True),
)


def read_addresses(client: JmapClient) -> Addresses:
    """In one request while there are at most 500 of each.

    :raises Failure: as :meth:`JmapClient.read`.
    """
    found = client.read(_WANTS, {})
    names = {key: str(domain["name"]) for key, domain in found["Domain"].items()}
    own: dict[str, set[str]] = {"User": set(), "Group": set()}
    aliases: set[str] = set()
    full: dict[str, tuple[int, int]] = {}
    suspended: set[str] = set()
    for body in (*found["Account"].values(), *found["MailingList"].values()):
        enabled = [alias for alias in (body.get("aliases") or {}).values() if alias.get("enabled", True)]
        first, *others = (
            address_of({"name": item.get("name"), "domainId": names.get(str(item.get("domainId")), "")})
            for item in (body, *enabled)
        )
        own.setdefault(str(body.get("@type") or "List"), set()).add(first)
        aliases.update(others)
        allowed = int((body.get("quotas") or {}).get("maxDiskQuota") or 0)
        if AUTHENTICATE in ((body.get("permissions") or {}).get("disabledPermissions") or ()):
            suspended.add(first)
        if allowed:
            full[first] = (int(body.get("usedDiskQuota") or 0), allowed)
    blocked = sorted(str(item.get("address")) for item in found.get("BlockedIp", {}).values())
    return Addresses(
        frozenset(own["User"]),
        frozenset(own["Group"]),
        frozenset(aliases),
        tuple(blocked),
        full,
        frozenset(suspended) & own["User"],
    )
