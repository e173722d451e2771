# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the cluster serves: one request lists every API group with its versions, one more those kinds that matter."""

from __future__ import annotations

import dataclasses
import typing as t

from ..failure import Failure
from .client import KubernetesClient

ESO = "external-secrets.io"
GATEWAY = "gateway.networking.k8s.io"
CERT_MANAGER = "cert-manager.io"
#: Group → versions that the chart can write, best first.
WRITABLE = {ESO: ("v1", "v1beta1"), GATEWAY: ("v1", "v1beta1"), CERT_MANAGER: ("v1",)}
#: APIs that the chart's templates look for (``.Capabilities.APIVersions``), named as Helm names them.
LOOKED_FOR = ("cilium.io/v2/CiliumNetworkPolicy",)
#: Network plug-ins that enforce NetworkPolicy, by an API group that only they bring. Others bring none (kube-router).
POLICY_ENGINES = {
    "cilium.io": "Cilium",
    "crd.projectcalico.org": "Calico",
    "projectcalico.org": "Calico",
    "crd.antrea.io": "Antrea",
    "k8s.ovn.org": "OVN-Kubernetes",
    "kubeovn.io": "Kube-OVN",
    "networking.k8s.aws": "Amazon VPC CNI",
}


@dataclasses.dataclass(frozen=True)
class Capabilities:
    """API group → its served versions.

    :param found: those of :data:`LOOKED_FOR` that are served; ``helm template``, which asks no cluster, has to be told.
    """

    groups: t.Mapping[str, tuple[str, ...]]
    found: tuple[str, ...] = ()

    def best(self, group: str) -> str | None:
        """The ``apiVersion`` to write, none when the cluster serves none that the chart can write."""
        served = self.groups.get(group, ())
        return next((f"{group}/{version}" for version in WRITABLE[group] if version in served), None)

    def require(self, group: str, hint: str) -> str:
        """As :meth:`best`.

        :raises Failure: ``not_found`` with ``hint`` when there is none.
        """
        found = self.best(group)
        if found is None:
            served = self.groups.get(group)
            what = f"serves only {', '.join(served)} of" if served else "does not serve"
            raise Failure("kubernetes", "not_found", f"the cluster {what} {group}.", hint=hint)
        return found

    @property
    def policy_engine(self) -> str | None:
        """The network plug-in that is known to enforce NetworkPolicy; none does not mean that nobody does."""
        return next((name for group, name in POLICY_ENGINES.items() if group in self.groups), None)

    def as_dict(self) -> dict[str, str | None]:
        """The ``capabilities`` of a result."""
        return {
            "external_secrets": self.best(ESO),
            "gateway": self.best(GATEWAY),
            "cert_manager": self.best(CERT_MANAGER),
            "policy_engine": self.policy_engine,
        }


def read(client: KubernetesClient) -> Capabilities:
    """Ask the cluster. Requests that every credential may make: one, and one for each version that may have a kind of
    :data:`LOOKED_FOR`.

    :raises Failure: layer ``kubernetes``.
    """
    listed = client.get("/apis").get("groups") or []
    groups = {group["name"]: tuple(v["version"] for v in group["versions"]) for group in listed}
    return Capabilities(groups, tuple(api for api in LOOKED_FOR if _serves(client, groups, api)))


def _serves(client: KubernetesClient, groups: t.Mapping[str, tuple[str, ...]], api: str) -> bool:
    group, version, kind = api.split("/")
    if version not in groups.get(group, ()):
        return False
    resources = (client.find(f"/apis/{group}/{version}") or {}).get("resources") or []
    return any(resource["kind"] == kind for resource in resources)


def complete(values: t.Mapping[str, t.Any], served: Capabilities) -> dict[str, t.Any]:
    """The chart's values with the API versions that the cluster serves; what the values say themselves wins.

    :raises Failure: ``not_found`` when an API that the values need is not served.
    """
    result = dict(values)
    hint = f"Install External Secrets Operator with one of the versions {', '.join(WRITABLE[ESO])}."
    result["externalSecrets"] = {"apiVersion": served.require(ESO, hint), **(values.get("externalSecrets") or {})}
    gateway = values.get("gateway") or {}
    if gateway.get("enabled"):
        hint = (
            f"Install the Gateway API ({' or '.join(WRITABLE[GATEWAY])}), or set ingress.enabled to true or gateway.enabled "
            "to false in tenant_chart_values."
        )
        result["gateway"] = {"apiVersion": served.require(GATEWAY, hint), **gateway}
    return result
