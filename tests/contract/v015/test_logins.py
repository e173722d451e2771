"""The OIDC directory, app passwords and the own account (contract 0.15 sections 4, 5.8 and 12)."""

from __future__ import annotations

from typing import Any

import pytest

from ..issuer import Issuer
from ..mail import bearer, reply, submission
from .rest import Rest

PASSWORD = "Zeta-Pass-7731"


def _oidc(rest: Rest, issuer: Issuer, **more: str) -> None:
    base = f"{issuer.url('contract')}/protocol/openid-connect"
    values = {
        "type": "oidc",
        "endpoint.url": f"{base}/userinfo",
        "endpoint.method": "userinfo",
        "fields.email": "email",
        "fields.username": "preferred_username",
        "fields.full-name": "name",
    }
    rest.insert(values | {name.replace("_", "."): value for name, value in more.items()}, "directory.contract")
    rest.insert({"storage.directory": "contract"})
    assert rest.reload() == {}


@pytest.fixture
def alice(rest: Rest, domain: str) -> str:
    """The name of an account that a login may make."""
    name = f"alice.{domain}"
    rest.made(name)
    return name


def _status(rest: Rest, auth: Any) -> int:
    return rest.http("GET", "/jmap/session", auth=auth).status_code


def test_a_login_makes_account_and_domain(rest: Rest, issuer: Issuer, name: str) -> None:
    user = f"alice.{name}"
    rest.made(name, user)
    _oidc(rest, issuer)
    token = issuer.token("contract", user.upper(), email=f"Alice@{name.upper()}", name="Alice A")
    assert _status(rest, token) == 200
    shown = rest.get(user)
    shown.pop("id")
    assert shown == {
        "type": "individual",
        "name": user,
        "description": "Alice A",
        "emails": [f"alice@{name}"],
        "roles": ["user"],
    }
    made = rest.get(name)
    assert (made["type"], made["description"], made["members"]) == ("domain", name, 1)


def test_what_is_no_login(rest: Rest, issuer: Issuer, alice: str, domain: str) -> None:
    _oidc(rest, issuer)
    assert _status(rest, issuer.token("foreign", alice, email=f"a@{domain}")) == 401
    assert _status(rest, issuer.token("contract", alice, email=f"a@{domain}", exp=1)) == 401
    assert _status(rest, "nonsense") == 401
    assert rest.error("GET", f"/api/principal/{alice}")["error"] == "notFound"


def test_a_login_keeps_what_was_provisioned(rest: Rest, issuer: Issuer, domain: str) -> None:
    """Password gone, description and primary address the token's; groups, permissions and app passwords stay."""
    group, user = f"g.{domain}", f"u.{domain}"
    rest.create("group", group)
    fields: dict[str, Any] = {"enabledPermissions": ["restart"], "memberOf": [group], "roles": ["user"], "quota": 7}
    emails = [f"old@{domain}", f"alias@{domain}"]
    rest.create("individual", user, secrets=[PASSWORD, "$app$phone$x"], emails=emails, description="Old", **fields)
    _oidc(rest, issuer)
    assert _status(rest, issuer.token("contract", user, email=f"new@{domain}", name="New")) == 200
    shown = rest.get(user)
    assert {name: shown[name] for name in fields} == fields
    assert (shown["secrets"], shown["description"]) == (["$app$phone$x"], "New")
    assert sorted(shown["emails"]) == sorted([f"new@{domain}", f"alias@{domain}"])


def test_foreign_address_fails_the_login(rest: Rest, issuer: Issuer, alice: str, domain: str) -> None:
    """A stub account stays behind."""
    rest.create("group", f"g.{domain}", emails=[f"team@{domain}"])
    _oidc(rest, issuer)
    token = issuer.token("contract", alice, email=f"team@{domain}")
    assert "accounts" not in rest.http("GET", "/jmap/session", auth=token).json()
    assert "emails" not in rest.get(alice)
    with submission(rest.target) as client:
        told = reply(client.docmd("AUTH", bearer("XOAUTH2", alice, token)))
        assert told == "454 4.7.0 Temporary authentication failure"


def test_introspection(rest: Rest, issuer: Issuer, alice: str, domain: str) -> None:
    endpoint = f"{issuer.url('contract')}/protocol/openid-connect/token/introspect"
    credentials = {"auth_method": "basic", "auth_username": issuer.CLIENT_ID, "auth_secret": issuer.CLIENT_SECRET}
    _oidc(rest, issuer, endpoint_url=endpoint, endpoint_method="introspect", **credentials)
    assert _status(rest, issuer.token("contract", alice, email=f"a@{domain}")) == 200
    assert _status(rest, issuer.token("foreign", alice, email=f"a@{domain}")) != 200
    rest.insert({"auth.secret": "wrong"}, "directory.contract")
    assert rest.reload() == {}
    assert _status(rest, issuer.token("contract", alice, email=f"a@{domain}")) != 200


def test_issuer_down(rest: Rest, issuer: Issuer, alice: str, domain: str) -> None:
    """Tokens fail, the fallback administrator does not; reloads do not ask the issuer."""
    _oidc(rest, issuer)
    token = issuer.token("contract", alice, email=f"a@{domain}")
    issuer.stop()
    assert _status(rest, token) != 200
    assert rest.reload() == {}
    issuer.start()
    assert _status(rest, token) == 200


def test_external_directory(rest: Rest, issuer: Issuer, domain: str) -> None:
    """Passwords stop, app passwords work; individuals are deployed, not created."""
    user = f"u.{domain}"
    rest.create("individual", user, secrets=[PASSWORD, "$app$phone$app-password-1"], roles=["user"])
    assert _status(rest, (user, PASSWORD)) == 200
    _oidc(rest, issuer)
    assert _status(rest, (user, PASSWORD)) == 401
    assert _status(rest, (user, "app-password-1")) == 200
    body = {"type": "individual", "name": f"v.{domain}"}
    refused = rest.error("POST", "/api/principal", json=body)
    assert refused["error"] == "unsupported"
    assert refused["details"].startswith("OpenID directory cannot be managed.")
    rest.create("individual", f"v.{domain}")
    assert rest.data("POST", "/api/principal", json={"type": "group", "name": f"g.{domain}"}) > 0
    rest.made(f"g.{domain}")
    own = rest.error("POST", "/api/account/auth", auth=(user, "app-password-1"), json=[_set_password("New-Pass-1")])
    assert own["error"] == "unsupported"


def test_token_is_good_for_the_api(rest: Rest, issuer: Issuer, alice: str, domain: str) -> None:
    _oidc(rest, issuer)
    token = issuer.token("contract", alice, email=f"a@{domain}")
    assert rest.http("GET", "/api/principal", auth=token).status_code == 403
    rest.patch(alice, ("addItem", "enabledPermissions", "settings-list"))
    assert rest.http("GET", "/api/settings/list", auth=token).status_code == 200


# -- own account -----------------------------------------------------------------------------------------------------


def _set_password(text: str) -> dict[str, str]:
    return {"type": "setPassword", "password": text}


def test_own_account(rest: Rest, domain: str) -> None:
    user = f"u.{domain}"
    rest.create("individual", user, secrets=PASSWORD, roles=["user"])
    auth = (user, PASSWORD)
    assert rest.data("GET", "/api/account/auth", auth=auth) == {"otpEnabled": False, "appPasswords": []}
    add = [{"type": "addAppPassword", "name": name, "password": f"{name}-password"} for name in ("phone", "tablet")]
    assert rest.data("POST", "/api/account/auth", auth=auth, json=add) is None
    assert rest.data("GET", "/api/account/auth", auth=(user, "phone-password"))["appPasswords"] == ["phone", "tablet"]
    rest.data("POST", "/api/account/auth", auth=auth, json=[{"type": "removeAppPassword", "name": "phone"}])
    assert rest.get(user)["secrets"] == [PASSWORD, "$app$tablet$tablet-password"]
    rest.data("POST", "/api/account/auth", auth=auth, json=[_set_password("Other-Pass-7731")])
    assert rest.get(user)["secrets"] == ["Other-Pass-7731"]  # verbatim, and the app passwords are gone
    assert _status(rest, auth) == 401


@pytest.mark.parametrize(
    "body", [{}, [], [{"type": "nope"}], [{"type": "setPassword"}], [{"type": "addAppPassword", "name": "x"}]]
)
def test_malformed_account_requests(rest: Rest, body: Any) -> None:
    assert rest.http("POST", "/api/account/auth", json=body).status_code == 400


def test_fallback_administrator(rest: Rest) -> None:
    """His password is a setting, which counts after a reload; he has no app passwords."""
    assert rest.data("GET", "/api/account/auth") == {"otpEnabled": False, "appPasswords": []}
    add = {"type": "addAppPassword", "name": "x", "password": "y"}
    assert rest.error("POST", "/api/account/auth", json=[add])["error"] == "other"
    key = "authentication.fallback-admin.secret"
    before = rest.keys(keys=key)
    rest.insert(before)  # put back after the test
    rest.data("POST", "/api/account/auth", json=[_set_password("New-Admin-Pass-1")])
    assert rest.keys(keys=key) == {key: "New-Admin-Pass-1"}
    assert rest.http("GET", "/api/principal").status_code == 200
    rest.reload()
    new = (rest.target.username, "New-Admin-Pass-1")
    assert rest.http("GET", "/api/principal").status_code == 401
    restored = [{"type": "insert", "prefix": None, "values": [[key, before[key]]], "assert_empty": False}]
    assert rest.data("POST", "/api/settings", auth=new, json=restored) is None
    assert rest.data("GET", "/api/reload", auth=new)["errors"] == {}


@pytest.mark.parametrize(
    ("stored", "works"),
    [
        ("plain text", True),
        ("{PLAIN}$odd", True),
        ("$odd", False),
        ("_odd", False),
        ("{odd", False),
        ("$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/", True),
        ("{SSHA}yrht1iYXEIkejLVu42JWkadd80RzYWx0c2FsdA==", True),
    ],
)
def test_stored_forms_of_a_password(rest: Rest, domain: str, stored: str, works: bool) -> None:
    """The first character decides; a plain password may not begin with `$`, `_` or `{`."""
    user = f"u.{domain}"
    rest.create("individual", user, secrets=stored, roles=["user"])
    passwords = {"{PLAIN}$odd": "$odd"} | dict.fromkeys(("plain text", "$odd", "_odd", "{odd"), stored)
    password = passwords.get(stored, "password")
    assert _status(rest, (user, password)) == (200 if works else 401)
