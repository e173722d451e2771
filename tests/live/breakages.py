"""What can go wrong with a tenant's mail, as data: how to break it, what verify must say, and what repairs it."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.sandbox import facts
from tests.sandbox.process import wait_until

from . import keycloak
from .stalwart import Stalwart, secret
from .test_breaks import stopped
from .test_drift import rrset

REALM = "/realms/sme-acme"
DOMAIN = "acme.omantel.test"
NAMESPACE = "tenant-acme"
ADMIN_SECRET = f"sovereign/{facts.platform_fqdn()}/stalwart/acme/admin"
PROBE = "tenantmail-probe"


@dataclasses.dataclass(frozen=True)
class Breakage:
    """:param name: for people. :param broken: breaks it, and leaves it broken unless nothing repairs it.

    :param check: that fails first. :param hint: words of the fix. :param repaired_by: tags of the playbook that put it right;
        empty where a person has to act, and ``broken`` puts it right itself.
    """

    name: str
    broken: Callable[[], AbstractContextManager[None]]
    check: str
    cause: str
    layer: str
    hint: str
    repaired_by: str = ""


def _first(path: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = keycloak.admin("GET", path).json()
    return found[0]


def _client(client_id: str) -> dict[str, Any]:
    return _first(f"{REALM}/clients?clientId={client_id}")


def _scope(name: str) -> dict[str, Any]:
    scopes: list[dict[str, Any]] = keycloak.admin("GET", f"{REALM}/client-scopes").json()
    return next(scope for scope in scopes if scope["name"] == name)


def _user(name: str = PROBE) -> dict[str, Any]:
    return _first(f"{REALM}/users?username={name}&exact=true")


@contextmanager
def client(client_id: str, **changes: Any) -> Iterator[None]:
    """A client is changed behind the collection's back."""
    found = _client(client_id)
    keycloak.admin("PUT", f"{REALM}/clients/{found['id']}", json={**found, **changes})
    yield


@contextmanager
def mapper(scope: str, kind: str, **config: str) -> Iterator[None]:
    """A scope's mapper of a kind gets another configuration."""
    found = _scope(scope)
    one = next(entry for entry in found["protocolMappers"] if entry["protocolMapper"] == kind)
    where = f"{REALM}/client-scopes/{found['id']}/protocol-mappers/models/{one['id']}"
    keycloak.admin("PUT", where, json={**one, "config": {**one["config"], **config}})
    yield


@contextmanager
def extra_mapper(client_id: str, **body: Any) -> Iterator[None]:
    """A client gets a mapper that nobody asked for."""
    where = f"{REALM}/clients/{_client(client_id)['id']}/protocol-mappers/models"
    made = keycloak.admin("POST", where, json={"name": "break", "protocol": "openid-connect", **body})
    try:
        yield
    finally:
        keycloak.admin("DELETE", made.headers["Location"].split("/admin", 1)[1])


@contextmanager
def without_scope(client_id: str, scope: str) -> Iterator[None]:
    """A client may not ask for a scope any more."""
    keycloak.admin("DELETE", f"{REALM}/clients/{_client(client_id)['id']}/optional-client-scopes/{_scope(scope)['id']}")
    yield


@contextmanager
def user(**changes: Any) -> Iterator[None]:
    """The probe's user is changed."""
    found = _user()
    keycloak.admin("PUT", f"{REALM}/users/{found['id']}", json={**found, **changes})
    yield


@contextmanager
def password() -> Iterator[None]:
    """The probe's password is set to another one."""
    body = {"type": "password", "value": "somebody-set-this-1", "temporary": False}
    keycloak.admin("PUT", f"{REALM}/users/{_user()['id']}/reset-password", json=body)
    yield


@contextmanager
def locked_out() -> Iterator[None]:
    """Somebody guesses the probe's password until Keycloak locks the user."""
    realm: dict[str, Any] = keycloak.admin("GET", REALM).json()
    keycloak.admin("PUT", REALM, json={**realm, "bruteForceProtected": True, "failureFactor": 2})
    secret = keycloak.admin("GET", f"{REALM}/clients/{_client(PROBE)['id']}/client-secret").json()["value"]
    form = {
        "grant_type": "password",
        "client_id": PROBE,
        "client_secret": secret,
        "username": PROBE,
        "password": "guess",
    }
    with facts.http() as session:
        for _ in range(6):
            session.post(f"{facts.settings().keycloak_url}{REALM}/protocol/openid-connect/token", data=form, timeout=30)
    try:
        yield
    finally:
        keycloak.admin("DELETE", f"{REALM}/attack-detection/brute-force/users/{_user()['id']}")
        keycloak.admin("PUT", REALM, json=realm)


@contextmanager
def colliding_group() -> Iterator[None]:
    """The probe joins a group of the claim that has the name of the administrator's mailbox."""
    body = {"name": "admin", "attributes": {"tenantmail_group": ["admin"]}}
    group = keycloak.admin("POST", f"{REALM}/groups", json=body).headers["Location"].rpartition("/")[2]
    keycloak.admin("PUT", f"{REALM}/users/{_user()['id']}/groups/{group}")
    try:
        yield
    finally:
        keycloak.admin("DELETE", f"{REALM}/groups/{group}")


@contextmanager
def issuer() -> Iterator[None]:
    """The realm gets a frontend URL, which becomes its issuer."""
    realm: dict[str, Any] = keycloak.admin("GET", REALM).json()
    url = "https://new.omantel.test"
    keycloak.admin("PUT", REALM, json={**realm, "attributes": {**realm["attributes"], "frontendUrl": url}})
    try:
        yield
    finally:
        keycloak.admin("PUT", REALM, json={**realm, "attributes": {**realm["attributes"], "frontendUrl": ""}})


def published(name: str, kind: str, *contents: str, prefix: str = "") -> Callable[[], AbstractContextManager[None]]:
    """A record set is replaced, or (without contents) deleted; it stays marked as the tenant's.

    :param prefix: of the name, below the domain.
    """

    @contextmanager
    def broken() -> Iterator[None]:
        where = {"name": f"{prefix}{name}.", "type": kind}
        if not contents:
            rrset("DELETE", **where)
        else:
            records = [{"content": content, "disabled": False} for content in contents]
            rrset(
                "REPLACE",
                **where,
                ttl=300,
                records=records,
                comments=[{"account": "tenantmail", "content": "tenant=acme"}],
            )
        yield

    return broken


@contextmanager
def two_spf_records() -> Iterator[None]:
    """Somebody adds a record to the tenant's; merging the two is that somebody's work."""
    try:
        with published(DOMAIN, "TXT", '"v=spf1 mx -all"', '"v=spf1 include:old.test -all"')():
            yield
    finally:
        with published(DOMAIN, "TXT", '"v=spf1 mx -all"')():
            pass


def setting(
    kind: str, patch: dict[str, Any], undo: dict[str, Any] | None = None, **match: Any
) -> Callable[[], AbstractContextManager[None]]:
    """An object of the server (without ``match`` the singleton) is changed and the server reloads.

    :param undo: what a person would do about it.
    """

    @contextmanager
    def broken() -> Iterator[None]:
        with Stalwart("acme") as server:
            identifier = server.identifier(kind, **match)
            server.change(kind, identifier, patch)
            server.action("ReloadSettings")
            try:
                yield
            finally:
                if undo:
                    server.change(kind, identifier, undo)
                    server.action("ReloadSettings")

    return broken


@contextmanager
def dkim_key_replaced() -> Iterator[None]:
    """The server's key is retired and another one signs, which nobody has published."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with Stalwart("acme") as server:
        key = server.active_ed25519()
        server.jmap(("x:DkimSignature/set", {"destroy": [key["id"]]}))
        body = {"domainId": key["domainId"], "selector": f"replaced-{uuid.uuid4().hex[:8]}"}
        private = {"@type": "Text", "secret": pem}
        server.create("DkimSignature", {"@type": "Dkim1Ed25519Sha256", **body, "privateKey": private})
    yield


@contextmanager
def secret_differs() -> Iterator[None]:
    """OpenBao gets another administrator's password than the Secret and the pod have."""
    kv = facts.openbao().secrets.kv.v2
    before = kv.read_secret_version(path=ADMIN_SECRET, mount_point="secret", raise_on_deleted_version=True)["data"][
        "data"
    ]
    changed = {**before, "ADMIN_PASSWORD": "somebody-wrote-this-1"}
    kv.create_or_update_secret(path=ADMIN_SECRET, secret=changed, mount_point="secret")
    try:
        yield
    finally:
        kv.create_or_update_secret(path=ADMIN_SECRET, secret=before, mount_point="secret")


def service_port(service: str, port: int, target: int) -> Callable[[], AbstractContextManager[None]]:
    """A Service's port leads to another port of the pod."""

    @contextmanager
    def broken() -> Iterator[None]:
        patch = f'{{"spec": {{"ports": [{{"port": {port}, "targetPort": {target}}}]}}}}'
        facts.kubernetes("patch", "service", service, "-n", "tenant-acme", "-p", patch)
        yield

    return broken


@contextmanager
def listener_removed() -> Iterator[None]:
    """Somebody removes the server's listener for submission and restarts it."""
    with Stalwart("acme") as server:
        server.jmap(("x:NetworkListener/set", {"destroy": [server.identifier("NetworkListener", name="submission")]}))
        server.restart()
    yield


@contextmanager
def policies_removed() -> Iterator[None]:
    """Somebody removes the release's NetworkPolicies."""
    facts.kubernetes("delete", "networkpolicy", "stalwart-default-deny", "stalwart-allow", "-n", NAMESPACE)
    yield


@contextmanager
def policy_edited() -> Iterator[None]:
    """Somebody opens the release's own NetworkPolicy."""
    patch = '[{"op": "add", "path": "/spec/ingress/-", "value": {"ports": [{"protocol": "TCP", "port": 8080}]}}]'
    facts.kubernetes("patch", "networkpolicy", "stalwart-allow", "-n", NAMESPACE, "--type=json", "-p", patch)
    yield


@contextmanager
def default_deny_opened() -> Iterator[None]:
    """Somebody gives the policy that denies everything a rule that allows everything."""
    patch = '[{"op": "add", "path": "/spec/ingress", "value": [{}]}]'
    facts.kubernetes("patch", "networkpolicy", "stalwart-default-deny", "-n", NAMESPACE, "--type=json", "-p", patch)
    yield


@contextmanager
def admin_port_opened() -> Iterator[None]:
    """Somebody adds a NetworkPolicy that lets everybody reach the admin port; removing it is what the hint says."""
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "somebodys", "namespace": NAMESPACE},
        "spec": {"podSelector": {}, "ingress": [{"ports": [{"protocol": "TCP", "port": 8080}]}]},
    }
    facts.kubernetes("apply", "-f", "-", stdin=json.dumps(policy))
    try:
        yield
    finally:
        facts.kubernetes("delete", "networkpolicy", "somebodys", "--namespace", NAMESPACE)


@contextmanager
def realm_user() -> Iterator[None]:
    """A user of the realm without a mailbox."""
    with keycloak.user("sme-acme", "newcomer", DOMAIN):
        yield


@contextmanager
def blocked() -> Iterator[None]:
    """The server has blocked everybody who comes through the node, this test included."""
    with Stalwart("acme") as server, server.from_loopback():
        created = server.create("BlockedIp", {"address": server.node_address})
        server.action("ReloadBlockedIps")
        try:
            yield
        finally:
            server.jmap(("x:BlockedIp/set", {"destroy": [created]}))
            server.action("ReloadBlockedIps")


@contextmanager
def pod_outdated() -> Iterator[None]:
    """OpenBao and the Secret have a new administrator's password; the pod was not started again."""
    again = uuid.uuid4().hex
    value = f"somebody-wrote-{again}"
    facts.openbao().secrets.kv.v2.patch(path=ADMIN_SECRET, secret={"ADMIN_PASSWORD": value}, mount_point="secret")
    facts.kubernetes(
        "annotate", "externalsecret", "stalwart-admin", "-n", NAMESPACE, f"tests/sync={again}", "--overwrite"
    )
    wait_until(lambda: secret(NAMESPACE, "stalwart-admin", "ADMIN_PASSWORD") == value, "the Secret", timeout=60)
    yield


@contextmanager
def dkim_stale() -> Iterator[None]:
    """The record holds another key than the server's: the example of RFC 8463."""
    with Stalwart("acme") as server:
        selector = server.active_ed25519()["selector"]
    record = '"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="'
    with published(DOMAIN, "TXT", record, prefix=f"{selector}._domainkey.")():
        yield


@contextmanager
def started_without_keycloak() -> Iterator[None]:
    """The pod starts while the realm is down; then the realm is back."""
    with stopped("keycloak"):
        facts.kubernetes("delete", "pod", "stalwart-0", "-n", NAMESPACE)
        facts.kubernetes("rollout", "status", "statefulset/stalwart", "-n", NAMESPACE, "--timeout=180s")
    yield


@contextmanager
def never_reloaded() -> Iterator[None]:
    """The directory is stored, and the server runs another one."""
    with Stalwart("acme") as server:
        (directory,) = server.objects("Directory")
        server.change("Authentication", "singleton", {"directoryId": None})
        server.action("ReloadSettings")
        server.change("Authentication", "singleton", {"directoryId": directory["id"]})
    yield


@contextmanager
def slow_greeting() -> Iterator[None]:
    """The server waits half a minute before it greets."""
    with Stalwart("acme") as server:
        if not server.simulated:
            pytest.skip("a real server has no switch for it")
        with server.fault("greeting-delay"):
            yield


@contextmanager
def idle_mailbox() -> Iterator[None]:
    """A mailbox that nobody can log in to."""
    with Stalwart("acme") as server:
        domain = server.identifier("Domain", name=DOMAIN)
        created = server.create("Account", {"@type": "User", "name": "idle", "domainId": domain})
        try:
            yield
        finally:
            server.jmap(("x:Account/set", {"destroy": [created]}))


#: What the server itself starts with.
SASL = {
    "match": {
        "0": {"if": "local_port != 25 && is_tls", "then": "[plain, login, oauthbearer, xoauth2]"},
        "1": {"if": "local_port != 25", "then": "[oauthbearer, xoauth2]"},
    },
    "else": "false",
}
AUDIENCE, GROUPS = "oidc-audience-mapper", "oidc-group-membership-mapper"
PATHS = {"claim.name": "groups", "full.path": "true", "access.token.claim": "true"}
NBF = {"claim.name": "nbf", "claim.value": "4000000000", "jsonType.label": "long", "access.token.claim": "true"}

BREAKAGES = (
    Breakage("audience mapper wrong", lambda: mapper("stalwart-audience", AUDIENCE, **{"included.client.audience": "account"}),
             "realm.audiences", "audience_missing", "keycloak", "--tags realm", "realm"),
    Breakage("another app's tokens open mailboxes", lambda: extra_mapper("wordpress", protocolMapper=AUDIENCE, config={"included.client.audience": "stalwart", "access.token.claim": "true"}),
             "realm.audiences", "audience_leaks", "keycloak", "--tags realm"),
    Breakage("groups scope missing", lambda: without_scope(PROBE, "groups"),
             "token.probe", "scope_missing", "keycloak", "--tags realm", "realm"),
    Breakage("full-path groups", lambda: extra_mapper(PROBE, protocolMapper=GROUPS, config=PATHS),
             "token.probe", "groups_full_path", "keycloak", "full path"),
    Breakage("a group that collides with a mailbox", colliding_group,
             "realm.groups", "group_collides", "keycloak", "Rename the Keycloak group admin"),
    Breakage("issuer URL changed", issuer,
             "realm.issuer", "issuer_changed", "keycloak", "frontend URL"),
    Breakage("client secret rotated", lambda: client("stalwart", secret="rotated-behind-our-back-1"),
             "realm.clients", "client_secret_differs", "keycloak", "--tags secrets,realm", "realm"),
    Breakage("probe's client secret rotated", lambda: client(PROBE, secret="rotated-behind-our-back-2"),
             "token.probe", "client_secret_differs", "keycloak", "--tags secrets,realm", "realm"),
    Breakage("probe's client disabled", lambda: client(PROBE, enabled=False),
             "token.probe", "client_disabled", "keycloak", "--tags realm", "realm"),
    Breakage("direct access grants off", lambda: client(PROBE, directAccessGrantsEnabled=False),
             "token.probe", "direct_grant_off", "keycloak", "--tags realm", "realm"),
    Breakage("token with nbf in the future", lambda: extra_mapper(PROBE, protocolMapper="oidc-hardcoded-claim-mapper", config=NBF),
             "token.probe", "token_not_yet_valid", "keycloak", "Remove the mapper that sets nbf"),
    Breakage("probe user locked out", locked_out,
             "token.probe", "probe_locked_out", "keycloak", "Unlock"),
    Breakage("probe user disabled", lambda: user(enabled=False),
             "token.probe", "probe_disabled", "keycloak", "--tags realm", "realm"),
    Breakage("probe user with a required action", lambda: user(requiredActions=["UPDATE_PASSWORD"]),
             "token.probe", "probe_incomplete", "keycloak", "--tags realm", "realm"),
    Breakage("probe's password changed", password,
             "token.probe", "probe_password_differs", "keycloak", "--tags secrets,realm", "realm"),
    Breakage("realm user without mailbox", realm_user,
             "realm.mailboxes", "user_without_mailbox", "keycloak", "tenant_mailboxes"),
    Breakage("mailbox without realm user", idle_mailbox,
             "realm.mailboxes", "mailbox_without_user", "keycloak", "tenant_users"),
    Breakage("admin secret differs between OpenBao and the Secret", secret_differs,
             "server.admin", "secret_unsynced", "kubernetes", "--tags chart"),
    Breakage("admin secret differs between the Secret and the pod", pod_outdated,
             "server.admin", "pod_outdated", "kubernetes", "--tags chart", "chart"),
    Breakage("Keycloak down at pod start", started_without_keycloak,
             "server.directory", "directory_internal", "stalwart", "--tags oidc_directory", "oidc_directory"),
    Breakage("reload never done", never_reloaded,
             "server.directory", "directory_internal", "stalwart", "--tags oidc_directory", "oidc_directory"),
    Breakage("MX wrong", published(DOMAIN, "MX", "10 mx.elsewhere.test."),
             "dns.mx", "mx_other", "dns", "--tags dns_records", "dns_records"),
    Breakage("MX missing", published(DOMAIN, "MX"),
             "dns.mx", "mx_missing", "dns", "--tags dns_records", "dns_records"),
    Breakage("SPF missing", published(DOMAIN, "TXT"),
             "dns.spf", "spf_missing", "dns", "--tags dns_records", "dns_records"),
    Breakage("two SPF records", two_spf_records,
             "dns.spf", "spf_two", "dns", "Merge the SPF records"),
    Breakage("DMARC syntax", published(DOMAIN, "TXT", '"v=DMARC1; p=rejekt"', prefix="_dmarc."),
             "dns.dmarc", "dmarc_syntax", "dns", "--tags dns_records", "dns_records"),
    Breakage("DMARC missing", published(DOMAIN, "TXT", prefix="_dmarc."),
             "dns.dmarc", "dmarc_missing", "dns", "--tags dns_records", "dns_records"),
    Breakage("A record of another host", published(DOMAIN, "A", "192.0.2.99", prefix="mail."),
             "dns.address", "address_other", "dns", "--tags dns_records", "dns_records"),
    Breakage("DKIM record stale", dkim_stale,
             "dns.dkim", "dkim_stale", "dns", "--tags dns_records", "dns_records"),
    Breakage("DKIM key replaced on the server", dkim_key_replaced,
             "dns.dkim", "dkim_missing", "dns", "--tags dns_records", "server_settings,dns_records"),
    Breakage("send-as rule open", setting("MtaStageAuth", {"mustMatchSender": {"else": "false"}}),
             "sender.other", "sender_open", "stalwart", "--tags server_settings,admin_principal", "server_settings,admin_principal"),
    Breakage("server asks for no audience", setting("Directory", {"requireAudience": None}, **{"@type": "Oidc"}),
             "refused.audience", "audience_not_required", "stalwart", "--tags oidc_directory", "oidc_directory"),
    Breakage("group without the permission to receive", setting("Account", {"permissions": {"@type": "Merge", "disabledPermissions": {"emailReceive": True}}}, name="tenantmail-probe-group"),
             "message.group", "group_refuses_mail", "stalwart", "--tags mailboxes", "mailboxes"),
    Breakage("postmaster's address missing", setting("Account", {"aliases": {}}, name="admin"),
             "sender.admin", "sender_refused", "stalwart", "--tags admin_principal", "admin_principal"),
    Breakage("probe mailbox suspended", setting("Account", {"permissions": {"@type": "Merge", "disabledPermissions": {"authenticate": True}}}, name=PROBE),
             "login.jmap", "login_forbidden", "stalwart", "--tags mailboxes", "mailboxes"),
    Breakage("probe mailbox over quota", setting("Account", {"quotas": {"maxDiskQuota": 1}}, name=PROBE),
             "message.delivered", "over_quota", "mail", "takes the quota", "mailboxes"),
    Breakage("catch-all", setting("Domain", {"catchAllAddress": f"admin@{DOMAIN}"}, {"catchAllAddress": None}, name=DOMAIN),
             "recipient.unknown", "recipient_accepted", "stalwart", "Remove the catch-all"),
    Breakage("port closed", service_port("stalwart-imap", 993, 9),
             "port.imaps", "port_closed", "kubernetes", "--tags chart", "chart"),
    Breakage("listener for submission removed from the server", listener_removed,
             "port.submission", "port_closed", "kubernetes", "--tags chart,server_settings", "chart,server_settings"),
    Breakage("NetworkPolicies deleted", policies_removed,
             "network.policy", "policy_missing", "kubernetes", "--tags chart", "chart"),
    Breakage("NetworkPolicy of the release opened", policy_edited,
             "network.policy", "policy_changed", "kubernetes", "--tags chart", "chart"),
    Breakage("default-deny NetworkPolicy opened", default_deny_opened,
             "network.policy", "policy_changed", "kubernetes", "--tags chart", "chart"),
    Breakage("a NetworkPolicy that opens the admin port", admin_port_opened,
             "network.policy", "policy_opens", "kubernetes", "kubectl delete networkpolicy somebodys --namespace tenant-acme"),
    Breakage("passwords before TLS", setting("MtaStageAuth", {"saslMechanisms": {"match": {}, "else": "[plain, login, oauthbearer, xoauth2]"}}, {"saslMechanisms": SASL}),
             "port.submission", "passwords_in_clear", "stalwart", "mtaStageAuth.saslMechanisms"),
    Breakage("greeting delayed 30 s", slow_greeting,
             "port.smtp", "greeting_slow", "mail", "before it greets"),
    Breakage("address banned by the server", blocked,
             "port.smtp", "banned", "stalwart", "blocked addresses"),
)  # fmt: skip
