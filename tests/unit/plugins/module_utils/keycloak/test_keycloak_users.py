"""Groups that the claim names, and users whose password is theirs."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.groups import unusable
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.model import RealmState
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.plan import plan_realm
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.users import anew
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.writes import writes
from ansible_collections.tenantmail.stalwart.plugins.module_utils.reconcile import Plan
from keycloak_realm import ALICE, as_the_role_leaves_it, desired, names, written


@pytest.fixture
def converged() -> RealmState:
    return copy.deepcopy(as_the_role_leaves_it(desired()))


def group(name: str, **attributes: list[str]) -> dict[str, Any]:
    return {"id": f"id-of-{name}", "name": name, "attributes": attributes}


def healed(state: RealmState, target: Any) -> RealmState:
    return written(state, target, writes(plan_realm(state, target), state, target))


def test_a_group_that_nobody_asked_for_is_no_mailbox(converged: RealmState) -> None:
    groups = {**converged.groups, "finance": group("finance"), "moved": group("moved", tenantmail_group=["x"], a=["b"])}
    state = dataclasses.replace(converged, groups=groups)
    assert names(state, desired()) == ["update group moved"]
    (options,) = writes(plan_realm(state, desired()), state, desired())["groups"]
    assert options == {"id": "id-of-moved", "name": "moved", "attributes": {"a": ["b"]}}


def test_groups_below_the_parent_are_mailboxes_and_so_is_what_the_inventory_names() -> None:
    target = desired(group_parent="mail")
    state = as_the_role_leaves_it(target)
    assert {path for path in state.groups if path != "somebody-elses"} == {
        "mail",
        "mail/sme-admin",
        "mail/sme-user",
        "mail/sales",
        "mail/tenantmail-probe-group",
    }
    assert names(state, target) == []
    state = dataclasses.replace(
        state,
        groups={
            **state.groups,
            "mail": group("mail", tenantmail_group=["mail"]),
            "mail/support": group("support"),
            "mail/Sales Team": group("Sales Team"),
            "mail/boss": group("boss", tenantmail_group=["sme-admin"]),
            "top": group("top"),
        },
    )
    assert names(state, target) == ["update group mail/support", "update group mail/boss", "update group mail"]
    assert unusable(state, target.groups) == ["mail/Sales Team"]
    assert names(healed(state, target), target) == []


def test_a_parent_comes_before_what_is_below_it() -> None:
    found = [name for name in names(RealmState(), desired(group_parent="mail")) if "group " in name]
    assert found[:2] == ["create group mail", "create group mail/sme-admin"]


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"firstName": "Other"}, {"first_name": "Other"}),
        ({"lastName": None}, {"last_name": None}),
        ({"email": "alice@evil.test"}, {"email": "alice@evil.test"}),
        ({"emailVerified": False}, {"email_verified": False}),
        ({"enabled": False}, {"enabled": False}),
    ],
)
def test_each_drift_of_a_user_is_seen_and_healed_without_a_password(
    converged: RealmState, change: dict[str, Any], shown: dict[str, Any]
) -> None:
    converged.users["alice"].update(change, requiredActions=["UPDATE_PASSWORD"])
    (found,) = plan_realm(converged, desired()).changes
    assert (str(found), found.before) == ("update user alice", shown)
    (options,) = writes(plan_realm(converged, desired()), converged, desired())["users"]
    assert (options["new"], options["force"], options["groups"]) == (False, False, [])
    # The module would empty them.
    assert options["required_actions"] == ["UPDATE_PASSWORD"]
    assert names(healed(converged, desired()), desired()) == []


def test_required_actions_and_other_groups_are_the_users_own(converged: RealmState) -> None:
    converged.users["alice"]["requiredActions"] = ["CONFIGURE_TOTP"]
    state = dataclasses.replace(converged, members={**converged.members, "somebody-elses": frozenset({"alice"})})
    assert names(state, desired()) == []


def test_membership_is_exact_among_the_groups_of_the_claim(converged: RealmState) -> None:
    members = {**converged.members, "sales": frozenset(), "sme-admin": frozenset({"alice", "bob"})}
    state = dataclasses.replace(converged, members=members)
    (change,) = plan_realm(state, desired()).changes
    assert (change.before, change.after) == ({"groups": ["sme-admin"]}, {"groups": ["sales"]})
    (options,) = writes(plan_realm(state, desired()), state, desired())["users"]
    assert options["groups"] == [{"name": "/sales", "state": "present"}, {"name": "/sme-admin", "state": "absent"}]
    after = healed(state, desired())
    assert after.members["sme-admin"] == {"bob"}
    assert names(after, desired()) == []


def test_groups_of_users_are_below_the_parent() -> None:
    target = desired(group_parent="mail")
    plan = plan_realm(RealmState(), target)
    alice = writes(plan, RealmState(), target)["users"][0]
    assert (alice["new"], alice["groups"]) == (True, [{"name": "/mail/sales", "state": "present"}])


def test_a_user_who_left_the_inventory_is_left_alone(converged: RealmState) -> None:
    assert names(converged, desired(users=[], groups=["sme-admin", "sme-user", "sales"])) == []


def test_a_probe_that_cannot_log_in_is_made_anew(converged: RealmState) -> None:
    plan = Plan((anew("tenantmail-probe", "Invalid user credentials"),))
    assert plan.diff()[0]["before"] == {"login": "refused: Invalid user credentials"}
    (options,) = writes(plan, converged, desired())["users"]
    assert (options["new"], options["force"]) == (True, True)
    assert options["groups"] == [{"name": "/tenantmail-probe-group", "state": "present"}]


def test_required_actions_are_set_on_creation_only(converged: RealmState) -> None:
    target = desired(users=[{**ALICE, "required_actions": ["CONFIGURE_TOTP"]}])
    assert names(converged, target) == []
    given = writes(plan_realm(RealmState(), target), RealmState(), target)["users"][0]
    assert given["required_actions"] == ["CONFIGURE_TOTP"]
