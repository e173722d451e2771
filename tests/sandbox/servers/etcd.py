# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd: the store of the Kubernetes API server."""

from __future__ import annotations

from .. import debian
from ..server import Server
from ..settings import ETCD_PEER_PORT, ETCD_PORT


class Etcd(Server):
    name = "etcd"

    def install(self) -> None:
        debian.install(self.settings, {"etcd": "etcd-server"})

    def argv(self) -> list[str]:
        address = self.settings.address
        server = self.authority.server("etcd", [address])
        client_url = f"https://{address}:{ETCD_PORT}"
        peer_url = f"https://{address}:{ETCD_PEER_PORT}"
        authority = str(self.authority.ca.certificate)
        return [
            debian.program("etcd"),
            "--name=sandbox",
            f"--data-dir={self.folder / 'data'}",
            f"--listen-client-urls={client_url}",
            f"--advertise-client-urls={client_url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=sandbox={peer_url}",
            f"--cert-file={server.certificate}",
            f"--key-file={server.key}",
            f"--trusted-ca-file={authority}",
            "--client-cert-auth",
            f"--peer-cert-file={server.certificate}",
            f"--peer-key-file={server.key}",
            f"--peer-trusted-ca-file={authority}",
            "--peer-client-cert-auth",
            # One machine, data that `up` can make again: waiting for the disk would only cost time.
            "--unsafe-no-fsync",
            "--auto-compaction-retention=1",
            "--log-level=warn",
        ]

    def ready(self) -> bool:
        client = self.authority.client("etcd-client", "etcd-client")
        return self.answers(
            f"https://{self.settings.address}:{ETCD_PORT}/health", cert=(str(client.certificate), str(client.key))
        )
