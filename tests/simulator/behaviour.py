"""What single object types do beyond the tables: the seam between the generic registry and the special modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .server import Server

Body = dict[str, Any]


class Behaviour:
    """Default behaviour: none. One instance per object type that needs more."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def prepare(self, old: Body | None, new: Body, given: Body) -> None:
        """Semantic checks and derived properties before a write (contract 3.8: after the patch, before the limits).

        :param old: stored object, None on create. :param given: the values as sent. :raises SetError: refused.
        """

    def stored(self, key: str, old: Body | None, new: Body) -> Body:
        """After a write that changed something. Returns extra members of the answer (generated secrets)."""
        return {}

    def removed(self, key: str, old: Body) -> None:
        """After a destroy."""

    def computed(self, key: str, body: Body, wanted: set[str] | None) -> Body:
        """Properties that are computed on get. ``wanted`` None means all."""
        return {}
