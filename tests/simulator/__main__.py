"""`stalwart --config /etc/stalwart/config.json`: the simulator in place of the real binary."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys

from . import boot
from .server import Server, run


async def _main(settings: boot.Settings) -> None:
    server = Server(settings)
    job = asyncio.create_task(run(server))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, job.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await job


def main() -> int:
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    environ = boot.process_environment()
    try:
        config = boot.arguments(sys.argv[1:], environ)
        settings = boot.read(config, environ)
    except (boot.BootError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    asyncio.run(_main(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
