# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy engine leaves in the machine's packet filter: found in a listing, and how it is removed. No I/O."""

from __future__ import annotations

from typing import Iterable

# kube-router's; kube-proxy's chains begin with KUBE- as well.
CHAINS = ("KUBE-ROUTER-", "KUBE-POD-FW-", "KUBE-NWPLCY-")
SETS = ("KUBE-SRC-", "KUBE-DST-")


def removal(saved: str) -> str:
    """Input for `iptables-restore --noflush` that removes the engine's chains from table filter; empty if there is none.

    `saved` is the output of `iptables-save -t filter`.
    """
    lines = saved.splitlines()
    chains = [line[1:].split()[0] for line in lines if line.startswith(":") and line[1:].startswith(CHAINS)]
    if not chains:
        return ""
    jumps = [
        f"-D {line.removeprefix('-A ')}"
        for line in lines
        if line.startswith("-A ") and not line[3:].startswith(CHAINS) and _target(line).startswith(CHAINS)
    ]
    # A chain goes only when no rule of another one leads to it: all are emptied first.
    flushes = [f"-F {chain}" for chain in chains]
    deletions = [f"-X {chain}" for chain in chains]
    return "\n".join(["*filter", *jumps, *flushes, *deletions, "COMMIT", ""])


def sets(names: Iterable[str]) -> list[str]:
    """The engine's among the names that `ipset list -name` gives."""
    return [name for name in names if name.startswith(SETS)]


def _target(rule: str) -> str:
    words = rule.split()
    return words[words.index("-j") + 1] if "-j" in words[:-1] else ""
