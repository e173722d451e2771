# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host names of the sandbox for single processes of this machine, whose own resolver does not know them.

Pods ask the cluster's DNS. Playbooks use the system's resolver, which is not ours to change: nss_wrapper (cwrap.org) makes
one process and its children read a hosts file of our own before it.
"""

from __future__ import annotations

import os
import platform
from typing import Mapping

from . import debian, files
from .settings import KEYCLOAK_HOSTS, Settings

_LIBRARY = f"/usr/lib/{platform.machine()}-linux-gnu/libnss_wrapper.so"


def install(settings: Settings) -> None:
    debian.install(settings, {_LIBRARY: "libnss-wrapper"})


def write(settings: Settings) -> None:
    """Write the hosts file, hosts(5)."""
    files.write(settings.hosts_file, f"{settings.keycloak_address} {' '.join(KEYCLOAK_HOSTS)}\n")


def environment(settings: Settings, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a process's environment needs to know the names."""
    others = [path for path in environ.get("LD_PRELOAD", "").split(":") if path and path != _LIBRARY]
    return {"LD_PRELOAD": ":".join([_LIBRARY, *others]), "NSS_WRAPPER_HOSTS": str(settings.hosts_file)}
