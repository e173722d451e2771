# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik: the Gateway that publishes the tenants' web hosts, on an address of its own."""

from __future__ import annotations

import json
from typing import Any, Sequence

from .. import golang, kubectl, process
from ..cluster_server import ClusterServer
from ..settings import (
    CLUSTER_ISSUER,
    GATEWAY,
    GATEWAY_CLASS,
    GATEWAY_NAMESPACE,
    TENANT_DOMAINS,
    TRAEFIK_PING_PORT,
)

_CERTIFICATE = "gateway-tls"


class Traefik(ClusterServer):
    name = "traefik"
    needs = ("kube-apiserver", "kube-controller-manager", "cert-manager-controller")
    definitions_folder = "gateway-api-crds"

    def install(self) -> None:
        golang.build(self.settings, golang.TRAEFIK)

    def argv(self) -> list[str]:
        settings = self.settings
        return [
            str(settings.bin / self.name),
            "--providers.kubernetesgateway=true",
            f"--providers.kubernetesgateway.statusaddress.ip={settings.gateway_address}",
            f"--entrypoints.websecure.address={settings.gateway_address}:443",
            f"--entrypoints.ping.address={settings.address}:{TRAEFIK_PING_PORT}",
            "--ping.entrypoint=ping",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
            "--log.level=INFO",
            "--accesslog=true",
        ]

    def env(self) -> dict[str, str]:
        return {"KUBECONFIG": str(self.kubeconfig)}

    def ready(self) -> bool:
        return self.answers(f"http://{self.settings.address}:{TRAEFIK_PING_PORT}/ping")

    def configure(self) -> None:
        names = [f"*.{domain}" for domain in TENANT_DOMAINS]
        kubectl.apply(self.settings, _gateway(names))
        kubectl.run(
            self.settings,
            *("-n", GATEWAY_NAMESPACE, "wait", "--for=condition=Ready", "--timeout=60s", f"certificate/{_CERTIFICATE}"),
        )
        process.wait_until(
            self._gateway_programmed, f"Gateway {GATEWAY}", timeout=60, pid_file=self.pid_file, log=self.log
        )

    def _gateway_programmed(self) -> bool:
        found = json.loads(kubectl.run(self.settings, "-n", GATEWAY_NAMESPACE, "get", "gateway", GATEWAY, "-o", "json"))
        status = found.get("status", {})
        conditions = [*status.get("conditions", ())]
        conditions += [item for listener in status.get("listeners", ()) for item in listener.get("conditions", ())]
        return bool(status.get("listeners")) and all(
            item["status"] == "True" for item in conditions if item["type"] in ("Programmed", "ResolvedRefs")
        )


def _gateway(names: Sequence[str]) -> list[dict[str, Any]]:
    """One Gateway for all namespaces, with a certificate of the sandbox's authority for `names`."""
    return [
        {
            "apiVersion": "cert-manager.io/v1",
            "kind": "Certificate",
            "metadata": {"name": _CERTIFICATE, "namespace": GATEWAY_NAMESPACE},
            "spec": {
                "secretName": _CERTIFICATE,
                # A wildcard stands for one label only (RFC 6125 section 6.4.3), so each tenant's domain is named.
                "dnsNames": list(names),
                "privateKey": {"algorithm": "ECDSA"},
                "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": CLUSTER_ISSUER},
            },
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": GATEWAY_CLASS},
            "spec": {"controllerName": "traefik.io/gateway-controller"},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": GATEWAY, "namespace": GATEWAY_NAMESPACE},
            "spec": {
                "gatewayClassName": GATEWAY_CLASS,
                "listeners": [
                    {
                        "name": "https",
                        "protocol": "HTTPS",
                        "port": 443,
                        "tls": {"mode": "Terminate", "certificateRefs": [{"name": _CERTIFICATE}]},
                        "allowedRoutes": {"namespaces": {"from": "All"}},
                    }
                ],
            },
        },
    ]
