# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-controller-manager."""

from __future__ import annotations

from pathlib import Path

from .. import golang, kubeconfig
from ..server import Server
from ..settings import CONTROLLER_MANAGER_PORT, POD_NETWORK


class ControllerManager(Server):
    name = "kube-controller-manager"
    needs = ("kube-apiserver",)

    def install(self) -> None:
        golang.build(self.settings, golang.KUBERNETES)

    @property
    def _kubeconfig(self) -> Path:
        return self.settings.credentials / f"{self.name}.kubeconfig"

    def prepare(self) -> list[Path]:
        kubeconfig.ensure(self.settings, self._kubeconfig, self.name, f"system:{self.name}")
        self.authority.server(f"{self.name}-serving", [self.settings.address])
        return [self._kubeconfig]

    def argv(self) -> list[str]:
        pki = self.settings.pki
        return [
            str(self.settings.bin / self.name),
            f"--kubeconfig={self._kubeconfig}",
            f"--bind-address={self.settings.address}",
            f"--secure-port={CONTROLLER_MANAGER_PORT}",
            f"--tls-cert-file={pki / f'{self.name}-serving.crt'}",
            f"--tls-private-key-file={pki / f'{self.name}-serving.key'}",
            f"--service-account-private-key-file={pki / 'service-account.key'}",
            f"--root-ca-file={pki / 'ca.crt'}",
            "--use-service-account-credentials",
            f"--cluster-cidr={POD_NETWORK}",
            "--allocate-node-cidrs=true",
            "--leader-elect=false",
        ]

    def ready(self) -> bool:
        return self.answers(f"https://{self.settings.address}:{CONTROLLER_MANAGER_PORT}/healthz")
