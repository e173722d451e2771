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

#: Realm settings that may be kept, by the names of community.general.keycloak_realm; what is not given is left alone.
#: Those of type int are seconds (or a count), at least 1.
SETTINGS: dict[str, t.Any] = {
    "ssl_required": {"type": "str", "choices": ["external", "all", "none"]},
    "brute_force_protected": {"type": "bool"},
    "permanent_lockout": {"type": "bool"},
    "failure_factor": {"type": "int"},
    "wait_increment_seconds": {"type": "int"},
    "max_failure_wait_seconds": {"type": "int"},
    "minimum_quick_login_wait_seconds": {"type": "int"},
    "quick_login_check_milli_seconds": {"type": "int"},
    "max_delta_time_seconds": {"type": "int"},
    "access_token_lifespan": {"type": "int", "no_log": False},
    "access_code_lifespan": {"type": "int"},
    "sso_session_idle_timeout": {"type": "int"},
    "sso_session_max_lifespan": {"type": "int"},
    "offline_session_idle_timeout": {"type": "int"},
}

CLIENT: dict[str, t.Any] = {
    "client_id": {"type": "str", "required": True},
    "secret": {"type": "str", "no_log": True},
    "redirect_uris": {"type": "list", "elements": "str", "default": []},
    "web_origins": {"type": "list", "elements": "str", "default": []},
    "audience": {"type": "bool", "default": False},
}

PUBLIC_CLIENT: dict[str, t.Any] = {
    "client_id": {"type": "str", "required": True},
    "enabled": {"type": "bool", "default": True},
    "redirect_uris": {"type": "list", "elements": "str", "default": []},
    "web_origins": {"type": "list", "elements": "str", "default": []},
}

USER: dict[str, t.Any] = {
    "username": {"type": "str", "required": True},
    "email": {"type": "str", "required": True},
    "first_name": {"type": "str", "required": True},
    "last_name": {"type": "str", "required": True},
    "enabled": {"type": "bool", "default": True},
    "groups": {"type": "list", "elements": "str", "default": []},
    "required_actions": {"type": "list", "elements": "str", "default": []},
}

#: States of the probe: kept and able to log in; kept and disabled; no longer asked for, so disabled where it exists.
ENABLED, DISABLED, RETIRED = "enabled", "disabled", "retired"
PROBE: dict[str, t.Any] = {
    "state": {"type": "str", "choices": [ENABLED, DISABLED, RETIRED], "default": ENABLED},
    "client_id": {"type": "str", "required": True},
    "expired_client_id": {"type": "str", "required": True},
    "secret": {"type": "str", "no_log": True},
    "username": {"type": "str", "required": True},
    "email": {"type": "str", "required": True},
    "group": {"type": "str", "required": True},
    "password": {"type": "str", "no_log": True},
}

REALM_PLAN: dict[str, t.Any] = {
    **CONNECTION,
    "realm": {"type": "str", "required": True},
    "realm_url": {"type": "str", "required": True},
    "display_name": {"type": "str"},
    "admin_events": {"type": "bool"},
    "settings": {"type": "dict", "options": SETTINGS},
    "scopes": {"type": "list", "elements": "str", "default": ["openid", "email", "profile", "groups"]},
    "groups_scope": {"type": "str", "default": "groups"},
    "audience_scope": {"type": "str", "default": "stalwart-audience"},
    "group_parent": {"type": "str"},
    "groups": {"type": "list", "elements": "str", "default": []},
    "secret_source": {"type": "str", "choices": ["openbao", "keycloak"], "default": "openbao", "no_log": False},
    "clients": {"type": "list", "elements": "dict", "default": [], "options": CLIENT},
    "public_clients": {"type": "list", "elements": "dict", "default": [], "options": PUBLIC_CLIENT},
    "users": {"type": "list", "elements": "dict", "default": [], "options": USER},
    "probe": {"type": "dict", "options": PROBE},
}
