"""Creating, showing, listing and deleting principals (contract 0.15 sections 5.1 to 5.4, 5.7)."""

from __future__ import annotations

from typing import Any

import pytest

from .rest import Rest

_LISTS = "secrets emails urls memberOf roles lists members enabledPermissions disabledPermissions externalMembers"
#: What the web UI sends: every field, empty.
EMPTY: dict[str, list[str]] = {name: [] for name in _LISTS.split()}


def test_names_are_lower_cased_on_write_and_compared_as_they_are(rest: Rest, domain: str) -> None:
    rest.create("individual", f"U.{domain}", emails=[f"U@{domain.upper()}"])
    shown = rest.get(f"u.{domain}")
    assert (shown["name"], shown["emails"]) == (f"u.{domain}", [f"u@{domain}"])
    body = rest.error("GET", f"/api/principal/U.{domain}")
    assert body == {"error": "notFound", "item": f"U.{domain}"}
    assert rest.not_created("group", f"g.{domain}", members=[f"U.{domain}"])["error"] == "notFound"


def test_empty_fields_are_left_out(rest: Rest, domain: str) -> None:
    key = rest.create("individual", f"u.{domain}", description=None, quota=0, locale="", **EMPTY)
    assert rest.get(f"u.{domain}") == {"id": key, "type": "individual", "name": f"u.{domain}", "locale": ""}


def test_everything_is_shown(rest: Rest, domain: str) -> None:
    group, list_, role, user = (f"{kind}.{domain}" for kind in ("group", "list", "role", "user"))
    rest.create("group", group)
    rest.create("list", list_)
    rest.create("role", role, enabledPermissions=["authenticate"])
    fields: dict[str, Any] = {
        "description": "A user",
        "quota": 1073741824,
        "locale": "de_DE",
        "picture": "data:",
        "emails": [f"m@{domain}", f"z@{domain}", f"a@{domain}"],
        "secrets": ["plain", "$app$phone$hash", "otpauth://totp/x", "second plain"],
        "memberOf": [group],
        "lists": [list_],
        "roles": ["user", role],
        "enabledPermissions": ["restart"],
        "disabledPermissions": ["email-send"],
    }
    key = rest.create("individual", user, **fields)
    shown = rest.get(user)
    assert sorted(shown.pop("roles")) == sorted(fields.pop("roles"))
    # One password; aliases sorted behind the primary address.
    expected = fields | {
        "id": key,
        "type": "individual",
        "name": user,
        "emails": [f"m@{domain}", f"a@{domain}", f"z@{domain}"],
        "secrets": ["otpauth://totp/x", "plain", "$app$phone$hash"],
    }
    assert shown == expected
    assert rest.get(group)["members"] == [user]
    assert rest.get(list_)["members"] == [user]
    assert rest.get(role)["members"] == [user]
    assert rest.get(domain)["members"] == 3


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"secrets": ["a", 7, None, {}, ["b"]]}, {"secrets": ["a"]}),
        ({"secrets": "one"}, {"secrets": ["one"]}),
        ({"secrets": 7}, {}),
        ({"secrets": ["x" * 513]}, {}),
        ({"urls": ["u", "v"]}, {"urls": ["u", "v"]}),
        (
            {"externalMembers": ["x@corp.internal", "not an address"]},
            {"externalMembers": ["x@corp.internal", "not an address"]},
        ),
        ({"emails": ["no-domain"]}, {"emails": ["no-domain"]}),
        ({"usedQuota": 5, "id": 77, "tenant": None}, {}),
        ({"quota": 5}, {"quota": 5}),
    ],
)
def test_what_is_kept_of_odd_values(rest: Rest, domain: str, fields: Any, kept: Any) -> None:
    rest.create("individual", f"u.{domain}", **fields)
    shown = rest.get(f"u.{domain}")
    assert {name: shown[name] for name in shown if name not in ("id", "type", "name")} == kept


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "surname": "y"},
        {"name": None},
        {"name": 7},
        {"name": "x" * 513},
        {"name": "x", "description": 7},
        {"name": "x", "description": "d" * 513},
        {"name": "x", "type": "Individual"},
        {"name": "x", "type": "other"},
        {"name": "x", "quota": -1},
        {"name": "x", "quota": 1.5},
        {"name": "x", "secrets": "s" * 513},
        [],
    ],
)
def test_malformed_principals(rest: Rest, body: Any) -> None:
    answer = rest.http("POST", "/api/principal", json=body)
    assert (answer.status_code, answer.json()["detail"]) == (400, "JSON deserialization failed")


def test_refusals(rest: Rest, domain: str) -> None:
    user = f"u.{domain}"
    rest.create("individual", user, emails=[f"u@{domain}"])
    new = f"new.{domain}"
    assert rest.error("POST", "/api/principal", json={"type": "group"}) == {"error": "fieldMissing", "field": "name"}
    exists = {"error": "fieldAlreadyExists"}
    # One name space for all types.
    assert rest.not_created("group", user.upper()) == exists | {"field": "name", "value": user}
    assert rest.not_created("group", new, emails=[f"U@{domain}"]) == exists | {
        "field": "emails",
        "value": f"u@{domain}",
    }
    missing = {"error": "notFound"}
    assert rest.not_created("group", new, emails=["a@no.such.test"]) == missing | {"item": "no.such.test"}
    for field in ("members", "memberOf", "lists", "roles"):
        assert rest.not_created("individual", new, **{field: ["nobody"]}) == missing | {"item": "nobody"}
    # A membership needs a container of its type.
    for field in ("memberOf", "lists", "roles"):
        assert rest.not_created("individual", new, **{field: [domain]}) == missing | {"item": domain}
    refused = rest.not_created("individual", new, enabledPermissions=["emailReceive"])
    assert (refused["error"], refused["details"]) == ("other", "Invalid enabledPermissions value")
    assert rest.error("GET", f"/api/principal/{new}")["error"] == "notFound"


def test_members_are_not_judged_on_create(rest: Rest, domain: str) -> None:
    rest.create("group", f"g.{domain}", members=[domain])
    assert rest.get(f"g.{domain}")["members"] == [domain]


def test_roles_of_any_type_on_create(rest: Rest, domain: str) -> None:
    rest.create("group", f"g.{domain}", roles=["user"])
    assert rest.get(f"g.{domain}")["roles"] == ["user"]


def test_too_large(rest: Rest, domain: str) -> None:
    urls = [f"{index:04}{'u' * 500}" for index in range(250)]
    refused = rest.not_created("individual", f"u.{domain}", urls=urls)
    assert (refused["error"], refused["details"]) == ("other", "Invalid parameter")


def test_first_domain_becomes_the_report_domain(rest: Rest, name: str) -> None:
    rest.insert({"report.domain": "x.test"})
    rest.operate({"type": "delete", "keys": ["report.domain"]})
    rest.create("domain", f"A.{name}")
    rest.create("domain", f"b.{name}")
    assert rest.keys(keys="report.domain") == {"report.domain": f"a.{name}"}


# -- lists -----------------------------------------------------------------------------------------------------------


def _names(rest: Rest, query: str) -> list[str]:
    return [item.get("name", "") for item in rest.data("GET", f"/api/principal?{query}")["items"]]


def test_list(rest: Rest, domain: str) -> None:
    users = [f"{letter}.{domain}" for letter in "bca"]
    for user in users:
        rest.create("individual", user, description=f"Person {user[0]}", secrets="s")
    word = domain.removesuffix(".test")
    assert _names(rest, f"filter={word}&types=individual") == sorted(users)
    assert _names(rest, f"filter={word}&types=individual,domain") == [users[2], users[0], users[1], domain]
    assert _names(rest, f"filter={word}&types=individual&limit=2&page=2") == [users[1]]
    paged = rest.data("GET", f"/api/principal?filter={word}&types=individual&limit=1")
    assert (len(paged["items"]), paged["total"]) == (1, 3)
    counted = rest.data("GET", f"/api/principal?filter={word}&count=true")
    assert counted == {"items": [], "total": 4}
    (shown,) = rest.data("GET", f"/api/principal?filter=person+b+{word}&fields=name,description,nope")["items"]
    assert set(shown) == {"id", "type", "name", "description"}
    assert rest.data("GET", f"/api/principal?filter={word}&types=domain&fields=name")["items"][0]["name"] == domain


def test_unknown_types_switch_the_filter_off(rest: Rest, domain: str) -> None:
    rest.create("group", f"g.{domain}")
    word = domain.removesuffix(".test")
    assert len(_names(rest, f"filter={word}&types=groups")) == 2
    assert _names(rest, f"filter={word}&types=groups,group") == [f"g.{domain}"]
    assert rest.error("GET", "/api/principal?types=tenant")["error"] == "unsupported"


def test_filter_matches_whole_words(rest: Rest, domain: str) -> None:
    word = domain.removesuffix(".test")
    assert _names(rest, f"filter={word[:-1]}") == []
    assert _names(rest, f"filter={word.upper()}") == [domain]
    assert _names(rest, f"filter=nobodyhasthis+{word}") == [domain]  # a leading word without hits does not count
    assert _names(rest, f"filter={word}+nobodyhasthis") == []


# -- deletion --------------------------------------------------------------------------------------------------------


def test_delete_takes_memberships_along(rest: Rest, domain: str) -> None:
    group, user = f"g.{domain}", f"u.{domain}"
    rest.create("group", group)
    rest.create("individual", user, memberOf=[group], emails=[f"u@{domain}"])
    assert rest.data("DELETE", f"/api/principal/{group}") is None
    assert rest.error("DELETE", f"/api/principal/{group}") == {"error": "notFound", "item": group}
    assert "memberOf" not in rest.get(user)
    # A domain goes although accounts use it.
    assert rest.data("DELETE", f"/api/principal/{domain}") is None
    assert rest.get(user)["emails"] == [f"u@{domain}"]


def test_ids_are_never_given_again(rest: Rest, domain: str) -> None:
    first = rest.create("group", f"a.{domain}")
    rest.data("DELETE", f"/api/principal/a.{domain}")
    assert rest.create("group", f"b.{domain}") > first


def test_bulk_deletion_wants_type_and_confirmation(rest: Rest, domain: str) -> None:
    rest.create("group", f"g.{domain}")
    word = domain.removesuffix(".test")
    for query in ("confirm=true", "type=groups&confirm=true", "type=group", "type=group&confirm=yes"):
        assert rest.http("DELETE", f"/api/principal?{query}&filter={word}").status_code == 400
    assert rest.data("DELETE", f"/api/principal?type=list&confirm=true&filter={word}") is False
    assert rest.get(f"g.{domain}")["type"] == "group"
    assert rest.data("DELETE", f"/api/principal?type=group&confirm=true&filter={word}") is True


def test_names_may_hold_anything(rest: Rest, domain: str) -> None:
    name = f"a/b c%+é@{domain}"
    rest.create("group", name)
    assert rest.get(name)["name"] == name
