"""What went wrong with the original chart, as properties of whatever this one renders (issue 6)."""

from __future__ import annotations

import contextlib
import copy
import json
import re
import subprocess
from typing import Any, Callable, Iterator

import jsonschema
import pytest
import yaml

from .conftest import CHART, Manifest, Refused, rendered
from .test_rendering import ACME, ORIGINAL

Render = Callable[..., Manifest]
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
GATEWAY = {**ACME, "gateway": {"enabled": True}}
INGRESS = {
    **ACME,
    "ingress": {"enabled": True, "tlsSecretName": "web"},
    "networkPolicy": {"webFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}]},
}
#: Values with which, between them, every template renders.
CONTEXTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "original": ORIGINAL,
    "gateway": GATEWAY,
    "ingress": INGRESS,
    "its controller": {**INGRESS, "ingress": {}},
    "job": {**ORIGINAL, "setupJob": {}},
    "0.15": {"generation": "0.15", "image": {"tag": "v0.15.5"}},
    "issuer's name": {**ACME, "tls": {"certificate": {"issuerRef": {"name": "ca"}}}},
    "issuer": {**ACME, "tls": {"certificate": {"enabled": True, "issuerRef": {"name": "ca"}}}},
    "relay": {"relay": {"secretName": "relay", "externalSecret": {"remoteRef": {"key": "a", "property": "b"}}}},
    "alone": {**ORIGINAL, "dnsRecords": {"create": True}},
    "private CA": {"ca": {"bundle": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}},
}


def pods(manifest: Manifest) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every pod that something in the manifest makes."""
    for (kind, name), obj in manifest.items():
        template = (obj.get("spec") or {}).get("template")
        if template:
            yield f"{kind} {name}", template["spec"]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize("context", CONTEXTS)
class TestWhateverIsRendered:
    def test_a_secret_that_is_mounted_may_be_missing(self, render: Render, context: str) -> None:
        """A certificate's Secret comes after the pod: cert-manager asks the server's own port for it.

        The Job waits for its password, until its deadline. Without the relay's, mail would bounce: External Secrets writes it,
        which needs no pod.
        """
        for name, pod in pods(render(CONTEXTS[context])):
            for volume in pod.get("volumes", []):
                if "secret" in volume and not name.startswith("Job ") and volume["name"] != "relay":
                    assert volume["secret"].get("optional") is True, (name, volume)
                for source in volume.get("projected", {}).get("sources", []):
                    assert "secret" not in source or source["secret"].get("optional") is True, (name, volume)

    def test_every_container_says_what_it_needs(self, render: Render, context: str) -> None:
        """A LimitRange or a quota refuses a pod without; hooks' Jobs hang then."""
        for name, pod in pods(render(CONTEXTS[context])):
            for container in containers(pod):
                for kind in ("requests", "limits"):
                    assert {"cpu", "memory"} <= set(container["resources"][kind]), (name, container["name"])

    def test_every_container_runs_under_the_restricted_pod_security_standard(
        self, render: Render, context: str
    ) -> None:
        """And as the user whom the image's files belong to: without capabilities root cannot read them, nor can another."""
        for name, pod in pods(render(CONTEXTS[context])):
            around = pod["securityContext"]
            assert (around["runAsNonRoot"], around["seccompProfile"]["type"]) == (True, "RuntimeDefault"), name
            for container in containers(pod):
                context_ = {**around, **container["securityContext"]}
                assert (context_["runAsUser"], context_["runAsGroup"]) == (2000, 2000), name
                assert context_["allowPrivilegeEscalation"] is False
                assert context_["capabilities"]["drop"] == ["ALL"]
                assert set(context_["capabilities"].get("add", [])) <= {"NET_BIND_SERVICE"}

    def test_every_service_selects_the_server_s_pod_and_reaches_its_ports(self, render: Render, context: str) -> None:
        manifest = render(CONTEXTS[context])
        workload = manifest.one("StatefulSet")["spec"]
        ports = {port["name"]: port["containerPort"] for port in manifest.container["ports"]}
        for name in manifest.names("Service"):
            spec = manifest.one("Service", name)["spec"]
            assert spec["selector"] == workload["selector"]["matchLabels"], name
            assert spec["selector"].items() <= workload["template"]["metadata"]["labels"].items(), name
            assert {port["targetPort"] for port in spec["ports"]} <= set(ports), name

    def test_nothing_that_cannot_be_changed_tells_a_version(self, render: Render, context: str) -> None:
        manifest = render(CONTEXTS[context])
        spec = manifest.one("StatefulSet")["spec"]
        fixed = json.dumps([spec[field] for field in ("selector", "serviceName", "volumeClaimTemplates")])
        assert not re.search(r"version|helm\.sh/chart|managed-by", fixed)

    def test_no_password_is_made_by_the_chart(self, render: Render, context: str) -> None:
        manifest = render(CONTEXTS[context])
        admin = manifest.env["ADMIN_PASSWORD"]["secretKeyRef"]
        made = [name for name in manifest.names("Secret") if name == admin["name"]]
        assert made == []

    def test_no_disruption_budget_stops_a_node_from_being_drained(self, render: Render, context: str) -> None:
        assert render(CONTEXTS[context]).names("PodDisruptionBudget") == []


def test_nothing_is_made_up_at_rendering(helm: str) -> None:
    """It would differ from upgrade to upgrade."""
    values = json.dumps(CONTEXTS["job"])
    assert rendered(helm, values) == rendered(helm, values)


@pytest.mark.parametrize("context", CONTEXTS)
def test_lint(helm: str, context: str) -> None:
    words = [helm, "lint", "--strict", str(CHART), "--values", "-"]
    done = subprocess.run(words, input=json.dumps(CONTEXTS[context]), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_every_version_of_external_secrets(render: Render, version: str) -> None:
    values = {**ORIGINAL, "externalSecrets": {"apiVersion": f"external-secrets.io/{version}"}}
    manifest = render(values)
    found = {manifest.one("ExternalSecret", name)["apiVersion"] for name in manifest.names("ExternalSecret")}
    assert found == {f"external-secrets.io/{version}"}


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_every_version_of_the_gateway_api(render: Render, version: str) -> None:
    gateway = {"enabled": True, "apiVersion": f"gateway.networking.k8s.io/{version}"}
    assert render({**ACME, "gateway": gateway}).one("HTTPRoute", "stalwart-web")["apiVersion"] == gateway["apiVersion"]


# --- values that the chart ignores ------------------------------------------------------------------
#: Values that no template reads, and why they are there.
UNREAD = {
    "planMarker": "role chart marks an upgrade that is wanted although no value differs",
    "generation": "checked against the image's tag; a rendering of the other generation is another test's",
    "tls.certificate.apiVersion": "cert-manager serves one",
    "dns.powerdns.enabled": "role dns_records publishes; the original values file has it",
    "dns.powerdns.apiURL": "as above",
    "dns.powerdns.apiKeySecretName": "as above",
    "dns.powerdns.zone": "as above",
    "replicas": "the schema accepts 1 only",
}
#: Values to try in a leaf's place; the first that the schema accepts there is taken.
CANDIDATES: list[Any] = [
    True, False, "other", "other.test", "other@other.test", "https://other.test:8443/realms/other", "30Gi", "5m", "7", 7, 4321, "Always", "byo",
    "sha256:" + "a" * 64, "v0.16.99", "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----", "NodePort", "Cluster",
    "192.0.2.7", "quarantine", "~all", "SecretStore", "external-secrets.io/v1beta1", "gateway.networking.k8s.io/v1beta1", "Issuer",
    ["other"], [4321], ["192.0.2.7"], ["ReadWriteOncePod"], ["192.0.2.0/24"], [{"podSelector": {}}],
    {"tenant_display_name": "Other"}, [{"key": "a", "operator": "Exists"}], {"other": "x"}, {"nodeAffinity": {}}, {"@type": "Sqlite"},
]  # fmt: skip


def leaves(values: Any, path: str = "") -> Iterator[str]:
    if isinstance(values, dict) and values and path != "store":
        for key, value in values.items():
            yield from leaves(value, f"{path}.{key}".lstrip("."))
    else:
        yield path


def at(values: dict[str, Any], path: str) -> Any:
    found: Any = values
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def put(values: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    result = copy.deepcopy(values)
    *parents, last = path.split(".")
    place = result
    for part in parents:
        place = place.setdefault(part, {})
    place[last] = value
    return result


def alternatives(path: str) -> list[Any]:
    """Other values that the schema accepts at a path."""
    schema: Any = SCHEMA
    for part in path.split("."):
        properties = schema.get("properties", {})
        schema = properties[part] if part in properties else schema["additionalProperties"]
    validator = jsonschema.Draft7Validator(schema)
    default = at(VALUES, path)
    return [
        value
        for value in CANDIDATES
        if value != default and type(value) is not type(None) and validator.is_valid(value)
    ]


@pytest.mark.parametrize("path", sorted(set(leaves(VALUES)) - set(UNREAD)))
def test_no_value_is_ignored(render: Render, path: str) -> None:
    candidates = alternatives(path)
    assert candidates, f"no candidate is accepted for {path}: add one"
    for context in CONTEXTS.values():
        base = render(context)
        for value in candidates:
            # A value that contradicts another is refused with a sentence, which is no way of being ignored either.
            with contextlib.suppress(Refused):
                if value != at(context, path) and render(put(context, path, value)) != base:
                    return
    pytest.fail(f"{path} changes nothing in any rendering: {candidates}")


def test_what_is_excused_is_still_unread(render: Render) -> None:
    assert set(UNREAD) <= set(leaves(VALUES))
    for path in sorted(set(UNREAD) - {"generation", "replicas"}):
        for context in CONTEXTS.values():
            for value in alternatives(path)[:1]:
                assert render(put(context, path, value)) == render(context), f"{path} is read: no excuse is needed"
