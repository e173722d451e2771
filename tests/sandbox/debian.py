# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that come as Debian packages."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Mapping

from . import command, progress
from .errors import SandboxError
from .settings import Settings

POLICY = Path("/usr/sbin/policy-rc.d")
# Server packages put their programs into sbin, which is not on every user's path.
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find_program(name: str) -> str | None:
    """Absolute path of a program in the system's own folders."""
    return shutil.which(name, path=SEARCH_PATH)


def program(name: str) -> str:
    """As `find_program`; raises SandboxError where it is missing."""
    path = find_program(name)
    if path is None:
        raise SandboxError(f"{name} is not installed: run `python -m tests.sandbox up`, which installs it")
    return path


def install(settings: Settings, wanted: Mapping[str, str]) -> None:
    """Install the packages of those programs or files in `wanted` (name or absolute path -> package) that are missing.

    The servers in the packages are not started: the sandbox starts its own.
    """
    missing = sorted({package for name, package in wanted.items() if not _present(name)})
    if not missing:
        return
    log = settings.logs / "apt.log"
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    with progress.step(f"Debian packages: {' '.join(missing)}"):
        options = ["-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
        command.run(["apt-get", "update"], log=log, env=environment)
        with _services_kept_down():
            command.run(["apt-get", "install", *options, *missing], log=log, env=environment)
    absent = sorted(name for name in wanted if not _present(name))
    if absent:
        raise SandboxError(
            f"after the installation of {', '.join(missing)} still missing: {', '.join(absent)}; see {log}"
        )


def _present(name: str) -> bool:
    return Path(name).exists() if name.startswith("/") else find_program(name) is not None


class _services_kept_down:
    """While packages are configured, deny the start of services (Debian policy: invoke-rc.d asks policy-rc.d)."""

    def __enter__(self) -> None:
        self._ours = not POLICY.exists()
        if self._ours:
            POLICY.write_text("#!/bin/sh\nexit 101\n")
            POLICY.chmod(0o755)

    def __exit__(self, *_: object) -> None:
        if self._ours:
            POLICY.unlink()
