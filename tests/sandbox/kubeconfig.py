# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubeconfig files with client certificates of the sandbox's authority."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Sequence

import yaml

from .files import write
from .pki import Authority
from .settings import Settings


def ensure(settings: Settings, path: Path, name: str, user: str, groups: Sequence[str] = ()) -> None:
    """Write a kubeconfig for Kubernetes user `user` in `groups`; certificate and key are inside the file."""
    authority = Authority(settings.pki)
    pair = authority.client(f"client-{name}", user, groups)
    write(
        path,
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "sandbox",
                "clusters": [
                    {
                        "name": "sandbox",
                        "cluster": {
                            "server": settings.apiserver_url,
                            "certificate-authority-data": _base64(authority.ca.certificate),
                        },
                    }
                ],
                "users": [
                    {
                        "name": user,
                        "user": {
                            "client-certificate-data": _base64(pair.certificate),
                            "client-key-data": _base64(pair.key),
                        },
                    }
                ],
                "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": user}}],
            },
            sort_keys=False,
        ),
        0o600,
    )


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
