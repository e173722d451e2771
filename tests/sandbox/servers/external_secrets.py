# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""External Secrets Operator: copies secrets from OpenBao into the cluster. Runs as a process of the host."""

from __future__ import annotations

import base64
import json
from typing import Any

from .. import golang, kubectl, process
from ..cluster_server import ClusterServer
from ..settings import EXTERNAL_SECRETS_METRICS_PORT, SECRET_STORE
from .openbao import MOUNT, READER, OpenBao

NAMESPACE = "external-secrets"
SERVICE_ACCOUNT = "external-secrets"
REVIEWER = "openbao-token-reviewer"
AUDIENCE = "vault"


class ExternalSecrets(ClusterServer):
    name = "external-secrets"
    needs = ("kube-apiserver", "kube-controller-manager", "openbao")
    definitions_folder = "external-secrets-crds"

    def install(self) -> None:
        golang.build(self.settings, golang.EXTERNAL_SECRETS)

    def argv(self) -> list[str]:
        address = self.settings.address
        return [
            str(self.settings.bin / self.name),
            f"--metrics-addr={address}:{EXTERNAL_SECRETS_METRICS_PORT}",
            "--enable-leader-election=false",
            "--loglevel=info",
            "--store-requeue-interval=30s",
        ]

    def env(self) -> dict[str, str]:
        return {"KUBECONFIG": str(self.kubeconfig)}

    def ready(self) -> bool:
        return self.answers(f"http://{self.settings.address}:{EXTERNAL_SECRETS_METRICS_PORT}/metrics")

    def configure(self) -> None:
        openbao = OpenBao(self.settings)
        openbao.trust_cluster(self._reviewer_token(), SERVICE_ACCOUNT, NAMESPACE, AUDIENCE)
        certificate = base64.b64encode(self.settings.ca_file.read_bytes()).decode()
        kubectl.apply(self.settings, [_store(self.settings.openbao_url, certificate)])
        process.wait_until(
            self._store_ready, f"ClusterSecretStore {SECRET_STORE}", timeout=60, pid_file=self.pid_file, log=self.log
        )

    def _reviewer_token(self) -> str:
        def token() -> str:
            secret = json.loads(kubectl.run(self.settings, "-n", NAMESPACE, "get", "secret", REVIEWER, "-o", "json"))
            return base64.b64decode(secret.get("data", {}).get("token", "")).decode()

        process.wait_until(lambda: bool(token()), f"token of service account {REVIEWER}", timeout=60)
        return token()

    def _store_ready(self) -> bool:
        store = json.loads(kubectl.run(self.settings, "get", "clustersecretstore", SECRET_STORE, "-o", "json"))
        return any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in store.get("status", {}).get("conditions", ())
        )


def _store(url: str, certificate: str) -> dict[str, Any]:
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ClusterSecretStore",
        "metadata": {"name": SECRET_STORE},
        "spec": {
            "provider": {
                "vault": {
                    "server": url,
                    "path": MOUNT,
                    "version": "v2",
                    "caBundle": certificate,
                    "auth": {
                        "kubernetes": {
                            "mountPath": "kubernetes",
                            "role": READER,
                            "serviceAccountRef": {
                                "name": SERVICE_ACCOUNT,
                                "namespace": NAMESPACE,
                                "audiences": [AUDIENCE],
                            },
                        }
                    },
                }
            }
        },
    }
