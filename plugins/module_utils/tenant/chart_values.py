# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of chart ``bp-stalwart-tenant``; names are the original design's (design 5, 8)."""

from __future__ import annotations

import typing as t

from ..kubernetes import chart_schema
from . import certificate, merge, secrets
from .overlay import Inputs
from .server import replicas
from .validation import Given, Problems, one_of

VARIABLE = "tenant_chart_values"

#: The chart's own default of ``networkPolicy.outboundSMTPPorts``.
OUTBOUND_PORTS = (25, 465, 587)

#: Values that follow from other variables: two sources for one fact would contradict each other.
OWNED = {
    "generation": "tenant_generation",
    "image.repository": "tenant_image",
    "image.tag": "tenant_image",
    "image.digest": "tenant_image",
    "domain.primary": "tenant_domain",
    "domain.mode": "tenant_domain_mode",
    "domain.mailHost": "tenant_mail_host",
    "domain.webHost": "tenant_web_host",
    "keycloak": "tenant_realm_url or tenant_overlay.keycloak",
    "admin": "tenant_overlay.admin",
    "externalSecrets.secretStoreRef": "platform_secret_store",
    "store": "tenant_store",
    "resources": "tenant_resources",
    "persistence.size": "tenant_storage",
    "persistence.storageClassName": "tenant_storage",
    "gateway.parentRef.name": "platform_gateway",
    "gateway.parentRef.namespace": "platform_gateway",
    "tls.secretName": "tenant_certificate_secret",
    "tls.certificate.enabled": "platform_certificate_issuer",
    "tls.certificate.issuerRef": "platform_certificate_issuer",
    "ca": "platform_ca_file",
    "relay": "tenant_relay",
    "proxyProtocol": "platform_proxy_networks",
    "dns": "tenant_dns or tenant_overlay.dns",
    "spamFilter": "tenant_spam_filter",
    "dnsRecords": "role dns_records, the one owner of this ConfigMap",
    "setupJob": "the roles themselves, which do the Job's work",
}


def resolve(inputs: Inputs, problems: Problems, schema: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """``tenant_chart_values``; mistakes go to ``problems``.

    :param schema: the chart's; empty where it is not at hand. It checks all values once more when the chart renders.
    """
    given = inputs.given(VARIABLE)
    if given is None:
        return {}
    if not isinstance(given.value, t.Mapping):
        problems.add(given.variable, given.value, "a mapping of values of the chart bp-stalwart-tenant")
        return {}
    secrets.inline(given, problems)
    merge.refuse_owned(given.value, OWNED, VARIABLE, problems)
    if given.value.get("replicas") is not None:
        problems.check(Given(f"{VARIABLE}.replicas", given.value["replicas"]), replicas)
    found: dict[str, t.Any] = merge.plain(given.value)
    _check(found, schema, problems)
    return found


def web_admin(extra: t.Mapping[str, t.Any]) -> str | None:
    """Where the web interface comes from, in the one place for both generations; none where it is off."""
    given = extra.get("webAdmin")
    url = given.get("url") if isinstance(given, t.Mapping) else None
    return url if isinstance(url, str) else None


def _check(values: dict[str, t.Any], schema: t.Mapping[str, t.Any], problems: Problems) -> None:
    """Note what the schema refuses, but for what is noted already (an owned value)."""
    noted = [problem.variable for problem in problems]
    for refusal in chart_schema.refused(schema, values) or ():
        if refusal.partial:
            continue  # The model gives the rest, and the whole is checked when the chart renders.
        where = VARIABLE + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in refusal.path)
        found = [(where, refusal.value, refusal.accepted)]
        if refusal.unknown:
            found = [
                (f"{where}.{key}", refusal.value[key], "only the keys " + one_of(key, refusal.known))
                for key in refusal.unknown
            ]
        for variable, value, accepted in found:
            if not any(f"{variable}.".startswith(f"{other}.") for other in noted):
                problems.add(variable, value, accepted)


def compose(
    model: t.Mapping[str, t.Any],
    *,
    image_pull_policy: str,
    api_key_secret_name: str | None,
    proxy_networks: t.Sequence[str],
    extra: t.Mapping[str, t.Any],
) -> dict[str, t.Any]:
    """The chart's values from the rest of the model.

    :param extra: ``tenant_chart_values``, laid on top.
    """
    keycloak, kubernetes, dns, admin = model["keycloak"], model["kubernetes"], model["dns"], model["admin"]
    stalwart, capacity, domain = model["stalwart"], model["capacity"], model["domain"]
    values: dict[str, t.Any] = {
        "generation": stalwart["generation"],
        "image": {**_without_null(stalwart["image"]), "pullPolicy": image_pull_policy},
        "domain": {
            "primary": domain["primary"],
            "mode": domain["mode"],
            "mailHost": domain["mail_host"],
            "webHost": domain["web_host"],
        },
        "keycloak": {
            "realmURL": keycloak["realm_url"],
            "clientID": keycloak["client_id"],
            "clientSecretName": keycloak["client_secret_name"],
            "oidcExternalSecret": {
                "remoteRef": {
                    "key": keycloak["clients"][0]["openbao_path"],
                    "property": keycloak["client_secret_property"],
                }
            },
        },
        "admin": {
            "username": admin["user"],
            "secretName": admin["secret_name"],
            "externalSecret": {"remoteRef": {"key": admin["openbao_path"], "property": admin["secret_property"]}},
        },
        "externalSecrets": {"secretStoreRef": kubernetes["secret_store"]},
        "store": stalwart["store"],
        "spamFilter": {"enabled": stalwart["spam_filter"]},
        "proxyProtocol": {"trustedNetworks": list(proxy_networks)},
        "resources": capacity["resources"],
        "persistence": _without_null(
            {"size": capacity["storage"]["size"], "storageClassName": capacity["storage"]["class"]}
        ),
        "replicas": capacity["replicas"],
        "gateway": {"enabled": not _by_ingress(extra), "parentRef": kubernetes["gateway"]},
        "tls": certificate.chart_values(stalwart["certificate"]),
        "dns": {
            "powerdns": _without_null(
                {
                    "enabled": dns["enabled"],
                    "apiURL": f"{dns['server_url']}/api/v1/servers/{dns['server_id']}" if dns["server_url"] else None,
                    "apiKeySecretName": api_key_secret_name,
                    "zone": dns["zone"] if dns["enabled"] else None,
                }
            ),
            "dmarc": {"policy": dns["dmarc_policy"], "rua": dns["dmarc_rua"]},
            "spf": {"policy": dns["spf_policy"]},
        },
        "dnsRecords": {"create": False},
        "setupJob": {"enabled": False},
    }
    if model["relay"]["enabled"]:
        values["networkPolicy"] = {"outboundSMTPPorts": list(OUTBOUND_PORTS)}
    # 0.15 keeps the password among its settings.
    if model["relay"]["openbao_path"] and stalwart["generation"] != "0.15":
        values["relay"] = {
            "secretName": model["relay"]["secret_name"],
            "externalSecret": {
                "remoteRef": {"key": model["relay"]["openbao_path"], "property": model["relay"]["secret_property"]}
            },
        }
    result: dict[str, t.Any] = merge.plain(merge.merged(values, extra))
    if model["relay"]["enabled"]:
        ports = result["networkPolicy"]["outboundSMTPPorts"]
        if model["relay"]["port"] not in ports:
            ports.append(model["relay"]["port"])
    return result


def _by_ingress(extra: t.Mapping[str, t.Any]) -> bool:
    """Whether an Ingress publishes the web host: then no Gateway does."""
    ingress = extra.get("ingress")
    return isinstance(ingress, t.Mapping) and bool(ingress.get("enabled"))


def _without_null(values: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    # Helm takes an explicit null for "delete the chart's default".
    return {key: value for key, value in values.items() if value is not None}
