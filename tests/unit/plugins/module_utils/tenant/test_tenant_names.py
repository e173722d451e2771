"""Syntax of names: what is accepted in which normal form, what is refused."""

from __future__ import annotations

import typing as t

import dns.exception
import dns.name
import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import names
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.validation import Invalid
from hypothesis import given
from hypothesis import strategies as st

LONG_LABEL = "a" * 63
LONG_NAME = ".".join(["a" * 61] * 4) + ".test"  # 252 characters

GOOD: list[tuple[t.Callable[[t.Any], t.Any], t.Any, t.Any]] = [
    (names.slug, "acme", "acme"),
    (names.slug, "a", "a"),
    (names.slug, "shop-24", "shop-24"),
    (names.slug, "a" * 40, "a" * 40),
    (names.domain, "acme.omantel.test", "acme.omantel.test"),
    (names.domain, "ACME.Com", "acme.com"),
    (names.domain, "acme.com.", "acme.com"),
    (names.domain, "bücher.test", "xn--bcher-kva.test"),
    (names.domain, "BÜCHER.test", "xn--bcher-kva.test"),
    (names.domain, "xn--bcher-kva.test", "xn--bcher-kva.test"),
    (names.domain, "مثال.عمان.test", "xn--mgbh0fb.xn--mgb9awbf.test"),
    (names.domain, "3com.test", "3com.test"),
    (names.domain, f"{LONG_LABEL}.test", f"{LONG_LABEL}.test"),
    (names.domain, LONG_NAME, LONG_NAME),
    (names.host, "cluster.local", "cluster.local"),
    (names.host, "mail.Acme.test", "mail.acme.test"),
    (names.mail_address, "dmarc@acme.test", "dmarc@acme.test"),
    (names.mail_address, "mailto:dmarc@acme.test", "dmarc@acme.test"),
    (names.mail_address, "a.b+c@ACME.test", "a.b+c@acme.test"),
    (names.address, "192.0.2.1", "192.0.2.1"),
    (names.address, "2001:DB8:0:0::1", "2001:db8::1"),
    (names.nameserver, "192.0.2.1", "192.0.2.1:53"),
    (names.nameserver, "192.0.2.1:5300", "192.0.2.1:5300"),
    (names.nameserver, "2001:db8::1", "[2001:db8::1]:53"),
    (names.nameserver, "[2001:db8::1]:5300", "[2001:db8::1]:5300"),
    (names.url, "https://Bao.Test:8200/", "https://bao.test:8200"),
    (names.url, "http://10.0.0.1:8081", "http://10.0.0.1:8081"),
    (names.url, "https://[2001:db8::1]:8443/auth", "https://[2001:db8::1]:8443/auth"),
    (names.openbao_url, "https://bao.test:8200", "https://bao.test:8200"),
    (
        names.realm_url,
        "https://keycloak.acme.test/realms/sme-acme",
        ("https://keycloak.acme.test/realms/sme-acme", "https://keycloak.acme.test", "sme-acme"),
    ),
    (
        names.realm_url,
        "https://10.0.0.1:8443/auth/realms/sme/",
        ("https://10.0.0.1:8443/auth/realms/sme", "https://10.0.0.1:8443/auth", "sme"),
    ),
    (names.powerdns_url, "https://pdns.test", ("https://pdns.test", None)),
    (names.powerdns_url, "https://pdns.test/", ("https://pdns.test", None)),
    (names.powerdns_url, "https://pdns.test/api", ("https://pdns.test", None)),
    (names.powerdns_url, "https://pdns.test/api/v1/", ("https://pdns.test", None)),
    (names.powerdns_url, "https://pdns.test/api/v1/servers", ("https://pdns.test", None)),
    (names.powerdns_url, "https://pdns.test/api/v1/servers/localhost", ("https://pdns.test", "localhost")),
    (names.powerdns_url, "https://gw.test/dns/api/v1", ("https://gw.test/dns", None)),
    (names.vault_path, "/sovereign/omantel.test/stalwart/acme/oidc/", "sovereign/omantel.test/stalwart/acme/oidc"),
    (names.property_name, "OIDC_CLIENT_SECRET", "OIDC_CLIENT_SECRET"),
    (names.client_id, "stalwart", "stalwart"),
    (names.realm_name, "master", "master"),
    (names.label, "tenant-acme", "tenant-acme"),
    (names.release, "stalwart", "stalwart"),
    (names.object_name, "stalwart.oidc-1", "stalwart.oidc-1"),
    (names.description, "  Bücher & Söhne ", "Bücher & Söhne"),
    (names.description, "x" * 255, "x" * 255),
]

BAD: list[tuple[t.Callable[[t.Any], t.Any], list[t.Any]]] = [
    (
        names.slug,
        [
            "",
            "Acme",
            "acme_1",
            "acme.x",
            "-acme",
            "acme-",
            "1acme",
            "a" * 41,
            "a b",
            "büro",
            "acme\n",
            None,
            5,
            ["acme"],
        ],
    ),
    (
        names.domain,
        [
            "",
            "acme",
            "acme .com",
            "my domain.com",
            " acme.com",
            "my_domain.com",
            "-acme.com",
            "acme-.com",
            "acme..com",
            ".acme.com",
            "acme.com..",
            "192.0.2.1",
            "2001:db8::1",
            "[192.0.2.1]",
            "acme.123",
            "*.acme.com",
            "acme.com/x",
            "user@acme.com",
            "https://acme.com",
            "acme.com\n",
            f"{'a' * 64}.test",
            f"a.{LONG_NAME}",
            "xn--a.test",
            "ﷺ.test",
            "acme.example",
            "acme.invalid",
            "acme.localhost",
            "acme.onion",
            "acme.alt",
            "acme.arpa",
            None,
            5,
            True,
            {"primary": "acme.com"},
        ],
    ),
    (
        names.mail_address,
        [
            "",
            "dmarc",
            "@acme.test",
            "a b@acme.test",
            "a@b",
            "a..b@acme.test",
            "a,b",
            "x!1@acme.test",
            "a" * 65 + "@acme.test",
            3,
        ],
    ),
    (names.address, ["", "mail.acme.test", "192.0.2.256", "192.0.2.0/24", "0.0.0.0", "224.0.0.1", "fe80::1%eth0", 5]),
    (names.nameserver, ["", "ns.acme.test", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:dns", "[2001:db8::1", 53]),
    (
        names.url,
        [
            "",
            "bao.test",
            "ftp://bao.test",
            "https://",
            "https://bao test",
            "https://bao_x.test",
            "https://user:pass@bao.test",
            "https://bao.test/?x=1",
            "https://bao.test/#x",
            "https://bao.test:port",
            "https://1.2.3",
            None,
        ],
    ),
    (names.openbao_url, ["https://bao.test/v1", "https://bao.test/v1/secret"]),
    (
        names.realm_url,
        [
            "https://keycloak.acme.test",
            "https://keycloak.acme.test/auth/sme",
            "https://keycloak.acme.test/realms/",
            "https://keycloak.acme.test/realms/sme/account",
            "https://keycloak.acme.test/realms/sme?x=1",
            "keycloak.acme.test/realms/sme",
            "https://keycloak.acme.test/realms/my realm",
        ],
    ),
    (names.powerdns_url, ["pdns.test", "https://pdns.test/api/v2", "https://pdns.test/api/v1/servers/localhost/zones"]),
    (names.vault_path, ["", "/", "a//b", "../x", "a/../b", "a b", "secret/data/sovereign/x"]),
    (names.property_name, ["", "1A", "A B", "A/B", 5]),
    (names.client_id, ["", "a b", "a/b", "x" * 101]),
    (names.realm_name, ["", "a/b", "a b"]),
    (names.label, ["", "Tenant", "tenant_acme", "a" * 64, "a.b", "-a"]),
    (names.release, ["", "1stalwart", "Stalwart", "a" * 41]),
    (names.object_name, ["", "A", "a..b", "a_b", "-a"]),
    (names.description, ["", "   ", "two\nlines", "x" * 256, 5]),
]


@pytest.mark.parametrize(("parse", "value", "normal"), GOOD)
def test_accepted(parse: t.Callable[[t.Any], t.Any], value: t.Any, normal: t.Any) -> None:
    assert parse(value) == normal


@pytest.mark.parametrize(("parse", "value"), [(parse, value) for parse, values in BAD for value in values])
def test_refused(parse: t.Callable[[t.Any], t.Any], value: t.Any) -> None:
    with pytest.raises(Invalid) as caught:
        parse(value)
    assert len(caught.value.accepted) > 10


@pytest.mark.parametrize(("parse", "value", "normal"), [row for row in GOOD if isinstance(row[2], str)])
def test_normal_forms_are_fixed_points(parse: t.Callable[[t.Any], t.Any], value: t.Any, normal: str) -> None:
    assert parse(normal) == normal


def test_reserved_names_are_explained() -> None:
    with pytest.raises(Invalid, match=r"\.example is reserved"):
        names.domain("acme.example")


def test_below() -> None:
    assert names.below("acme.test", "acme.test")
    assert names.below("mail.acme.test", "acme.test")
    assert not names.below("xacme.test", "acme.test")


LABELS = st.text("abz019-_A ", min_size=0, max_size=66)


@given(st.lists(LABELS, min_size=1, max_size=5).map(".".join))
def test_dnspython_reads_every_accepted_host_alike(name: str) -> None:
    try:
        normal = names.host(name)
    except Invalid:
        return
    parsed = dns.name.from_text(normal, dns.name.root)
    assert parsed.to_text(omit_final_dot=True) == normal
    assert parsed == dns.name.from_text(name, dns.name.root)


@given(st.lists(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True), min_size=1, max_size=4))
def test_every_ldh_name_that_dnspython_reads_is_accepted(labels: list[str]) -> None:
    name = ".".join([*labels, "test"])
    if any(label.startswith("xn--") for label in labels):
        return
    try:
        dns.name.from_text(name)
    except dns.exception.DNSException:
        with pytest.raises(Invalid):
            names.host(name)
    else:
        assert names.host(name) == name
