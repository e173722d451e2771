"""Principals: what is refused, what is planned, and what it would look like on the server."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.reconcile import Plan
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.permissions import canonical
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.principal import (
    normal_address,
    parse_principals,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.principal import vocabulary
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.principal_plan import (
    make_principal_plan,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.registry import Registry
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.schema import Schema


def plan(registry: Registry, *principals: dict[str, Any], rewrite: bool = False, known: bool = True) -> Plan:
    parsed = parse_principals(vocabulary(registry.schema), principals)
    return make_principal_plan(registry, parsed, rewrite_passwords=rewrite, known=known)


def words(found: Plan) -> list[str]:
    return [str(change) for change in found.changes]


def written(found: Plan, index: int = 0) -> dict[str, Any]:
    return {write.pointer: write.value for write in found.changes[index].payload[0].writes}


# --- input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Alice@ACME.test", "alice@acme.test"),
        (" a.b+c@x.test ", "a.b+c@x.test"),
        ("a@b\u00fccher.test", "a@xn--bcher-kva.test"),
        ("alice", None),
        ("@x.test", None),
        ("a@", None),
        ("a@localhost", None),
        ("a b@x.test", None),
        ("a..b@x.test", None),
        (".a@x.test", None),
        ("a@x_y.test", None),
        ("a@-x.test", None),
        ("a@x.test.", None),
    ],
)
def test_addresses(text: str, normal: str | None) -> None:
    assert normal_address(text) == normal


def test_permission_names_of_both_generations() -> None:
    assert canonical("email-receive") == canonical("emailReceive") == ("emailReceive",)
    assert canonical("jmap-email-set") == ("jmapEmailCreate", "jmapEmailUpdate", "jmapEmailDestroy")
    assert canonical("jmap-echo") == ("jmapCoreEcho",)


A = "a@acme.test"
BAD: list[tuple[list[dict[str, Any]], str]] = [
    ([{"name": "alice"}], "expected an address"),
    ([{"name": A, "aliases": ["x"]}], "expected an address"),
    ([{"name": A, "aliases": [A]}], "aliases (given: 'a@acme.test'): is its own address"),
    ([{"name": A}, {"name": A}], "is also used by"),
    ([{"name": A, "aliases": ["b@acme.test"]}, {"name": "b@acme.test"}], "is also used by"),
    ([{"name": A, "members": [A]}], "members: is not for type individual"),
    ([{"name": A, "type": "group", "password": "12345678"}], "password: is not for type group"),
    ([{"name": A, "type": "group", "member_of": ["g@acme.test"]}], "member_of: is not for type group"),
    ([{"name": A, "type": "list", "roles": ["user"]}], "roles: is not for type list"),
    ([{"name": A, "type": "list", "quota": 5}], "quota: is not for type list"),
    ([{"name": A, "type": "list", "receive_mail": False}], "a list always receives mail"),
    ([{"name": A, "type": "group", "state": "suspended"}], "only an individual"),
    ([{"name": A, "description": "  "}], "empty string"),
    ([{"name": A, "quota": -1}], "expected bytes"),
    ([{"name": A, "locale": "en_UK"}], "en_US"),
    ([{"name": A, "enabled_permissions": ["emailRecieve"]}], "did you mean 'emailReceive'"),
    ([{"name": A, "enabled_permissions": ["emailSend"], "disabled_permissions": ["email-send"]}], "is enabled, too"),
    ([{"name": A, "disabled_permissions": ["authenticate"]}], "state: suspended"),
    ([{"name": A, "password": "short77"}], "at least 8 characters"),
    ([{"name": A, "password": "geheim-geheim\n"}], "white space"),
    ([{"name": A, "aliases": ["a@b..test"]}], "expected an address"),
    ([{"name": "a" * 65 + "@acme.test"}], "expected an address"),
    ([{"name": A, "type": "group", "members": [A]}], "its own address"),
    ([{"name": A, "roles": [" "]}], "a role needs a name"),
    ([{"name": A, "quota": True}], "expected bytes"),
    ([{"name": A, "quota": 2**63}], "expected bytes"),
    ([{"name": A, "disabled_permissions": ["email-receive"]}], "receive_mail: false"),
    ([{"name": A, "receive_mail": False, "enabled_permissions": ["emailReceive"]}], "receive_mail is false"),
    ([{"name": A, "send_as": ["somebody"]}], "expected an address, or *@"),
    ([{"name": A, "send_as": ["*"]}], "expected an address, or *@"),
    ([{"name": A, "send_as": ["a*@acme.test"]}], "expected an address, or *@"),
    ([{"name": A, "send_as": [A]}], "from which it may send anyway"),
    ([{"name": "a*b@acme.test", "send_as": ["x@y.test"]}], "is not possible for an address with *"),
    ([{"name": A, "type": "group", "send_as": ["x@y.test"]}], "send_as: is not for type group"),
    ([{"name": A, "type": "list", "members_from_claims": True}], "members_from_claims: is not for type list"),
    ([{"name": A, "login_name": "a b"}], "login_name"),
    ([{"name": A, "enabled_permissions": ["email-recieve"]}], "did you mean 'email-receive'"),
]


@pytest.mark.parametrize(("principals", "message"), BAD, ids=[message for _p, message in BAD])
def test_refuses(schema: Schema, principals: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_principals(vocabulary(schema), principals)
    assert caught.value.code == "invalid_value"
    assert message in caught.value.message
    assert "short77" not in str(caught.value.as_dict())


def test_permissions_of_the_other_generation(schema: Schema) -> None:
    for name in ("settings-list", "manage-passwords"):
        with pytest.raises(Failure) as caught:
            parse_principals(vocabulary(schema), [{"name": A, "enabled_permissions": [name]}])
        assert caught.value.code == "unsupported_by_generation"
        assert "0.16 has no such permission" in caught.value.message


def test_reports_every_problem_at_once(schema: Schema) -> None:
    with pytest.raises(Failure) as caught:
        parse_principals(vocabulary(schema), [{"name": "x"}, {"name": A, "quota": -1, "locale": "xx"}, {"name": A}])
    assert len(caught.value.details) == 4


# --- against a server -------------------------------------------------------------------------------------------------

ALICE = {"name": "alice@acme.test"}


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
        },
        {**ALICE, "member_of": ["sales@acme.test"]},
        {**ALICE, "enabled_permissions": [], "disabled_permissions": []},
        {"name": "sales@acme.test", "type": "group", "members": ["alice@acme.test"], "receive_mail": True},
        {"name": "news@acme.test", "type": "list", "members": ["X@y.test"]},
        {"name": "nobody@acme.test", "state": "absent"},
    ],
)
def test_nothing_to_do(registry: Registry, principal: dict[str, Any]) -> None:
    assert not plan(registry, principal)


def test_a_new_individual(registry: Registry) -> None:
    found = plan(
        registry,
        {
            "name": "Bob@acme.test",
            "roles": ["user"],
            "aliases": ["b@acme.test"],
            "quota": 5,
            "member_of": ["sales@acme.test"],
        },
    )
    assert words(found) == ["create individual bob@acme.test"]
    assert written(found) == {
        "name": "bob",
        "domainId": "acme.test",
        "aliases": [{"name": "b", "domainId": "acme.test", "enabled": True}],
        "memberGroupIds": ["sales@acme.test"],
        "roles": {"@type": "User"},
        "quotas": {"maxDiskQuota": 5},
    }
    assert found.changes[0].after == {
        "aliases": ["b@acme.test"],
        "member_of": ["sales@acme.test"],
        "quota": 5,
        "roles": ["user"],
        "state": "present",
    }


def test_aliases_are_a_set_and_keep_their_notes(registry: Registry) -> None:
    found = plan(registry, {**ALICE, "aliases": ["al@acme.test", "alison@acme.test"]})
    assert written(found)["aliases"] == [
        {"name": "al", "domainId": "acme.test", "enabled": True, "description": "short"},
        {"name": "alison", "domainId": "acme.test", "enabled": True},
    ]
    assert (found.changes[0].before, found.changes[0].after) == (
        {"aliases": ["al@acme.test"]},
        {"aliases": ["al@acme.test", "alison@acme.test"]},
    )
    assert written(plan(registry, {**ALICE, "aliases": []}))["aliases"] == []


def test_a_disabled_alias_is_enabled(registry: Registry) -> None:
    registry.objects["Account"]["c"]["aliases"]["0"]["enabled"] = False
    assert words(plan(registry, {**ALICE, "aliases": ["al@acme.test"]})) == ["update individual alice@acme.test"]


def test_suspend_and_resume(registry: Registry) -> None:
    found = plan(registry, {**ALICE, "state": "suspended"})
    assert written(found) == {
        "permissions": {"@type": "Merge", "enabledPermissions": [], "disabledPermissions": ["authenticate"]}
    }
    assert (found.changes[0].before, found.changes[0].after) == ({"state": "present"}, {"state": "suspended"})
    registry.objects["Account"]["c"]["permissions"] = {
        "@type": "Merge",
        "enabledPermissions": {},
        "disabledPermissions": {"authenticate": True},
    }
    assert not plan(registry, {**ALICE, "state": "suspended"})
    assert written(plan(registry, ALICE)) == {"permissions": {"@type": "Inherit"}}


def test_permissions_keep_their_kind(registry: Registry) -> None:
    registry.objects["Account"]["c"]["permissions"] = {
        "@type": "Replace",
        "enabledPermissions": {"emailSend": True},
        "disabledPermissions": {},
    }
    assert not plan(registry, ALICE)
    found = plan(registry, {**ALICE, "state": "suspended"})
    assert written(found) == {"permissions/disabledPermissions": ["authenticate"]}


def test_groups_receive_mail(registry: Registry) -> None:
    registry.objects["Account"]["d"]["permissions"] = {
        "@type": "Merge",
        "enabledPermissions": {},
        "disabledPermissions": {"emailReceive": True},
    }
    group = {"name": "sales@acme.test", "type": "group"}
    assert written(plan(registry, group)) == {"permissions": {"@type": "Inherit"}}
    assert not plan(registry, {**group, "receive_mail": False})
    custom = written(plan(registry, {**group, "roles": ["helper"]}))
    assert custom["roles"] == {"@type": "Custom", "roleIds": ["Helper"]}
    assert custom["permissions/enabledPermissions"] == ["emailReceive"]


def test_members_are_kept_from_the_group_s_end(registry: Registry) -> None:
    group = {"name": "sales@acme.test", "type": "group", "members": ["bob@acme.test"]}
    found = plan(registry, group, {"name": "bob@acme.test"})
    assert words(found) == ["create individual bob@acme.test", "update individual alice@acme.test"]
    assert written(found)["memberGroupIds"] == ["sales@acme.test"]
    assert written(found, 1) == {"memberGroupIds": []}


def test_new_groups_come_before_their_members(registry: Registry) -> None:
    found = plan(registry, {**ALICE, "member_of": ["new@acme.test"]}, {"name": "new@acme.test", "type": "group"})
    assert found.changes[0].payload[0].needs == {("Account", "new@acme.test")}


def test_quota_can_be_taken_away(registry: Registry) -> None:
    assert written(plan(registry, {**ALICE, "quota": 0})) == {"quotas/maxDiskQuota": None}
    assert "quotas" not in written(plan(registry, {"name": "new@acme.test", "quota": 0}))


CONFLICTS: list[tuple[list[dict[str, Any]], str, str]] = [
    ([{"name": "a@other.test"}], "not_found", "no domain other.test"),
    ([{"name": "a@acme.tst"}], "not_found", "did you mean 'acme.test'"),
    ([{"name": "a@alias.test"}], "not_found", "is an alias of the domain acme.test"),
    ([{"name": "al@acme.test"}], "conflict", "is an alias of the individual alice@acme.test"),
    ([{"name": "bob@acme.test", "aliases": ["sales@acme.test"]}], "conflict", "belongs to the group sales@acme.test"),
    (
        [{"name": "bob@acme.test", "aliases": ["news@acme.test"]}],
        "conflict",
        "belongs to the mailing list news@acme.test",
    ),
    ([{"name": "news@acme.test"}], "conflict", "exists on the server as mailing list"),
    ([{"name": "sales@acme.test"}], "conflict", "exists on the server as group"),
    ([{"name": "alice@acme.test", "type": "list"}], "conflict", "exists on the server as individual"),
    ([{**ALICE, "roles": ["Helpr"]}], "not_found", "did you mean 'Helper'"),
    ([{**ALICE, "member_of": ["nope@acme.test"]}], "not_found", "alice@acme.test's group is no group"),
    (
        [{**ALICE, "member_of": ["b@acme.test"]}, {"name": "b@acme.test"}],
        "invalid_value",
        "must be a group; it is given as individual",
    ),
    ([{"name": "sales@acme.test", "type": "group", "members": ["nope@acme.test"]}], "not_found", "is to be a member"),
    (
        [{"name": "sales@acme.test", "type": "group", "members": []}, {**ALICE, "member_of": ["sales@acme.test"]}],
        "invalid_value",
        "contradict each other",
    ),
    ([{**ALICE, "state": "absent"}], "conflict", "holds 5 bytes"),
    ([{"name": "sales@acme.test", "state": "absent"}], "conflict", "exists on the server as group; say type: group"),
    (
        [{"name": "sales@acme.test", "type": "group", "members": ["news@acme.test"]}],
        "invalid_value",
        "is a mailing list; only individuals",
    ),
    (
        [
            {"name": "sales@acme.test", "type": "group", "state": "absent"},
            {**ALICE, "member_of": ["sales@acme.test"]},
        ],
        "invalid_value",
        "alice@acme.test's group is to be absent",
    ),
]


@pytest.mark.parametrize(("principals", "code", "message"), CONFLICTS, ids=[message for _p, _c, message in CONFLICTS])
def test_conflicts_with_the_server(
    registry: Registry, principals: list[dict[str, Any]], code: str, message: str
) -> None:
    with pytest.raises(Failure) as caught:
        plan(registry, *principals)
    assert caught.value.code == code
    assert message in caught.value.message
    assert "Nothing was written" in caught.value.hint


def test_removal(registry: Registry) -> None:
    assert words(plan(registry, {**ALICE, "state": "absent", "confirm_data_loss": True})) == [
        "delete individual alice@acme.test"
    ]
    assert words(plan(registry, {"name": "news@acme.test", "type": "list", "state": "absent"})) == [
        "delete list news@acme.test"
    ]


def test_passwords_with_the_internal_directory(registry: Registry) -> None:
    created = plan(registry, {"name": "bob@acme.test", "password": "geheim-geheim"})
    assert written(created)["credentials"] == [{"@type": "Password", "secret": "geheim-geheim"}]
    assert "geheim" not in str(created.diff()) + str(created.changes)
    first = plan(registry, {**ALICE, "password": "geheim-geheim"})
    assert written(first) == {"credentials/0": {"@type": "Password", "secret": "geheim-geheim"}}
    registry.objects["Account"]["c"]["credentials"] = {
        "0": {"@type": "AppPassword", "description": "phone", "secret": "****"},
        "1": {"@type": "Password", "secret": "****"},
    }
    assert not plan(registry, {**ALICE, "password": "geheim-geheim"})
    again = plan(registry, {**ALICE, "password": "geheim-geheim"}, rewrite=True)
    assert written(again) == {"credentials/1/secret": "geheim-geheim"}
    assert again.changes[0].after == {"password": "******** written"}


def oidc(registry: Registry, **more: Any) -> None:
    registry.objects["Directory"]["k"] = {
        "id": "k",
        "@type": "Oidc",
        "description": "Keycloak",
        "claimName": "name",
        **more,
    }
    registry.objects["Authentication"]["singleton"]["directoryId"] = "k"


def test_passwords_are_refused_where_somebody_else_checks_logins(registry: Registry) -> None:
    oidc(registry)
    for principal in ({**ALICE, "password": "geheim-geheim"}, {"name": "bob@acme.test", "password": "geheim-geheim"}):
        with pytest.raises(Failure) as caught:
            plan(registry, principal)
        assert "logins are checked by 'Keycloak' (Oidc)" in caught.value.message
        assert "app password" in caught.value.message


def test_the_name_claim_owns_the_description(registry: Registry) -> None:
    oidc(registry)
    assert not plan(registry, {**ALICE, "description": "Another"})
    assert written(plan(registry, {"name": "bob@acme.test", "description": "Bob"}))["description"] == "Bob"
    assert plan(registry, {"name": "sales@acme.test", "type": "group", "description": "Sales"})
    oidc(registry, claimName=None)
    assert plan(registry, {**ALICE, "description": "Another"})


def test_a_server_that_does_not_exist_yet(registry: Registry) -> None:
    found = plan(
        Registry(registry.schema),
        {"name": "admin@acme.test", "roles": ["user"], "aliases": ["postmaster@acme.test"]},
        {"name": "g@acme.test", "type": "group", "members": ["admin@acme.test"], "roles": ["Custom"]},
        {"name": "gone@acme.test", "state": "absent"},
        known=False,
    )
    assert words(found) == ["create individual admin@acme.test", "create group g@acme.test"]


# --- claims, senders, moves -------------------------------------------------------------------------------------------


def ops(found: Plan, index: int = 0) -> list[tuple[str, str, str]]:
    return [(op.kind, op.object, op.label) for op in found.changes[index].payload]


def test_memberships_from_claims_are_left_alone(registry: Registry) -> None:
    group = {"name": "sales@acme.test", "type": "group", "members": ["bob@acme.test"], "members_from_claims": True}
    assert not plan(registry, {**group, "members": []})
    assert not plan(registry, {**group, "members": ["unknown@acme.test"]})
    assert not plan(registry, {**ALICE, "member_of": [], "members_from_claims": True})
    found = plan(registry, group, {"name": "bob@acme.test"})
    assert words(found) == ["create individual bob@acme.test"]
    assert written(found)["memberGroupIds"] == ["sales@acme.test"], "before the first login nobody else can say it"
    new = plan(registry, {"name": "bob@acme.test", "member_of": ["sales@acme.test"], "members_from_claims": True})
    assert written(new)["memberGroupIds"] == ["sales@acme.test"]


def sender_rule(registry: Registry, *entries: dict[str, str]) -> None:
    registry.objects["MtaStageAuth"] = {
        "singleton": {"mustMatchSender": {"match": {str(i): e for i, e in enumerate(entries)}, "else": "true"}}
    }


def sender_row(registry: Registry, identifier: str, key: str, pattern: bool = False) -> None:
    rows = registry.objects.setdefault("MemoryLookupKey", {})
    rows[identifier] = {"id": identifier, "namespace": "sender-allow", "key": key, "isGlobPattern": pattern}


def test_send_as_writes_the_rule_and_the_rows(registry: Registry) -> None:
    sender_rule(registry)
    found = plan(registry, {**ALICE, "send_as": ["NoReply@elsewhere.test", "*@shop.test"]})
    assert words(found) == ["update individual alice@acme.test", "update sender rule mtaStageAuth.mustMatchSender"]
    assert found.changes[0].after == {"send_as": ["*@shop.test", "noreply@elsewhere.test"]}
    rows = [{write.pointer: write.value for write in op.writes} for op in found.changes[0].payload]
    assert rows == [
        {"namespace": "sender-allow", "key": "alice@acme.test:*@shop.test", "isGlobPattern": True},
        {"namespace": "sender-allow", "key": "alice@acme.test:noreply@elsewhere.test", "isGlobPattern": False},
    ]
    assert written(found, 1)["mustMatchSender"] == {
        "match": [{"if": "key_exists('sender-allow', authenticated_as + ':' + sender)", "then": "false"}],
        "else": "true",
    }


def test_the_sender_rule_keeps_what_it_says_besides(registry: Registry) -> None:
    own = {"if": "listener == 'relay'", "then": "false"}
    sender_rule(registry, own)
    found = plan(registry, {**ALICE, "send_as": ["x@y.test"]})
    assert [entry["then"] for entry in written(found, 1)["mustMatchSender"]["match"]] == ["false", "false"]
    assert written(found, 1)["mustMatchSender"]["match"][1] == own
    sender_rule(registry, own, {"if": 'key_exists("sender-allow",authenticated_as+":"+sender)', "then": "false"})
    assert words(plan(registry, {**ALICE, "send_as": ["x@y.test"]})) == ["update individual alice@acme.test"]


def test_rows_of_senders_are_exact_for_whom_they_are_given(registry: Registry) -> None:
    sender_rule(registry, {"if": "key_exists('sender-allow', authenticated_as + ':' + sender)", "then": "false"})
    sender_row(registry, "r1", "alice@acme.test:old@x.test")
    sender_row(registry, "r2", "alice@acme.test:*@x.test")
    sender_row(registry, "r3", "bob@acme.test:old@x.test")
    sender_row(registry, "r4", "somebody else's row")
    assert not plan(registry, ALICE)
    found = plan(registry, {**ALICE, "send_as": ["*@x.test"]})
    assert ops(found) == [
        ("update", "MemoryLookupKey", "sender-allow:alice@acme.test:*@x.test"),
        ("destroy", "MemoryLookupKey", "sender-allow:alice@acme.test:old@x.test"),
    ]
    removed = plan(registry, {**ALICE, "state": "absent", "confirm_data_loss": True})
    assert ops(removed)[0] == ("destroy", "Account", "alice@acme.test")
    assert len(removed.changes[0].payload) == 3
    assert ops(plan(registry, {**ALICE, "send_as": []})) == [
        ("destroy", "MemoryLookupKey", "sender-allow:alice@acme.test:*@x.test"),
        ("destroy", "MemoryLookupKey", "sender-allow:alice@acme.test:old@x.test"),
    ]


def test_an_alias_moves_in_one_task(registry: Registry) -> None:
    found = plan(registry, {"name": "bob@acme.test", "aliases": ["al@acme.test"]}, {**ALICE, "aliases": []})
    assert words(found) == ["create individual bob@acme.test", "update individual alice@acme.test"]
    assert found.changes[0].payload[0].needs == {("Account", "alice@acme.test")}


def test_receiving_mail_is_an_option_of_its_own(registry: Registry) -> None:
    registry.objects["Account"]["c"]["permissions"] = {
        "@type": "Merge",
        "enabledPermissions": {},
        "disabledPermissions": {"emailReceive": True, "emailSend": True},
    }
    assert not plan(registry, {**ALICE, "disabled_permissions": ["email-send"]})
    assert not plan(registry, {**ALICE, "receive_mail": False})
    found = plan(registry, {**ALICE, "receive_mail": True})
    assert (found.changes[0].before, found.changes[0].after) == ({"receive_mail": False}, {"receive_mail": True})


def test_groups_that_go_leave_no_members_behind(registry: Registry) -> None:
    found = plan(registry, {"name": "sales@acme.test", "type": "group", "state": "absent"})
    assert words(found) == ["update individual alice@acme.test", "delete group sales@acme.test"]
    assert written(found)["memberGroupIds"] == []
    both = plan(
        registry,
        {"name": "sales@acme.test", "type": "group", "state": "absent"},
        {**ALICE, "state": "absent", "confirm_data_loss": True},
    )
    assert words(both) == ["delete group sales@acme.test", "delete individual alice@acme.test"]
