# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Supervision: one process per pid file, only ours is ended, a changed configuration restarts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

from tests.sandbox import process
from tests.sandbox.errors import SandboxError

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


@pytest.fixture
def pid_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "server.json"
    yield path
    process.stop(path, grace=1)


def started(pid_file: Path, argv: list[str] = SLEEPER, configuration: tuple[Path, ...] = ()) -> bool:
    log = pid_file.with_suffix(".log")
    began = process.start(pid_file, argv, log=log, env={"PATH": os.defpath}, configuration=configuration)
    process.wait_until(lambda: "up" in log.read_text(), "sleeper", timeout=20, pid_file=pid_file, log=log)
    return began


def test_start_is_idempotent_and_stop_ends_it(pid_file: Path) -> None:
    assert started(pid_file)
    first = process.find(pid_file)
    assert not started(pid_file)
    assert process.find(pid_file) == first
    assert process.stop(pid_file)
    assert process.find(pid_file) is None
    assert not process.stop(pid_file)


def test_changed_configuration_restarts(pid_file: Path, tmp_path: Path) -> None:
    configuration = tmp_path / "server.conf"
    configuration.write_text("a")
    started(pid_file, configuration=(configuration,))
    first = process.find(pid_file)
    configuration.write_text("b")
    assert started(pid_file, configuration=(configuration,))
    second = process.find(pid_file)
    assert first
    assert second
    assert first.pid != second.pid


@pytest.mark.parametrize("change", [{"start_ticks": 1}, {"boot_id": "another boot"}])
def test_a_process_that_is_not_ours_is_left_alone(pid_file: Path, change: dict[str, object]) -> None:
    with subprocess.Popen(SLEEPER, stdout=subprocess.DEVNULL) as stranger:
        ours = {
            "pid": stranger.pid,
            "start_ticks": process._stat(stranger.pid)[2],
            "boot_id": process.boot_id(),  # type: ignore[index]
            "fingerprint": "",
        }
        pid_file.write_text(json.dumps(ours))
        assert process.find(pid_file) is not None
        pid_file.write_text(json.dumps({**ours, **change}))
        assert process.find(pid_file) is None
        assert not process.stop(pid_file)
        assert stranger.poll() is None
        stranger.kill()


def test_a_child_outliving_its_leader_is_ended(pid_file: Path) -> None:
    """Keycloak's first process is a shell; when that one is killed, the server goes on and keeps its port."""
    code = "import subprocess, sys, time; print(subprocess.Popen(sys.argv[1:]).pid, 'up', flush=True); time.sleep(600)"
    assert started(pid_file, [sys.executable, "-c", code, *SLEEPER])
    child = int(pid_file.with_suffix(".log").read_text().split()[0])
    leader = process.find(pid_file)
    assert leader
    os.kill(leader.pid, 9)
    process.wait_until(lambda: process.find(pid_file) is None, "leader", timeout=5)
    assert process._stat(child)
    assert process.stop(pid_file)
    state = process._stat(child)
    assert state is None or state[0] == "Z"


def test_a_cut_pid_file_means_no_process(pid_file: Path) -> None:
    pid_file.write_text('{"pid": 1')
    assert process.find(pid_file) is None


def test_stubborn_process_is_killed(pid_file: Path) -> None:
    started(pid_file, STUBBORN)
    assert process.stop(pid_file, grace=0.3)
    assert process.find(pid_file) is None


def test_waiting_for_a_process_that_died_shows_its_log(pid_file: Path) -> None:
    log = pid_file.with_suffix(".log")
    process.start(pid_file, [sys.executable, "-c", "raise SystemExit('port is taken')"], log=log, env={})
    with pytest.raises(SandboxError, match="port is taken"):
        process.wait_until(lambda: False, "server", timeout=20, pid_file=pid_file, log=log)


def test_waiting_ends_at_the_deadline() -> None:
    with pytest.raises(SandboxError, match="thing: not within"):
        process.wait_until(lambda: False, "thing", timeout=0.1)
