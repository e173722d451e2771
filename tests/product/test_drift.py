"""Ten things changed behind the module's back: the next check names exactly these ten, and the next run mends them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.contract.issuer import Issuer

from .play import output_of
from .server import Server, words
from .test_provision import SETTINGS, directory

DOCUMENT: dict[str, Any] = {
    **SETTINGS,
    "domain": {"acme.test": {"description": "Acme", "aliases": ["a.test", "b.test"]}},
    "spamSettings": {"enable": False, "scoreSpam": 7},
    "http": {"useXForwarded": True, "responseHeaders": {"X-A": "1"}},
    "mtaRoute": {"out": {"@type": "Relay", "address": "relay.test", "port": 587}},
    "role": {"Helper": {"enabledPermissions": ["emailSend", "emailReceive"]}},
    "allowedIp": {"192.0.2.1": {"reason": "controller"}},
    "memoryLookupKey": {"sender-allow:a@acme.test:b@x.test": {}},
    "mtaStageAuth.mustMatchSender": {"match": [{"if": "sender == 'a@b.test'", "then": "false"}], "else": "true"},
    "mtaInboundThrottle": {"Sender IP throttle": {"rate": {"count": 50, "period": "1s"}}},
}
#: What a check must name, with what it must show of it: before (the drift) and after (the document).
EXPECTED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "update systemSettings singleton": ({"defaultHostname": "mx.acme.test"}, {"defaultHostname": "mail.acme.test"}),
    "update spamSettings singleton": ({"scoreSpam": 1}, {"scoreSpam": 7}),
    "update domain acme.test": ({"description": None}, {"description": "Acme"}),
    "update http singleton": ({"responseHeaders": {"X-A": "2"}}, {"responseHeaders": {"X-A": "1"}}),
    "update mtaRoute out": ({"port": 25}, {"port": 587}),
    "update role Helper": (
        {"enabledPermissions": ["emailSend"]},
        {"enabledPermissions": ["emailReceive", "emailSend"]},
    ),
    "create allowedIp 192.0.2.1": ({}, {"reason": "controller", "address": "192.0.2.1"}),
    "create memoryLookupKey sender-allow:a@acme.test:b@x.test": (
        {},
        {"namespace": "sender-allow", "key": "a@acme.test:b@x.test"},
    ),
    "update mtaStageAuth singleton": (
        {"mustMatchSender": {"match": [], "else": "true"}},
        {"mustMatchSender": {"match": [{"if": "sender == 'a@b.test'", "then": "false"}], "else": "true"}},
    ),
    "update directory keycloak": ({"claimGroups": None}, {"claimGroups": "groups"}),
}


def drift(server: Server) -> None:
    """Ten changes, and four that are none: another order of a set, and three things that nobody manages."""
    api = server.api()

    def one(name: str, /, **properties: Any) -> str:
        for entry in api.call(f"x:{name}/get", ids=None)["list"]:
            if all(entry.get(key) == value for key, value in properties.items()):
                return str(entry["id"])
        raise AssertionError((name, properties))

    domain = one("Domain", name="acme.test")
    for name, identifier, patch in (
        ("SystemSettings", "singleton", {"defaultHostname": "mx.acme.test"}),
        ("SpamSettings", "singleton", {"scoreSpam": 1}),
        ("Domain", domain, {"description": None}),
        ("Http", "singleton", {"responseHeaders/X-A": "2"}),
        ("MtaRoute", one("MtaRoute", name="out"), {"port": 25}),
        ("Role", one("Role", description="Helper"), {"enabledPermissions": {"emailSend": True}}),
        ("MtaStageAuth", "singleton", {"mustMatchSender": {"match": {}, "else": "true"}}),
        ("Directory", one("Directory", **{"@type": "Oidc"}), {"claimGroups": None}),
        # What does not count.
        ("Domain", domain, {"aliases": {"b.test": True, "a.test": True}}),
        ("MtaRoute", one("MtaRoute", name="local"), {"description": "Somebody's words"}),
        ("Authentication", "singleton", {"passwordMinLength": 9}),
    ):
        api.update(name, identifier, patch)
    api.create("AllowedIp", address="198.51.100.1")
    for name, properties in (
        ("AllowedIp", {"address": "192.0.2.1"}),
        ("MemoryLookupKey", {"namespace": "sender-allow"}),
    ):
        identifier = one(name, **properties)
        assert api.destroy(name, identifier)["destroyed"] == [identifier]


def test_the_next_check_names_exactly_these_ten(server: Server, issuer: Issuer, tmp_path: Path) -> None:
    document = {**DOCUMENT, **directory(issuer)}
    server.settings(document)
    assert server.settings(document, check=True)["changes"] == []
    drift(server)
    before = server.writes()
    planned = server.settings(document, check=True)
    assert sorted(words(planned)) == sorted(EXPECTED)
    shown = {
        f"{change['action']} {item['after_header']}": (item["before"], item["after"])
        for change, item in zip(planned["changes"], planned["diff"], strict=True)
    }
    assert shown == EXPECTED

    task = {"name": "Keep the settings", "tenantmail.stalwart.stalwart_settings": {"settings": "{{ document }}"}}
    options = {key: server.options[key] for key in ("api_url", "api_username", "api_password")}
    task["tenantmail.stalwart.stalwart_settings"] |= {key: f"{{{{ {key} }}}}" for key in options}  # type: ignore[operator]
    output = output_of(tmp_path / "play", [task], {"document": document, **options}, "--check", "--diff")
    assert sorted(re.findall(r"^\+\+\+ after: probe: (.*)$", output, re.MULTILINE)) == sorted(
        name.split(" ", 1)[1] for name in EXPECTED
    ), output
    assert server.writes() == before

    repaired = server.settings(document)
    assert words(repaired) == words(planned)
    assert repaired["diff"] == planned["diff"]
    assert not server.settings(document)["changed"]
