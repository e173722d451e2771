"""Run `make` targets in lanes side by side, stop at the first that fails, and end with the time of each.

One argument is one lane: targets that run one after the other, such as ``"lint unit"``.
"""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import sys
import threading
import time

_CLOSING = re.compile(r"^=* ?(\d+ (?:passed|failed|error|skipped).* in [\d.]+s.*?) ?=*$")


@dataclasses.dataclass
class Stage:
    """A target that ended; `closing` is pytest's last line, where it ran."""

    name: str
    status: int
    seconds: float
    closing: str


class Lanes:
    """The lanes' shared state: a stage that fails ends the other lane's as well."""

    def __init__(self) -> None:
        self.done: list[Stage] = []
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()

    @property
    def failed(self) -> bool:
        return any(stage.status for stage in self.done)

    def run(self, targets: list[str]) -> None:
        """One lane, to its end or until a stage of any lane fails."""
        for target in targets:
            with self._lock:
                if self.failed:
                    return
                begin = time.monotonic()
                process = subprocess.Popen(
                    ["make", target],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    start_new_session=True,
                )
                self._running.add(process)
            closing = ""
            assert process.stdout is not None
            for line in process.stdout:
                print(f"{target:<8} | {line}", end="", flush=True)
                if match := _CLOSING.match(line.rstrip()):
                    closing = match[1]
            status = process.wait()
            with self._lock:
                self._running.discard(process)
                if status and self.failed:
                    return
                self.done.append(Stage(target, status, time.monotonic() - begin, closing))
                if status:
                    self.stop()

    def stop(self) -> None:
        """Let the running stages end as they do on Ctrl-C."""
        for process in self._running:
            os.killpg(process.pid, signal.SIGINT)


def main(arguments: list[str]) -> int:
    begin = time.monotonic()
    lanes = Lanes()
    threads = [threading.Thread(target=lanes.run, args=(lane.split(),)) for lane in arguments]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        lanes.stop()
        for thread in threads:
            thread.join()
        return 130
    print("\nstage        seconds")
    for stage in lanes.done:
        print(f"{stage.name:<12} {stage.seconds:7.0f}  {stage.closing}".rstrip())
    print(f"{'all':<12} {time.monotonic() - begin:7.0f}")
    for stage in lanes.done:
        if stage.status:
            print(f"stage {stage.name} failed: exit {stage.status}; its lines begin with '{stage.name:<8} |'")
            return stage.status
    (closing,) = [stage.closing for stage in lanes.done if stage.name == "live"] or [""]
    print(f"==== {closing} ====" if closing else "")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
