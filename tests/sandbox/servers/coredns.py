# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CoreDNS: the cluster's DNS. What is not the cluster's is asked of the sandbox's PowerDNS and never leaves the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import golang, kubectl
from ..cluster_server import ClusterServer
from ..files import write
from ..settings import (
    CLUSTER_DNS_ADDRESS,
    CLUSTER_DOMAIN,
    COREDNS_HEALTH_PORT,
    POWERDNS_DNS_PORT,
)

# No cache: answers must show a change at once.
COREFILE = """\
.:53 {{
    bind {dns}
    errors
    ready {address}:{port}
    kubernetes {domain} in-addr.arpa ip6.arpa {{
        kubeconfig "{kubeconfig}" sandbox
        fallthrough in-addr.arpa ip6.arpa
    }}
    forward . {upstream}
}}
"""


class CoreDns(ClusterServer):
    name = "coredns"
    needs = ("kube-apiserver", "powerdns")

    def install(self) -> None:
        golang.build(self.settings, golang.COREDNS)

    @property
    def _corefile(self) -> Path:
        return self.folder / "Corefile"

    def prepare(self) -> list[Path]:
        settings = self.settings
        text = COREFILE.format(
            dns=settings.dns_address,
            address=settings.address,
            port=COREDNS_HEALTH_PORT,
            domain=CLUSTER_DOMAIN,
            kubeconfig=self.kubeconfig,
            upstream=f"{settings.address}:{POWERDNS_DNS_PORT}",
        )
        write(self._corefile, text)
        return [*super().prepare(), self._corefile]

    def argv(self) -> list[str]:
        return [str(self.settings.bin / self.name), "-conf", str(self._corefile)]

    def ready(self) -> bool:
        return self.answers(f"http://{self.settings.address}:{COREDNS_HEALTH_PORT}/ready")

    def configure(self) -> None:
        kubectl.apply(self.settings, _service(self.settings.dns_address))


def _service(address: str) -> list[dict[str, Any]]:
    """The Service that pods ask, and the process of the host behind it."""
    metadata = {"name": "kube-dns", "namespace": "kube-system"}
    ports = [{"name": name.lower(), "protocol": name, "port": 53} for name in ("UDP", "TCP")]
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"clusterIP": CLUSTER_DNS_ADDRESS, "ports": [{**port, "targetPort": 53} for port in ports]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                **metadata,
                "name": "kube-dns-host",
                "labels": {
                    "kubernetes.io/service-name": "kube-dns",
                    "endpointslice.kubernetes.io/managed-by": "sandbox",
                },
            },
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
            "ports": ports,
        },
    ]
