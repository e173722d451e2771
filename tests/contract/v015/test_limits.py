"""Rate limits and the auto-ban (contract 0.15 sections 2.4 and 12.13)."""

from __future__ import annotations

import http.client
import secrets
from collections.abc import Iterator

import pytest

from ..clients import ADDRESS, connect, get, is_closed, login
from .rest import Rest


@pytest.fixture
def connection(rest: Rest) -> Iterator[http.client.HTTPConnection]:
    opened = connect(rest.target)
    yield opened
    opened.close()


def test_auto_ban(rest: Rest, connection: http.client.HTTPConnection) -> None:
    """So many wrong passwords are allowed; the next one is a 429 and blocks the address, which is stored."""
    user = f"nobody-{secrets.token_hex(4)}"
    rest.insert({"server.auto-ban.auth.rate": "3/1d"})
    assert rest.reload() == {}
    assert [login(connection, user, "wrong") for _ in range(4)] == [401, 401, 401, 429]
    assert rest.keys(prefixes="server.blocked-ip") == {f"server.blocked-ip.{ADDRESS}": ""}
    # The connection that was open stays so: only new ones are closed.
    assert login(connection, rest.target.username, rest.target.password) == 404
    assert login(connection, user, "wrong") == 429
    assert is_closed(rest.target)
    assert rest.http("GET", "/api/schema").status_code == 404
    assert rest.data("DELETE", f"/api/settings/server.blocked-ip.{ADDRESS}") is None
    assert is_closed(rest.target)
    assert rest.reload("/server.blocked-ip") == {}
    assert not is_closed(rest.target)


def test_allowed_networks_are_exempt(rest: Rest, connection: http.client.HTTPConnection) -> None:
    user = f"nobody-{secrets.token_hex(4)}"
    rest.insert({"server.auto-ban.auth.rate": "1/1d", "server.allowed-ip.127.0.0.0/8": ""})
    assert rest.reload() == {}
    assert [login(connection, user, "wrong") for _ in range(3)] == [401] * 3
    assert rest.keys(prefixes="server.blocked-ip") == {}


def test_anonymous_requests_are_limited(rest: Rest, connection: http.client.HTTPConnection) -> None:
    """Those without credentials and those with a bearer token, not those with Basic."""
    rest.insert({"http.rate-limit.anonymous": "2/1d"})
    assert rest.reload() == {}
    asked = [("/healthz/live", ""), ("/api/schema", "Bearer nonsense")] * 2
    assert [get(connection, path, header).status for path, header in asked] == [200, 401, 429, 429]
    assert login(connection, rest.target.username, rest.target.password) == 404


def test_account_limit(rest: Rest, domain: str) -> None:
    user, password = f"u.{domain}", "Zeta-Pass-7731"
    rest.create("individual", user, secrets=password, roles=["user"])
    rest.insert({"http.rate-limit.account": "2/1d"})
    assert rest.reload() == {}
    statuses = [rest.http("GET", "/api/account/auth", auth=(user, password)).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert {rest.http("GET", "/api/schema").status_code for _ in range(4)} == {404}  # unlimited-requests
