"""The relay of outgoing mail: what the inventory may say, and what follows from it."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import chart_schema
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import records
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import identity, relay
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.model import derive
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.overlay import Inputs
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.validation import Problems

ACME: dict[str, t.Any] = {
    "host": "acme",
    "platform_fqdn": "omantel.omani.works",
    "platform_openbao_url": "https://bao.omantel.omani.works",
    "platform_powerdns_url": "https://pdns.omantel.omani.works",
    "platform_powerdns_api_key": "canary-secret-value",
    "platform_keycloak_auth": {"username": "provisioner", "password": "canary-secret-value"},
    "platform_openbao_auth": {"method": "token", "token": "canary-secret-value"},
}
RELAY = {"host": "smtp.relay.test", "username": "acme"}
SCHEMA = Path(__file__).parents[5] / "roles/chart/files/bp-stalwart-tenant/values.schema.json"


def model(**options: t.Any) -> dict[str, t.Any]:
    return derive({**ACME, **options})


def mistakes(**options: t.Any) -> dict[str, str]:
    with pytest.raises(Failure) as caught:
        model(**options)
    return {item["variable"]: item["accepted"] for item in caught.value.details}


@pytest.mark.parametrize("nothing", [None, {}])
def test_without_a_relay_mail_goes_to_its_recipients_servers(nothing: t.Any) -> None:
    found = model(tenant_relay=nothing)
    assert found["relay"]["enabled"] is False
    assert not {"mtaRoute", "mtaTlsStrategy", "mtaOutboundStrategy"} & set(found["stalwart"]["settings"])
    assert not {"relay", "networkPolicy"} & set(found["chart_values"])
    assert not any(item["path"].endswith("/relay") for item in found["openbao"]["secrets"])
    former = found["relay"]["former"]
    assert former["settings"]["mtaOutboundStrategy"]["route"]["else"] == "'mx'"
    assert former["settings"]["mtaOutboundStrategy"]["tls"]["else"] == "'default'"
    assert former["absent"] == {"mtaRoute": {"tenant-relay": {}}, "mtaTlsStrategy": {"tenant-relay": {}}}


def test_a_relay_with_a_password() -> None:
    found = model(tenant_relay=RELAY)
    settings = found["stalwart"]["settings"]
    assert settings["mtaRoute"]["tenant-relay"] == {
        "@type": "Relay",
        "description": "tenant_relay of the inventory",
        "address": "smtp.relay.test",
        "port": 587,
        "protocol": "smtp",
        "implicitTls": False,
        "allowInvalidCerts": False,
        "authUsername": "acme",
        "authSecret": {"@type": "File", "filePath": "/etc/stalwart-relay/password"},
    }
    assert settings["mtaTlsStrategy"]["tenant-relay"]["startTls"] == "require"
    assert settings["mtaOutboundStrategy"]["route"] == {
        "match": [{"if": "is_local_domain(rcpt_domain)", "then": "'local'"}],
        "else": "'tenant-relay'",
    }
    path = "sovereign/omantel.omani.works/stalwart/acme/relay"
    assert {"path": path, "property": "RELAY_PASSWORD", "generate": False} in found["openbao"]["secrets"]
    assert found["chart_values"]["relay"] == {
        "secretName": "stalwart-relay",
        "externalSecret": {"remoteRef": {"key": path, "property": "RELAY_PASSWORD"}},
    }
    assert found["chart_values"]["networkPolicy"] == {"outboundSMTPPorts": [25, 465, 587]}
    assert found["relay"]["signed_headers"] == ["Date", "From", "Message-ID", "Subject", "To"]
    assert not list(chart_schema.refused(json.loads(SCHEMA.read_text()), found["chart_values"]) or ())


def test_a_relay_that_knows_the_servers_address_needs_no_password() -> None:
    found = model(tenant_relay={"host": "192.0.2.7", "port": 25, "tls": "none"})
    route = found["stalwart"]["settings"]["mtaRoute"]["tenant-relay"]
    assert (route["address"], route["authUsername"], route["authSecret"]) == ("192.0.2.7", None, {"@type": "None"})
    assert found["stalwart"]["settings"]["mtaTlsStrategy"]["tenant-relay"]["startTls"] == "disable"
    assert "relay" not in found["chart_values"]
    assert all(item.get("generate", True) for item in found["openbao"]["secrets"])


@pytest.mark.parametrize(
    ("given", "implicit", "start_tls"),
    [
        ({"port": 465}, True, "require"),
        ({"port": "465", "tls": "starttls"}, False, "require"),
        ({"port": 2465, "tls": "implicit"}, True, "require"),
        ({}, False, "require"),
    ],
)
def test_tls_follows_from_the_port_unless_it_is_given(given: dict[str, t.Any], implicit: bool, start_tls: str) -> None:
    settings = model(tenant_relay={**RELAY, **given})["stalwart"]["settings"]
    assert settings["mtaRoute"]["tenant-relay"]["implicitTls"] is implicit
    assert settings["mtaTlsStrategy"]["tenant-relay"]["startTls"] == start_tls


def test_the_network_policy_lets_another_port_out() -> None:
    given = {**RELAY, "port": 2525}
    assert model(tenant_relay=given)["chart_values"]["networkPolicy"]["outboundSMTPPorts"] == [25, 465, 587, 2525]
    extra = {"networkPolicy": {"outboundSMTPPorts": [587]}}
    found = model(tenant_relay=given, tenant_chart_values=extra)["chart_values"]["networkPolicy"]
    assert found == {"outboundSMTPPorts": [587, 2525]}


def test_the_password_may_be_elsewhere() -> None:
    found = model(tenant_relay={**RELAY, "openbao_path": "platform/relay", "openbao_property": "smtp"})
    assert {"path": "platform/relay", "property": "smtp", "generate": False} in found["openbao"]["secrets"]
    assert found["chart_values"]["relay"]["externalSecret"]["remoteRef"] == {
        "key": "platform/relay",
        "property": "smtp",
    }


def test_what_the_tenant_says_of_its_routes_stays_when_the_relay_goes() -> None:
    found = model(tenant_settings={"mtaOutboundStrategy.route": "'mine'"})
    assert list(found["relay"]["former"]["settings"]["mtaOutboundStrategy"]) == ["tls"]
    both = {"mtaOutboundStrategy": {"route": "'mine'", "tls": "'default'"}}
    assert model(tenant_settings=both)["relay"]["former"]["settings"] == {}


@pytest.mark.parametrize(
    ("given", "variables"),
    [
        ("smtp.relay.test", ["tenant_relay"]),
        ({"username": "acme"}, ["tenant_relay.host"]),
        ({"host": "relay"}, ["tenant_relay.host"]),
        ({"host": "https://smtp.relay.test"}, ["tenant_relay.host"]),
        ({"host": "127.0.0.1"}, ["tenant_relay.host"]),
        ({"host": "mail.acme.omantel.omani.works"}, ["tenant_relay.host"]),
        ({**RELAY, "port": 0}, ["tenant_relay.port"]),
        ({**RELAY, "port": 65536}, ["tenant_relay.port"]),
        ({**RELAY, "port": True}, ["tenant_relay.port"]),
        ({**RELAY, "port": "smtp"}, ["tenant_relay.port"]),
        ({**RELAY, "tls": "ssl"}, ["tenant_relay.tls"]),
        ({**RELAY, "tls": True}, ["tenant_relay.tls"]),
        ({**RELAY, "tls": "none"}, ["tenant_relay.tls"]),
        ({**RELAY, "username": ""}, ["tenant_relay.username"]),
        ({**RELAY, "password": "canary-secret-value"}, ["tenant_relay.password"]),
        ({**RELAY, "openbao_path": "/"}, ["tenant_relay.openbao_path"]),
        ({**RELAY, "openbao_property": "a b"}, ["tenant_relay.openbao_property"]),
        ({"host": "smtp.relay.test", "openbao_path": "a/b"}, ["tenant_relay.openbao_path"]),
        ({**RELAY, "spf": "include:spf.relay.test"}, ["tenant_relay.spf"]),
        ({**RELAY, "spf": ["ip4:192.0.2.7", "+all"]}, ["tenant_relay.spf[1]"]),
        ({**RELAY, "spf": ["ip4:2001:db8::1"]}, ["tenant_relay.spf[0]"]),
        ({**RELAY, "spf": ["include:a b.test"]}, ["tenant_relay.spf[0]"]),
        ({**RELAY, "spf": ["include:spf"]}, ["tenant_relay.spf[0]"]),
        ({**RELAY, "signed_headers": "From"}, ["tenant_relay.signed_headers"]),
        ({**RELAY, "signed_headers": ["To"]}, ["tenant_relay.signed_headers"]),
        ({**RELAY, "signed_headers": ["From", "from"]}, ["tenant_relay.signed_headers"]),
        ({**RELAY, "signed_headers": ["From", "Sub:ject"]}, ["tenant_relay.signed_headers"]),
        ({**RELAY, "signed_headers": ["From", "Received"]}, ["tenant_relay.signed_headers"]),
    ],
)
def test_bad_input(given: t.Any, variables: list[str]) -> None:
    assert list(mistakes(tenant_relay=given)) == variables


def test_a_password_in_the_inventory_is_not_shown() -> None:
    with pytest.raises(Failure) as caught:
        model(tenant_relay={**RELAY, "password": "hunter2-hunter2"})
    assert "hunter2" not in json.dumps(caught.value.as_dict())


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({"mtaOutboundStrategy.route": "'mine'"}, "mtaOutboundStrategy.route"),
        ({"mtaOutboundStrategy": {"tls": "'mine'"}}, "mtaOutboundStrategy.tls"),
        ({"mtaRoute": {"tenant-relay": {"port": 26}}}, "mtaRoute.tenant-relay"),
        ({"mtaTlsStrategy": {"tenant-relay": {}}}, "mtaTlsStrategy.tenant-relay"),
        (
            {"dkimSignature": {"s._domainkey.acme.test": {"headers": ["From"]}}},
            "dkimSignature.s._domainkey.acme.test.headers",
        ),
    ],
)
def test_settings_that_follow_from_the_relay_are_refused(settings: dict[str, t.Any], variable: str) -> None:
    assert list(mistakes(tenant_relay=RELAY, tenant_settings=settings)) == [f"tenant_settings.{variable}"]


def test_the_relays_own_objects_are_nobody_elses_without_one_either() -> None:
    found = mistakes(tenant_settings={"mtaRoute": {"tenant-relay": {"@type": "Mx"}}})
    assert found == {"tenant_settings.mtaRoute.tenant-relay": "nothing here; it follows from tenant_relay"}
    found_chart = mistakes(tenant_chart_values={"relay": {"secretName": "x"}})
    assert list(found_chart) == ["tenant_chart_values.relay"]


def test_other_routes_of_the_tenant_stay() -> None:
    mine = {"mtaRoute": {"partner": {"@type": "Relay", "address": "smtp.partner.test"}}}
    routes = model(tenant_relay=RELAY, tenant_settings=mine)["stalwart"]["settings"]["mtaRoute"]
    assert set(routes) == {"tenant-relay", "partner"}


def test_the_relay_may_send_for_the_domain() -> None:
    given = ["include:_spf.relay.test", "a:smtp.relay.test", "ip4:192.0.2.0/28", "ip6:2001:db8::/32"]
    dns = model(tenant_relay={**RELAY, "spf": given})["dns"]
    assert dns["spf_mechanisms"] == given
    assert records.spf_text(dns["spf_policy"], dns["spf_mechanisms"]) == f"v=spf1 mx {' '.join(given)} -all"
    assert model()["dns"]["spf_mechanisms"] == []


def test_the_header_fields_of_0_15_are_what_they_are() -> None:
    problems = Problems()
    who = identity.resolve(Inputs(ACME, problems), problems)
    relay.resolve(Inputs({"tenant_relay": {**RELAY, "signed_headers": ["From"]}}, problems), who, "0.15", problems)
    assert [problem.variable for problem in problems] == ["tenant_relay.signed_headers"]
    assert (
        "authSecret"
        not in relay.settings(relay.resolve(Inputs({"tenant_relay": RELAY}, problems), who, "0.15", problems), "0.15")[
            "mtaRoute"
        ]["tenant-relay"]
    )


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
def test_0_15_finds_a_relay_by_its_name_alone(address: str) -> None:
    given = {"tenant_relay": {**RELAY, "host": address}}
    assert model(**given)["relay"]["host"] == address
    assert list(mistakes(**given, tenant_generation="0.15")) == ["tenant_relay.host"]
