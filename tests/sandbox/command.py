# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program to its end, with its output in a log file or returned."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Mapping, Sequence

from .errors import SandboxError


def run(
    argv: Sequence[str | Path],
    *,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout: float = 3600,
) -> str:
    """Run `argv`; return its standard output.

    With `log` all output goes to that file instead. `env` is added to the process's own environment; `timeout` is in
    seconds. Raises SandboxError with the last lines of the output when the program fails.
    """
    words = [str(word) for word in argv]
    environment = {**os.environ, **(env or {})}
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            output.write(f"\n$ {shlex.join(words)}\n".encode())
            output.flush()
            result = subprocess.run(
                words,
                env=environment,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
            )
        if result.returncode != 0:
            raise SandboxError(f"{words[0]} ended with {result.returncode}; last lines of {log}:\n{tail(log)}")
        return ""
    done = subprocess.run(
        words, env=environment, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=timeout, check=False
    )
    if done.returncode != 0:
        output_text = (done.stderr or done.stdout).strip()
        raise SandboxError(f"`{shlex.join(words)}` ended with {done.returncode}: {output_text[-2000:]}")
    return done.stdout


def tail(path: Path, lines: int = 15) -> str:
    """The last `lines` lines of a file, indented; empty when there is no such file."""
    if not path.exists():
        return ""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 32_768))
        text = stream.read().decode(errors="replace")
    return "\n".join("    " + entry for entry in text.splitlines()[-lines:])
