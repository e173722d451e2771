"""Probes, generation, session and limits: what a client meets before it asks for an object (contract 1.8, 2.4, 2.7)."""

from __future__ import annotations

import smtplib

import pytest

from .api import USING, Api

NOBODY = ("admin", "not-the-password")


@pytest.mark.parametrize("path", ["/healthz/live", "/healthz/ready"])
def test_probes_need_no_credentials(api: Api, path: str) -> None:
    answer = api.http("GET", path, auth=None)
    assert (answer.status_code, answer.json()["title"]) == (200, "OK")


def test_schema_tells_generation_and_credentials(api: Api) -> None:
    """One request: 302 = 0.16 and the credentials work, 401 = they do not."""
    answer = api.http("GET", "/api/schema")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/api/schema/")
    assert api.http("GET", "/api/schema", auth=None).status_code == 401
    assert api.http("GET", "/api/schema", auth=NOBODY).status_code == 401
    assert api.http("GET", "/api/principal").status_code == 404


def test_schema_is_served_compressed_under_its_hash(api: Api) -> None:
    answer = api.http("GET", api.http("GET", "/api/schema").headers["Location"])
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "immutable" in answer.headers["Cache-Control"]
    document = answer.json()
    assert set(document) == set("objects schemas fields forms lists enums dashboards layouts".split())
    assert document["objects"]["x:SystemSettings"]["type"] == "singleton"
    assert document["schemas"]["x:Domain"] == {"type": "single", "schemaName": "x:Domain"}
    assert document["fields"]["x:Domain"]["properties"]["dnsZoneFile"]["update"] == "serverSet"


def test_unauthorized_answer(api: Api) -> None:
    answer = api.http("POST", "/jmap", auth=NOBODY, data=b"garbage")
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "Basic realm=" in answer.headers["WWW-Authenticate"]
    assert answer.json()["title"] == "Unauthorized"


def test_session(api: Api) -> None:
    session = api.http("GET", "/jmap/session").json()
    assert session["primaryAccounts"]["urn:stalwart:jmap"] == "d333333"
    assert session["capabilities"]["urn:ietf:params:jmap:core"]["maxCallsInRequest"] == 16
    assert session["username"] == api.target.username
    anonymous = api.http("GET", "/jmap/session", auth=None).json()
    assert (anonymous["accounts"], anonymous["username"]) == ({}, "")
    assert api.http("GET", "/.well-known/jmap", auth=None).headers["Location"] == "/jmap/session"


@pytest.mark.parametrize(
    ("body", "type_"),
    [
        (b"{", "notRequest"),
        (b"[]", "notRequest"),
        (b'{"methodCalls": []}', "notRequest"),
        (b'{"using": ["urn:nope"], "methodCalls": []}', "notRequest"),
    ],
)
def test_malformed_requests(api: Api, body: bytes, type_: str) -> None:
    answer = api.http("POST", "/jmap", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["type"] == f"urn:ietf:params:jmap:error:{type_}"


def test_wrong_content_type(api: Api) -> None:
    body = '{"using": [], "methodCalls": []}'
    answer = api.http("POST", "/jmap", data=body, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:ietf:params:jmap:error:notJSON"


def test_at_most_16_calls(api: Api) -> None:
    call = ["x:Domain/query", {}, "0"]
    assert api.http("POST", "/jmap", json={"using": USING, "methodCalls": [call] * 16}).status_code == 200
    answer = api.http("POST", "/jmap", json={"using": USING, "methodCalls": [call] * 17})
    assert answer.status_code == 400
    assert answer.json()["limit"] == "maxCallsInRequest"


@pytest.mark.parametrize("method", ["x:Nope/get", "x:Domain/changes", "x:SystemSettings/query", "Domain/get"])
def test_unknown_methods(api: Api, method: str) -> None:
    assert api.error(method)["type"] == "unknownMethod"


def test_a_failing_call_does_not_stop_the_next_one(api: Api) -> None:
    names = [name for name, _ in api.responses(("x:Nope/get", {}), ("x:Domain/query", {}))]
    assert names == ["error", "x:Domain/query"]


def test_smtp_greeting(api: Api) -> None:
    if api.target.smtp_port is None:
        pytest.skip("this server's SMTP port is not known")
    with smtplib.SMTP("127.0.0.1", api.target.smtp_port, timeout=10) as smtp:
        code, text = smtp.ehlo()
    assert code == 250
    assert text.splitlines()[0].split()[0] == b"mail.contract.test"
