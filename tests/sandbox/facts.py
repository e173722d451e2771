# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests ask the sandbox: addresses, credentials, and the requests its servers received.

from tests.sandbox import facts

mark = facts.mark()
...                                   # run a playbook
assert facts.counts(mark)["keycloak"]["write"] == 0
"""

from __future__ import annotations

import ipaddress
import json
import time
import uuid
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping

import hvac
import requests

from . import cluster, hosts, kubectl, requestlog
from .errors import SandboxError
from .requestlog import Request
from .server import session
from .servers.apiserver import ApiServer
from .servers.keycloak import Keycloak
from .servers.openbao import OpenBao
from .servers.powerdns import PowerDns
from .settings import KEYCLOAK_HOSTS, NAMED_REALMS, PLATFORM_FQDN, POD_NETWORK, PROVISIONER, Settings, current

PODS = ipaddress.ip_network(POD_NETWORK)
BACKENDS = ("kubernetes", "openbao", "keycloak", "powerdns")
_FENCE_TIMEOUT = 20.0  # seconds


def settings() -> Settings:
    return current()


def platform_fqdn() -> str:
    return PLATFORM_FQDN


# --- clients with full rights, for looking at the outcome ------------------------------------------
def openbao() -> hvac.Client:
    return OpenBao(current()).client()


def keycloak() -> requests.Session:
    """Session with an administrator's token, valid for 60 s. The admin API is below `settings().keycloak_url`."""
    return Keycloak(current()).admin_session()


def powerdns() -> requests.Session:
    """Session with the API key. The API is below `settings().powerdns_url`."""
    return PowerDns(current()).api()


def http() -> requests.Session:
    """Session that trusts the sandbox's authority, without credentials."""
    return session(current())


def keycloak_headers(realm: str) -> dict[str, str]:
    """What a request to a realm at `settings().keycloak_url` needs besides: Keycloak's issuer follows the host it is asked as."""
    names = {f"sme-{slug}": host for slug, host in zip(NAMED_REALMS, KEYCLOAK_HOSTS)}
    return {"Host": names[realm]} if realm in names else {}


def environment() -> dict[str, str]:
    """What a playbook's environment needs to know the sandbox's host names."""
    return hosts.environment(current())


def kubernetes(*words: str, stdin: str | None = None) -> str:
    """Output of kubectl run as the cluster's administrator."""
    return kubectl.run(current(), *words, stdin=stdin)


def port_forward(namespace: str, pod: str, port: int) -> AbstractContextManager[int]:
    """A local port that leads to a pod's port, seen there as coming from loopback."""
    return kubectl.port_forward(current(), namespace, pod, port)


def volume(namespace: str, claim: str) -> Path | None:
    """Folder on this machine behind a claim; None while it is not bound."""
    return cluster.volume_folder(current(), namespace, claim)


def keycloak_admin_events(realm: str = "master") -> list[dict[str, object]]:
    """Keycloak's own record of the administrators' writes in one realm, newest first."""
    with keycloak() as client:
        answer = client.get(
            f"{current().keycloak_url}/admin/realms/{realm}/admin-events", timeout=30, params={"max": 10_000}
        )
        answer.raise_for_status()
        found: list[dict[str, object]] = answer.json()
        return found


# --- requests ----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Mark:
    """A moment: how long each record was (bytes)."""

    offsets: Mapping[str, int]


def mark() -> Mark:
    """This moment, for `requests_since` and `counts`."""
    _fence()
    return Mark({backend: path.stat().st_size if path.exists() else 0 for backend, path in request_logs().items()})


def request_logs() -> dict[str, Path]:
    """The servers' records of the requests they received."""
    now = current()
    return {
        "kubernetes": ApiServer(now).audit_log,
        "openbao": OpenBao(now).audit_log,
        "keycloak": Keycloak(now).access_log,
        "powerdns": PowerDns(now).request_log,
    }


def requests_since(since: Mark, *, everyone: bool = False) -> list[Request]:
    """Requests that were answered since `since`, by back end in the order of answering.

    Only those of the playbooks (at Kubernetes and OpenBao by identity; at Keycloak and PowerDNS, whose records know
    addresses only, those from this machine), unless `everyone`.
    """
    fence = _fence()
    found: list[Request] = []
    readers: dict[str, Callable[[str], Request | None]] = {
        "kubernetes": requestlog.kubernetes,
        "openbao": requestlog.openbao,
        "keycloak": requestlog.keycloak,
        "powerdns": requestlog.powerdns,
    }
    callers = {
        "kubernetes": PROVISIONER,
        "openbao": PROVISIONER,
        "keycloak": current().address,
        "powerdns": current().address,
    }
    for backend, path in request_logs().items():
        for line in _lines(path, since.offsets[backend]):
            request = readers[backend](line)
            if request is None or fence in request.path:
                continue
            # By Keycloak's Service the playbooks come from another address of this machine.
            ours = backend == "keycloak" and ipaddress.ip_address(request.caller) not in PODS
            if everyone or ours or request.caller == callers[backend]:
                found.append(request)
    return found


def counts(since: Mark, *, everyone: bool = False) -> dict[str, dict[str, int]]:
    """Number of requests since `since` per back end: `total`, `read`, `login`, `lock`, `write`."""
    found = requests_since(since, everyone=everyone)
    table = {}
    for backend in BACKENDS:
        purposes = Counter(request.purpose for request in found if request.backend == backend)
        table[backend] = {
            "total": sum(purposes.values()),
            "read": purposes["read"],
            "login": purposes["login"],
            "lock": purposes["lock"],
            "write": purposes["write"],
        }
    return table


def _lines(path: Path, offset: int) -> list[str]:
    if not path.exists():
        return []
    if path.stat().st_size < offset:
        raise SandboxError(f"{path} is shorter than at the mark: its server was restarted with a new log")
    with path.open("rb") as stream:
        stream.seek(offset)
        return [line for line in stream.read().decode(errors="replace").splitlines() if line.strip()]


def _fence() -> str:
    """Wait until records that are written behind the answers hold all requests answered so far.

    Keycloak and PowerDNS print their lines after they have answered; a request of our own is sent and awaited there.
    Returns the text that marks such requests of ours.
    """
    now = current()
    text, token = "sandbox-fence", uuid.uuid4().hex
    running = [server for server in (Keycloak(now), PowerDns(now)) if server.pid is not None]
    with session(now) as client:
        for server in running:
            base = now.keycloak_url if server.name == "keycloak" else now.powerdns_url
            client.get(f"{base}/{text}/{token}", timeout=30)
    deadline = time.monotonic() + _FENCE_TIMEOUT
    for server in running:
        while not _holds(request_logs()[server.name], token):
            if time.monotonic() > deadline:
                raise SandboxError(f"{server.log} does not show a request within {_FENCE_TIMEOUT:.0f} s")
            time.sleep(0.02)
    return text


def _holds(path: Path, text: str) -> bool:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 65_536))
        return text.encode() in stream.read()


def audit_events(since: Mark) -> list[dict[str, object]]:
    """The API server's audit entries since `since`, of every user and whole."""
    return [json.loads(line) for line in _lines(request_logs()["kubernetes"], since.offsets["kubernetes"])]
