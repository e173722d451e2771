"""derive(): the values of design 5, the overlay of design 15, every mistake at once."""

from __future__ import annotations

import copy
import json
import time
import typing as t
from pathlib import Path

import jsonschema
import pytest
import yaml
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import LAYERS, Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import connection
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.driver import SettingsAsk
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.settings import SettingsTask
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import (
    argspec,
    chart_values,
    overlay,
    platform,
    task,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.model import derive
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.overlay import Inputs
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.validation import Problems

ROOT = Path(__file__).parents[5]
CHART = ROOT / "roles/chart/files/bp-stalwart-tenant"
CANARY = "canary-secret-value"

ACME: dict[str, t.Any] = {
    "host": "acme",
    "platform_fqdn": "omantel.omani.works",
    "platform_openbao_url": "https://bao.omantel.omani.works",
    "platform_powerdns_url": "https://pdns.omantel.omani.works",
    "platform_powerdns_api_key": CANARY,
    "platform_keycloak_auth": {"username": "provisioner", "password": CANARY},
    "platform_openbao_auth": {"method": "token", "token": CANARY},
}
BETA: dict[str, t.Any] = {**ACME, "host": "beta", "tenant_domain": "beta-bakery.com", "tenant_domain_mode": "byo"}

#: Design 15, verbatim.
OVERLAY = yaml.safe_load("""
domain: {primary: "acme.omantel.omani.works", mode: "free-subdomain"}      # or "byo"
keycloak:
  realmURL: "https://auth.acme.omantel.omani.works/realms/sme"
  clientID: "stalwart"
  clientSecretName: "stalwart-oidc"
  oidcExternalSecret: {remoteRef: {key: "sovereign/omantel.omani.works/stalwart/acme/oidc"}}
admin: {externalSecret: {remoteRef: {key: "sovereign/omantel.omani.works/stalwart/acme/admin"}}}
dns:
  powerdns: {enabled: true, apiURL: "https://pdns.omantel.omani.works/api", apiKeySecretName: "powerdns-api-key", zone: "omantel.omani.works"}
  dmarc: {rua: "dmarc@acme.omantel.omani.works"}
""")


def mistakes(options: dict[str, t.Any]) -> list[str]:
    with pytest.raises(Failure) as caught:
        derive(options)
    assert (caught.value.layer, caught.value.code) == ("inventory", "invalid_value")
    assert CANARY not in json.dumps(caught.value.as_dict())
    return [item["variable"] for item in caught.value.details]


def test_the_keys_are_an_interface() -> None:
    assert list(derive(ACME)) == [
        "slug",
        "display_name",
        "domain",
        "kubernetes",
        "keycloak",
        "openbao",
        "stalwart",
        "relay",
        "chart_values",
        "dns",
        "oidc_directory",
        "admin",
        "mailboxes",
        "capacity",
    ]


def test_a_free_subdomain_needs_no_variable_of_its_own() -> None:
    model = derive(ACME)
    assert model["domain"] == {
        "primary": "acme.omantel.omani.works",
        "mode": "free-subdomain",
        "mail_host": "mail.acme.omantel.omani.works",
        "web_host": "mail.acme.omantel.omani.works",
    }
    assert model["kubernetes"] == {
        "namespace": "tenant-acme",
        "release": "stalwart",
        "connection": {},
        "secret_store": {"kind": "ClusterSecretStore", "name": "openbao"},
        "gateway": {"name": "cilium-gateway", "namespace": "kube-system"},
        "ca_file": None,
        "labels": {"app.kubernetes.io/managed-by": "tenantmail", "tenantmail.io/tenant": "acme"},
    }
    prefix = "sovereign/omantel.omani.works"
    assert model["keycloak"] == {
        "realm_url": "https://keycloak.acme.omantel.omani.works/realms/sme-acme",
        "base_url": "https://keycloak.acme.omantel.omani.works",
        "realm": "sme-acme",
        "admin_url": "https://keycloak.acme.omantel.omani.works",
        "auth_realm": "master",
        "display_name": "acme",
        "client_id": "stalwart",
        "client_secret_name": "stalwart-oidc-client-secret",
        "client_secret_property": "OIDC_CLIENT_SECRET",
        "scopes": ["openid", "email", "profile", "groups"],
        "audience_scope": "stalwart-audience",
        "groups": ["sme-admin", "sme-user"],
        "group_parent": None,
        "users": [],
        "public_client": {
            "client_id": "stalwart-public",
            "enabled": True,
            "redirect_uris": [
                "https://mail.acme.omantel.omani.works/*",
                "http://127.0.0.1/*",
                "http://localhost/*",
            ],
            "web_origins": ["+"],
        },
        "probe": {
            "enabled": True,
            "client_id": "tenantmail-probe",
            "expired_client_id": "tenantmail-probe-expired",
            "username": "tenantmail-probe",
            "email": "tenantmail-probe@acme.omantel.omani.works",
            "group": "tenantmail-probe-group",
            "openbao_path": f"{prefix}/tenantmail/acme/probe",
            "client_secret_property": "OIDC_CLIENT_SECRET",
            "password_property": "PROBE_PASSWORD",
        },
        "clients": [
            {
                "client_id": "stalwart",
                "openbao_path": f"{prefix}/stalwart/acme/oidc",
                "openbao_property": "OIDC_CLIENT_SECRET",
                "redirect_uris": ["https://mail.acme.omantel.omani.works/*"],
                "web_origins": ["+"],
                "audience": True,
            },
            {
                "client_id": "wordpress",
                "openbao_path": f"{prefix}/wordpress/acme/oidc",
                "openbao_property": "OIDC_CLIENT_SECRET",
                "redirect_uris": [],
                "web_origins": [],
                "audience": False,
            },
            {
                "client_id": "openclaw",
                "openbao_path": f"{prefix}/openclaw/acme/oidc",
                "openbao_property": "OIDC_CLIENT_SECRET",
                "redirect_uris": [],
                "web_origins": [],
                "audience": False,
            },
        ],
    }
    assert model["openbao"] == {
        "url": "https://bao.omantel.omani.works",
        "mount": "secret",
        "secrets": [
            {"path": f"{prefix}/stalwart/acme/admin", "property": "ADMIN_PASSWORD"},
            {"path": f"{prefix}/stalwart/acme/oidc", "property": "OIDC_CLIENT_SECRET"},
            {"path": f"{prefix}/wordpress/acme/oidc", "property": "OIDC_CLIENT_SECRET"},
            {"path": f"{prefix}/openclaw/acme/oidc", "property": "OIDC_CLIENT_SECRET"},
            {"path": f"{prefix}/tenantmail/acme/probe", "property": "OIDC_CLIENT_SECRET"},
            {"path": f"{prefix}/tenantmail/acme/probe", "property": "PROBE_PASSWORD"},
        ],
    }
    assert model["dns"] == {
        "enabled": True,
        "zone": "omantel.omani.works",
        "server_url": "https://pdns.omantel.omani.works",
        "server_id": "localhost",
        "nameservers": [],
        "mail_addresses": [],
        "profile": "standard",
        "spf_policy": "-all",
        "dmarc_policy": "reject",
        "dmarc_rua": "dmarc@acme.omantel.omani.works",
        "ttl": 300,
        "spf_mechanisms": [],
        "configmap": "stalwart-dns-records-required",
    }
    assert model["capacity"] == {
        "replicas": 1,
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        "storage": {"size": "20Gi", "class": None},
    }


def test_the_server_its_directory_and_its_administrator() -> None:
    model = derive(ACME)
    domain = "acme.omantel.omani.works"
    stalwart = model["stalwart"]
    assert stalwart["image"] == {"repository": "docker.io/stalwartlabs/stalwart", "tag": "v0.16.18", "digest": None}
    assert (stalwart["generation"], stalwart["service"], stalwart["service_port"]) == ("0.16", "stalwart-web", 8080)
    assert stalwart["settings"]["domain"] == {domain: {}}
    assert stalwart["settings"]["systemSettings"] == {
        "defaultHostname": f"mail.{domain}",
        "defaultDomainId": domain,
        "defaultCertificateId": f"mail.{domain}",
        "proxyTrustedNetworks": [],
    }
    assert stalwart["settings"]["spamSettings"]["enable"] is False
    assert stalwart["settings"]["spamPyzor"] == {"enable": False}
    assert stalwart["settings"]["role"] == {"User": {"disabledPermissions": []}}
    assert stalwart["settings"]["tracer"]["stdout"]["@type"] == "Stdout"
    assert model["oidc_directory"] == {
        "label": "keycloak",
        "description": f"Per-tenant Keycloak ({domain})",
        "issuer": "https://keycloak.acme.omantel.omani.works/realms/sme-acme",
        "settings": {
            "directory": {
                "keycloak": {
                    "@type": "Oidc",
                    "description": f"Per-tenant Keycloak ({domain})",
                    "issuerUrl": "https://keycloak.acme.omantel.omani.works/realms/sme-acme",
                    "claimUsername": "preferred_username",
                    "claimName": "name",
                    "claimGroups": "groups",
                    "requireScopes": ["openid", "email", "profile", "groups"],
                    "usernameDomain": domain,
                    "requireAudience": "stalwart",
                }
            },
            "authentication": {"directoryId": "keycloak"},
        },
    }
    assert model["admin"] == {
        "user": "admin",
        "secret_name": "stalwart-admin",
        "secret_property": "ADMIN_PASSWORD",
        "openbao_path": "sovereign/omantel.omani.works/stalwart/acme/admin",
        "address": f"admin@{domain}",
        "role": "user",
        "aliases": [f"postmaster@{domain}", f"abuse@{domain}", f"dmarc@{domain}"],
        "principals": [
            {
                "name": f"admin@{domain}",
                "type": "individual",
                "description": "Administrator of acme",
                "roles": ["user"],
                "aliases": [f"postmaster@{domain}", f"abuse@{domain}", f"dmarc@{domain}"],
            }
        ],
    }


def test_a_server_of_0_15_is_asked_for_what_it_can() -> None:
    """And for nothing else: role server_settings refuses what it cannot express."""
    model = derive({**ACME, "tenant_generation": "0.15", "platform_ca_file": "/etc/ca.pem"})
    asked = {**model["stalwart"]["settings"], **model["oidc_directory"]["settings"]}
    task_ = SettingsTask(None, SettingsAsk(settings=asked))
    assert task_.run(check_mode=True)["unsupported"] == []
    assert model["stalwart"]["image"]["tag"] == "v0.15.5"
    assert set(model["oidc_directory"]["settings"]["directory"]["keycloak"]) == {
        "@type",
        "description",
        "issuerUrl",
        "claimUsername",
        "claimName",
    }
    # Trusted by the controller only: the server takes no certification authority, and the chart refuses one.
    assert model["kubernetes"]["ca_file"] is None
    assert model["chart_values"]["generation"] == "0.15"


@pytest.mark.parametrize("generation", ["0.16", "0.15"])
def test_spam_rules_come_from_somewhere_where_mail_is_filtered(generation: str) -> None:
    """Though it was off before: the server keeps the null that said so."""
    model = derive({**ACME, "tenant_generation": generation, "tenant_spam_filter": True})
    assert model["stalwart"]["settings"]["spamSettings"]["spamFilterRulesUrl"].startswith("https://")
    assert model["chart_values"]["spamFilter"] == {"enabled": True}
    model = derive({**ACME, "tenant_generation": generation})
    assert model["stalwart"]["settings"]["spamSettings"] == {"enable": False, "spamFilterRulesUrl": None}
    assert model["chart_values"]["spamFilter"] == {"enabled": False}


def test_the_web_interface_is_pinned_or_off() -> None:
    def interface(**given: t.Any) -> dict[str, t.Any]:
        settings = derive({**ACME, **given})["stalwart"]["settings"]
        return settings["application"]["Stalwart Web Interface"]

    url = "https://mirror.test/webui-1.0.zip"
    pinned = {"tenant_chart_values": {"webAdmin": {"url": url}}}
    assert interface()["enabled"] is False
    assert interface(**pinned) == {"enabled": True, "resourceUrl": url, "urlPrefix": ["/admin", "/account"]}
    model = derive({**ACME, **pinned, "tenant_generation": "0.15"})
    assert "application" not in model["stalwart"]["settings"]
    assert model["chart_values"]["webAdmin"] == {"url": url}


def test_networks_that_send_the_proxy_protocol() -> None:
    given = {"platform_proxy_networks": ["10.0.0.0/8", "2001:DB8::/32", "192.0.2.7/32"]}
    networks = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]
    model = derive({**ACME, **given})
    assert model["chart_values"]["proxyProtocol"] == {"trustedNetworks": networks}
    assert model["stalwart"]["settings"]["systemSettings"]["proxyTrustedNetworks"] == networks
    model = derive({**ACME, **given, "tenant_generation": "0.15"})
    assert model["chart_values"]["proxyProtocol"] == {"trustedNetworks": networks}
    assert "proxyTrustedNetworks" not in model["stalwart"]["settings"]["systemSettings"]
    assert mistakes({**ACME, "platform_proxy_networks": ["10.0.0.1/8"]}) == ["platform_proxy_networks[0]"]
    owned = {"tenant_settings": {"systemSettings.proxyTrustedNetworks": ["10.0.0.0/8"]}}
    assert mistakes({**ACME, **owned}) == ["tenant_settings.systemSettings.proxyTrustedNetworks"]


def test_a_domain_of_its_own_is_not_published() -> None:
    model = derive({**BETA, "platform_powerdns_url": None})
    assert model["domain"]["primary"] == "beta-bakery.com"
    assert model["dns"]["enabled"] is False
    assert model["keycloak"]["realm_url"] == "https://keycloak.beta.omantel.omani.works/realms/sme-beta"
    assert model["chart_values"]["dns"]["powerdns"] == {"enabled": False}


def test_the_original_values_file_is_accepted_verbatim() -> None:
    before = copy.deepcopy(OVERLAY)
    model = derive({**ACME, "platform_powerdns_url": None, "tenant_overlay": OVERLAY})
    assert before == OVERLAY
    assert model["keycloak"]["realm_url"] == "https://auth.acme.omantel.omani.works/realms/sme"
    assert model["keycloak"]["realm"] == "sme"
    assert model["keycloak"]["client_secret_name"] == "stalwart-oidc"
    assert model["oidc_directory"]["settings"]["directory"]["keycloak"]["issuerUrl"] == model["keycloak"]["realm_url"]
    assert model["dns"]["server_url"] == "https://pdns.omantel.omani.works"
    powerdns = model["chart_values"]["dns"]["powerdns"]
    assert powerdns == {
        "enabled": True,
        "apiURL": "https://pdns.omantel.omani.works/api/v1/servers/localhost",
        "apiKeySecretName": "powerdns-api-key",
        "zone": "omantel.omani.works",
    }


def test_every_key_of_the_overlay_reaches_the_model() -> None:
    values = {
        "domain": {
            "primary": "shop.omantel.omani.works",
            "mode": "free-subdomain",
            "mailHost": "mx.shop.omantel.omani.works",
            "webHost": "web.shop.omantel.omani.works",
        },
        "keycloak": {
            "realmURL": "https://kc.test/realms/r",
            "clientID": "mail",
            "clientSecretName": "n1",
            "oidcExternalSecret": {"remoteRef": {"key": "p/oidc", "property": "P1"}},
        },
        "admin": {
            "username": "root",
            "secretName": "n2",
            "externalSecret": {"remoteRef": {"key": "p/admin", "property": "P2"}},
        },
        "dns": {
            "powerdns": {
                "enabled": False,
                "apiURL": "https://x.test/api",
                "apiKeySecretName": "n3",
                "zone": "omani.works",
            },
            "dmarc": {"rua": "mailto:r@reports.test", "policy": "none"},
            "spf": {"policy": "~all"},
        },
        "generation": "0.16",
        "image": {
            "repository": "mirror.test/s",
            "tag": "v0.16.19",
            "digest": "sha256:" + "a" * 64,
            "pullPolicy": "Always",
        },
        "store": {"@type": "Sqlite"},
        "replicas": 1,
        "resources": {"limits": {"cpu": "2"}},
        "persistence": {"size": "1Gi", "storageClassName": "fast"},
        "spamFilter": {"enabled": True},
        "mailboxProvisioner": {"enabled": False},
    }
    leaves: set[str] = set()

    def walk(tree: t.Any, keys: t.Any, path: str = "") -> None:
        for key, below in keys.items():
            if below is None:
                leaves.add(f"{path}{key}")
                assert key in tree, f"{path}{key} is not covered by this test"
            else:
                walk(tree[key], below, f"{path}{key}.")

    walk(values, overlay.KEYS)
    model = derive({**ACME, "tenant_overlay": values})
    chart = model["chart_values"]
    assert chart["domain"] == values["domain"]
    assert chart["keycloak"] == values["keycloak"]
    assert chart["admin"] == values["admin"]
    assert chart["image"] == values["image"]
    assert chart["store"] == values["store"]
    assert chart["persistence"] == values["persistence"]
    assert chart["resources"]["limits"] == {"cpu": "2", "memory": "1Gi"}
    assert chart["dns"]["powerdns"] == {
        "enabled": False,
        "apiURL": "https://x.test/api/v1/servers/localhost",
        "apiKeySecretName": "n3",
    }
    assert chart["dns"]["dmarc"] == {"rua": "r@reports.test", "policy": "none"}
    assert chart["dns"]["spf"] == {"policy": "~all"}
    assert model["dns"]["zone"] == "omani.works"
    assert model["stalwart"]["settings"]["spamSettings"]["enable"] is True
    assert model["keycloak"]["clients"][0]["client_id"] == "mail"
    assert model["oidc_directory"]["settings"]["directory"]["keycloak"]["requireAudience"] == "mail"
    # Reports that go elsewhere are nobody's alias here.
    assert model["admin"]["aliases"] == ["postmaster@shop.omantel.omani.works", "abuse@shop.omantel.omani.works"]
    assert model["admin"]["address"] == "root@shop.omantel.omani.works"


@pytest.mark.parametrize(
    ("options", "path", "value"),
    [
        ({"tenant_realm_url": "https://t.test/realms/t"}, "keycloak.realm_url", "https://t.test/realms/t"),
        ({}, "keycloak.realm_url", "https://auth.acme.omantel.omani.works/realms/sme"),
        ({"platform_powerdns_url": "https://p.test"}, "dns.server_url", "https://pdns.omantel.omani.works"),
        ({"platform_powerdns_zone": "omani.works"}, "dns.zone", "omantel.omani.works"),
        ({"tenant_dns": {"dmarc_rua": "x@acme.omantel.omani.works"}}, "dns.dmarc_rua", "x@acme.omantel.omani.works"),
    ],
)
def test_tenant_wins_over_overlay_wins_over_platform(options: dict[str, t.Any], path: str, value: t.Any) -> None:
    found: t.Any = derive({**ACME, "tenant_overlay": OVERLAY, **options})
    for key in path.split("."):
        found = found[key]
    assert found == value


@pytest.mark.parametrize(
    "url", ["https://pdns.test", "https://pdns.test/api", "https://pdns.test/api/v1/servers/localhost/"]
)
def test_the_powerdns_url_is_normalised(url: str) -> None:
    model = derive({**ACME, "platform_powerdns_url": url})
    assert (model["dns"]["server_url"], model["dns"]["server_id"]) == ("https://pdns.test", "localhost")
    assert model["chart_values"]["dns"]["powerdns"]["apiURL"] == "https://pdns.test/api/v1/servers/localhost"


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        ({"tenant_overlay": {"dns": {"powerdns": {"apiUrl": "x"}}}}, ["tenant_overlay.dns.powerdns.apiUrl"]),
        ({"tenant_layers": ["dns", "keyclok"]}, ["tenant_layers[1]"]),
        ({"tenant_layers": "dns"}, ["tenant_layers"]),
        ({"tenant_display_name": "x" * 256}, ["tenant_display_name"]),
        ({"platform_openbao_url": None}, ["platform_openbao_url"]),
        ({"platform_openbao_url": "bao.test"}, ["platform_openbao_url"]),
        ({"platform_openbao_mount": "a b"}, ["platform_openbao_mount"]),
        ({"platform_keycloak_auth_realm": "a b"}, ["platform_keycloak_auth_realm"]),
        ({"tenant_keycloak_admin_url": "kc.test"}, ["tenant_keycloak_admin_url"]),
        ({"platform_powerdns_url": None}, ["platform_powerdns_url"]),
        (
            {"platform_powerdns_url": "https://p.test/api/v1/servers/a", "platform_powerdns_server_id": "b"},
            ["platform_powerdns_server_id"],
        ),
        ({"platform_powerdns_nameservers": ["ns1.test"]}, ["platform_powerdns_nameservers[0]"]),
        ({"tenant_mail_addresses": ["192.0.2.1", "mail.test"]}, ["tenant_mail_addresses[1]"]),
        ({"tenant_mail_addresses": "192.0.2.1"}, ["tenant_mail_addresses"]),
        (
            {"platform_secret_store": {"kind": "Store", "nam": "x"}},
            ["platform_secret_store.kind", "platform_secret_store.nam"],
        ),
        ({"platform_gateway": "gw"}, ["platform_gateway"]),
        ({"platform_gateway": {"namespace": "kube_system"}}, ["platform_gateway.namespace"]),
        ({"platform_ca_file": ""}, ["platform_ca_file"]),
        ({"platform_certificate_issuer": "letsencrypt"}, ["platform_certificate_issuer"]),
        ({"platform_certificate_issuer": {"kind": "Issuer"}}, ["platform_certificate_issuer.name"]),
        ({"platform_certificate_issuer": {"name": "A_b"}}, ["platform_certificate_issuer.name"]),
        ({"platform_certificate_issuer": {"name": "x", "kind": "Isuer"}}, ["platform_certificate_issuer.kind"]),
        ({"platform_certificate_issuer": {"name": "x", "kind": "issuer"}}, ["platform_certificate_issuer.kind"]),
        ({"platform_certificate_issuer": {"name": "x", "group": "pca"}}, ["platform_certificate_issuer.group"]),
        ({"platform_certificate_issuer": {"name": "x", "nme": "y"}}, ["platform_certificate_issuer.nme"]),
        ({"tenant_certificate_secret": "A_b"}, ["tenant_certificate_secret"]),
        ({"tenant_certificate_secret": "stalwart-admin"}, ["tenant_certificate_secret"]),
        (
            {"tenant_chart_values": {"tls": {"secretName": "x", "certificate": {"issuerRef": {"name": "y"}}}}},
            ["tenant_chart_values.tls.secretName", "tenant_chart_values.tls.certificate.issuerRef"],
        ),
        (
            {"tenant_settings": {"systemSettings.defaultCertificateId": "x"}},
            ["tenant_settings.systemSettings.defaultCertificateId"],
        ),
        ({"tenant_release": "a" * 41}, ["tenant_release"]),
        ({"tenant_kubernetes": {"kubeconf": "x"}}, ["tenant_kubernetes.kubeconf"]),
        ({"tenant_kubernetes": {"kubeconfig": {"users": [CANARY]}}}, ["tenant_kubernetes.kubeconfig"]),
        ({"tenant_kubernetes": CANARY}, ["tenant_kubernetes"]),
        ({"tenant_dns": {"spf_policy": "+all"}}, ["tenant_dns.spf_policy"]),
        ({"tenant_dns": {"dmarc_policy": "rejct"}}, ["tenant_dns.dmarc_policy"]),
        ({"tenant_dns": {"dmarc_rua": "nobody"}}, ["tenant_dns.dmarc_rua"]),
        ({"tenant_dns": {"ttl": 0}}, ["tenant_dns.ttl"]),
        ({"tenant_dns": {"ttl": 2**31}}, ["tenant_dns.ttl"]),
        ({"tenant_dns": {"ttl": "5m"}}, ["tenant_dns.ttl"]),
        ({"tenant_dns": {"profile": "all"}}, ["tenant_dns.profile"]),
        ({"tenant_dns": {"dkim_delegation": True}}, ["tenant_dns.dkim_delegation"]),
        ({"tenant_dns": {"dkim": "x"}}, ["tenant_dns.dkim"]),
        ({"tenant_dns": "-all"}, ["tenant_dns"]),
        ({"tenant_chart_values": {"replicas": 2}}, ["tenant_chart_values.replicas"]),
        ({"tenant_chart_values": {"domain": {"primary": "x.test"}}}, ["tenant_chart_values.domain.primary"]),
        ({"tenant_chart_values": {"image": {"tag": "v0.15"}}}, ["tenant_chart_values.image.tag"]),
        ({"tenant_chart_values": {"dnsRecords": {"create": True}}}, ["tenant_chart_values.dnsRecords"]),
        ({"tenant_chart_values": ["x"]}, ["tenant_chart_values"]),
        (
            {"tenant_chart_values": {"image": "x", "gateway": None}},
            ["tenant_chart_values.image", "tenant_chart_values.gateway"],
        ),
        ({"tenant_settings": {"spamPyzor": None}}, ["tenant_settings.spamPyzor"]),
        ({"tenant_settings": {"asn": "off"}}, ["tenant_settings.asn"]),
        ({"tenant_settings": {"tracer": {"stdout": False}}}, ["tenant_settings.tracer.stdout"]),
        (
            {"tenant_settings": {"domain": {"acme.omantel.omani.works": "x"}}},
            ["tenant_settings.domain.acme.omantel.omani.works"],
        ),
        ({"tenant_mailboxes": [{"name": "a@x.test"}]}, ["tenant_mailboxes[0].name"]),
        ({"tenant_offline": "perhaps"}, ["tenant_offline"]),
        ({"tenant_overlay": {"keycloak": {"clientID": "wordpress"}}}, ["tenant_overlay.keycloak.clientID"]),
        ({"tenant_overlay": {"keycloak": {"clientSecret": CANARY}}}, ["tenant_overlay.keycloak.clientSecret"]),
        ({"tenant_overlay": {"admin": {"username": "a:b"}}}, ["tenant_overlay.admin.username"]),
        (
            {
                "tenant_overlay": {
                    "keycloak": {"oidcExternalSecret": {"remoteRef": {"key": "same", "property": "P"}}},
                    "admin": {"externalSecret": {"remoteRef": {"key": "same", "property": "P"}}},
                }
            },
            ["tenant_overlay.admin.externalSecret.remoteRef"],
        ),
        ({"duplicates": [{"variable": "tenant_domain", "value": "x", "accepted": "y"}]}, ["tenant_domain"]),
    ],
)
def test_bad_input(options: dict[str, t.Any], variables: list[str]) -> None:
    assert mistakes({**ACME, **options}) == variables


def test_every_mistake_is_reported_at_once() -> None:
    options = {
        **ACME,
        "host": "Acme_1",
        "tenant_domain_mode": "byo",
        "tenant_realm_url": "https://kc.test/sme",
        "tenant_chart_values": {"replicas": 2},
        "platform_powerdns_api_key": "short",
        "tenant_overlay": {"domian": {}},
        "tenant_image": "stalwart:latest",
        "duplicates": [{"variable": "tenant_namespace", "value": "x", "accepted": "y"}],
    }
    assert sorted(mistakes(options)) == [
        "platform_powerdns_api_key",
        "tenant_chart_values.replicas",
        "tenant_domain",
        "tenant_image",
        "tenant_namespace",
        "tenant_overlay.domian",
        "tenant_realm_url",
        "tenant_slug",
    ]


def test_no_secret_is_in_the_model() -> None:
    secrets = {
        "platform_powerdns_api_key": f"{CANARY}1",
        "platform_keycloak_auth": {"client_id": "c", "client_secret": f"{CANARY}2"},
        "platform_openbao_auth": {"method": "token", "token": f"{CANARY}3"},
        "tenant_kubernetes": {
            "host": "https://k8s.test",
            "api_key": f"{CANARY}4",
            "username": "u",
            "password": f"{CANARY}5",
        },
    }
    model = derive({**ACME, **secrets})
    assert CANARY not in json.dumps(model)
    assert model["kubernetes"]["connection"] == {"host": "https://k8s.test", "username": "u"}


def test_a_secret_that_is_part_of_a_name_would_corrupt_the_model() -> None:
    assert mistakes({**ACME, "platform_powerdns_api_key": "tenant-acme"}) == ["platform_powerdns_api_key"]


def test_the_key_of_powerdns_is_needed_for_a_free_subdomain_only() -> None:
    assert mistakes({**ACME, "platform_powerdns_api_key": None}) == ["platform_powerdns_api_key"]
    assert derive({**BETA, "platform_powerdns_api_key": None})["domain"]["mode"] == "byo"
    assert derive({**ACME, "platform_powerdns_api_key": None, "tenant_offline": True})["slug"] == "acme"


@pytest.mark.parametrize(
    "options",
    [
        ACME,
        BETA,
        {**ACME, "tenant_overlay": OVERLAY},
        {**ACME, "tenant_storage": {"class": "fast"}, "tenant_image": "a/b:v0.16.1@sha256:" + "b" * 64},
        {**ACME, "tenant_chart_values": {"gateway": {"enabled": False}, "service": {"externalIPs": ["192.0.2.1"]}}},
    ],
)
def test_the_charts_schema_accepts_the_values(options: dict[str, t.Any]) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.validate(derive(options)["chart_values"], schema)


@pytest.mark.parametrize(("ingress", "gateway"), [({}, True), ({"enabled": False}, True), ({"enabled": True}, False)])
def test_the_web_host_is_published_by_a_gateway_unless_an_ingress_does(ingress: dict[str, bool], gateway: bool) -> None:
    values = derive({**ACME, "tenant_chart_values": {"ingress": ingress}})["chart_values"]
    assert values["gateway"]["enabled"] is gateway


def test_what_the_charts_schema_refuses_is_among_the_mistakes() -> None:
    values = {
        "foo": 1,
        "image": "x",
        "resources": {"limits": {"cpu": "many"}},
        "replicas": 2,
        "service": {"externalIPs": ["mail.test"], "extrnalIPs": []},
        # What is required beside it comes from the model.
        "gateway": {"parentRef": {"sectionName": "https"}},
        "nodeSelector": None,
    }
    options = {**ACME, "tenant_domain": "my domain.com", "tenant_chart_values": values, "chart": str(CHART)}
    with pytest.raises(Failure) as caught:
        task.run(options, check_mode=True)
    found = {item["variable"]: item["accepted"] for item in caught.value.details}
    assert set(found) == {
        "tenant_domain",
        "tenant_chart_values.foo",
        # Each is named once, by its owner.
        "tenant_chart_values.image",
        "tenant_chart_values.resources",
        "tenant_chart_values.replicas",
        "tenant_chart_values.service.externalIPs[0]",
        "tenant_chart_values.service.extrnalIPs",
    }
    assert found["tenant_chart_values.service.extrnalIPs"].endswith("did you mean externalIPs?")
    assert found["tenant_chart_values.service.externalIPs[0]"].endswith("(an IP address)")


@pytest.mark.parametrize(
    "values", [{"service": {"externalIPs": ["192.0.2.1"]}, "gateway": {"enabled": False}}, {}, None]
)
def test_what_the_charts_schema_accepts_is_none(values: t.Any) -> None:
    assert task.run({**ACME, "tenant_chart_values": values, "chart": str(CHART)}, check_mode=True)["model"]


def chart_values_of(values: dict[str, t.Any], rules: dict[str, t.Any]) -> list[tuple[str, str]]:
    """What a chart's schema with these rules for ``own`` has against these values for it."""
    problems = Problems()
    inputs = Inputs({"tenant_chart_values": {"own": values}}, problems)
    chart_values.resolve(inputs, problems, {"properties": {"own": rules}})
    assert CANARY not in " ".join(f"{problem} {problem.as_dict()}" for problem in problems)
    return [(problem.variable, problem.accepted) for problem in problems]


A_OR_B = [{"required": ["a"]}, {"required": ["b"]}]


@pytest.mark.parametrize(
    "rules",
    [
        {"anyOf": A_OR_B},
        {"oneOf": A_OR_B},
        {"allOf": [{"anyOf": A_OR_B}, {"minProperties": 2}]},
        {"minProperties": 2},
        {"not": {"properties": {"a": {"const": 1}}}},
        {"dependencies": {"password": ["a"]}},
        {"if": {"properties": {"a": {"const": 1}}}, "then": {"properties": {"password": {"maxLength": 1}}}},
        {"if": {"required": ["a"]}, "else": {"properties": {"password": {"maxLength": 1}}}},
    ],
)
def test_a_part_of_the_charts_values_need_not_be_all(rules: dict[str, t.Any]) -> None:
    assert chart_values_of({"password": CANARY}, rules) == []


@pytest.mark.parametrize(
    ("value", "rules", "accepted"),
    [
        ([CANARY, CANARY], {"uniqueItems": True}, "items that differ from each other"),
        ([CANARY], {"anyOf": [{"maxItems": 0}, {"minItems": 2}]}, "what the rule anyOf of the chart's schema accepts"),
        (CANARY, {"not": {"type": "string"}}, "what the rule not of the chart's schema accepts"),
    ],
)
def test_what_the_charts_schema_refuses_is_not_repeated(value: t.Any, rules: dict[str, t.Any], accepted: str) -> None:
    """Its name masks the value itself; jsonschema's own sentence would repeat it."""
    found = chart_values_of({"password": value}, {"properties": {"password": rules}})
    assert found == [("tenant_chart_values.own.password", accepted)]


def test_a_property_that_is_called_then_is_checked() -> None:
    assert chart_values_of({"then": "x"}, {"properties": {"then": {"type": "integer"}}}) == [
        ("tenant_chart_values.own.then", "integer")
    ]


def test_a_chart_that_is_not_there_is_a_failure_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        task.run({**ACME, "tenant_chart_values": {"foo": 1}, "chart": str(tmp_path)}, check_mode=True)
    assert (caught.value.layer, caught.value.code) == ("kubernetes", "not_found")


def test_every_owned_value_is_a_value_of_the_chart_or_of_the_original() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    for path in chart_values.OWNED:
        node = schema
        for key in path.split("."):
            if path == "spamFilter":
                break
            node = node["properties"][key]


def test_extra_chart_values_are_laid_on_top() -> None:
    values = derive({**ACME, "tenant_chart_values": {"gateway": {"enabled": False}, "nodeSelector": {"a": "b"}}})[
        "chart_values"
    ]
    assert values["gateway"] == {"enabled": False, "parentRef": {"name": "cilium-gateway", "namespace": "kube-system"}}
    assert values["nodeSelector"] == {"a": "b"}


def test_null_for_the_tenants_own_domain_means_no_properties() -> None:
    domain = {"acme.omantel.omani.works": None}
    assert derive({**ACME, "tenant_settings": {"domain": domain}})["stalwart"]["settings"]["domain"] == domain


def test_settings_of_the_tenant_are_laid_on_top() -> None:
    settings = {
        "domain": {"acme.omantel.omani.works": {"catchAllAddress": "info@acme.omantel.omani.works"}},
        "spamPyzor.enable": True,
        "tracer": {"stdout": {"level": "debug"}},
        "asn": {"@type": "Dns", "zoneIpV4": "x", "zoneIpV6": "y"},
    }
    found = derive({**ACME, "tenant_settings": settings})["stalwart"]["settings"]
    assert found["domain"]["acme.omantel.omani.works"] == {"catchAllAddress": "info@acme.omantel.omani.works"}
    assert found["spamPyzor"] == {"enable": True}
    assert found["tracer"]["stdout"] == {"@type": "Stdout", "level": "debug", "ansi": False}
    assert found["asn"] == {"@type": "Dns", "zoneIpV4": "x", "zoneIpV6": "y"}


def test_submission_and_imap_listen_with_starttls_and_may_be_changed() -> None:
    given = {"networkListener": {"imap": {"maxConnections": 100}, "lmtp": {"protocol": "lmtp", "bind": ["[::]:24"]}}}
    found = derive({**ACME, "tenant_settings": given})["stalwart"]["settings"]["networkListener"]
    starttls = {"useTls": True, "tlsImplicit": False}
    assert found == {
        "submission": {"protocol": "smtp", "bind": ["[::]:587"], **starttls},
        "imap": {"protocol": "imap", "bind": ["[::]:143"], **starttls, "maxConnections": 100},
        "lmtp": given["networkListener"]["lmtp"],
    }


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({}, "true"),
        ({"mtaStageAuth.maxFailures": "2"}, "true"),
        ({"mtaStageAuth.mustMatchSender": "authenticated_as != 'a'"}, "authenticated_as != 'a'"),
        ({"mtaStageAuth": {"mustMatchSender": {"match": [], "else": "false"}}}, {"match": [], "else": "false"}),
    ],
)
def test_only_own_senders_unless_the_tenant_says_otherwise(given: dict[str, t.Any], rule: t.Any) -> None:
    found = derive({**ACME, "tenant_settings": given})["stalwart"]["settings"]
    assert found["mtaStageAuth"]["mustMatchSender"] == rule


def test_deriving_twice_gives_the_same_and_nothing_is_shared() -> None:
    options = copy.deepcopy({**ACME, "tenant_overlay": OVERLAY})
    first = derive(options)
    first["chart_values"]["store"]["@type"] = "x"
    first["admin"]["aliases"].clear()
    second = derive(options)
    assert second == derive(copy.deepcopy({**ACME, "tenant_overlay": OVERLAY}))
    assert second["stalwart"]["store"] == {"@type": "RocksDb"}
    assert second["admin"]["principals"][0]["aliases"]


def test_the_task_changes_nothing() -> None:
    assert (
        task.run(ACME, check_mode=True)
        == task.run(ACME, check_mode=False)
        == {
            "changed": False,
            "model": derive(ACME),
            "requests": 0,
        }
    )


def test_deriving_is_cheap() -> None:
    begin = time.process_time()
    for _ in range(20):
        derive(ACME)
    assert (time.process_time() - begin) / 20 < 0.05


def test_connection_options_are_those_of_the_kubernetes_client() -> None:
    known = {name for name, aliases in connection.ALIASES.items() for name in (name, *aliases)}
    assert set(platform.CONNECTION_OPTIONS) | set(platform.CONNECTION_SECRETS) == known
    options = argspec.TENANT["tenant_kubernetes"]["options"]
    assert {name for name, option in options.items() for name in (name, *option.get("aliases", []))} == known


def test_layers_of_the_role_are_the_failures() -> None:
    defaults = yaml.safe_load((ROOT / "roles/tenant/defaults/main.yml").read_text())
    assert defaults["tenant_layers"] == list(LAYERS)


def test_the_certificate_without_an_issuer() -> None:
    web_host = "web.acme.omantel.omani.works"
    model = derive({**ACME, "tenant_web_host": web_host, "tenant_release": "mail"})
    mail_host = "mail.acme.omantel.omani.works"
    assert model["stalwart"]["certificate"] == {
        "secret_name": "mail-tls",
        "names": [mail_host, web_host],
        "issuer": None,
    }
    assert model["chart_values"]["tls"] == {"secretName": "mail-tls"}
    settings = model["stalwart"]["settings"]
    assert settings["certificate"] == {
        mail_host: {
            "certificate": {"@type": "File", "filePath": "/etc/stalwart-tls/tls.crt"},
            "privateKey": {"@type": "File", "filePath": "/etc/stalwart-tls/tls.key"},
        }
    }
    assert settings["systemSettings"]["defaultCertificateId"] == mail_host
    assert settings["systemSettings"]["defaultHostname"] == mail_host


@pytest.mark.parametrize(
    ("given", "issuer"),
    [
        ({"name": "ca"}, {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "ca"}),
        ({"name": "ca", "kind": "Issuer"}, {"group": "cert-manager.io", "kind": "Issuer", "name": "ca"}),
        (
            {"name": "pca", "kind": "AWSPCAClusterIssuer", "group": "awspca.cert-manager.io"},
            {"group": "awspca.cert-manager.io", "kind": "AWSPCAClusterIssuer", "name": "pca"},
        ),
    ],
)
def test_the_certificate_of_an_issuer(given: dict[str, str], issuer: dict[str, str]) -> None:
    more = {"tls": {"certificate": {"duration": "48h"}}}
    model = derive({**ACME, "platform_certificate_issuer": given, "tenant_chart_values": more})
    assert model["stalwart"]["certificate"]["issuer"] == issuer
    tls = {"secretName": "stalwart-tls", "certificate": {"issuerRef": issuer, "duration": "48h"}}
    assert model["chart_values"]["tls"] == tls
