"""Whose addresses a server of either generation knows, who is suspended, what is full, and what is blocked."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.http_client import HttpClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.driver import Addresses
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.addresses import (
    read_addresses as read_015,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.client import RestClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.addresses import (
    read_addresses as read_016,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.client import JmapClient

WANTED = Addresses(
    users=frozenset({"alice@acme.test", "bob@acme.test"}),
    groups=frozenset({"sales@acme.test"}),
    aliases=frozenset({"postmaster@acme.test", "press@acme.test"}),
    suspended=frozenset({"bob@acme.test"}),
    blocked=("192.0.2.7", "198.51.100.0/24"),
    full={"alice@acme.test": (1024, 4096)},
)
PRINCIPALS = (
    "/api/principal?types=individual%2Cgroup%2Clist"
    "&fields=name%2Cemails%2Cquota%2CusedQuota%2CdisabledPermissions&limit=0"
)
BLOCKED = "/api/settings/list?prefix=server.blocked-ip"
ITEMS: list[dict[str, Any]] = [
    {
        "type": "individual",
        "name": "alice",
        # The second catches everything else and is no address.
        "emails": ["alice@acme.test", "@acme.test", "postmaster@acme.test"],
        "quota": 4096,
        "usedQuota": 1024,
    },
    {"type": "individual", "name": "bob", "emails": "bob@acme.test", "disabledPermissions": ["authenticate"]},
    # Of a group it is nobody's login.
    {"type": "group", "name": "sales", "emails": ["sales@acme.test"], "disabledPermissions": ["authenticate"]},
    {"type": "list", "name": "news", "emails": ["news@acme.test", "press@acme.test"]},
]


def test_015(script: Any, http: HttpClient) -> None:
    script.expect("GET", PRINCIPALS, {"data": {"items": ITEMS, "total": 4}})
    script.expect("GET", BLOCKED, {"data": {"items": {"198.51.100.0/24": "", "192.0.2.7": ""}, "total": 2}})
    assert read_015(RestClient(http)) == WANTED
    assert http.requests == 2


def test_015_knows_nobody(script: Any, http: HttpClient) -> None:
    script.expect("GET", PRINCIPALS, {"data": {"items": [], "total": 0}})
    script.expect("GET", BLOCKED, {"data": {"items": {}, "total": 0}})
    assert read_015(RestClient(http)) == Addresses(frozenset(), frozenset(), frozenset())


@pytest.mark.parametrize("data", [[], {"total": 0}, {"items": None}])
def test_015_answers_something_else(script: Any, http: HttpClient, data: Any) -> None:
    script.expect("GET", PRINCIPALS, {"data": data})
    with pytest.raises(Failure) as caught:
        read_015(RestClient(http))
    assert caught.value.code == "protocol"


def objects(*found: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"ids": [one["id"] for one in found], "total": len(found)}, {"list": list(found)}


DOMAINS = objects({"id": "b", "name": "acme.test"})
ACCOUNTS = objects(
    {
        "id": "c",
        "@type": "User",
        "name": "alice",
        "domainId": "b",
        "aliases": {
            "0": {"name": "postmaster", "domainId": "b"},
            "1": {"name": "retired", "domainId": "b", "enabled": False},
        },
        "permissions": {"@type": "Inherit"},
        "quotas": {"maxDiskQuota": 4096},
        "usedDiskQuota": 1024,
    },
    {
        "id": "d",
        "@type": "User",
        "name": "bob",
        "domainId": "b",
        "permissions": {"@type": "Merge", "disabledPermissions": {"authenticate": True}},
    },
    {
        "id": "e",
        "@type": "Group",
        "name": "sales",
        "domainId": "b",
        "permissions": {"@type": "Merge", "disabledPermissions": {"authenticate": True}},
    },
)
LISTS = objects({"id": "f", "name": "news", "domainId": "b", "aliases": {"0": {"name": "press", "domainId": "b"}}})
BLOCKS = objects({"id": "g", "address": "198.51.100.0/24"}, {"id": "h", "address": "192.0.2.7"})


def test_016(script: Any, client: JmapClient) -> None:
    script.jmap(*DOMAINS, *ACCOUNTS, *LISTS, *BLOCKS)
    assert read_016(client) == WANTED
    assert client.http.requests == 1


def test_016_for_a_credential_that_may_not_see_what_is_blocked(script: Any, client: JmapClient) -> None:
    refused = ("error", {"type": "forbidden"})
    script.jmap(*DOMAINS, *ACCOUNTS, *LISTS, refused, refused)
    found = read_016(client)
    assert (found.users, found.blocked) == (WANTED.users, ())


def test_016_for_a_credential_that_may_not_see_mailboxes(script: Any, client: JmapClient) -> None:
    refused = ("error", {"type": "forbidden"})
    script.jmap(*DOMAINS, refused, refused, *LISTS, *BLOCKS)
    with pytest.raises(Failure) as caught:
        read_016(client)
    assert caught.value.code == "forbidden"
