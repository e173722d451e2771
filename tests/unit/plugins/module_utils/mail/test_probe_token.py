"""What Keycloak's refusals mean, and what a realm's admin API tells; no network."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import probe_realm
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.checks import Wrong
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.probe_realm import Realm, RealmChecks
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.probe_token import (
    Answer,
    Login,
    meaning,
    refused,
)

LOGIN = Login(
    "https://auth.test/realms/sme-acme", "tenantmail-probe", "secret-secret", "tenantmail-probe", "password-1"
)


@pytest.mark.parametrize(
    ("error", "description", "cause"),
    [
        ("not_found", "", "realm_missing"),
        ("unauthorized_client", "Invalid client or Invalid client credentials", "client_secret_differs"),
        ("invalid_client", "Invalid client or Invalid client credentials", "client_secret_differs"),
        ("unauthorized_client", "Client not allowed for direct access grants", "direct_grant_off"),
        ("invalid_scope", "Invalid scopes: openid groups", "scope_missing"),
        ("invalid_grant", "Account is not fully set up", "probe_incomplete"),
        ("invalid_grant", "Account disabled", "probe_disabled"),
        ("invalid_grant", "Account temporarily disabled", "probe_locked_out"),
        ("invalid_grant", "Invalid user credentials", "probe_password_differs"),
        ("server_error", "boom", "login_refused"),
    ],
)
def test_a_refusal_has_its_cause(error: str, description: str, cause: str) -> None:
    assert meaning(Answer("", 400, error, description)) == cause


class Facts:
    def __init__(self, client: str = "enabled", user: str = "enabled") -> None:
        self._client, self._user = client, user

    def client_state(self, client_id: str) -> str:
        assert client_id == "tenantmail-probe"
        return self._client

    def user_state(self, username: str) -> str:
        assert username == "tenantmail-probe"
        return self._user


@pytest.mark.parametrize(
    ("answer", "facts", "cause"),
    [
        (Answer("", 401, "invalid_client", ""), Facts(), "client_secret_differs"),
        (Answer("", 401, "invalid_client", ""), Facts(client="disabled"), "client_disabled"),
        (Answer("", 401, "invalid_client", ""), Facts(client="missing"), "client_missing"),
        (Answer("", 401, "invalid_grant", "Invalid user credentials"), Facts(), "probe_password_differs"),
        (Answer("", 401, "invalid_grant", "Invalid user credentials"), Facts(user="locked"), "probe_locked_out"),
        (Answer("", 401, "invalid_grant", "Invalid user credentials"), Facts(user="missing"), "probe_user_missing"),
        (Answer("", 400, "invalid_grant", "Account disabled"), Facts(user="disabled"), "probe_disabled"),
        (Answer("", 400, "invalid_grant", "Account disabled"), Facts(user="locked"), "probe_locked_out"),
        (Answer("", 401, "invalid_grant", "Invalid user credentials"), None, "probe_password_differs"),
    ],
)
def test_the_admin_api_tells_what_keycloak_hides(answer: Answer, facts: Facts | None, cause: str) -> None:
    found = refused(answer, LOGIN, facts)
    assert (found.cause, found.facts) == (cause, {"username": "tenantmail-probe", "realm": "sme-acme"})


def test_no_secret_in_what_is_shown() -> None:
    assert "secret-secret" not in repr(LOGIN)
    assert "password-1" not in repr(LOGIN)
    assert "geheim" not in repr(Answer(token="geheim.geheim.geheim"))


class Api:
    """The admin API of a dict, instead of a client."""

    requests = 0

    def __init__(self, **changes: Any) -> None:
        self.logins = 0
        self.answers: dict[str, Any] = {
            "/clients": [
                client("stalwart", "oidc-secret-1", optionalClientScopes=["phone", "offline_access"]),
                client("wordpress", "wordpress-secret"),
                client("tenantmail-probe", "probe-secret-1"),
            ],
            "/users": [user("tenantmail-probe"), user("alice"), user("gone", enabled=False)],
            "/groups": [{"name": "sme-user"}, {"name": "mail", "id": "g", "subGroupCount": 1}],
            "/groups/g/children": [{"name": "sales"}],
            "/clients/stalwart/evaluate-scopes/generate-example-access-token": {
                "aud": ["stalwart"],
                "groups": ["sme-user"],
            },
            "/clients/wordpress/evaluate-scopes/generate-example-access-token": {"aud": "account"},
            "/attack-detection/brute-force/users/tenantmail-probe": {"disabled": False},
            **changes,
        }
        self.asked: list[str] = []

    def login(self) -> None:
        self.logins += 1

    def get_json(self, path: str, _role: str) -> Any:
        self.asked.append(path)
        name, _question, query = path.partition("?")
        found = self.answers[name]
        if "first=" in query and isinstance(found, list):
            first = int(query.partition("first=")[2].partition("&")[0])
            return found[first : first + probe_realm.PAGE]
        return found


def client(name: str, secret: str, **more: Any) -> dict[str, Any]:
    return {"clientId": name, "id": name, "enabled": True, "secret": secret, **more}


def user(name: str, *, enabled: bool = True) -> dict[str, Any]:
    return {"username": name, "id": name, "enabled": enabled}


WANTED: list[Any] = [
    {"client_id": "stalwart", "client_secret": "oidc-secret-1", "audience": True},
    {"client_id": "wordpress", "client_secret": "wordpress-secret", "audience": False},
    {"client_id": "tenantmail-probe", "client_secret": "probe-secret-1", "audience": None},
]


def checks(api: Api) -> RealmChecks:
    return RealmChecks(Realm(api), domain="acme.test", audience="stalwart", username="tenantmail-probe")  # type: ignore[arg-type]


def cause(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(Wrong) as raised:
        call(*args, **kwargs)
    return raised.value.cause


def test_a_realm_as_it_should_be() -> None:
    api = Api()
    found = checks(api)
    assert found.secrets(WANTED) == "stalwart, wordpress, tenantmail-probe"
    assert found.audiences(WANTED) == "stalwart opens mailboxes, wordpress does not open mailboxes"
    assert found.group_names({"alice@acme.test"}) == "3 groups"
    boxes = {"alice@acme.test", "tenantmail-probe@acme.test", "admin@acme.test"}
    assert found.mailboxes(boxes, without_user={"admin@acme.test"}) == "2 users"
    assert api.logins == 1
    # Everything the client may ask for, so that an optional scope with the audience is found.
    assert any("scope=openid%20phone%20offline_access" in path for path in api.asked)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([client("wordpress", "w"), client("tenantmail-probe", "p")], "client_missing"),
        ([client("stalwart", "rotated"), client("wordpress", "wordpress-secret")], "client_secret_differs"),
        ([{**client("stalwart", "oidc-secret-1"), "enabled": False}], "client_disabled"),
    ],
)
def test_clients(changes: list[Any], expected: str) -> None:
    assert cause(checks(Api(**{"/clients": changes})).secrets, WANTED) == expected


def test_a_difference_is_told_without_either_secret() -> None:
    with pytest.raises(Wrong) as raised:
        checks(Api(**{"/clients": [client("stalwart", "rotated-1")]})).secrets(WANTED)
    assert "rotated" not in str(raised.value)
    assert "oidc-secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "token", "expected"),
    [
        ("stalwart", {"aud": "account"}, "audience_missing"),
        ("stalwart", {"aud": "stalwart", "groups": ["/sme-user"]}, "groups_full_path"),
        ("wordpress", {"aud": ["account", "stalwart"]}, "audience_leaks"),
    ],
)
def test_example_tokens(name: str, token: dict[str, Any], expected: str) -> None:
    path = f"/clients/{name}/evaluate-scopes/generate-example-access-token"
    assert cause(checks(Api(**{path: token})).audiences, WANTED) == expected


def test_a_group_named_like_a_mailbox() -> None:
    assert cause(checks(Api()).group_names, {"sales@acme.test"}) == "group_collides"


def test_users_and_mailboxes() -> None:
    found = checks(Api())
    assert cause(found.mailboxes, {"tenantmail-probe@acme.test"}, without_user=()) == "user_without_mailbox"
    boxes = {"alice@acme.test", "tenantmail-probe@acme.test", "bob@acme.test"}
    assert cause(found.mailboxes, boxes, without_user=()) == "mailbox_without_user"


def test_users_are_read_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_realm, "PAGE", 2)
    api = Api(**{"/users": [user(f"u{n}") for n in range(4)]})
    assert len(Realm(api).users()) == 4  # type: ignore[arg-type]
    assert len(api.asked) == 3


def test_a_lock_out_is_seen() -> None:
    api = Api(**{"/attack-detection/brute-force/users/tenantmail-probe": {"disabled": True}})
    assert Realm(api).user_state("tenantmail-probe") == "locked"  # type: ignore[arg-type]
    assert Realm(Api()).user_state("nobody") == "missing"  # type: ignore[arg-type]
