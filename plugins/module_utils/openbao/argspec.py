# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options for reaching OpenBao (or HashiCorp Vault), as plain data. Documented in doc_fragments/openbao.py."""

from __future__ import annotations

import typing as t

#: ``platform_openbao_auth``; the field names are those of community.hashi_vault.
AUTH: dict[str, t.Any] = {
    "method": {"type": "str", "required": True, "choices": ["approle", "token", "kubernetes", "jwt"]},
    "mount_point": {"type": "str"},
    "role_id": {"type": "str"},
    "secret_id": {"type": "str", "no_log": True},
    "token": {"type": "str", "no_log": True},
    "jwt": {"type": "str", "no_log": True},
}
AUTH_RULES: dict[str, t.Any] = {
    "required_if": [
        ("method", "approle", ("role_id", "secret_id")),
        ("method", "token", ("token",)),
        ("method", "kubernetes", ("role_id", "jwt")),
        ("method", "jwt", ("role_id", "jwt")),
    ],
}

CONNECTION: dict[str, t.Any] = {
    "url": {"type": "str", "required": True},
    "mount": {"type": "str", "default": "secret"},
    "auth": {"type": "dict", "options": AUTH, **AUTH_RULES},
    "ca_path": {"type": "path"},
    "offline": {"type": "bool", "default": False},
}

SECRETS_PLAN: dict[str, t.Any] = {
    **CONNECTION,
    "secrets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "no_log": False,
        "options": {
            "path": {"type": "str", "required": True},
            "property": {"type": "str", "required": True},
            "generate": {"type": "bool", "default": True},
        },
    },
}
