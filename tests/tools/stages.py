"""Run `make` targets one after the other, stop at the first that fails, and end with the time of each."""

from __future__ import annotations

import subprocess
import sys
import time


def main(stages: list[str]) -> int:
    times: list[tuple[str, float]] = []
    status = 0
    for stage in stages:
        print(f"\n=== {stage} ===", flush=True)
        begin = time.monotonic()
        status = subprocess.run(["make", stage], check=False).returncode
        times.append((stage, time.monotonic() - begin))
        if status:
            break
    print("\nstage        seconds")
    for stage, seconds in times:
        print(f"{stage:<12} {seconds:7.0f}")
    print(f"{'total':<12} {sum(s for _stage, s in times):7.0f}")
    if status:
        print(f"stage {times[-1][0]} failed: exit {status}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
