"""A tenant of its own, besides those of the sandbox's inventory, and what takes it away again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hvac

from tests.sandbox import facts

from .conftest import kubernetes_json
from .run import INVENTORY, Run, provision


@dataclass
class Tenant:
    """:param number: of its mail address. :param folder: where its inventory goes. :param variables: of its host."""

    slug: str
    number: int
    folder: Path
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return f"tenant-{self.slug}"

    @property
    def realm(self) -> str:
        return f"sme-{self.slug}"

    @property
    def domain(self) -> str:
        return f"{self.slug}.{facts.platform_fqdn()}"

    @property
    def address(self) -> str:
        return facts.settings().mail_address(self.number)

    def inventory(self) -> list[str]:
        """The sandbox's inventory, and this tenant's."""
        addition = self.folder / f"{self.slug}.yml"
        host = {"tenant_mail_addresses": [self.address], **self.variables}
        addition.write_text(json.dumps({"tenants": {"hosts": {self.slug: host}}}))
        return [INVENTORY, str(addition)]

    def provision(self, *args: str, extra: dict[str, Any] | None = None) -> Run:
        """The playbook for this tenant only."""
        return provision("--limit", self.slug, *args, inventory=self.inventory(), extra=extra)

    def object(self, kind: str, name: str) -> dict[str, Any]:
        return kubernetes_json("get", kind, name, "-n", self.namespace)

    def names(self, kind: str) -> list[str]:
        return [item["metadata"]["name"] for item in kubernetes_json("get", kind, "-n", self.namespace)["items"]]


def remove(slug: str) -> None:
    """All that runs leave of a tenant, so that the next one starts from nothing; its volume is freed at the sandbox's next
    start."""
    _remove_namespace(f"tenant-{slug}")
    with facts.keycloak() as http:
        answer = http.delete(f"{facts.settings().keycloak_url}/admin/realms/sme-{slug}", timeout=60)
        assert answer.status_code in (204, 404), answer.text
    prefix = f"sovereign/{facts.platform_fqdn()}"
    for app in _listed(prefix):
        for name in _listed(f"{prefix}/{app}{slug}"):
            path = f"{prefix}/{app}{slug}/{name}"
            facts.openbao().secrets.kv.v2.delete_metadata_and_all_versions(path=path, mount_point="secret")
    _remove_records(f".{slug}.{facts.platform_fqdn()}.")


def _remove_namespace(name: str) -> None:
    if not facts.kubernetes("get", "namespace", name, "--ignore-not-found", "-o", "name"):
        return
    facts.kubernetes("delete", "namespace", name, "--ignore-not-found", "--wait=false")
    facts.kubernetes("delete", "pod", "--all", "-n", name, "--grace-period=1", "--wait=false")
    facts.kubernetes("wait", "--for=delete", f"namespace/{name}", "--timeout=110s")


def _listed(path: str) -> list[str]:
    """What lies below a path of OpenBao; folders end in a slash."""
    try:
        found = facts.openbao().secrets.kv.v2.list_secrets(path=path, mount_point="secret")
    except hvac.exceptions.InvalidPath:
        return []
    keys: list[str] = found["data"]["keys"]
    return keys


def _remove_records(suffix: str) -> None:
    """The record sets of a free subdomain."""
    url = f"{facts.settings().powerdns_url}/api/v1/servers/localhost/zones/{facts.platform_fqdn()}."
    with facts.powerdns() as http:
        answer = http.get(url, timeout=10)
        answer.raise_for_status()
        own = [
            {"name": rrset["name"], "type": rrset["type"], "changetype": "DELETE"}
            for rrset in answer.json()["rrsets"]
            if f".{rrset['name']}".endswith(suffix)
        ]
        if own:
            http.patch(url, json={"rrsets": own}, timeout=10).raise_for_status()
