# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one server stores, as far as a task asked, and what a change writes."""

from __future__ import annotations

import dataclasses
import typing as t

from .localkeys import PREFIX as LOCAL_KEYS
from .localkeys import LocalKeys
from .vocabulary import Kind

#: Keys of this collection's own: a reload that is owed (contract 3.7: the server ignores keys it does not know).
PENDING = "tenantmail.pending"
#: The kind of a change that only repeats a reload.
OWED = "running settings"
DEFAULT_DIRECTORY = "storage.directory"
#: Area of a setting to the reload that makes it take effect (contract 3.8).
RELOADS: dict[str, str] = {"settings": "", "lookup": "lookup", "blocked": "server.blocked-ip"}


@dataclasses.dataclass(frozen=True)
class Op:
    """What a change writes.

    :param insert: keys to store. :param delete: keys to remove. :param empty: a prefix under which nothing may be yet.
    :param area: a key of :data:`RELOADS`. :param dkim: ``(algorithm, domain)`` of keys to make.
    :param domain: ``(action, name, description)`` of a domain principal. :param kind: for ``restart_required``.
    """

    insert: t.Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    delete: frozenset[str] = frozenset()
    empty: str = ""
    area: str = "settings"
    dkim: tuple[tuple[str, str], ...] = ()
    domain: t.Optional[tuple[str, str, t.Optional[str]]] = None
    kind: t.Optional[Kind] = None


@dataclasses.dataclass(frozen=True)
class Store:
    """:param keys: by full key. :param domains: name to the principal; none when not read.
    :param known: false for a server that does not exist yet.
    """

    keys: t.Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    domains: t.Optional[t.Mapping[str, t.Mapping[str, t.Any]]] = None
    known: bool = True

    @property
    def local(self) -> LocalKeys:
        """Which keys live in config.toml."""
        return LocalKeys({key: text for key, text in self.keys.items() if key.startswith(LOCAL_KEYS)})

    @property
    def pending(self) -> list[str]:
        """Areas whose reload is owed."""
        return sorted(area for area in RELOADS if f"{PENDING}.{area}" in self.keys)

    @property
    def internal(self) -> t.Optional[str]:
        """The id of the internal directory."""
        ids = [key.split(".")[1] for key, text in sorted(self.keys.items()) if _is_type(key) and text == "internal"]
        return ids[0] if ids else None

    @property
    def directories(self) -> list[str]:
        """Ids of all directories."""
        return sorted(key.split(".")[1] for key in self.keys if _is_type(key))

    @property
    def default_directory(self) -> t.Optional[str]:
        """The default directory's id; none for the internal one, and where nothing is stored."""
        found = self.keys.get(DEFAULT_DIRECTORY)
        return None if found is None or self.keys.get(f"directory.{found}.type") == "internal" else found


def _is_type(key: str) -> bool:
    parts = key.split(".")
    return len(parts) == 3 and parts[0] == "directory" and parts[2] == "type"
