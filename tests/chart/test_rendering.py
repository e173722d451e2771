from __future__ import annotations

import json
from typing import Any, Callable

import pytest
import yaml

from .conftest import CHART, NAMESPACE, Manifest, Refused

Render = Callable[..., Manifest]

#: The original design's values file (design 15), as it stands.
ORIGINAL = yaml.safe_load("""
domain: {primary: "acme.omantel.omani.works", mode: "free-subdomain"}
keycloak:
  realmURL: "https://auth.acme.omantel.omani.works/realms/sme"
  clientID: "stalwart"
  clientSecretName: "stalwart-oidc"
  oidcExternalSecret: {remoteRef: {key: "sovereign/omantel.omani.works/stalwart/acme/oidc"}}
admin: {externalSecret: {remoteRef: {key: "sovereign/omantel.omani.works/stalwart/acme/admin"}}}
dns:
  powerdns: {enabled: true, apiURL: "https://pdns.omantel.omani.works/api", apiKeySecretName: "powerdns-api-key",
             zone: "omantel.omani.works"}
  dmarc: {rua: "dmarc@acme.omantel.omani.works"}
""")
SELECTOR = {
    "app.kubernetes.io/name": "stalwart",
    "app.kubernetes.io/instance": "stalwart",
    "app.kubernetes.io/component": "mail-server",
}
ACME = {"domain": {"primary": "acme.test"}}
CERTIFICATE = {"enabled": True, "issuerRef": {"name": "ca"}}
OLD = {"generation": "0.15", "image": {"tag": "v0.15.5"}}


def test_defaults_render_without_a_cluster(render: Render) -> None:
    manifest = render()
    assert {kind for kind, _ in manifest} == {"StatefulSet", "Service", "ServiceAccount", "ConfigMap", "NetworkPolicy"}
    assert manifest.names("Service") == ["stalwart-headless", "stalwart-imap", "stalwart-smtp", "stalwart-web"]


def test_every_object_says_whose_it_is(render: Render) -> None:
    for (kind, name), obj in render(ORIGINAL, release="mail").items():
        assert obj["metadata"]["namespace"] == NAMESPACE, (kind, name)
        labels = obj["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "mail", (kind, name)
        assert labels["app.kubernetes.io/managed-by"] == "Helm", (kind, name)


def test_the_original_values_file(render: Render) -> None:
    manifest = render(ORIGINAL)
    assert manifest.names("ExternalSecret") == ["stalwart-admin", "stalwart-oidc"]
    external = manifest.one("ExternalSecret", "stalwart-oidc")
    assert external["apiVersion"] == "external-secrets.io/v1"
    assert external["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "openbao"}
    assert external["spec"]["data"] == [
        {
            "secretKey": "OIDC_CLIENT_SECRET",
            "remoteRef": {"key": "sovereign/omantel.omani.works/stalwart/acme/oidc", "property": "OIDC_CLIENT_SECRET"},
        }
    ]
    assert manifest.env["STALWART_HOSTNAME"] == "mail.acme.omantel.omani.works"
    assert manifest.env["STALWART_PUBLIC_URL"] == "https://mail.acme.omantel.omani.works"


def test_boots_as_the_image_expects(render: Render) -> None:
    manifest = render(ORIGINAL)
    config = json.loads(manifest.one("ConfigMap", "stalwart-config")["data"]["config.json"])
    assert config == {"@type": "RocksDb", "path": "/var/lib/stalwart/"}
    assert manifest.container["args"] == ["--config", "/etc/stalwart/config.json"]
    mounts = {mount["mountPath"]: mount["name"] for mount in manifest.container["volumeMounts"]}
    assert mounts == {
        "/var/lib/stalwart": "data",
        "/etc/stalwart": "config",
        "/etc/stalwart-tls": "tls",
        "/tmp": "tmp",
    }
    assert manifest.env["ADMIN_PASSWORD"] == {"secretKeyRef": {"name": "stalwart-admin", "key": "ADMIN_PASSWORD"}}
    assert manifest.env["STALWART_RECOVERY_ADMIN"] == "admin:$(ADMIN_PASSWORD)"
    order = [entry["name"] for entry in manifest.container["env"]]
    assert order.index("ADMIN_PASSWORD") < order.index("STALWART_RECOVERY_ADMIN"), (
        "a reference sees what stands before it"
    )


def test_can_bind_its_ports_without_privileges(render: Render) -> None:
    manifest = render()
    pod, container = manifest.pod["securityContext"], manifest.container["securityContext"]
    assert (pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"], pod["runAsNonRoot"]) == (2000, 2000, 2000, True)
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["sysctls"] == [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
    assert container["capabilities"] == {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}
    assert container["allowPrivilegeEscalation"] is False
    assert container["readOnlyRootFilesystem"] is True
    assert manifest.pod["automountServiceAccountToken"] is False
    assert manifest.one("ServiceAccount")["automountServiceAccountToken"] is False


def test_selectors_select_the_server_s_pods_and_no_others(render: Render) -> None:
    manifest = render()
    workload = manifest.one("StatefulSet")["spec"]
    assert workload["selector"]["matchLabels"] == SELECTOR
    assert SELECTOR.items() <= workload["template"]["metadata"]["labels"].items()
    for name in manifest.names("Service"):
        assert manifest.one("Service", name)["spec"]["selector"] == SELECTOR, name
    for name in manifest.names("NetworkPolicy"):
        assert manifest.one("NetworkPolicy", name)["spec"]["podSelector"]["matchLabels"] == SELECTOR, name


def test_what_cannot_be_changed_holds_nothing_that_changes(render: Render) -> None:
    (claim,) = render()["StatefulSet", "stalwart"]["spec"]["volumeClaimTemplates"]
    assert claim["metadata"] == {"name": "data", "labels": SELECTOR}


def test_services(render: Render) -> None:
    manifest = render()
    ports = {
        name: [
            (port["name"], port["port"], port["targetPort"]) for port in manifest.one("Service", name)["spec"]["ports"]
        ]
        for name in manifest.names("Service")
    }
    assert ports["stalwart-smtp"] == [
        ("smtp", 25, "smtp"),
        ("submissions", 465, "submissions"),
        ("submission", 587, "submission"),
    ]
    assert ports["stalwart-imap"] == [("imap", 143, "imap"), ("imaps", 993, "imaps")]
    assert ports["stalwart-web"] == [("http", 8080, "http"), ("https", 443, "https")]
    container = {port["name"]: port["containerPort"] for port in manifest.container["ports"]}
    assert all(container[target] == number for found in ports.values() for _, number, target in found)
    assert manifest.one("Service", "stalwart-headless")["spec"]["clusterIP"] == "None"
    assert manifest.one("StatefulSet")["spec"]["serviceName"] == "stalwart-headless"


def test_smtp_and_imap_share_their_address(render: Render) -> None:
    service = {"externalIPs": ["192.0.2.9"], "loadBalancerIP": "192.0.2.9", "annotations": {"lb/share": "x"}}
    manifest = render({"service": service})
    for name in ("stalwart-smtp", "stalwart-imap"):
        found = manifest.one("Service", name)
        assert found["spec"]["type"] == "LoadBalancer"
        assert (found["spec"]["externalIPs"], found["spec"]["loadBalancerIP"]) == (["192.0.2.9"], "192.0.2.9")
        assert found["metadata"]["annotations"] == {"lb/share": "x"}
    web = manifest.one("Service", "stalwart-web")
    assert web["spec"]["type"] == "ClusterIP"
    assert "externalIPs" not in web["spec"]


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ({}, {"externalTrafficPolicy": "Local", "allocateLoadBalancerNodePorts": False}),
        (
            {"externalTrafficPolicy": "Cluster", "allocateLoadBalancerNodePorts": True},
            {"externalTrafficPolicy": "Cluster", "allocateLoadBalancerNodePorts": True},
        ),
        ({"type": "NodePort"}, {"externalTrafficPolicy": "Local"}),
        ({"type": "ClusterIP"}, {}),
    ],
)
def test_how_traffic_from_outside_comes_in(render: Render, service: dict[str, Any], expected: dict[str, Any]) -> None:
    names = ("externalTrafficPolicy", "allocateLoadBalancerNodePorts")
    manifest = render({"service": service})
    for service_name in ("stalwart-smtp", "stalwart-imap"):
        spec = manifest.one("Service", service_name)["spec"]
        assert {name: spec[name] for name in names if name in spec} == expected


def test_a_ban_of_the_nodes_address_restarts_nothing(render: Render) -> None:
    probes = {kind: render().container[f"{kind}Probe"]["tcpSocket"] for kind in ("startup", "readiness", "liveness")}
    assert probes == {"startup": {"port": "http"}, "readiness": {"port": "smtp"}, "liveness": {"port": "http"}}


@pytest.mark.parametrize(
    ("store", "config"),
    [
        ({"@type": "RocksDb", "path": "/data/"}, {"@type": "RocksDb", "path": "/data/"}),
        ({"@type": "Sqlite"}, {"@type": "Sqlite", "path": "/var/lib/stalwart/stalwart.sqlite3"}),
    ],
)
def test_store(render: Render, store: dict[str, Any], config: dict[str, Any]) -> None:
    manifest = render({"store": store})
    assert json.loads(manifest.one("ConfigMap", "stalwart-config")["data"]["config.json"]) == config


def test_the_pod_restarts_exactly_when_what_it_reads_at_start_changes(render: Render) -> None:
    def template(**values: Any) -> Any:
        return render(values)["StatefulSet", "stalwart"]["spec"]["template"]

    ca = {"bundle": "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n"}
    base = template()
    assert template(store={"@type": "Sqlite"}) != base
    assert template(ca=ca) != template(ca={"bundle": ca["bundle"].replace("A\n", "B\n")})
    assert template(planMarker="x") == base
    assert template(service={"type": "ClusterIP"}) == base
    assert template(**ACME, tls={"certificate": CERTIFICATE}) == template(**ACME)


def test_a_private_ca_adds_to_the_image_s_roots(render: Render) -> None:
    bundle = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    manifest = render({"ca": {"bundle": bundle + "\n"}})
    assert manifest.one("ConfigMap", "stalwart-ca")["data"] == {"ca.crt": bundle + "\n"}
    assert (manifest.env["SSL_CERT_FILE"], manifest.env["SSL_CERT_DIR"]) == (
        "/etc/stalwart-ca/ca.crt",
        "/etc/ssl/certs",
    )
    assert {"name": "ca", "mountPath": "/etc/stalwart-ca", "readOnly": True} in manifest.container["volumeMounts"]


def test_nothing_is_trusted_besides_without_one(render: Render) -> None:
    assert "SSL_CERT_FILE" not in render().env
    assert ("ConfigMap", "stalwart-ca") not in render()


@pytest.mark.parametrize(("values", "secret"), [({}, "mail-tls"), ({"tls": {"secretName": "wildcard"}}, "wildcard")])
def test_a_pod_never_waits_for_its_certificate(render: Render, values: dict[str, Any], secret: str) -> None:
    """Whoever fills the Secret may need the server first: a mount that is not optional would be a deadlock."""
    manifest = render(values, release="mail")
    spec = manifest.one("StatefulSet", "mail")["spec"]["template"]["spec"]
    (volume,) = [volume for volume in spec["volumes"] if volume["name"] == "tls"]
    assert volume["secret"] == {"secretName": secret, "optional": True}
    assert manifest.names("Certificate") == []


def test_the_certificate_of_an_issuer(render: Render) -> None:
    values = {**ACME, "tls": {"certificate": CERTIFICATE}}
    certificate = render(values).one("Certificate", "stalwart-tls")
    assert certificate["apiVersion"] == "cert-manager.io/v1"
    assert certificate["spec"] == {
        "secretName": "stalwart-tls",
        "dnsNames": ["mail.acme.test"],
        "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "ca"},
        "privateKey": {"rotationPolicy": "Always"},
        "usages": ["server auth"],
    }
    more = {"secretName": "t", "certificate": {**CERTIFICATE, "duration": "48h", "renewBefore": "24h"}}
    changed = render({"domain": {"primary": "acme.test", "webHost": "web.acme.test"}, "tls": more})
    spec = changed.one("Certificate", "t")["spec"]
    assert spec["dnsNames"] == ["mail.acme.test", "web.acme.test"]
    assert (spec["secretName"], spec["duration"], spec["renewBefore"]) == ("t", "48h", "24h")


def test_default_deny_and_what_is_allowed(render: Render) -> None:
    realm = {"realmURL": "https://192.0.2.5:8443/realms/sme-acme"}
    manifest = render({**ACME, "keycloak": realm, "networkPolicy": {"keycloakPorts": [8443, 9443]}})
    deny = manifest.one("NetworkPolicy", "stalwart-default-deny")["spec"]
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    assert (deny["ingress"], deny["egress"]) == ([], []), "what is not rendered is not compared"
    allow = manifest.one("NetworkPolicy", "stalwart-allow")["spec"]
    assert [[port["port"] for port in rule["ports"]] for rule in allow["ingress"]] == [[25, 465, 587, 143, 993]]
    assert [[port["port"] for port in rule["ports"]] for rule in allow["egress"]] == [
        [53, 53],
        [25, 465, 587],
        [443],
        [8443, 9443],
    ]
    assert allow["egress"][3]["to"] == [{"ipBlock": {"cidr": "192.0.2.5/32"}}]


@pytest.mark.parametrize(
    ("url", "port"),
    [("https://kc.test/realms/x", 443), ("http://kc.test/realms/x", 80), ("https://kc.test:8443/realms/x", 8443)],
)
def test_the_way_to_keycloak(render: Render, url: str, port: int) -> None:
    rule = render({"keycloak": {"realmURL": url}}).one("NetworkPolicy", "stalwart-allow")["spec"]["egress"][3]
    assert rule == {"ports": [{"protocol": "TCP", "port": port}]}


def test_the_gateway_reaches_the_web_port_and_nobody_else(render: Render) -> None:
    gateway = {"enabled": True, "parentRef": {"name": "g", "namespace": "edge"}}
    manifest = render({**ACME, "gateway": gateway, "networkPolicy": {"webFrom": [{"podSelector": {}}]}})
    rule = manifest.one("NetworkPolicy", "stalwart-allow")["spec"]["ingress"][1]
    assert [port["port"] for port in rule["ports"]] == [8080, 443]
    assert rule["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}},
        {"podSelector": {}},
    ]
    route = manifest.one("HTTPRoute", "stalwart-web")["spec"]
    assert route["parentRefs"] == [{"name": "g", "namespace": "edge"}], "no sectionName unless it is asked for"
    assert route["hostnames"] == ["mail.acme.test"]
    assert route["rules"][0]["backendRefs"] == [{"name": "stalwart-web", "port": 8080}]


CILIUM = ("cilium.io/v2", "cilium.io/v2/CiliumNetworkPolicy")
CONTROLLER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}


@pytest.mark.parametrize(
    "values",
    [{"gateway": {"enabled": True}}, {"ingress": {"enabled": True}, "networkPolicy": {"webFrom": [CONTROLLER]}}],
)
def test_cilium_s_own_gateway_reaches_the_web_port(render: Render, values: dict[str, Any]) -> None:
    """It comes as the entity ingress, which is in no namespace that a NetworkPolicy could select."""
    assert render({**ACME, **values}).names("CiliumNetworkPolicy") == []
    assert render({**ACME, **values}, served=("cilium.io/v2",)).names("CiliumNetworkPolicy") == []
    policy = render({**ACME, **values}, served=CILIUM).one("CiliumNetworkPolicy", "stalwart-web")
    assert policy["apiVersion"] == "cilium.io/v2"
    assert policy["spec"] == {
        "endpointSelector": {"matchLabels": SELECTOR},
        "ingress": [{"fromEntities": ["ingress"], "toPorts": [{"ports": [{"port": "8080", "protocol": "TCP"}]}]}],
    }


@pytest.mark.parametrize("values", [{}, {"gateway": {"enabled": True}, "networkPolicy": {"enabled": False}}])
def test_without_a_route_or_policies_cilium_gets_none(render: Render, values: dict[str, Any]) -> None:
    assert render({**ACME, **values}, served=CILIUM).names("CiliumNetworkPolicy") == []


def test_ingress(render: Render) -> None:
    ingress = {"enabled": True, "className": "nginx", "tlsSecretName": "web-tls"}
    controller = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
    values = {"domain": {"primary": "acme.test", "webHost": "web.acme.test"}, "ingress": ingress}
    manifest = render({**values, "networkPolicy": {"webFrom": [controller]}})
    web = manifest.one("NetworkPolicy", "stalwart-allow")["spec"]["ingress"][1]
    assert web["from"] == [controller]
    spec = manifest.one("Ingress", "stalwart-web")["spec"]
    assert (spec["ingressClassName"], spec["tls"]) == ("nginx", [{"hosts": ["web.acme.test"], "secretName": "web-tls"}])
    assert spec["rules"][0]["host"] == "web.acme.test"
    assert manifest.names("HTTPRoute") == []


def test_dns_records_when_installed_alone(render: Render) -> None:
    assert ("ConfigMap", "stalwart-dns-records-required") not in render(ORIGINAL)
    data = render({**ORIGINAL, "dnsRecords": {"create": True}}).one("ConfigMap", "stalwart-dns-records-required")[
        "data"
    ]
    assert set(data) == {"domain", "mode", "records.yaml", "zone.txt"}
    records = yaml.safe_load(data["records.yaml"])
    assert records[0] == {
        "name": "acme.omantel.omani.works.",
        "type": "MX",
        "values": ["10 mail.acme.omantel.omani.works."],
    }
    assert records[2]["values"] == ["v=DMARC1; p=reject; rua=mailto:dmarc@acme.omantel.omani.works"]
    assert len(data["zone.txt"].splitlines()) == len(records)


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ({"repository": "r/s", "tag": "v0.16.18"}, "r/s:v0.16.18"),
        ({"repository": "localhost:5000/s", "tag": "0.16-alpine"}, "localhost:5000/s:0.16-alpine"),
        ({"repository": "r/s", "tag": None, "digest": "sha256:" + "a" * 64}, "r/s@sha256:" + "a" * 64),
        ({"repository": "r/s", "tag": "v0.16.1", "digest": "sha256:" + "a" * 64}, "r/s:v0.16.1@sha256:" + "a" * 64),
    ],
)
def test_image(render: Render, image: dict[str, Any], reference: str) -> None:
    assert render({"image": image}).container["image"] == reference


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"image": {"repository": "r", "tag": "v0.15.5"}}, '"v0.15.5" does not belong to generation "0.16"'),
        ({"image": {"repository": "r", "tag": "latest"}}, '"latest" does not belong to generation "0.16"'),
        ({"image": {"repository": "r", "tag": "v0.160.1"}}, "does not belong to generation"),
        ({"image": {"repository": "r", "tag": None}}, "a tag or a digest is required"),
        ({**ACME, "gateway": {"enabled": True}, "ingress": {"enabled": True}}, "by one of them, not by both"),
        ({**ACME, "ingress": {"enabled": True}}, "networkPolicy.webFrom: needed with ingress.enabled"),
        ({"gateway": {"enabled": True}}, "domain.primary: needed when gateway.enabled"),
        ({"dnsRecords": {"create": True}}, "domain.primary: needed when dnsRecords.create"),
        # Of these the pod would get neither the password nor a way through the NetworkPolicy.
        (
            {"store": {"@type": "PostgreSql", "authSecret": "canary-secret"}},
            "at '/store/@type': value must be one of 'RocksDb', 'Sqlite'",
        ),
        ({"tls": {"certificate": {"enabled": True}}}, "tls.certificate.issuerRef.name: needed when"),
        ({"tls": {"certificate": CERTIFICATE}}, "domain.primary: needed when tls.certificate.enabled"),
        (
            {"tls": {"certificate": {"issuer": "x"}}},
            "at '/tls/certificate': additional properties 'issuer' not allowed",
        ),
        ({"tls": {"certificate": {"duration": "90d"}}}, "at '/tls/certificate/duration'"),
        ({"replicas": 2}, "at '/replicas'"),
        ({"foo": 1}, "additional properties 'foo' not allowed"),
        (
            {"keycloak": {"oidcExternalSecret": {"remoteRef": {"path": "x"}}}},
            "at '/keycloak/oidcExternalSecret/remoteRef'",
        ),
        ({"domain": "acme.test"}, "at '/domain'"),
        ({"generation": "0.14"}, "at '/generation'"),
        # config.toml for 0.16, which would start a server of its own making.
        ({"generation": "0.15"}, '"v0.16.18" does not belong to generation "0.15"'),
        (
            {**OLD, "ca": {"bundle": "-----BEGIN CERTIFICATE-----"}},
            "ca.bundle: a server of generation 0.15 trusts the public roots",
        ),
        ({**OLD, "store": {"@type": "MySql"}}, "at '/store/@type': value must be one of 'RocksDb', 'Sqlite'"),
        (
            {**OLD, "store": {"@type": "RocksDb", "cacheSize": 1}},
            "store.cacheSize: generation 0.15 has nothing like it for a RocksDb store (accepted: blobSize, bufferSize, path",
        ),
        ({"proxyProtocol": {"trustedNetworks": ["everywhere"]}}, "at '/proxyProtocol/trustedNetworks/0'"),
        ({"webAdmin": {"url": "webadmin.zip"}}, "at '/webAdmin/url'"),
    ],
)
def test_refused_with_a_sentence(render: Render, values: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused) as caught:
        render(values)
    assert says in str(caught.value)
    assert "canary-secret" not in str(caught.value)


def test_the_task_s_rendering_gives_the_same_objects(render: Render, helm: str) -> None:
    from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import chart as charts
    from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.objects import key_of

    text = charts.render(charts.load(str(CHART)), "stalwart", NAMESPACE, ORIGINAL, helm)
    whole = render({**ORIGINAL, "setupJob": {}})
    # A hook is no part of the release.
    assert {key_of(obj): obj for obj in charts.documents(text)} == {
        key: obj for key, obj in whole.items() if "helm.sh/hook" not in obj["metadata"].get("annotations", {})
    }


def test_the_relays_password_is_mounted_only_where_there_is_one(render: Render) -> None:
    plain = render()
    assert "relay" not in [volume["name"] for volume in plain.pod["volumes"]]
    relay = {"secretName": "stalwart-relay", "externalSecret": {"remoteRef": {"key": "a/relay", "property": "PW"}}}
    manifest = render({"relay": relay})
    (volume,) = [volume for volume in manifest.pod["volumes"] if volume["name"] == "relay"]
    assert volume["secret"] == {
        "secretName": "stalwart-relay",
        "defaultMode": 0o440,
        "items": [{"key": "PW", "path": "password"}],
    }
    assert {"name": "relay", "mountPath": "/etc/stalwart-relay", "readOnly": True} in manifest.container["volumeMounts"]
    external = manifest.one("ExternalSecret", "stalwart-relay")["spec"]
    assert external["data"] == [{"secretKey": "PW", "remoteRef": {"key": "a/relay", "property": "PW"}}]
    assert external["target"] == {"name": "stalwart-relay", "creationPolicy": "Owner"}


def test_a_relay_s_secret_that_others_keep_gets_no_external_secret(render: Render) -> None:
    manifest = render({"relay": {"secretName": "mine"}})
    assert "mine" not in manifest.names("ExternalSecret")
    assert [volume["secret"]["secretName"] for volume in manifest.pod["volumes"] if "secret" in volume] == [
        "stalwart-tls",
        "mine",
    ]
