"""Calls of the task of powerdns_rrset, and the record sets that the tests ask for."""

from __future__ import annotations

from typing import Any

from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns.argspec import POWERDNS_RRSET
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns.task import run
from tests.contract.powerdns.server import PowerDns


def call(powerdns: PowerDns, /, *rrsets: dict[str, Any], check_mode: bool = False, **options: Any) -> dict[str, Any]:
    params = {name: option.get("default") for name, option in POWERDNS_RRSET.items()}
    params.update(api_url=powerdns.url, api_key=powerdns.key, rrsets=list(rrsets))
    params.update(options)
    return run(params, check_mode=check_mode)


def item(name: str, type_: str, *values: str, owner: str = "acme", **more: Any) -> dict[str, Any]:
    return {"zone": "omantel.test", "name": name, "type": type_, "values": list(values), "owner": owner, **more}


def tenant(slug: str) -> list[dict[str, Any]]:
    domain = f"{slug}.omantel.test"
    return [
        item(domain, "MX", f"10 mail.{domain}", owner=slug),
        item(domain, "TXT", "v=spf1 mx -all", owner=slug, merge={"prefix": "v=spf1"}),
        item(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p=reject; rua=mailto:dmarc@{domain}", owner=slug),
        item(f"mail.{domain}", "A", "192.0.2.25", owner=slug),
        item(f"s1._domainkey.{domain}", "TXT", "v=DKIM1; k=rsa; h=sha256; p=" + "A" * 392, owner=slug),
    ]
