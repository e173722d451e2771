# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all servers of the sandbox have in common."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import Mapping, Sequence

import requests

from . import process, progress
from .debian import SEARCH_PATH
from .pki import Authority
from .settings import Settings


class Server(abc.ABC):
    """One server process: install, start, ready, stop.

    `prepare` writes configuration, `configure` sets up what can only be set up in the running server; both are
    idempotent and called by every `up`.
    """

    name: str
    needs: tuple[str, ...] = ()  # servers that must be ready before this one starts
    start_timeout: float = 60  # seconds until `ready` must hold
    stop_timeout: float = 20  # seconds from SIGTERM to SIGKILL

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.authority = Authority(settings.pki)

    # --- to be written per server ---
    @abc.abstractmethod
    def install(self) -> None:
        """Bring the program onto the machine."""

    def prepare(self) -> Sequence[Path]:
        """Write configuration; return the files whose change calls for a restart."""
        return ()

    @abc.abstractmethod
    def argv(self) -> Sequence[str]:
        """Command line, with an absolute path first and no secret in it."""

    def env(self) -> Mapping[str, str]:
        """Environment beyond PATH and HOME."""
        return {}

    @abc.abstractmethod
    def ready(self) -> bool:
        """Whether the server answers now; one quick look."""

    def configure(self) -> None:  # noqa: B027 - most servers need none
        """Set up the running server."""

    # --- the same for all ---
    @property
    def folder(self) -> Path:
        return self.settings.data / self.name

    @property
    def log(self) -> Path:
        return self.settings.logs / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        return self.settings.data / "pids" / f"{self.name}.json"

    @property
    def pid(self) -> int | None:
        running = process.find(self.pid_file)
        return running.pid if running else None

    def start(self) -> bool:
        """Start it unless it runs as configured; return whether it was started."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        configuration = self.prepare()
        environment = {
            "PATH": f"{self.settings.bin}:{SEARCH_PATH}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            **self.env(),
        }
        return process.start(
            self.pid_file,
            list(self.argv()),
            log=self.log,
            env=environment,
            configuration=configuration,
            grace=self.stop_timeout,
        )

    def healthy(self) -> bool:
        """Whether our process runs and answers; another program on its port does not count."""
        return self.pid is not None and self.ready()

    def wait_ready(self) -> None:
        if self.healthy():
            return
        with progress.step(f"{self.name} ready"):
            process.wait_until(
                self.healthy, self.name, timeout=self.start_timeout, pid_file=self.pid_file, log=self.log
            )

    def stop(self) -> bool:
        """End the process if it is ours and runs; return whether it ran."""
        return process.stop(self.pid_file, self.stop_timeout)

    # --- help for the servers ---
    def answers(self, url: str, *, status: int = 200, cert: tuple[str, str] | None = None) -> bool:
        """Whether a GET of `url` gives `status`; TLS is verified against the sandbox's authority."""
        try:
            with session(self.settings) as http:
                return http.get(url, timeout=5, cert=cert).status_code == status
        except requests.RequestException:
            return False


def session(settings: Settings) -> requests.Session:
    """HTTP session that trusts the sandbox's authority and ignores proxies of the user's shell."""
    http = requests.Session()
    http.trust_env = False
    http.verify = str(settings.ca_file)
    return http
