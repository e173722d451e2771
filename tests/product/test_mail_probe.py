"""``mail_probe`` on a whole tenant, and what it says of each breakage: the cause, its layer, the words of its fix.

Breakages that do not hide one another share a run. What needs a cluster or a real Keycloak is in tests/live/test_verify.py.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import probe_context, probe_port, probe_task
from tests.contract import servers
from tests.contract.issuer import Issuer
from tests.contract.v015.rest import Rest
from tests.sandbox.pki import Authority
from tests.simulator.fixture import free_port

from .mail import DOMAIN, GROUP, HOST, PASSWORD, PRINCIPALS, PROBE, SCOPES, Tenant, realm, tenant, unlimited
from .server import Result

Records = dict[str, dict[str, Any]]
SERVERS = [(generation, name) for generation in ("0.16", "0.15") for name in servers.names(generation) if name != "url"]
#: What 0.15 cannot be asked.
UNASKED = {"refused.audience", "refused.groups", "sender.admin"}


@pytest.fixture(scope="module", params=SERVERS, ids="-".join)
def limited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """A server with its own limits."""
    generation, name = request.param
    issuer = Issuer("sme-acme", "other").start()
    with tenant(tmp_path_factory.mktemp("acme"), issuer, generation, name) as found:
        yield found
    issuer.stop()


@pytest.fixture(scope="module")
def green(limited: Tenant) -> Records:
    """What the checks say first of all."""
    return limited.probe()


@pytest.fixture(scope="module")
def acme(limited: Tenant, green: Records) -> Iterator[Tenant]:
    """The same server without limits, so that no test waits for them."""
    unlimited(limited)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probe_context, "PACE", 0.0)
        patch.setattr(probe_context, "WINDOW", 0.0)
        yield limited


def is_old(tenant: Tenant) -> bool:
    return tenant.server.generation == "0.15"


def causes(records: Records) -> dict[str, str]:
    return {name: record["cause"] for name, record in records.items() if record["status"] == "failed"}


def because(records: Records) -> set[str]:
    """What the skipped checks give as the reason."""
    return {record["because"] for record in records.values() if record["status"] == "skipped"}


def txt(text: str) -> str:
    return f'"{text}"'


def test_a_whole_tenant_is_green(limited: Tenant, green: Records) -> None:
    records, old = green, is_old(limited)
    assert causes(records) == {}
    skipped = {name: record["observed"] for name, record in records.items() if record["status"] == "skipped"}
    assert skipped.pop("network.policy") == "network_policy is not given"
    assert set(skipped) == (UNASKED if old else set())
    assert all("0.15" in why for why in skipped.values())
    assert "ed25519-sha256" in records["message.dkim"]["observed"]
    assert "rsa-sha256" in records["message.dkim"]["observed"]
    assert records["message.dmarc"]["observed"] == "pass by dkim and spf"
    assert records["foreign.smtp"]["observed"].startswith("535" if old else "454")
    assert records["recipient.unknown"]["observed"].startswith("550 5.1.2")
    where, _colon, told = records["certificate"]["observed"].partition(": ")
    assert set(where.split(", ")) == {"smtp", "submissions", "submission", "imaps", "imap"}
    assert told.startswith("self-signed")


def test_nothing_is_left_in_any_mailbox(acme: Tenant) -> None:
    writes = acme.server.writes()
    assert acme.probe()["message.group"]["ok"]
    assert acme.server.writes() == writes
    assert acme.inbox() == []


def test_check_mode_asks_and_sends_nothing(acme: Tenant) -> None:
    if acme.server.simulator is None:
        pytest.skip("a real server does not count its requests")
    before = acme.server.simulator.requests()
    assert probe_task.run(acme.params(), check_mode=True)["ok"] is None
    assert acme.server.simulator.requests() == before + 1


# DNS ------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def zone(acme: Tenant, **changes: list[str]) -> Iterator[None]:
    """:param changes: values by ``MX``, ``SPF``, ``DMARC``, ``A`` or ``DKIM`` (the first key)."""
    keys = {name: values for (name, _type), values in acme.names.zone.items() if "._domainkey." in name}
    key = next(name for name, values in keys.items() if "k=ed25519" in values[0])
    places = {
        "MX": (f"{DOMAIN}.", "MX"),
        "SPF": (f"{DOMAIN}.", "TXT"),
        "DMARC": (f"_dmarc.{DOMAIN}.", "TXT"),
        "A": (f"{HOST}.", "A"),
        "DKIM": (key, "TXT"),
    }
    before = dict(acme.names.zone)
    acme.names.zone.update({places[name]: values for name, values in changes.items()})
    yield
    acme.names.zone.clear()
    acme.names.zone.update(before)


STALE = txt("v=DKIM1; k=ed25519; h=sha256; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"MX": ["10 mx.elsewhere.test."], "SPF": [], "DMARC": [txt("v=DMARC1; p=rejekt")], "DKIM": [STALE]},
            {
                "dns.mx": "mx_other",
                "dns.spf": "spf_missing",
                "dns.dmarc": "dmarc_syntax",
                "dns.dkim": "dkim_stale",
                "message.dkim": "dkim_broken",
                "message.spf": "spf_fails",
            },
        ),
        (
            {
                "MX": [],
                "SPF": [txt("v=spf1 mx -all"), txt("v=spf1 include:old.test -all")],
                "DMARC": [txt("v=DMARC1; p=none"), txt("v=DMARC1; p=reject")],
                "DKIM": [],
            },
            {
                "dns.mx": "mx_missing",
                "dns.spf": "spf_two",
                "dns.dmarc": "dmarc_two",
                "dns.dkim": "dkim_missing",
                "message.dkim": "dkim_broken",
                "message.spf": "spf_two",
            },
        ),
        ({"A": ["127.0.0.2"], "DMARC": []}, {"dns.address": "address_other", "dns.dmarc": "dmarc_missing"}),
        ({"A": []}, {"dns.address": "address_missing"}),
    ],
    ids=["mx-spf-dmarc-dkim", "twice-or-missing", "other-host", "no-address"],
)
def test_dns(acme: Tenant, changes: dict[str, list[str]], expected: dict[str, str]) -> None:
    with zone(acme, **changes):
        records = acme.probe()
    assert causes(records) == expected
    assert {records[name]["layer"] for name in expected} == {"dns"}
    assert all("--tags dns_records" in records[name]["hint"] for name in expected)


# The realm ------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def issuing(acme: Tenant, change: Callable[[Issuer], None]) -> Iterator[None]:
    change(acme.issuer)
    yield
    acme.issuer.other_issuer = ""
    for name in ("sme-acme", "other"):
        realm(acme.issuer, name)


def user(*groups: str, password: str = PASSWORD, **claims: Any) -> Callable[[Issuer], None]:
    return lambda issuer: issuer.add_user(
        "sme-acme", "tenantmail-probe", password, *(groups or ["tenantmail-probe-group"]), **{"email": PROBE, **claims}
    )


def client(secret: str, *scopes: str) -> Callable[[Issuer], None]:
    return lambda issuer: issuer.add_client("sme-acme", "tenantmail-probe", secret, *scopes)


def other_issuer(issuer: Issuer) -> None:
    issuer.other_issuer = "https://new.acme.test/realms/sme-acme"


@pytest.mark.parametrize(
    ("change", "check", "cause"),
    [
        (user(aud="account"), "token.probe", "audience_missing"),
        (
            client("probe-client-secret-1", "openid", "email", "profile", "stalwart-audience"),
            "token.probe",
            "scope_missing",
        ),
        (user("/tenantmail-probe-group"), "token.probe", "groups_full_path"),
        (user("tenantmail-probe-group", "alice"), "token.probe", "group_collides"),
        (user("sme-user"), "token.probe", "probe_not_in_group"),
        (user(nbf=4_000_000_000), "token.probe", "token_not_yet_valid"),
        (user(preferred_username="somebody"), "token.probe", "username_other"),
        (user(email="probe@elsewhere.test"), "token.probe", "email_other"),
        (user(password="another-password"), "token.probe", "probe_password_differs"),
        (client("rotated-secret-1", *SCOPES), "token.probe", "client_secret_differs"),
        (other_issuer, "realm.issuer", "issuer_changed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_realm(acme: Tenant, change: Callable[[Issuer], None], check: str, cause: str) -> None:
    with issuing(acme, change):
        records = acme.probe()
    found = causes(records)
    if cause == ("group_collides" if is_old(acme) else "email_other"):
        # Of no matter to this generation.
        assert found == {}
        return
    # One cause; what follows from it is skipped and names it.
    assert found == {check: cause}
    assert because(records) == {check, ""}
    assert records[check]["layer"] == "keycloak"
    hint = records[check]["hint"]
    words = {
        "group_collides": "Rename the Keycloak group alice",
        "token_not_yet_valid": "Remove the mapper that sets nbf",
    }
    assert words.get(cause, "--tags secrets,realm" if "differs" in cause else "--tags realm") in hint


# The server -----------------------------------------------------------------------------------------------------------


def test_a_pod_that_started_while_the_realm_was_down(acme: Tenant) -> None:
    assert acme.server.target.restart is not None
    acme.issuer.stop()
    acme.server.target.restart()
    acme.issuer.start()
    if is_old(acme):
        # It asks the realm at each login only. Without a way out it writes its limits anew when it starts.
        unlimited(acme)
        assert causes(acme.probe()) == {}
        return
    records = acme.probe()
    assert causes(records) == {"server.directory": "directory_internal"}
    assert records["server.directory"]["layer"] == "stalwart"
    assert "--tags oidc_directory" in records["server.directory"]["hint"]
    assert records["login.jmap"]["because"] == "server.directory"
    acme.directory()
    assert causes(acme.probe()) == {}


def test_another_realms_directory(acme: Tenant) -> None:
    acme.directory("other")
    records = acme.probe()
    acme.directory()
    found = causes(records)
    assert found["server.directory"] == "directory_other"
    assert {found[f"foreign.{name}"] for name in ("jmap", "smtp", "imap")} == {"foreign_accepted"}


def test_a_directory_that_asks_for_less(acme: Tenant) -> None:
    if is_old(acme):
        pytest.skip("0.15 asks for nothing")
    acme.directory(requireAudience=None, requireScopes=["openid"])
    records = acme.probe()
    acme.directory()
    assert causes(records) == {"refused.audience": "audience_not_required", "refused.groups": "groups_not_required"}


def test_the_administrators_secret_differs(acme: Tenant) -> None:
    records = acme.probe(api_password="another-secret-1")
    assert causes(records) == {"server.admin": "admin_refused"}
    assert "another-secret-1" not in str(records)


@contextlib.contextmanager
def principals(acme: Tenant, *changed: dict[str, Any]) -> Iterator[None]:
    acme.server.principals(*changed)
    yield
    more = {PROBE: {"quota": 0, "state": "present"}, GROUP: {"receive_mail": True}}
    acme.server.principals(*({**one, **more.get(one["name"], {})} for one in PRINCIPALS))


@pytest.mark.parametrize(
    ("changed", "expected", "tag"),
    [
        (
            {"name": f"admin@{DOMAIN}", "aliases": []},
            {"sender.admin": "sender_refused", "recipient.promised": "recipient_refused"},
            "--tags admin_principal",
        ),
        (
            {"name": GROUP, "type": "group", "receive_mail": False},
            {"message.group": "group_refuses_mail"},
            "--tags mailboxes",
        ),
        ({"name": PROBE, "quota": 1}, {"message.delivered": "over_quota"}, "takes the quota"),
        (
            {"name": PROBE, "state": "suspended"},
            dict.fromkeys(("login.jmap", "login.smtp", "login.imap"), "login_forbidden"),
            "--tags mailboxes",
        ),
    ],
    ids=["send-as", "group", "quota", "suspended"],
)
def test_principals(acme: Tenant, changed: dict[str, Any], expected: dict[str, str], tag: str) -> None:
    # What does not fit does not come, however long one waits.
    more = {"delivery_timeout": 1.0} if "quota" in changed else {}
    with principals(acme, changed):
        records = acme.probe(**more)
    if is_old(acme):
        expected = {name: cause for name, cause in expected.items() if name not in UNASKED}
    assert causes(records).items() >= expected.items()
    assert all(tag in records[name]["hint"] for name in expected)


def catch_all(acme: Tenant, *, on: bool) -> Result:
    """What else to set for it. It is an address of 0.15's account, by which no option of the collection goes."""
    if not is_old(acme):
        return {"domain": {DOMAIN: {"catchAllAddress": f"alice@{DOMAIN}" if on else None}}}
    Rest(acme.server.target).patch("alice", ("addItem" if on else "removeItem", "emails", f"@{DOMAIN}"))
    return {}


def test_an_open_sender_rule_and_a_catch_all_and_spam(acme: Tenant) -> None:
    opened = {"mtaStageAuth": {"mustMatchSender": {"else": "false"}}, "spamSettings": {"enable": True}}
    acme.settings({**opened, **catch_all(acme, on=True)})
    records = acme.probe()
    closed = {"mtaStageAuth": {"mustMatchSender": {"else": "true"}}, "spamSettings": {"enable": False}}
    acme.settings({**closed, **catch_all(acme, on=False)})
    assert causes(records) == {
        "sender.other": "sender_open",
        "recipient.unknown": "recipient_accepted",
        "message.spam": "spam_on",
    }


def test_the_spam_filter_is_expected(acme: Tenant) -> None:
    assert causes(acme.probe(spam_filter=True)) == {"message.spam": "spam_off"}


# Ports ----------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def listener(acme: Tenant, answer: bytes | None) -> Iterator[int]:
    """At the mail host's address; accepts connections; says nothing at all (none), or this and closes."""
    server = socket.create_server((acme.address, 0))
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                sock, _peer = server.accept()
            except OSError:
                return
            if answer is None:
                kept.append(sock)
                continue
            sock.sendall(answer)
            sock.close()

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()
    for sock in kept:
        sock.close()


def test_a_closed_port_and_one_that_does_not_greet(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_port, "GREETING_TIMEOUT", 1.0)
    with listener(acme, None) as silent:
        records = acme.probe(ports={**acme.ports, "imaps": free_port(), "smtp": silent})
    assert causes(records) == {"port.imaps": "port_closed", "port.smtp": "greeting_slow"}
    assert records["port.imaps"]["layer"] == "kubernetes"
    assert records["recipient.unknown"]["because"] == "port.smtp"
    assert records["message.delivered"]["because"] == "port.imaps"


def test_a_connection_closed_at_once_is_told_apart_from_a_ban(acme: Tenant) -> None:
    with listener(acme, b"") as closing:
        ports = {**acme.ports, "smtp": closing}
        assert causes(acme.probe(ports=ports)) == {"port.smtp": "closed_at_once"}
        acme.settings({"blockedIp": {"198.51.100.7": {}}})
        records = acme.probe(ports=ports)
        acme.settings({"blockedIp": {"198.51.100.7": {}}}, state="absent")
    assert causes(records) == {"port.smtp": "banned"}
    assert records["port.smtp"]["layer"] == "stalwart"
    assert "Remove 198.51.100.7" in records["port.smtp"]["hint"]


def test_a_refusing_greeting_and_a_port_without_tls(acme: Tenant) -> None:
    with listener(acme, b"421 4.3.0 mail.acme.test Too many connections\r\n") as refusing:
        records = acme.probe(ports={**acme.ports, "smtp": refusing, "imaps": acme.ports["smtp"]})
    assert causes(records) == {"port.smtp": "rate_limited", "port.imaps": "no_tls"}


def test_another_host_answers(acme: Tenant) -> None:
    records = acme.probe(domain={"primary": DOMAIN, "mode": "byo", "mail_host": "mx.acme.test", "web_host": None})
    assert causes(records)["port.smtp"] == "other_host"


def test_a_trusted_certificate_is_expected(acme: Tenant) -> None:
    assert causes(acme.probe(certificate="trusted")) == {"certificate": "certificate_self_signed"}


@pytest.fixture
def issued(acme: Tenant, tmp_path: Path) -> Iterator[Path]:
    """The server has a certificate of a private CA, whose own certificate is in this file."""
    if is_old(acme):
        pytest.skip("one generation is enough: the certificate is looked at from outside")
    api = acme.server.api()
    authority = Authority(tmp_path)
    authority.ensure()
    pair = authority.server("mail", [], [HOST])
    certificate = {"@type": "Text", "value": pair.certificate.read_text(encoding="utf-8")}
    private = {"@type": "Text", "secret": pair.key.read_text(encoding="utf-8")}
    created = api.create("Certificate", certificate=certificate, privateKey=private)
    assert "created" in api.action("ReloadTlsCertificates")
    yield authority.ca.certificate
    api.destroy("Certificate", created)
    assert "created" in api.action("ReloadTlsCertificates")


@pytest.mark.parametrize("services", [("submissions", "submission", "imaps", "imap"), ("submission",), ("imap",)])
def test_a_certificate_is_verified_on_every_port(acme: Tenant, issued: Path, services: tuple[str, ...]) -> None:
    ports = {service: acme.ports[service] for service in services}
    trusting = {"certificate": "trusted", "ports": ports}
    record = acme.probe(**trusting, ca_path=str(issued))["certificate"]
    assert (record["status"], record["observed"].partition(": ")[0]) == ("ok", ", ".join(services))
    record = acme.probe(**trusting)["certificate"]
    assert (record["cause"], record["observed"].partition(": ")[0]) == ("certificate_untrusted", ", ".join(services))


def test_passwords_before_tls(acme: Tenant) -> None:
    offered = {"mtaStageAuth": {"saslMechanisms": {"match": [], "else": "[plain, login, oauthbearer, xoauth2]"}}}
    before = acme.settings(offered)["diff"]
    records = acme.probe()
    usual = [
        {"if": "local_port != 25 && is_tls", "then": "[plain, login, oauthbearer, xoauth2]"},
        {"if": "local_port != 25", "then": "[oauthbearer, xoauth2]"},
    ]
    acme.settings({"mtaStageAuth": {"saslMechanisms": {"match": usual, "else": "false"}}})
    assert before
    assert causes(records) == {"port.submission": "passwords_in_clear", "port.smtp": "passwords_in_clear"}
    assert records["port.submission"]["observed"].endswith("offers LOGIN, PLAIN before STARTTLS")


def test_a_warning_does_not_fail(acme: Tenant) -> None:
    with zone(acme, MX=[]):
        records = acme.probe(warn=["dns.mx", "message.spf"])
    assert causes(records) == {}
    assert records["dns.mx"]["status"] == "warning"


def test_without_another_realm_there_is_nothing_to_try(acme: Tenant) -> None:
    records = acme.probe(foreign=[])
    assert causes(records) == {}
    assert records["foreign.imap"]["status"] == "skipped"


@pytest.mark.parametrize("ports", [{"smtps": 465}, {"smtp": "many"}, {"smtp": 0}])
def test_ports_that_are_none_are_named(acme: Tenant, ports: dict[str, Any]) -> None:
    with pytest.raises(Failure) as raised:
        acme.probe(ports=ports)
    assert raised.value.code == "invalid_value"
    assert next(iter(ports)) in raised.value.message


def test_a_domain_of_the_tenants_own_before_anything_is_published(tmp_path: Path, acme: Tenant) -> None:
    byo = {"primary": DOMAIN, "mode": "byo", "mail_host": HOST, "web_host": None}
    records = acme.probe(domain=byo, nameservers=[])
    assert causes(records) == {}
    assert records["dns.mx"]["status"] == "skipped"
    assert records["message.dmarc"]["observed"] == "pass by dkim and spf"
