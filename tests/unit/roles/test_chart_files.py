"""The chart's files as data: what needs no helm. Rendering is tested in tests/chart."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Callable, Iterator

import jsonschema
import pytest
import yaml
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import capabilities
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import chart as charts
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import server
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.validation import Invalid
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[3]
CHART = ROOT / "roles/chart/files/bp-stalwart-tenant"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
#: Mappings whose keys are not this chart's own: the server's, or those of the Kubernetes API.
OPEN = {
    "affinity", "gateway.annotations", "global", "ingress.annotations", "networkPolicy.extraEgress[]",
    "networkPolicy.extraIngress[]", "networkPolicy.webFrom[]", "nodeSelector", "podAnnotations", "podLabels",
    "resources.limits", "resources.requests", "service.annotations",
    "setupJob.resources.limits", "setupJob.resources.requests", "setupJob.variables", "store", "tolerations[]",
}  # fmt: skip

#: The original design's values file (design 15), as it stands.
ORIGINAL = """
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
"""


def mappings(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    kinds = schema.get("type")
    if "object" in ([kinds] if isinstance(kinds, str) else kinds or []):
        yield path, schema
    for name, below in schema.get("properties", {}).items():
        yield from mappings(below, f"{path}.{name}".lstrip("."))
    if "items" in schema:
        yield from mappings(schema["items"], f"{path}[]")


def test_unknown_keys_are_refused_everywhere_but_where_they_are_not_ours() -> None:
    open_ones = {path for path, schema in mappings(SCHEMA) if schema.get("additionalProperties") is not False}
    assert open_ones == OPEN


def test_every_value_has_a_default_and_every_default_a_schema() -> None:
    def leaves(schema: dict[str, Any], values: Any, path: str) -> None:
        if path in OPEN or "properties" not in schema:
            return
        assert set(values) == set(schema["properties"]) - {"global"}, path
        for name, below in schema["properties"].items():
            if name != "global":
                leaves(below, values[name], f"{path}.{name}".lstrip("."))

    leaves(SCHEMA, VALUES, "")


def loaded() -> charts.Chart:
    return charts.load(str(CHART))


@pytest.mark.parametrize("values", [VALUES, {}, yaml.safe_load(ORIGINAL)], ids=["defaults", "nothing", "original"])
def test_accepted(values: dict[str, Any]) -> None:
    assert charts.validate(loaded(), values) is True


@pytest.mark.parametrize(
    ("values", "path", "says"),
    [
        ({"foo": 1}, "", "foo: unknown key (accepted: admin, "),
        ({"keycloak": {"clientId": "x"}}, "keycloak", "keycloak.clientId: unknown key (accepted: clientID, "),
        ({"domain": "acme.test"}, "domain", 'domain = "acme.test": accepted: object (a mapping with primary and mode)'),
        ({"domain": {"primary": "a b.test"}}, "domain.primary", 'domain.primary = "a b.test"'),
        ({"domain": {"primary": "Acme.test"}}, "domain.primary", "lower case"),
        ({"domain": {"mode": "other"}}, "domain.mode", "accepted: free-subdomain, byo"),
        ({"replicas": 2}, "replicas", "accepted: at most 1 (one server per tenant"),
        ({"generation": "0.14"}, "generation", "accepted: 0.16, 0.15"),
        ({"image": {"repository": "r", "digest": "sha256:1"}}, "image.digest", "64 hexadecimal digits"),
        ({"image": {"repository": "r", "tag": 16}}, "image.tag", "accepted: string or null"),
        ({"keycloak": {"realmURL": "https://kc.test/auth"}}, "keycloak.realmURL", "/realms/<realm>"),
        ({"admin": {"username": "a:b"}}, "admin.username", "no colon"),
        ({"externalSecrets": {"apiVersion": "external-secrets.io/v1alpha1"}}, "externalSecrets.apiVersion", "external-secrets.io/v1"),
        ({"store": {"path": "/x"}}, "store", "accepted: a mapping with @type"),
        ({"store": {"@type": "PostgreSql"}}, "store.@type", "accepted: RocksDb, Sqlite (a store in the tenant's own volume"),
        ({"persistence": {"size": "20 GB"}}, "persistence.size", "quantity"),
        ({"resources": {"limits": {"cpu": "many"}}}, "resources.limits.cpu", "quantity"),
        ({"service": {"externalIPs": ["mail.test"]}}, "service.externalIPs.0", "an IP address"),
        ({"ca": {"bundle": "/etc/ca.crt"}}, "ca.bundle", "PEM"),
        ({"networkPolicy": {"keycloakPorts": [0]}}, "networkPolicy.keycloakPorts.0", "at least 1"),
    ],
)  # fmt: skip
def test_refused_with_path_value_and_what_is_accepted(values: dict[str, Any], path: str, says: str) -> None:
    with pytest.raises(Failure) as caught:
        charts.validate(loaded(), values)
    assert (caught.value.layer, caught.value.code) == ("kubernetes", "invalid_value")
    assert [error["path"] for error in caught.value.details] == [path]
    assert says in caught.value.message


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(Failure) as caught:
        charts.validate(loaded(), {"foo": 1, "replicas": 3, "service": {"type": "x"}})
    assert len(caught.value.details) == 3


def test_null_means_the_chart_s_default_is_removed_not_a_wrong_type() -> None:
    assert charts.validate(loaded(), {"replicas": None, "persistence": {"size": None, "storageClassName": None}})


#: Where the chart takes a quantity, and what the inventory's own check for it is.
QUANTITIES = {
    "requests": (SCHEMA["properties"]["resources"]["properties"]["requests"]["additionalProperties"], server.quantity),
    "limits": (SCHEMA["properties"]["resources"]["properties"]["limits"]["additionalProperties"], server.quantity),
    "size": (SCHEMA["properties"]["persistence"]["properties"]["size"], server.size),
}
NEARLY = st.text(alphabet="0123456789.numkMGTPEKie+- ", max_size=8)
NUMBERS = st.integers(-100, 10**20) | st.floats(1e-9, 1e9)


@pytest.mark.parametrize("place", QUANTITIES)
@given(data=st.data())
def test_quantities_are_the_same_to_the_chart_and_to_the_inventory(place: str, data: st.DataObject) -> None:
    schema, own = QUANTITIES[place]
    quantity = st.from_regex(schema["pattern"], fullmatch=True).map(str.strip)
    found = data.draw(quantity | NEARLY | NUMBERS if "number" in schema["type"] else quantity | NEARLY)
    assert accepted(own, found) == jsonschema.Draft7Validator(schema).is_valid(found), repr(found)


def accepted(parse: Callable[[Any], Any], value: Any) -> bool:
    try:
        parse(value)
    except Invalid:
        return False
    return True


@pytest.mark.parametrize("value", ["20Gi", "1.5Ti", "500G", "1k", "1P", "1Pi", "1E", "1Ei"])
def test_a_size_of_every_unit_is_accepted(value: str) -> None:
    assert charts.validate(loaded(), {"persistence": {"size": value}})


@pytest.mark.parametrize("value", ["20", "20m", "1e9", "1E9", "20 Gi", "20GB", "-1Gi"])
def test_a_size_without_its_unit_is_refused(value: str) -> None:
    with pytest.raises(Failure, match=r"persistence\.size .*with its unit"):
        charts.validate(loaded(), {"persistence": {"size": value}})


@pytest.mark.parametrize("value", [0.5, 2, "100m", "1e3", "1E-3", "1e+3", "7u", "7n", "1P", "1Ei"])
def test_quantities_of_every_notation_are_accepted(value: Any) -> None:
    assert charts.validate(loaded(), {"resources": {"limits": {"cpu": value}}})


def test_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    blueprint = yaml.safe_load((CHART / "blueprint.yaml").read_text())
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    assert chart["version"] == blueprint["spec"]["version"] == galaxy["version"]
    assert chart["name"] == blueprint["metadata"]["name"] == CHART.name


def test_the_default_image_is_the_chart_s_app_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert VALUES["image"]["tag"] == f"v{chart['appVersion']}"
    assert chart["appVersion"].startswith(VALUES["generation"] + ".")


@pytest.mark.parametrize("template", sorted((CHART / "templates").iterdir()), ids=lambda path: path.name)
def test_templates_render_the_same_everywhere_and_always(template: Path) -> None:
    """`release_plan` compares what is rendered without a cluster with what Helm recorded; it knows which APIs it has to tell."""
    text = template.read_text()
    for api in capabilities.LOOKED_FOR:
        text = text.replace(f'.Capabilities.APIVersions.Has "{api}"', "")
    # Text in quotes may be a look-up of Ansible's.
    text = re.sub(r'"[^"]*"', '""', text)
    expressions = " ".join(re.findall(r"{{.*?}}", text, re.DOTALL))
    found = re.findall(
        r"\.Capabilities|\blookup\b|\.Release\.(?:Revision|IsUpgrade|IsInstall)|\brand\w+|\bnow\b|\bgen(?:CA|SelfSigned|Signed|Private)\w*|uuidv4",
        expressions,
    )
    assert not found
