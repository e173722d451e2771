"""Background tasks: automatic DKIM keys, one domain after the other (contract 4.2 and 4.17)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from . import dkim, formats

if TYPE_CHECKING:
    from .server import Server

log = logging.getLogger("simulator.tasks")


#: How late a task may be that is due in the future.
RECHECK_SECONDS = 1.0


class TaskWorker:
    """Executes stored `DkimManagement` tasks. They survive a restart, as the objects they are."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._wanted = asyncio.Event()
        self._job: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._wanted.set()
        self._job = asyncio.create_task(self._work())

    async def stop(self) -> None:
        if self._job:
            self._job.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._job

    def queue_dkim(self, domain_id: str) -> None:
        self._server.registry.insert("Task", {"@type": "DkimManagement", "domainId": domain_id})

    def wake(self) -> None:
        self._wanted.set()

    async def _work(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), RECHECK_SECONDS)
            self._wanted.clear()
            for key, task in self._server.store.all("Task").items():
                if task["@type"] != "DkimManagement" or (task["status"].get("due") or "") > formats.now():
                    continue
                await self._dkim(task["domainId"])
                if self._server.store.find("Task", key):
                    self._server.registry.destroy("Task", key)

    async def _dkim(self, domain_id: str) -> None:
        """For each algorithm without an active key a new one: Ed25519 at once, RSA a moment later."""
        domain = self._server.store.find("Domain", domain_id)
        if domain is None or domain["dkimManagement"]["@type"] != "Automatic":
            return
        management = domain["dkimManagement"]
        for variant in management["algorithms"]:
            if self._has_active(domain_id, variant):
                continue
            if "Rsa" in variant:
                await asyncio.sleep(self._server.settings.dkim_rsa_seconds)
            pem = await asyncio.to_thread(dkim.new_key, variant)
            if self._server.store.find("Domain", domain_id) is None:
                return
            values = {
                "@type": variant,
                "domainId": domain_id,
                "selector": dkim.selector(management["selectorTemplate"], variant),
                "privateKey": {"@type": "Text", "secret": pem},
                "stage": "active",
            }
            key = self._server.registry.insert("DkimSignature", values)
            log.info("DKIM key %s created for %s", key, domain["name"])

    def _has_active(self, domain_id: str, variant: str) -> bool:
        return any(
            entry["domainId"] == domain_id and entry["@type"] == variant and entry["stage"] == "active"
            for entry in self._server.store.all("DkimSignature").values()
        )
