"""Which addresses a cluster gives a tenant's hosts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import addresses


def service(name: str, *ips: str, hostname: str | None = None, external: tuple[str, ...] = ()) -> dict[str, Any]:
    ingress: list[dict[str, str]] = [{"ip": ip} for ip in ips]
    if hostname:
        ingress.append({"hostname": hostname})
    return {
        "metadata": {"name": name},
        "spec": {"externalIPs": list(external)} if external else {},
        "status": {"loadBalancer": {"ingress": ingress} if ingress else {}},
    }


def both(smtp: dict[str, Any], imap: dict[str, Any]) -> dict[str, Any]:
    return {"stalwart-smtp": smtp, "stalwart-imap": imap}


@pytest.mark.parametrize(
    ("smtp", "imap", "expected"),
    [
        (service("s", "192.0.2.1"), service("i", "192.0.2.1"), ["192.0.2.1"]),
        (
            service("s", "2001:DB8::1", "192.0.2.1"),
            service("i", "192.0.2.1", "2001:db8:0::1"),
            ["192.0.2.1", "2001:db8::1"],
        ),
        (service("s", external=("192.0.2.1",)), service("i", external=("192.0.2.1",)), ["192.0.2.1"]),
        # What the load balancer gave counts, not what somebody asked for besides.
        (service("s", "192.0.2.1", external=("192.0.2.9",)), service("i", "192.0.2.1"), ["192.0.2.1"]),
        (service("s", "192.0.2.1", hostname="lb.test"), service("i", "192.0.2.1"), ["192.0.2.1"]),
        (service("s", "192.0.2.1"), service("i"), []),
        (service("s"), service("i"), []),
    ],
)
def test_mail_addresses(smtp: dict[str, Any], imap: dict[str, Any], expected: list[str]) -> None:
    assert addresses.mail_addresses(both(smtp, imap), "stalwart", "mail.acme.test") == expected


def test_services_that_do_not_exist_have_no_addresses() -> None:
    assert addresses.mail_addresses({}, "stalwart", "mail.acme.test") == []


def test_differing_addresses_are_an_error() -> None:
    with pytest.raises(Failure) as caught:
        addresses.mail_addresses(
            both(service("s", "192.0.2.1"), service("i", "192.0.2.2")), "stalwart", "mail.acme.test"
        )
    assert (caught.value.layer, caught.value.code) == ("kubernetes", "conflict")
    assert all(part in caught.value.message for part in ("192.0.2.1", "192.0.2.2", "mail.acme.test"))
    assert "tenant_mail_addresses" in caught.value.hint


def test_a_load_balancer_with_a_host_name_only_is_an_error() -> None:
    with pytest.raises(Failure) as caught:
        addresses.mail_addresses(
            both(service("s", hostname="lb.test"), service("i", "192.0.2.1")), "stalwart", "m.test"
        )
    assert "lb.test" in caught.value.message


def test_ingress_and_gateway() -> None:
    assert addresses.ingress_addresses(service("web", "192.0.2.2", "192.0.2.1")) == ["192.0.2.1", "192.0.2.2"]
    assert addresses.ingress_addresses({}) == []
    gateway = {
        "status": {
            "addresses": [
                {"value": "192.0.2.3"},
                {"type": "Hostname", "value": "x.test"},
                {"type": "IPAddress", "value": "2001:db8::2"},
            ]
        }
    }
    assert addresses.gateway_addresses(gateway) == ["192.0.2.3", "2001:db8::2"]
    assert addresses.gateway_addresses({}) == []
