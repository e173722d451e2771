"""What the tenants of role `dns_records` share, and how to run the role for several of them in one play."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import dns.resolver

from tests import playbook
from tests.contract.api import Target
from tests.contract.powerdns.server import PowerDns
from tests.sandbox import facts

from .role import read_report

ADDRESSES = {"one": "192.0.2.11", "two": "192.0.2.12", "own": "192.0.2.13"}
DOMAINS = {"one": "one.omantel.test", "two": "two.omantel.test", "own": "own-domain.test"}
ZONE = "omantel.test."
#: MX, SPF, DMARC, A, and two DKIM keys.
RECORD_SETS = 6
PLAY = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {
                "block": [
                    {"ansible.builtin.import_role": {"name": "tenantmail.stalwart.dns_records"}},
                    {
                        "ansible.builtin.copy": {
                            "content": "{{ tenant_report.dns_records | to_json }}",
                            "dest": "{{ report_folder }}/{{ inventory_hostname }}.json",
                            "mode": "0600",
                        },
                        "check_mode": False,
                        "changed_when": False,
                        "diff": False,
                    },
                ],
                "rescue": [
                    {
                        "tenantmail.stalwart.tenant_report": {
                            "tenant": "{{ inventory_hostname }}",
                            "failed_result": "{{ ansible_failed_result }}",
                            "failed_task": {
                                "name": "{{ ansible_failed_task.name }}",
                                "action": "{{ ansible_failed_task.action }}",
                                "tags": "{{ ansible_failed_task.tags }}",
                            },
                        }
                    }
                ],
            }
        ],
    }
]


class Result:
    """One finished play."""

    def __init__(self, status: int, output: str, reports: Path) -> None:
        self.status = status
        self.output = output
        self.text = " ".join(output.split())
        self.report = {path.stem: read_report(path) for path in reports.glob("*.json")}
        recap = re.findall(r"^(\w+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=\d+\s+failed=(\d+)", output, re.MULTILINE)
        assert recap, output[-3000:]
        self.changed = {host: int(changed) for host, changed, _failed in recap}
        self.failed = {host for host, _changed, failed in recap if failed != "0"}

    def line(self, host: str) -> str:
        """The line of a tenant that failed."""
        found = re.search(rf"{host}: FAILED at [^|]*", self.text)
        assert found, self.output[-3000:]
        return found[0]


class Platform:
    """What the tenants share, and how to run the role for some of them."""

    def __init__(self, folder: Path, powerdns: PowerDns, other: PowerDns, server: Target) -> None:
        self.folder = folder
        self.powerdns = powerdns
        self.other = other
        self.server = server
        self.namespaces = {slug: f"tenant-dnsrole-{slug}" for slug in DOMAINS}

    def host(self, slug: str, **changes: Any) -> dict[str, Any]:
        """The role's variables as its README gives them for use alone."""
        domain = DOMAINS[slug]
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "platform_powerdns_api_key": self.powerdns.key,
            "dns_records_owner": slug,
            "dns_records_domain": {
                "primary": domain,
                "mode": "byo" if slug == "own" else "free-subdomain",
                "mail_host": f"mail.{domain}",
                "web_host": f"mail.{domain}",
            },
            "dns_records_dns": {
                "enabled": slug != "own",
                "zone": "omantel.test",
                "mail_addresses": [],
                "spf_policy": "-all",
                "dmarc_policy": "reject",
                "dmarc_rua": f"dmarc@{domain}",
                "ttl": 300,
            },
            "dns_records_api_url": self.powerdns.url,
            "dns_records_server_id": "localhost",
            "dns_records_ca_path": None,
            "dns_records_nameservers": [self.powerdns.nameserver],
            "dns_records_wait": 20,
            "dns_records_connection": {"kubeconfig": str(facts.settings().credentials / "provisioner.kubeconfig")},
            "dns_records_namespace": self.namespaces[slug],
            "dns_records_release": "stalwart",
            "dns_records_configmap": "stalwart-dns-records-required",
            "dns_records_labels": {"tenantmail.io/tenant": slug},
            "dns_records_gateway": {},
            "dns_records_stalwart_url": self.server.base_url,
            "dns_records_stalwart_ca_path": None,
            "dns_records_stalwart_username": self.server.username,
            "dns_records_stalwart_password": self.server.password,
            "dns_records_stalwart_generation": "0.16",
            "dns_records_manage": True,
            "dns_records_configmap_manage": True,
            "dns_records_offline": False,
            **changes,
        }

    def run(self, *slugs: str, args: tuple[str, ...] = (), each: dict[str, Any] | None = None, **hosts: Any) -> Result:
        """Run the role for ``slugs`` in this order.

        :param each: variables of every host.
        :param hosts: further variables by host.
        """
        reports = self.folder / "reports"
        reports.mkdir(exist_ok=True)
        for old in reports.iterdir():
            old.unlink()
        inventory = {
            "all": {
                "hosts": {slug: self.host(slug, **(each or {}), **hosts.get(slug, {})) for slug in slugs},
                "vars": {"report_folder": str(reports)},
            }
        }
        done = playbook.run(self.folder, inventory, PLAY, *args)
        return Result(done.returncode, done.stdout, reports)

    def configmap(self, slug: str) -> dict[str, str]:
        text = facts.kubernetes(
            "get", "configmap", "stalwart-dns-records-required", "-n", self.namespaces[slug], "-o", "json"
        )
        return json.loads(text)["data"]

    def names(self) -> set[str]:
        """The names that PowerDNS holds below its zone."""
        return {name for name, _type in self.powerdns.rrsets() if name != ZONE}


def service(namespace: str, name: str, address: str) -> dict[str, Any]:
    spec = {"ports": [{"port": 25}], "externalIPs": [address], "selector": {"app": "none"}}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"stalwart-{name}", "namespace": namespace},
        "spec": spec,
    }


def ask(powerdns: PowerDns, name: str, type_: str) -> list[str]:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], powerdns.dns_port
    return sorted(rdata.to_text() for rdata in resolver.resolve(name, type_, search=False))
