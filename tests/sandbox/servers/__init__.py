# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One file per server (two that are nearly the same share one); `ALL` is the order in which they start."""

from __future__ import annotations

from ..server import Server
from ..settings import Settings
from .apiserver import ApiServer
from .cert_manager import CertManager
from .containerd import Containerd
from .controllers import ControllerManager, Scheduler
from .coredns import CoreDns
from .etcd import Etcd
from .external_secrets import ExternalSecrets
from .keycloak import Keycloak
from .kube_proxy import KubeProxy
from .kube_router import KubeRouter
from .kubelet import Kubelet
from .metallb import MetalLb
from .openbao import OpenBao
from .powerdns import PowerDns
from .traefik import Traefik

# Keycloak takes longest, so it starts first; the rest follows its dependencies.
ALL: tuple[type[Server], ...] = (
    Keycloak,
    Etcd,
    Containerd,
    PowerDns,
    OpenBao,
    ApiServer,
    ControllerManager,
    Scheduler,
    Kubelet,
    KubeProxy,
    CoreDns,
    MetalLb,
    CertManager,
    ExternalSecrets,
    KubeRouter,
    Traefik,
)


def servers(settings: Settings) -> list[Server]:
    return [kind(settings) for kind in ALL]
