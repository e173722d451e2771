from __future__ import annotations

import pytest
import requests
import responses
from ansible_collections.tenantmail.stalwart.plugins.module_utils import http_client
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.http_client import HttpClient

URL = "https://pdns.test"
CANARY = "canary-key-1234"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr(http_client.time, "sleep", waits.append)
    return waits


@pytest.fixture
def server():
    with responses.RequestsMock() as mock:
        yield mock


def client(**kwargs) -> HttpClient:
    return HttpClient("powerdns", URL, headers={"X-API-Key": CANARY}, secrets=[CANARY], **kwargs)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_value"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not_found"),
        (409, "conflict"),
        (422, "invalid_value"),
        (500, "server_error"),
    ],
)
def test_status_becomes_a_code_and_is_not_retried(server, status: int, code: str) -> None:
    server.get(f"{URL}/x", status=status, body=f"no {CANARY}")
    with pytest.raises(Failure) as caught:
        client().request("GET", "/x")
    assert caught.value.code == code
    assert caught.value.request == {"method": "GET", "url": f"{URL}/x", "status": status}
    assert CANARY not in str(caught.value.as_dict())
    assert len(server.calls) == 1


def test_a_read_is_retried_and_honours_retry_after(server, no_waiting: list[float]) -> None:
    server.get(f"{URL}/x", status=429, headers={"Retry-After": "2"})
    server.get(f"{URL}/x", status=503)
    server.get(f"{URL}/x", json={"ok": True})
    api = client()
    assert api.request("GET", "/x").json() == {"ok": True}
    assert api.requests == 3
    assert no_waiting[0] == 2.0


def test_a_write_is_not_sent_twice(server) -> None:
    server.post(f"{URL}/x", status=503)
    with pytest.raises(Failure) as caught:
        client().request("POST", "/x")
    assert caught.value.code == "server_error"
    assert len(server.calls) == 1


def test_retries_end_at_the_deadline(server) -> None:
    server.get(f"{URL}/x", status=429, headers={"Retry-After": "30"})
    with pytest.raises(Failure) as caught:
        client(deadline=10).request("GET", "/x")
    assert caught.value.code == "rate_limited"


def test_a_closed_port_is_unreachable() -> None:
    with pytest.raises(Failure) as caught:
        HttpClient("powerdns", "http://127.0.0.1:9", deadline=0).request("PATCH", "/x")
    assert caught.value.code == "unreachable"
    assert "refused" in caught.value.message
    assert "http://127.0.0.1:9/x" in caught.value.message


def test_redirects_are_not_followed_by_themselves(server) -> None:
    server.get(f"{URL}/x", status=302, headers={"Location": "https://elsewhere.test/"})
    with pytest.raises(Failure, match="HTTP 302"):
        client().request("GET", "/x")


UNSENDABLE = [f"{CANARY}\n", f" {CANARY}", f"{CANARY}\t", f"{CANARY[:6]}\x00{CANARY[6:]}", f"{CANARY}\u20ac"]


@pytest.mark.parametrize("value", UNSENDABLE)
def test_what_no_header_can_carry_is_refused_by_name(value: str) -> None:
    """`requests` would refuse it too, but with the value in its text."""
    attempts = [
        ("X-API-Key", lambda: HttpClient("powerdns", URL, headers={"X-API-Key": value})),
        ("X-API-Key", lambda: HttpClient("powerdns", URL).set_header("X-API-Key", value, secret=value)),
        ("X-API-Key", lambda: HttpClient("powerdns", URL).request("GET", "/x", headers={"X-API-Key": value})),
        ("password", lambda: HttpClient("powerdns", URL, auth=("user", value))),
        ("user", lambda: HttpClient("powerdns", URL, auth=(value, "password"))),
    ]
    for named, attempt in attempts:
        with pytest.raises(Failure) as caught:
            attempt()
        assert (caught.value.layer, caught.value.code) == ("powerdns", "invalid_value")
        assert named in caught.value.message
        assert CANARY[:6] not in str(caught.value.as_dict())


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (requests.exceptions.InvalidHeader(CANARY), "unreachable"),
        (requests.exceptions.InvalidURL(CANARY), "unreachable"),
        (OSError(CANARY), "unreachable"),
        (requests.exceptions.ContentDecodingError(CANARY), "protocol"),
    ],
)
def test_of_any_other_exception_only_the_kind_is_shown(server, raised: Exception, code: str) -> None:
    server.get(f"{URL}/x", body=raised)
    with pytest.raises(Failure) as caught:
        HttpClient("powerdns", URL).request("GET", "/x")
    assert caught.value.code == code
    assert type(raised).__name__ in caught.value.message
    assert CANARY not in str(caught.value.as_dict())


def test_a_missing_ca_file_is_named(tmp_path) -> None:
    with pytest.raises(Failure) as caught:
        client(ca_path=str(tmp_path / "no-such.pem"))
    assert caught.value.code == "invalid_value"
    assert "no-such.pem" in caught.value.message


@pytest.mark.parametrize(("body", "kind"), [("<html>login</html>", dict), ("[]", dict), ("{}", list), ("", dict)])
def test_an_answer_of_another_kind_breaks_the_contract(server, body: str, kind: type) -> None:
    server.get(f"{URL}/x", body=body, content_type="text/html")
    api = client()
    with pytest.raises(Failure) as caught:
        api.json(api.request("GET", "/x"), kind)
    assert caught.value.code == "protocol"
    assert caught.value.request == {"method": "GET", "url": f"{URL}/x", "status": 200}
    assert "text/html" in caught.value.message


def test_a_password_in_the_url_is_masked(server) -> None:
    server.get(f"https://user:{CANARY}@pdns.test/x", status=500)
    with pytest.raises(Failure, match="HTTP 500") as caught:
        HttpClient("powerdns", f"https://user:{CANARY}@pdns.test").request("GET", "/x")
    assert CANARY not in str(caught.value.as_dict())
    with pytest.raises(Failure) as caught:
        HttpClient("powerdns", f"ftp://user:{CANARY}@pdns.test")
    assert CANARY not in str(caught.value.as_dict())
