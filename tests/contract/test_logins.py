"""Directories, tokens, passwords, app passwords and API keys (contract 2, 4.3, 5 and 11)."""

from __future__ import annotations

from typing import Any

import pytest

from .api import PASSWORD, Api
from .issuer import Issuer
from .mail import bearer, plain, reply, submission

pytestmark = pytest.mark.usefixtures("reloadable")


def _status(api: Api, token: Any) -> int:
    return api.http("GET", "/jmap/session", auth=token).status_code


def _running_issuer(api: Api, name: str) -> str:
    return str(api.http("GET", f"/api/discover/anyone@{name}", auth=None).json()["issuer"])


def test_stored_is_not_running_until_reload(api: Api, directory: str, issuer: Issuer, name: str) -> None:
    """The running directory shows at /api/discover; a refused reload names the object and changes nothing."""
    assert _running_issuer(api, name) == issuer.url("contract")
    api.update("Directory", directory, {"issuerUrl": issuer.url("nope")})
    assert _running_issuer(api, name) == issuer.url("contract")
    refused = api.action("ReloadSettings")["notCreated"]["a"]
    assert (refused["type"], refused["objectId"]) == ("validationFailed", {"object": "Directory", "id": directory})
    assert _running_issuer(api, name) == issuer.url("contract")
    assert _status(api, issuer.token("contract", "alice")) == 200
    api.update("Directory", directory, {"issuerUrl": issuer.url("contract")})
    assert "created" in api.action("ReloadSettings")


def test_login_makes_user_and_groups(api: Api, directory: str, domain: str, issuer: Issuer, name: str) -> None:
    token = issuer.token("contract", "alice", name="Alice A", groups=["sales"])
    session = api.http("GET", "/jmap/session", auth=token).json()
    assert session["username"] == f"alice@{name}"
    (user,) = api.query("Account", filter={"name": "alice", "domainId": domain})
    (group,) = api.query("Account", filter={"name": "sales", "domainId": domain})
    assert session["accounts"][group]["isPersonal"] is False
    account = api.get("Account", user)
    assert (account["description"], account["memberGroupIds"]) == ("Alice A", {group: True})
    assert (account["credentials"], account["roles"]) == ({}, {"@type": "User"})
    assert _status(api, issuer.token("contract", "alice", groups=[])) == 200
    assert api.get("Account", user, "memberGroupIds")["memberGroupIds"] == {}


def test_an_existing_account_is_reused(api: Api, directory: str, domain: str, issuer: Issuer) -> None:
    alias = {"0": {"name": "al", "domainId": domain}}
    user = api.create("Account", type_="User", name="alice", domainId=domain, aliases=alias)
    assert _status(api, issuer.token("contract", "al", name="By Alias")) == 200
    assert api.get("Account", user, "description")["description"] == "By Alias"


@pytest.mark.parametrize(
    ("realm", "claims"),
    [
        pytest.param("foreign", {}, id="another realm"),
        pytest.param("contract", {"scope": "openid email profile"}, id="scope missing"),
        pytest.param("contract", {"aud": ["account"]}, id="audience missing"),
        pytest.param("contract", {"aud": None}, id="no audience at all"),
        pytest.param("contract", {"exp": 1_700_000_000}, id="expired"),
        pytest.param("contract", {"iss": "http://127.0.0.1/realms/contract"}, id="other issuer"),
        pytest.param("contract", {"preferred_username": "alice@nosuchdomain.test"}, id="unknown domain"),
    ],
)
def test_refused_tokens(api: Api, directory: str, issuer: Issuer, realm: str, claims: dict[str, Any]) -> None:
    assert _status(api, issuer.token(realm, "alice")) == (200 if realm == "contract" else 401)
    assert _status(api, issuer.token(realm, "alice", **claims)) == 401


def test_what_a_token_need_not_say(api: Api, directory: str, issuer: Issuer) -> None:
    """A token that names no issuer, and one that is not valid yet, are let in: only `exp`, `aud` and a named `iss` count."""
    assert _status(api, issuer.token("contract", "alice", iss=None)) == 200
    assert _status(api, issuer.token("contract", "alice", nbf=4_000_000_000)) == 200


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_tokens_on_smtp(api: Api, directory: str, issuer: Issuer, name: str, mechanism: str) -> None:
    """A good token may send as its account; one that cannot be judged is no failed login, one without a scope is."""
    api.update("MtaStageAuth", "singleton", {"waitOnFail": {"else": "100ms"}})
    assert "created" in api.action("ReloadSettings")
    refused = {
        "454 4.7.0 Temporary authentication failure": [
            issuer.token("foreign", "alice"),
            issuer.token("contract", "alice", aud=["account"]),
            issuer.token("contract", "alice", exp=1_700_000_000),
            issuer.token("contract", "alice", preferred_username="alice@nosuchdomain.test"),
        ],
        "535 5.7.8 Authentication credentials invalid.": [
            issuer.token("contract", "alice", scope="openid email profile"),
            "opaque",
        ],
    }
    with submission(api.target) as client:
        for answer, tokens in refused.items():
            for token in tokens:
                assert reply(client.docmd("AUTH", bearer(mechanism, "alice", token))) == answer, token
        token = issuer.token("contract", "alice", groups=["sales"])
        assert client.docmd("AUTH", bearer(mechanism, "alice", token))[0] == 235
        for sender in ("alice", "sales"):
            assert client.mail(f"{sender}@{name}")[0] == 250
            client.rset()
        assert client.mail(f"bob@{name}")[0] == 501


def test_forged_token(api: Api, directory: str, issuer: Issuer) -> None:
    header, payload, signature = issuer.token("contract", "alice").split(".")
    assert _status(api, f"{header}.{payload}.{signature[:-8]}AAAAAAAA") == 401


def test_passwords_are_off_while_the_directory_is_oidc(api: Api, domain: str, issuer: Issuer, name: str) -> None:
    """Setting one is forbidden, an existing one is refused; app passwords, API keys and the recovery admin work."""
    credentials = {"0": {"@type": "Password", "secret": PASSWORD}}
    user = api.create("Account", type_="User", name="bob", domainId=domain, credentials=credentials)
    assert _status(api, (f"bob@{name}", PASSWORD)) == 200
    app = api.call("x:AppPassword/set", accountId=user, create={"a": {"description": "phone"}})["created"]["a"]
    key = api.call("x:ApiKey/set", accountId=user, create={"a": {"description": "robot"}})["created"]["a"]
    directory = api.create("Directory", type_="Oidc", description="contract", issuerUrl=issuer.url("contract"))
    api.update("Authentication", "singleton", {"directoryId": directory})
    try:
        assert "created" in api.action("ReloadSettings")
        assert _status(api, (f"bob@{name}", PASSWORD)) == 401
        error = api.not_created("Account", type_="User", name="carol", domainId=domain, credentials=credentials)
        assert error["type"] == "forbidden"
        assert _status(api, (f"bob@{name}", app["secret"])) == 200
        with submission(api.target) as client:
            assert client.docmd("AUTH", plain(f"bob@{name}", PASSWORD))[0] == 454
            assert reply(client.docmd("AUTH", plain(f"bob@{name}", app["secret"]))).startswith("235")
        assert _status(api, key["secret"]) == 200
        assert _status(api, "admin") == 200
    finally:
        api.update("Authentication", "singleton", {"directoryId": None})
        assert "created" in api.action("ReloadSettings")


def test_secrets_are_masked(api: Api, domain: str, name: str) -> None:
    """Written back by pointer, a masked password is ignored."""
    credentials = {"0": {"@type": "Password", "secret": PASSWORD}}
    user = api.create("Account", type_="User", name="dora", domainId=domain, credentials=credentials)
    assert api.get("Account", user)["credentials"]["0"]["secret"] == "****"
    api.update("Account", user, {"credentials/0/secret": "****"})
    assert _status(api, (f"dora@{name}", PASSWORD)) == 200
    assert _status(api, (f"dora@{name}", "****")) == 401


def test_password_policy(api: Api, domain: str) -> None:
    for secret in ("short", "password123"):
        credentials = {"0": {"@type": "Password", "secret": secret}}
        error = api.not_created("Account", type_="User", name="eve", domainId=domain, credentials=credentials)
        assert (error["type"], error["properties"]) == ("invalidProperties", ["secret"])


def test_suspended_accounts(api: Api, domain: str, name: str) -> None:
    credentials = {"0": {"@type": "Password", "secret": PASSWORD}}
    user = api.create("Account", type_="User", name="fred", domainId=domain, credentials=credentials)
    login = (f"fred@{name}", PASSWORD)
    api.update("Account", user, {"permissions": {"@type": "Merge", "disabledPermissions": {"authenticate": True}}})
    assert _status(api, login) == 403
    api.update("Account", user, {"permissions": {"@type": "Inherit"}})
    assert _status(api, login) == 200


def test_an_ordinary_user_manages_nothing(api: Api, domain: str, name: str) -> None:
    credentials = {"0": {"@type": "Password", "secret": PASSWORD}}
    user = api.create("Account", type_="User", name="gina", domainId=domain, credentials=credentials)
    login = (f"gina@{name}", PASSWORD)
    ((answered, result),) = api.responses(("x:Domain/get", {"ids": None}), auth=login)
    assert (answered, result["type"]) == ("error", "forbidden")
    api.update("Account", user, {"roles": {"@type": "Admin"}})
    ((answered, _),) = api.responses(("x:Domain/get", {"ids": None}), auth=login)
    assert answered == "x:Domain/get"


def test_start_without_the_issuer(api: Api, directory: str, domain: str, issuer: Issuer, name: str) -> None:
    """The stored directory stays, the internal one runs, passwords can be set, until the next reload (contract 11.3)."""
    if api.target.restart is None:
        pytest.skip("this server may not be restarted")
    issuer.stop()
    api.target.restart()
    try:
        assert _running_issuer(api, name) != issuer.url("contract")
        assert api.get("Authentication", "singleton")["directoryId"] == directory
        credentials = {"0": {"@type": "Password", "secret": PASSWORD}}
        api.create("Account", type_="User", name="zoe", domainId=domain, credentials=credentials)
        assert _status(api, (f"zoe@{name}", PASSWORD)) == 200
    finally:
        issuer.start()
    assert _status(api, issuer.token("contract", "alice")) == 401
    assert "created" in api.action("ReloadSettings")
    assert _status(api, issuer.token("contract", "alice")) == 200
    assert _running_issuer(api, name) == issuer.url("contract")
