"""A tenant on loopback: server, realm and name server, provisioned by the product's own tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import (
    probe_imap,
    probe_task,
    probe_token,
    records,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.probe_port import Port
from tests.contract.api import Target
from tests.contract.issuer import Issuer
from tests.simulator.fixture import Simulator, free_port

from .nameserver import NameServer
from .server import Result, Server

DOMAIN, HOST = "acme.test", "mail.acme.test"
PROBE, GROUP = f"tenantmail-probe@{DOMAIN}", f"tenantmail-probe-group@{DOMAIN}"
SCOPES = ("openid", "email", "profile", "groups", "stalwart-audience")
SECRET, PASSWORD = "probe-client-secret-1", "probe-password-1"
DNS = {
    "enabled": True,
    "mail_addresses": ["127.0.0.1"],
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
    """What the checks look at, so that tests can break it."""

    server: Server
    issuer: Issuer
    names: NameServer
    ports: dict[str, int]
    options: dict[str, Any] = field(default_factory=dict)

    def params(self, **changes: Any) -> Result:
        server = {key: value for key, value in self.server.options.items() if key not in ("server", "update_secrets")}
        return {
            **server,
            "probe": None,
            "domain": {"primary": DOMAIN, "mode": "free-subdomain", "mail_host": HOST, "web_host": None},
            "dns": DNS,
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
        with probe_imap.Session(Port("imaps", "127.0.0.1", self.ports["imaps"], HOST, tls=True)) as box:
            box.bearer(PROBE, token)
            names = ("INBOX", f"Shared Folders/{GROUP}/INBOX")
            return [raw for name in names for raw in box.find(name, "").values()]

    def publish(self) -> None:
        """What dns_records publishes."""
        keys = self.server.info(DOMAIN, ["dkim"], wait_dkim=20)["info"]["dkim_keys"]
        model = {
            "domain": {"primary": DOMAIN, "mode": "free-subdomain", "mail_host": HOST, "web_host": HOST},
            "dns": DNS,
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
        self.server.settings(settings)


def unlimited(tenant: Tenant) -> None:
    """A test runs the checks more often than the server's limit of messages an hour allows."""
    api = tenant.server.api()
    for key in api.query("MtaInboundThrottle"):
        api.update("MtaInboundThrottle", key, {"enable": False})
    api.action("ReloadSettings")


def realm(issuer: Issuer, name: str) -> None:
    """What role realm keeps of the probe."""
    issuer.add_client(name, "tenantmail-probe", SECRET, *SCOPES)
    issuer.add_client(name, "tenantmail-probe-expired", SECRET, *SCOPES, seconds=-3600)
    issuer.add_user(name, "tenantmail-probe", PASSWORD, "tenantmail-probe-group")


@contextmanager
def tenant(folder: Path, issuer: Issuer, generation: str = "0.16") -> Iterator[Tenant]:
    """A tenant whose server is a simulator."""
    ports = {name: free_port() for name in ("smtp", "submissions", "imaps")}
    http = free_port()
    listed = " ".join(f"{name}={number}" for name, number in ports.items())
    environ = {
        "STALWART_HOSTNAME": HOST,
        "SIMULATOR_DKIM_RSA_SECONDS": "0.2",
        "SIMULATOR_PORTS": f"http={http} {listed} https=- submission=- imap=-",
    }
    simulator = Simulator(folder, environ, http_port=http, generation=generation).start()
    target = Target("simulator", simulator.base_url, simulator.username, simulator.password)
    found = Tenant(Server(target, simulator, generation), issuer, NameServer(), ports)
    try:
        realm(issuer, "sme-acme")
        realm(issuer, "other")
        found.server.settings(
            {
                "domain": {DOMAIN: {}},
                "systemSettings": {"defaultHostname": HOST, "defaultDomainId": DOMAIN},
                "spamSettings": {"enable": False},
                "spamPyzor": {"enable": False},
            },
            **({"on_unsupported": "report"} if generation == "0.15" else {}),
        )
        found.server.principals(*PRINCIPALS)
        if generation == "0.16":
            unlimited(found)
        found.directory()
        found.publish()
        yield found
    finally:
        found.names.close()
        simulator.stop()
