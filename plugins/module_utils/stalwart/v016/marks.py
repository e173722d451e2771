# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which principals an inventory names, on 0.16: rows of a table that no lookup uses, read in the request of the plan.

An account has no property for it that a login or somebody's work in the web interface would leave alone.
"""

from __future__ import annotations

import typing as t

from .actions import MANAGED_PREFIX, MARKER_OBJECT
from .client import Want
from .differ import Write
from .plan import Op
from .registry import Registry


def wants(by: str) -> tuple[Want, ...]:
    """What a plan reads to see an inventory's marks."""
    return (Want(MARKER_OBJECT, False, ("namespace", "key"), {"namespace": f"{MANAGED_PREFIX}{by}"}),)


class Marks:
    """The rows as the server holds them. :param by: the inventory's name."""

    def __init__(self, registry: Registry, by: str) -> None:
        self._registry = registry
        self.by = by
        self._namespace = f"{MANAGED_PREFIX}{by}"
        self._rows = {
            str(wire.get("key")): identifier
            for identifier, wire in registry.of(MARKER_OBJECT).items()
            if wire.get("namespace") == self._namespace
        }

    @property
    def addresses(self) -> t.Collection[str]:
        """Who is marked."""
        return self._rows.keys()

    def put(self, address: str) -> list[Op]:
        """What marks a principal."""
        if address in self._rows:
            return []
        fields = self._registry.schema.fields(MARKER_OBJECT)
        values = {"namespace": self._namespace, "key": address, "isGlobPattern": False}
        writes = tuple(Write(name, fields[name].type, value) for name, value in values.items())
        return [Op("create", MARKER_OBJECT, f"{self._namespace}:{address}", writes=writes)]

    def drop(self, address: str) -> list[Op]:
        """What takes its mark away."""
        identifier = self._rows.get(address)
        if identifier is None:
            return []
        return [Op("destroy", MARKER_OBJECT, f"{self._namespace}:{address}", identifier)]
