"""Token requests: their form, refusals, and logins of the same user that cross."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import responses
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak import tokens
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.tokens import (
    Answer,
    Blame,
    Login,
    Tokens,
    blame,
    settled,
)

ISSUER = "https://kc.test/realms/sme-acme"
ENDPOINT = f"{ISSUER}/protocol/openid-connect/token"
LOGIN = Login(ISSUER, "tenantmail-probe", "canary-secret", "tenantmail-probe", "canary-password")
CROSSED = Answer("", 401, "invalid_grant", "Invalid user credentials")
TOKEN = Answer("a.b.c")


@pytest.fixture
def server() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
        yield mock


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(tokens.time, "sleep", waited.append)
    return waited


def test_a_users_token(server: responses.RequestsMock) -> None:
    server.post(ENDPOINT, json={"access_token": "a.b.c"})
    endpoint = Tokens(LOGIN)
    assert endpoint.ask("openid groups", "another-client").token == "a.b.c"
    assert endpoint.requests == 1
    assert parse_qs(str(server.calls[0].request.body)) == {
        "grant_type": ["password"],
        "client_id": ["another-client"],
        "client_secret": ["canary-secret"],
        "username": ["tenantmail-probe"],
        "password": ["canary-password"],
        "scope": ["openid groups"],
    }


def test_a_clients_own_token() -> None:
    login = Login.of(
        {"realm_url": f"{ISSUER}/", "client_id": "probe", "client_secret": "canary-secret", "username": ""}
    )
    assert login.realm_url == ISSUER
    assert login.form() == {
        "grant_type": "client_credentials",
        "client_id": "probe",
        "client_secret": "canary-secret",
    }


def test_a_refusal_is_an_answer_without_secrets(server: responses.RequestsMock) -> None:
    body = {"error": "invalid_grant", "error_description": "not canary-password of canary-secret"}
    server.post(ENDPOINT, status=401, json=body)
    answer = Tokens(LOGIN).ask("openid")
    assert (answer.token, answer.status, answer.error) == ("", 401, "invalid_grant")
    assert "canary" not in answer.refusal
    assert "canary" not in repr(LOGIN)


def test_a_realm_that_does_not_exist(server: responses.RequestsMock) -> None:
    server.post(ENDPOINT, status=404, json={"error": "Realm does not exist"})
    server.get(f"{ISSUER}/.well-known/openid-configuration", status=404, json={})
    endpoint = Tokens(LOGIN)
    assert endpoint.ask("openid").error == "not_found"
    assert endpoint.issuer() is None


@pytest.mark.parametrize("token", [None, "", 7])
def test_an_answer_without_a_token(server: responses.RequestsMock, token: Any) -> None:
    server.post(ENDPOINT, json={"access_token": token})
    with pytest.raises(Failure) as raised:
        Tokens(LOGIN).ask("openid")
    assert raised.value.code == "protocol"


@pytest.mark.parametrize(
    ("answers", "blameless", "expected", "asked"),
    [
        ([TOKEN], [], TOKEN, 1),
        ([CROSSED, TOKEN], [True], TOKEN, 2),
        ([CROSSED, CROSSED, TOKEN], [True, True], TOKEN, 3),
        # No more than that: Keycloak may protect nobody, and then counts nothing.
        ([CROSSED, CROSSED, CROSSED, TOKEN], [True, True], CROSSED, 3),
        # It was the password.
        ([CROSSED, TOKEN], [False], CROSSED, 1),
        ([CROSSED, CROSSED, TOKEN], [True, False], CROSSED, 2),
        # No other refusal comes of another login.
        ([Answer("", 400, "invalid_grant", "Account is not fully set up")], [], None, 1),
        ([Answer("", 401, "invalid_client", "Invalid client or Invalid client credentials")], [], None, 1),
    ],
)
def test_logins_of_a_user_that_cross(
    pauses: list[float], answers: list[Answer], blameless: list[bool], expected: Answer | None, asked: int
) -> None:
    coming, verdicts = iter(answers), iter(blameless)
    given: list[Answer] = []

    def ask() -> Answer:
        given.append(next(coming))
        return given[-1]

    assert settled(ask, lambda: next(verdicts)) == (expected or answers[0])
    assert len(given) == asked
    assert pauses == [tokens.PAUSE] * (asked - 1)
    assert not list(verdicts)


def test_what_brute_force_detection_says() -> None:
    def get_json(path: str, role: str) -> Any:
        assert (path, role) == ("/attack-detection/brute-force/users/7", "view-users")
        return {"numFailures": 2, "disabled": True, "lastIPFailure": "192.0.2.1"}

    assert blame(get_json, "7") == Blame(2, True)
    # How Keycloak answers where nobody has failed yet.
    assert blame(lambda _path, _role: {"numFailures": 0, "disabled": False}, "7") == (0, False)
