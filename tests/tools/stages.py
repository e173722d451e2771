"""Run `make` targets in lanes side by side, stop at the first that fails, and end with the time of each.

One argument is one lane: targets that run one after the other, such as ``"lint unit"``. ``unit:sandbox`` waits until ``sandbox`` of
another lane has ended.
"""

from __future__ import annotations

import io
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

#: Seconds that a stage has to clean up (start a stopped server again) after it was told to stop.
GRACE = 120
_CLOSING = re.compile(r"^=* ?(\d+ (?:passed|failed|error|skipped).* in [\d.]+s.*?) ?=*$")


class Stage:
    """A target that runs or ran; `closing` is pytest's last line, where it ran."""

    def __init__(self, name: str, lane: int, output: queue.SimpleQueue[tuple[Stage, str | None]]) -> None:
        self.name = name
        self.lane = lane
        self.status: int | None = None
        self.seconds = 0.0
        self.closing = ""
        self.stopped = False
        self._begin = time.monotonic()
        self._output = output
        self._process = subprocess.Popen(
            ["make", name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C reaches this process alone, which then stops each stage once.
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._output.put((self, line.rstrip("\n")))
        self._output.put((self, None))

    def show(self, line: str) -> None:
        print(f"{self.name:<8} | {line}", flush=True)
        if match := _CLOSING.match(line.rstrip()):
            self.closing = match[1]

    def ended(self) -> None:
        self.status = self._process.wait()
        self.seconds = time.monotonic() - self._begin

    def signal(self, number: int) -> None:
        self.stopped = True
        os.killpg(self._process.pid, number)

    @property
    def verdict(self) -> str:
        if self.stopped:
            return "stopped"
        return f"FAILED, exit {self.status}" if self.status else "ok"


def run(lanes: list[list[str]]) -> list[Stage]:
    """All stages that were started, each of them ended; those after a failure or a signal are not started.

    :raises ValueError: a stage waits for one that no lane has.
    """
    output: queue.SimpleQueue[tuple[Stage, str | None]] = queue.SimpleQueue()
    todo = [[_split(item) for item in lane] for lane in lanes]
    names = {name for lane in todo for name, _after in lane}
    if unknown := {after for lane in todo for _name, after in lane if after} - names:
        raise ValueError(f"no lane has {', '.join(sorted(unknown))}")
    stages: list[Stage] = []
    running: set[Stage] = set()
    told = threading.Event()
    kill_at: float | None = None

    def tell(_number: int, _frame: FrameType | None) -> None:
        told.set()

    def start() -> None:
        """Whatever can run: the next one of each lane that has none running."""
        ended = {stage.name for stage in stages if stage not in running}
        busy = {stage.lane for stage in running}
        for lane, rest in enumerate(todo):
            if rest and lane not in busy and not told.is_set() and rest[0][1] in (None, *ended):
                stage = Stage(rest.pop(0)[0], lane, output)
                stages.append(stage)
                running.add(stage)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, tell)
    start()
    while running:
        try:
            stage, line = output.get(timeout=0.5)
        except queue.Empty:
            stage, line = None, None
        if stage is not None and line is not None:
            stage.show(line)
        elif stage is not None:
            stage.ended()
            running.discard(stage)
            if stage.status:
                told.set()
            start()
        if told.is_set() and kill_at is None:
            kill_at = time.monotonic() + GRACE
            for other in running:
                other.signal(signal.SIGINT)
        elif kill_at is not None and time.monotonic() > kill_at:
            for other in running:
                other.signal(signal.SIGKILL)
    return stages


def _split(item: str) -> tuple[str, str | None]:
    """The target, and the one whose end it waits for."""
    name, _colon, after = item.partition(":")
    return name, after or None


def main(arguments: list[str]) -> int:
    begin = time.monotonic()
    lanes = [lane.split() for lane in arguments]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    stages = run(lanes)
    print("\nstage        seconds")
    for stage in stages:
        print(f"{stage.name:<12} {stage.seconds:7.0f}  {stage.verdict:<16} {stage.closing}".rstrip())
    print(f"{'all':<12} {time.monotonic() - begin:7.0f}")
    failed = [stage for stage in stages if stage.status and not stage.stopped]
    for stage in failed:
        print(f"stage {stage.name} failed; its lines begin with '{stage.name:<8} |'")
    if failed or len(stages) < sum(map(len, lanes)) or any(stage.status for stage in stages):
        return 1
    for stage in stages:
        if stage.name == "live" and stage.closing:
            print(f"==== {stage.closing} ====")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
