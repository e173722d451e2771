"""Principals that an inventory names, and what becomes of them when it does not name them any more; both generations."""

from __future__ import annotations

from typing import Any

import pytest

from .server import Server, counted, refusal, words

SETTINGS: dict[str, Any] = {
    "domain": {"acme.test": {}},
    "spamSettings": {"enable": False},
    "spamPyzor": {"enable": False},
}
ALICE: dict[str, Any] = {"name": "alice@acme.test", "aliases": ["info@acme.test"]}
BOB: dict[str, Any] = {"name": "bob@acme.test", "quota": "1G"}
SALES: dict[str, Any] = {"name": "sales@acme.test", "type": "group", "members": ["alice@acme.test"]}
NEWS: dict[str, Any] = {"name": "news@acme.test", "type": "list", "members": ["alice@acme.test"]}
EVERYBODY = (SALES, ALICE, BOB, NEWS)
#: Nobody named this one: a login made it, or somebody by hand.
ZOE: dict[str, Any] = {"name": "zoe@acme.test", "description": "Zoe"}


@pytest.fixture
def mail(both: Server) -> Server:
    both.settings(SETTINGS)
    both.principals(ZOE)
    return both


def named(mail: Server, *principals: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
    return mail.principals(*principals, check=check, **{"managed_by": "mailboxes", **more})


def states(mail: Server) -> dict[str, str]:
    """Address to state, as the server holds them."""
    everybody = [*EVERYBODY, ZOE, {"name": "root@acme.test"}]
    asked = [{"name": p["name"], "type": p.get("type", "individual"), "state": "absent"} for p in everybody]
    found = mail.principals(*asked, check=True)["principals"]
    return {entry["name"].partition("@")[0]: entry["state"] for entry in found if entry["state"] != "absent"}


def settled(mail: Server, *principals: dict[str, Any], **more: Any) -> None:
    writes = mail.writes()
    again, _requests = counted(mail, named, mail, *principals, **more)
    assert not again["changed"], again["diff"]
    assert mail.writes() == writes


def test_marks_are_written_with_the_principals_and_cost_no_request(mail: Server) -> None:
    planned = named(mail, *EVERYBODY, check=True)
    done = named(mail, *EVERYBODY)
    assert words(done) == words(planned)
    assert done["diff"] == planned["diff"]
    assert all("managed_by" in entry["after"] for entry in done["diff"])
    settled(mail, *EVERYBODY)
    plain, without = counted(mail, mail.principals, *EVERYBODY)
    _marked, cost = counted(mail, named, mail, *EVERYBODY)
    assert not plain["changed"]
    assert cost == without
    # The collection's own marks are no settings and no options, so that an export says nothing of them.
    exported = mail.info(gather=[], export=True)["info"]["export"]
    assert "tenantmail" not in str(exported)


@pytest.mark.parametrize("more", [{}, {"disappeared": "absent"}, {"exclusive": True}], ids=str)
def test_half_a_file_suspends_nobody(mail: Server, more: dict[str, Any]) -> None:
    named(mail, *EVERYBODY)
    writes = mail.writes()
    for check in (True, False):
        failure = refusal(named, mail, ALICE, SALES, NEWS, check=check, disappeared_max=0, **more)
        assert failure.code == "invalid_value"
        assert "bob@acme.test" in failure.message
    assert mail.writes() == writes
    named(mail, ALICE, SALES, NEWS, disappeared_max=2, **more)
    # Who is suspended already is touched no more.
    settled(mail, ALICE, SALES, NEWS, disappeared_max=0, **more)


def test_a_mailbox_that_disappears_is_suspended_and_comes_back(mail: Server) -> None:
    named(mail, *EVERYBODY)
    planned = named(mail, SALES, ALICE, NEWS, check=True)
    assert states(mail)["bob"] == "present"
    gone = named(mail, SALES, ALICE, NEWS)
    assert words(gone) == words(planned) == ["update individual bob@acme.test"]
    assert gone["disappeared"] == [{"name": "bob@acme.test", "type": "individual"}]
    assert states(mail) == {
        "alice": "present",
        "bob": "suspended",
        "news": "present",
        "sales": "present",
        "zoe": "present",
    }
    settled(mail, SALES, ALICE, NEWS)
    assert words(named(mail, *EVERYBODY)) == ["update individual bob@acme.test"]
    assert states(mail)["bob"] == "present"
    settled(mail, *EVERYBODY)


def test_groups_and_lists_that_disappear_are_told_and_stay(mail: Server) -> None:
    named(mail, *EVERYBODY)
    left = named(mail, ALICE, BOB)
    assert not left["changed"]
    assert [entry["name"] for entry in left["disappeared"]] == ["news@acme.test", "sales@acme.test"]
    assert "a group cannot be suspended" in " ".join(left["warnings"])
    assert "a mailing list cannot be suspended" in " ".join(left["warnings"])


def test_what_disappears_is_removed_or_released_where_the_task_says_so(mail: Server) -> None:
    named(mail, *EVERYBODY)
    released = named(mail, SALES, ALICE, NEWS, disappeared="keep")
    assert words(released) == ["delete mark bob@acme.test"]
    assert states(mail)["bob"] == "present"
    settled(mail, SALES, ALICE, NEWS, disappeared="keep")
    settled(mail, SALES, ALICE, NEWS)
    removed = named(mail, ALICE, disappeared="absent")
    assert sorted(words(removed)) == [
        "delete group sales@acme.test",
        "delete list news@acme.test",
        "update individual alice@acme.test",
    ]
    assert states(mail) == {"alice": "present", "bob": "present", "zoe": "present"}
    settled(mail, ALICE, disappeared="absent")


def test_a_named_removal_takes_its_mark_along(mail: Server) -> None:
    named(mail, *EVERYBODY)
    named(mail, ALICE, {**BOB, "state": "absent"})
    settled(mail, ALICE, {**BOB, "state": "absent"}, SALES, NEWS)
    # Somebody makes one of that address: nobody's mark is left for it.
    mail.principals(BOB)
    assert not named(mail, ALICE, SALES, NEWS)["changed"]
    assert states(mail)["bob"] == "present"


def test_an_exclusive_inventory_suspends_strangers_but_no_administrator(mail: Server) -> None:
    mail.principals({"name": "root@acme.test", "roles": ["admin"]})
    done = named(mail, ALICE, BOB, exclusive=True)
    assert "update individual zoe@acme.test" in words(done)
    assert states(mail)["zoe"] == "suspended"
    assert states(mail)["root"] == "present"
    assert done["disappeared"] == []
    settled(mail, ALICE, BOB, exclusive=True)
    # A stranger is never removed, and leaving the list alone again resumes nobody.
    settled(mail, ALICE, BOB, exclusive=True, disappeared="absent")
    settled(mail, ALICE, BOB)
    mail.principals(ZOE)
    settled(mail, ALICE, BOB, exclusive=True, spare=["zoe@acme.test"])


def test_two_inventories_do_not_touch_each_other(mail: Server) -> None:
    named(mail, ALICE)
    named(mail, BOB, managed_by="help-desk")
    settled(mail, ALICE)
    settled(mail, BOB, managed_by="help-desk")


def test_an_inventory_that_names_nobody_suspends_what_it_named(mail: Server) -> None:
    named(mail, ALICE, BOB)
    assert sorted(words(named(mail))) == ["update individual alice@acme.test", "update individual bob@acme.test"]
    settled(mail)


def test_a_list_s_member_who_is_nobody_is_told(mail: Server) -> None:
    wrong = {**NEWS, "members": ["alise@acme.test", "zoe@acme.test", "press@elsewhere.test"]}
    for check in (True, False):
        told = [text for text in named(mail, ALICE, wrong, check=check)["warnings"] if "nobody" in text]
        assert len(told) == 1
        assert "alise@acme.test is nobody's address" in told[0]
        assert "Did you mean alice@acme.test?" in told[0]


def test_wrong_options_are_told_before_anything_is_read(mail: Server) -> None:
    assert "exclusive needs managed_by" in str(refusal(mail.principals, ALICE, exclusive=True))
    told = refusal(named, mail, ALICE, managed_by="My Inventory", spare=["nobody"])
    assert (told.code, len(told.details)) == ("invalid_value", 2)
