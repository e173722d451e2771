# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the servers have in common that work for the cluster as one of its users."""

from __future__ import annotations

from pathlib import Path

from . import cluster, definitions, kubeconfig, kubectl
from .server import Server


class ClusterServer(Server):
    """A server with a Kubernetes user of its own name, whose rights are in manifests/<name>.yaml."""

    needs: tuple[str, ...] = ("kube-apiserver",)
    definitions_folder: str | None = None  # below share/ with the custom resource definitions it serves

    @property
    def kubeconfig(self) -> Path:
        return self.settings.credentials / f"{self.name}.kubeconfig"

    def prepare(self) -> list[Path]:
        kubeconfig.ensure(self.settings, self.kubeconfig, self.name, self.name)
        if self.definitions_folder:
            definitions.apply(self.settings, self.definitions_folder)
        kubectl.apply(self.settings, cluster.manifest(self.name))
        return [self.kubeconfig]
