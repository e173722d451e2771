"""Wrong principals: what is said, with which code, and that nothing is written. One server of each generation serves the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.api import Target
from tests.simulator.fixture import start_simulator

from .server import Server, refusal, words
from .test_principals_both import SETTINGS

SECRET = "geheim7"
A, BOTH = "a@acme.test", ("0.16", "0.15")
INVALID, CONFLICT, MISSING, UNSUPPORTED = "invalid_value", "conflict", "not_found", "unsupported_by_generation"

HELD: tuple[dict[str, Any], ...] = (
    {"name": "alice@acme.test", "aliases": ["al@acme.test"]},
    {"name": "sales@acme.test", "type": "group", "members": ["alice@acme.test"]},
    {"name": "news@acme.test", "type": "list", "aliases": ["n@acme.test"], "members": ["x@y.test"]},
)

#: What is given, the code, a part of the message, and the generations that say so.
Row = tuple[str, list[dict[str, Any]], str, str, tuple[str, ...]]
ROWS: list[Row] = [
    # Addresses.
    (
        "no address",
        [{"name": "alice"}],
        INVALID,
        "principals[0] alice.name (given: 'alice'): expected an address",
        BOTH,
    ),
    ("no local part", [{"name": "@acme.test"}], INVALID, "expected an address", BOTH),
    ("no domain", [{"name": "a@"}], INVALID, "expected an address", BOTH),
    ("a blank", [{"name": "a b@acme.test"}], INVALID, "expected an address", BOTH),
    ("two dots", [{"name": "a..b@acme.test"}], INVALID, "expected an address", BOTH),
    ("a display name", [{"name": "Alice <a@acme.test>"}], INVALID, "expected an address", BOTH),
    ("65 octets", [{"name": f"{'a' * 65}@acme.test"}], INVALID, "expected an address", BOTH),
    ("alias without domain", [{"name": A, "aliases": ["x"]}], INVALID, "a@acme.test.aliases (given: 'x')", BOTH),
    ("alias of itself", [{"name": A, "aliases": ["A@ACME.test"]}], INVALID, "is its own address", BOTH),
    ("given twice", [{"name": A}, {"name": A}], INVALID, f"is also used by principals[0] {A}", BOTH),
    (
        "two of one alias",
        [{"name": A, "aliases": ["b@acme.test"]}, {"name": "b@acme.test"}],
        INVALID,
        "also used",
        BOTH,
    ),
    ("member without domain", [{"name": A, "type": "group", "members": ["x"]}], INVALID, ".members (given: 'x')", BOTH),
    ("its own member", [{"name": A, "type": "group", "members": [A]}], INVALID, "is its own address", BOTH),
    # Options of other types.
    ("members of one", [{"name": A, "members": ["x@y.test"]}], INVALID, "members: is not for type individual", BOTH),
    ("a group's password", [{"name": A, "type": "group", "password": "g" * 9}], INVALID, "is not for type group", BOTH),
    ("a group's group", [{"name": A, "type": "group", "member_of": ["g@acme.test"]}], INVALID, "is not for type", BOTH),
    (
        "a group's senders",
        [{"name": A, "type": "group", "send_as": ["x@y.test"]}],
        INVALID,
        "send_as: is not for",
        BOTH,
    ),
    ("a list's roles", [{"name": A, "type": "list", "roles": ["user"]}], INVALID, "roles: is not for type list", BOTH),
    ("a list's quota", [{"name": A, "type": "list", "quota": 5}], INVALID, "quota: is not for type list", BOTH),
    (
        "a list without mail",
        [{"name": A, "type": "list", "receive_mail": False}],
        INVALID,
        "always receives mail",
        BOTH,
    ),
    ("a suspended group", [{"name": A, "type": "group", "state": "suspended"}], INVALID, "only an individual", BOTH),
    # Values.
    ("no description", [{"name": A, "description": " "}], INVALID, "an empty string is not accepted", BOTH),
    ("a debt", [{"name": A, "quota": -1}], INVALID, "quota (given: -1): expected bytes", BOTH),
    ("too much", [{"name": A, "quota": 2**63}], INVALID, "expected bytes", BOTH),
    (
        "no locale",
        [{"name": A, "locale": "english"}],
        INVALID,
        "locale (given: 'english'): not an accepted value",
        BOTH,
    ),
    ("a short password", [{"name": A, "password": SECRET}], INVALID, "at least 8 characters; this one has 7", BOTH),
    ("a password's newline", [{"name": A, "password": f"{SECRET}{SECRET}\n"}], INVALID, "white space", BOTH),
    ("a login with blanks", [{"name": A, "login_name": "a b"}], INVALID, "login_name (given: 'a b')", BOTH),
    ("a sender of no domain", [{"name": A, "send_as": ["boss"]}], INVALID, "an address, or *@ and a domain", BOTH),
    ("any sender", [{"name": A, "send_as": ["*"]}], INVALID, "an address, or *@ and a domain", BOTH),
    ("its own sender", [{"name": A, "send_as": [A]}], INVALID, "from which it may send anyway", BOTH),
    # Permissions and roles.
    ("a permission", [{"name": A, "enabled_permissions": ["emailRecieve"]}], INVALID, "mean 'emailReceive'", BOTH),
    ("a permission of 0.15", [{"name": A, "enabled_permissions": ["email-recieve"]}], INVALID, "'email-receive'", BOTH),
    (
        "granted and taken",
        [{"name": A, "enabled_permissions": ["emailSend"], "disabled_permissions": ["email-send"]}],
        INVALID,
        "disabled_permissions (given: 'emailSend'): is enabled, too",
        BOTH,
    ),
    ("no login", [{"name": A, "disabled_permissions": ["authenticate"]}], INVALID, "state: suspended instead", BOTH),
    ("no mail", [{"name": A, "disabled_permissions": ["email-receive"]}], INVALID, "receive_mail: false instead", BOTH),
    ("a role", [{"name": A, "roles": ["admim"]}], MISSING, "no role 'admim'; did you mean 'admin'", BOTH),
    ("a role without name", [{"name": A, "roles": [""]}], INVALID, "a role needs a name", BOTH),
    (
        "0.15's own",
        [{"name": A, "enabled_permissions": ["settings-list"]}],
        UNSUPPORTED,
        "no such permission",
        ("0.16",),
    ),
    (
        "0.16's own",
        [{"name": A, "enabled_permissions": ["sysDomainGet"]}],
        UNSUPPORTED,
        "no such permission",
        ("0.15",),
    ),
    ("a third", [{"name": A, "disabled_permissions": ["jmapEmailCreate"]}], UNSUPPORTED, "give all of them", ("0.15",)),
    # What the server holds.
    ("no such domain", [{"name": "a@acme.tst"}], MISSING, "no domain acme.tst; did you mean 'acme.test'", BOTH),
    ("alias elsewhere", [{"name": A, "aliases": ["a@other.test"]}], MISSING, "no domain other.test", BOTH),
    ("somebody's alias", [{"name": "al@acme.test"}], CONFLICT, "is an alias of the individual alice@acme.test", BOTH),
    (
        "a group's",
        [{"name": A, "aliases": ["sales@acme.test"]}],
        CONFLICT,
        "belongs to the group sales@acme.test",
        BOTH,
    ),
    ("a list's", [{"name": A, "aliases": ["news@acme.test"]}], CONFLICT, "belongs to the mailing list news@", BOTH),
    ("a list's alias", [{"name": "n@acme.test"}], CONFLICT, "is an alias of the mailing list news@acme.test", BOTH),
    ("another type", [{"name": "sales@acme.test"}], CONFLICT, "exists on the server as group", BOTH),
    ("a list that was one", [{"name": "alice@acme.test", "type": "list"}], CONFLICT, "exists on the server as", BOTH),
    ("remove another type", [{"name": "news@acme.test", "state": "absent"}], CONFLICT, "say type: list", BOTH),
    ("no group", [{"name": A, "member_of": ["alice@acme.test"]}], MISSING, f"{A}'s group is no group", BOTH),
    ("no member", [{"name": "sales@acme.test", "type": "group", "members": [A]}], MISSING, "is to be a member", BOTH),
    (
        "a list in a group",
        [{"name": "sales@acme.test", "type": "group", "members": ["news@acme.test"]}],
        INVALID,
        "is a mailing list; only individuals are members of groups",
        BOTH,
    ),
    (
        "a contradiction",
        [
            {"name": "sales@acme.test", "type": "group", "members": []},
            {"name": "alice@acme.test", "member_of": ["sales@acme.test"]},
        ],
        INVALID,
        "members and alice@acme.test's member_of contradict each other",
        BOTH,
    ),
    (
        "a member that goes",
        [
            {"name": "sales@acme.test", "type": "group", "members": ["alice@acme.test"]},
            {"name": "alice@acme.test", "state": "absent"},
        ],
        INVALID,
        "is to be a member, but is to be absent, too",
        BOTH,
    ),
    (
        "somebody's name",
        [{"name": A, "login_name": "alice@acme.test"}],
        CONFLICT,
        "is the name of the individual alice@",
        ("0.15",),
    ),
]


@pytest.fixture(scope="module", params=BOTH)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    simulator = start_simulator(tmp_path_factory.mktemp("refused"), request.param, STALWART_HOSTNAME="mail.acme.test")
    target = Target("simulator", simulator.base_url, simulator.username, simulator.password)
    server = Server(target, simulator, request.param)
    server.settings(SETTINGS)
    server.principals(*HELD)
    yield server
    simulator.stop()


@pytest.mark.parametrize(
    ("principals", "code", "message", "generations"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_refused(
    shared: Server, principals: list[dict[str, Any]], code: str, message: str, generations: tuple[str, ...]
) -> None:
    before = shared.writes()
    for check in (True, False):
        if shared.generation not in generations:
            assert shared.principals(*principals, check=True)["changed"], "the other generation can express it"
            continue
        # In check mode, a domain may be what an earlier task would have created.
        if not (check and "no domain" in message):
            failure = refusal(shared.principals, *principals, check=check)
            assert (failure.layer, failure.code) == ("stalwart", code), failure.message
            assert message in failure.message
            assert SECRET not in str(failure.as_dict())
            assert "Nothing was written." in failure.hint
    assert shared.writes() == before


def test_roles_of_a_group_that_exists(shared: Server) -> None:
    """0.16 has another word for the administrator's role than 0.15, which cannot give it to a group afterwards."""
    role, code, message = {
        "0.16": ("admin", MISSING, "did you mean 'System Administrator'"),
        "0.15": ("admin", UNSUPPORTED, "0.15 sets the roles of a group when it is created only (it has default)"),
    }[shared.generation]
    failure = refusal(shared.principals, {"name": "sales@acme.test", "type": "group", "roles": [role]})
    assert (failure.code, message in failure.message) == (code, True), failure.message


def test_all_mistakes_are_told_at_once(shared: Server) -> None:
    wrong = [{"name": "x"}, {"name": A, "quota": -1, "locale": "english"}, {"name": A}]
    failure = refusal(shared.principals, *wrong)
    assert len(failure.details) == 4


def test_a_refusal_of_the_server_names_what_is_written_by_then(shared: Server) -> None:
    """What a plan cannot know: the server's opinion of a password, and which outside members a list of 0.15 takes."""
    first = {"name": "early@acme.test"}
    refused: dict[str, dict[str, Any]] = {
        "0.16": {"name": "weak@acme.test", "password": "password"},
        "0.15": {"name": "news@acme.test", "type": "list", "members": ["x@y.test", "z@elsewhere.test"]},
    }
    failure = refusal(shared.principals, first, refused[shared.generation])
    assert refused[shared.generation]["name"] in failure.message
    assert "early@acme.test; the next run continues from there." in failure.hint
    # 0.15 was not told to forget that there was no such address.
    owed = {"0.16": [], "0.15": ["update running settings settings"]}
    assert words(shared.principals(first)) == owed[shared.generation]
    assert not shared.principals(first)["changed"]
