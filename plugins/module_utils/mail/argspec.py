# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules about mail's DNS records, as plain data."""

from __future__ import annotations

import typing as t

DNS_CHECK: dict[str, t.Any] = {
    "rrsets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "type": {"type": "str", "required": True},
            "values": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
            "merge": {"type": "dict", "options": {"prefix": {"type": "str", "required": True}}},
        },
    },
    "nameservers": {"type": "list", "elements": "str", "required": True},
    "authoritative": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 3.0},
    "wait": {"type": "int", "default": 0},
    "must_match": {"type": "bool", "default": False},
}
