# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-controller-manager and kube-scheduler, which differ in their options only."""

from __future__ import annotations

from pathlib import Path

from .. import cluster, golang, kubeconfig
from ..server import Server
from ..settings import CONTROLLER_MANAGER_PORT, POD_NETWORK, SCHEDULER_PORT


class _Controller(Server):
    needs = ("kube-apiserver",)
    port: int

    def install(self) -> None:
        golang.build(self.settings, golang.KUBERNETES)

    @property
    def _kubeconfig(self) -> Path:
        return self.settings.credentials / f"{self.name}.kubeconfig"

    def prepare(self) -> list[Path]:
        kubeconfig.ensure(self.settings, self._kubeconfig, self.name, f"system:{self.name}")
        self.authority.server(f"{self.name}-serving", [self.settings.address])
        return [self._kubeconfig]

    def options(self) -> list[str]:
        """What only this one needs."""
        return []

    def argv(self) -> list[str]:
        pki = self.settings.pki
        return [
            str(self.settings.bin / self.name),
            f"--kubeconfig={self._kubeconfig}",
            f"--bind-address={self.settings.address}",
            f"--secure-port={self.port}",
            f"--tls-cert-file={pki / f'{self.name}-serving.crt'}",
            f"--tls-private-key-file={pki / f'{self.name}-serving.key'}",
            *self.options(),
            "--leader-elect=false",
        ]

    def ready(self) -> bool:
        return self.answers(f"https://{self.settings.address}:{self.port}/healthz")


class ControllerManager(_Controller):
    name = "kube-controller-manager"
    port = CONTROLLER_MANAGER_PORT

    def options(self) -> list[str]:
        return [
            f"--service-account-private-key-file={self.settings.pki / 'service-account.key'}",
            f"--root-ca-file={self.settings.pki / 'ca.crt'}",
            "--use-service-account-credentials",
            f"--cluster-cidr={POD_NETWORK}",
            "--allocate-node-cidrs=true",
        ]

    def configure(self) -> None:
        cluster.recycle_volumes(self.settings)


class Scheduler(_Controller):
    name = "kube-scheduler"
    port = SCHEDULER_PORT
