# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's own bridge. The host's resolver, /etc/hosts and other interfaces are never touched."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

from . import command, files
from .debian import program
from .errors import SandboxError
from .settings import NODE_BRIDGE, POD_BRIDGE, Settings

POD_NETWORK_NAME = "tenantmail-sandbox"
# Where libcni remembers what it has attached; containerd 1.6 offers no other place.
_ATTACHED = Path("/var/lib/cni/results")
_BRIDGE_FILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


def up(settings: Settings) -> None:
    """Make the node's bridge with its addresses.

    Raises SandboxError when another interface already has an address in the sandbox's network.
    """
    prefix = settings.node_network.prefixlen
    wanted = [f"{host}/{prefix}" for host in (settings.address, settings.dns_address, settings.gateway_address)]
    interfaces = json.loads(command.run([program("ip"), "-json", "-4", "address", "show"]))
    present = []
    for interface in interfaces:
        for info in interface["addr_info"]:
            found = f"{info['local']}/{info['prefixlen']}"
            if interface["ifname"] == NODE_BRIDGE:
                present.append(found)
            elif _overlaps(settings, info["local"]):
                raise SandboxError(
                    f"interface {interface['ifname']} has {found}, which lies in the sandbox's network "
                    f"{settings.node_network}: choose another one by TENANTMAIL_SANDBOX_NETWORK"
                )
    if not _exists(NODE_BRIDGE):
        command.run([program("ip"), "link", "add", NODE_BRIDGE, "type", "bridge"])
    # The first one is the primary address, by which the node's own connections come.
    if present[:1] != wanted[:1]:
        command.run([program("ip"), "address", "flush", "dev", NODE_BRIDGE])
        present = []
    for address in wanted:
        if address not in present:
            command.run([program("ip"), "address", "add", address, "dev", NODE_BRIDGE])
    command.run([program("ip"), "link", "set", NODE_BRIDGE, "up"])
    # kube-proxy and the pods' bridge both need the node to forward; the CNI plugin sets the same.
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")
    # Pods of one node share a bridge: without this their traffic passes no packet filter, so no policy and no Service.
    if not _BRIDGE_FILTER.exists():
        command.run([program("modprobe"), "br_netfilter"])
    _filter_bridges(settings)


def _former_filter(settings: Settings) -> Path:
    """What the machine's own bridges had, where that was something else."""
    return settings.data / "bridge-nf-call-iptables"


def _filter_bridges(settings: Settings) -> None:
    former = _BRIDGE_FILTER.read_text()
    if former.strip() != "1":
        files.write(_former_filter(settings), former)
        _BRIDGE_FILTER.write_text("1\n")


def _filter_bridges_as_before(settings: Settings) -> None:
    former = _former_filter(settings)
    if former.exists():
        if _BRIDGE_FILTER.exists():
            _BRIDGE_FILTER.write_text(former.read_text())
        former.unlink()


def down(settings: Settings, *, forget: bool) -> None:
    """Remove the sandbox's bridges and the network namespaces of pods that have ended.

    With `forget` also what the CNI plugins remember of them; without it the kubelet still releases their addresses.
    """
    for record in sorted(_ATTACHED.glob(f"{POD_NETWORK_NAME}-*")):
        for interface in json.loads(record.read_text())["result"]["interfaces"]:
            space = interface.get("sandbox")
            if space and Path(space).exists():
                command.run([program("ip"), "netns", "delete", Path(space).name])
        if forget:
            record.unlink()
            container = record.name.removeprefix(f"{POD_NETWORK_NAME}-").split("-")[0]
            for other in _ATTACHED.glob(f"cni-loopback-{container}-*"):
                other.unlink()
    for bridge in (NODE_BRIDGE, POD_BRIDGE):
        if _exists(bridge):
            command.run([program("ip"), "link", "delete", bridge])
    _filter_bridges_as_before(settings)


def _exists(interface: str) -> bool:
    return Path(f"/sys/class/net/{interface}").exists()


def _overlaps(settings: Settings, address: str) -> bool:
    return ipaddress.ip_address(address) in settings.node_network
