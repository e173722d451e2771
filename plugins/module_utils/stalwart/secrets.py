# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets inside ``settings`` by their property names, before any schema is at hand. Pure.

In a server's schema every secret is a string of format ``secret`` or ``secretText`` under one of these names
(contract 3.7); the values are what Ansible's own output filters have to know.
"""

from __future__ import annotations

import typing as t

_SECRET_KEYS = frozenset(
    ("secret", "eabhmackey", "accountkey", "otpauth", "otpcode", "currentsecret", "password", "privatekey")
)


def is_secret_key(name: str) -> bool:
    """Whether a property of this name, or an item of it, holds a secret when its value is a string.

    :param name: the name or its whole path, such as ``acmeProvider.a.accountKey`` or ``otpCode[0]``.
    """
    return name.rsplit(".", 1)[-1].partition("[")[0].lower() in _SECRET_KEYS


def secrets_of(value: t.Any, key: str = "") -> list[str]:
    """Every string under a secret's name, however deep."""
    if isinstance(value, t.Mapping):
        return [secret for name, item in value.items() for secret in secrets_of(item, str(name))]
    if isinstance(value, (list, tuple)):
        return [secret for item in value for secret in secrets_of(item, key)]
    return [value] if isinstance(value, str) and value and is_secret_key(key) else []
