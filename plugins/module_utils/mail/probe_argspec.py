# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of ``mail_probe``, as plain data."""

from __future__ import annotations

import typing as t

from ..keycloak.argspec import AUTH, AUTH_RULES
from ..stalwart.argspec import CONNECTION

#: Ports of the mail host by service; what is not listed is not looked at.
PORTS: dict[str, int] = {"smtp": 25, "submissions": 465, "submission": 587, "imaps": 993, "imap": 143}
#: Services that there can be, and whether they speak TLS at once.
SERVICES: dict[str, bool] = {"smtp": False, "submissions": True, "submission": False, "imaps": True, "imap": False}

_LOGIN: dict[str, t.Any] = {
    "realm_url": {"type": "str", "required": True},
    "client_id": {"type": "str", "required": True},
    "client_secret": {"type": "str", "no_log": True},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
}
_CLIENT: dict[str, t.Any] = {
    "client_id": {"type": "str", "required": True},
    "client_secret": {"type": "str", "no_log": True},
    "audience": {"type": "bool"},
}

MAIL_PROBE: dict[str, t.Any] = {
    **CONNECTION,
    "domain": {
        "type": "dict",
        "required": True,
        "options": {
            "primary": {"type": "str", "required": True},
            "mode": {"type": "str", "default": "free-subdomain", "choices": ["free-subdomain", "byo"]},
            "mail_host": {"type": "str", "required": True},
            "web_host": {"type": "str"},
        },
    },
    "dns": {"type": "dict", "required": True},
    "nameservers": {"type": "list", "elements": "str", "default": []},
    "publish_hint": {"type": "str"},
    "provision_hint": {"type": "str"},
    "admin": {
        "type": "dict",
        "required": True,
        "options": {
            "address": {"type": "str", "required": True},
            "aliases": {"type": "list", "elements": "str", "default": []},
            "secret_name": {"type": "str", "no_log": False},
            "secret_property": {"type": "str", "default": "ADMIN_PASSWORD", "no_log": False},
        },
    },
    "realm": {
        "type": "dict",
        "required": True,
        "options": {
            **_LOGIN,
            "address": {"type": "str", "required": True},
            "group": {"type": "str"},
            "audience": {"type": "str", "default": "stalwart"},
            "scopes": {"type": "list", "elements": "str", "default": ["openid", "email", "profile", "groups"]},
            "audience_scope": {"type": "str", "default": "stalwart-audience"},
            "groups_scope": {"type": "str", "default": "groups"},
            "expired_client_id": {"type": "str"},
            "admin_url": {"type": "str"},
            "auth": {"type": "dict", "options": AUTH, **AUTH_RULES},
            "auth_realm": {"type": "str", "default": "master"},
            "ca_path": {"type": "path"},
            "clients": {"type": "list", "elements": "dict", "default": [], "options": _CLIENT},
        },
    },
    "foreign": {"type": "list", "elements": "dict", "default": [], "options": _LOGIN},
    "ports": {"type": "dict", "default": dict(PORTS)},
    "network_policy": {
        "type": "dict",
        "options": {
            "enabled": {"type": "bool", "default": True},
            "web_from": {"type": "list", "elements": "dict", "default": []},
            "extra_ingress": {"type": "list", "elements": "dict", "default": []},
        },
    },
    "certificate": {"type": "str", "default": "self_signed", "choices": ["self_signed", "trusted"]},
    "spam_filter": {"type": "bool", "default": False},
    "mailboxes_without_user": {"type": "list", "elements": "str", "default": []},
    "delivery_timeout": {"type": "float", "default": 8.0},
    "warn": {"type": "list", "elements": "str", "default": []},
}
