# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules about mail's DNS records, as plain data."""

from __future__ import annotations

import typing as t

from ..kubernetes.argspec import CONNECTION

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
            "ttl": {"type": "int"},
            "purpose": {"type": "str"},
        },
    },
    "nameservers": {"type": "list", "elements": "str", "required": True},
    "authoritative": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 3.0},
    "wait": {"type": "int", "default": 0},
    "must_match": {"type": "bool", "default": False},
}

DNS_RECORDS_PLAN: dict[str, t.Any] = {
    "connection": CONNECTION,
    "namespace": {"type": "str", "required": True},
    "release": {"type": "str", "default": "stalwart"},
    "configmap": {"type": "str", "default": "stalwart-dns-records-required"},
    "labels": {"type": "dict", "default": {}},
    "owner": {"type": "str", "required": True},
    "domain": {
        "type": "dict",
        "required": True,
        "options": {
            "primary": {"type": "str", "required": True},
            "mode": {"type": "str", "default": "free-subdomain", "choices": ["free-subdomain", "byo"]},
            "mail_host": {"type": "str", "required": True},
            "web_host": {"type": "str", "required": True},
        },
    },
    "dns": {"type": "dict", "required": True},
    "dkim_keys": {"type": "list", "elements": "dict", "default": [], "no_log": False},
    "gateway": {"type": "dict", "default": {}},
    "web_addresses": {"type": "list", "elements": "str", "default": []},
    "publish": {"type": "bool", "default": True},
    "adopt": {"type": "bool", "default": False},
    "wait": {"type": "int", "default": 60},
    "offline": {"type": "bool", "default": False},
}

DNS_OUTCOME: dict[str, t.Any] = {
    "owner": {"type": "str", "required": True},
    "outcome": {"type": "dict"},
}
