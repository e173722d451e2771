"""Rate limits and the auto-ban (contract 2.4 and 2.6)."""

from __future__ import annotations

import http.client
import secrets
import socket
import time
from collections.abc import Iterator

import pytest

from .api import Api
from .clients import ADDRESS, connect, get, is_closed, login
from .mail import exchange, reply

DAY = 86_400_000


@pytest.fixture(autouse=True)
def _reload_works_without_name_resolution(api: Api) -> Iterator[None]:
    """Limits and the allow list follow a reload; afterwards they are the defaults again."""
    api.update("SpamPyzor", "singleton", {"enable": False})
    yield
    rates = {"authBanRate": {"count": 100, "period": DAY}, "abuseBanRate": {"count": 35, "period": DAY}}
    api.update("Security", "singleton", rates)
    api.update("Http", "singleton", {"rateLimitAnonymous": {"count": 100, "period": 60_000}})
    api.clean()
    assert "created" in api.action("ReloadSettings")


@pytest.fixture
def connection(api: Api) -> Iterator[http.client.HTTPConnection]:
    opened = connect(api.target)
    yield opened
    opened.close()


def _bans(api: Api) -> list[str]:
    return [body["address"] for body in api.call("x:BlockedIp/get", ids=None)["list"]]


def test_auto_ban(api: Api, connection: http.client.HTTPConnection) -> None:
    """So many wrong passwords are allowed; the next one is a 429 and blocks the address, which is stored."""
    user = f"nobody-{secrets.token_hex(4)}@acme.test"
    api.update("Security", "singleton", {"authBanRate": {"count": 3, "period": DAY}})
    assert "created" in api.action("ReloadSettings")
    assert [login(connection, user, "wrong") for _ in range(4)] == [401, 401, 401, 429]
    (ban,) = api.call("x:BlockedIp/get", ids=None)["list"]
    assert (ban["address"], ban["reason"], ban["expiresAt"]) == (ADDRESS, "authFailure", None)
    assert is_closed(api.target)
    assert api.http("GET", "/api/schema").status_code == 302
    api.destroy("BlockedIp", ban["id"])
    assert is_closed(api.target)
    assert "created" in api.action("ReloadBlockedIps")
    assert not is_closed(api.target)
    assert _bans(api) == []


def test_too_many_unknown_recipients(api: Api, domain: str, name: str) -> None:
    """The address is blocked, which the connection itself does not notice."""
    api.update("Security", "singleton", {"abuseBanRate": {"count": 2, "period": DAY}})
    api.update("MtaStageRcpt", "singleton", {"waitOnFail": {"else": "10ms"}})
    assert "created" in api.action("ReloadSettings")
    try:
        with exchange(api.target, ADDRESS) as client:
            client.mail("x@other.test")
            assert [client.rcpt(f"{secrets.token_hex(4)}@{name}")[0] for _ in range(4)] == [550] * 4
        (ban,) = api.call("x:BlockedIp/get", ids=None)["list"]
        assert (ban["address"], ban["reason"]) == (ADDRESS, "rcptToFailure")
        assert is_closed(api.target)
    finally:
        for key in api.query("BlockedIp"):
            api.destroy("BlockedIp", key)
        assert "created" in api.action("ReloadBlockedIps")


def test_connections_are_limited(api: Api) -> None:
    """Five a second from an address, loopback included: the next ones are closed without a greeting."""
    if api.target.exchanger is None:
        pytest.skip("this server has no port 25")
    _next_second()
    greetings = []
    for _ in range(7):
        with socket.create_connection(api.target.exchanger, timeout=10) as connection:
            greetings.append(connection.recv(3))
    assert greetings == [b"220"] * 5 + [b""] * 2


def _next_second() -> None:
    """Windows are aligned to the clock."""
    now = int(time.time())
    while int(time.time()) == now:
        time.sleep(0.005)


def test_messages_are_limited(api: Api, domain: str, name: str) -> None:
    """By domain of the sender and recipient, as stored."""
    limit = {"count": 3, "period": DAY}
    api.create("MtaInboundThrottle", description="few", key={"senderDomain": True, "rcpt": True}, rate=limit)
    api.create("Account", type_="User", name="alice", domainId=domain)
    api.create("Account", type_="User", name="bob", domainId=domain)
    assert "created" in api.action("ReloadSettings")
    with exchange(api.target) as client:
        alice, bob = f"alice@{name}", f"bob@{name}"
        replies = []
        for number in range(4):
            client.rset()
            client.mail(f"{number}@other-{name}")
            replies.append(reply(client.rcpt(alice)))
        assert replies == ["250 2.1.5 OK"] * 3 + ["452 4.4.5 Rate limit exceeded, try again later."]
        assert client.rcpt(bob)[0] == 250
        client.rset()
        client.mail(f"x@another-{name}")
        assert client.rcpt(alice)[0] == 250


def test_allowed_networks_are_exempt(api: Api, connection: http.client.HTTPConnection) -> None:
    user = f"nobody-{secrets.token_hex(4)}@acme.test"
    api.create("AllowedIp", address="127.0.0.0/8", createdAt="2026-01-01T00:00:00Z")
    api.update("Security", "singleton", {"authBanRate": {"count": 1, "period": DAY}})
    assert "created" in api.action("ReloadSettings")
    assert [login(connection, user, "wrong") for _ in range(3)] == [401] * 3
    assert _bans(api) == []


def test_anonymous_requests_are_limited(api: Api, connection: http.client.HTTPConnection) -> None:
    """With the time to wait for; Basic is not counted."""
    api.update("Http", "singleton", {"rateLimitAnonymous": {"count": 2, "period": DAY}})
    assert "created" in api.action("ReloadSettings")
    answers = [get(connection, "/healthz/live") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["Retry-After"]) > 0
    assert answers[2].headers["RateLimit-Policy"] == '"requests";q=2'
    assert login(connection, api.target.username, api.target.password) == 302
