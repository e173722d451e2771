from __future__ import annotations

import pytest
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
