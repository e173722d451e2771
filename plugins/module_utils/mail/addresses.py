# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which addresses a tenant's hosts have, from what the cluster says about its Services, Ingress and Gateway. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ..failure import Failure

#: Services of a release that the mail host's addresses belong to (design 8).
MAIL_SERVICES = ("smtp", "imap")

Manifest = t.Mapping[str, t.Any]


def mail_addresses(services: t.Mapping[str, Manifest], release: str, host: str) -> list[str]:
    """The addresses that answer on SMTP and on IMAP; empty while either Service has none yet.

    :param services: the namespace's Services by name.
    :param host: the mail host, for messages.
    :raises Failure: ``conflict`` when SMTP and IMAP have different addresses: one host name has one set of them.
    """
    found = {name: service_addresses(services.get(f"{release}-{name}") or {}) for name in MAIL_SERVICES}
    if not all(found.values()):
        return []
    smtp, imap = (found[name] for name in MAIL_SERVICES)
    if smtp != imap:
        raise Failure(
            "kubernetes",
            "conflict",
            f"Service {release}-smtp has {', '.join(smtp)} and Service {release}-imap has {', '.join(imap)}, but {host} is one"
            " name for both.",
            hint="Let the Services share an address (a sharing key of the load balancer), or set tenant_mail_addresses.",
        )
    return smtp


def service_addresses(service: Manifest) -> list[str]:
    """A Service's addresses from outside: the load balancer's, else its external IPs; sorted.

    :raises Failure: as :func:`_ingress_addresses`.
    """
    status = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    given = _ingress_addresses(status, f"Service {(service.get('metadata') or {}).get('name')}")
    return _sorted(given or (service.get("spec") or {}).get("externalIPs") or [])


def ingress_addresses(ingress: Manifest) -> list[str]:
    """An Ingress's addresses, sorted.

    :raises Failure: as :func:`_ingress_addresses`.
    """
    status = ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return _sorted(_ingress_addresses(status, f"Ingress {(ingress.get('metadata') or {}).get('name')}"))


def gateway_addresses(gateway: Manifest) -> list[str]:
    """A Gateway's addresses (those of type IPAddress, which is the default), sorted."""
    status = (gateway.get("status") or {}).get("addresses") or []
    return _sorted(entry["value"] for entry in status if entry.get("type", "IPAddress") == "IPAddress")


def _ingress_addresses(status: t.Iterable[Manifest], what: str) -> list[str]:
    """:raises Failure: ``invalid_value`` when the load balancer is known by a host name only: an MX needs addresses."""
    entries = list(status)
    addresses = [str(entry["ip"]) for entry in entries if entry.get("ip")]
    names = [str(entry["hostname"]) for entry in entries if entry.get("hostname")]
    if names and not addresses:
        raise Failure(
            "kubernetes",
            "invalid_value",
            f"the load balancer of {what} has the host name {', '.join(names)} and no address.",
            hint="Set tenant_mail_addresses (for the web host: dns_records_web_addresses).",
        )
    return addresses


def _sorted(addresses: t.Iterable[str]) -> list[str]:
    return sorted({str(ipaddress.ip_address(address)) for address in addresses}, key=lambda text: (":" in text, text))
