"""A client of another address: 127.0.0.2 is not exempt from limits and bans, as 127.0.0.1 is."""

from __future__ import annotations

import base64
import http.client
from urllib.parse import urlsplit

import pytest

from .api import Target

ADDRESS = "127.0.0.2"


def connect(target: Target) -> http.client.HTTPConnection:
    address = urlsplit(target.base_url)
    if address.hostname != "127.0.0.1":
        pytest.skip("this server is not on loopback")
    return http.client.HTTPConnection("127.0.0.1", address.port, timeout=30, source_address=(ADDRESS, 0))


def get(connection: http.client.HTTPConnection, path: str, authorization: str = "") -> http.client.HTTPResponse:
    connection.request("GET", path, headers={"Authorization": authorization} if authorization else {})
    response = connection.getresponse()
    response.read()
    return response


def login(connection: http.client.HTTPConnection, user: str, password: str) -> int:
    """Status of a request with these credentials."""
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return get(connection, "/api/schema", f"Basic {token}").status


def is_closed(target: Target) -> bool:
    """Whether a new connection ends without an answer."""
    connection = connect(target)
    try:
        login(connection, target.username, target.password)
    except (http.client.HTTPException, ConnectionError):
        return True
    finally:
        connection.close()
    return False
