# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-proxy: Services, and the external addresses that stand for the tenants' mail addresses."""

from __future__ import annotations

from pathlib import Path

from .. import command, golang, kubeconfig
from ..server import Server
from ..settings import KUBE_PROXY_HEALTH_PORT, KUBE_PROXY_METRICS_PORT, NODE_NAME, POD_NETWORK


class KubeProxy(Server):
    name = "kube-proxy"
    needs = ("kube-apiserver",)

    def install(self) -> None:
        golang.build(self.settings, golang.KUBERNETES)

    @property
    def _kubeconfig(self) -> Path:
        return self.settings.credentials / f"{self.name}.kubeconfig"

    def prepare(self) -> list[Path]:
        kubeconfig.ensure(self.settings, self._kubeconfig, self.name, f"system:{self.name}")
        return [self._kubeconfig]

    def argv(self) -> list[str]:
        address = self.settings.address
        return [
            str(self.settings.bin / self.name),
            f"--kubeconfig={self._kubeconfig}",
            "--proxy-mode=iptables",
            f"--cluster-cidr={POD_NETWORK}",
            f"--hostname-override={NODE_NAME}",
            f"--bind-address={address}",
            f"--healthz-bind-address={address}:{KUBE_PROXY_HEALTH_PORT}",
            f"--metrics-bind-address={address}:{KUBE_PROXY_METRICS_PORT}",
            # The limits of connection tracking belong to the whole machine, not to the sandbox.
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
        ]

    def ready(self) -> bool:
        return self.answers(f"http://{self.settings.address}:{KUBE_PROXY_HEALTH_PORT}/healthz")

    def stop(self) -> bool:
        """End it and remove its rules from the machine's packet filter."""
        ran = super().stop()
        if ran:
            command.run([self.settings.bin / self.name, "--cleanup", "--proxy-mode=iptables"], log=self.log, timeout=60)
        return ran
