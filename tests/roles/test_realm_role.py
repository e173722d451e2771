"""Role `realm` alone on the sandbox's Keycloak: create, leave alone, drift, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.sandbox import facts

from . import role
from .realm import CANARIES, PROBE, PROBE_SECRETS, REALM, SECRETS, Realm, variables

pytestmark = pytest.mark.sandbox

EVERYTHING = [
    f"create realm {REALM}",
    "create client_scope groups",
    "create client_scope stalwart-audience",
    "create client stalwart",
    "create client wordpress",
    "create client openclaw",
    "create client stalwart-public",
    "create client tenantmail-probe",
    "create client tenantmail-probe-expired",
    "create group sme-admin",
    "create group sme-user",
    "create group tenantmail-probe-group",
    "create user tenantmail-probe",
]
DRIFT = [
    f"update realm {REALM}",
    "update client_scope groups",
    "update protocol_mapper groups/groups",
    "create client_scope stalwart-audience",
    "update client stalwart",
    "update protocol_mapper stalwart/audience",
    "update client_secret stalwart",
    "delete protocol_mapper wordpress/sneaky",
    "create client openclaw",
    "update client stalwart-public",
    "update client tenantmail-probe",
    "update client_secret tenantmail-probe",
    "update client tenantmail-probe-expired",
    "update group sme-admin",
    "create group sme-user",
    "update group outsider",
    "update user tenantmail-probe",
]
PROVEN = (
    "a token of tenantmail-probe carries aud stalwart, scope openid email profile groups, "
    "preferred_username tenantmail-probe"
)


@pytest.fixture
def realm() -> Realm:
    return Realm()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("realm")


@pytest.fixture(scope="module")
def created(folder: Path) -> Iterator[tuple[role.Run, bool, role.Run]]:
    """The check run without the realm, whether there was a realm after it, and the run that creates the realm."""
    Realm().remove()
    check = role.run(folder, "realm", variables(), "--check", "--diff")
    yield check, Realm().exists(), role.run(folder, "realm", variables(), "--diff", "-vvvv")
    Realm().remove()


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
    issuer = f"issuer is {facts.settings().keycloak_url}/realms/{REALM}"
    assert run.report["proven"] == [issuer, "3 clients read back", PROVEN]
    for client_id, secret in CANARIES.items():
        client = realm.client(client_id)
        assert client["secret"] == secret
        assert client["standardFlowEnabled"] is (client_id != "openclaw")
        assert not client["publicClient"]
        assert not client["directAccessGrantsEnabled"]
    public = realm.client("stalwart-public")
    assert (public["publicClient"], public["standardFlowEnabled"]) == (True, True)
    assert public["attributes"]["pkce.code.challenge.method"] == "S256"
    found = realm.request("GET")
    assert (found["bruteForceProtected"], found["permanentLockout"], found["sslRequired"]) == (True, False, "external")
    assert found["accessTokenLifespan"] == 300
    names = {group["name"] for group in realm.request("GET", "/groups")}
    assert names == {"sme-admin", "sme-user", PROBE["group"]}


def test_no_secret_is_shown(created: tuple[role.Run, bool, role.Run]) -> None:
    output = created[0].output + created[2].output
    for secret in (*SECRETS, variables()["realm_auth"]["client_secret"]):
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
    # One each: two logins (the provisioner's, the probe's), realm, client scopes, clients, groups, user profile, user,
    # the members of its group, discovery document.
    assert counts["total"] == 10
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
    # Nobody asked for a mailbox of sales: who is in it is in the group above.
    assert (token["preferred_username"], token["groups"], token["email"]) == ("alice", ["sme-user"], "alice@acme.test")
    assert token["sub"]
    for client_id in ("wordpress", "openclaw"):
        assert "stalwart" not in str(claims[client_id].get("aud"))
        assert claims[client_id]["groups"] == ["sme-user"]
    public = realm.client("stalwart-public")["id"]
    path = f"/clients/{public}/evaluate-scopes/generate-example-access-token?scope=openid&userId={alice['id']}"
    token = realm.request("GET", path)
    assert (token["aud"], token["azp"], token["groups"]) == ("stalwart", "stalwart-public", ["sme-user"])


def test_the_probe_gets_every_token_that_a_proof_needs(created: tuple[role.Run, bool, role.Run], realm: Realm) -> None:
    name, password = PROBE["username"], PROBE_SECRETS[1]
    body, claims = realm.login(name, password)
    assert (claims["aud"], claims["groups"]) == ("stalwart", [PROBE["group"]])
    assert realm.user_info(body["access_token"])["preferred_username"] == name
    _body, claims = realm.login(name, password, scope="openid stalwart-audience")
    assert "groups" not in claims["scope"].split()
    assert "groups" not in claims
    _body, claims = realm.login(name, password, scope="openid groups")
    assert "stalwart" not in str(claims.get("aud"))
    _body, claims = realm.login(name, password, client_id=PROBE["expired_client_id"])
    # More than the minute by which the mail server is lenient.
    assert claims["exp"] < claims["iat"] - 60


def test_the_public_client_wants_pkce_and_goes_where_it_may(
    created: tuple[role.Run, bool, role.Run], realm: Realm
) -> None:
    """RFC 7636; and RFC 8252, section 7.3: a mail program listens on any port of a loopback address."""
    pkce = {"scope": "openid", "code_challenge": "c" * 43, "code_challenge_method": "S256"}
    for redirect_uri in ("https://mail.acme.test/login", "http://127.0.0.1:49152/", "http://localhost:49152/done"):
        assert realm.authorization("stalwart-public", redirect_uri, **pkce)[0] == 200
        status, where = realm.authorization("stalwart-public", redirect_uri, scope="openid")
        assert (status, "code_challenge_method" in where) == (302, True)
    assert realm.authorization("stalwart-public", "https://evil.test/", **pkce)[0] == 400


def test_who_is_in_no_group_is_in_none(created: tuple[role.Run, bool, role.Run], realm: Realm) -> None:
    """The token has no claim then; the mail server asks for the user info, and an empty list removes him from all groups."""
    password = "canary-0123456789-of-a-loner"
    credentials = [{"type": "password", "value": password, "temporary": False}]
    name = {"username": "loner", "email": "loner@acme.test", "firstName": "L", "lastName": "O"}
    realm.request("POST", "/users", json={**name, "enabled": True, "credentials": credentials})
    body, claims = realm.login("loner", password)
    assert "groups" not in claims
    assert realm.user_info(body["access_token"])["groups"] == []


@pytest.fixture(scope="module")
def drifted(created: tuple[role.Run, bool, role.Run]) -> None:
    """One drift of every kind, and things of somebody else's that must stay."""
    realm = Realm()
    attributes = {**realm.request("GET")["attributes"], "mine": "kept"}
    realm.update("", displayName="Other", bruteForceProtected=False, accessTokenLifespan=36000, attributes=attributes)
    realm.update("", loginTheme="keycloak")
    scope = realm.named("/client-scopes", "groups")
    mapper = scope["protocolMappers"][0]
    mapper["config"].update({"user.attribute": "other", "lightweight.claim": "true"})
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
    realm.request("DELETE", f"/client-scopes/{realm.named('/client-scopes', 'stalwart-audience')['id']}")
    public, probe, expired = (
        realm.client(name) for name in ("stalwart-public", PROBE["client_id"], PROBE["expired_client_id"])
    )
    realm.update(f"/clients/{public['id']}", attributes={**public["attributes"], "pkce.code.challenge.method": "plain"})
    realm.update(f"/clients/{probe['id']}", directAccessGrantsEnabled=False, secret="canary-of-somebody-else")
    realm.update(f"/clients/{expired['id']}", attributes={**expired["attributes"], "access.token.lifespan": "60"})
    admin = realm.named("/groups", "sme-admin")["id"]
    realm.update(f"/groups/{admin}", attributes={"tenantmail_group": ["sme-boss"], "mine": ["kept"]})
    realm.request("POST", "/groups", json={"name": "outsider", "attributes": {"tenantmail_group": ["sales"]}})
    user = realm.user(PROBE["username"])
    realm.update(f"/users/{user['id']}", firstName="Other")
    group = realm.named("/groups", PROBE["group"])["id"]
    realm.request("DELETE", f"/users/{user['id']}/groups/{group}")


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
    for needle in ("https://evil.test/*", "differs from OpenBao", "display_name: Other", "sneaky", "sme-boss"):
        assert needle in check.output
    assert len(realm.events()) == events

    run = role.run(folder, "realm", variables(), "-vvvv", "--diff")
    assert run.status == 0, run.output[-3000:]
    assert run.report
    assert run.report["changed"] == DRIFT
    for secret in (*SECRETS, "canary-of-somebody-else"):
        assert secret not in check.output + run.output

    client = realm.client("stalwart")
    assert (client["secret"], client["redirectUris"], client["description"]) == (
        CANARIES["stalwart"],
        ["https://mail.acme.test/*"],
        "kept",
    )
    assert sorted(mapper["name"] for mapper in client["protocolMappers"]) == ["audience", "no-groups", "own"]
    assert [mapper["name"] for mapper in realm.client("wordpress")["protocolMappers"]] == ["own"]
    scope = realm.named("/client-scopes", "groups")
    assert scope["attributes"]["gui.order"] == "7"
    assert scope["protocolMappers"][0]["config"]["lightweight.claim"] == "true"
    found = realm.request("GET")
    assert (found["attributes"]["mine"], found["loginTheme"]) == ("kept", "keycloak")
    admin = realm.request("GET", f"/groups/{realm.named('/groups', 'sme-admin')['id']}")
    assert admin["attributes"] == {"tenantmail_group": ["sme-admin"], "mine": ["kept"]}
    again = role.run(folder, "realm", variables())
    assert (again.status, again.changed) == (0, 0), again.output[-3000:]
    assert again.report
    assert PROVEN in again.report["proven"]


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
