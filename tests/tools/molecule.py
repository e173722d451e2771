"""Run the molecule scenarios in the order in which they build on each other; print what they print only when one fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time

#: check_mode needs the empty sandbox that it makes; default leaves a provisioned one behind for the live tests.
SCENARIOS = ("check_mode", "default")


def main() -> int:
    for scenario in SCENARIOS:
        begin = time.monotonic()
        done = subprocess.run(
            ["molecule", "test", "--scenario-name", scenario],
            cwd=os.environ["TENANTMAIL_LINK"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        verdict = "FAILED" if done.returncode else "ok"
        print(f"molecule {scenario:<12} {time.monotonic() - begin:6.0f} s  {verdict}", flush=True)
        if done.returncode:
            print(done.stdout)
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
