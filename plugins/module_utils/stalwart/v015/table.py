# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The translation table: canonical settings and the keys of 0.15 (:mod:`.singletons`, :mod:`.objects`). Pure."""

from __future__ import annotations

import typing as t

from .objects import DOMAIN, OBJECTS
from .singletons import SINGLETONS
from .vocabulary import Kind

KINDS: t.Mapping[str, Kind] = {kind.name: kind for kind in (*SINGLETONS, *OBJECTS, DOMAIN)}

__all__ = ["DOMAIN", "KINDS", "OBJECTS", "SINGLETONS"]
