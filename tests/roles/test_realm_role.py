"""Role `realm` alone on the sandbox's Keycloak: create, leave alone, drift, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.sandbox import facts

from . import role

pytestmark = pytest.mark.sandbox

REALM = "sme-roletest"
CANARIES = {name: f"canary-0123456789-{name}" for name in ("stalwart", "wordpress", "openclaw")}
EVERYTHING = [
    f"create realm {REALM}",
    "create client_scope groups",
    "create client stalwart",
    "create client wordpress",
    "create client openclaw",
    "create group sme-admin",
    "create group sme-user",
]
DRIFT = [
    f"update realm {REALM}",
    "update client_scope groups",
    "update protocol_mapper groups/groups",
    "update client stalwart",
    "update protocol_mapper stalwart/audience",
    "delete protocol_mapper wordpress/sneaky",
    "create client openclaw",
    "create group sme-user",
]


def variables(**changes: Any) -> dict[str, Any]:
    """What the README calls "alone", with the sandbox's provisioner, who may create realms and nothing else."""
    settings = facts.settings()
    client = {"web_origins": [], "redirect_uris": []}
    return {
        "realm_name": REALM,
        "realm_url": f"{settings.keycloak_url}/realms/{REALM}",
        "realm_admin_url": settings.keycloak_url,
        "realm_auth": {
            "client_id": "provisioner",
            "client_secret": (settings.credentials / "keycloak-provisioner-secret").read_text(),
        },
        "realm_auth_realm": "master",
        "realm_ca_path": str(settings.ca_file),
        "realm_display_name": "Role test",
        "realm_admin_events": True,
        "realm_scopes": ["openid", "email", "profile", "groups"],
        "realm_groups": ["sme-admin", "sme-user"],
        "realm_clients": [
            {
                "client_id": "stalwart",
                "audience": True,
                "redirect_uris": ["https://mail.acme.test/*"],
                "web_origins": ["+"],
            },
            {"client_id": "wordpress", **client},
            {"client_id": "openclaw", **client},
        ],
        "realm_client_options": {"wordpress": {"redirect_uris": ["https://www.acme.test/login"]}},
        "realm_client_secrets": CANARIES,
        "realm_manage": True,
        "realm_offline": False,
        **changes,
    }


class Realm:
    """The realm as its administrator sees and changes it; a token lives a minute, so each request gets its own."""

    def request(self, method: str, path: str = "", **kwargs: Any) -> Any:
        with facts.keycloak() as session:
            answer = session.request(
                method, f"{facts.settings().keycloak_url}/admin/realms/{REALM}{path}", timeout=30, **kwargs
            )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def exists(self) -> bool:
        with facts.keycloak() as session:
            return session.get(f"{facts.settings().keycloak_url}/admin/realms/{REALM}", timeout=30).status_code == 200

    def update(self, path: str, **changes: Any) -> None:
        self.request("PUT", path, json={**self.request("GET", path), **changes})

    def client(self, client_id: str) -> dict[str, Any]:
        (client,) = self.request("GET", f"/clients?clientId={client_id}")
        return client

    def named(self, path: str, name: str) -> dict[str, Any]:
        return next(item for item in self.request("GET", path) if item["name"] == name)

    def events(self) -> list[Any]:
        return self.request("GET", "/admin-events")


@pytest.fixture
def realm() -> Realm:
    return Realm()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("realm")


def remove() -> None:
    if Realm().exists():
        Realm().request("DELETE")


@pytest.fixture(scope="module")
def created(folder: Path) -> Iterator[tuple[role.Run, bool, role.Run]]:
    """The check run without the realm, whether there was a realm after it, and the run that creates the realm."""
    remove()
    check = role.run(folder, "realm", variables(), "--check", "--diff")
    yield check, Realm().exists(), role.run(folder, "realm", variables(), "--diff", "-vvvv")
    remove()


def test_check_run_shows_everything_and_writes_nothing(created: tuple[role.Run, bool, role.Run]) -> None:
    check, exists, _run = created
    assert check.status == 0, check.output[-3000:]
    assert check.report == {"changed": EVERYTHING, "proven": [], "missing": []}
    assert "https://mail.acme.test/*" in check.output
    assert not exists


def test_the_first_run_creates_and_proves(created: tuple[role.Run, bool, role.Run], realm: Realm) -> None:
    run = created[2]
    assert run.status == 0, run.output[-3000:]
    assert run.report
    assert run.report["changed"] == EVERYTHING
    assert run.report["proven"] == [f"issuer is {facts.settings().keycloak_url}/realms/{REALM}", "3 clients read back"]
    for client_id, secret in CANARIES.items():
        client = realm.client(client_id)
        assert client["secret"] == secret
        assert client["standardFlowEnabled"] is (client_id != "openclaw")
        assert not client["publicClient"]
        assert not client["directAccessGrantsEnabled"]
    assert {group["name"] for group in realm.request("GET", "/groups")} == {"sme-admin", "sme-user"}


def test_no_secret_is_shown(created: tuple[role.Run, bool, role.Run]) -> None:
    output = created[0].output + created[2].output
    for secret in (*CANARIES.values(), variables()["realm_auth"]["client_secret"]):
        assert secret not in output


def test_the_second_run_only_reads(created: tuple[role.Run, bool, role.Run], folder: Path, realm: Realm) -> None:
    events = len(realm.events())
    mark = facts.mark()
    run = role.run(folder, "realm", variables())
    counts = facts.counts(mark)["keycloak"]
    assert (run.status, run.changed) == (0, 0), run.output[-3000:]
    assert run.report
    assert run.report["changed"] == []
    assert counts["write"] == 0
    assert counts["total"] <= 7
    assert len(realm.events()) == events


def test_tokens_carry_what_the_mail_server_asks_for(created: tuple[role.Run, bool, role.Run], realm: Realm) -> None:
    """By Keycloak's own evaluation of the clients' scopes and mappers for a member of a group below another one."""
    parent = realm.named("/groups", "sme-user")
    realm.request("POST", f"/groups/{parent['id']}/children", json={"name": "sales"})
    realm.request(
        "POST",
        "/users",
        json={
            "username": "alice",
            "email": "alice@acme.test",
            "firstName": "A",
            "lastName": "L",
            "enabled": True,
            "groups": ["/sme-user/sales"],
        },
    )
    (alice,) = realm.request("GET", "/users?username=alice")
    claims = {
        client_id: realm.request(
            "GET",
            f"/clients/{realm.client(client_id)['id']}/evaluate-scopes/generate-example-access-token?scope=openid&userId={alice['id']}",
        )
        for client_id in CANARIES
    }
    token = claims["stalwart"]
    assert token["aud"] == "stalwart"
    assert {"openid", "email", "profile", "groups"} <= set(token["scope"].split())
    assert (token["preferred_username"], token["groups"], token["email"]) == ("alice", ["sales"], "alice@acme.test")
    assert token["sub"]
    for client_id in ("wordpress", "openclaw"):
        assert "stalwart" not in str(claims[client_id].get("aud"))
        assert claims[client_id]["groups"] == ["sales"]


@pytest.fixture(scope="module")
def drifted(created: tuple[role.Run, bool, role.Run]) -> None:
    """One drift of every kind, and things of somebody else's that must stay."""
    realm = Realm()
    realm.update("", displayName="Other", attributes={**realm.request("GET")["attributes"], "mine": "kept"})
    scope = realm.named("/client-scopes", "groups")
    mapper = scope["protocolMappers"][0]
    mapper["config"].update({"full.path": "true", "lightweight.claim": "true"})
    realm.request("PUT", f"/client-scopes/{scope['id']}/protocol-mappers/models/{mapper['id']}", json=mapper)
    realm.update(
        f"/client-scopes/{scope['id']}",
        attributes={**scope["attributes"], "include.in.token.scope": "false", "gui.order": "7"},
    )
    client = realm.client("stalwart")
    path = f"/clients/{client['id']}"
    realm.update(path, redirectUris=["https://evil.test/*"], secret="canary-of-somebody-else", description="kept")
    roles = realm.named("/client-scopes", "roles")
    realm.request("DELETE", f"{path}/default-client-scopes/{scope['id']}")
    realm.request("PUT", f"{path}/default-client-scopes/{roles['id']}")
    audience = next(mapper for mapper in client["protocolMappers"] if mapper["name"] == "audience")
    audience["config"]["included.client.audience"] = "wordpress"
    realm.request("PUT", f"{path}/protocol-mappers/models/{audience['id']}", json=audience)
    own = {"claim.name": "x", "claim.value": "y", "jsonType.label": "String", "access.token.claim": "true"}
    for client_id, name, kind, config in (
        ("stalwart", "own", "oidc-hardcoded-claim-mapper", own),
        ("wordpress", "own", "oidc-hardcoded-claim-mapper", own),
        (
            "wordpress",
            "sneaky",
            "oidc-audience-mapper",
            {"included.client.audience": "stalwart", "access.token.claim": "true"},
        ),
    ):
        realm.request(
            "POST",
            f"/clients/{realm.client(client_id)['id']}/protocol-mappers/models",
            json={"name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": config},
        )
    realm.request("DELETE", f"/clients/{realm.client('openclaw')['id']}")
    realm.request("DELETE", f"/groups/{realm.named('/groups', 'sme-user')['id']}")


def test_a_layer_that_is_only_checked_fails_on_drift(drifted: None, folder: Path, realm: Realm) -> None:
    run = role.run(folder, "realm", variables(realm_manage=False))
    assert run.status != 0
    assert "code: not_converged" in run.output
    assert "layer keycloak is only checked" in run.text
    assert realm.request("GET")["displayName"] == "Other"


def test_drift_is_shown_and_then_repaired_exactly(drifted: None, folder: Path, realm: Realm) -> None:
    events = len(realm.events())
    check = role.run(folder, "realm", variables(), "--check", "--diff")
    assert check.status == 0, check.output[-3000:]
    assert check.report
    assert check.report["changed"] == DRIFT
    for needle in ("https://evil.test/*", "another value", "display_name: Other", "sneaky"):
        assert needle in check.output
    assert len(realm.events()) == events

    run = role.run(folder, "realm", variables(), "-vvvv", "--diff")
    assert run.status == 0, run.output[-3000:]
    assert run.report
    assert run.report["changed"] == DRIFT
    for secret in (*CANARIES.values(), "canary-of-somebody-else"):
        assert secret not in check.output + run.output

    client = realm.client("stalwart")
    assert (client["secret"], client["redirectUris"], client["description"]) == (
        CANARIES["stalwart"],
        ["https://mail.acme.test/*"],
        "kept",
    )
    assert sorted(mapper["name"] for mapper in client["protocolMappers"]) == ["audience", "own"]
    assert [mapper["name"] for mapper in realm.client("wordpress")["protocolMappers"]] == ["own"]
    scope = realm.named("/client-scopes", "groups")
    assert scope["attributes"]["gui.order"] == "7"
    assert scope["protocolMappers"][0]["config"]["lightweight.claim"] == "true"
    assert realm.request("GET")["attributes"]["mine"] == "kept"
    assert role.run(folder, "realm", variables()).changed == 0


def test_an_account_without_rights_is_refused_before_any_write(
    created: tuple[role.Run, bool, role.Run], folder: Path
) -> None:
    """Realm master belongs to somebody else, as far as the provisioner is concerned."""
    url = facts.settings().keycloak_url
    run = role.run(folder, "realm", variables(realm_name="master", realm_url=f"{url}/realms/master"))
    assert run.status != 0
    assert "code: forbidden" in run.output
    assert "lacks the role view-realm for realm master" in run.text


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        (
            {"realm_auth": {"client_id": "provisioner", "client_secret": "canary-wrong-secret"}},
            "unauthorized",
            "Check platform_keycloak_auth.",
        ),
        ({"realm_auth_realm": "nowhere"}, "not_found", "Check platform_keycloak_auth_realm"),
        ({"realm_admin_url": "https://127.0.0.1:1"}, "unreachable", "Check that the server runs"),
        ({"realm_ca_path": None}, "tls_untrusted", "Give the private CA's file."),
        ({"realm_scopes": ["openid", "nonsense", "groups"]}, "invalid_value", "client scopes nonsense"),
        ({"realm_url": "https://elsewhere.test/realms/other"}, "invalid_value", f"/realms/{REALM}"),
    ],
)
def test_refusals(
    created: tuple[role.Run, bool, role.Run], folder: Path, changes: dict[str, Any], code: str, message: str
) -> None:
    run = role.run(folder, "realm", variables(**changes), "-vvvv")
    assert run.status != 0
    assert "layer: keycloak" in run.output
    assert f"code: {code}" in run.output
    assert message in run.text
    for secret in (*CANARIES.values(), "canary-wrong-secret"):
        assert secret not in run.output
