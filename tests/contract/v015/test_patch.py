"""PATCH: the matrix of fields, actions and types (contract 0.15 sections 5.5 and 12)."""

from __future__ import annotations

from typing import Any

import pytest

from .rest import Change, Rest


@pytest.fixture
def user(rest: Rest, domain: str) -> str:
    name = f"u.{domain}"
    rest.create("individual", name, emails=[f"u@{domain}", f"z@{domain}", f"a@{domain}"], roles=["user"])
    return name


@pytest.fixture
def others(rest: Rest, domain: str) -> dict[str, str]:
    """One principal of each other type, by type."""
    names = {
        kind: f"{kind.lower()}.{domain}" for kind in ("group", "list", "role", "apiKey", "oauthClient", "resource")
    }
    for kind, name in names.items():
        rest.create(kind, name)
    return names | {"domain": domain}


def test_texts(rest: Rest, user: str) -> None:
    for field in ("description", "picture", "locale"):
        rest.patch(user, ("set", field, "x"))
        assert rest.get(user)[field] == "x"
        rest.patch(user, ("set", field, ""))
        assert field not in rest.get(user)


def test_quota(rest: Rest, user: str, others: dict[str, str]) -> None:
    rest.patch(user, ("set", "quota", 5))
    assert rest.get(user)["quota"] == 5
    rest.patch(user, ("set", "quota", 0))
    assert rest.get(user)["quota"] == 0
    rest.patch(user, ("set", "quota", ""))
    assert "quota" not in rest.get(user)
    rest.patch(others["group"], ("set", "quota", 5))
    for name in (others["list"], others["domain"], others["role"]):
        assert rest.not_patched(name, ("set", "quota", 5))["error"] == "other"


def test_rename(rest: Rest, user: str, domain: str) -> None:
    rest.patch(user, ("set", "name", f"NEW.{domain}"))
    assert rest.get(f"new.{domain}")["roles"] == ["user"]
    assert rest.not_patched(f"new.{domain}", ("set", "name", domain))["field"] == "name"
    rest.patch(f"new.{domain}", ("set", "name", user))


def test_emails(rest: Rest, user: str, domain: str) -> None:
    rest.patch(user, ("addItem", "emails", f"B@{domain}"), ("addItem", "emails", f"a@{domain}"))
    assert rest.get(user)["emails"] == [f"{letter}@{domain}" for letter in "uabz"]
    rest.patch(user, ("removeItem", "emails", f"u@{domain}"), ("removeItem", "emails", f"none@{domain}"))
    assert rest.get(user)["emails"] == [f"{letter}@{domain}" for letter in "abz"]  # the next alias is promoted
    rest.patch(user, ("set", "emails", [f"z@{domain}", f"N@{domain}"]))
    assert rest.get(user)["emails"] == [f"z@{domain}", f"n@{domain}"]
    rest.patch(user, ("set", "emails", []))
    assert "emails" not in rest.get(user)


def test_wrong_emails(rest: Rest, user: str, domain: str) -> None:
    rest.create("group", f"g.{domain}", emails=[f"g@{domain}"])
    taken = {"error": "fieldAlreadyExists", "field": "emails", "value": f"g@{domain}"}
    assert rest.not_patched(user, ("addItem", "emails", f"g@{domain}")) == taken
    assert rest.not_patched(user, ("addItem", "emails", "a@no.such.test")) == {
        "error": "notFound",
        "item": "no.such.test",
    }
    assert rest.not_patched(user, ("addItem", "emails", "nodomain"))["details"] == "Invalid email"
    assert rest.not_patched(user, ("set", "emails", f"x@{domain}"))["error"] == "other"


def test_one_write_for_all_changes(rest: Rest, user: str, domain: str) -> None:
    before = rest.get(user)
    refused = rest.not_patched(user, ("set", "description", "new"), ("addItem", "emails", "a@no.such.test"))
    assert refused["error"] == "notFound"
    assert rest.get(user) == before
    rest.patch(user)  # no change at all


def test_secrets(rest: Rest, user: str) -> None:
    def changed(*changes: Change) -> list[str]:
        rest.patch(user, *changes)
        return list(rest.get(user).get("secrets", []))

    assert changed(("set", "secrets", "one")) == ["one"]
    assert changed(("addItem", "secrets", "two")) == ["two"]  # replaces the password
    assert changed(("addItem", "secrets", "$app$a$h"), ("addItem", "secrets", "$app$b$h")) == [
        "two",
        "$app$a$h",
        "$app$b$h",
    ]
    assert changed(("addItem", "secrets", "otpauth://1"), ("addItem", "secrets", "otpauth://2"))[0] == "otpauth://2"
    assert changed(("removeItem", "secrets", "tw")) == ["otpauth://2", "two", "$app$a$h", "$app$b$h"]  # exact
    assert changed(("removeItem", "secrets", "$app$a$")) == ["otpauth://2", "two", "$app$b$h"]  # by prefix
    assert changed(("removeItem", "secrets", "")) == ["two"]  # app passwords and TOTP
    assert changed(("removeItem", "secrets", "two")) == []
    assert changed(("set", "secrets", ["p", "$app$a$h", "q"])) == ["p", "$app$a$h"]


PERMISSIONS = ("enabledPermissions", "disabledPermissions")


@pytest.mark.parametrize(("field", "opposite"), [PERMISSIONS, PERMISSIONS[::-1]])
def test_permissions(rest: Rest, user: str, field: str, opposite: str) -> None:
    rest.patch(user, ("addItem", field, "restart"))
    rest.patch(user, ("addItem", field, "restart"))
    assert rest.get(user)[field] == ["restart"]
    rest.patch(user, ("addItem", opposite, "restart"))  # flips
    assert (rest.get(user).get(field), rest.get(user)[opposite]) == (None, ["restart"])
    rest.patch(user, ("removeItem", field, "restart"))
    assert rest.get(user)[opposite] == ["restart"]
    rest.patch(user, ("set", field, ["email-send", "restart"]))
    assert sorted(rest.get(user)[field]) == ["email-send", "restart"]
    assert opposite not in rest.get(user)
    rest.patch(user, ("set", field, []))
    assert field not in rest.get(user)
    for action, value in (("addItem", "emailSend"), ("removeItem", "emailSend"), ("set", ["emailSend"])):
        assert rest.not_patched(user, (action, field, value))["details"] == f"Invalid {field} value"


# -- memberships -----------------------------------------------------------------------------------------------------


def test_membership_items(rest: Rest, user: str, others: dict[str, str]) -> None:
    for field, kind in (("memberOf", "group"), ("lists", "list"), ("roles", "role")):
        rest.patch(user, ("addItem", field, others[kind]), ("addItem", field, others[kind]))
        assert others[kind] in rest.get(user)[field]
        assert rest.get(others[kind])["members"] == [user]
        assert rest.not_patched(user, ("addItem", field, "nobody")) == {"error": "notFound", "item": "nobody"}
    for field, kind in (("memberOf", "group"), ("lists", "list"), ("roles", "role")):
        rest.patch(user, ("removeItem", field, others[kind]), ("removeItem", field, "nobody"))
    shown = rest.get(user)
    assert (shown.get("memberOf"), shown.get("lists"), shown["roles"]) == (None, None, ["user"])


def test_set_replaces_all_memberships(rest: Rest, user: str, others: dict[str, str]) -> None:
    """The destructive one: groups, lists and roles are one list to the server."""
    rest.patch(user, ("addItem", "lists", others["list"]))
    rest.patch(user, ("set", "memberOf", [others["group"]]))
    shown = rest.get(user)
    assert (shown["memberOf"], shown.get("lists"), shown.get("roles")) == ([others["group"]], None, None)
    rest.patch(user, ("set", "roles", ["user"]))
    shown = rest.get(user)
    assert (shown.get("memberOf"), shown["roles"]) == (None, ["user"])


def test_members(rest: Rest, user: str, others: dict[str, str]) -> None:
    for kind in ("group", "list"):
        name = others[kind]
        rest.patch(name, ("addItem", "members", user), ("addItem", "members", user))
        assert rest.get(name)["members"] == [user]
        rest.patch(name, ("removeItem", "members", user), ("removeItem", "members", "nobody"))
        assert "members" not in rest.get(name)
        rest.patch(name, ("set", "members", [user]))
        assert rest.get(name)["members"] == [user]
        rest.patch(name, ("set", "members", []))
        assert "members" not in rest.get(name)
        assert rest.not_patched(name, ("addItem", "members", "nobody")) == {"error": "notFound", "item": "nobody"}
    assert rest.get(user)["roles"] == ["user"]


@pytest.mark.parametrize(
    ("container", "member"),
    [
        ("group", "list"),
        ("group", "role"),
        ("list", "list"),
        ("list", "domain"),
        ("role", "group"),
        ("domain", "group"),
    ],
)
def test_wrong_members(rest: Rest, others: dict[str, str], container: str, member: str) -> None:
    refused = rest.not_patched(others[container], ("addItem", "members", others[member]))
    assert (refused["error"], refused["details"]) == ("other", "Invalid members value")


@pytest.mark.parametrize("kind", ["group", "list", "apiKey", "oauthClient", "domain", "resource"])
def test_only_individuals_and_roles_get_roles(rest: Rest, others: dict[str, str], kind: str) -> None:
    refused = rest.not_patched(others[kind], ("addItem", "roles", "user"))
    assert (refused["error"], refused["details"]) == ("other", "Invalid roles value")


@pytest.mark.parametrize(
    ("field", "kind"), [("memberOf", "list"), ("memberOf", "domain"), ("lists", "group"), ("roles", "group")]
)
def test_wrong_containers(rest: Rest, user: str, others: dict[str, str], field: str, kind: str) -> None:
    refused = rest.not_patched(user, ("addItem", field, others[kind]))
    assert (refused["error"], refused["details"]) == ("other", f"Invalid {field} value")


def test_external_members_are_judged(rest: Rest, others: dict[str, str]) -> None:
    rest.patch(others["list"], ("addItem", "externalMembers", "X@example.com"), ("addItem", "urls", "u"))
    shown = rest.get(others["list"])
    assert (shown["externalMembers"], shown["urls"]) == (["x@example.com"], ["u"])
    for value in ("x@corp.internal", "x@y.test", "x@localhost", "nonsense"):
        refused = rest.not_patched(others["list"], ("addItem", "externalMembers", value))
        assert (refused["error"], refused["details"]) == ("other", "Invalid email address")
    rest.patch(others["list"], ("set", "externalMembers", []), ("removeItem", "urls", "u"))
    assert set(rest.get(others["list"])) == {"id", "type", "name"}


# -- shapes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        ("set", "type", "group"),
        ("set", "usedQuota", 5),
        ("addItem", "description", "x"),
        ("set", "description", ["x"]),
        ("set", "description", 7),
        ("set", "name", ["x"]),
        ("set", "quota", "5"),
        ("set", "quota", [1, 2]),
        ("set", "roles", "user"),
        ("addItem", "roles", ["user"]),
        ("set", "memberOf", "x"),
        ("set", "enabledPermissions", "restart"),
        ("addItem", "enabledPermissions", ["restart"]),
        ("addItem", "members", ["x"]),
        ("addItem", "emails", ["x"]),
        ("set", "urls", "x"),
    ],
)
def test_wrong_shapes(rest: Rest, user: str, change: Change) -> None:
    refused = rest.not_patched(user, change)
    assert (refused["error"], refused["details"]) == ("other", "Invalid parameter")


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "set", "field": "description", "value": "x"},
        [{"action": "set", "field": "description"}],
        [{"action": "set", "field": "description", "value": None}],
        [{"action": "add", "field": "description", "value": "x"}],
        [{"action": "set", "field": "surname", "value": "x"}],
        [{"action": "set", "field": "description", "value": "x" * 513}],
        [{"action": "set", "field": "quota", "value": -1}],
        [{"action": "set", "field": "quota", "value": True}],
        [{"action": "set", "field": "urls", "value": ["a", 1]}],
        [{"action": "set", "field": "urls", "value": [["a"]]}],
        ["x"],
    ],
)
def test_malformed_changes(rest: Rest, user: str, changes: Any) -> None:
    answer = rest.http("PATCH", f"/api/principal/{user}", json=changes)
    assert (answer.status_code, answer.json()["detail"]) == (400, "JSON deserialization failed")
