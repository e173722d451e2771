from __future__ import annotations

import json
from typing import Any

import pytest
import responses
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tenantmail.stalwart.plugins.module_utils import http_client
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.openbao.argspec import SECRETS_PLAN
from ansible_collections.tenantmail.stalwart.plugins.module_utils.openbao.task import run

URL = "https://bao.test"
CANARY = "canary-value"
SECRET_ID = "canary-secret-id"
APPROLE = {"method": "approle", "role_id": "role", "secret_id": SECRET_ID}
TOKEN = {"method": "token", "token": "canary-token"}
MOUNTS = {"data": {"type": "kv", "options": {"version": "2"}}}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client.time, "sleep", lambda _seconds: None)


@pytest.fixture
def server():
    with responses.RequestsMock() as mock:
        yield mock


def plan(*, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    given = {"url": URL, "auth": TOKEN, "secrets": [{"path": "a/b", "property": "P"}], **changes}
    validation = ArgumentSpecValidator(SECRETS_PLAN).validate(given)
    assert not validation.error_messages
    return run(validation.validated_parameters, check_mode=check_mode)


def failure(**changes: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        plan(**changes)
    assert caught.value.layer == "openbao"
    assert "canary" not in str(caught.value.as_dict())
    return caught.value


def test_one_login_one_read_per_path_and_no_value_in_the_result(server) -> None:
    server.post(f"{URL}/v1/auth/approle/login", json={"auth": {"client_token": "canary-token"}})
    server.get(
        f"{URL}/v1/secret/data/a/b", json={"data": {"data": {"P": CANARY, "X": CANARY}, "metadata": {"version": 4}}}
    )
    result = plan(auth=APPROLE, secrets=[{"path": "a/b", "property": name} for name in ("P", "Q", "R")])
    assert result["requests"] == len(server.calls) == 2
    assert result["writes"] == [{"path": "a/b", "properties": ["Q", "R"], "version": 4}]
    assert [item["present"] for item in result["secrets"]] == [True, False, False]
    assert CANARY not in str(result)
    assert server.calls[1].request.headers["X-Vault-Token"] == "canary-token"


def test_a_value_of_somebody_else_s_is_not_generated(server) -> None:
    """Nothing is planned then, and every missing one is named at once."""
    server.get(f"{URL}/v1/secret/data/a/b", json={"data": {"data": {"X": CANARY}, "metadata": {"version": 4}}})
    wanted = [{"path": "a/b", "property": name, "generate": name == "P"} for name in ("P", "Q", "R", "X")]
    found = failure(secrets=wanted)
    assert found.code == "not_found"
    assert len(found.details) == 2
    assert "the secret a/b has no property Q" in found.details[0]
    assert "a/b Q=" in found.hint


def test_offline_only_what_a_run_generates_is_planned() -> None:
    wanted = [{"path": "a/b", "property": name, "generate": name == "P"} for name in ("P", "Q")]
    planned = plan(check_mode=True, offline=True, auth=None, secrets=wanted)
    assert [change["key"] for change in planned["changes"]] == ["a/b#P"]
    assert planned["writes"] == [{"path": "a/b", "properties": ["P"], "version": 0}]
    assert planned["unknown"] == ["a/b#Q"]


def test_a_path_that_was_never_written_is_created_at_version_0_after_a_look_at_the_engine(server) -> None:
    server.get(f"{URL}/v1/kv/data/a/b", status=404, json={"errors": []})
    server.get(f"{URL}/v1/sys/internal/ui/mounts/kv", json=MOUNTS)
    assert plan(mount="/kv/")["writes"] == [{"path": "a/b", "properties": ["P"], "version": 0}]


def test_kv_version_1_is_refused(server) -> None:
    server.get(f"{URL}/v1/secret/data/a/b", status=404, json={"errors": []})
    server.get(f"{URL}/v1/sys/internal/ui/mounts/secret", json={"data": {"type": "kv", "options": {"version": "1"}}})
    found = failure()
    assert found.code == "invalid_value"
    assert "'secret' is no KV version 2 engine" in found.message


@pytest.mark.parametrize(
    ("auth", "path", "body"),
    [
        (APPROLE, "approle", {"role_id": "role", "secret_id": SECRET_ID}),
        ({**APPROLE, "mount_point": "other/"}, "other", {"role_id": "role", "secret_id": SECRET_ID}),
        (
            {"method": "kubernetes", "role_id": "r", "jwt": "canary-jwt"},
            "kubernetes",
            {"role": "r", "jwt": "canary-jwt"},
        ),
        ({"method": "jwt", "role_id": "r", "jwt": "canary-jwt"}, "jwt", {"role": "r", "jwt": "canary-jwt"}),
    ],
)
def test_login(server, auth: dict[str, str], path: str, body: dict[str, str]) -> None:
    server.post(f"{URL}/v1/auth/{path}/login", json={"auth": {"client_token": "canary-token"}})
    server.get(f"{URL}/v1/secret/data/a/b", json={"data": {"data": {"P": CANARY}, "metadata": {"version": 1}}})
    assert plan(auth=auth)["changed"] is False
    assert json.loads(server.calls[0].request.body) == body


@pytest.mark.parametrize(
    ("status", "errors"),
    [
        (400, ["invalid role or secret ID"]),
        (403, ["permission denied"]),
        (404, ["no handler"]),
        (500, [f"invalid secret id {SECRET_ID}"]),
    ],
)
def test_login_refused(server, status: int, errors: list[str]) -> None:
    server.post(f"{URL}/v1/auth/approle/login", status=status, json={"errors": errors})
    found = failure(auth=APPROLE)
    assert found.code == "unauthorized"
    assert "approle" in found.message
    assert "platform_openbao_auth" in found.hint


@pytest.mark.parametrize("auth", [TOKEN, APPROLE])
def test_sealed_at_once(server, auth: dict[str, str]) -> None:
    server.add(
        "POST" if auth is APPROLE else "GET",
        f"{URL}/v1/{'auth/approle/login' if auth is APPROLE else 'secret/data/a/b'}",
        status=503,
    )
    server.get(f"{URL}/v1/sys/seal-status", json={"sealed": True})
    found = failure(auth=auth)
    assert found.code == "sealed"
    assert "unseal" in found.hint
    assert len(server.calls) == 2


def test_a_server_that_is_busy_is_asked_again(server) -> None:
    server.get(f"{URL}/v1/secret/data/a/b", status=503)
    server.get(f"{URL}/v1/sys/seal-status", json={"sealed": False})
    server.get(f"{URL}/v1/secret/data/a/b", json={"data": {"data": {"P": CANARY}, "metadata": {"version": 1}}})
    assert plan()["changed"] is False


@pytest.mark.parametrize(
    ("status", "body", "code", "needle"),
    [
        (403, {}, "unauthorized", "not valid"),
        (200, {"data": {"policies": ["default", "mail"]}}, "forbidden", "default, mail"),
    ],
)
def test_a_refused_read_is_told_from_a_bad_token(
    server, status: int, body: dict[str, Any], code: str, needle: str
) -> None:
    server.get(f"{URL}/v1/secret/data/a/b", status=403, json={"errors": ["permission denied"]})
    server.get(f"{URL}/v1/auth/token/lookup-self", status=status, json=body)
    found = failure()
    assert found.code == code
    assert needle in found.message


def test_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(http_client.HttpClient.__init__.__kwdefaults__, "deadline", 0.0)
    assert failure(url="http://127.0.0.1:1", auth=APPROLE).code == "unreachable"


def test_offline(server) -> None:
    result = plan(offline=True, check_mode=True, auth=None)
    assert (result["requests"], result["changed"]) == (0, True)
    assert failure(offline=True).code == "invalid_value"


@pytest.mark.parametrize(
    ("auth", "missing"),
    [
        ({}, "method"),
        ({"method": "password"}, "approle, token, kubernetes, jwt"),
        ({"method": "approle", "role_id": "x"}, "secret_id"),
        ({"method": "token"}, "token"),
        ({"method": "kubernetes", "role_id": "x"}, "jwt"),
        ({"method": "jwt", "jwt": "x"}, "role_id"),
        ({"method": "token", "token": "x", "tokn": "y"}, "tokn"),
    ],
)
def test_bad_auth(auth: dict[str, str], missing: str) -> None:
    validation = ArgumentSpecValidator(SECRETS_PLAN).validate({"url": URL, "auth": auth, "secrets": []})
    assert missing in " ".join(validation.error_messages)


def test_short_credentials_are_refused() -> None:
    assert "platform_openbao_auth.token has 5 characters" in failure(auth={"method": "token", "token": "short"}).message


def test_without_credentials() -> None:
    found = failure(auth=None)
    assert (found.code, found.hint) == ("invalid_value", "Set platform_openbao_auth.")
