# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries that end by themselves: the server removes them when it reloads, so past means "not there". Pure."""

from __future__ import annotations

import datetime
import typing as t

_PROPERTY = {"AllowedIp": "expiresAt", "BlockedIp": "expiresAt"}


def now() -> str:
    """This moment as the server writes it."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def has_expired(name: str, body: t.Mapping[str, t.Any], moment: str) -> bool:
    """Whether an object of this type ended before that moment."""
    end = body.get(_PROPERTY.get(name, ""))
    # Both are written alike, so that they sort as they follow.
    return bool(moment and isinstance(end, str) and end <= moment)


def warnings(ended: t.Iterable[str]) -> list[str]:
    """What to say of settings whose time is past. :param ended: as the settings address them."""
    return [
        f"settings: {key}: its expiresAt is past, so it counts as removed; 0.16 forgets such entries by itself."
        for key in ended
    ]
