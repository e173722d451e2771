"""Lanes of `make` targets: a failure or a signal ends the other lane after its cleanup, and nothing counts as green."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / "tests/tools/stages.py"
MAKEFILE = """\
live:
\t@echo '==== 5 passed in 2.00s ===='
bad:
\t@sleep 0.5; printf '\\303\\251\\n'; exit 3
never:
\t@echo started
slow:
\t@sleep 1; echo done
long:
\t@'{python}' -u -c 'import time;exec("try:\\n print(\\"begun\\")\\n time.sleep(60)\\nfinally:\\n time.sleep(1)\\n print(\\"cleaned\\")")'
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Makefile").write_text(MAKEFILE.format(python=sys.executable))
    return tmp_path


def start(folder: Path, *lanes: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(TOOL), *lanes],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_all_green_ends_with_pytest_s_closing_line(folder: Path) -> None:
    run = start(folder, "never", "live")
    output = run.communicate(timeout=60)[0]
    assert run.returncode == 0
    assert output.splitlines()[-1] == "==== 5 passed in 2.00s ===="


def test_a_stage_waits_for_another_lane_s(folder: Path) -> None:
    run = start(folder, "never live:slow", "slow")
    output = run.communicate(timeout=60)[0]
    assert run.returncode == 0
    assert output.index("slow     | done") < output.index("5 passed")
    assert output.index("started") < output.index("slow     | done")


def test_a_stage_does_not_start_when_the_one_that_it_waits_for_fails(folder: Path) -> None:
    run = start(folder, "never:bad", "bad")
    output = run.communicate(timeout=60)[0]
    assert run.returncode == 1
    assert "started" not in output


def test_nobody_waits_for_a_stage_that_is_not_there(folder: Path) -> None:
    run = start(folder, "never:sandbox")
    output = run.communicate(timeout=60)[0]
    assert run.returncode == 1
    assert "started" not in output


def test_a_failure_stops_both_lanes_and_lets_them_clean_up(folder: Path) -> None:
    run = start(folder, "bad never", "long")
    output = run.communicate(timeout=60)[0]
    assert run.returncode == 1
    assert "long     | cleaned" in output
    assert "started" not in output
    assert "stage bad failed" in output
    assert "stopped" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_what_runs_and_waits_for_it(folder: Path, number: signal.Signals) -> None:
    run = start(folder, "long never")
    assert run.stdout is not None
    assert "begun" in run.stdout.readline()
    run.send_signal(number)
    output = run.communicate(timeout=60)[0]
    assert run.returncode == 1
    assert "cleaned" in output
    assert "started" not in output
