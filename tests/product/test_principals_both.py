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


A, B, C, G, L = (f"{local}@acme.test" for local in "abcgl")
X, Y = "x@acme.test", "y@acme.test"

#: What is there, and what it becomes in one task.
MOVES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "two swap": (
        [{"name": A, "aliases": [X]}, {"name": B, "aliases": [Y]}],
        [{"name": A, "aliases": [Y], "description": "A."}, {"name": B, "aliases": [X]}],
    ),
    "three in a circle": (
        [{"name": A, "aliases": [X]}, {"name": B, "aliases": [Y]}, {"name": C, "aliases": ["z@acme.test"]}],
        [{"name": A, "aliases": [Y]}, {"name": B, "aliases": ["z@acme.test"]}, {"name": C, "aliases": [X]}],
    ),
    "group and list swap": (
        [{"name": G, "type": "group", "aliases": [X]}, {"name": L, "type": "list", "aliases": [Y], "members": [A]}],
        [{"name": G, "type": "group", "aliases": [Y]}, {"name": L, "type": "list", "aliases": [X]}],
    ),
    "an alias becomes a group of its holder": (
        [{"name": A, "aliases": [G, X]}, {"name": L, "type": "list", "members": [B]}],
        [
            {"name": A, "aliases": [X]},
            {"name": G, "type": "group", "members": [A]},
            {"name": L, "type": "list", "members": [G, B]},
        ],
    ),
    "a removed one's address becomes an alias": (
        [{"name": A, "aliases": [X]}],
        [{"name": A, "state": "absent"}, {"name": B, "aliases": [A, X]}],
    ),
    "a removed one's alias becomes a name": (
        [{"name": A, "aliases": [X]}],
        [{"name": A, "state": "absent"}, {"name": X, "type": "list", "members": [C]}],
    ),
    "a removed group's address goes to its member": (
        [{"name": G, "type": "group", "members": [A, B, C]}, {"name": A}, {"name": B}, {"name": C}],
        [
            {"name": A, "aliases": [G], "member_of": ["h@acme.test"]},
            {"name": G, "type": "group", "state": "absent"},
            {"name": C, "state": "absent"},
            {"name": "h@acme.test", "type": "group"},
        ],
    ),
}


@pytest.mark.parametrize("case", MOVES)
def test_addresses_move_within_one_task(mail: Server, case: str) -> None:
    before, after = MOVES[case]
    mail.principals(*before)
    planned = mail.principals(*after, check=True)
    done = mail.principals(*after)
    assert words(done) == words(planned)
    assert done["diff"] == planned["diff"]
    settled(mail, *after)


def test_a_group_of_own_roles_keeps_its_mail(mail: Server) -> None:
    """The permission that those roles lack is not taken away by a task which does not speak of roles."""
    role = {"description": "helper", "enabledPermissions": ["emailSend"]}
    if mail.generation == "0.16":
        mail.settings({"role": {"helper": role}})
    else:
        body = {"type": "role", "name": "helper", "enabledPermissions": ["email-send"]}
        assert mail.api().http("POST", "/api/principal", json=body).ok
    group = {"name": G, "type": "group"}
    made = mail.principals({**group, "roles": ["helper"]})["principals"][0]
    assert made["enabled_permissions"] == ["emailReceive"]
    changed = mail.principals({**group, "enabled_permissions": ["impersonate"]})["principals"][0]
    assert changed["enabled_permissions"] == ["emailReceive", "impersonate"]
    for same in ({"roles": ["helper"]}, {"enabled_permissions": ["impersonate"]}, {}):
        assert not mail.principals({**group, **same})["changed"], same


def test_an_export_s_placeholder_is_no_password(mail: Server) -> None:
    held = {"name": A, "password": "Str0ng-pass-77123"}
    mail.principals(held)
    writes = mail.writes()
    stands = "<secret: x.password>"
    for check in (True, False):
        failure = refusal(mail.principals, {"name": B}, {"name": C, "password": stands}, check=check)
        assert (failure.code, "x.password" in failure.message) == ("placeholder", True), failure.message
        assert not mail.principals({"name": A, "password": stands}, check=check)["changed"]
        assert not mail.principals({"name": A, "password": stands}, check=check, update_secrets="always")["changed"]
    assert mail.writes() == writes
    absent = {"server": "absent", "generation": mail.generation}
    assert refusal(mail.principals, {"name": C, "password": stands}, check=True, **absent).code == "placeholder"


def test_an_account_that_is_made_suspended_is_worth_a_word(mail: Server) -> None:
    mail.principals({"name": "bobby@acme.test"})
    wrong = {"name": "boby@acme.test", "state": "suspended"}

    def said(**how: Any) -> list[str]:
        return [warning for warning in mail.principals(wrong, **how)["warnings"] if "individual" in warning]

    for check in (True, False):
        (warning,) = said(check=check)
        assert "there is no individual boby@acme.test" in warning
        assert "created, suspended. Did you mean bobby@acme.test?" in warning
    assert said() == []


def test_sizes_and_their_mistakes(mail: Server) -> None:
    made = mail.principals({"name": A, "quota": "5G"})
    assert made["principals"][0]["quota"] == 5 * 2**30
    assert not mail.principals({"name": A, "quota": str(5 * 2**30)})["changed"]
    for wrong in ("5 apples", "-1", True, 1.5):
        failure = refusal(mail.principals, {"name": A, "quota": wrong})
        assert f"principals[0] {A}.quota" in failure.message
        assert "a size such as 5G" in failure.message


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
    assert any(
        "no domain later.test yet, which principals[0] admin@later.test needs" in warning
        for warning in planned["warnings"]
    )
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


@pytest.mark.parametrize("rule", ["true", "sender_domain != 'acme.test'", {"match": [], "else": "true"}])
def test_settings_leave_the_row_of_send_as_alone(mail: Server, rule: Any) -> None:
    shop, settings = {"name": "shop@acme.test", "send_as": ["a@b.test"]}, {"mtaStageAuth.mustMatchSender": rule}
    mail.principals(shop)
    for _ in range(2):
        done = mail.settings(settings)
        assert not mail.settings(settings)["changed"]
        assert not mail.principals(shop)["changed"], done["diff"]


def test_an_account_without_permissions_is_told_what_it_lacks(mail: Server) -> None:
    account = {"name": A, "password": "Str0ng-pass-77123"}
    mail.principals(account)
    own = {"api_username": A, "api_password": account["password"]}
    failure = refusal(mail.principals, account, **own)
    assert failure.code == "forbidden", failure.message
    assert "permissions" in failure.hint, failure.hint
