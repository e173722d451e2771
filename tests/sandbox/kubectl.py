# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubectl as the cluster's administrator."""

from __future__ import annotations

from typing import Any, Iterable

import yaml

from . import command
from .settings import Settings


def run(settings: Settings, *words: str, stdin: str | None = None, timeout: float = 120) -> str:
    """Run kubectl; return its output. Raises SandboxError when it fails."""
    return command.run(
        [settings.bin / "kubectl", f"--kubeconfig={settings.kubeconfig}", *words],
        stdin=stdin,
        timeout=timeout,
        env={"NO_PROXY": settings.address},
    )


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
