# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tenant uses of the platform: OpenBao, Keycloak, Kubernetes and PowerDNS."""

from __future__ import annotations

import dataclasses
import typing as t

from ..failure import LAYERS
from . import certificate, names
from .identity import BYO, FREE_SUBDOMAIN, Identity
from .merge import plain
from .overlay import Inputs
from .server import boolean
from .validation import Given, Invalid, Problems, one_of, refuse_secret

#: kubernetes.core's connection options that are no secret (``api_key`` and ``password`` stay out of the model).
#: The same list as ``kubernetes.connection.ALIASES`` (a test compares them; importing it would load the client library).
CONNECTION_OPTIONS = (
    "kubeconfig",
    "context",
    "host",
    "username",
    "validate_certs",
    "verify_ssl",
    "ca_cert",
    "ssl_ca_cert",
    "client_cert",
    "cert_file",
    "client_key",
    "key_file",
    "proxy",
    "no_proxy",
)
CONNECTION_SECRETS = ("api_key", "password")
STORE_KINDS = ("ClusterSecretStore", "SecretStore")
SPF_POLICIES = ("-all", "~all", "?all")
DMARC_POLICIES = ("none", "quarantine", "reject")
PROFILES = ("standard",)
MAX_TTL = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class Platform:
    """What the inventory says about the back ends; only complete when no mistake was noted.

    :param connection: ``tenant_kubernetes`` without its secrets.
    :param references: OpenBao paths and properties of the client's and the administrator's secret.
    """

    openbao_url: str | None
    openbao_mount: str
    keycloak_admin_url: str | None
    keycloak_auth_realm: str
    client_id: str
    client_secret_name: str
    admin_user: str
    admin_secret_name: str
    references: dict[str, dict[str, str | None]]
    release: str | None
    connection: dict[str, t.Any]
    secret_store: dict[str, str]
    gateway: dict[str, str]
    ca_file: str | None
    certificate: certificate.Certificate
    proxy_networks: list[str]
    dns: dict[str, t.Any]
    api_key_secret_name: str | None


def ttl(value: t.Any) -> int:
    """Seconds (RFC 2181 section 8)."""
    if isinstance(value, bool) or not str(value).isdigit() or not 0 < int(value) <= MAX_TTL:
        raise Invalid(f"seconds, 1 to {MAX_TTL}")
    return int(value)


def choice(known: t.Sequence[str]) -> t.Callable[[t.Any], str]:
    """A parser that accepts one of some words."""

    def parse(value: t.Any) -> str:
        if value not in known:
            raise Invalid(one_of(value, known))
        return "".join(value)

    return parse


def local_user(value: t.Any) -> str:
    """The administrator's name; it becomes the local part of an address and ``STALWART_RECOVERY_ADMIN``."""
    found = names.text(value)
    if not found.replace("-", "").replace(".", "").replace("_", "").isalnum() or found != found.lower():
        raise Invalid("a user name of a to z, 0 to 9, . _ and -")
    names.mail_address(f"{found}@a.test")
    return found


def no_delegation(value: t.Any) -> bool:
    """DKIM delegation is not built yet; only ``false`` is accepted."""
    if boolean(value):
        raise Invalid("false (delegation of DKIM names comes with a later release)")
    return False


def resolve(inputs: Inputs, identity: Identity, problems: Problems) -> Platform:
    """Everything about the back ends; mistakes go to ``problems``."""
    check = problems.check
    openbao_given = inputs.given("platform_openbao_url")
    if openbao_given is None and not inputs.server_only:
        problems.add("platform_openbao_url", None, "the URL of OpenBao, which keeps every secret; required")
    client_id = check(inputs.given(":keycloak.clientID"), names.client_id) or "stalwart"
    if client_id in ("wordpress", "openclaw"):
        problems.add("tenant_overlay.keycloak.clientID", client_id, "a client of its own; this one is another app's")
    admin_url = check(inputs.given("tenant_keycloak_admin_url"), names.url)
    release = check(inputs.given("tenant_release") or Given("", "stalwart"), names.release)
    admin_secret = check(inputs.given(":admin.secretName"), names.object_name) or "stalwart-admin"
    client_secret = (
        check(inputs.given(":keycloak.clientSecretName"), names.object_name) or "stalwart-oidc-client-secret"
    )
    _layers(inputs, problems)
    return Platform(
        openbao_url=check(openbao_given, names.openbao_url),
        openbao_mount=check(inputs.given("platform_openbao_mount"), names.vault_path) or "secret",
        keycloak_admin_url=admin_url or identity.realm_base_url,
        keycloak_auth_realm=check(inputs.given("platform_keycloak_auth_realm"), names.realm_name) or "master",
        client_id=client_id,
        client_secret_name=client_secret,
        admin_user=check(inputs.given(":admin.username"), local_user) or "admin",
        admin_secret_name=admin_secret,
        references=_references(inputs, identity, problems),
        release=release,
        connection=_connection(inputs, problems),
        secret_store={
            "kind": "ClusterSecretStore",
            "name": "openbao",
            **problems.fields(
                inputs.given("platform_secret_store"), {"kind": choice(STORE_KINDS), "name": names.object_name}
            ),
        },
        gateway={
            "name": "cilium-gateway",
            "namespace": "kube-system",
            **problems.fields(inputs.given("platform_gateway"), {"name": names.object_name, "namespace": names.label}),
        },
        ca_file=check(inputs.given("platform_ca_file"), names.text),
        certificate=certificate.resolve(inputs, release, (admin_secret, client_secret), problems),
        proxy_networks=problems.items(inputs.given("platform_proxy_networks"), names.network),
        dns=_dns(inputs, identity, problems),
        api_key_secret_name=check(inputs.given(":dns.powerdns.apiKeySecretName"), names.object_name),
    )


def _references(inputs: Inputs, identity: Identity, problems: Problems) -> dict[str, dict[str, str | None]]:
    result: dict[str, dict[str, str | None]] = {}
    for name, where, default in (
        ("oidc", ":keycloak.oidcExternalSecret.remoteRef", "OIDC_CLIENT_SECRET"),
        ("admin", ":admin.externalSecret.remoteRef", "ADMIN_PASSWORD"),
    ):
        path = problems.check(inputs.given(f"{where}.key"), names.vault_path)
        if path is None and identity.fqdn and identity.slug:
            path = f"sovereign/{identity.fqdn}/stalwart/{identity.slug}/{name}"
        wanted = problems.check(inputs.given(f"{where}.property"), names.property_name)
        result[name] = {"path": path, "property": wanted or default}
    if result["oidc"]["path"] and result["oidc"] == result["admin"]:
        problems.add(
            "tenant_overlay.admin.externalSecret.remoteRef",
            result["admin"],
            "another key or property than keycloak.oidcExternalSecret.remoteRef has",
        )
    return result


def _connection(inputs: Inputs, problems: Problems) -> dict[str, t.Any]:
    given = inputs.given("tenant_kubernetes")
    if given is None:
        return {}
    known = CONNECTION_OPTIONS + CONNECTION_SECRETS
    if not isinstance(given.value, t.Mapping):
        # By name only: what was given may hold a token.
        refuse_secret(problems, given.variable, "a mapping of kubernetes.core's connection options")
        return {}
    for key in given.value:
        if key not in known:
            refuse_secret(problems, f"{given.variable}.{key}", "only the options " + one_of(key, known))
    kubeconfig = given.value.get("kubeconfig")
    if kubeconfig is not None and not isinstance(kubeconfig, str):
        refuse_secret(problems, f"{given.variable}.kubeconfig", "the path of a kubeconfig file")
    return {key: plain(given.value[key]) for key in CONNECTION_OPTIONS if given.value.get(key) is not None}


def _dns(inputs: Inputs, identity: Identity, problems: Problems) -> dict[str, t.Any]:
    check = problems.check
    enabled_given = inputs.given(":dns.powerdns.enabled")
    wanted = enabled_given is None or check(enabled_given, boolean) is True
    enabled = identity.mode != BYO and wanted and not inputs.server_only
    url_given = inputs.given(":dns.powerdns.apiURL", "platform_powerdns_url")
    if url_given is None and enabled and identity.mode == FREE_SUBDOMAIN:
        problems.add(
            "platform_powerdns_url",
            None,
            f"the URL of the PowerDNS API; required with tenant_domain_mode {FREE_SUBDOMAIN}",
        )
    server_url, url_id = check(url_given, names.powerdns_url) or (None, None)
    server_given = inputs.given("platform_powerdns_server_id")
    server_id = check(server_given, names.property_name)
    if server_given and server_id and url_given and url_id and url_id != server_id:
        problems.add(server_given.variable, server_id, f"{url_id}, as {url_given.variable} says")
    dns = problems.fields(
        inputs.given("tenant_dns"),
        {
            "profile": choice(PROFILES),
            "spf_policy": choice(SPF_POLICIES),
            "dmarc_policy": choice(DMARC_POLICIES),
            "dmarc_rua": names.mail_address,
            "ttl": ttl,
            "dkim_delegation": no_delegation,
        },
    )
    rua = check(inputs.given(":dns.dmarc.rua"), names.mail_address)
    policy = check(inputs.given(":dns.dmarc.policy"), choice(DMARC_POLICIES))
    spf = check(inputs.given(":dns.spf.policy"), choice(SPF_POLICIES))
    return {
        "enabled": enabled,
        "zone": identity.zone,
        "server_url": server_url,
        "server_id": server_id or url_id or "localhost",
        "nameservers": problems.items(inputs.given("platform_powerdns_nameservers"), names.nameserver),
        "mail_addresses": problems.items(inputs.given("tenant_mail_addresses"), names.address),
        "profile": dns.get("profile", PROFILES[0]),
        "spf_policy": dns.get("spf_policy") or spf or SPF_POLICIES[0],
        "dmarc_policy": dns.get("dmarc_policy") or policy or "reject",
        "dmarc_rua": dns.get("dmarc_rua") or rua or f"dmarc@{identity.domain}",
        "ttl": dns.get("ttl") or 300,
    }


def _layers(inputs: Inputs, problems: Problems) -> None:
    problems.items(inputs.given("tenant_layers"), choice(LAYERS))
