"""A simulator as a fork of a process that has imported it: hundreds of starts cost the imports once."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import __main__ as simulator

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])
_PACKAGE = Path(__file__).resolve().parent


class Forked:
    """What `subprocess.Popen` is to a simulator that is started as a program. One that nobody stopped ends with pytest."""

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self._process = _FORKS.Process(target=_run, args=(list(arguments), dict(environ), log), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """The exit status. Raises subprocess.TimeoutExpired when it still runs then."""
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(str(_PACKAGE), timeout)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing for a process that has ended."""
        # It is the fork server that waits for its children: one may be gone between the two.
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def _run(arguments: list[str], environ: dict[str, str], log: Path) -> None:
    os.environ.clear()
    os.environ.update(environ)
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    # POST /simulator/restart executes this, which is the fork server's own here.
    sys.orig_argv = [sys.executable, "-m", _PACKAGE.name, *arguments]
    sys.argv = [_PACKAGE.name, *arguments]
    sys.exit(simulator.main())
