"""Adopting what exists: an export is a plan that is empty, and an empty server becomes equal by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract import servers
from tests.contract.issuer import Issuer

from .exports import SECRET, export, with_secrets
from .server import Server, refusal
from .test_provision import SETTINGS, directory

Export = dict[str, Any]


@pytest.fixture
def empty(server: Server, tmp_path: Path) -> Iterator[Server]:
    """Another empty server of the same kind."""
    folder = tmp_path / "empty"
    folder.mkdir()
    with servers.opened(server.target.name, folder) as target:
        yield Server(target, target.simulator)


def by_hand(server: Server) -> None:
    """What somebody has set up through the API and the web interface."""
    api = server.api()
    first = api.create("Domain", name="acme.test", dkimManagement={"@type": "Manual"}, description="Acme")
    api.create("Domain", name="other.test", aliases={"b.test": True, "a.test": True})
    for name, patch in (
        ("SystemSettings", {"defaultHostname": "mail.acme.test", "defaultDomainId": first}),
        ("SpamPyzor", {"enable": False}),
        ("SpamSettings", {"enable": False, "scoreSpam": 7}),
        ("Http", {"responseHeaders": {"X-A.b": "c"}, "rateLimitAnonymous/count": 77}),
        (
            "MtaStageAuth",
            {"mustMatchSender": {"match": {"0": {"if": "sender == 'a@b.test'", "then": "false"}}, "else": "true"}},
        ),
        ("Authentication", {"passwordMinLength": 12}),
    ):
        assert "singleton" in api.call(f"x:{name}/set", update={"singleton": patch}).get("updated", {}), (name, patch)
    routes = api.call("x:MtaRoute/get", ids=None)["list"]
    mx = next(route["id"] for route in routes if route["name"] == "mx")
    assert mx in api.call("x:MtaRoute/set", update={mx: {"maxMxHosts": 5}})["updated"]
    api.create(
        "MtaRoute",
        **{"@type": "Relay", "name": "out", "address": "relay.test", "authUsername": "u"},
        authSecret={"@type": "Value", "secret": SECRET},
    )
    role = api.create("Role", description="Helper", enabledPermissions={"emailSend": True})
    api.create("AllowedIp", address="10.0.0.0/8", reason="cluster")
    api.create("MemoryLookupKey", namespace="sender-allow", key="a@acme.test:b@x.test")
    group = api.create("Account", **{"@type": "Group", "name": "sales", "domainId": first, "description": "Sales"})
    api.create(
        "Account",
        **{"@type": "User", "name": "alice", "domainId": first, "memberGroupIds": {group: True}},
        aliases={"0": {"name": "al", "domainId": first, "enabled": True}},
        roles={"@type": "Custom", "roleIds": {role: True}},
        permissions={"@type": "Merge", "disabledPermissions": {"authenticate": True, "emailReceive": True}},
        quotas={"maxDiskQuota": 1000},
        credentials={"0": {"@type": "Password", "secret": "Str0ng-pass-77123"}},
    )
    api.create("Account", **{"@type": "User", "name": "bob", "domainId": first})
    api.create("MailingList", name="news", domainId=first, recipients={"x@y.test": True, "alice@acme.test": True})


def test_what_a_first_start_made_needs_no_words(server: Server) -> None:
    found = export(server)
    if not server.simulator:
        # A real one was moved to free ports of loopback, see tests/contract/servers.py.
        assert set(found["settings"].pop("networkListener")) == {"http", "smtp", "submissions", "imaps"}
    assert found["settings"] == {}
    assert found["principals"] == []


def test_an_export_is_what_is_there_and_a_plan_right_after_is_empty(server: Server) -> None:
    by_hand(server)
    found = export(server)
    settings, principals = found["settings"], found["principals"]
    assert settings["domain"] == {
        "acme.test": {"description": "Acme", "dkimManagement": {"@type": "Manual"}},
        "other.test": {"aliases": ["a.test", "b.test"]},
    }
    assert settings["systemSettings"] == {"defaultDomainId": "acme.test", "defaultHostname": "mail.acme.test"}
    assert settings["mtaRoute"] == {
        "mx": {"@type": "Mx", "maxMxHosts": 5},
        "out": {
            "@type": "Relay",
            "address": "relay.test",
            "authSecret": {"@type": "Value", "secret": "<secret: mtaRoute.out.authSecret.secret>"},
            "authUsername": "u",
        },
    }
    rate = {"count": 77, "period": 60000}  # Whole, for 0.15 takes no half of one.
    assert settings["http"] == {"rateLimitAnonymous": rate, "responseHeaders": {"X-A.b": "c"}}
    assert settings["authentication"] == {"passwordMinLength": 12}
    assert [principal["name"] for principal in principals] == [
        "sales@acme.test",
        "alice@acme.test",
        "bob@acme.test",
        "news@acme.test",
    ]
    assert principals[1] == {
        "name": "alice@acme.test",
        "type": "individual",
        "aliases": ["al@acme.test"],
        "member_of": ["sales@acme.test"],
        "password": "<secret: alice@acme.test.password>",
        "quota": 1000,
        "receive_mail": False,
        "roles": ["Helper"],
        "state": "suspended",
    }
    assert principals[2] == {"name": "bob@acme.test", "type": "individual"}
    assert SECRET not in str(found)
    # The keys of the other domain, which the server makes, may come in between.
    again = export(server)
    assert (again["settings"], again["principals"]) == (settings, principals)
    before = server.writes()
    assert server.settings(settings, check=True)["changes"] == []
    assert server.principals(*principals, check=True)["changes"] == []
    assert not server.settings(settings)["changed"]
    assert not server.principals(*principals)["changed"]
    assert server.writes() == before


def test_an_empty_server_becomes_equal(server: Server, empty: Server) -> None:
    by_hand(server)
    found = export(server)
    before = empty.writes()
    for refused in (
        refusal(empty.settings, found["settings"]),
        refusal(empty.settings, found["settings"], check=True),
    ):
        assert refused.code == "placeholder"
        assert "mtaRoute.out.authSecret.secret" in refused.message
    assert empty.writes() == before
    empty.settings(with_secrets(found["settings"]))
    refused = refusal(empty.principals, *found["principals"])
    assert refused.code == "placeholder"
    assert "alice@acme.test.password" in refused.message
    empty.principals(*with_secrets(found["principals"]))
    again = export(empty)
    assert again["settings"] == found["settings"]
    assert again["principals"] == found["principals"]


def test_with_a_realm(server: Server, empty: Server, issuer: Issuer) -> None:
    login = directory(issuer)
    server.settings({**SETTINGS, **login})
    found = export(server)
    label = login["directory"]["keycloak"]["description"]
    assert found["settings"]["authentication"] == {"directoryId": label}
    assert found["settings"]["directory"][label]["issuerUrl"] == issuer.url("sme-acme")
    assert not server.settings(found["settings"], check=True)["changed"]
    done = empty.settings(found["settings"])
    assert done["running_issuer"] == issuer.url("sme-acme")
    assert export(empty)["settings"] == found["settings"]


def test_what_cannot_be_given_is_named(server: Server) -> None:
    api = server.api()
    by_hand(server)
    for _ in range(2):
        api.create("Role", description="Twin", enabledPermissions={"emailSend": True})
    api.call("x:MtaStageMail/set", update={"singleton": {"isSenderAllowed": {"match": {}, "else": "sender = 'x'"}}})
    server.info("other.test", gather=["dkim"], wait_dkim=30)
    found = export(server)
    reasons = {entry["key"]: entry["reason"] for entry in found["left_out"]}
    assert reasons["role.Twin"] == "2 objects have this name"
    assert "single '='" in reasons["mtaStageMail.isSenderAllowed"]
    keys = [key for key in reasons if key.startswith("dkimSignature.") and key.endswith("._domainkey.other.test")]
    assert len(keys) == 2
    assert not server.settings(found["settings"], check=True)["changed"]


def test_what_no_option_of_principals_can_say(server: Server, empty: Server) -> None:
    """Above all no account comes out with more rights than it had."""
    api = server.api()
    domain = api.create("Domain", name="acme.test", dkimManagement={"@type": "Manual"})
    user = {"@type": "User", "domainId": domain}
    narrow = {"@type": "Replace", "enabledPermissions": {"authenticate": True, "emailReceive": True}}
    api.create("Account", **user, name="bot", roles={"@type": "Admin"}, permissions=narrow)
    api.create("Account", **user, name="far", timeZone="Asia/Muscat", quotas={"maxEmails": 10, "maxDiskQuota": 5})
    aliases = {
        "0": {"name": "off", "domainId": domain, "enabled": False},
        "1": {"name": "on", "domainId": domain, "enabled": True, "description": "note"},
    }
    api.create("Account", **user, name="al", aliases=aliases)
    found = export(server)
    assert found["principals"] == [
        {"name": "al@acme.test", "type": "individual", "aliases": ["on@acme.test"]},
        {"name": "far@acme.test", "type": "individual", "quota": 5},
    ]
    reasons = {entry["key"]: entry["reason"] for entry in found["left_out"]}
    assert "permissions replace those of its roles" in reasons["bot@acme.test"]
    assert reasons["far@acme.test.timeZone"] == reasons["far@acme.test.quotas.maxEmails"] == "no option can say it"
    assert "disabled" in reasons["al@acme.test.aliases.off@acme.test"]
    assert "description" in reasons["al@acme.test.aliases.on@acme.test"]
    assert not server.principals(*found["principals"])["changed"]
    empty.settings({"domain": found["settings"]["domain"]})
    empty.principals(*found["principals"])
    assert export(empty)["principals"] == found["principals"]


def test_a_disabled_alias_stays_unless_it_is_named(server: Server) -> None:
    api = server.api()
    domain = api.create("Domain", name="acme.test", dkimManagement={"@type": "Manual"})
    off = {"name": "off", "domainId": domain, "enabled": False, "description": "note"}
    held = api.create("Account", **{"@type": "User", "name": "al", "domainId": domain}, aliases={"0": off})
    al = {"name": "al@acme.test", "aliases": []}
    assert not server.principals(al)["changed"]
    failure = refusal(server.principals, {"name": "off@acme.test"})
    assert "is a disabled alias of the individual al@acme.test" in failure.message
    added = server.principals({**al, "aliases": ["on@acme.test"]})
    assert added["diff"][0]["after"] == {"aliases": ["on@acme.test"]}
    stored = api.get("Account", held, "aliases")["aliases"].values()
    assert {(alias["name"], alias["enabled"]) for alias in stored} == {("off", False), ("on", True)}
    enabled = server.principals({**al, "aliases": ["off@acme.test"]})
    assert enabled["diff"][0]["after"] == {"aliases": ["off@acme.test"]}
    (alias,) = api.get("Account", held, "aliases")["aliases"].values()
    assert (alias["enabled"], alias["description"]) == (True, "note")


def test_senders_come_out_with_their_accounts(server: Server, empty: Server) -> None:
    rule = {"match": [{"if": "sender == 'a@b.test'", "then": "false"}], "else": "true"}
    principal = {"name": "shop@acme.test", "type": "individual", "send_as": ["*@news.shop.test", "noreply@shop.test"]}
    server.settings({"domain": {"acme.test": {"dkimManagement": {"@type": "Manual"}}}, "spamPyzor": {"enable": False}})
    server.principals(principal)
    assert "mtaStageAuth" not in export(server)["settings"]
    server.settings({"mtaStageAuth": {"mustMatchSender": rule}})
    found = export(server)
    assert found["principals"] == [principal]
    assert found["settings"]["mtaStageAuth"] == {"mustMatchSender": rule}
    assert "memoryLookupKey" not in found["settings"]
    assert not server.settings(found["settings"])["changed"]
    assert not server.principals(*found["principals"])["changed"]
    empty.settings({key: found["settings"][key] for key in ("domain", "mtaStageAuth", "spamPyzor")})
    empty.principals(*found["principals"])
    again = export(empty)
    assert (again["principals"], again["settings"]["mtaStageAuth"]) == (
        found["principals"],
        found["settings"]["mtaStageAuth"],
    )
