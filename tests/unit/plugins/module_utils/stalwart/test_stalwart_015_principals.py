"""Principals on 0.15: what is planned on what a server holds, and which requests that takes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.reconcile import Plan
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.principal import parse_principals
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015 import send_as
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.export_principals import principals_of
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.password import (
    account_password,
    hash_password,
    verify_password,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.principal import (
    VOCABULARY,
    State,
    held_of,
    view,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.principal_ops import Op, ordered
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.principal_plan import (
    make_principal_plan,
)

ITEMS: list[dict[str, Any]] = [
    {"id": 2, "type": "domain", "name": "acme.test", "members": 6},
    {"id": 9, "type": "role", "name": "helper", "enabledPermissions": ["email-send", "authenticate"]},
    {
        "id": 3,
        "type": "individual",
        "name": "alice",
        "description": "Alice",
        "emails": ["alice@acme.test", "al@acme.test"],
        "roles": ["user"],
        "memberOf": ["sales@acme.test"],
        "quota": 1000,
        "usedQuota": 5,
        "locale": "en_US",
    },
    {
        "id": 4,
        "type": "group",
        "name": "sales@acme.test",
        "emails": ["sales@acme.test"],
        "roles": ["user"],
        "members": ["alice"],
    },
    {
        "id": 5,
        "type": "list",
        "name": "news@acme.test",
        "emails": ["news@acme.test"],
        "members": ["alice"],
        "externalMembers": ["X@y.test"],
    },
]
INTERNAL = {"storage.directory": "internal", "directory.internal.type": "internal"}
OIDC = {
    "storage.directory": "keycloak",
    "directory.keycloak.type": "oidc",
    "directory.keycloak.fields.email": "email",
    "directory.keycloak.fields.username": "preferred_username",
    "directory.keycloak.fields.full-name": "name",
}
ALICE: dict[str, Any] = {"name": "alice@acme.test"}


def server(*more: dict[str, Any], **settings: str) -> State:
    return State([*ITEMS, *more], {**INTERNAL, **{key.replace("__", "."): value for key, value in settings.items()}})


def oidc(*more: dict[str, Any], **changed: str) -> State:
    return State([*ITEMS, *more], {**OIDC, **{f"directory.keycloak.fields.{k}": v for k, v in changed.items()}})


def plan(state: State, *principals: dict[str, Any], rewrite: bool = False, known: bool = True) -> Plan:
    parsed = parse_principals(VOCABULARY, principals)
    return make_principal_plan(state, parsed, rewrite_passwords=rewrite, known=known)


def words(found: Plan) -> list[str]:
    return [str(change) for change in found.changes]


def steps(found: Plan, index: int = 0) -> list[tuple[str, str, Any]]:
    return [(step["action"], step["field"], step["value"]) for step in found.changes[index].payload[0].steps]


# --- nothing to do, and what there is to do ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "principal",
    [
        ALICE,
        {
            **ALICE,
            "aliases": ["al@acme.test"],
            "roles": ["user"],
            "quota": 1000,
            "locale": "en_US",
            "description": "Alice",
            "member_of": ["sales@acme.test"],
        },
        {**ALICE, "enabled_permissions": [], "disabled_permissions": []},
        {"name": "sales@acme.test", "type": "group", "members": ["alice@acme.test"], "roles": ["default"]},
        {"name": "news@acme.test", "type": "list", "members": ["x@Y.test", "alice@acme.test"]},
        {"name": "news@acme.test", "type": "list", "members": ["x@y.test", "al@acme.test"]},
        {"name": "nobody@acme.test", "state": "absent"},
    ],
)
def test_nothing_to_do(principal: dict[str, Any]) -> None:
    assert not plan(server(), principal)


CHANGES: list[tuple[dict[str, Any], list[tuple[str, str, Any]]]] = [
    ({**ALICE, "description": "A."}, [("set", "description", "A.")]),
    ({**ALICE, "quota": 5}, [("set", "quota", 5)]),
    ({**ALICE, "quota": 0}, [("set", "quota", "")]),
    ({**ALICE, "locale": "de_DE"}, [("set", "locale", "de_DE")]),
    (
        {**ALICE, "aliases": ["b@acme.test"]},
        [("addItem", "emails", "b@acme.test"), ("removeItem", "emails", "al@acme.test")],
    ),
    ({**ALICE, "member_of": []}, [("removeItem", "memberOf", "sales@acme.test")]),
    ({**ALICE, "roles": ["admin"]}, [("addItem", "roles", "admin"), ("removeItem", "roles", "user")]),
    ({**ALICE, "state": "suspended"}, [("addItem", "disabledPermissions", "authenticate")]),
    ({**ALICE, "receive_mail": False}, [("addItem", "disabledPermissions", "email-receive")]),
    ({**ALICE, "enabled_permissions": ["jmap-echo"]}, [("addItem", "enabledPermissions", "jmap-echo")]),
    ({**ALICE, "enabled_permissions": ["jmapCoreEcho"]}, [("addItem", "enabledPermissions", "jmap-echo")]),
    (
        {**ALICE, "disabled_permissions": ["jmapEmailCreate", "jmapEmailUpdate", "jmapEmailDestroy"]},
        [("addItem", "disabledPermissions", "jmap-email-set")],
    ),
    (
        {**ALICE, "roles": ["helper"], "receive_mail": True},
        [
            ("addItem", "roles", "helper"),
            ("removeItem", "roles", "user"),
            ("addItem", "enabledPermissions", "email-receive"),
        ],
    ),
    (
        {"name": "news@acme.test", "type": "list", "members": ["sales@acme.test", "new@y.test"]},
        [
            ("addItem", "members", "sales@acme.test"),
            ("removeItem", "members", "alice"),
            ("addItem", "externalMembers", "new@y.test"),
            ("removeItem", "externalMembers", "x@y.test"),
        ],
    ),
    ({**ALICE, "login_name": "alice.a"}, [("set", "name", "alice.a")]),
]


@pytest.mark.parametrize(("principal", "expected"), CHANGES, ids=[str(sorted(p)) for p, _s in CHANGES])
def test_the_shortest_patch(principal: dict[str, Any], expected: list[tuple[str, str, Any]]) -> None:
    found = plan(server(), principal)
    assert steps(found) == expected
    assert not [step for step in steps(found) if step[0] == "set" and step[1] in ("memberOf", "lists", "roles")]
    assert found.changes[0].before != found.changes[0].after


def test_new_principals() -> None:
    found = plan(
        oidc(),
        {"name": "Bob@acme.test", "aliases": ["b@acme.test"], "quota": 5, "member_of": ["ops@acme.test"]},
        {"name": "ops@acme.test", "type": "group"},
        {"name": "all@acme.test", "type": "list", "members": ["bob@acme.test", "z@y.test"]},
    )
    bob, ops, everybody = (change.payload[0] for change in found.changes)
    assert bob.body == {
        "type": "individual",
        "name": "bob",
        "emails": ["bob@acme.test", "b@acme.test"],
        "quota": 5,
        "memberOf": ["ops@acme.test"],
        "roles": ["user"],
    }
    assert ops.body == {
        "type": "group",
        "name": "ops@acme.test",
        "emails": ["ops@acme.test"],
        "roles": ["user"],
    }, "a group without a role receives nothing"
    assert everybody.body["members"] == ["bob"]
    assert everybody.body["externalMembers"] == ["z@y.test"]
    assert [op.name for op in ordered([everybody, bob, ops])] == ["ops@acme.test", "bob", "all@acme.test"]
    assert found.changes[0].after["member_of"] == ["ops@acme.test"]
    assert found.changes[2].after["members"] == ["bob@acme.test", "z@y.test"]


def test_a_list_keeps_the_address_of_a_member_that_goes() -> None:
    """Removing an account takes its memberships along; the list still passes mail on to the address."""
    found = plan(
        server(),
        {"name": "news@acme.test", "type": "list", "members": ["alice@acme.test", "x@y.test"]},
        {**ALICE, "state": "absent", "confirm_data_loss": True},
    )
    assert steps(found) == [
        ("removeItem", "members", "alice"),
        ("addItem", "externalMembers", "alice@acme.test"),
    ]


def test_what_an_account_is_called() -> None:
    """People log in by the name: what the username claim says, else the address that they know (contract 4.3)."""
    bob = {"name": "bob@acme.test"}
    assert plan(server(), bob).changes[0].payload[0].name == "bob@acme.test"
    assert plan(oidc(), bob).changes[0].payload[0].name == "bob"
    assert plan(oidc(username="email"), bob).changes[0].payload[0].name == "bob@acme.test"
    taken = {"type": "role", "name": "bob"}
    assert plan(oidc(taken), bob).changes[0].payload[0].name == "bob@acme.test"
    assert plan(oidc(), {**bob, "login_name": "Bobby"}).changes[0].payload[0].name == "bobby"
    twins = plan(oidc({"type": "domain", "name": "b.test"}), bob, {"name": "bob@b.test"})
    assert [change.payload[0].name for change in twins.changes] == ["bob", "bob@b.test"]


def test_an_account_without_an_address_is_adopted() -> None:
    """What a login leaves behind whose address was somebody else's (contract 4.3)."""
    found = plan(server({"type": "individual", "name": "bob", "roles": ["user"]}), {"name": "bob@acme.test"})
    assert steps(found) == [("addItem", "emails", "bob@acme.test")]


def test_groups_receive_mail() -> None:
    """The incident of contract 5.6: a group without the permission bounces with 550 5.5.0."""
    dead = {"type": "group", "name": "dead", "emails": ["dead@acme.test"]}
    group = {"name": "dead@acme.test", "type": "group"}
    assert steps(plan(server(dead), group)) == [("addItem", "enabledPermissions", "email-receive")]
    assert not plan(server(dead), {**group, "receive_mail": False})
    assert view(server(dead), held_of(dead))["receive_mail"] is False
    muted = {**dead, "roles": ["user"], "disabledPermissions": ["email-receive"]}
    assert steps(plan(server(muted), group)) == [("removeItem", "disabledPermissions", "email-receive")]
    assert not plan(server({**dead, "enabledPermissions": ["email-receive"]}), {**group, "enabled_permissions": []})


def test_memberships_from_the_group_s_end() -> None:
    group = {"name": "sales@acme.test", "type": "group", "members": ["bob@acme.test"]}
    found = plan(server(), group, {"name": "bob@acme.test"})
    assert words(found) == ["create individual bob@acme.test", "update individual alice@acme.test"]
    assert steps(found, 1) == [("removeItem", "memberOf", "sales@acme.test")]


def test_catch_all_addresses_are_left_alone() -> None:
    held = {"type": "individual", "name": "c", "emails": ["c@acme.test", "@acme.test"], "roles": ["user"]}
    assert not plan(server(held), {"name": "c@acme.test", "aliases": []})


def test_an_alias_moves_in_one_task() -> None:
    found = plan(oidc(), {"name": "bob@acme.test", "aliases": ["al@acme.test"]}, {**ALICE, "aliases": []})
    assert [op.name for op in ordered([change.payload[0] for change in found.changes])] == ["alice", "bob"]


def test_the_name_claim_owns_the_description() -> None:
    assert not plan(oidc(), {**ALICE, "description": "Another"})
    assert plan(oidc(), {"name": "sales@acme.test", "type": "group", "description": "Sales"})
    assert plan(oidc(**{"full-name": ""}), {**ALICE, "description": "Another"})


def test_removal() -> None:
    assert words(plan(server(), {**ALICE, "state": "absent", "confirm_data_loss": True})) == [
        "delete individual alice@acme.test"
    ]
    found = plan(server(), {"name": "news@acme.test", "type": "list", "state": "absent"})
    assert (found.changes[0].payload[0].kind, found.changes[0].payload[0].name) == ("delete", "news@acme.test")


REFUSED: list[tuple[list[dict[str, Any]], str, str]] = [
    ([{"name": "a@other.test"}], "not_found", "no domain other.test"),
    ([{"name": "al@acme.test"}], "conflict", "is an alias of the individual alice@acme.test"),
    ([{"name": "bob@acme.test", "aliases": ["sales@acme.test"]}], "conflict", "belongs to the group sales@acme.test"),
    ([{"name": "bob@acme.test", "aliases": ["news@acme.test"]}], "conflict", "belongs to the mailing list"),
    ([{"name": "sales@acme.test"}], "conflict", "exists on the server as group"),
    ([{**ALICE, "roles": ["helpr"]}], "not_found", "did you mean 'helper'"),
    ([{**ALICE, "member_of": ["nope@acme.test"]}], "not_found", "alice@acme.test's group is no group"),
    (
        [{"name": "sales@acme.test", "type": "group", "roles": ["helper"]}],
        "unsupported_by_generation",
        "it has default",
    ),
    ([{**ALICE, "state": "absent"}], "conflict", "holds 5 bytes"),
    ([{"name": "bob@acme.test", "login_name": "alice"}], "conflict", "is the name of the individual alice@acme.test"),
    ([{**ALICE, "enabled_permissions": ["sysDomainGet"]}], "unsupported_by_generation", "0.15 has no such permission"),
    ([{**ALICE, "enabled_permissions": ["jmapEmailCreate"]}], "unsupported_by_generation", "only as jmap-email-set"),
    ([{**ALICE, "enabled_permissions": ["email-recieve"]}], "invalid_value", "did you mean 'email-receive'"),
    ([{**ALICE, "enabled_permissions": ["emailRecieve"]}], "invalid_value", "did you mean 'emailReceive'"),
    ([{**ALICE, "locale": "english"}], "invalid_value", "a form such as en_US"),
]


@pytest.mark.parametrize(("principals", "code", "message"), REFUSED, ids=[message for _p, _c, message in REFUSED])
def test_refuses(principals: list[dict[str, Any]], code: str, message: str) -> None:
    with pytest.raises(Failure) as caught:
        plan(server(), *principals)
    assert caught.value.code == code
    assert message in caught.value.message
    assert "Nothing was written" in caught.value.hint


def test_a_server_that_does_not_exist_yet() -> None:
    found = plan(
        State(),
        {"name": "admin@acme.test", "aliases": ["postmaster@acme.test"], "send_as": ["x@y.test"]},
        {"name": "g@acme.test", "type": "group", "members": ["admin@acme.test"]},
        {"name": "gone@acme.test", "state": "absent"},
        known=False,
    )
    assert words(found)[:2] == ["create individual admin@acme.test", "create group g@acme.test"]


# --- passwords --------------------------------------------------------------------------------------------------------

SECRET = "geheim-geheim"


def test_passwords_are_hashed_and_compared_by_verifying() -> None:
    stored = hash_password(SECRET, b"0123456789abcdef", rounds=1000)
    # The digest is what `openssl kdf … PBKDF2` makes of the same input.
    assert stored == "$pbkdf2-sha512$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$oMkbLRwacDeaLlSToiqokBgGN95ux5f47focstOkOSI"
    assert verify_password(stored, SECRET)
    assert not verify_password(stored, "another one")
    assert hash_password(SECRET, rounds=1000) != hash_password(SECRET, rounds=1000)


@pytest.mark.parametrize(
    ("stored", "same"),
    [
        (SECRET, True),
        ("{PLAIN}" + SECRET, True),
        ("{SSHA}" + SECRET, False),
        ("$6$salt$hash", False),
        ("_" + SECRET, False),
        ("", False),
    ],
)
def test_other_forms_of_secrets(stored: str, same: bool) -> None:
    assert verify_password(stored, SECRET) is same


def test_app_passwords_are_no_account_s_password() -> None:
    assert account_password(["$app$phone$x", "otpauth://totp/x", "real"]) == "real"
    assert account_password(["$app$phone$x"]) is None


def test_what_an_export_cannot_say_is_named() -> None:
    bob = {"type": "individual", "name": "bob", "emails": ["bob@acme.test", "@acme.test"], "roles": ["user"]}
    found, left_out = principals_of([*ITEMS, {**bob, "secrets": ["$app$phone$x", "real"]}], INTERNAL)
    assert {
        "name": "bob@acme.test",
        "type": "individual",
        "login_name": "bob",
        "password": "<secret: bob@acme.test.password>",
    } in found
    assert dict(left_out)["bob@acme.test.aliases.@acme.test"].startswith("catches all mail")
    assert dict(left_out)["bob@acme.test.secrets"].startswith("1 app password")


def test_passwords() -> None:
    wanted = {**ALICE, "password": SECRET}
    created = plan(server(), {"name": "bob@acme.test", "password": SECRET})
    assert created.changes[0].payload[0].password == SECRET
    assert SECRET not in str(created.changes) + str(created.diff())
    assert plan(server(), wanted).changes[0].after == {"password": "******** written"}

    def holding(secret: str) -> State:
        return State(
            [{**item, **({"secrets": [secret]} if item["name"] == "alice" else {})} for item in ITEMS], INTERNAL
        )

    same = hash_password(SECRET, rounds=1000)
    assert not plan(holding("something else"), wanted)
    assert not plan(holding(same), wanted, rewrite=True)
    assert plan(holding("something else"), wanted, rewrite=True)
    assert plan(holding("$app$phone$x"), wanted)


def test_passwords_are_refused_where_somebody_else_checks_logins() -> None:
    with pytest.raises(Failure) as caught:
        plan(oidc(), {**ALICE, "password": SECRET})
    assert caught.value.code == "invalid_value"
    assert "logins are checked by 'keycloak' (oidc)" in caught.value.message
    assert "app password" in caught.value.message
    assert "password_clients" in caught.value.message


# --- senders ----------------------------------------------------------------------------------------------------------

QUESTION = "key_exists('sender-allow', authenticated_as + '|' + sender)"


def test_the_rule() -> None:
    assert send_as.rule_change({}).insert == {send_as.RULE: f"!{QUESTION}"}
    assert send_as.rule_change({send_as.RULE: "true"}).insert == {send_as.RULE: f"!{QUESTION}"}
    assert send_as.rule_change({send_as.RULE: "is_tls"}).insert == {send_as.RULE: f"(is_tls) && !{QUESTION}"}
    assert not send_as.rule_change({send_as.RULE: f"!{QUESTION}"})
    assert not send_as.rule_change({send_as.RULE: '!key_exists("sender-allow",authenticated_as+"|"+sender)'})


def test_the_rule_as_a_list() -> None:
    listed = {f"{send_as.RULE}.0.if": "is_tls", f"{send_as.RULE}.0.then": "true", f"{send_as.RULE}.1.else": "false"}
    change = send_as.rule_change(listed)
    assert change.insert == {
        f"{send_as.RULE}.0000.if": QUESTION,
        f"{send_as.RULE}.0000.then": "false",
        f"{send_as.RULE}.0001.if": "is_tls",
        f"{send_as.RULE}.0001.then": "true",
        f"{send_as.RULE}.0002.else": "false",
    }
    assert set(change.delete) == set(listed)
    after = {**change.insert}
    assert not send_as.rule_change(after)


def test_rows_of_senders() -> None:
    found = plan(server(), {**ALICE, "send_as": ["X@y.test", "*@z.test"]})
    assert words(found) == ["update individual alice@acme.test", f"update sender rule {send_as.RULE}"]
    op: Op = found.changes[0].payload[0]
    assert dict(op.settings.insert) == {
        "lookup.sender-allow.alice|x@y.test": "",
        "lookup.sender-allow.alice|*@z.test": "",
        "lookup.sender-allow.-|-": "",
    }
    rows = {
        **op.settings.insert,
        **found.changes[1].payload[0].settings.insert,
        "lookup.sender-allow.bob|o@y.test": "",
        **INTERNAL,
    }
    held = State(ITEMS, rows)
    assert not plan(held, {**ALICE, "send_as": ["x@y.test", "*@z.test"]})
    fewer = plan(held, {**ALICE, "send_as": []})
    assert fewer.changes[0].payload[0].settings.delete == (
        "lookup.sender-allow.alice|*@z.test",
        "lookup.sender-allow.alice|x@y.test",
    )
    assert not fewer.changes[0].payload[0].settings.insert
    renamed = plan(held, {**ALICE, "login_name": "alison"}).changes[0].payload[0].settings
    assert set(renamed.insert) == {"lookup.sender-allow.alison|x@y.test", "lookup.sender-allow.alison|*@z.test"}
    assert len(renamed.delete) == 2
    gone = plan(held, {**ALICE, "state": "absent", "confirm_data_loss": True}).changes[0].payload[0].settings
    assert len(gone.delete) == 2


def test_a_reload_that_is_owed() -> None:
    found = plan(State(ITEMS, {**INTERNAL, "tenantmail.pending.lookup": ""}), ALICE)
    assert words(found) == ["update running settings lookup"]
    assert found.changes[0].payload[0].settings.delete == ("tenantmail.pending.lookup",)
