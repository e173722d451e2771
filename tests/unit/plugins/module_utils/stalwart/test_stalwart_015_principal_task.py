"""The conversation of a principals' task with a 0.15 server: which requests, in which order, and what an error becomes."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.http_client import HttpClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.driver import PrincipalAsk
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.client import RestClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.principal_task import Principal015Task

LIST = (
    "/api/principal?types=individual%2Cgroup%2Clist%2Cdomain%2Crole&fields=name%2Cdescription%2Cemails%2Cquota%2CusedQuota"
    "%2CmemberOf%2Cmembers%2CexternalMembers%2Croles%2CenabledPermissions%2CdisabledPermissions%2Clocale&limit=0"
)
WITH_SECRETS = LIST.replace("%2Clocale&", "%2Clocale%2Csecrets&")
KEYS = "/api/settings/keys?keys=storage.directory&prefixes=directory%2Ctenantmail.pending"
#: With ``send_as``, or something to remove.
SENDERS = (
    "/api/settings/keys?keys=session.auth.must-match-sender%2Cstorage.directory"
    "&prefixes=directory%2Clookup.sender-allow%2Csession.auth.must-match-sender%2Ctenantmail.pending"
)
DOMAIN = {"type": "domain", "name": "acme.test"}
BOB = {"type": "individual", "name": "bob", "emails": ["bob@acme.test"], "roles": ["user"]}
INTERNAL = {"storage.directory": "internal", "directory.internal.type": "internal"}
OIDC = {"storage.directory": "kc", "directory.kc.type": "oidc", "directory.kc.fields.username": "preferred_username"}
RELOADED = {"data": {"warnings": {}, "errors": {}}}
BAD_KEY = {"data": {"warnings": {}, "errors": {"tracer.x": {"type": "build", "error": "no such file"}}}}
SECRET = "geheim-geheim"


def run(http: HttpClient, *principals: dict[str, Any], check: bool = False) -> dict[str, Any]:
    return Principal015Task(RestClient(http), PrincipalAsk(principals)).run(check)


def reads(script: Any, *items: dict[str, Any], settings: dict[str, str], path: str = LIST) -> None:
    script.expect("GET", path, {"data": {"items": [DOMAIN, *items], "total": len(items) + 1}})
    script.expect("GET", KEYS, {"data": settings})


def reload_around(script: Any, *written: tuple[str, str, Any]) -> None:
    """What changes addresses: a trial, a mark, the writes, the reload, and the mark's end."""
    if any(method != "DELETE" for method, _path, _answer in written):
        script.expect("GET", "/api/reload?dry-run=true", RELOADED)
    script.expect("POST", "/api/settings", {"data": None})
    for method, path, answer in written:
        script.expect(method, path, answer)
    script.expect("GET", "/api/reload", RELOADED)
    script.expect("POST", "/api/settings", {"data": None})


def methods(script: Any) -> list[str]:
    return [f"{method} {urlsplit(path).path}" for method, path, _body, _headers in script.seen]


def test_nothing_to_do_is_two_reads(script: Any, http: HttpClient) -> None:
    reads(script, BOB, settings=INTERNAL)
    assert not run(http, {"name": "bob@acme.test"})["changed"]
    assert parse_qs(urlsplit(script.seen[0][1]).query)["limit"] == ["0"]


def test_secrets_are_read_only_where_a_password_is_given(script: Any, http: HttpClient) -> None:
    reads(script, {**BOB, "secrets": [SECRET]}, settings=INTERNAL, path=WITH_SECRETS)
    done = run(http, {"name": "bob@acme.test", "password": "another-one"})
    assert not done["changed"]
    assert SECRET not in str(done)


@pytest.mark.parametrize(("settings", "path"), [(INTERNAL, "/api/principal"), (OIDC, "/api/principal/deploy")])
def test_a_new_account(script: Any, http: HttpClient, settings: dict[str, str], path: str) -> None:
    """Under an external directory the plain path refuses individuals (contract 4.4)."""
    reads(script, settings=settings)
    reload_around(script, ("POST", path, {"data": 7}))
    reads(script, BOB, settings=settings)
    done = run(http, {"name": "bob@acme.test"})
    assert [change["key"] for change in done["changes"]] == ["bob@acme.test"]
    assert script.seen[4][2] == {
        "type": "individual",
        "name": "bob@acme.test" if settings is INTERNAL else "bob",
        "emails": ["bob@acme.test"],
        "roles": ["user"],
    }


def test_a_password_is_sent_hashed(script: Any, http: HttpClient) -> None:
    reads(script, BOB, settings=INTERNAL, path=WITH_SECRETS)
    script.expect("PATCH", "/api/principal/bob", {"data": None})
    reads(script, {**BOB, "secrets": ["$pbkdf2-sha512$x"]}, settings=INTERNAL, path=WITH_SECRETS)
    run(http, {"name": "bob@acme.test", "password": SECRET})
    (step,) = script.seen[2][2]
    assert (step["action"], step["field"]) == ("addItem", "secrets")
    assert step["value"].startswith("$pbkdf2-sha512$i=210000,l=32$")
    assert SECRET not in str(script.seen)


def test_names_are_escaped_in_paths(script: Any, http: HttpClient) -> None:
    group = {"type": "group", "name": "a/b+c@acme.test", "emails": ["a/b+c@acme.test"], "roles": ["user"]}
    reads(script, group, settings=INTERNAL)
    script.expect("PATCH", "/api/principal/a%2Fb%2Bc%40acme.test", {"data": None})
    reads(script, {**group, "quota": 5}, settings=INTERNAL)
    run(http, {"name": "a/b+c@acme.test", "type": "group", "quota": 5})


def test_a_lost_race_is_tried_again(script: Any, http: HttpClient) -> None:
    """Every step may be repeated, and a PATCH is one write (contract 5.5)."""
    reads(script, BOB, settings=INTERNAL)
    problem = {"type": "about:blank", "status": 500, "title": "Internal Server Error", "detail": "x"}
    script.expect("PATCH", "/api/principal/bob", problem, status=500).expect(
        "PATCH", "/api/principal/bob", {"data": None}
    )
    reads(script, {**BOB, "quota": 5}, settings=INTERNAL)
    assert run(http, {"name": "bob@acme.test", "quota": 5})["changed"]


def test_a_lost_race_is_not_tried_for_ever(script: Any, http: HttpClient) -> None:
    reads(script, BOB, settings=INTERNAL)
    for _attempt in range(3):
        script.expect("PATCH", "/api/principal/bob", {"status": 500, "title": "x"}, status=500)
    with pytest.raises(Failure) as caught:
        run(http, {"name": "bob@acme.test", "quota": 5})
    assert caught.value.code == "server_error"


ERRORS: list[tuple[dict[str, Any], str, str]] = [
    (
        {"error": "fieldAlreadyExists", "field": "emails", "value": "bob@acme.test"},
        "conflict",
        "has its address by now",
    ),
    ({"error": "fieldAlreadyExists", "field": "name", "value": "bob"}, "conflict", "has its name by now"),
    ({"error": "notFound", "item": "sales"}, "not_found", "does not know 'sales', which it refers to"),
    ({"error": "fieldMissing", "field": "name"}, "invalid_value", "name is missing"),
    ({"error": "unsupported", "details": "Enterprise feature"}, "unsupported_by_generation", "Enterprise feature"),
    ({"error": "other", "details": "Invalid role", "reason": "x"}, "forbidden", "Invalid role: x"),
    ({"error": "other", "details": "Invalid permission", "reason": None}, "forbidden", "Invalid permission"),
    ({"error": "other", "details": "Invalid parameter", "reason": "too big"}, "invalid_value", "too big"),
]


@pytest.mark.parametrize(("answer", "code", "message"), ERRORS, ids=[message for _a, _c, message in ERRORS])
def test_errors_inside_a_200(script: Any, http: HttpClient, answer: dict[str, Any], code: str, message: str) -> None:
    reads(script, settings=INTERNAL)
    script.expect("GET", "/api/reload?dry-run=true", RELOADED).expect("POST", "/api/settings", {"data": None})
    script.expect("POST", "/api/principal", answer)
    with pytest.raises(Failure) as caught:
        run(http, {"name": "bob@acme.test"})
    assert caught.value.code == code
    assert caught.value.message.startswith("principals[0] bob@acme.test: ")
    assert message in caught.value.message
    assert caught.value.request is not None


def test_somebody_else_removed_it_first(script: Any, http: HttpClient) -> None:
    script.expect("GET", LIST, {"data": {"items": [DOMAIN, BOB], "total": 2}}).expect(
        "GET", SENDERS, {"data": INTERNAL}
    )
    reload_around(script, ("DELETE", "/api/principal/bob", {"error": "notFound", "item": "bob"}))
    script.expect("GET", LIST, {"data": {"items": [DOMAIN], "total": 1}}).expect("GET", SENDERS, {"data": INTERNAL})
    assert run(http, {"name": "bob@acme.test", "state": "absent"})["changed"]


def test_a_configuration_that_cannot_be_reloaded_stops_accounts_before_a_write(script: Any, http: HttpClient) -> None:
    reads(script, settings=INTERNAL)
    script.expect("GET", "/api/reload?dry-run=true", BAD_KEY)
    with pytest.raises(Failure) as caught:
        run(http, {"name": "bob@acme.test"})
    assert caught.value.code == "reload_refused"
    assert "Nothing was written" in caught.value.hint


def test_check_mode_warns_of_it(script: Any, http: HttpClient) -> None:
    """An earlier task of the run may be what heals it."""
    reads(script, settings=INTERNAL)
    script.expect("GET", "/api/reload?dry-run=true", BAD_KEY)
    done = run(http, {"name": "bob@acme.test"}, check=True)
    assert done["changed"]
    assert "Outside check mode this is a failure: the server cannot reload: tracer.x" in done["warnings"][0]


def test_a_reload_that_is_refused_after_all_is_owed(script: Any, http: HttpClient) -> None:
    """The server believes for an hour that an address is not there, so the next run must reload."""
    reads(script, settings=INTERNAL)
    script.expect("GET", "/api/reload?dry-run=true", RELOADED).expect("POST", "/api/settings", {"data": None})
    script.expect("POST", "/api/principal", {"data": 7}).expect("GET", "/api/reload", BAD_KEY)
    with pytest.raises(Failure) as caught:
        run(http, {"name": "bob@acme.test"})
    assert caught.value.code == "reload_refused"
    assert "Written before: bob@acme.test" in caught.value.hint
    owed = {"tenantmail.pending.settings": ""}
    assert script.seen[3][2][0]["values"] == [[key, value] for key, value in owed.items()]
    reads(script, BOB, settings={**INTERNAL, **owed})
    script.expect("GET", "/api/reload?dry-run=true", RELOADED).expect("POST", "/api/settings", {"data": None})
    script.expect("GET", "/api/reload", RELOADED).expect("POST", "/api/settings", {"data": None})
    reads(script, BOB, settings=INTERNAL)
    assert run(http, {"name": "bob@acme.test"})["changed"]


def test_settings_that_an_earlier_task_has_looked_at_cost_nothing(script: Any, http: HttpClient) -> None:
    script.expect("GET", LIST, {"data": {"items": [DOMAIN, BOB], "total": 2}})
    ask = PrincipalAsk(({"name": "bob@acme.test"},), settled=True)
    assert not Principal015Task(RestClient(http), ask).run(False)["changed"]


@pytest.mark.parametrize(
    "given",
    [
        {"name": "eve@acme.test"},
        {"name": "bob@acme.test", "quota": 5},
        {"name": "bob@acme.test", "login_name": "bob"},
        {"name": "bob@acme.test", "send_as": []},
        {"name": "bob@acme.test", "state": "absent"},
    ],
)
def test_settings_that_matter_are_read_all_the_same(script: Any, http: HttpClient, given: dict[str, Any]) -> None:
    script.expect("GET", LIST, {"data": {"items": [DOMAIN, BOB], "total": 2}})
    own = {"login_name", "send_as", "state"} & set(given)
    script.expect("GET", SENDERS if own else KEYS, {"data": INTERNAL})
    if given["name"] == "eve@acme.test":
        script.expect("GET", "/api/reload?dry-run=true", RELOADED)
    Principal015Task(RestClient(http), PrincipalAsk((given,), settled=True)).run(True)


def test_a_refusal_without_a_word_names_the_principal(script: Any, http: HttpClient) -> None:
    reads(script, BOB, settings=INTERNAL)
    script.expect("PATCH", "/api/principal/bob", {"status": 400, "title": "x"}, status=400)
    with pytest.raises(Failure, match=r"principals\[0\] bob@acme.test: "):
        run(http, {"name": "bob@acme.test", "quota": 5})


def test_a_description_that_is_too_long_is_refused_before_a_write(script: Any, http: HttpClient) -> None:
    reads(script, BOB, settings=INTERNAL)
    with pytest.raises(Failure, match="512 bytes of UTF-8 at most, this has 600"):
        run(http, {"name": "bob@acme.test", "description": "ü" * 300})


def test_senders_are_marked_written_reloaded_and_unmarked(script: Any, http: HttpClient) -> None:
    script.expect("GET", LIST, {"data": {"items": [DOMAIN, BOB], "total": 2}}).expect(
        "GET", SENDERS, {"data": INTERNAL}
    )
    script.expect("GET", "/api/reload?dry-run=true", RELOADED)
    script.expect("POST", "/api/settings", {"data": None})
    script.expect("GET", "/api/reload", RELOADED).expect("GET", "/api/reload/lookup", RELOADED)
    script.expect("POST", "/api/settings", {"data": None})
    rows = {"lookup.sender-allow.bob|x@y.test": "", "lookup.sender-allow.-|-": ""}
    rule = {"session.auth.must-match-sender": "!key_exists('sender-allow', authenticated_as + '|' + sender)"}
    script.expect("GET", LIST, {"data": {"items": [DOMAIN, BOB], "total": 2}})
    script.expect("GET", SENDERS, {"data": {**INTERNAL, **rows, **rule}})
    assert run(http, {"name": "bob@acme.test", "send_as": ["x@y.test"]})["changed"]
    marks, *writes = script.seen[3][2]
    assert marks["values"] == [["tenantmail.pending.lookup", ""], ["tenantmail.pending.settings", ""]]
    assert sorted(key for write in writes for key, _value in write["values"]) == sorted({**rows, **rule})
    assert script.seen[6][2] == [
        {"type": "delete", "keys": ["tenantmail.pending.lookup", "tenantmail.pending.settings"]}
    ]


def test_a_configuration_that_cannot_be_reloaded_stops_senders_before_a_write(script: Any, http: HttpClient) -> None:
    script.expect("GET", LIST, {"data": {"items": [DOMAIN, BOB], "total": 2}}).expect(
        "GET", SENDERS, {"data": INTERNAL}
    )
    script.expect("GET", "/api/reload?dry-run=true", BAD_KEY)
    with pytest.raises(Failure) as caught:
        run(http, {"name": "bob@acme.test", "send_as": ["x@y.test"]})
    assert caught.value.code == "reload_refused"
    assert "Nothing was written" in caught.value.hint


def test_what_check_mode_asks(script: Any, http: HttpClient) -> None:
    script.expect("GET", LIST, {"data": {"items": [DOMAIN], "total": 1}})
    script.expect("GET", SENDERS, {"data": INTERNAL}).expect("GET", "/api/reload?dry-run=true", RELOADED)
    assert run(http, {"name": "bob@acme.test", "send_as": ["x@y.test"]}, check=True)["changed"]


def test_an_answer_that_is_none(script: Any, http: HttpClient) -> None:
    script.expect("GET", LIST, {"data": None})
    with pytest.raises(Failure) as caught:
        run(http, {"name": "bob@acme.test"})
    assert caught.value.code == "protocol"


def test_an_account_without_a_role_is_announced(script: Any, http: HttpClient) -> None:
    reads(script, {"type": "individual", "name": "bob", "emails": ["bob@acme.test"]}, settings=INTERNAL)
    assert "has no role" in run(http, {"name": "bob@acme.test"})["warnings"][0]


def test_an_account_that_a_login_will_not_find_is_announced(script: Any, http: HttpClient) -> None:
    reads(script, {**BOB, "name": "bob@acme.test"}, settings=OIDC)
    assert "Give login_name" in run(http, {"name": "bob@acme.test"})["warnings"][0]
