"""Run galaxy-importer on the one artifact in a folder; its warnings are errors here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main(folder: str) -> int:
    (artifact,) = Path(folder).glob("*.tar.gz")
    done = subprocess.run(
        [sys.executable, "-m", "galaxy_importer.main", str(artifact)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    bad = [line for line in done.stdout.splitlines() if line.startswith(("ERROR", "WARNING"))]
    print(done.stdout if done.returncode else "\n".join(bad))
    return done.returncode or len(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
