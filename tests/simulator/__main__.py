"""`stalwart --config FILE`: the simulator in place of the real binary."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys

from . import boot, lifecycle
from . import server as server016
from .v015 import boot as boot015
from .v015 import server as server015


def _server(argv: list[str]) -> lifecycle.Startable:
    """The generation is told by what the process is started with: config.json is 0.16's, config.toml 0.15's."""
    environ = boot.process_environment()
    if boot015.wanted(argv, environ):
        return server015.Server(boot015.read(boot015.arguments(argv, environ), environ))
    return server016.Server(boot.read(boot.arguments(argv, environ), environ))


async def _main(server: lifecycle.Startable) -> None:
    job = asyncio.create_task(lifecycle.run(server))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, job.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await job


def main() -> int:
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        server = _server(sys.argv[1:])
    except (boot.BootError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    asyncio.run(_main(server))
    return 0


if __name__ == "__main__":
    sys.exit(main())
