"""One server of either generation, from its start to its end."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from . import listeners

log = logging.getLogger("simulator")


class Startable(listeners.Listening, Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


async def run(server: Startable) -> None:
    """Runs until cancelled."""
    await server.start()
    opened = await listeners.open_all(server)
    try:
        log.info("Stalwart simulator started")
        await asyncio.Event().wait()
    finally:
        await opened.close()
        await server.stop()
