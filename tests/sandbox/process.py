# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Supervision of long-running servers by pid files.

A pid file names the process by pid, its start time in clock ticks (field 22 of /proc/<pid>/stat, proc(5)) and the boot
it belongs to, so that a pid that was given to another program, before or after a restart of the machine, is never
taken for ours. It also holds a fingerprint of command line and configuration: a server whose fingerprint changed is
restarted by `start`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable, Mapping, Sequence

from .command import tail
from .errors import SandboxError
from .files import write

LOG_LIMIT = 64 * 1024 * 1024  # bytes; a longer log is started afresh with the server
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Running:
    """Identity of a process that was started by `start`."""

    pid: int
    start_ticks: int
    boot_id: str
    fingerprint: str


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _stat(pid: int) -> tuple[str, int, int] | None:
    """State letter, process group and start time of a process, None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command name in parentheses may itself hold spaces and parentheses.
    fields = text[text.rindex(")") + 2 :].split()
    return fields[0], int(fields[2]), int(fields[19])


def _recorded(pid_file: Path) -> Running | None:
    """What the pid file says, None when it is of an earlier boot."""
    try:
        recorded = Running(**json.loads(pid_file.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):  # cut short by a crash of the machine
        return None
    return recorded if recorded.boot_id == boot_id() else None


def find(pid_file: Path) -> Running | None:
    """The process a pid file names if it is still that process, else None."""
    running = _recorded(pid_file)
    return running if running is not None and _leads(running) else None


def _leads(running: Running) -> bool:
    child = _children.get(running.pid)
    if child is not None:
        child.poll()  # reap it when it has ended
    stat = _stat(running.pid)
    return stat is not None and stat[0] not in "ZX" and stat[2] == running.start_ticks


def _alive(running: Running) -> bool:
    """Whether the process or any other of its group lives: Keycloak's is a shell whose child is the server.

    The kernel gives a number to no new process while it names a group, so members without their leader are ours.
    """
    if _leads(running):
        return True
    stat = _stat(running.pid)
    if stat is not None and stat[2] != running.start_ticks:
        return False  # the number belongs to another program by now
    for entry in Path("/proc").iterdir():
        member = _stat(int(entry.name)) if entry.name.isdigit() else None
        if member is not None and member[1] == running.pid and member[0] not in "ZX":
            return True
    return False


def fingerprint(argv: Sequence[str], env: Mapping[str, str], configuration: Sequence[Path]) -> str:
    sha = hashlib.sha256(json.dumps([list(argv), dict(env)], sort_keys=True).encode())
    program = Path(argv[0]).stat()
    sha.update(f"{program.st_size} {program.st_mtime_ns}".encode())
    for path in configuration:
        sha.update(path.read_bytes())
    return sha.hexdigest()


def start(
    pid_file: Path,
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str],
    configuration: Sequence[Path] = (),
    grace: float = 20,
) -> bool:
    """Start a server unless it runs with the same command line and configuration; return whether it was started.

    `env` is the complete environment: proxies and other settings of the user's shell must not reach the servers.
    `configuration` lists the files whose change calls for a restart.
    """
    mark = fingerprint(argv, env, configuration)
    running = find(pid_file)
    if running is not None and running.fingerprint == mark:
        return False
    stop(pid_file, grace)
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.unlink()
    with log.open("ab") as output:
        child = subprocess.Popen(
            list(argv),
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
        )
    _children[child.pid] = child
    stat = _stat(child.pid)
    if stat is None:
        raise SandboxError(f"{argv[0]} ended at once; last lines of {log}:\n{tail(log)}")
    write(pid_file, json.dumps(asdict(Running(child.pid, stat[2], boot_id(), mark))) + "\n", 0o600)
    return True


def stop(pid_file: Path, grace: float = 20) -> bool:
    """End the process a pid file names and its group, by SIGTERM and after `grace` seconds by SIGKILL.

    Returns whether there was one.
    """
    running = _recorded(pid_file)
    if running is None or not _alive(running):
        pid_file.unlink(missing_ok=True)
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        # It leads a group of its own; the group may end between the look and the signal.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, number)
        deadline = time.monotonic() + grace
        while _alive(running) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not _alive(running):
            pid_file.unlink(missing_ok=True)
            return True
    raise SandboxError(f"process {running.pid} of {pid_file} does not end")


def wait_until(
    check: Callable[[], bool], what: str, *, timeout: float, pid_file: Path | None = None, log: Path | None = None
) -> None:
    """Poll `check` until it is true.

    Raises SandboxError after `timeout` seconds, or as soon as the process of `pid_file` has ended, with the end of
    `log`.
    """
    deadline = time.monotonic() + timeout
    pause = 0.05
    while not check():
        detail = f"; last lines of {log}:\n{tail(log)}" if log else ""
        if pid_file is not None and find(pid_file) is None:
            raise SandboxError(f"{what}: the process has ended{detail}")
        if time.monotonic() > deadline:
            raise SandboxError(f"{what}: not within {timeout:.0f} s{detail}")
        time.sleep(pause)
        pause = min(0.5, pause * 1.5)
