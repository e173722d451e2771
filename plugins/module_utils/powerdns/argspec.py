# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the PowerDNS modules, as plain data. Documented in doc_fragments/powerdns.py and in the modules."""

from __future__ import annotations

import typing as t

CONNECTION: dict[str, t.Any] = {
    "api_url": {"type": "str", "env": "POWERDNS_API_URL"},
    "api_key": {"type": "str", "no_log": True, "env": "POWERDNS_API_KEY"},
    "server_id": {"type": "str"},
    "ca_path": {"type": "path"},
    "server": {"type": "str", "default": "present", "choices": ["present", "absent"]},
}

RRSET: dict[str, t.Any] = {
    "zone": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "required": True},
    "ttl": {"type": "int", "default": 300},
    "values": {"type": "list", "elements": "str", "default": []},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "merge": {"type": "dict", "options": {"prefix": {"type": "str", "required": True}}},
    "owner": {"type": "str"},
    "adopt": {"type": "bool", "default": False},
}

POWERDNS_RRSET: dict[str, t.Any] = {
    **CONNECTION,
    "rrsets": {"type": "list", "elements": "dict", "required": True, "options": RRSET},
    "ownership": {"type": "str", "default": "comment", "choices": ["comment", "none"]},
    "on_conflict": {"type": "str", "default": "fail", "choices": ["fail", "report"]},
}
