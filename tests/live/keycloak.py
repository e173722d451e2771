"""A realm's test users and test clients, made and removed through the admin API."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator

import requests

from tests.sandbox import facts

PASSWORD = "test-Passw0rd-of-alice"


def admin(method: str, path: str, **kwargs: Any) -> requests.Response:
    """One request to the admin API, as the sandbox's administrator."""
    with facts.keycloak() as session:
        answer = session.request(method, f"{facts.settings().keycloak_url}/admin{path}", timeout=30, **kwargs)
        answer.raise_for_status()
        return answer


@contextmanager
def user(realm: str, name: str, domain: str) -> Iterator[None]:
    """A user who can log in at once."""
    body = {
        "username": name,
        "enabled": True,
        "email": f"{name}@{domain}",
        "emailVerified": True,
        "firstName": name.title(),
        "lastName": "Test",
        "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
    }
    where = admin("POST", f"/realms/{realm}/users", json=body).headers["Location"]
    try:
        yield
    finally:
        admin("DELETE", where.split("/admin", 1)[1])


@contextmanager
def client(realm: str, client_id: str, *, groups: bool = True, audience: str | None = "stalwart") -> Iterator[None]:
    """A public client with direct grant; with or without the `groups` scope and the audience."""
    scopes = ["basic", "profile", "email", *(["groups"] if groups else [])]
    mappers = [
        {
            "name": "audience",
            "protocol": "openid-connect",
            "protocolMapper": "oidc-audience-mapper",
            "config": {"included.client.audience": audience, "access.token.claim": "true"},
        }
    ]
    body = {
        "clientId": client_id,
        "publicClient": True,
        "directAccessGrantsEnabled": True,
        "defaultClientScopes": scopes,
        "optionalClientScopes": [],
        "protocolMappers": mappers if audience else [],
    }
    where = admin("POST", f"/realms/{realm}/clients", json=body).headers["Location"]
    try:
        yield
    finally:
        admin("DELETE", where.split("/admin", 1)[1])


def token(realm: str, client_id: str, name: str, scope: str = "openid") -> str:
    """An access token by direct grant."""
    with facts.http() as session:
        answer = session.post(
            f"{facts.settings().keycloak_url}/realms/{realm}/protocol/openid-connect/token",
            headers=facts.keycloak_headers(realm),
            data={
                "grant_type": "password",
                "client_id": client_id,
                "username": name,
                "password": PASSWORD,
                "scope": scope,
            },
            timeout=30,
        )
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]
