"""What a server asks the Internet for by itself: with a tenant's own settings nothing, unless the tenant wants it to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.model import derive

from . import test_relay as relay
from .server import Server
from .test_settings_015 import native, old

__all__ = ["old"]

TENANT = {**relay.TENANT, "tenant_domain": "contract.test", "tenant_domain_mode": "byo"}
MIRROR = {"tenant_chart_values": {"webAdmin": {"url": "https://mirror.test/webui.zip"}}}
#: Places on the Internet; Pyzor's is a name without a scheme.
PLACE = re.compile(r"https?://|\bpyzor\.org\b")
#: Types that name a place and ask it only when they are switched on.
SWITCHES = {"Application": "enabled", "SpamPyzor": "enable"}
#: What went wrong is told with the place in a task, of which the rules' place is no part.
TOLD_ONLY = {"Task"}


def settings(**more: Any) -> dict[str, Any]:
    """A tenant's, without what the chart's own files are for: certificate and, on 0.15, log."""
    found: dict[str, Any] = derive({**TENANT, **more})["stalwart"]["settings"]
    found.pop("certificate", None)
    found["systemSettings"].pop("defaultCertificateId", None)
    found.pop("tracer")
    return found


def strings(value: Any) -> Iterator[str]:
    """Every text in an object, keys of maps among them."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield key
            yield from strings(below)
    elif isinstance(value, list):
        for below in value:
            yield from strings(below)
    elif isinstance(value, str):
        yield value


def fetching(server: Server) -> set[str]:
    """Types of 0.16 that have an object with a place on the Internet, switched on, defaults included."""
    api = server.api()
    schema = api.http("GET", "/api/schema", allow_redirects=True).json()
    names = [name for name in schema["objects"] if name.startswith("x:") and "/" not in name]
    found = set()
    for name in names:
        answers = api.responses((f"{name}/get", {"ids": None}), (f"{name}/get", {"ids": ["singleton"]}))
        for _answered, result in answers:
            for body in result.get("list", ()):
                on = body.get(SWITCHES.get(name[2:], ""), True)
                if on and any(PLACE.search(text) for text in strings(body)):
                    found.add(name[2:])
    return found - TOLD_ONLY


def test_an_empty_server_fetches_and_a_tenants_does_not(server: Server) -> None:
    assert fetching(server) == {"Application", "Asn", "SpamPyzor", "SpamSettings"}
    server.settings(settings())
    assert fetching(server) == set()


@pytest.mark.parametrize(
    ("more", "found"), [({"tenant_spam_filter": True}, {"SpamSettings"}), (MIRROR, {"Application"})]
)
def test_what_a_tenant_wants_is_fetched(simulated: Server, more: dict[str, Any], found: set[str]) -> None:
    simulated.settings(settings())
    # Pyzor's name is resolved at the reload.
    simulated.settings({**settings(**more), "spamPyzor": {"enable": False}})
    assert fetching(simulated) == found


#: What may be fetched on 0.15; the web interface stands in config.toml (tests/chart).
SOURCES = ("asn", "http-lookup", "spam-filter", "version", "webadmin")


def test_a_tenants_server_of_0_15_fetches_nothing(old: Server) -> None:
    old.settings(settings(tenant_generation="0.15"))
    stored = native(old, *SOURCES)
    # The defaults of the first two are on; rules are fetched by a server that knows no version of them.
    assert stored["spam-filter.enable"] == stored["spam-filter.pyzor.enable"] == "false"
    assert stored["version.spam-filter"] == "0.0.0"
    assert stored.get("asn.type", "disabled") == "disabled"
    assert [key for key, value in stored.items() if PLACE.search(value)] == []


def test_rules_that_a_tenant_of_0_15_wants(old: Server) -> None:
    old.settings(settings(tenant_generation="0.15"))
    old.settings({**settings(tenant_generation="0.15", tenant_spam_filter=True), "spamPyzor": {"enable": False}})
    assert "version.spam-filter" not in native(old, *SOURCES)
