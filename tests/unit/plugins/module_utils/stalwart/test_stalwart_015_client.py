"""0.15: requests, errors inside 200 bodies, reloads."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.http_client import HttpClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015 import client as module
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.client import RestClient, delete, insert
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.errors import ApiError

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIcanary\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"error": "notFound", "item": "nobody"}, "not_found", "'nobody' does not exist"),
        ({"error": "notFound", "item": ""}, "not_found", "it does not exist"),
        (
            {"error": "fieldAlreadyExists", "field": "emails", "value": "a@b.test"},
            "conflict",
            "value of emails is taken",
        ),
        ({"error": "fieldMissing", "field": "name"}, "invalid_value", "name is missing"),
        ({"error": "assertFailed"}, "conflict", "something exists already"),
        ({"error": "unsupported", "details": "OpenID."}, "unsupported_by_generation", "OpenID."),
        ({"error": "other", "details": "Invalid role", "reason": None}, "invalid_value", "Invalid role"),
        ({"error": "other", "details": "Bad", "reason": "why"}, "invalid_value", "Bad: why"),
        ({"error": "brandNew"}, "server_error", "'brandNew'"),
    ],
)
def test_errors_inside_answers(script: Any, http: HttpClient, body: Any, code: str, says: str) -> None:
    script.expect("GET", "/api/principal/x", body)
    with pytest.raises(ApiError) as caught:
        RestClient(http).get("/api/principal/x")
    assert (caught.value.code, caught.value.kind) == (code, body["error"])
    assert says in caught.value.message


def test_the_value_of_a_taken_field_is_never_shown(script: Any, http: HttpClient) -> None:
    script.expect(
        "POST", "/api/dkim", {"error": "fieldAlreadyExists", "field": "signature.x.private-key", "value": KEY}
    )
    with pytest.raises(ApiError) as caught:
        RestClient(http).post("/api/dkim", {})
    assert caught.value.value == KEY
    assert "canary" not in f"{caught.value} {caught.value!r} {caught.value.as_result()} {caught.value.args}"


@pytest.mark.parametrize("body", [{}, {"datum": 1}])
def test_an_answer_without_data_is_no_answer(script: Any, http: HttpClient, body: Any) -> None:
    script.expect("GET", "/api/principal/x", body)
    with pytest.raises(Failure) as caught:
        RestClient(http).get("/api/principal/x")
    assert caught.value.code == "protocol"


@pytest.mark.parametrize("data", [None, [], "x", {"items": []}])
def test_settings_that_are_none(script: Any, http: HttpClient, data: Any) -> None:
    script.expect("GET", "/api/settings/list?prefix=a", {"data": data})
    with pytest.raises(Failure) as caught:
        RestClient(http).list("a")
    assert caught.value.code == "protocol"


def test_keys_and_prefixes_are_one_request(script: Any, http: HttpClient) -> None:
    script.expect("GET", "/api/settings/keys?keys=a.b%2Cc&prefixes=d", {"data": {"c": "1", "d.e": "2"}})
    assert RestClient(http).keys(["c", "a.b", "c"], ["d.", "d"]) == {"c": "1", "d.e": "2"}
    assert RestClient(http).keys() == {}


def test_many_names_are_several_requests(monkeypatch: Any, script: Any, http: HttpClient) -> None:
    monkeypatch.setattr(module, "MAX_QUERY", 12)
    script.expect("GET", "/api/settings/keys?keys=aaaa", {"data": {"aaaa": "1"}})
    script.expect("GET", "/api/settings/keys?keys=bbbb", {"data": {}})
    script.expect("GET", "/api/settings/keys?prefixes=cccc", {"data": {"cccc.d": "2"}})
    assert RestClient(http).keys(["aaaa", "bbbb"], ["cccc"]) == {"aaaa": "1", "cccc.d": "2"}


def test_a_comma_cannot_be_asked_for(http: HttpClient) -> None:
    with pytest.raises(ValueError, match="comma"):
        RestClient(http).keys(["a,b"])


def test_operations_have_the_form_that_the_server_wants(script: Any, http: HttpClient) -> None:
    script.expect("POST", "/api/settings", {"data": None})
    RestClient(http).write([delete(["b", "a"]), insert({"x": "1"}, assert_empty=True, prefix="p")])
    assert script.seen[-1][2] == [
        {"type": "delete", "keys": ["a", "b"]},
        {"type": "insert", "prefix": "p", "values": [["x", "1"]], "assert_empty": True},
    ]


def test_long_writes_are_split(monkeypatch: Any, script: Any, http: HttpClient) -> None:
    monkeypatch.setattr(module, "MAX_BODY", 120)
    for _ in range(4):
        script.expect("POST", "/api/settings", {"data": None})
    RestClient(http).write([insert({f"key{n}": "x" * 20 for n in range(4)})])
    sent = [pair for _m, _p, body, _h in script.seen for operation in body for pair in operation["values"]]
    assert [key for key, _text in sent] == ["key0", "key1", "key2", "key3"]
    RestClient(http).write([])


ERRORS = {
    "spam-filter.pyzor.host": {"type": "build", "error": "Invalid address"},
    "storage.directory": {"type": "parse", "error": "Missing property"},
}


@pytest.mark.parametrize("stored", [True, False])
def test_a_refused_reload_names_the_keys(script: Any, http: HttpClient, stored: bool) -> None:
    script.expect("GET", "/api/reload", {"data": {"warnings": {}, "errors": ERRORS}})
    with pytest.raises(Failure) as caught:
        RestClient(http).reload(stored=stored)
    failure = caught.value
    assert failure.code == "reload_refused"
    assert "spam-filter.pyzor.host: Invalid address; storage.directory: Missing property" in failure.message
    assert "spamPyzor.enable: false" in failure.hint
    assert ("Nothing was written" in failure.hint) is not stored
    assert set(failure.details["errors"]) == set(ERRORS)


def test_reloads(script: Any, http: HttpClient) -> None:
    warnings = {"x": {"type": "missing"}}
    script.expect("GET", "/api/reload?dry-run=true", {"data": {"warnings": warnings, "errors": {}}})
    script.expect("GET", "/api/reload/lookup", {"data": {}})
    client = RestClient(http)
    assert client.reload(dry_run=True) == warnings
    assert client.reload(what="lookup") == {}


def test_what_a_reload_quotes_is_redacted(script: Any, http: HttpClient) -> None:
    errors = {"signature.x.private-key": {"type": "parse", "error": f"cannot read {KEY}"}}
    script.expect("GET", "/api/reload", {"data": {"errors": errors}})
    with pytest.raises(Failure) as caught:
        RestClient(http).reload()
    assert "canary" not in str(caught.value.as_result())
