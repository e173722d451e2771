# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cert-manager's controllers, and the ClusterIssuer that stands for the sandbox's own authority.

There is no webhook: the definitions of the program's module name none, so the API server stores what fits their schema.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from .. import golang, kubectl, process
from ..cluster_server import ClusterServer
from ..settings import CERT_MANAGER_METRICS_PORT, CERT_MANAGER_NAMESPACE, CLUSTER_ISSUER


class CertManager(ClusterServer):
    name = "cert-manager-controller"
    needs = ("kube-apiserver", "kube-controller-manager")
    definitions_folder = "cert-manager-crds"

    def install(self) -> None:
        golang.build(self.settings, golang.CERT_MANAGER)

    def argv(self) -> list[str]:
        return [
            str(self.settings.bin / self.name),
            f"--kubeconfig={self.kubeconfig}",
            f"--cluster-resource-namespace={CERT_MANAGER_NAMESPACE}",
            f"--metrics-listen-address={self.settings.address}:{CERT_MANAGER_METRICS_PORT}",
        ]

    def ready(self) -> bool:
        return self.answers(f"http://{self.settings.address}:{CERT_MANAGER_METRICS_PORT}/metrics")

    def configure(self) -> None:
        authority = self.authority.ca
        pair = {
            "tls.crt": base64.b64encode(authority.certificate.read_bytes()).decode(),
            "tls.key": base64.b64encode(authority.key.read_bytes()).decode(),
        }
        kubectl.apply(self.settings, _issuer(pair))
        process.wait_until(
            self._issuer_ready, f"ClusterIssuer {CLUSTER_ISSUER}", timeout=60, pid_file=self.pid_file, log=self.log
        )

    def _issuer_ready(self) -> bool:
        issuer = json.loads(kubectl.run(self.settings, "get", "clusterissuer", CLUSTER_ISSUER, "-o", "json"))
        return any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in issuer.get("status", {}).get("conditions", ())
        )


def _issuer(pair: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": CLUSTER_ISSUER, "namespace": CERT_MANAGER_NAMESPACE},
            "data": pair,
        },
        {
            "apiVersion": "cert-manager.io/v1",
            "kind": "ClusterIssuer",
            "metadata": {"name": CLUSTER_ISSUER},
            "spec": {"ca": {"secretName": CLUSTER_ISSUER}},
        },
    ]
