"""Role `realm` on the sandbox's Keycloak: users and their passwords, groups below a parent, the probe, secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.sandbox import facts

from . import role
from .realm import ALICE, CANARIES, FIRST_PASSWORD, PROBE, PROBE_SECRETS, SECRETS, Realm, variables

pytestmark = pytest.mark.sandbox

NAME = "sme-roletest-users"
CHOSEN = "canary-0123456789-chosen-by-alice"
PROBE_LOGIN = (PROBE["username"], PROBE_SECRETS[1])


def given(**changes: Any) -> dict[str, Any]:
    users = {"realm_users": [ALICE], "realm_user_passwords": {"alice": FIRST_PASSWORD}}
    return variables(NAME, **{"realm_group_parent": "mail", **users, **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("realm-users")


@pytest.fixture(scope="module")
def created(folder: Path) -> Iterator[role.Run]:
    Realm(NAME).remove()
    yield role.run(folder, "realm", given(), "--diff", "-vvvv")
    Realm(NAME).remove()


@pytest.fixture
def realm(created: role.Run) -> Realm:
    return Realm(NAME)


def run(folder: Path, *args: str, **changes: Any) -> role.Run:
    done = role.run(folder, "realm", given(**changes), *args)
    assert done.status == 0, done.output[-3000:]
    assert done.report
    return done


def changed(folder: Path, *args: str, **changes: Any) -> list[str]:
    """What a run changed."""
    report = run(folder, *args, **changes).report
    assert report
    return report["changed"]


def groups_of(realm: Realm, name: str) -> set[str]:
    return {group["path"] for group in realm.request("GET", f"/users/{realm.user(name)['id']}/groups")}


def test_a_user_is_created_with_a_password_for_the_first_login(created: role.Run, realm: Realm) -> None:
    assert created.status == 0, created.output[-3000:]
    alice = realm.user("alice")
    assert (alice["email"], alice["emailVerified"], alice["enabled"]) == ("alice@acme.test", True, True)
    assert (alice["firstName"], alice["lastName"]) == ("Alice", "Smith")
    assert alice["requiredActions"] == ["UPDATE_PASSWORD"]
    assert groups_of(realm, "alice") == {"/mail/sales", "/mail/sme-user"}
    assert realm.login("alice", FIRST_PASSWORD)[0]["error_description"] == "Account is not fully set up"
    assert realm.login("alice", "another-password")[0]["error_description"] == "Invalid user credentials"
    for secret in SECRETS:
        assert secret not in created.output


def test_groups_below_the_parent_are_in_the_claim_and_no_others(realm: Realm, folder: Path) -> None:
    assert set(realm.children("mail")) == {"sme-admin", "sme-user", "sales", PROBE["group"]}
    parent = realm.named("/groups", "mail")["id"]
    for name in ("support", "Sales Team"):
        realm.request("POST", f"/groups/{parent}/children", json={"name": name})
    realm.request("POST", "/groups", json={"name": "finance"})
    done = run(folder)
    assert done.report
    assert done.report["changed"] == ["update group mail/support"]
    assert "mail/Sales Team" in done.report["missing"][0]
    alice = realm.user("alice")["id"]
    for group in (realm.children("mail")["support"], realm.named("/groups", "finance")):
        realm.request("PUT", f"/users/{alice}/groups/{group['id']}")
    path = f"/clients/{realm.client('stalwart')['id']}/evaluate-scopes/generate-example-access-token"
    token = realm.request("GET", f"{path}?scope=openid&userId={alice}")
    assert sorted(token["groups"]) == ["sales", "sme-user", "support"]
    # A group of the claim that the inventory does not give the user is taken, any other is not.
    assert changed(folder) == ["update user alice"]
    assert groups_of(realm, "alice") == {"/mail/sales", "/mail/sme-user", "/finance"}
    assert changed(folder) == []
    realm.request("DELETE", f"/groups/{realm.children('mail')['Sales Team']['id']}")


def test_a_password_that_a_user_has_chosen_survives_every_repair(realm: Realm, folder: Path) -> None:
    alice = realm.user("alice")["id"]
    chosen = {"type": "password", "value": CHOSEN, "temporary": False}
    realm.request("PUT", f"/users/{alice}/reset-password", json=chosen)
    realm.update(
        f"/users/{alice}",
        lastName="Other",
        email="alice@evil.test",
        enabled=False,
        requiredActions=[],
    )
    realm.request("DELETE", f"/users/{alice}/groups/{realm.children('mail')['sales']['id']}")
    check = run(folder, "--check", "--diff")
    assert "last_name: Other" in check.output
    assert realm.user("alice")["lastName"] == "Other"
    assert changed(folder, "-vvvv") == ["update user alice"]
    found = realm.user("alice")
    assert (found["id"], found["lastName"], found["email"]) == (alice, "Smith", "alice@acme.test")
    assert found["requiredActions"] == []
    assert groups_of(realm, "alice") == {"/mail/sales", "/mail/sme-user", "/finance"}
    assert sorted(realm.login("alice", CHOSEN)[1]["groups"]) == ["sales", "sme-user"]
    assert changed(folder) == []


def test_what_a_user_must_do_is_kept_by_a_repair(realm: Realm, folder: Path) -> None:
    alice = realm.user("alice")["id"]
    realm.update(f"/users/{alice}", firstName="Other", requiredActions=["CONFIGURE_TOTP"])
    assert changed(folder) == ["update user alice"]
    assert realm.user("alice")["requiredActions"] == ["CONFIGURE_TOTP"]
    realm.update(f"/users/{alice}", requiredActions=[])
    assert realm.login("alice", CHOSEN)[1]["preferred_username"] == "alice"


def test_many_users_are_read_at_once(realm: Realm, folder: Path) -> None:
    """The requests of an unchanged run do not grow with the users, and the realm records no write."""
    more = [{**ALICE, "username": f"user{number}", "email": f"user{number}@acme.test"} for number in range(30)]
    for user in more:
        names = {"firstName": user["first_name"], "lastName": user["last_name"]}
        body = {"username": user["username"], "email": user["email"], "emailVerified": True, "enabled": True, **names}
        realm.request("POST", "/users", json={**body, "groups": ["/mail/sales", "/mail/sme-user"]})
    events = len(realm.events())
    counts = []
    for users in ([ALICE], [ALICE, *more]):
        mark = facts.mark()
        assert changed(folder, realm_users=users) == []
        counts.append(facts.counts(mark)["keycloak"])
    assert counts[0] == counts[1]
    # As without users, and the parent's children and one more for each further group of the claim.
    assert counts[1]["total"] == 10 + 1 + len(realm.children("mail")) - 1
    assert counts[1]["write"] == 0
    assert len(realm.events()) == events


@pytest.mark.parametrize("cause", ["password", "locked", "required action", "disabled credential"])
def test_a_probe_that_cannot_log_in_is_found_and_made_anew(realm: Realm, folder: Path, cause: str) -> None:
    user = realm.user(PROBE["username"])["id"]
    if cause == "password":
        other = {"type": "password", "value": "canary-of-somebody-else", "temporary": False}
        realm.request("PUT", f"/users/{user}/reset-password", json=other)
    elif cause == "locked":
        for _attempt in range(2):
            realm.login(PROBE["username"], "wrong-password")
        assert realm.request("GET", f"/attack-detection/brute-force/users/{user}")["disabled"]
    elif cause == "required action":
        realm.update(f"/users/{user}", requiredActions=["CONFIGURE_TOTP"])
    else:
        (credential,) = realm.request("GET", f"/users/{user}/credentials")
        realm.request("DELETE", f"/users/{user}/credentials/{credential['id']}")
    check = run(folder, "--check", "--diff")
    assert check.report
    assert check.report["changed"] == [f"update user {PROBE['username']}"]
    assert "login: 'refused:" in check.output or "login: refused:" in check.text.replace("'", "")
    assert realm.user(PROBE["username"])["id"] == user
    done = run(folder, "-vvvv", "--diff")
    assert done.report
    assert done.report["changed"] == [f"update user {PROBE['username']}"]
    assert any(fact.startswith("a token of tenantmail-probe carries aud stalwart") for fact in done.report["proven"])
    for secret in (*SECRETS, "canary-of-somebody-else"):
        assert secret not in done.output
    assert realm.login(*PROBE_LOGIN)[1]["groups"] == [PROBE["group"]]


def test_a_token_that_the_mail_server_would_refuse_is_a_failure(realm: Realm, folder: Path) -> None:
    """Nothing that the role keeps differs, but the built-in scope that carries the user's name was changed."""
    scope = realm.named("/client-scopes", "profile")
    path = f"/client-scopes/{scope['id']}/protocol-mappers/models"
    mapper = next(item for item in scope["protocolMappers"] if item["name"] == "username")
    realm.request("DELETE", f"{path}/{mapper['id']}")
    try:
        done = role.run(folder, "realm", given())
    finally:
        realm.request("POST", path, json=mapper)
    assert done.status != 0
    assert "code: not_converged" in done.output
    assert "preferred_username is None, not tenantmail-probe" in done.text
    assert changed(folder) == []


def test_a_realm_with_the_plain_membership_mapper_is_brought_up_to_date(realm: Realm, folder: Path) -> None:
    scope = realm.named("/client-scopes", "groups")
    path = f"/client-scopes/{scope['id']}/protocol-mappers/models"
    realm.request("DELETE", f"{path}/{scope['protocolMappers'][0]['id']}")
    config = {"claim.name": "groups", "full.path": "false", "access.token.claim": "true"}
    mapper = {"name": "groups", "protocol": "openid-connect", "protocolMapper": "oidc-group-membership-mapper"}
    realm.request("POST", path, json={**mapper, "config": config})
    assert changed(folder) == ["update protocol_mapper groups/groups"]
    assert sorted(realm.login("alice", CHOSEN)[1]["groups"]) == ["sales", "sme-user"]
    assert changed(folder) == []


def test_users_who_could_put_themselves_into_groups_are_a_conflict(realm: Realm, folder: Path) -> None:
    profile = realm.request("GET", "/users/profile")
    realm.request("PUT", "/users/profile", json={**profile, "unmanagedAttributePolicy": "ENABLED"})
    try:
        done = role.run(folder, "realm", given())
    finally:
        realm.request("PUT", "/users/profile", json=profile)
    assert done.status != 0
    assert "code: conflict" in done.output
    assert "anybody could put himself into a group" in done.text


@pytest.fixture
def kept_in_openbao(realm: Realm) -> Iterator[dict[str, Any]]:
    """Variables with which the clients' secrets are read from OpenBao, as the tenant's model would say."""
    settings, kv = facts.settings(), facts.openbao().secrets.kv.v2
    paths = {name: f"sovereign/{facts.platform_fqdn()}/{name}/roletest/oidc" for name in CANARIES}
    for name, path in paths.items():
        kv.create_or_update_secret(path, {"OIDC_CLIENT_SECRET": CANARIES[name], "kept": "canary-kept"})
    extra = {"openbao_property": "OIDC_CLIENT_SECRET"}
    changes = given()
    del changes["realm_client_secrets"]
    clients = [{**client, **extra, "openbao_path": paths[client["client_id"]]} for client in changes["realm_clients"]]
    approle = {
        name.replace("-", "_"): (settings.credentials / f"openbao-provisioner-{name}").read_text()
        for name in ("role-id", "secret-id")
    }
    yield {
        **changes,
        "realm_clients": clients,
        "tenant_model": {"openbao": {"url": settings.openbao_url, "mount": "secret"}},
        "platform_openbao_auth": {"method": "approle", **approle},
        "platform_ca_file": str(settings.ca_file),
    }
    for path in paths.values():
        kv.delete_metadata_and_all_versions(path)


@pytest.mark.parametrize("source", ["openbao", "keycloak"])
def test_a_secret_that_somebody_rotated_is_reported_and_one_side_restored(
    realm: Realm, folder: Path, kept_in_openbao: dict[str, Any], source: str
) -> None:
    rotated = realm.request("POST", f"/clients/{realm.client('stalwart')['id']}/client-secret")["value"]
    kind = {"openbao": "client_secret", "keycloak": "openbao_secret"}[source]
    variables = {**kept_in_openbao, "realm_secret_source": source}
    check = role.run(folder, "realm", variables, "--check", "--diff")
    assert check.report, check.output[-3000:]
    assert check.report["changed"] == [f"update {kind} stalwart"]
    assert ("differs from OpenBao" if source == "openbao" else "differs from Keycloak") in check.output
    done = role.run(folder, "realm", variables, "--diff", "-vvvv")
    assert done.report, done.output[-3000:]
    assert done.report["changed"] == [f"update {kind} stalwart"]
    assert "secrets of clients whose Keycloak and OpenBao differed are equal again: stalwart" in done.report["proven"]
    held = facts.openbao().secrets.kv.v2.read_secret_version(
        f"sovereign/{facts.platform_fqdn()}/stalwart/roletest/oidc", raise_on_deleted_version=True
    )["data"]["data"]
    expected = CANARIES["stalwart"] if source == "openbao" else rotated
    assert (held["OIDC_CLIENT_SECRET"], held["kept"]) == (expected, "canary-kept")
    assert realm.client("stalwart")["secret"] == expected
    for secret in (*SECRETS, rotated, "canary-kept"):
        assert secret not in check.output + done.output
    again = role.run(folder, "realm", variables)
    assert again.report
    assert again.report["changed"] == []
    realm.update(f"/clients/{realm.client('stalwart')['id']}", secret=CANARIES["stalwart"])


def account(realm: Realm, *roles: str) -> dict[str, Any]:
    """Variables with which the role logs in to the realm itself, with these roles of client realm-management."""
    password = "canary-0123456789-of-an-account"
    credentials = [{"type": "password", "value": password, "temporary": False}]
    name = {"username": "-".join(["account", *roles])[:60], "firstName": "A", "lastName": "C"}
    body = {**name, "email": "account@acme.test", "enabled": True, "credentials": credentials}
    realm.request("POST", "/users", json=body)
    user, client = realm.user(name["username"])["id"], realm.client("realm-management")["id"]
    known = {item["name"]: item for item in realm.request("GET", f"/clients/{client}/roles")}
    path = f"/users/{user}/role-mappings/clients/{client}"
    realm.request("POST", path, json=[known[item] for item in roles])
    return {"realm_auth": {"username": name["username"], "password": password}, "realm_auth_realm": NAME}


def test_the_least_privileges_of_the_readme_are_enough(realm: Realm, folder: Path) -> None:
    view = ("view-realm", "view-clients", "view-users")
    alice = realm.user("alice")["id"]
    viewer = account(realm, *view)
    assert changed(folder, "--check", **viewer) == []
    realm.update(f"/users/{alice}", firstName="Other")
    refused = role.run(folder, "realm", given(**viewer))
    assert refused.status != 0
    assert "code: forbidden" in refused.output
    assert "manage-users" in refused.text
    realm.request("DELETE", f"/users/{realm.user(viewer['realm_auth']['username'])['id']}")
    manager = account(realm, *view, "manage-realm", "manage-clients", "manage-users")
    realm.request("DELETE", f"/groups/{realm.children('mail')['sme-admin']['id']}")
    realm.update("", failureFactor=7)
    realm.update(f"/clients/{realm.client('stalwart')['id']}", redirectUris=[])
    assert changed(folder, **manager) == [
        f"update realm {NAME}",
        "update client stalwart",
        "create group mail/sme-admin",
        "update user alice",
    ]
    assert changed(folder, **manager) == []


def test_a_probe_that_is_not_asked_for_any_more_is_disabled_and_nothing_is_removed(realm: Realm, folder: Path) -> None:
    without = {"realm_probe_state": "retired", "realm_probe_secrets": [None, None]}
    assert changed(folder, **without) == [
        f"update client {PROBE['client_id']}",
        f"update client {PROBE['expired_client_id']}",
        f"update user {PROBE['username']}",
    ]
    assert realm.login(*PROBE_LOGIN)[0]["error"] == "invalid_client"
    assert realm.user(PROBE["username"])["enabled"] is False
    assert changed(folder, **without) == []
    assert realm.login("alice", CHOSEN)[0]["error"] == "invalid_client"
    kept = changed(folder)
    assert kept == [
        f"update client {PROBE['client_id']}",
        f"update client {PROBE['expired_client_id']}",
        f"update user {PROBE['username']}",
    ]
    assert realm.login(*PROBE_LOGIN)[1]["groups"] == [PROBE["group"]]
