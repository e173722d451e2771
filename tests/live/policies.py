"""Who reaches which port: the NetworkPolicies as the cluster's policy engine enforces them, asked from pods.

On the sandbox with its two tenants: ``python -m tests.live.policies``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Iterator

import yaml

from tests.sandbox import facts
from tests.sandbox.settings import APISERVER_PORT, KEYCLOAK_PORT, POWERDNS_API_PORT, VAULT_PORT

from .conftest import kubernetes_json
from .ports import IMAP, SMTP

NAMESPACE, POD = "sandbox-probe", "probe"
WEB = (8080, 443)
# Prints one JSON list: an entry for each (host, port) or, with port null, for each name to resolve.
PROBE = """\
import json, socket, sys
def look(host, port):
    try:
        if port is None:
            return sorted({entry[4][0] for entry in socket.getaddrinfo(host, 0, socket.AF_INET, socket.SOCK_STREAM)})
        socket.create_connection((host, port), timeout=5).close()
        return "open"
    except socket.gaierror as error:
        return "unknown" if error.errno == socket.EAI_NONAME else "no answer"
    except OSError as error:
        return "closed" if isinstance(error, ConnectionRefusedError) else str(error)
print(json.dumps([look(*entry) for entry in json.loads(sys.argv[1])]))
"""
#: Where each source asks; the node is none of the cluster's pods.
SOURCES = {
    "node": (),
    "stranger": ("exec", "-n", NAMESPACE, POD, "--"),
    "beta": ("exec", "-n", "tenant-beta", "stalwart-0", "--"),
    "acme": ("exec", "-n", "tenant-acme", "stalwart-0", "--"),
}


@dataclass(frozen=True)
class Cell:
    """One source and one port of a target."""

    source: str
    target: str
    address: str
    port: int
    expected: str
    observed: str

    def __str__(self) -> str:
        where = f"{self.target} ({self.address}:{self.port})"
        return f"{self.source:>8} -> {where:<42} expected {self.expected:<6} observed {self.observed}"


def ask(source: str, *targets: tuple[str, int | None]) -> list[Any]:
    """What a source sees of each target."""
    words = ("python3", "-c", PROBE, json.dumps(targets))
    if SOURCES[source]:
        printed = facts.kubernetes(*SOURCES[source], *words)
    else:
        printed = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, check=True).stdout
    found: list[Any] = json.loads(printed)
    return found


@contextmanager
def stranger() -> Iterator[None]:
    """A pod of no tenant, without policies of its own."""
    image = kubernetes_json("get", "pod", "stalwart-0", "-n", "tenant-acme")["spec"]["containers"][0]["image"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": POD, "namespace": NAMESPACE},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {"name": POD, "image": image, "command": ["python3", "-c", "import signal; signal.pause()"]}
            ],
        },
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    facts.kubernetes("apply", "-f", "-", stdin=yaml.safe_dump_all([namespace, pod]))
    try:
        facts.kubernetes("wait", "-n", NAMESPACE, "--for=condition=Ready", "--timeout=60s", f"pod/{POD}")
        yield
    finally:
        facts.kubernetes("delete", "namespace", NAMESPACE, "--wait", "--timeout=60s")


def pod_of(slug: str) -> str:
    """The address of a tenant's pod."""
    return str(kubernetes_json("get", "pod", "stalwart-0", "-n", f"tenant-{slug}")["status"]["podIP"])


def _addresses() -> dict[str, str]:
    settings = facts.settings()
    return {
        "pod of acme": pod_of("acme"),
        "pod of beta": pod_of("beta"),
        "address of acme": settings.mail_address(1),
        "address of beta": settings.mail_address(2),
        "platform": settings.address,
        "Service of Keycloak": settings.keycloak_address,
        "DNS": settings.dns_address,
        "Gateway": settings.gateway_address,
    }


def _expected() -> dict[str, dict[tuple[str, int], str]]:
    """Source to target to what it must see."""
    mail = {(target, port): "open" for target in ("pod of acme", "address of acme") for port in (*SMTP, *IMAP)}
    web = {("pod of acme", port): "closed" for port in WEB}
    # It sends mail, but reads no mailbox of others.
    reading = {(target, port): "closed" for target in ("pod of acme", "address of acme") for port in IMAP}
    platform = {("platform", port): "open" for port in (VAULT_PORT, APISERVER_PORT, POWERDNS_API_PORT)}
    expected = {
        "stranger": {**mail, **web, ("pod of beta", 8080): "closed", **platform},
        "beta": {**mail, **web, **reading},
        "acme": {
            ("platform", KEYCLOAK_PORT): "open",
            ("Service of Keycloak", 443): "open",
            ("address of beta", 25): "open",
            ("DNS", 53): "open",
            ("Gateway", 443): "open",
            **dict.fromkeys(platform, "closed"),
            ("pod of beta", 8080): "closed",
        },
    }
    # The policy engine lets everything pass that comes from the node: so this row shows that each port which is closed for
    # another source has somebody behind it who answers.
    return {"node": dict.fromkeys((target for row in expected.values() for target in row), "open"), **expected}


def matrix() -> Iterator[Cell]:
    """Source × port; the stranger's pod has to be there."""
    addresses = _addresses()
    for source, row in _expected().items():
        observed = ask(source, *((addresses[target], port) for target, port in row))
        for ((target, port), expected), seen in zip(row.items(), observed):
            yield Cell(source, target, addresses[target], port, expected, seen)


def main() -> int:
    with stranger():
        cells = list(matrix())
    print(*cells, sep="\n")
    return int(any(cell.observed != cell.expected for cell in cells))


if __name__ == "__main__":
    sys.exit(main())
