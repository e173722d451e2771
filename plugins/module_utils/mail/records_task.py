# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``dns_records_plan``: which record sets a tenant needs, and how its ConfigMap differs from them. Reads only."""

from __future__ import annotations

import json
import time
import typing as t

from ..failure import Failure
from ..kubernetes.client import KubernetesClient, connect
from . import addresses as cluster
from . import configmap
from .records import Needed, needed, rrsets

#: Seconds between two looks at a Service whose load balancer has no address yet.
_POLL = 1.0

Params = t.Mapping[str, t.Any]


def run(params: Params, *, check_mode: bool) -> dict[str, t.Any]:
    """Read the cluster, compute the record sets, and plan the ConfigMap.

    :param params: validated against :data:`.argspec.DNS_RECORDS_PLAN`.
    :raises Failure: outside of check mode also ``not_ready`` when something is not known yet.
    """
    if params["offline"] and not check_mode:
        raise Failure(
            "inventory", "invalid_value", "offline is true.", hint="It plans without any read, in check mode only."
        )
    # Values of an inventory are subclasses (of int, say) from ansible-core 2.19 on, which PyYAML refuses to write.
    model = json.loads(json.dumps({"domain": params["domain"], "dns": params["dns"]}))
    found = _Cluster(params, None if params["offline"] else connect(params["connection"]))
    try:
        mail = found.mail_addresses(0 if check_mode else params["wait"])
        required = needed(
            model, mail_addresses=mail, web_addresses=found.web_addresses(), dkim_keys=params["dkim_keys"]
        )
        if required.unknown and not check_mode:
            raise _not_ready(params, required)
        current = found.config_map()
    finally:
        found.close()
    wanted = configmap.desired(
        model, required, name=params["configmap"], namespace=params["namespace"], labels=params["labels"]
    )
    plan = configmap.plan(current, wanted, required.unknown)
    enabled = params["dns"]["enabled"]
    wants = rrsets(required.records, zone=params["dns"]["zone"], owner=params["owner"]) if enabled else []
    if params["adopt"]:
        wants = [item if "merge" in item else {**item, "adopt": True} for item in wants]
    return {
        "changed": plan.changed,
        "records": [record.as_dict() for record in required.records],
        "rrsets": wants,
        "publish": wants if params["publish"] else [],
        "unknown": list(required.unknown),
        "configmap": wanted if plan.changed else None,
        "changes": plan.summary(),
        "diff": plan.diff(),
        "requests": found.requests,
    }


class _Cluster:
    """What is read of the cluster; offline nothing is there."""

    def __init__(self, params: Params, client: KubernetesClient | None) -> None:
        self._params = params
        self._client = client
        self._base = f"/namespaces/{params['namespace']}"

    @property
    def requests(self) -> int:
        return self._client.requests if self._client is not None else 0

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def mail_addresses(self, wait: float) -> list[str]:
        """The mail host's addresses; not read when the inventory gives them.

        :param wait: seconds to wait for a load balancer, and for both Services to agree.
        :raises Failure: as :func:`.addresses.mail_addresses`, at the end of the wait.
        """
        if self._client is None or self._params["dns"]["mail_addresses"]:
            return []
        end = time.monotonic() + wait
        while True:
            items = self._client.items(f"/api/v1{self._base}/services") or []
            services = {item["metadata"]["name"]: item for item in items}
            host = self._params["domain"]["mail_host"]
            over = time.monotonic() + _POLL > end
            try:
                found = cluster.mail_addresses(services, self._params["release"], host)
            except Failure as failure:
                # A load balancer that moves the Services to other addresses moves one after the other.
                if failure.code != "conflict" or over:
                    raise
            else:
                if found or over:
                    return found
            time.sleep(_POLL)

    def web_addresses(self) -> list[str]:
        """The web host's addresses, only where it is another host: given, or the Ingress's, or the Gateway's."""
        domain = self._params["domain"]
        if self._params["web_addresses"] or self._client is None or domain["web_host"] == domain["mail_host"]:
            return list(self._params["web_addresses"])
        ingress = self._client.find(f"/apis/networking.k8s.io/v1{self._base}/ingresses/{self._params['release']}-web")
        if ingress is not None:
            return cluster.ingress_addresses(ingress)
        name, namespace = self._params["gateway"].get("name"), self._params["gateway"].get("namespace")
        if not name or not namespace:
            return []
        path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/gateways/{name}"
        return cluster.gateway_addresses(self._client.find(path) or {})

    def config_map(self) -> dict[str, t.Any] | None:
        """The ConfigMap, or none."""
        if self._client is None:
            return None
        return self._client.find(f"/api/v1{self._base}/configmaps/{self._params['configmap']}")


def _not_ready(params: Params, required: Needed) -> Failure:
    return Failure(
        "kubernetes" if any("address" in sentence for sentence in required.unknown) else "stalwart",
        "not_ready",
        f"the record sets of {params['domain']['primary']} cannot be told yet: {'; '.join(required.unknown)}.",
        hint="Set tenant_mail_addresses where the cluster gives no addresses; else wait for it and run again.",
    )


def outcome(params: Params, *, check_mode: bool) -> dict[str, t.Any]:
    """The task of ``dns_outcome``: one owner's share of a publication that was made for all.

    :param params: validated against :data:`.argspec.DNS_OUTCOME`.
    :raises Failure: the owner's own failure, if it has one.
    """
    owner, share = params["owner"], params["outcome"]
    if share is None:
        raise Failure(
            "powerdns",
            "not_converged",
            f"the record sets of {owner} were not published in this run.",
            hint="Run again; with strategy free or host_pinned use the default strategy (linear).",
            tenant=owner,
        )
    if share.get("failure"):
        raise Failure.from_dict(share["failure"], tenant=owner)
    return {
        "changed": bool(share["changes"]),
        "verdict": share["verdict"],
        "changes": share["changes"],
        "diff": share["diff"],
    }
