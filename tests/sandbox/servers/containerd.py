# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""containerd: runs the pods of the node."""

from __future__ import annotations

import json
import time
from pathlib import Path

from .. import command, debian
from ..errors import SandboxError
from ..files import write
from ..network import POD_NETWORK_NAME
from ..server import Server
from ..settings import NODE_POD_NETWORK, POD_BRIDGE

PAUSE_IMAGE = "localhost/pause:1"
CNI_PLUGINS = Path("/usr/lib/cni")
NAMESPACE = "k8s.io"  # where containerd's Kubernetes interface keeps its containers

CONFIG = """\
version = 2
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]

[grpc]
  address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # Without CAP_SYS_RESOURCE a process may not lower its OOM score; runc would end without a word.
  restrict_oom_score_adj = true
  stream_server_address = "{address}"

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni_plugins}"
    conf_dir = "{cni_config}"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
"""


class Containerd(Server):
    name = "containerd"

    def install(self) -> None:
        debian.install(
            self.settings,
            {
                "containerd": "containerd",
                "runc": "runc",
                "iptables": "iptables",
                "conntrack": "conntrack",
                "ip": "iproute2",
                "mount": "mount",
                str(CNI_PLUGINS / "bridge"): "containernetworking-plugins",
            },
        )

    def prepare(self) -> list[Path]:
        network = {
            "cniVersion": "1.0.0",
            "name": POD_NETWORK_NAME,
            "plugins": [
                # No masquerading: pods reach each other and the sandbox's servers, not the Internet.
                {
                    "type": "bridge",
                    "bridge": POD_BRIDGE,
                    "isGateway": True,
                    "ipMasq": False,
                    "hairpinMode": True,
                    "ipam": {
                        "type": "host-local",
                        "dataDir": str(self.folder / "cni-addresses"),
                        "ranges": [[{"subnet": NODE_POD_NETWORK}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                },
                {"type": "portmap", "capabilities": {"portMappings": True}},
            ],
        }
        cni_config = self.folder / "cni"
        write(cni_config / "10-sandbox.conflist", json.dumps(network, indent=2) + "\n")
        config = self.folder / "config.toml"
        write(
            config,
            CONFIG.format(
                root=self.folder / "root",
                state=self.settings.run / "containerd",
                socket=self.settings.containerd_socket,
                pause=PAUSE_IMAGE,
                address=self.settings.address,
                cni_plugins=CNI_PLUGINS,
                cni_config=cni_config,
            ),
        )
        return [config]

    def argv(self) -> list[str]:
        return [debian.program("containerd"), "--config", str(self.folder / "config.toml")]

    def ready(self) -> bool:
        if self.pid is None or not self.settings.containerd_socket.exists():
            return False
        try:
            self.ctr("version", timeout=10)
        except SandboxError:
            return False
        return True

    def ctr(self, *words: str, timeout: float = 600) -> str:
        """Run containerd's own client against this server."""
        return command.run(
            [
                debian.program("ctr"),
                "--address",
                str(self.settings.containerd_socket),
                "--namespace",
                NAMESPACE,
                *words,
            ],
            timeout=timeout,
        )

    def stop(self) -> bool:
        """End the pods, then the server: a container outlives its server by design."""
        if self.pid is not None and self.ready():
            self._stop_pods()
        return super().stop()

    def _stop_pods(self) -> None:
        for number, grace in (("SIGTERM", 8.0), ("SIGKILL", 8.0)):
            tasks = self._running_tasks()
            for task in tasks:
                try:
                    self.ctr("task", "kill", "--all", "--signal", number, task)
                except SandboxError as error:
                    if "not found" not in str(error) and "already finished" not in str(error):
                        raise
            deadline = time.monotonic() + grace
            while tasks and time.monotonic() < deadline:
                time.sleep(0.2)
                tasks = self._running_tasks()
            if not tasks:
                return
        raise SandboxError(f"containers do not end: {', '.join(self._running_tasks())}")

    def _running_tasks(self) -> list[str]:
        rows = [row.split() for row in self.ctr("task", "ls").splitlines()[1:]]
        return [row[0] for row in rows if row and row[-1] != "STOPPED"]
