"""Envelopes, credentials, permissions and probes (contract 0.15 sections 1.7, 2 and 12)."""

from __future__ import annotations

import base64
import smtplib

import pytest

from ..servers import HOSTNAME
from .rest import Rest

WRONG = ("admin", "not-the-password")


@pytest.mark.parametrize("path", ["/healthz/live", "/healthz/ready"])
def test_probes_need_no_credentials(rest: Rest, path: str) -> None:
    answer = rest.http("GET", path, auth=None)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/problem+json")
    assert answer.json()["status"] == 200


def test_generation_probe(rest: Rest) -> None:
    """One authenticated request: 404 = 0.15 and the credentials work, 401 = they do not."""
    assert rest.http("GET", "/api/schema").status_code == 404
    assert rest.http("GET", "/api/schema", auth=None).status_code == 401
    assert rest.http("GET", "/api/schema", auth=WRONG).status_code == 401
    assert rest.http("GET", "/api/principal", auth=None).status_code == 401
    assert rest.data("GET", "/api/settings/keys?keys=no.such.key") == {}


def test_unauthorized_has_no_challenge_below_api(rest: Rest) -> None:
    for auth in (None, WRONG):
        answer = rest.http("GET", "/api/principal", auth=auth)
        assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
        assert "WWW-Authenticate" not in answer.headers
        assert answer.json()["title"] == "Unauthorized"
    assert "WWW-Authenticate" in rest.http("GET", "/jmap/session", auth=WRONG).headers


def test_user_name_is_lower_cased_and_trimmed(rest: Rest) -> None:
    name = f" {rest.target.username.upper()} "
    assert rest.http("GET", "/api/principal", auth=(name, rest.target.password)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/nope"),
        ("GET", "/api/settings/nope"),
        ("PUT", "/api/settings"),
        ("POST", "/api/settings/list"),
        ("POST", "/api/reload"),
        ("PUT", "/api/principal"),
        ("GET", "/api/dkim"),
        ("GET", "/api/dns/records"),
        ("GET", "/api/account"),
        ("GET", "/nonexistent"),
    ],
)
def test_unknown_routes(rest: Rest, method: str, path: str) -> None:
    answer = rest.http(method, path)
    assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")


def test_options(rest: Rest) -> None:
    assert rest.http("OPTIONS", "/api/principal", auth=None).status_code == 204


@pytest.mark.parametrize("path", ["/api/settings", "/api/principal", "/api/principal/deploy"])
@pytest.mark.parametrize("body", [b"", b"{", b"7", b" " * 1_100_000 + b"[]"])
def test_unreadable_bodies(rest: Rest, path: str, body: bytes) -> None:
    """A body over 1 MiB is dropped and then missing."""
    answer = rest.http("POST", path, data=body)
    assert answer.status_code == 400
    assert (answer.json()["title"], answer.json()["detail"]) == ("Invalid parameters", "JSON deserialization failed")


def test_empty_parameters_count_as_absent(rest: Rest, domain: str) -> None:
    everything = rest.data("GET", "/api/principal?limit=1&count=")
    assert len(everything["items"]) == 1
    assert rest.data("GET", "/api/principal?count=false")["items"] == []


def test_trailing_slash_is_an_empty_name(rest: Rest) -> None:
    assert rest.error("GET", "/api/principal/") == {"error": "notFound", "item": ""}


def test_there_is_no_restart(rest: Rest) -> None:
    assert rest.error("GET", "/api/restart")["error"] == "unsupported"


def test_version_probe(rest: Rest) -> None:
    body = {"type": "code", "client_id": "probe", "redirect_uri": None}
    data = rest.data("POST", "/api/oauth", json=body)
    assert (data["version"], data["isEnterprise"], len(data["permissions"])) == ("0.15.5", False, 266)


def test_session(rest: Rest) -> None:
    session = rest.http("GET", "/jmap/session").json()
    assert session["username"] == "Fallback Administrator"
    ((account, shown),) = session["accounts"].items()
    assert account == "d333333"
    assert "urn:stalwart:jmap" not in shown["accountCapabilities"]
    anonymous = rest.http("GET", "/jmap/session", auth=None).json()
    assert (anonymous["accounts"], anonymous["username"]) == ({}, "")


def test_capability_of_the_other_generation_is_unknown(rest: Rest) -> None:
    body = {"using": ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"], "methodCalls": []}
    answer = rest.http("POST", "/jmap", json=body)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:ietf:params:jmap:error:notRequest")
    assert 'Unknown capability: "urn:stalwart:jmap"' in answer.json()["detail"]


# -- permissions -----------------------------------------------------------------------------------------------------


def test_login_needs_a_role(rest: Rest, domain: str) -> None:
    """Nobody gets a default role: without one a right password is a 403."""
    user, password = f"u.{domain}", "Zeta-Pass-7731"
    rest.create("individual", user, secrets=[password])
    assert rest.http("GET", "/api/account/auth", auth=(user, password)).status_code == 403
    rest.patch(user, ("addItem", "roles", "user"))
    assert rest.http("GET", "/api/account/auth", auth=(user, password)).status_code == 200
    assert rest.http("GET", "/api/principal", auth=(user, password)).status_code == 403
    assert rest.http("GET", "/api/account/auth", auth=(user, "wrong")).status_code == 401


def test_api_key_works_as_basic_and_bearer_below_api_only(rest: Rest, domain: str) -> None:
    name, password = f"key.{domain}", "Key-Secret-1"
    permissions = ["authenticate", "settings-list"]
    rest.create("apiKey", name, secrets=password, enabledPermissions=permissions)
    bearer = "api_" + base64.b64encode(f"{name}:{password}".encode()).decode()
    for auth in ((name, password), bearer):
        assert rest.http("GET", "/api/settings/list", auth=auth).status_code == 200
        assert rest.http("GET", "/api/reload", auth=auth).status_code == 403
    assert rest.http("GET", "/jmap/session", auth=bearer).status_code == 401


def test_nobody_grants_what_he_has_not(rest: Rest, domain: str) -> None:
    name, password = f"key.{domain}", "Key-Secret-1"
    rest.create("apiKey", name, secrets=password, enabledPermissions=["authenticate", "individual-create"])
    options = {"auth": (name, password), "json": {"type": "individual", "name": f"v.{domain}"}}
    body = options["json"]
    assert isinstance(body, dict)
    refused = rest.error("POST", "/api/principal", **(options | {"json": body | {"roles": ["user"]}}))
    assert (refused["error"], refused["details"]) == ("other", "Invalid role")
    refused = rest.error("POST", "/api/principal", **(options | {"json": body | {"enabledPermissions": ["restart"]}}))
    assert (refused["error"], refused["details"]) == ("other", "Invalid permission")
    assert rest.http("POST", "/api/principal", auth=(name, password), json=body | {"type": "group"}).status_code == 403
    given = body | {"enabledPermissions": ["authenticate"], "disabledPermissions": ["restart"]}
    assert rest.data("POST", "/api/principal", auth=(name, password), json=given) > 0
    assert rest.get(f"v.{domain}")["disabledPermissions"] == ["restart"]
    rest.data("DELETE", f"/api/principal/v.{domain}")


def test_disabled_permissions_win_at_once(rest: Rest, domain: str) -> None:
    user, password = f"u.{domain}", "Zeta-Pass-7731"
    rest.create("individual", user, secrets=[password], roles=["user"])
    rest.patch(user, ("addItem", "disabledPermissions", "authenticate"))
    assert rest.http("GET", "/api/account/auth", auth=(user, password)).status_code == 403
    rest.patch(user, ("removeItem", "disabledPermissions", "authenticate"))
    assert rest.http("GET", "/api/account/auth", auth=(user, password)).status_code == 200


@pytest.mark.parametrize("kind", ["tenant", "individual"])
def test_tenants_are_of_the_enterprise_edition(rest: Rest, kind: str) -> None:
    body = {"type": kind, "name": "t"} | ({"tenant": ""} if kind == "individual" else {})
    assert rest.error("POST", "/api/principal", json=body)["error"] == "unsupported"


def test_smtp_greeting(rest: Rest) -> None:
    if rest.target.smtp_port is None:
        pytest.skip("this server's SMTP port is not known")
    with smtplib.SMTP("127.0.0.1", rest.target.smtp_port, timeout=10) as smtp:
        code, text = smtp.ehlo()
    assert code == 250
    assert text.splitlines()[0].split()[0] == HOSTNAME.encode()
