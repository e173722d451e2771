"""Test equipment of both generations: `/simulator/*`, the fault switches and the restart. For the built-in admin only."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import Any, Protocol

from aiohttp import web

from .delivery import Queue
from .writes import WriteLog

log = logging.getLogger("simulator")

#: Every switch that there is (README).
FAULTS = frozenset(
    "resolution issuer slow-reload too-many-requests loopback-counts exit-before-answer exit-after-write"
    " greeting-delay smtp-closed delivery-stalled unsigned".split()
)
RESTART_SECONDS = 0.1


class Equipped(Protocol):
    faults: set[str]
    requests: int
    nonce: str  # differs between processes
    writes: WriteLog
    queue: Queue


def fault(server: Equipped, name: str) -> None:
    """Ends the process at once if that fault is switched on: as a killed pod, without answering."""
    if name in server.faults:
        log.error("Fault %s: exiting", name)
        os._exit(70)


async def answer(server: Equipped, request: web.Request) -> Any:
    """The JSON answer, None for an unknown path."""
    match request.method, request.path:
        case "GET", "/simulator/writes":
            return server.writes.entries
        case "GET", "/simulator/requests":
            return {"requests": server.requests, "process": server.nonce}
        case "GET", "/simulator/queue":
            return server.queue.waiting()
        case "POST", "/simulator/queue":
            server.queue.retry(str(await request.json()))
            return {}
        case "GET", "/simulator/faults":
            return sorted(server.faults)
        case "PUT", "/simulator/faults":
            wanted = set(await request.json())
            if not wanted <= FAULTS:
                raise web.HTTPBadRequest(text=f"unknown faults: {', '.join(sorted(wanted - FAULTS))}")
            server.faults = wanted
            return sorted(wanted)
        case "POST", "/simulator/restart":
            # After the answer is out; the new process has the same arguments and environment, and the same id.
            asyncio.get_running_loop().call_later(RESTART_SECONDS, os.execv, sys.executable, sys.orig_argv)
            return {}
    return None
