# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom resource definitions, as the modules of their programs carry them."""

from __future__ import annotations

import yaml

from . import kubectl, progress
from .files import digest, write
from .settings import Settings


def apply(settings: Settings, folder: str) -> None:
    """Bring the definitions of a folder below share/ into the cluster, unless they are what was brought last."""
    paths = sorted((settings.share / folder).glob("*.yaml"))
    stamp = settings.data / "kube-apiserver" / f"{folder}.stamp"
    mark = digest(paths)
    if stamp.exists() and stamp.read_text() == mark:
        return
    with progress.step(f"custom resource definitions: {folder}"):
        documents = [document for path in paths for document in yaml.safe_load_all(path.read_text()) if document]
        found = [item for item in documents if item["kind"] == "CustomResourceDefinition"]
        kubectl.apply(settings, found)
        names = [f"crd/{item['metadata']['name']}" for item in found]
        kubectl.run(settings, "wait", "--for=condition=Established", "--timeout=60s", *names)
    write(stamp, mark)
