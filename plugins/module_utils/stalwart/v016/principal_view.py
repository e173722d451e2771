# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account or list of the server in the words of ``principals``. Pure."""

from __future__ import annotations

import typing as t

from ..principal import AUTHENTICATE, RECEIVE

#: What is read of an account to show it.
ACCOUNT = (
    "@type",
    "name",
    "domainId",
    "description",
    "aliases",
    "memberGroupIds",
    "roles",
    "permissions",
    "quotas",
    "locale",
    "credentials",
)
#: The opposite of ``BUILT_IN_ROLES``.
_ROLES = {"User": ["user"], "Admin": ["admin"], "Default": ["default"]}


def address_of(alias: t.Mapping[str, t.Any]) -> str:
    """The address of an alias in normal form."""
    return f"{alias.get('name')}@{alias.get('domainId')}"


def view(object_type: str, body: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Options that stand for an object in normal form; never a password."""
    out: dict[str, t.Any] = {"description": body.get("description")}
    out["aliases"] = sorted(address_of(alias) for alias in body.get("aliases") or () if alias.get("enabled", True))
    if object_type == "MailingList":
        out["members"] = list(body.get("recipients") or ())
        return out
    permissions = body.get("permissions") or {}
    disabled = list(permissions.get("disabledPermissions") or ())
    roles = body.get("roles") or {}
    if body.get("@type") == "User":
        out["state"] = "suspended" if AUTHENTICATE in disabled else "present"
        out["member_of"] = list(body.get("memberGroupIds") or ())
    out["roles"] = _ROLES.get(str(roles.get("@type")), list(roles.get("roleIds") or ()))
    out["quota"] = (body.get("quotas") or {}).get("maxDiskQuota")
    out["locale"] = body.get("locale")
    out["enabled_permissions"] = list(permissions.get("enabledPermissions") or ())
    out["disabled_permissions"] = [name for name in disabled if name not in (AUTHENTICATE, RECEIVE)]
    if RECEIVE in disabled:
        out["receive_mail"] = False
    return out
