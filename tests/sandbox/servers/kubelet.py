# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubelet: the one node."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from .. import golang, kubeconfig, kubectl
from ..errors import SandboxError
from ..files import write
from ..server import Server
from ..settings import CLUSTER_DNS_ADDRESS, CLUSTER_DOMAIN, KUBELET_HEALTH_PORT, KUBELET_PORT, NODE_NAME


class Kubelet(Server):
    name = "kubelet"
    needs = ("containerd", "kube-apiserver")

    def install(self) -> None:
        golang.build(self.settings, golang.KUBERNETES)

    @property
    def _kubeconfig(self) -> Path:
        return self.settings.credentials / "kubelet.kubeconfig"

    def prepare(self) -> list[Path]:
        settings = self.settings
        kubeconfig.ensure(settings, self._kubeconfig, "kubelet", f"system:node:{NODE_NAME}", ["system:nodes"])
        serving = self.authority.server("kubelet-serving", [settings.address], [NODE_NAME])
        # For pods that do not want the cluster's DNS: the sandbox's own name server, which knows its zones only.
        resolver = self.folder / "resolv.conf"
        write(resolver, f"nameserver {settings.address}\noptions timeout:2 attempts:1\n")
        configuration = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": settings.address,
            "port": KUBELET_PORT,
            "healthzBindAddress": settings.address,
            "healthzPort": KUBELET_HEALTH_PORT,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": False},
                "x509": {"clientCAFile": str(settings.ca_file)},
            },
            "authorization": {"mode": "AlwaysAllow"},  # for holders of a certificate of the sandbox's authority
            "tlsCertFile": str(serving.certificate),
            "tlsPrivateKeyFile": str(serving.key),
            "cgroupDriver": "cgroupfs",
            "containerRuntimeEndpoint": f"unix://{settings.containerd_socket}",
            "failSwapOn": False,
            "resolvConf": str(resolver),
            "clusterDNS": [CLUSTER_DNS_ADDRESS],
            "clusterDomain": CLUSTER_DOMAIN,
            "podLogsDir": str(self.folder / "pod-logs"),
            "volumePluginDir": str(self.folder / "volume-plugins"),
            # A developer's disk may be nearly full, and the images cannot be pulled again.
            "evictionHard": {
                "memory.available": "50Mi",
                "nodefs.available": "1%",
                "imagefs.available": "1%",
                "nodefs.inodesFree": "1%",
            },
            "imageGCHighThresholdPercent": 100,
            "maxPods": 200,
            # How often a changed Secret is brought into a pod; a minute by default, which tests would wait for.
            "syncFrequency": "5s",
        }
        path = self.folder / "config.yaml"
        write(path, yaml.safe_dump(configuration, sort_keys=False))
        return [path, resolver, self._kubeconfig, serving.certificate]

    def argv(self) -> list[str]:
        return [
            str(self.settings.bin / "kubelet"),
            f"--config={self.folder / 'config.yaml'}",
            f"--kubeconfig={self._kubeconfig}",
            f"--root-dir={self.folder / 'root'}",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={self.settings.address}",
        ]

    def ready(self) -> bool:
        if not self.answers(f"http://{self.settings.address}:{KUBELET_HEALTH_PORT}/healthz"):
            return False
        try:
            node = json.loads(kubectl.run(self.settings, "get", "node", NODE_NAME, "-o", "json"))
        except SandboxError:
            return False
        return any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in node["status"].get("conditions", ())
        )
