# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which keys a server keeps in config.toml (contract 1.2). Pure."""

from __future__ import annotations

import re
import typing as t

PREFIX = "config.local-keys"
_DEFAULT = (
    "store.*",
    "directory.*",
    "tracer.*",
    "!server.blocked-ip.*",
    "!server.allowed-ip.*",
    "server.*",
    "certificate.*",
    "config.local-keys.*",
    "authentication.fallback-admin.*",
    "cluster.*",
    "storage.data",
    "storage.blob",
    "storage.lookup",
    "storage.fts",
    "storage.directory",
    "enterprise.license-key",
)


class LocalKeys:
    """The patterns of one server; none stored = the server's own."""

    def __init__(self, stored: t.Mapping[str, str]) -> None:
        given = [stored[key] for key in sorted(stored) if key == PREFIX or key.startswith(f"{PREFIX}.")]
        patterns = [text.strip() for text in given if text.strip(" !")] or list(_DEFAULT)
        if f"{PREFIX}.*" not in patterns:
            patterns.append(f"{PREFIX}.*")
        self._include = [_matcher(text) for text in patterns if not text.startswith("!")]
        self._exclude = [_matcher(text[1:]) for text in patterns if text.startswith("!")]

    def __contains__(self, key: object) -> bool:
        name = str(key)
        return any(match(name) for match in self._include) and not any(match(name) for match in self._exclude)


def _matcher(text: str) -> t.Callable[[str], bool]:
    pattern = text.strip().lower()
    expression = re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
    return lambda name: expression.fullmatch(name) is not None
