"""Individuals, groups and lists on live servers of both generations: the same principals, the same outcome."""

from __future__ import annotations

from typing import Any

import pytest

from .server import Server, counted, refusal, words

SETTINGS: dict[str, Any] = {
    "domain": {"acme.test": {}},
    "spamSettings": {"enable": False},
    "spamPyzor": {"enable": False},
}
#: Requests of a task that finds nothing to do.
MOST_REQUESTS = {"0.16": 3, "0.15": 4}


@pytest.fixture
def mail(both: Server) -> Server:
    both.settings(SETTINGS)
    return both


ALICE: dict[str, Any] = {
    "name": "Alice@acme.test",
    "description": "Alice",
    "aliases": ["al@acme.test"],
    "quota": 5_000_000,
    "locale": "de_DE",
    "roles": ["user"],
    "send_as": ["noreply@shop.test", "*@news.shop.test"],
}
SALES: dict[str, Any] = {"name": "sales@acme.test", "type": "group", "members": ["alice@acme.test", "bob@acme.test"]}
BOB: dict[str, Any] = {"name": "bob@acme.test", "disabled_permissions": ["email-send"], "enabled_permissions": []}
NEWS: dict[str, Any] = {
    "name": "news@acme.test",
    "type": "list",
    "members": ["alice@acme.test", "Press@Elsewhere.test"],
    "aliases": ["n@acme.test"],
}
EVERYBODY = (SALES, ALICE, BOB, NEWS)


def settled(mail: Server, *principals: dict[str, Any], **more: Any) -> None:
    """A second run changes nothing, writes nothing, and is cheap."""
    writes = mail.writes()
    again, requests = counted(mail, mail.principals, *principals, **more)
    assert not again["changed"], again["diff"]
    assert requests == again["requests"] <= MOST_REQUESTS[mail.generation]
    assert mail.writes() == writes
    assert not mail.principals(*principals, check=True, **more)["changed"]


def test_everything_at_once_and_twice(mail: Server) -> None:
    planned = mail.principals(*EVERYBODY, check=True)
    assert planned["principals"][1] == {"name": "alice@acme.test", "type": "individual", "state": "absent"}
    first = mail.principals(*EVERYBODY)
    assert words(first) == words(planned)
    assert first["diff"] == planned["diff"]
    assert sorted(words(first))[:4] == [
        "create group sales@acme.test",
        "create individual alice@acme.test",
        "create individual bob@acme.test",
        "create list news@acme.test",
    ]
    assert words(first)[4].startswith("update sender rule")
    settled(mail, *EVERYBODY)
    by_name = {entry["name"]: entry for entry in mail.principals(*EVERYBODY)["principals"]}
    alice, bob = by_name["alice@acme.test"], by_name["bob@acme.test"]
    assert alice["member_of"] == bob["member_of"] == ["sales@acme.test"]
    assert alice["send_as"] == ["*@news.shop.test", "noreply@shop.test"]
    assert (alice["aliases"], alice["quota"], alice["locale"]) == (["al@acme.test"], 5_000_000, "de_DE")
    assert bob["disabled_permissions"] == ["emailSend"]
    assert by_name["sales@acme.test"]["roles"] == ["default"]
    assert by_name["news@acme.test"]["members"] == ["alice@acme.test", "press@elsewhere.test"]


STEPS: list[tuple[dict[str, Any], list[str]]] = [
    ({"name": "alice@acme.test", "aliases": ["alison@acme.test"]}, ["update individual alice@acme.test"]),
    ({"name": "alice@acme.test", "aliases": []}, ["update individual alice@acme.test"]),
    ({"name": "alice@acme.test", "quota": 0}, ["update individual alice@acme.test"]),
    ({"name": "alice@acme.test", "quota": 7}, ["update individual alice@acme.test"]),
    ({"name": "alice@acme.test", "description": "A."}, ["update individual alice@acme.test"]),
    ({"name": "alice@acme.test", "locale": "ar_OM"}, ["update individual alice@acme.test"]),
    ({"name": "alice@acme.test", "roles": ["admin"]}, ["update individual alice@acme.test"]),
    ({"name": "alice@acme.test", "roles": ["user"]}, ["update individual alice@acme.test"]),
    ({"name": "alice@acme.test", "member_of": []}, ["update individual alice@acme.test"]),
    ({"name": "alice@acme.test", "receive_mail": False}, ["update individual alice@acme.test"]),
    ({"name": "alice@acme.test", "receive_mail": True}, ["update individual alice@acme.test"]),
    ({"name": "alice@acme.test", "send_as": ["noreply@shop.test"]}, ["update individual alice@acme.test"]),
    ({"name": "alice@acme.test", "send_as": []}, ["update individual alice@acme.test"]),
    ({"name": "bob@acme.test", "enabled_permissions": ["impersonate"]}, ["update individual bob@acme.test"]),
    ({"name": "bob@acme.test", "enabled_permissions": []}, ["update individual bob@acme.test"]),
    ({"name": "bob@acme.test", "disabled_permissions": ["jmap-email-set"]}, ["update individual bob@acme.test"]),
    (
        {**SALES, "members": ["alice@acme.test"]},
        ["update individual alice@acme.test", "update individual bob@acme.test"],
    ),
    ({"name": "sales@acme.test", "type": "group", "receive_mail": False}, ["update group sales@acme.test"]),
    ({"name": "sales@acme.test", "type": "group"}, ["update group sales@acme.test"]),
    ({**NEWS, "members": ["bob@acme.test"]}, ["update list news@acme.test"]),
    ({"name": "bob@acme.test", "state": "suspended"}, ["update individual bob@acme.test"]),
    ({"name": "bob@acme.test"}, ["update individual bob@acme.test"]),
    ({"name": "news@acme.test", "type": "list", "state": "absent"}, ["delete list news@acme.test"]),
    ({"name": "bob@acme.test", "state": "absent"}, ["delete individual bob@acme.test"]),
]


def test_changes(mail: Server) -> None:
    mail.principals(*EVERYBODY)
    for principal, expected in STEPS:
        writes = mail.writes()
        planned = mail.principals(principal, check=True)
        assert mail.writes() == writes
        done = mail.principals(principal)
        assert words(done) == words(planned) == expected, principal
        assert done["diff"] == planned["diff"]
        assert not mail.principals(principal)["changed"], principal


def test_a_member_may_be_named_before_its_new_group(mail: Server) -> None:
    principals = (
        {"name": "all@acme.test", "type": "list", "members": ["dora@acme.test"]},
        {"name": "dora@acme.test", "member_of": ["ops@acme.test"]},
        {"name": "ops@acme.test", "type": "group"},
    )
    done = mail.principals(*principals)
    assert {entry["name"]: entry for entry in done["principals"]}["dora@acme.test"]["member_of"] == ["ops@acme.test"]
    settled(mail, *principals)


def test_an_alias_moves_within_one_task(mail: Server) -> None:
    mail.principals({"name": "alice@acme.test", "aliases": ["info@acme.test"]})
    moved = ({"name": "bob@acme.test", "aliases": ["info@acme.test"]}, {"name": "alice@acme.test", "aliases": []})
    mail.principals(*moved)
    settled(mail, *moved)
    back = (moved[0] | {"aliases": []}, moved[1] | {"aliases": ["info@acme.test"]})
    mail.principals(*back)
    settled(mail, *back)


def test_a_group_that_goes_leaves_no_members_behind(mail: Server) -> None:
    mail.principals(SALES, {"name": "alice@acme.test"}, {"name": "bob@acme.test"})
    gone = {"name": "sales@acme.test", "type": "group", "state": "absent"}
    planned = mail.principals(gone, check=True)
    done = mail.principals(gone)
    assert words(done) == words(planned)
    settled(mail, gone)
    assert mail.principals({"name": "alice@acme.test"})["principals"][0]["member_of"] == []


def test_a_thousand_mailboxes(mail: Server) -> None:
    principals = [{"name": f"user{n:04}@acme.test", "aliases": [f"alias{n:04}@acme.test"]} for n in range(1000)]
    first, written = counted(mail, mail.principals, *principals)
    assert len(first["changes"]) == 1000
    again, read = counted(mail, mail.principals, *principals)
    assert not again["changed"]
    print(f"{mail.generation}: 1000 principals in {written} requests, {read} when nothing differs")
    assert read <= MOST_REQUESTS[mail.generation]
    assert mail.generation == "0.15" or written <= 12


def test_check_mode_before_the_domain_exists(both: Server) -> None:
    principal = {"name": "admin@later.test", "aliases": ["postmaster@later.test"]}
    planned = both.principals(principal, check=True)
    assert words(planned) == ["create individual admin@later.test"]
    assert any("no domain later.test yet" in warning for warning in planned["warnings"])
    assert refusal(both.principals, principal).code == "not_found"
    both.settings({**SETTINGS, "domain": {"later.test": {}}})
    assert words(both.principals(principal)) == words(planned)


def test_a_server_that_does_not_exist_yet(both: Server) -> None:
    planned = both.principals(*EVERYBODY, check=True, server="absent", generation=both.generation)
    assert sorted(words(planned))[:4] == [
        "create group sales@acme.test",
        "create individual alice@acme.test",
        "create individual bob@acme.test",
        "create list news@acme.test",
    ]
    assert planned["requests"] == 0
