"""The image's entrypoint: arguments are ignored, a missing configuration is written first (contract 0.15 section 1.1)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def main() -> None:
    root = Path(os.environ.get("SIMULATOR_ROOT", "/opt/stalwart"))
    config = root / "etc" / "config.toml"
    command = [sys.executable, "-m", __package__.rpartition(".")[0]]
    if not config.is_file():
        subprocess.run([*command, "--init", str(root)], check=True)
    os.execv(sys.executable, [*command, "--config", str(config)])


if __name__ == "__main__":
    main()
