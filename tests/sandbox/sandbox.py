# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings all servers up and down, and wipes the tenants' data."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from pathlib import Path
from typing import Iterator, Sequence

from . import cluster, command, debian, golang, hosts, images, inventory, network, progress
from .errors import SandboxError
from .pki import Authority
from .server import Server
from .servers import servers
from .servers.keycloak import Keycloak
from .servers.openbao import OpenBao
from .servers.powerdns import PowerDns
from .settings import Settings


@contextlib.contextmanager
def lock(settings: Settings) -> Iterator[None]:
    """Let one run at a time change the sandbox; a second one waits."""
    settings.cache.mkdir(parents=True, exist_ok=True)
    with (settings.cache / "lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            progress.line(f"waiting for another run on the sandbox (process {handle.read().strip() or 'unknown'})")
            fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def up(settings: Settings) -> None:
    """Install, start and set up everything that is not yet; write the inventory."""
    _folders(settings)
    every = servers(settings)
    images.debian_release()  # before the long builds
    # Packages and the quick downloads first, so that what is missing shows before the long builds.
    for server in every:
        server.install()
    hosts.install(settings)
    golang.build(settings, golang.HELM)
    images.base_layer(settings)
    network.up(settings)
    Authority(settings.pki).ensure()
    hosts.write(settings)
    _start(every)
    with progress.step("images"):
        references = images.ensure(settings)
    golang.forget(settings)
    inventory.write(settings, references)
    progress.line(
        f"sandbox is up after {progress.total():.1f}s; inventory: {settings.inventory}, images: {', '.join(references.values())}"
    )


def up_some(settings: Settings, names: Sequence[str]) -> None:
    """Start and set up single servers again; the rest of the sandbox is taken to be there."""
    chosen = select(settings, names)
    if not Authority(settings.pki).ca.certificate.exists():
        raise SandboxError("the sandbox was never up: run `python -m tests.sandbox up` without naming a server")
    _folders(settings)
    _start(chosen)


def select(settings: Settings, names: Sequence[str]) -> list[Server]:
    """The named servers in the order in which they start. Raises SandboxError naming what there is."""
    every = servers(settings)
    unknown = sorted(set(names) - {server.name for server in every})
    if unknown:
        raise SandboxError(
            f"there is no server {', '.join(unknown)}; there are {', '.join(item.name for item in every)}"
        )
    return [server for server in every if server.name in names]


def _folders(settings: Settings) -> None:
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o711)
    settings.credentials.mkdir(exist_ok=True, mode=0o700)
    settings.run.mkdir(parents=True, exist_ok=True, mode=0o711)


def _start(every: list[Server]) -> None:
    by_name = {server.name: server for server in every}
    done: set[str] = set()

    def finish(name: str) -> None:
        if name not in done:
            by_name[name].wait_ready()
            if type(by_name[name]).configure is not Server.configure:
                with progress.step(f"{name} set up"):
                    by_name[name].configure()
            done.add(name)

    for server in every:
        for name in server.needs:
            if name in by_name:
                finish(name)
        if server.start():
            progress.line(f"  started          {server.name} (process {server.pid})")
    # What starts first takes longest, so it is awaited last.
    for server in reversed(every):
        finish(server.name)


def down(settings: Settings, *, wipe: bool = False) -> None:
    """End all servers that were started, in reverse order; with `wipe` remove their data as well."""
    for server in reversed(servers(settings)):
        with progress.step(f"{server.name} stopped"):
            server.stop()
    if debian.find_program("ip"):
        network.down(settings, forget=wipe)
    if wipe:
        with progress.step(f"{settings.data} removed"):
            _unmount_below(settings.data)
            _unmount_below(settings.run)
            for folder in (settings.data, settings.run):
                if folder.exists():
                    shutil.rmtree(folder)


def down_some(settings: Settings, names: Sequence[str]) -> None:
    """End single servers."""
    for server in reversed(select(settings, names)):
        with progress.step(f"{server.name} stopped"):
            server.stop()


def reset(settings: Settings) -> None:
    """Remove the tenants' data: namespaces, volumes, realms, secrets and zones. Programs and platform stay."""
    missing = [server.name for server in servers(settings) if not server.healthy()]
    if missing:
        raise SandboxError(f"not ready: {', '.join(missing)}; run `python -m tests.sandbox up` first")
    with progress.step("namespaces and volumes of the tenants removed"):
        cluster.wipe(settings)
    with progress.step("realms removed"):
        Keycloak(settings).wipe()
    with progress.step("secrets removed"):
        OpenBao(settings).wipe()
    with progress.step("zones made anew"):
        PowerDns(settings).wipe()


def _unmount_below(folder: Path) -> None:
    """Release what kubelet and containerd have mounted below `folder`, the innermost first."""
    # Field 5 of proc(5) mountinfo; blanks are escaped there as octal numbers.
    rows = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [row.split()[4].encode().decode("unicode_escape") for row in rows]
    for point in sorted((point for point in points if Path(point).is_relative_to(folder)), reverse=True):
        command.run([debian.program("umount"), point])
