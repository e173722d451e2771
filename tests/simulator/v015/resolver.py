"""How 0.15 finds a relay: by the name servers, also where it is told an address, which has no record."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping

import dns.exception
import dns.resolver

from .. import outbound
from ..failures import TemporaryFailure
from . import validate

Addresses = Callable[[str], list[str]]


def of(keys: Mapping[str, str]) -> Addresses:
    """By `resolver.*`: the name servers that are listed there, else the system's. (The public ones are not simulated.)"""
    servers = validate.listed(keys, "resolver.custom") if keys.get("resolver.type") == "custom" else []

    def addresses(host: str) -> list[str]:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return _asked(servers, host) if servers else outbound.system_addresses(host)
        raise outbound.connection_failed(host, "record not found for MX")

    return addresses


def _asked(servers: list[str], host: str) -> list[str]:
    resolver = dns.resolver.Resolver(configure=False)
    for server in servers:
        address, _, port = server.rpartition("://")[2].rpartition(":")
        resolver.nameservers, resolver.port = [*resolver.nameservers, address], int(port)
    try:
        return list(resolver.resolve_name(host).addresses())
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        raise outbound.connection_failed(host, "record not found for MX") from None
    except dns.exception.DNSException as error:
        raise TemporaryFailure(f"lookup error: {error}", "connection") from None
