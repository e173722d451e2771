"""A tenant on loopback: server, realm and name server, provisioned by the product's own tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import (
    probe_imap,
    probe_task,
    probe_token,
    records,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.probe_port import Port
from tests.contract import servers
from tests.contract.issuer import Issuer
from tests.contract.nameserver import NameServer
from tests.contract.v015.rest import Rest

from .server import Result, Server

DOMAIN, HOST = "acme.test", "mail.acme.test"
PROBE, GROUP = f"tenantmail-probe@{DOMAIN}", f"tenantmail-probe-group@{DOMAIN}"
SCOPES = ("openid", "email", "profile", "groups", "stalwart-audience")
SECRET, PASSWORD = "probe-client-secret-1", "probe-password-1"
DNS = {
    "enabled": True,
    "spf_policy": "-all",
    "dmarc_policy": "reject",
    "dmarc_rua": f"dmarc@{DOMAIN}",
    "ttl": 300,
}
PRINCIPALS: list[dict[str, Any]] = [
    {"name": f"admin@{DOMAIN}", "aliases": [f"{name}@{DOMAIN}" for name in ("postmaster", "abuse", "dmarc")]},
    {"name": GROUP, "type": "group"},
    {"name": PROBE, "member_of": [GROUP]},
    {"name": f"alice@{DOMAIN}"},
]


@dataclass
class Tenant:
    """What the checks look at, so that tests can break it. ``address`` is the mail host's."""

    server: Server
    issuer: Issuer
    names: NameServer
    address: str
    ports: dict[str, int]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def dns(self) -> dict[str, Any]:
        return {**DNS, "mail_addresses": [self.address]}

    def params(self, **changes: Any) -> Result:
        server = {key: value for key, value in self.server.options.items() if key not in ("server", "update_secrets")}
        return {
            **server,
            "probe": None,
            "domain": {"primary": DOMAIN, "mode": "free-subdomain", "mail_host": HOST, "web_host": None},
            "dns": self.dns,
            "nameservers": [str(self.names)],
            "publish_hint": "Run provision_tenant --tags dns_records.",
            "provision_hint": "provision_tenant",
            "admin": {
                "address": f"admin@{DOMAIN}",
                "aliases": PRINCIPALS[0]["aliases"],
                "secret_name": None,
                "secret_property": "ADMIN_PASSWORD",
            },
            "realm": {
                "realm_url": self.issuer.url("sme-acme"),
                "client_id": "tenantmail-probe",
                "client_secret": SECRET,
                "username": "tenantmail-probe",
                "password": PASSWORD,
                "address": PROBE,
                "group": GROUP,
                "audience": "stalwart",
                "scopes": list(SCOPES[:4]),
                "audience_scope": "stalwart-audience",
                "groups_scope": "groups",
                "expired_client_id": "tenantmail-probe-expired",
                "admin_url": None,
                "auth": None,
                "auth_realm": "master",
                "ca_path": None,
                "clients": [],
                **self.options,
            },
            "foreign": [
                {
                    "realm_url": self.issuer.url("other"),
                    "client_id": "tenantmail-probe",
                    "client_secret": SECRET,
                    "username": "tenantmail-probe",
                    "password": PASSWORD,
                }
            ],
            "ports": self.ports,
            "network_policy": None,
            "certificate": "self_signed",
            "spam_filter": False,
            "mailboxes_without_user": [],
            "delivery_timeout": 6.0,
            "warn": [],
            **changes,
        }

    def probe(self, **changes: Any) -> dict[str, Any]:
        """The records of a run by name."""
        result = probe_task.run(self.params(**changes), check_mode=False)
        assert result["changed"] is False
        assert "warnings" not in result, result["warnings"]
        return {record["name"]: record for record in result["checks"]}

    def inbox(self) -> list[bytes]:
        """What is in the probe's INBOX and in its group's."""
        token = probe_token.Tokens(probe_token.Login.of(self.params()["realm"])).ask(" ".join(SCOPES)).token
        with probe_imap.Session(Port("imaps", self.address, self.ports["imaps"], HOST, tls=True)) as box:
            box.bearer(PROBE, token)
            names = ("INBOX", f"Shared Folders/{GROUP}/INBOX")
            return [raw for name in names for raw in box.find(name, "").values()]

    def publish(self) -> None:
        """What dns_records publishes."""
        keys = self.server.info(DOMAIN, ["dkim"], wait_dkim=20)["info"]["dkim_keys"]
        model = {
            "domain": {"primary": DOMAIN, "mode": "free-subdomain", "mail_host": HOST, "web_host": HOST},
            "dns": self.dns,
        }
        self.names.publish(record.as_dict() for record in records.needed(model, dkim_keys=keys).records)

    def directory(self, realm: str = "sme-acme", **changes: Any) -> None:
        """What oidc_directory sets."""
        directory = {
            "@type": "Oidc",
            "issuerUrl": self.issuer.url(realm),
            "claimUsername": "preferred_username",
            "claimName": "name",
            "claimGroups": "groups",
            "requireScopes": list(SCOPES[:4]),
            "usernameDomain": DOMAIN,
            "requireAudience": "stalwart",
        }
        settings = {"directory": {"keycloak": {**directory, **changes}}, "authentication": {"directoryId": "keycloak"}}
        self.settings(settings)

    def settings(self, settings: dict[str, Any], **more: Any) -> Result:
        """As the roles set them: what a generation does not know is reported."""
        return self.server.settings(settings, on_unsupported="report", **more)


def unlimited(tenant: Tenant) -> None:
    """Tests run the checks more often than the server's limits of messages allow."""
    if tenant.server.generation == "0.15":
        rest = Rest(tenant.server.target)
        limits = [[f"queue.limiter.inbound.{name}.enable", "false"] for name in ("ip", "sender")]
        rest.operate({"type": "insert", "prefix": None, "values": limits, "assert_empty": False})
        assert rest.reload() == {}
        return
    api = tenant.server.api()
    for key in api.query("MtaInboundThrottle"):
        api.update("MtaInboundThrottle", key, {"enable": False})
    api.action("ReloadSettings")


def realm(issuer: Issuer, name: str) -> None:
    """What role realm keeps of the probe."""
    issuer.add_client(name, "tenantmail-probe", SECRET, *SCOPES)
    issuer.add_client(name, "tenantmail-probe-expired", SECRET, *SCOPES, seconds=-3600)
    issuer.add_user(name, "tenantmail-probe", PASSWORD, "tenantmail-probe-group", email=PROBE)


@contextmanager
def tenant(folder: Path, issuer: Issuer, generation: str = "0.16", name: str = "simulator") -> Iterator[Tenant]:
    """:param name: of a server in :func:`servers.names`; of one that is only named by its URL the mail ports are unknown."""
    environ = {"STALWART_HOSTNAME": HOST, "SIMULATOR_DKIM_RSA_SECONDS": "0.2"}
    with servers.opened(name, folder, generation, **environ) as target:
        if target.exchanger is None or not target.submissions_port or not target.imap_port:
            pytest.skip("the rules for port 25 need a server of our own, and the right to bind that port")
        address, smtp = target.exchanger
        ports = {
            "smtp": smtp,
            "submissions": target.submissions_port,
            "imaps": target.imap_port,
            **target.starttls_ports,
        }
        found = Tenant(Server(target, target.simulator, generation), issuer, NameServer(), address, ports)
        try:
            realm(issuer, "sme-acme")
            realm(issuer, "other")
            provision(found)
            yield found
        finally:
            found.names.close()


def provision(found: Tenant) -> None:
    """What the roles do, in their order: where 0.15 takes an account's name from depends on the directory."""
    settings: dict[str, Any] = {
        "domain": {DOMAIN: {}},
        "systemSettings": {"defaultHostname": HOST, "defaultDomainId": DOMAIN},
        "spamSettings": {"enable": False},
        "spamPyzor": {"enable": False},
        # Who tries what must fail, often, from here.
        "allowedIp": {"127.0.0.1": {}},
        # Not the usual five seconds.
        "mtaStageAuth": {"waitOnFail": {"else": "100ms"}},
        "mtaStageRcpt": {"waitOnFail": {"else": "300ms"}},
    }
    if found.server.generation == "0.16":
        settings["networkListener"] = {
            name: {
                "protocol": protocol,
                "bind": sorted({f"{host}:{found.ports[name]}" for host in ("127.0.0.1", found.address)}),
            }
            for name, protocol in (("submission", "smtp"), ("imap", "imap"))
        }
    if "networkListener" in found.settings(settings)["restart_required"]:
        assert found.server.target.restart is not None
        found.server.target.restart()
    found.directory()
    found.server.principals(*PRINCIPALS)
    found.publish()
