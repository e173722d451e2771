from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qs

import keycloak_realm
import pytest
import responses
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tenantmail.stalwart.plugins.module_utils import http_client
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak import client
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.argspec import REALM_PLAN
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.desired import desired_realm
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.task import run

ADMIN = "https://admin.test"
REALM = f"{ADMIN}/admin/realms/sme-acme"
ISSUER = "https://kc.test/realms/sme-acme"
TOKEN = f"{ADMIN}/realms/master/protocol/openid-connect/token"
PASSWORD = "canary-password"
GIVEN: dict[str, Any] = {
    "admin_url": ADMIN,
    "auth": {"username": "provisioner", "password": PASSWORD},
    "realm": "sme-acme",
    "realm_url": ISSUER,
    "groups": ["sme-user"],
}
DENIED = {"error": "HTTP 403 Forbidden"}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(http_client.HttpClient.__init__.__kwdefaults__, "deadline", 0.0)
    monkeypatch.setattr(http_client.time, "sleep", lambda _seconds: None)


@pytest.fixture
def server():
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
        yield mock


def plan(*, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    validation = ArgumentSpecValidator(REALM_PLAN).validate({**GIVEN, **changes})
    assert not validation.error_messages
    return run(validation.validated_parameters, check_mode=check_mode)


def failure(**changes: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        plan(**changes)
    assert caught.value.layer == "keycloak"
    assert PASSWORD not in str(caught.value.as_dict())
    return caught.value


def login(server: responses.RequestsMock) -> None:
    server.post(TOKEN, json={"access_token": "canary-token"})


def realm(server: responses.RequestsMock, **changes: Any) -> None:
    """A realm that lacks nothing but the groups' scope."""
    login(server)
    server.get(REALM, json={"realm": "sme-acme", "enabled": True, **changes})
    server.get(f"{REALM}/client-scopes", json=[{"name": name} for name in ("profile", "email")])
    server.get(f"{REALM}/clients", json=[{"clientId": "admin-cli", "access": {"manage": True}}])
    group = {"id": "g1", "name": "sme-user", "attributes": {"tenantmail_group": ["sme-user"]}}
    server.get(f"{REALM}/groups", json=[group])
    server.get(f"{REALM}/users/profile", json={})


def test_seven_requests_and_the_token_goes_to_the_admin_url_only(server) -> None:
    realm(server)
    server.get(f"{ISSUER}/.well-known/openid-configuration", json={"issuer": ISSUER})
    result = plan()
    assert result["requests"] == len(server.calls) == 7
    assert result["exists"] is True
    assert [change["key"] for change in result["changes"]] == ["groups"]
    for call in server.calls[1:]:
        assert ("Authorization" in call.request.headers) == call.request.url.startswith(ADMIN)


def test_a_missing_realm_takes_two_requests(server) -> None:
    login(server)
    server.get(REALM, status=404, json={"error": "Realm not found."})
    result = plan(check_mode=True)
    assert (result["exists"], result["requests"], result["changed"]) == (False, 2, True)
    assert result["writes"]["realm"] == [{"realm": "sme-acme", "enabled": True}]


def test_offline_makes_no_request_and_needs_check_mode(server) -> None:
    result = plan(offline=True, check_mode=True, auth=None)
    assert (result["requests"], result["changed"]) == (0, True)
    assert failure(offline=True).code == "invalid_value"


@pytest.mark.parametrize(
    ("auth", "form"),
    [
        (
            {"username": "provisioner", "password": PASSWORD},
            {
                "client_id": ["admin-cli"],
                "grant_type": ["password"],
                "username": ["provisioner"],
                "password": [PASSWORD],
            },
        ),
        (
            {"client_id": "provisioner", "client_secret": PASSWORD},
            {"client_id": ["provisioner"], "grant_type": ["client_credentials"], "client_secret": [PASSWORD]},
        ),
    ],
)
def test_login(server, auth: dict[str, str], form: dict[str, list[str]]) -> None:
    login(server)
    server.get(REALM, status=404)
    plan(auth=auth)
    assert parse_qs(server.calls[0].request.body) == form


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, {"error": "invalid_grant", "error_description": f"no {PASSWORD}"}, "unauthorized"),
        (400, {"error": "unauthorized_client"}, "unauthorized"),
        (404, {"error": "Realm does not exist"}, "not_found"),
        (503, {}, "server_error"),
    ],
)
def test_login_refused(server, status: int, body: dict[str, str], code: str) -> None:
    server.post(TOKEN, status=status, json=body)
    assert failure().code == code


def test_keycloak_down() -> None:
    found = failure(admin_url="http://127.0.0.1:1")
    assert found.code == "unreachable"
    assert "127.0.0.1:1" in found.message
    assert found.hint


def test_admin_url_that_is_no_url() -> None:
    assert failure(admin_url="keycloak.test").code == "invalid_value"


@pytest.mark.parametrize(
    ("denied", "role"),
    [
        ("", "view-realm"),
        ("/client-scopes", "view-clients"),
        ("/clients", "view-clients"),
        ("/groups", "view-users"),
        ("/users/profile", "view-realm"),
        ("/users", "view-users"),
    ],
)
def test_a_missing_role_is_named(server, denied: str, role: str) -> None:
    login(server)
    answers: dict[str, Any] = {
        "": {"enabled": True},
        "/client-scopes": [],
        "/clients": [{"clientId": "admin-cli"}],
        "/groups": [],
        "/users/profile": {},
    }
    for path, body in answers.items():
        if path == denied:
            break
        server.get(f"{REALM}{path}", json=body)
    server.get(f"{REALM}{denied}", status=403, json=DENIED)
    user = {"username": "alice", "email": "alice@acme.test", "first_name": "A", "last_name": "S"}
    found = failure(users=[user])
    assert found.code == "forbidden"
    assert f"role {role} of client sme-acme-realm in realm master" in found.hint


def test_a_shortened_realm_means_a_missing_role(server) -> None:
    login(server)
    server.get(REALM, json={"realm": "sme-acme", "displayName": "X", "bruteForceProtected": False})
    assert "view-realm" in failure().hint


def test_no_clients_at_all_means_a_missing_role(server) -> None:
    login(server)
    server.get(REALM, json={"enabled": True})
    server.get(f"{REALM}/client-scopes", json=[])
    server.get(f"{REALM}/clients", json=[])
    assert "view-clients" in failure().hint


def test_an_account_of_the_realm_itself_gets_roles_of_realm_management(server) -> None:
    server.post(f"{ADMIN}/realms/sme-acme/protocol/openid-connect/token", json={"access_token": "canary-token"})
    server.get(REALM, status=403, json=DENIED)
    assert "of client realm-management in realm sme-acme" in failure(auth_realm="sme-acme").hint


def test_another_issuer_is_refused(server) -> None:
    realm(server)
    server.get(f"{ISSUER}/.well-known/openid-configuration", json={"issuer": "https://other.test/realms/sme-acme"})
    found = failure()
    assert found.code == "conflict"
    assert "https://other.test/realms/sme-acme" in found.message
    assert ISSUER in found.message


def user(name: str) -> dict[str, Any]:
    return {
        "username": name,
        "email": f"{name}@acme.test",
        "first_name": "A",
        "last_name": "S",
        "groups": ["sme-user"],
    }


def test_users_are_read_by_pages_and_their_groups_by_group(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE", 2)
    realm(server)
    server.get(f"{ISSUER}/.well-known/openid-configuration", json={"issuer": ISSUER})
    held = [{"username": name, "email": f"{name}@acme.test", "emailVerified": True} for name in ("alice", "bob", "eve")]
    held = [{**item, "firstName": "A", "lastName": "S", "enabled": True} for item in held]
    for path in ("/users?briefRepresentation=true", "/groups/g1/members?briefRepresentation=true"):
        server.get(f"{REALM}{path}&first=0&max=2", json=held[:2])
        server.get(f"{REALM}{path}&first=2&max=2", json=held[2:])
    result = plan(users=[user(name) for name in ("alice", "bob", "carol")])
    assert [str(change["key"]) for change in result["changes"]] == ["groups", "carol"]
    assert result["requests"] == 7 + 4


def test_one_user_is_asked_for_by_name(server) -> None:
    realm(server)
    server.get(f"{ISSUER}/.well-known/openid-configuration", json={"issuer": ISSUER})
    server.get(f"{REALM}/users?exact=true&username=a%2Bb&first=0&max=1000", json=[])
    assert [change["key"] for change in plan(users=[user("a+b")])["changes"]] == ["groups", "a+b"]


def test_the_groups_below_the_parent_are_asked_for(server) -> None:
    realm(server)
    server.get(f"{ISSUER}/.well-known/openid-configuration", json={"issuer": ISSUER})
    below = [{"id": "g2", "name": name, "attributes": {}} for name in ("sales", "No Address")]
    server.get(f"{REALM}/groups/g1/children?briefRepresentation=false&first=0&max=1000", json=below)
    result = plan(groups=[], group_parent="sme-user")
    assert [change["key"] for change in result["changes"]] == ["groups", "sme-user/sales", "sme-user"]
    assert result["unusable_groups"] == ["sme-user/No Address"]


CLAIMS: dict[str, Any] = {
    "aud": ["account", "stalwart"],
    "scope": "openid groups email profile stalwart-audience",
    "preferred_username": "tenantmail-probe",
    "groups": ["tenantmail-probe-group"],
}


def converged(server: responses.RequestsMock) -> dict[str, Any]:
    """Options that the realm fulfils; only the token is left to ask for."""
    given = {
        "users": [],
        "groups": [],
        "clients": [{"client_id": "stalwart", "audience": True}],
        "probe": keycloak_realm.PROBE,
    }
    validation = ArgumentSpecValidator(REALM_PLAN).validate({**GIVEN, **given})
    state = keycloak_realm.as_the_role_leaves_it(desired_realm(validation.validated_parameters))
    login(server)
    server.get(REALM, json=state.realm)
    server.get(f"{REALM}/client-scopes", json=list(state.client_scopes.values()))
    server.get(f"{REALM}/clients", json=list(state.clients.values()))
    server.get(f"{REALM}/groups", json=list(state.groups.values()))
    server.get(f"{REALM}/users/profile", json={})
    server.get(f"{REALM}/users", json=list(state.users.values()))
    group = state.groups["tenantmail-probe-group"]["id"]
    server.get(f"{REALM}/groups/{group}/members", json=[{"username": "tenantmail-probe"}])
    server.get(f"{ISSUER}/.well-known/openid-configuration", json={"issuer": ISSUER})
    return given


def jwt(claims: dict[str, Any]) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{body}.c2lnbmF0dXJl"


def test_an_empty_plan_is_proven_by_a_token(server) -> None:
    given = converged(server)
    server.post(f"{ISSUER}/protocol/openid-connect/token", json={"access_token": jwt(CLAIMS)})
    result = plan(**given)
    assert (result["changed"], result["requests"]) == (False, 10)
    assert result["proven"] == (
        "a token of tenantmail-probe carries aud stalwart, scope openid email profile groups, "
        "preferred_username tenantmail-probe"
    )
    asked = parse_qs(server.calls[-1].request.body)
    assert asked["scope"] == ["openid email profile groups stalwart-audience"]
    assert "Authorization" not in server.calls[-1].request.headers


@pytest.mark.parametrize(
    ("claims", "wrong"),
    [
        ({"aud": "account"}, r"aud is \['account'\], not stalwart"),
        ({"aud": None}, r"aud is \[\], not stalwart"),
        ({"scope": "openid email"}, "scope lacks profile groups"),
        ({"preferred_username": "mallory"}, "preferred_username is mallory"),
        ({"groups": None}, r"groups is \[\], without tenantmail-probe-group"),
        ({"groups": ["/tenantmail-probe-group"]}, "without tenantmail-probe-group"),
    ],
)
def test_a_token_that_the_mail_server_would_refuse(server, claims: dict[str, Any], wrong: str) -> None:
    given = converged(server)
    token = jwt({**CLAIMS, **claims})
    server.post(f"{ISSUER}/protocol/openid-connect/token", json={"access_token": token})
    found = failure(**given)
    assert found.code == "not_converged"
    assert re.search(wrong, found.message)
    assert token not in found.sentence


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.W10.c", 7])
def test_a_token_that_is_none(server, token: Any) -> None:
    given = converged(server)
    server.post(f"{ISSUER}/protocol/openid-connect/token", json={"access_token": token})
    assert failure(**given).code == "protocol"


def refuse(server: responses.RequestsMock, status: int = 401, **refusal: str) -> None:
    server.post(f"{ISSUER}/protocol/openid-connect/token", status=status, json=refusal)


def blamed(server: responses.RequestsMock, **status: Any) -> None:
    server.get(re.compile(re.escape(f"{REALM}/attack-detection/brute-force/users/")), json=status)


CREDENTIALS = f"Invalid user credentials {keycloak_realm.PASSWORD}"


@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_login_is_a_change_and_not_a_retry(server, status: int) -> None:
    given = converged(server)
    refuse(server, status, error="invalid_grant", error_description=CREDENTIALS)
    blamed(server, numFailures=1, disabled=False)
    result = plan(**given)
    assert result["changes"] == [{"action": "update", "kind": "user", "key": "tenantmail-probe"}]
    assert result["writes"]["users"][0]["force"] is True
    assert keycloak_realm.PASSWORD not in str(result)
    assert result["requests"] == len(server.calls) == 11


def test_a_login_that_crosses_another_one_is_tried_again(server) -> None:
    given = converged(server)
    refuse(server, error="invalid_grant", error_description="Invalid user credentials")
    blamed(server, numFailures=0, disabled=False)
    server.post(f"{ISSUER}/protocol/openid-connect/token", json={"access_token": jwt(CLAIMS)})
    result = plan(**given)
    assert (result["changed"], result["requests"]) == (False, 12)
    assert result["proven"]


def test_a_locked_probe_is_made_anew(server) -> None:
    given = converged(server)
    refuse(server, error="invalid_grant", error_description="Invalid user credentials")
    blamed(server, numFailures=30, disabled=True)
    assert plan(**given)["writes"]["users"][0]["force"] is True


def test_a_client_that_gets_no_token_is_no_reason_to_make_the_user_anew(server) -> None:
    given = converged(server)
    refuse(server, error="unauthorized_client", error_description="Client not allowed for direct access grants")
    found = failure(**given)
    assert (found.code, found.layer) == ("not_converged", "keycloak")
    assert "Client not allowed for direct access grants" in found.message


@pytest.mark.parametrize("changes", [{"state": "disabled"}, {"password": None}, {"secret": None}])
def test_no_token_is_asked_for_where_none_can_be_had(server, changes: dict[str, Any]) -> None:
    given = converged(server)
    result = plan(check_mode=True, **{**given, "probe": {**given["probe"], **changes}})
    assert result["proven"] is None
    assert result["requests"] == 9


def test_a_disabled_realm_has_no_discovery_document(server) -> None:
    realm(server, enabled=False)
    assert {"action": "update", "kind": "realm", "key": "sme-acme"} in plan()["changes"]


@pytest.mark.parametrize("field", ["password", "client_secret"])
def test_short_credentials_are_refused(field: str) -> None:
    auth = {"password": {"username": "x", "password": "short"}, "client_secret": {"client_secret": "short"}}[field]
    assert f"platform_keycloak_auth.{field} has 5 characters" in failure(auth=auth).message


def test_without_credentials() -> None:
    found = failure(auth=None)
    assert (found.code, found.hint) == ("invalid_value", "Set platform_keycloak_auth.")
