"""URLs, keys, ids and bodies of PowerDNS's API."""

from __future__ import annotations

import json

import pytest
import responses
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns import client as module
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns.client import PowerDnsClient, StoredRRset
from hypothesis import given
from hypothesis import strategies as st

CANARY = "canary-key-1234"


@pytest.mark.parametrize(
    "tail",
    ["", "/", "/api", "/api/", "/api/v1", "/api/v1/servers", "/api/v1/servers/localhost", "/api/v1/servers/localhost/"],
)
@pytest.mark.parametrize("server_id", [None, "localhost"])
def test_every_form_of_the_url_means_the_same(tail: str, server_id: str | None) -> None:
    assert module.api_base(f"https://pdns.test:8081{tail}", server_id) == ("https://pdns.test:8081", "localhost")


def test_a_path_in_front_of_the_api_is_kept() -> None:
    assert module.api_base("https://host.test/pdns/api/v1", None) == ("https://host.test/pdns", "localhost")
    assert module.api_base("https://host.test/pdns", "other") == ("https://host.test/pdns", "other")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "pdns.test",
        "ftp://pdns.test",
        "https://",
        "https://pdns.test?x=1",
        "https://pdns.test/#x",
        "https://pdns.test:99999",
        "https://[::1",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(Failure) as caught:
        module.api_base(url, None)
    assert caught.value.code == "invalid_value"
    assert repr(url) in caught.value.message
    assert "http(s)://" in caught.value.message


def test_credentials_in_the_url_are_refused_and_not_repeated() -> None:
    with pytest.raises(Failure) as caught:
        module.api_base(f"https://user:{CANARY}@pdns.test/api", None)
    assert CANARY not in caught.value.sentence


def test_contradicting_server_ids() -> None:
    with pytest.raises(Failure, match="contradicts"):
        module.api_base("https://pdns.test/api/v1/servers/one", "two")


@pytest.mark.parametrize("key", ["", "k1#zQ", "with blank 12345", "line-break-123\n", "kéy-kéy-kéy"])
def test_keys_that_are_refused_are_not_repeated(key: str) -> None:
    with pytest.raises(Failure) as caught:
        module.check_api_key(key)
    assert caught.value.code == "invalid_value"
    assert "api_key" in caught.value.message
    assert not key or key not in caught.value.sentence


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("omantel.test.", "omantel.test."),
        ("_x.test.", "=5Fx.test."),
        ("0/24.2.0.192.in-addr.arpa.", "0=2F24.2.0.192.in-addr.arpa."),
    ],
)
def test_zone_ids(zone: str, expected: str) -> None:
    assert module.zone_id(zone) == expected


@given(st.lists(st.integers(1, 120), max_size=40))
def test_bodies_stay_below_the_limit_and_lose_nothing(sizes: list[int]) -> None:
    items = [{"content": "x" * size} for size in sizes]
    parts = module.split_bodies(items, lambda item: item, limit=200)
    assert [item for part in parts for item in part] == items
    assert all(part for part in parts)
    assert all(len(json.dumps({"rrsets": part})) <= 200 + len('{"rrsets": []}') for part in parts)


def document(*rrsets: dict) -> dict:
    return {"name": "omantel.test.", "rrsets": list(rrsets)}


def test_a_zone_is_parsed() -> None:
    zone = module.parse_zone(
        document(
            {
                "name": "Acme.omantel.test.",
                "type": "MX",
                "ttl": 60,
                "records": [{"content": "10 a.", "disabled": False}, {"content": "20 b.", "disabled": True}],
                "comments": [{"account": "x", "content": "y", "modified_at": 5}],
            },
            {
                "name": "only-a-comment.omantel.test.",
                "type": "A",
                "ttl": 60,
                "records": [],
                "comments": [{"account": "x", "content": "y"}],
            },
            {
                "name": r"A\032b.omantel.test.",
                "type": "A",
                "ttl": 60,
                "records": [{"content": "192.0.2.1", "disabled": False}],
            },
        )
    )
    assert set(zone) == {("acme.omantel.test.", "MX"), (r"a\032b.omantel.test.", "A")}
    assert zone["acme.omantel.test.", "MX"] == StoredRRset(
        "Acme.omantel.test.", "MX", 60, (("10 a.", False), ("20 b.", True)), (module.Comment("x", "y", 5),)
    )


@pytest.fixture
def server():
    with responses.RequestsMock() as mock:
        yield mock


BASE = "https://pdns.test/api/v1/servers/localhost"


def test_a_zone_that_does_not_exist(server: responses.RequestsMock) -> None:
    server.get(f"{BASE}/zones/omantel.test.", status=404)
    server.get(BASE, json={"id": "localhost"})
    assert PowerDnsClient("https://pdns.test", CANARY).zone("omantel.test.") is None


def test_a_server_that_does_not_exist(server: responses.RequestsMock) -> None:
    server.get(f"{BASE}/zones/omantel.test.", status=404)
    server.get(BASE, status=404)
    with pytest.raises(Failure) as caught:
        PowerDnsClient("https://pdns.test", CANARY).zone("omantel.test.")
    assert caught.value.code == "not_found"
    assert "platform_powerdns_server_id" in caught.value.hint


@pytest.mark.parametrize(
    "answer", [{"body": "<html>"}, {"json": []}, {"json": {"rrsets": [{"name": "x"}]}}, {"json": {"rrsets": None}}]
)
def test_an_answer_that_is_no_zone(server: responses.RequestsMock, answer: dict) -> None:
    server.get(f"{BASE}/zones/omantel.test.", **answer)
    with pytest.raises(Failure) as caught:
        PowerDnsClient("https://pdns.test", CANARY).zone("omantel.test.")
    assert caught.value.code == "protocol"
