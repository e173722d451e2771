# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-router as the engine of NetworkPolicies, and nothing else: no routes, no Services."""

from __future__ import annotations

import re

import requests

from .. import command, debian, golang, packetfilter
from ..cluster_server import ClusterServer
from ..server import session
from ..settings import KUBE_ROUTER_METRICS_PORT, NODE_NAME, SERVICE_NETWORK

# Counts the times it has written its rules.
_SYNCED = re.compile(r"^kube_router_controller_iptables_sync_time_count (\d+)", re.MULTILINE)


class KubeRouter(ClusterServer):
    name = "kube-router"
    needs = ("kube-apiserver", "kubelet")  # it looks up its node

    def install(self) -> None:
        debian.install(self.settings, {"ipset": "ipset", "iptables": "iptables"})
        golang.build(self.settings, golang.KUBE_ROUTER)

    def argv(self) -> list[str]:
        return [
            str(self.settings.bin / self.name),
            f"--kubeconfig={self.kubeconfig}",
            f"--hostname-override={NODE_NAME}",
            "--run-firewall=true",
            "--run-router=false",
            "--run-service-proxy=false",
            f"--service-cluster-ip-range={SERVICE_NETWORK}",
            f"--metrics-addr={self.settings.address}",
            f"--metrics-port={KUBE_ROUTER_METRICS_PORT}",
            "--health-port=0",  # it would listen on all addresses
        ]

    def ready(self) -> bool:
        """Whether the policies that existed at its start are in force."""
        try:
            with session(self.settings) as http:
                answer = http.get(f"http://{self.settings.address}:{KUBE_ROUTER_METRICS_PORT}/metrics", timeout=5)
        except requests.RequestException:
            return False
        found = _SYNCED.search(answer.text)
        return found is not None and int(found[1]) > 0

    def stop(self) -> bool:
        """End it and remove its rules: its own --cleanup-config leaves them and would empty IPVS of the whole machine."""
        ran = super().stop()
        if debian.find_program("ipset"):
            self._remove_rules()
        return ran

    def _remove_rules(self) -> None:
        script = packetfilter.removal(command.run([debian.program("iptables-save"), "-t", "filter"]))
        if script:
            command.run([debian.program("iptables-restore"), "--noflush", "--wait"], stdin=script)
        for name in packetfilter.sets(command.run([debian.program("ipset"), "list", "-name"]).split()):
            command.run([debian.program("ipset"), "destroy", name])
