# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the Stalwart modules, as plain data; ``env`` names the fall-back of an option."""

from __future__ import annotations

import typing as t

from ..kubernetes.argspec import CONNECTION as KUBERNETES_CONNECTION

#: A Service of the cluster, and kubernetes.core's connection options under their own names.
KUBERNETES: dict[str, t.Any] = {
    "namespace": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "port": {"type": "str", "default": "http"},
    **KUBERNETES_CONNECTION["options"],
}

#: What an earlier task of the run found out about the server.
PROBE: dict[str, t.Any] = {
    "server": {"type": "str", "required": True},
    "generation": {"type": "str", "choices": ["0.15", "0.16"], "required": True},
    "schema_hash": {"type": "str"},
}

CONNECTION: dict[str, t.Any] = {
    "api_url": {"type": "str", "env": "STALWART_API_URL"},
    "kubernetes": {"type": "dict", "options": KUBERNETES},
    "api_username": {"type": "str", "env": "STALWART_API_USERNAME"},
    "api_password": {"type": "str", "no_log": True, "env": "STALWART_API_PASSWORD"},
    "api_token": {"type": "str", "no_log": True, "env": "STALWART_API_TOKEN"},
    "ca_path": {"type": "path", "env": "STALWART_CA_PATH"},
    "generation": {"type": "str", "choices": ["0.15", "0.16"]},
    "probe": {"type": "dict", "options": PROBE},
}

_SERVER: dict[str, t.Any] = {"server": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
# What decides whether secrets are written again is no secret itself.
_UPDATE_SECRETS: dict[str, t.Any] = {
    "update_secrets": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False}
}

SETTINGS_SPEC: dict[str, t.Any] = {
    **CONNECTION,
    **_SERVER,
    **_UPDATE_SECRETS,
    "settings": {"type": "dict", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "exclusive": {"type": "list", "elements": "str", "default": []},
    "vocabulary": {"type": "str", "choices": ["canonical", "native"], "default": "canonical"},
    "on_unsupported": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
    "wait_certificate": {"type": "float", "default": 0},
}

PRINCIPAL: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "choices": ["individual", "group", "list"], "default": "individual"},
    "state": {"type": "str", "choices": ["present", "absent", "suspended"], "default": "present"},
    "description": {"type": "str"},
    "aliases": {"type": "list", "elements": "str"},
    "members": {"type": "list", "elements": "str"},
    "member_of": {"type": "list", "elements": "str"},
    "members_from_claims": {"type": "bool", "default": False},
    "roles": {"type": "list", "elements": "str"},
    "quota": {"type": "raw"},
    "locale": {"type": "str"},
    "enabled_permissions": {"type": "list", "elements": "str"},
    "disabled_permissions": {"type": "list", "elements": "str"},
    "receive_mail": {"type": "bool"},
    "send_as": {"type": "list", "elements": "str"},
    "login_name": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "confirm_data_loss": {"type": "bool", "default": False},
}

PRINCIPAL_SPEC: dict[str, t.Any] = {
    **CONNECTION,
    **_SERVER,
    **_UPDATE_SECRETS,
    "principals": {"type": "list", "elements": "dict", "required": True, "options": PRINCIPAL},
    "managed_by": {"type": "str"},
    "disappeared": {"type": "str", "choices": ["suspend", "absent", "keep"], "default": "suspend"},
    "disappeared_max": {"type": "int"},
    "exclusive": {"type": "bool", "default": False},
    "spare": {"type": "list", "elements": "str", "default": []},
}

APP_PASSWORD_SPEC: dict[str, t.Any] = {
    **CONNECTION,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "account": {"type": "str"},
    "description": {"type": "str"},
}

#: The TLS ports of the chart; the first that answers tells at no-op. Of SMTP, five connections a second are all that an address has.
TLS_PORTS: t.List[t.Dict[str, t.Any]] = [
    {"port": 443, "protocol": "http", "starttls": False},
    {"port": 993, "protocol": "imap", "starttls": False},
    {"port": 465, "protocol": "smtp", "starttls": False},
    {"port": 25, "protocol": "smtp", "starttls": True},
    {"port": 587, "protocol": "smtp", "starttls": True},
    {"port": 143, "protocol": "imap", "starttls": True},
]

CERTIFICATE_SPEC: dict[str, t.Any] = {
    **CONNECTION,
    "server_name": {"type": "str", "required": True},
    # The name of a Secret is none.
    "secret": {"type": "str", "no_log": False},
    "certificate": {"type": "str"},
    "ports": {
        "type": "list",
        "elements": "dict",
        "default": TLS_PORTS,
        "options": {
            "port": {"type": "int", "required": True},
            "protocol": {"type": "str", "choices": ["smtp", "imap", "http"], "required": True},
            "starttls": {"type": "bool", "default": False},
        },
    },
    "timeout": {"type": "int", "default": 180},
}

#: Parts that ``stalwart_info`` can read.
GATHER = ("account", "dkim", "directory", "domain")
#: What it reads unasked: the account's part costs a request of its own, on 0.15 one for an authorization code.
GATHER_UNASKED = ("dkim", "directory", "domain")

INFO_SPEC: dict[str, t.Any] = {
    **CONNECTION,
    "domain": {"type": "str"},
    "gather": {"type": "list", "elements": "str", "choices": list(GATHER), "default": list(GATHER_UNASKED)},
    "wait_dkim": {"type": "float", "default": 0},
    "missing_ok": {"type": "bool", "default": False},
    "export": {"type": "bool", "default": False},
}

LISTENERS_READY: dict[str, t.Any] = {
    "connection": KUBERNETES_CONNECTION,
    "namespace": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "listeners": {"type": "dict", "required": True},
    "replaced": {"type": "str"},
    "timeout": {"type": "int", "default": 0},
}
