# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of realm_plan, as plain data."""

from __future__ import annotations

import typing as t

#: ``platform_keycloak_auth``: a user's password, or a confidential client's own credentials.
AUTH: dict[str, t.Any] = {
    "client_id": {"type": "str", "default": "admin-cli"},
    "client_secret": {"type": "str", "no_log": True},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
}
AUTH_RULES: dict[str, t.Any] = {
    "required_one_of": [("client_secret", "username")],
    "required_together": [("username", "password")],
}

CONNECTION: dict[str, t.Any] = {
    "admin_url": {"type": "str", "required": True},
    "auth": {"type": "dict", "options": AUTH, **AUTH_RULES},
    "auth_realm": {"type": "str", "default": "master"},
    "ca_path": {"type": "path"},
    "offline": {"type": "bool", "default": False},
}

CLIENT: dict[str, t.Any] = {
    "client_id": {"type": "str", "required": True},
    "secret": {"type": "str", "no_log": True},
    "redirect_uris": {"type": "list", "elements": "str", "default": []},
    "web_origins": {"type": "list", "elements": "str", "default": []},
    "audience": {"type": "bool", "default": False},
}

REALM_PLAN: dict[str, t.Any] = {
    **CONNECTION,
    "realm": {"type": "str", "required": True},
    "realm_url": {"type": "str", "required": True},
    "display_name": {"type": "str"},
    "admin_events": {"type": "bool"},
    "scopes": {"type": "list", "elements": "str", "default": ["openid", "email", "profile", "groups"]},
    "groups_scope": {"type": "str", "default": "groups"},
    "groups": {"type": "list", "elements": "str", "default": []},
    "clients": {"type": "list", "elements": "dict", "default": [], "options": CLIENT},
}
