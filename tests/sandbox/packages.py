# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python packages for an image, chosen for its Python whatever this machine's is."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from pathlib import Path

from . import command, files, progress
from .settings import Settings

#: Published as source only. Pure Python: a wheel that is built here suits the image as well.
SOURCE_ONLY = ("dkimpy", "pyspf")


def install(settings: Settings, name: str, requirements: Path, python: str) -> Path:
    """The folder that holds what ``requirements`` names; filled anew when the file or the Python is another.

    :param python: the image's, such as ``3.11``.
    """
    folder = settings.share / f"{name}-packages"
    stamp = settings.share / f"{name}-packages.stamp"
    mark = files.digest([requirements], python)
    if folder.exists() and stamp.exists() and stamp.read_text() == mark:
        return folder
    machine = platform.machine()
    log = settings.logs / f"build-{name}.log"
    with progress.step(f"packages of the {name}"):
        stamp.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        wheels = _wheels(settings, name, requirements, log)
        words: list[str | Path] = [
            "-m",
            "pip",
            "install",
            "--find-links",
            wheels,
            "--quiet",
            "--no-compile",
            "--target",
            folder,
        ]
        words += ["--python-version", python, "--implementation", "cp", "--only-binary=:all:"]
        for glibc in ("2014", "_2_17", "_2_28", "_2_34"):
            words += ["--platform", f"manylinux{glibc}_{machine}"]
        command.run([sys.executable, *words, "-r", requirements], log=log)
        files.write(stamp, mark)
    return folder


def _wheels(settings: Settings, name: str, requirements: Path, log: Path) -> Path:
    """pip takes nothing but wheels when it installs for another Python."""
    folder = settings.build / f"{name}-wheels"
    lines = requirements.read_text().splitlines()
    pins = [line for line in lines if re.split(r"[^A-Za-z0-9_.-]", line, maxsplit=1)[0] in SOURCE_ONLY]
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command.run([*pip, "--wheel-dir", str(folder), *pins], log=log)
    return folder
