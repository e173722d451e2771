# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line per step with the time it took, on standard error so that `env` stays usable in `eval`."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Iterator

_started = time.monotonic()


def line(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(text: str) -> Iterator[None]:
    """Print `text` when it begins on a terminal, and always when it ends with its duration in seconds."""
    begin = time.monotonic()
    if sys.stderr.isatty():
        print(f"  … {text}", end="\r", file=sys.stderr, flush=True)
    try:
        yield
    except BaseException:
        line(f"  failed  {time.monotonic() - begin:7.1f}s  {text}")
        raise
    line(f"  ok      {time.monotonic() - begin:7.1f}s  {text}")


def total() -> float:
    """Seconds since this process began."""
    return time.monotonic() - _started
