"""What Keycloak's refusals mean, and what a realm's admin API tells; no network."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.tokens import Answer, Login
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.checks import Wrong
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.probe_realm import Realm, RealmChecks
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.probe_token import meaning, refused

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
        (Answer("", 401, "invalid_grant", "Invalid user credentials"), Facts(user="failing"), "probe_password_differs"),
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
            "/groups": [
                {"name": "sme-user", "attributes": {"tenantmail_group": ["sme-user"]}},
                {"name": "admin", "attributes": {"cost_centre": ["7"]}},
                {"name": "mail", "id": "g", "subGroupCount": 1},
            ],
            "/groups/g/children": [
                {"name": "Sales", "id": "s", "attributes": {"tenantmail_group": ["sales"]}, "subGroupCount": 1}
            ],
            "/groups/s/children": [
                {"name": "north", "attributes": {"tenantmail_group": ["north", "press@other.test"]}}
            ],
            "/clients/stalwart/evaluate-scopes/generate-example-access-token": {
                "aud": ["stalwart"],
                "groups": ["sme-user"],
            },
            "/clients/wordpress/evaluate-scopes/generate-example-access-token": {"aud": "account"},
            "/attack-detection/brute-force/users/tenantmail-probe": {"disabled": False, "numFailures": 0},
            **changes,
        }
        self.asked: list[str] = []

    def login(self) -> None:
        self.logins += 1

    def get_json(self, path: str, _role: str) -> Any:
        assert self.logins == 1
        self.asked.append(path)
        return self.answers[path.partition("?")[0]]

    def pages(self, path: str) -> Any:
        # Keycloak leaves attributes out of a brief representation.
        assert path.startswith("/users?") or "briefRepresentation=false" in path
        return self.get_json(path, "view-users")


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
    assert found.group_names({"alice@acme.test"}) == "4 groups in the claim"
    boxes = {"alice@acme.test", "tenantmail-probe@acme.test", "admin@acme.test"}
    assert found.mailboxes(boxes, without_user={"admin@acme.test"}) == "3 users"
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


@pytest.mark.parametrize("address", ["sme-user@acme.test", "sales@acme.test", "north@acme.test", "press@other.test"])
def test_a_group_in_the_claim_named_like_a_mailbox(address: str) -> None:
    assert cause(checks(Api()).group_names, {address}) == "group_collides"


def test_a_group_that_the_claim_does_not_name_collides_with_nobody() -> None:
    # By its name alone no group is in the claim, and not by its path either.
    assert checks(Api()).group_names({"admin@acme.test", "mail@acme.test", "north@other.test"})


@pytest.mark.parametrize(
    ("boxes", "without_user", "expected"),
    [
        ({"tenantmail-probe@acme.test"}, (), "no mailbox alice@acme.test"),
        ({"tenantmail-probe@acme.test", "alice@acme.test", "bob@acme.test"}, (), "no user for bob@acme.test"),
        ({"tenantmail-probe@acme.test", "alice@acme.test", "bob@acme.test"}, ("bob@acme.test",), None),
        # Who is locked out of the realm keeps the mailbox, but may have none.
        ({"tenantmail-probe@acme.test", "alice@acme.test", "gone@acme.test"}, (), None),
        # What the server holds of other domains is not for this realm's users to log in to.
        ({"tenantmail-probe@acme.test", "alice@acme.test", "info@other.test"}, (), None),
    ],
)
def test_users_and_mailboxes(boxes: set[str], without_user: tuple[str, ...], expected: str | None) -> None:
    found = checks(Api())
    if expected is None:
        assert found.mailboxes(boxes, without_user=without_user) == "3 users"
        return
    with pytest.raises(Wrong) as raised:
        found.mailboxes(boxes, without_user=without_user)
    assert raised.value.observed == expected


def test_a_user_who_is_named_by_an_address_of_another_domain_has_that_mailbox() -> None:
    api = Api(**{"/users": [user("press@other.test")]})
    assert checks(api).mailboxes({"press@other.test"}, without_user=()) == "1 users"
    assert cause(checks(Api(**{"/users": [user("press@other.test")]})).mailboxes, set(), without_user=()) == (
        "user_without_mailbox"
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"disabled": True, "numFailures": 30}, "locked"),
        ({"disabled": False, "numFailures": 1}, "failing"),
        ({"disabled": False, "numFailures": 0}, "enabled"),
    ],
)
def test_what_brute_force_detection_holds_against_the_probe(status: dict[str, Any], expected: str) -> None:
    api = Api(**{"/attack-detection/brute-force/users/tenantmail-probe": status})
    assert Realm(api).user_state("tenantmail-probe") == expected  # type: ignore[arg-type]
    assert Realm(Api()).user_state("nobody") == "missing"  # type: ignore[arg-type]
