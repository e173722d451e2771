# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Gateway that publishes the web host: it is there, and one of its listeners takes the route. One request for each."""

from __future__ import annotations

import typing as t

from ..failure import Failure
from .client import KubernetesClient
from .objects import Object, selects

#: Protocols of listeners that carry an HTTPRoute.
PROTOCOLS = ("HTTP", "HTTPS")


def check_parents(
    client: KubernetesClient, namespace: str, labels: t.Mapping[str, str], desired: t.Iterable[Object]
) -> list[str]:
    """What could not be checked, in words.

    :param labels: of the route's namespace; a listener may select by them.
    :raises Failure: ``not_found`` without the Gateway, ``invalid_value`` when no listener takes the route.
    """
    unchecked = []
    for route in desired:
        if route["kind"] != "HTTPRoute":
            continue
        for parent in route["spec"]["parentRefs"]:
            where = f"{parent.get('namespace', namespace)}/{parent['name']}"
            group = str(route["apiVersion"])
            path = f"/apis/{group}/namespaces/{parent.get('namespace', namespace)}/gateways/{parent['name']}"
            try:
                gateway = client.find(path)
            except Failure as failure:
                if failure.code != "forbidden":
                    raise
                unchecked.append(f"whether the Gateway {where} takes the web host (get gateways is not granted)")
                continue
            if gateway is None:
                raise Failure(
                    "kubernetes",
                    "not_found",
                    f"there is no Gateway {where}, which is to publish the web host.",
                    hint="Name another in platform_gateway, or set ingress.enabled to true in tenant_chart_values.",
                )
            _check_listeners(where, gateway, parent, namespace, labels, route["spec"].get("hostnames") or [])
    return unchecked


def _check_listeners(
    where: str,
    gateway: Object,
    parent: Object,
    namespace: str,
    labels: t.Mapping[str, str],
    hostnames: t.Sequence[str],
) -> None:
    listeners = (gateway.get("spec") or {}).get("listeners") or []
    names = ", ".join(listener["name"] for listener in listeners) or "none"
    section = parent.get("sectionName")
    if section is not None:
        listeners = [listener for listener in listeners if listener["name"] == section]
        if not listeners:
            raise Failure(
                "kubernetes",
                "invalid_value",
                f"gateway.parentRef.sectionName = {section!r}: the Gateway {where} has no such listener "
                f"(accepted: {names}).",
                hint="Leave sectionName out of tenant_chart_values: the route then goes to every listener that takes it.",
            )
    own = str(gateway["metadata"].get("namespace"))
    reasons = [(listener["name"], refusal(listener, own, namespace, labels, hostnames)) for listener in listeners]
    if all(reason for _name, reason in reasons):
        told = "; ".join(f"{name} {reason}" for name, reason in reasons) or "it has none"
        raise Failure(
            "kubernetes",
            "invalid_value",
            f"no listener of the Gateway {where} takes {', '.join(hostnames)} from {namespace}: {told}.",
            hint="Let whoever keeps the Gateway admit the route, or name another in platform_gateway.",
        )


def refusal(
    listener: Object, own: str, namespace: str, labels: t.Mapping[str, str], hostnames: t.Sequence[str]
) -> str | None:
    """Why a listener does not take an HTTPRoute; none when it does. Pure.

    :param own: the Gateway's namespace. :param labels: of the route's namespace.
    """
    if listener.get("protocol") not in PROTOCOLS:
        return f"speaks {listener.get('protocol')}"
    allowed = listener.get("allowedRoutes") or {}
    kinds = [kind.get("kind") for kind in allowed.get("kinds") or []]
    if kinds and "HTTPRoute" not in kinds:
        return f"takes only {', '.join(map(str, kinds))}"
    source = allowed.get("namespaces") or {}
    if source.get("from", "Same") == "Same" and own != namespace:
        return f"takes routes of the namespace {own} only"
    if source.get("from") == "None":
        return "takes no routes"
    if source.get("from") == "Selector" and not selects(source.get("selector") or {}, labels):
        return "selects namespaces by labels that this one lacks"
    host = str(listener.get("hostname") or "")
    if host and hostnames and not any(_covers(host, name) for name in hostnames):
        return f"serves {host}"
    return None


def _covers(host: str, name: str) -> bool:
    return name.endswith(host[1:]) and name != host[2:] if host.startswith("*.") else host == name
