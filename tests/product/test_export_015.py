"""Adopting a 0.15 server: its settings and principals under canonical names, and what has none."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.placeholder import is_placeholder
from tests.contract import servers

from .exports import SECRET, export, with_secrets
from .server import Server, refusal
from .test_settings_015 import DIRECTORY, ISSUER, SERVER, ask

Start = Callable[[str], Server]


@pytest.fixture(params=servers.names("0.15"))
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Starts empty servers of 0.15; one that is only named by its URL is one, so it cannot play two."""
    if request.param == "url":
        pytest.skip("two empty servers are needed")
    with contextlib.ExitStack() as running:

        def started(name: str) -> Server:
            (tmp_path / name).mkdir()
            target = running.enter_context(servers.opened(request.param, tmp_path / name, "0.15"))
            return Server(target, target.simulator, "0.15")

        yield started


def by_hand(server: Server) -> None:
    """What somebody has set up through the API and the web interface."""

    def call(method: str, path: str, body: Any = None) -> None:
        answer = ask(server, method, path, body)
        assert "error" not in answer, answer

    values = {
        "spam-filter.enable": "false",
        "spam-filter.pyzor.enable": "false",
        "spam-filter.score.spam": "6.5",
        "http.rate-limit.anonymous": "500/2m",
        "http.headers.0": "X-One: 1",
        "session.auth.must-match-sender.0.if": "key_exists('vip', sender)",
        "session.auth.must-match-sender.0.then": "false",
        "session.auth.must-match-sender.1.else": "true",
        "session.rcpt.relay": "is_local_domain('*', rcpt_domain)",
        "directory.keycloak.type": "oidc",
        "directory.keycloak.endpoint.url": f"{ISSUER}/protocol/openid-connect/userinfo",
        "directory.keycloak.endpoint.method": "userinfo",
        "directory.keycloak.fields.email": "email",
        "directory.keycloak.fields.username": "preferred_username",
        "storage.directory": "keycloak",
        "queue.route.out.type": "relay",
        "queue.route.out.address": "relay.test",
        "queue.route.out.port": "587",
        "queue.route.out.protocol": "smtp",
        "queue.route.out.auth.username": "u",
        "queue.route.out.auth.secret": SECRET,
        "lookup.vip.a@acme.test": "",
        "lookup.names.a": "Alice",
        "server.allowed-ip.10.0.0.0/8": "",
        "session.milter.x.enable": "false",
    }
    pairs = [[key, value] for key, value in values.items()]
    call("POST", "/api/settings", [{"type": "insert", "prefix": None, "values": pairs, "assert_empty": False}])
    call("POST", "/api/principal", {"type": "domain", "name": "acme.test", "description": "Acme"})
    call("POST", "/api/principal", {"type": "domain", "name": "plain.test"})
    for algorithm in ("Rsa", "Ed25519"):
        body = {"algorithm": algorithm, "domain": "acme.test", "id": None, "selector": None}
        call("POST", "/api/dkim", body)
    call("GET", "/api/reload")
    people: list[dict[str, Any]] = [
        {"type": "group", "name": "sales", "emails": ["sales@acme.test"], "roles": ["user"]},
        {"type": "individual", "name": "bob", "emails": ["bob@acme.test", "b@acme.test"], "roles": ["user"]},
        {
            "type": "list",
            "name": "all",
            "emails": ["all@acme.test"],
            "members": ["bob"],
            "externalMembers": ["x@y.com"],
        },
    ]
    people[1]["memberOf"] = ["sales"]
    for body in people:
        call("POST", "/api/principal/deploy", body)


def test_an_export_is_a_plan_that_is_empty(start: Start) -> None:
    server = start("old")
    by_hand(server)
    found = export(server)
    assert SECRET not in str(found)
    again = server.settings(found["settings"])
    assert not again["changed"], again["diff"]
    assert not server.principals(*found["principals"])["changed"]
    settings = found["settings"]
    assert settings["spamSettings"] == {"enable": False, "scoreSpam": 6.5}
    assert settings["authentication"] == {"directoryId": "keycloak"}
    assert settings["directory"]["keycloak"]["issuerUrl"] == ISSUER
    assert settings["mtaStageRcpt"]["allowRelaying"] == "is_local_domain(rcpt_domain)"
    assert settings["domain"] == {
        "acme.test": {"description": "Acme"},
        "plain.test": {"dkimManagement": {"@type": "Manual"}},
    }
    assert is_placeholder(settings["mtaRoute"]["out"]["authSecret"])
    reasons = {entry["key"]: entry["reason"] for entry in found["left_out"]}
    assert "config.toml" in reasons["systemSettings.defaultHostname"]
    assert "vocabulary: native" in reasons["session.milter.x.enable"]
    assert [body["name"] for body in found["principals"]] == ["sales@acme.test", "bob@acme.test", "all@acme.test"]


def test_an_empty_server_becomes_equal(start: Start) -> None:
    old, new = start("old"), start("new")
    by_hand(old)
    found = export(old)
    failure = refusal(new.settings, found["settings"])
    assert (failure.code, "mtaRoute.out.authSecret" in failure.message) == ("placeholder", True)
    given = with_secrets(found)
    new.settings(given["settings"])
    new.principals(*given["principals"])
    assert export(new)["settings"] == found["settings"]
    assert export(new)["principals"] == found["principals"]


def test_a_tenants_server(start: Start) -> None:
    server = start("tenant")
    server.settings({**SERVER, **DIRECTORY})
    found = export(server)
    assert not server.settings(found["settings"])["changed"]
    # What a new directory gets anyway need not be said.
    assert found["settings"]["directory"]["keycloak"] == {
        "@type": "Oidc",
        "description": "Per-tenant Keycloak (acme.test)",
        "issuerUrl": ISSUER,
    }
    # What the server stored at its first start need not be said either; everything else has a name.
    assert not [entry for entry in found["left_out"] if "config.toml" not in entry["reason"]]


def test_an_empty_server_has_nothing_to_say(start: Start) -> None:
    found = export(start("empty"))
    assert (found["settings"], found["principals"]) == ({}, [])
    assert not [entry for entry in found["left_out"] if "config.toml" not in entry["reason"]]


def test_what_differs_from_a_first_start_is_named(start: Start) -> None:
    server = start("changed")
    changes = {
        "queue.limiter.inbound.ip.rate": "9/1s",
        "queue.quota.size.size": None,
        "queue.schedule.dsn": None,
        "server.blocked-ip.198.51.100.0/24": "",
        "server.blocked-ip.203.0.113.9": "",
    }
    gone = [key for key, text in changes.items() if text is None]
    pairs = [[key, text] for key, text in changes.items() if text is not None]
    ask(
        server,
        "POST",
        "/api/settings",
        [
            {"type": "clear", "prefix": "queue.schedule.dsn."},
            {"type": "delete", "keys": gone},
            {"type": "insert", "prefix": None, "values": pairs, "assert_empty": False},
        ],
    )
    reasons = {entry["key"]: entry["reason"] for entry in export(server)["left_out"]}
    named = {key: why for key, why in reasons.items() if "config.toml" not in why}
    assert set(named) == {*(key for key in changes if key.startswith("queue.")), "blockedIp"}
    assert "198.51.100.0/24, 203.0.113.9" in named["blockedIp"]
    assert "removed it" in named["queue.schedule.dsn"]


def test_senders_come_out_with_their_accounts(start: Start) -> None:
    settings = {"domain": {"acme.test": {}}, "spamSettings": {"enable": False}, "spamPyzor": {"enable": False}}
    principal = {"name": "shop@acme.test", "type": "individual", "send_as": ["*@news.shop.test", "noreply@shop.test"]}
    server, empty = start("full"), start("empty")
    for one in (server, empty):
        one.settings(settings)
    server.principals(principal)
    found = export(server)
    assert found["principals"] == [principal]
    assert "mtaStageAuth" not in found["settings"]
    assert "sender-allow:shop" not in str(found["settings"])
    empty.principals(*found["principals"])
    assert export(empty)["principals"] == found["principals"]
    # Settings that say something of their own keep it, and the rows stay what send_as said.
    server.settings({"mtaStageAuth": {"mustMatchSender": "sender_domain != 'a.test'"}})
    again = export(server)
    assert again["settings"]["mtaStageAuth"] == {"mustMatchSender": "sender_domain != 'a.test'"}
    assert again["principals"] == found["principals"]
    assert not server.settings(again["settings"], check=True)["changed"]
    assert not server.principals(principal)["changed"]


def test_what_principals_cannot_say_is_named(start: Start) -> None:
    """Nobody gets more rights elsewhere than here, and nothing is lost without a word."""
    server = start("odd")
    picture = "data:image/png;base64,AAAA"
    odd: list[dict[str, Any]] = [
        {"type": "domain", "name": "acme.test"},
        {"type": "role", "name": "support", "enabledPermissions": ["authenticate"]},
        {"type": "group", "name": "outer", "emails": ["outer@acme.test"], "roles": ["user"]},
        {"type": "group", "name": "mute@acme.test", "emails": ["mute@acme.test"]},
        {"type": "individual", "name": "norole", "emails": ["norole@acme.test"]},
        {"type": "individual", "name": "own", "emails": ["own@acme.test"], "enabledPermissions": ["authenticate"]},
        {"type": "individual", "name": "bare", "roles": ["user"]},
        {"type": "individual", "name": "a@acme.test", "emails": ["a@acme.test"], "roles": ["user"], "picture": picture},
        {"type": "individual", "name": "u@acme.test", "emails": ["u@acme.test"], "roles": ["user"], "urls": ["x"]},
        {"type": "individual", "name": "c@acme.test", "emails": ["c@acme.test", "@acme.test"], "roles": ["user"]},
        {"type": "list", "name": "l@acme.test", "emails": ["l@acme.test"], "members": ["a@acme.test"], "quota": 5},
        {"type": "group", "name": "nowhere", "roles": ["user"]},
        {"type": "individual", "name": "n@acme.test", "emails": ["n@acme.test"], "roles": ["user"]},
        {"type": "list", "name": "m@acme.test", "emails": ["m@acme.test"], "members": ["a@acme.test", "l@acme.test"]},
        {"type": "apiKey", "name": "robot", "secrets": [SECRET], "roles": ["user"]},
        {"type": "oauthClient", "name": "client"},
        {"type": "resource", "name": "beamer"},
        {"type": "location", "name": "room"},
    ]
    (nobody,) = (body for body in odd if body["name"] == "n@acme.test")
    nobody["memberOf"] = ["nowhere"]
    (own_list,) = (body for body in odd if body["name"] == "l@acme.test")
    own_list |= {"roles": ["user"], "locale": "de_DE", "enabledPermissions": ["email-send"]}
    for body in odd:
        answer = ask(server, "POST", "/api/principal/deploy", body)
        assert "error" not in answer, (body, answer)
    into = [{"action": "addItem", "field": "memberOf", "value": "outer"}]
    assert "error" not in ask(server, "PATCH", "/api/principal/mute%40acme.test", into)
    found = export(server)
    assert SECRET not in str(found)
    names = [body["name"] for body in found["principals"]]
    people = ["a@acme.test", "c@acme.test", "n@acme.test", "u@acme.test"]
    assert names == ["mute@acme.test", "outer@acme.test", *people, "l@acme.test", "m@acme.test"]
    assert found["principals"][-2]["members"] == ["a@acme.test"]
    reasons = {entry["key"]: entry["reason"] for entry in found["left_out"] if "config.toml" not in entry["reason"]}
    parts = {
        "support": "a role",
        "robot": "an API key",
        "client": "an OAuth client",
        "beamer": "a resource",
        "room": "a location",
        "bare": "no address",
        "norole@acme.test": "it can do nothing",
        "own@acme.test": "all it has",
        "outer@acme.test.name": "'outer'",
        "mute@acme.test.member_of": "outer",
        "mute@acme.test.roles": "a new one has default",
        "a@acme.test.picture": "no option",
        "u@acme.test.urls": "no option",
        "c@acme.test.aliases.@acme.test": "catches all mail",
        "nowhere": "no address",
        "n@acme.test.member_of": "nowhere",
        "m@acme.test.members": "l@acme.test among them",
        "l@acme.test.roles": "user",
        "l@acme.test.enabled_permissions": "email-send",
        "l@acme.test.quota": "5",
        "l@acme.test.locale": "de_DE",
    }
    assert [key for key, part in parts.items() if part not in reasons.get(key, "")] == []
    assert set(reasons) - set(parts) == set()
    assert not server.principals(*found["principals"])["changed"]
