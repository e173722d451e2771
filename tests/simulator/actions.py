"""`x:Action` and `x:Task` (contract 4.17 and 4.19)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from . import errors, ids, running
from .behaviour import Behaviour, Body
from .errors import SetError, invalid_patch
from .patch import Patcher
from .registry import Resolve

if TYPE_CHECKING:
    from .server import Server

#: Tasks a client may create; the simulator only executes DkimManagement, the others stay pending.
CREATABLE = frozenset(
    {
        "IndexDocument",
        "UnindexDocument",
        "IndexTrace",
        "AccountMaintenance",
        "TenantMaintenance",
        "StoreMaintenance",
        "SpamFilterMaintenance",
        "AcmeRenewal",
        "DkimManagement",
        "DnsManagement",
    }
)
#: Actions that answer with results of an analysis the simulator does not do.
_UNSIMULATED = frozenset({"TroubleshootDmarc", "ClassifySpam"})


class Actions:
    def __init__(self, server: Server) -> None:
        self.server = server

    async def create(self, values: Body, resolve: Resolve) -> Body:
        """Runs one action. Its id is the encoded time. Raises SetError when it fails."""
        if not isinstance(values, dict):
            raise invalid_patch(errors.INVALID_OBJECT, "")
        registry = self.server.registry
        body = Patcher(registry.tables, registry.defaults, True, resolve).create("Action", values)
        variant = body["@type"]
        caller = self.server.caller
        if caller and not caller.may(f"action{variant}"):
            raise SetError("forbidden", f"Missing permission action{variant}")
        if variant in _UNSIMULATED:
            raise SetError("forbidden", f"The simulator does not perform {variant}")
        if variant == "ReloadSettings":
            try:
                await self.server.reload()
            except running.Refused as refused:
                raise refused.as_set_error() from None
        elif variant == "ReloadBlockedIps":
            self.server.running.blocked = running.blocked(self.server)
        elif variant == "ReloadLookupStores":
            self.server.running.lookups = running.lookups(self.server)
        elif variant == "ReloadTlsCertificates":
            problems = running.certificates(self.server)
            if problems:
                raise problems[0].as_set_error()
        return {"id": ids.encode(int(time.time()))}


class Tasks(Behaviour):
    def prepare(self, old: Body | None, new: Body, given: Body) -> None:
        if new["@type"] not in CREATABLE:
            raise SetError("forbidden", "Tasks of this type cannot be created")

    def computed(self, key: str, body: Body, wanted: set[str] | None) -> Body:
        return {"due": body["status"].get("due")}

    def stored(self, key: str, old: Body | None, new: Body) -> Body:
        self.server.tasks.wake()
        return {}
