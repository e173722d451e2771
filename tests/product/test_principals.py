"""Individuals, groups and lists on a live server."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contract.issuer import Issuer

from .server import Server, refusal, words
from .test_provision import SETTINGS, directory


@pytest.fixture
def mail(server: Server) -> Server:
    server.settings(SETTINGS)
    return server


ALICE: dict[str, Any] = {
    "name": "alice@acme.test",
    "aliases": ["al@acme.test"],
    "quota": 5_000_000,
    "locale": "de_DE",
    "roles": ["user"],
}
SALES: dict[str, Any] = {"name": "sales@acme.test", "type": "group", "members": ["alice@acme.test", "bob@acme.test"]}
BOB: dict[str, Any] = {"name": "bob@acme.test", "disabled_permissions": ["email-send"]}
NEWS: dict[str, Any] = {
    "name": "news@acme.test",
    "type": "list",
    "members": ["alice@acme.test", "Press@Elsewhere.test"],
    "aliases": ["n@acme.test"],
}


def test_everything_at_once_and_twice(mail: Server) -> None:
    principals = (SALES, ALICE, BOB, NEWS)
    planned = mail.principals(*principals, check=True)
    first = mail.principals(*principals)
    assert words(first) == words(planned)
    assert sorted(words(first)) == [
        "create group sales@acme.test",
        "create individual alice@acme.test",
        "create individual bob@acme.test",
        "create list news@acme.test",
    ]
    before = mail.writes()
    again = mail.principals(*principals)
    assert not again["changed"]
    assert again["requests"] == 2
    assert mail.writes() == before
    by_name = {entry["name"]: entry for entry in again["principals"]}
    assert by_name["alice@acme.test"]["member_of"] == ["sales@acme.test"]
    assert by_name["bob@acme.test"]["disabled_permissions"] == ["emailSend"]
    assert by_name["news@acme.test"]["members"] == ["alice@acme.test", "press@elsewhere.test"]


def test_a_member_may_be_named_before_its_new_group(mail: Server) -> None:
    """The server creates in document order, so the driver has to put what is referred to first."""
    mail.settings({"role": {"helper": {"roleIds": ["base"]}, "base": {}}})
    member = {"name": "dora@acme.test", "member_of": ["ops@acme.test"], "roles": ["helper"]}
    group = {"name": "ops@acme.test", "type": "group"}
    done = mail.principals(member, group)
    assert sorted(words(done)) == ["create group ops@acme.test", "create individual dora@acme.test"]
    by_name = {entry["name"]: entry for entry in done["principals"]}
    assert by_name["dora@acme.test"]["member_of"] == ["ops@acme.test"]
    api = mail.api()
    ops = api.call("x:Account/query", filter={"name": "ops"})["ids"]
    dora = api.call("x:Account/query", filter={"name": "dora"})["ids"]
    held = api.call("x:Account/get", ids=dora, properties=["memberGroupIds"])["list"]
    assert held[0]["memberGroupIds"] == dict.fromkeys(ops, True)
    before = mail.writes()
    assert not mail.principals(member, group)["changed"]
    assert mail.writes() == before


def test_changes(mail: Server) -> None:
    mail.principals(SALES, ALICE, BOB, NEWS)
    steps: list[tuple[dict[str, Any], list[str]]] = [
        ({**ALICE, "aliases": ["alison@acme.test"]}, ["update individual alice@acme.test"]),
        ({**ALICE, "aliases": []}, ["update individual alice@acme.test"]),
        ({"name": "alice@acme.test", "quota": 0}, ["update individual alice@acme.test"]),
        ({"name": "alice@acme.test", "description": "Alice"}, ["update individual alice@acme.test"]),
        ({"name": "alice@acme.test", "roles": ["admin"]}, ["update individual alice@acme.test"]),
        ({"name": "alice@acme.test", "roles": ["Group"]}, ["update individual alice@acme.test"]),
        ({"name": "alice@acme.test", "member_of": []}, ["update individual alice@acme.test"]),
        (
            {**SALES, "members": ["alice@acme.test"]},
            ["update individual alice@acme.test", "update individual bob@acme.test"],
        ),
        ({**SALES, "receive_mail": False, "members": ["alice@acme.test"]}, ["update group sales@acme.test"]),
        ({**NEWS, "members": ["bob@acme.test"]}, ["update list news@acme.test"]),
        ({"name": "bob@acme.test", "state": "suspended"}, ["update individual bob@acme.test"]),
        ({"name": "bob@acme.test"}, ["update individual bob@acme.test"]),
        ({"name": "news@acme.test", "type": "list", "state": "absent"}, ["delete list news@acme.test"]),
        ({"name": "bob@acme.test", "state": "absent"}, ["delete individual bob@acme.test"]),
    ]
    for principal, expected in steps:
        planned = mail.principals(principal, check=True)
        done = mail.principals(principal)
        assert words(done) == words(planned) == expected, principal
        assert done["diff"] == planned["diff"]
        assert not mail.principals(principal)["changed"], principal


def test_app_passwords_survive_a_change_of_password(mail: Server) -> None:
    bob = {"name": "bob@acme.test", "password": "Str0ng-pass-77123"}
    mail.principals(bob)
    api = mail.api()
    account = api.call("x:Account/query", filter={"name": "bob"})["ids"][0]
    api.call("x:AppPassword/set", accountId=account, create={"p": {"description": "phone"}})
    assert not mail.principals(bob)["changed"]
    changed = mail.principals({**bob, "password": "An0ther-pass-99871"}, update_secrets="always")
    assert words(changed) == ["update individual bob@acme.test"]
    assert "99871" not in str(changed)
    held = api.call("x:Account/get", ids=[account], properties=["credentials"])["list"][0]["credentials"]
    assert sorted(entry["@type"] for entry in held.values()) == ["AppPassword", "Password"]


def test_conflicts_write_nothing(mail: Server) -> None:
    mail.principals(ALICE, NEWS)
    before = mail.writes()
    for principal, code, message in (
        ({"name": "al@acme.test"}, "conflict", "is an alias of the individual alice@acme.test"),
        (
            {"name": "bob@acme.test", "aliases": ["n@acme.test"]},
            "conflict",
            "is an alias of the mailing list news@acme.test",
        ),
        ({"name": "alice@acme.test", "type": "group"}, "conflict", "exists on the server as individual"),
        ({"name": "bob@nowhere.test"}, "not_found", "no domain nowhere.test"),
        ({"name": "bob@acme.test", "roles": ["Hlper"]}, "not_found", "no role 'Hlper'"),
        ({"name": "bob@acme.test", "enabled_permissions": ["emailSnd"]}, "invalid_value", "did you mean 'emailSend'"),
    ):
        failure = refusal(mail.principals, principal)
        assert failure.code == code, failure.message
        assert message in failure.message
    assert mail.writes() == before


def test_check_mode_before_the_domain_exists(server: Server) -> None:
    principal = {"name": "admin@later.test", "aliases": ["postmaster@later.test"]}
    planned = server.principals(principal, check=True)
    assert words(planned) == ["create individual admin@later.test"]
    assert any("no domain later.test yet" in warning for warning in planned["warnings"])
    assert refusal(server.principals, principal).code == "not_found"
    server.settings({"domain": {"later.test": {}}})
    assert words(server.principals(principal)) == words(planned)


def test_passwords_where_the_realm_checks_logins(mail: Server, issuer: Issuer) -> None:
    mail.settings(directory(issuer))
    before = mail.writes()
    failure = refusal(mail.principals, {"name": "carol@acme.test", "password": "Str0ng-pass-77123"})
    assert failure.code == "invalid_value"
    assert "app password" in failure.message
    assert mail.writes() == before
    mail.principals({"name": "carol@acme.test", "description": "Carol"})
    assert not mail.principals({"name": "carol@acme.test", "description": "Somebody else"})["changed"], (
        "the name claim owns it"
    )


def test_a_weak_password_is_the_server_s_to_refuse(mail: Server) -> None:
    failure = refusal(mail.principals, {"name": "weak@acme.test", "password": "password"})
    assert failure.code == "invalid_value"
    assert "weak@acme.test" in failure.message


def test_a_thousand_mailboxes(mail: Server) -> None:
    principals = [{"name": f"user{n:04}@acme.test", "aliases": [f"alias{n:04}@acme.test"]} for n in range(1000)]
    first = mail.principals(*principals)
    assert len(first["changes"]) == 1000
    assert first["requests"] <= 12
    again = mail.principals(*principals)
    assert not again["changed"]
    assert again["requests"] <= 4
