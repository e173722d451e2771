"""DKIM keys and DNS records (contract 0.15 sections 6 and 12)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from ..servers import HOSTNAME
from .rest import Rest


def _make(rest: Rest, domain: str, algorithm: str, **given: Any) -> Any:
    """The whole body of the answer; the keys go after the test."""
    prefix = {"Rsa": "rsa", "Ed25519": "ed25519"}[algorithm]
    name = given.get("id") or f"{prefix}-{domain}"
    rest.insert({f"signature.{name}.{key}": "" for key in _KEYS})
    rest.operate({"type": "clear", "prefix": f"signature.{name}."})
    body = {"algorithm": algorithm, "domain": domain, "id": None, "selector": None} | given
    return rest.answer("POST", "/api/dkim", json=body)


_KEYS = [
    "private-key",
    "domain",
    "selector",
    "algorithm",
    "canonicalization",
    "report",
    *(f"headers.{n}" for n in range(5)),
]


@pytest.mark.parametrize(
    ("algorithm", "prefix", "stored", "letter", "label", "public"),
    [
        ("Rsa", "rsa", "rsa-sha256", "r", "RSA PRIVATE KEY", r"MII[A-Za-z0-9+/]{380,}={0,2}"),
        ("Ed25519", "ed25519", "ed25519-sha256", "e", "PRIVATE KEY", r"[A-Za-z0-9+/]{43}="),
    ],
)
def test_create(
    rest: Rest, name: str, algorithm: str, prefix: str, stored: str, letter: str, label: str, public: str
) -> None:
    """The domain need not exist; the public key is there before a reload."""
    assert _make(rest, name, algorithm) == {"data": None}
    items = rest.listed(f"signature.{prefix}-{name}")["items"]
    key = items.pop("private-key")
    assert key.startswith(f"-----BEGIN {label}-----\n")
    assert key.endswith(f"-----END {label}-----\n")
    selector = items.pop("selector")
    assert selector == datetime.now(UTC).strftime("%Y%m") + letter
    headers = dict(
        zip((f"headers.{index}" for index in range(5)), "From To Date Subject Message-ID".split(), strict=True)
    )
    fixed = {"domain": name, "algorithm": stored, "canonicalization": "relaxed/relaxed", "report": "false"}
    assert items == headers | fixed
    value = rest.data("GET", f"/api/dkim/{prefix}-{name}")
    assert re.fullmatch(public, value)
    records = rest.data("GET", f"/api/dns/records/{name}")
    content = f"v=DKIM1; k={prefix}; h=sha256; p={value}"
    assert {"type": "TXT", "name": f"{selector}._domainkey.{name}.", "content": content} in records


def test_a_duplicate_shows_the_private_key(rest: Rest, name: str) -> None:
    _make(rest, name, "Ed25519", selector="s1")
    key = rest.listed(f"signature.ed25519-{name}")["items"]["private-key"]
    body = rest.error("POST", "/api/dkim", json={"algorithm": "Ed25519", "domain": name, "id": None, "selector": None})
    assert body == {"error": "fieldAlreadyExists", "field": f"signature.ed25519-{name}.private-key", "value": key}


def test_own_id_and_selector(rest: Rest, name: str) -> None:
    _make(rest, name, "Ed25519", id=f"second-{name}", selector="s2")
    assert rest.listed(f"signature.second-{name}")["items"]["selector"] == "s2"


def test_unknown_keys_are_404(rest: Rest, name: str) -> None:
    assert rest.http("GET", f"/api/dkim/rsa-{name}").status_code == 404
    rest.insert({"private-key": "nonsense", "algorithm": "what", "domain": name}, f"signature.odd-{name}")
    assert rest.http("GET", f"/api/dkim/odd-{name}").status_code == 404
    rest.insert({"algorithm": "rsa-sha256"}, f"signature.odd-{name}")
    assert rest.error("GET", f"/api/dkim/odd-{name}")["error"] == "other"


@pytest.mark.parametrize(
    "body",
    [{}, {"algorithm": "rsa", "domain": "x.test"}, {"algorithm": "Rsa"}, {"algorithm": "Rsa", "domain": 7}, []],
)
def test_malformed(rest: Rest, body: Any) -> None:
    answer = rest.http("POST", "/api/dkim", json=body)
    assert (answer.status_code, answer.json()["title"]) == (400, "Invalid parameters")


def test_records_of_a_foreign_domain(rest: Rest, name: str) -> None:
    """Of any text; the order is fixed."""
    records = rest.data("GET", f"/api/dns/records/{name}")
    shown = [(record["type"], record["name"], record["content"]) for record in records]
    reports = f"mailto:postmaster@{name}"
    fixed = [entry for entry in shown if entry[0] != "SRV"]
    assert fixed == [
        ("MX", f"{name}.", f"10 {HOSTNAME}."),
        ("CNAME", f"mail.{name}.", f"{HOSTNAME}."),
        ("TXT", f"{name}.", "v=spf1 mx ra=postmaster -all"),
        ("TXT", f"_dmarc.{name}.", f"v=DMARC1; p=reject; rua={reports}; ruf={reports}"),
        ("TXT", f"_smtp._tls.{name}.", f"v=TLSRPTv1; rua={reports}"),
    ]
    assert [entry[0] for entry in shown[:3]] == ["MX", "CNAME", "TXT"]


def test_records_of_the_servers_own_domain(rest: Rest) -> None:
    own = HOSTNAME.removeprefix("mail.")
    shown = [(record["type"], record["name"]) for record in rest.data("GET", f"/api/dns/records/{own}")]
    assert shown[:3] == [("MX", f"{own}."), ("TXT", f"{HOSTNAME}."), ("TXT", f"{own}.")]
    at_host = [
        record["type"]
        for record in rest.data("GET", f"/api/dns/records/{HOSTNAME}")
        if record["name"] == f"{HOSTNAME}."
    ]
    assert at_host == ["MX", "TXT", "TXT"]  # two SPF records where the domain is the host


def test_listeners_become_srv_records(rest: Rest, name: str) -> None:
    """As stored, before any reload: by protocol, TLS first. (Of several addresses the real server takes any one.)"""
    before = _services(rest, name)
    rest.insert(
        {
            "zz1.protocol": "imap",
            "zz1.bind": "127.0.0.1:1143",
            "zz2.protocol": "imap",
            "zz2.bind.0000": "127.0.0.1:1993",
            "zz2.tls.implicit": "true",
            "zz3.protocol": "smtp",
            "zz3.bind": "127.0.0.1:25",
            "zz4.protocol": "http",
            "zz4.bind": "127.0.0.1:1443",
            "zz4.tls.implicit": "true",
        },
        "server.listener",
    )
    added = [entry for entry in _services(rest, name) if entry not in before]
    https = [(f"_{service}._tcp.{name}.", 1443) for service in ("jmap", "caldavs", "carddavs")]
    assert added == [*https, (f"_imaps._tcp.{name}.", 1993), (f"_imap._tcp.{name}.", 1143)]
    names = [record["name"] for record in rest.data("GET", f"/api/dns/records/{name}") if record["type"] == "CNAME"]
    assert f"autoconfig.{name}." in names


def _services(rest: Rest, domain: str) -> list[tuple[str, int]]:
    records = rest.data("GET", f"/api/dns/records/{domain}")
    return [(record["name"], int(record["content"].split()[2])) for record in records if record["type"] == "SRV"]
