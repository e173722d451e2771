# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubectl as the cluster's administrator."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import Any, Iterable, Iterator

import yaml

from . import command
from .errors import SandboxError
from .settings import Settings


def run(settings: Settings, *words: str, stdin: str | None = None, timeout: float = 120) -> str:
    """Run kubectl; return its output. Raises SandboxError when it fails."""
    return command.run(
        [settings.bin / "kubectl", f"--kubeconfig={settings.kubeconfig}", *words],
        stdin=stdin,
        timeout=timeout,
        env={"NO_PROXY": settings.address},
    )


@contextmanager
def port_forward(settings: Settings, namespace: str, pod: str, port: int) -> Iterator[int]:
    """The local port of a forward to a pod's port, which ends with the block."""
    words = ["port-forward", f"pod/{pod}", f":{port}", "-n", namespace, "--address=127.0.0.1"]
    with subprocess.Popen(
        [settings.bin / "kubectl", f"--kubeconfig={settings.kubeconfig}", *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_PROXY": settings.address},
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise SandboxError(f"kubectl {' '.join(words)} ended at once")
            yield int(line.rpartition(" -> ")[0].rpartition(":")[2])
        finally:
            process.terminate()


def apply(settings: Settings, objects: Iterable[dict[str, Any]]) -> None:
    """Apply objects on the server's side (client-side apply has no room for large CRDs)."""
    run(
        settings,
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=sandbox",
        "-f",
        "-",
        stdin=yaml.safe_dump_all(list(objects), sort_keys=False),
    )
