# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-apiserver, with an audit log that proves who read and wrote what."""

from __future__ import annotations

from pathlib import Path

import yaml

from .. import cluster, golang, kubeconfig
from ..files import write
from ..pki import signing_key
from ..server import Server
from ..settings import APISERVER_PORT, ETCD_PORT, KUBERNETES_SERVICE_ADDRESS, SERVICE_NETWORK

# One entry per request when it is answered, and for watches and streams one more when they begin. Query strings (`dryRun=All`) are part of `requestURI`.
# The cluster's own components only poll and renew leases by the thousand; what they write is kept.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/version"]},
        {
            "level": "None",
            "userGroups": ["system:nodes", "system:serviceaccounts:kube-system"],
            "verbs": ["get", "list", "watch"],
        },
        {
            "level": "None",
            "users": [
                "system:apiserver",
                "system:kube-controller-manager",
                "system:kube-scheduler",
                "system:kube-proxy",
                "external-secrets",
                "kube-router",
                "coredns",
                "metallb-controller",
                "cert-manager-controller",
                "traefik",
            ],
            "verbs": ["get", "list", "watch"],
        },
        {
            "level": "None",
            "userGroups": ["system:nodes"],
            "resources": [
                {"group": "coordination.k8s.io", "resources": ["leases"]},
                {"group": "", "resources": ["nodes/status", "events"]},
            ],
        },
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "Metadata"},
    ],
}


class ApiServer(Server):
    name = "kube-apiserver"
    needs = ("etcd",)

    @property
    def audit_log(self) -> Path:
        return self.settings.audit / "kube-apiserver.log"

    def install(self) -> None:
        golang.build(self.settings, golang.KUBERNETES)

    def prepare(self) -> list[Path]:
        address = self.settings.address
        self.authority.server(
            "kube-apiserver",
            [address, "127.0.0.1", KUBERNETES_SERVICE_ADDRESS],
            ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"],
        )
        self.authority.client("kube-apiserver-etcd", "kube-apiserver")
        self.authority.client("kube-apiserver-kubelet", "kube-apiserver-kubelet", ["system:masters"])
        signing_key(self.settings.pki / "service-account.key", self.settings.pki / "service-account.pub")
        kubeconfig.ensure(self.settings, self.settings.kubeconfig, "admin", "sandbox-admin", ["system:masters"])
        self.settings.audit.mkdir(parents=True, exist_ok=True, mode=0o700)
        policy = self.folder / "audit-policy.yaml"
        write(policy, yaml.safe_dump(AUDIT_POLICY, sort_keys=False))
        return [policy, self.settings.pki / "kube-apiserver.crt"]

    def argv(self) -> list[str]:
        address, pki = self.settings.address, self.settings.pki
        return [
            str(self.settings.bin / "kube-apiserver"),
            f"--etcd-servers=https://{address}:{ETCD_PORT}",
            f"--etcd-cafile={pki / 'ca.crt'}",
            f"--etcd-certfile={pki / 'kube-apiserver-etcd.crt'}",
            f"--etcd-keyfile={pki / 'kube-apiserver-etcd.key'}",
            f"--bind-address={address}",
            f"--advertise-address={address}",
            f"--secure-port={APISERVER_PORT}",
            f"--client-ca-file={pki / 'ca.crt'}",
            f"--tls-cert-file={pki / 'kube-apiserver.crt'}",
            f"--tls-private-key-file={pki / 'kube-apiserver.key'}",
            f"--service-account-key-file={pki / 'service-account.pub'}",
            f"--service-account-signing-key-file={pki / 'service-account.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-cluster-ip-range={SERVICE_NETWORK}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--kubelet-certificate-authority={pki / 'ca.crt'}",
            f"--kubelet-client-certificate={pki / 'kube-apiserver-kubelet.crt'}",
            f"--kubelet-client-key={pki / 'kube-apiserver-kubelet.key'}",
            "--kubelet-preferred-address-types=InternalIP",
            "--allow-privileged=true",
            "--endpoint-reconciler-type=lease",
            f"--audit-policy-file={self.folder / 'audit-policy.yaml'}",
            f"--audit-log-path={self.audit_log}",
            # Blocking: when a request is answered its entry is in the file, so tests can count at once.
            "--audit-log-mode=blocking",
            "--audit-log-maxsize=2048",
        ]

    def ready(self) -> bool:
        return self.answers(f"{self.settings.apiserver_url}/readyz")

    def configure(self) -> None:
        cluster.apply(self.settings)
