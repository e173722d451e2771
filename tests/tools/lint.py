"""The static gates, in the order of their price."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LINK = Path(os.environ["TENANTMAIL_LINK"])
TREE = LINK.parents[2]
PACKAGE = "ansible_collections.tenantmail.stalwart"


def gates(artifacts: str) -> list[tuple[str, list[str], dict[str, str]]]:
    """Name, command and extra environment of each gate."""
    return [
        ("ruff check", ["ruff", "check", "."], {}),
        ("ruff format", ["ruff", "format", "--check", "."], {}),
        (
            "mypy",
            ["mypy", "--config-file", "pyproject.toml", "-p", f"{PACKAGE}.plugins"],
            {"MYPYPATH": str(TREE)},
        ),
        ("mypy tests", ["mypy", "--config-file", "pyproject.toml", "-p", "tests.sandbox", "-p", "tests.simulator"], {}),
        ("yamllint", ["yamllint", "-s", "."], {}),
        ("ansible-lint", ["ansible-lint"], {}),
        (
            "ansible-lint (profile production)",
            [
                "ansible-lint",
                "--profile",
                "production",
                "--config-file",
                os.devnull,
                "--offline",
                "--exclude",
                "roles/chart/files",
            ],
            {},
        ),
        (
            "antsibull-docs",
            ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=self", "."],
            {},
        ),
        ("antsibull-changelog", ["antsibull-changelog", "lint"], {}),
        ("collection build", ["ansible-galaxy", "collection", "build", "--force", "--output-path", artifacts], {}),
        ("galaxy-importer", [sys.executable, "-m", "tests.tools.importer", artifacts], {}),
    ]


def main() -> int:
    with tempfile.TemporaryDirectory() as artifacts:
        for name, command, env in gates(artifacts):
            begin = time.monotonic()
            done = subprocess.run(
                command, cwd=LINK, env={**os.environ, **env}, capture_output=True, text=True, check=False
            )
            print(
                f"{name:<36} {time.monotonic() - begin:6.1f} s  {'ok' if not done.returncode else 'FAILED'}", flush=True
            )
            if done.returncode:
                print(done.stdout, done.stderr, sep="\n")
                return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
