"""The grammar of settings on a live server."""

from __future__ import annotations

from typing import Any

import pytest

from .server import Server, refusal, words

DOMAIN = {"domain": {"acme.test": {}}}
HOST = {"systemSettings": {"defaultHostname": "mail.acme.test", "defaultDomainId": "acme.test"}}
QUIET = {"spamPyzor.enable": False}

#: Steps that are each applied twice: the second time nothing may change.
STEPS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("singleton", {"spamSettings.enable": False}, ["update spamSettings singleton"]),
    (
        "nullable",
        {"domain": {"acme.test": {"description": "Acme", "catchAllAddress": "All@ACME.test"}}},
        ["update domain acme.test"],
    ),
    ("cleared", {"domain": {"acme.test": {"catchAllAddress": None}}}, ["update domain acme.test"]),
    ("set", {"domain": {"acme.test": {"aliases": ["b.test", "a.test"]}}}, ["update domain acme.test"]),
    ("set in another order", {"domain": {"acme.test": {"aliases": ["a.test", "b.test"]}}}, []),
    ("variant member", {"domain": {"acme.test": {"dkimManagement.rotateAfter": "30d"}}}, ["update domain acme.test"]),
    ("variant", {"domain": {"acme.test": {"dkimManagement": {"@type": "Manual"}}}}, ["update domain acme.test"]),
    (
        "list and map",
        {
            "systemSettings": {
                "mailExchangers": [{"hostname": "mx.acme.test"}],
                "services": {"imap": {"cleartext": True}},
            }
        },
        ["update systemSettings singleton"],
    ),
    (
        "map, another key",
        {"systemSettings.services": {"smtp": {"hostname": "out.acme.test"}}},
        ["update systemSettings singleton"],
    ),
    (
        "expression",
        {
            "mtaStageAuth.mustMatchSender": {
                "match": [{"if": "key_exists('sender-allow', authenticated_as + ':' + sender)", "then": False}],
                "else": True,
            }
        },
        ["update mtaStageAuth singleton"],
    ),
    ("expression, half of it", {"mtaStageAuth.mustMatchSender.else": "false"}, ["update mtaStageAuth singleton"]),
    ("object", {"mtaRoute.out": {"@type": "Relay", "address": "relay.test", "port": 587}}, ["create mtaRoute out"]),
    ("object's property", {"mtaRoute.out.port": 2525}, ["update mtaRoute out"]),
    ("object's variant", {"mtaRoute.out": {"@type": "Mx", "maxMxHosts": 3}}, ["update mtaRoute out"]),
    (
        "two-part label",
        {"memoryLookupKey": {"sender-allow:a@acme.test:b@x.test": {}}},
        ["create memoryLookupKey sender-allow:a@acme.test:b@x.test"],
    ),
    ("network", {"allowedIp": {"10.1.2.3/8": {"reason": "cluster"}}}, ["create allowedIp 10.1.2.3/8"]),
    ("host", {"allowedIp": {"192.0.2.1/32": {}}}, ["create allowedIp 192.0.2.1/32"]),
    ("same host, other notation", {"allowedIp": {"192.0.2.1": {}}}, []),
    (
        "references in one task",
        {
            "authentication.defaultUserRoleIds": ["User", "Helper"],
            "role": {"Helper": {"enabledPermissions": ["emailSend"]}},
        },
        ["update authentication singleton", "create role Helper"],
    ),
    (
        "listener",
        {"networkListener.submission": {"bind": ["[::]:587"], "protocol": "smtp"}},
        ["create networkListener submission"],
    ),
]


def test_every_step_is_idempotent(server: Server) -> None:
    server.settings({**DOMAIN, **HOST, **QUIET})
    for name, settings, expected in STEPS:
        planned = server.settings(settings, check=True)
        done = server.settings(settings)
        assert words(done) == words(planned) == expected, name
        assert done["diff"] == planned["diff"], name
        before = server.writes()
        assert not server.settings(settings)["changed"], name
        assert server.writes() == before, name
    assert server.settings({"networkListener.submission.protocol": "smtp"})["restart_required"] == []


def test_listeners_ask_for_a_restart(server: Server) -> None:
    result = server.settings({**QUIET, "networkListener.submission": {"bind": ["[::]:587"], "protocol": "smtp"}})
    assert result["restart_required"] == ["networkListener"]


def test_listeners_take_networks_of_proxies_over_when_they_open(server: Server) -> None:
    first = server.settings({**DOMAIN, **HOST, **QUIET, "systemSettings.proxyTrustedNetworks": []})
    assert first["restart_required"] == []
    result = server.settings({"systemSettings.proxyTrustedNetworks": ["10.0.0.0/8", "192.0.2.7"]})
    assert result["restart_required"] == ["systemSettings"]
    again = server.settings({"systemSettings.proxyTrustedNetworks": ["10.0.0.0/8", "192.0.2.7"]})
    assert (again["changed"], again["restart_required"]) == (False, [])


def test_absent(server: Server) -> None:
    relay = {"mtaRoute.out": {"@type": "Relay", "address": "relay.test"}}
    networks = {"systemSettings.proxyTrustedNetworks": ["10.0.0.0/8", "192.0.2.1"]}
    server.settings({**DOMAIN, **HOST, **QUIET, **relay, **networks, "spamSettings.enable": False})
    gone = {
        "mtaRoute.out": {},
        "spamSettings.enable": None,
        "systemSettings.proxyTrustedNetworks": ["10.0.0.0/8"],
        "allowedIp": {"192.0.2.77": None},
    }
    expected = ["update spamSettings singleton", "update systemSettings singleton", "delete mtaRoute out"]
    assert words(server.settings(gone, state="absent", check=True)) == expected
    assert words(server.settings(gone, state="absent")) == expected
    assert not server.settings(gone, state="absent")["changed"]
    server.settings(QUIET)


@pytest.mark.parametrize("check", [True, False])
def test_what_is_in_use_is_not_removed_and_its_holders_are_named(server: Server, check: bool) -> None:
    server.settings({**DOMAIN, **HOST, **QUIET, "role": {"ops": {}, "more": {"roleIds": ["ops"]}}})
    failure = refusal(server.settings, {**DOMAIN, "role.ops": {}}, state="absent", check=check)
    assert failure.code == "conflict"
    assert "domain acme.test is still used by systemSettings" in failure.message
    assert "role ops is still used by role more" in failure.message
    assert "Nothing was written" in failure.hint


@pytest.mark.parametrize("named", [True, False])
def test_a_domain_takes_the_keys_that_the_server_has_made_for_it(server: Server, named: bool) -> None:
    server.settings({**QUIET, "domain": {"gone.test": {}}})
    keys = server.info("gone.test", gather=["dkim"], wait_dkim=30)["info"]["dkim_keys"]
    everything = {"domain": {"gone.test": {}}}
    if named:
        everything["dkimSignature"] = {key["name"]: {} for key in keys}
    planned = words(server.settings(everything, state="absent", check=True))
    removed = words(server.settings(everything, state="absent"))
    assert removed == planned
    assert removed[0] == "delete domain gone.test"
    assert len(removed) == 3
    assert not server.settings(everything, state="absent")["changed"]


def test_exclusive(server: Server) -> None:
    server.settings({**QUIET, "allowedIp": {"192.0.2.1": {"reason": "a"}, "192.0.2.2": {}}})
    wanted = {"allowedIp": {"192.0.2.1": {}}}
    assert not server.settings(wanted)["changed"]
    assert words(server.settings(wanted, exclusive=["allowedIp"])) == ["delete allowedIp 192.0.2.2"]
    assert not server.settings(wanted, exclusive=["allowedIp"])["changed"]
    assert words(server.settings(wanted, exclusive=["allowedIp.192.0.2.1"])) == ["update allowedIp 192.0.2.1"]
    assert not server.settings(wanted, exclusive=["allowedIp", "allowedIp.192.0.2.1"])["changed"]


def test_secrets(server: Server) -> None:
    secret = "geheim-geheim-77"
    relay = {
        "mtaRoute.out": {
            "@type": "Relay",
            "address": "relay.test",
            "authUsername": "u",
            "authSecret": {"@type": "Value", "secret": secret},
        }
    }
    first = server.settings({**QUIET, **relay})
    assert secret not in str(first)
    assert not server.settings(relay)["changed"]
    again = server.settings(relay, update_secrets="always")
    assert words(again) == ["update mtaRoute out"]
    assert secret not in str(again)
    failure = refusal(
        server.settings,
        {**relay, "mtaRoute.bad": {"@type": "Nope", "authSecret": {"@type": "Value", "secret": secret}}},
    )
    assert secret not in str(failure.as_dict())


def test_refused_by_the_server_without_a_secret_in_the_message(server: Server) -> None:
    server.settings({**DOMAIN, **HOST, **QUIET})
    key = {"@type": "Dkim1RsaSha256", "privateKey": {"@type": "Text", "secret": "garbage-that-is-no-key"}}
    failure = refusal(server.settings, {"dkimSignature": {"s1._domainkey.acme.test": key}})
    assert failure.code == "invalid_value"
    assert "garbage" not in str(failure.as_dict())


@pytest.mark.parametrize("count", [60])
def test_many_objects_in_few_requests(server: Server, count: int) -> None:
    keys = {"memoryLookupKey": {f"bulk:key-{n}": {} for n in range(count)}}
    first = server.settings({**QUIET, **keys})
    assert len(words(first)) >= count
    assert first["requests"] <= 6
    assert not server.settings(keys)["changed"]
