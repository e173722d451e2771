# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MetalLB's controller: gives Services of type LoadBalancer their addresses. kube-proxy answers for them on the node.

There is no speaker: nothing beyond this machine asks for the addresses.
"""

from __future__ import annotations

from typing import Any, Sequence

from .. import golang, kubectl
from ..cluster_server import ClusterServer
from ..settings import KEYCLOAK_NAMESPACE, KEYCLOAK_PORT, METALLB_METRICS_PORT, METALLB_NAMESPACE, NODE_NAME


class MetalLb(ClusterServer):
    name = "metallb-controller"
    needs = ("kube-apiserver", "kube-controller-manager")
    definitions_folder = "metallb-crds"

    def install(self) -> None:
        golang.build(self.settings, golang.METALLB)

    def argv(self) -> list[str]:
        return [
            str(self.settings.bin / self.name),
            f"--namespace={METALLB_NAMESPACE}",
            # Its webhook would only check pools and routers, which nobody but the sandbox writes.
            "--webhook-mode=disabled",
            # On all addresses: it takes a port only.
            f"--port={METALLB_METRICS_PORT}",
        ]

    def env(self) -> dict[str, str]:
        return {"KUBECONFIG": str(self.kubeconfig)}

    def ready(self) -> bool:
        return self.answers(f"http://{self.settings.address}:{METALLB_METRICS_PORT}/metrics")

    def configure(self) -> None:
        fixed, free = self.settings.pools
        pools = [_pool("fixed", fixed, automatic=False), _pool("free", free, automatic=True)]
        kubectl.apply(self.settings, [*pools, *_keycloak(self.settings.address, self.settings.keycloak_address)])


def _pool(name: str, addresses: Sequence[str], *, automatic: bool) -> dict[str, Any]:
    """Addresses to be asked for by `metallb.io/loadBalancerIPs`; if `automatic`, given to whom asks for none as well."""
    return {
        "apiVersion": "metallb.io/v1beta1",
        "kind": "IPAddressPool",
        "metadata": {"name": name, "namespace": METALLB_NAMESPACE},
        "spec": {"addresses": list(addresses), "autoAssign": automatic},
    }


def _keycloak(address: str, published: str) -> list[dict[str, Any]]:
    """Keycloak on the usual port: the Service that the host names of realm URLs lead to."""
    metadata = {"name": "keycloak", "namespace": KEYCLOAK_NAMESPACE}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": KEYCLOAK_NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**metadata, "annotations": {"metallb.io/loadBalancerIPs": published}},
            "spec": {
                "type": "LoadBalancer",
                # Its log must show who asks: `facts` tells the playbooks' requests from those of pods by address.
                "externalTrafficPolicy": "Local",
                "allocateLoadBalancerNodePorts": False,
                "ports": [{"name": "https", "port": 443, "targetPort": KEYCLOAK_PORT}],
            },
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                **metadata,
                "name": "keycloak-host",
                "labels": {
                    "kubernetes.io/service-name": "keycloak",
                    "endpointslice.kubernetes.io/managed-by": "sandbox",
                },
            },
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "nodeName": NODE_NAME, "conditions": {"ready": True}}],
            "ports": [{"name": "https", "port": KEYCLOAK_PORT}],
        },
    ]
