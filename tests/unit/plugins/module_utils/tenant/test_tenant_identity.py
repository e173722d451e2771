"""Names that follow from each other, and tenants that must differ."""

from __future__ import annotations

import cProfile
import typing as t

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import duplicates_task, identity
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.overlay import Inputs
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.validation import Problems

PLATFORM = {"platform_fqdn": "omantel.test"}
BYO = {"tenant_domain_mode": "byo"}


def resolve(**options: t.Any) -> tuple[identity.Identity, list[tuple[str, t.Any]]]:
    problems = Problems()
    found = identity.resolve(Inputs({**PLATFORM, **options}, problems), problems)
    return found, [(problem.variable, problem.value) for problem in problems]


def test_everything_follows_from_the_host_name() -> None:
    found, problems = resolve(host="acme")
    assert problems == []
    assert found.slug == "acme"
    assert found.domain == "acme.omantel.test"
    assert found.mail_host == found.web_host == "mail.acme.omantel.test"
    assert found.namespace == "tenant-acme"
    assert (found.realm_url, found.realm_base_url, found.realm) == (
        "https://keycloak.acme.omantel.test/realms/sme-acme",
        "https://keycloak.acme.omantel.test",
        "sme-acme",
    )


def test_the_slug_wins_over_the_host_name() -> None:
    assert resolve(host="host-1", tenant_slug="acme")[0].domain == "acme.omantel.test"


def test_parent_and_zone_may_differ_from_the_platforms_name() -> None:
    found, problems = resolve(
        host="acme", platform_parent_domain="shops.omantel.test", platform_powerdns_zone="omantel.test"
    )
    assert problems == []
    assert (found.domain, found.zone) == ("acme.shops.omantel.test", "omantel.test")


def test_a_free_subdomain_may_have_another_name_in_the_zone() -> None:
    found, problems = resolve(host="acme", tenant_domain="the-acme.omantel.test")
    assert problems == []
    assert found.mail_host == "mail.the-acme.omantel.test"


@pytest.mark.parametrize(
    ("options", "mistakes"),
    [
        ({"host": "Acme_1"}, [("tenant_slug", "Acme_1")]),
        ({}, [("tenant_slug", None)]),
        ({"host": "acme", "tenant_slug": ""}, [("tenant_slug", "")]),
        ({"host": "acme", "platform_fqdn": None}, [("platform_fqdn", None)]),
        ({"host": "acme", "platform_fqdn": "om_antel"}, [("platform_fqdn", "om_antel")]),
        ({"host": "acme", "platform_fqdn": "omantel.example"}, [("platform_fqdn", "omantel.example")]),
        ({"host": "acme", "platform_parent_domain": "shops.invalid"}, [("platform_parent_domain", "shops.invalid")]),
        ({"host": "acme", "platform_powerdns_zone": "other.test"}, [("platform_powerdns_zone", "other.test")]),
        ({"host": "acme", "tenant_domain": "my domain.com"}, [("tenant_domain", "my domain.com")]),
        ({"host": "acme", "tenant_domain": "acme.com"}, [("tenant_domain", "acme.com")]),
        ({"host": "acme", "tenant_domain": "omantel.test"}, [("tenant_domain", "omantel.test")]),
        ({"host": "acme", **BYO}, [("tenant_domain", None)]),
        ({"host": "acme", **BYO, "tenant_domain": "omantel.test"}, [("tenant_domain", "omantel.test")]),
        ({"host": "acme", "tenant_domain_mode": "subdomain"}, [("tenant_domain_mode", "subdomain")]),
        ({"host": "acme", "tenant_mail_host": "mail.other.test"}, [("tenant_mail_host", "mail.other.test")]),
        ({"host": "acme", "tenant_web_host": "web.other.test"}, [("tenant_web_host", "web.other.test")]),
        ({"host": "acme", "tenant_web_host": "w_b.acme.omantel.test"}, [("tenant_web_host", "w_b.acme.omantel.test")]),
        ({"host": "acme", "tenant_namespace": "Tenant"}, [("tenant_namespace", "Tenant")]),
        ({"host": "acme", "tenant_realm_url": "https://kc.test/x"}, [("tenant_realm_url", "https://kc.test/x")]),
        (
            {"host": "acme", "platform_shared_mail_hosts": ["mail.acme.omantel.test"]},
            [("tenant_mail_host", "mail.acme.omantel.test")],
        ),
        (
            {"host": "x", **BYO, "tenant_domain": "mx.omantel.test", "platform_shared_mail_hosts": ["MX.omantel.test"]},
            [("tenant_domain", "mx.omantel.test")],
        ),
        ({"host": "acme", "platform_shared_mail_hosts": "mx.test"}, [("platform_shared_mail_hosts", "mx.test")]),
        (
            {"host": "acme", "tenant_overlay": {"domain": {"primary": "my domain"}}},
            [("tenant_overlay.domain.primary", "my domain")],
        ),
    ],
)
def test_mistakes_are_named_once_at_their_source(options: dict[str, t.Any], mistakes: list[tuple[str, t.Any]]) -> None:
    assert resolve(**options)[1] == mistakes


def compare(**tenants: dict[str, t.Any]) -> dict[str, list[str]]:
    """Host → the variables that it shares with others."""
    variables = {host: {"host": host, **PLATFORM, **options} for host, options in tenants.items()}
    found = duplicates_task.run({}, check_mode=False, tenants=variables)["duplicates"]
    return {host: [item["variable"] for item in items] for host, items in found.items()}


@pytest.mark.parametrize(
    ("tenants", "duplicates"),
    [
        ({"acme": {}, "beta": {}}, {}),
        ({"acme": {}, "beta": {"tenant_slug": "acme"}}, {"acme": ["tenant_slug"], "beta": ["tenant_slug"]}),
        (
            {"a": {**BYO, "tenant_domain": "shop.test"}, "b": {**BYO, "tenant_domain": "SHOP.test."}, "c": {}},
            {"a": ["tenant_domain"], "b": ["tenant_domain"]},
        ),
        # The derived domain of one is the given one of the other.
        (
            {"acme": {}, "b": {"tenant_domain": "acme.omantel.test"}},
            {"acme": ["tenant_domain"], "b": ["tenant_domain"]},
        ),
        (
            {"acme": {}, "b": {"tenant_overlay": {"domain": {"primary": "acme.omantel.test"}}}},
            {"acme": ["tenant_domain"], "b": ["tenant_domain"]},
        ),
        (
            {"a": {"tenant_namespace": "x"}, "b": {"tenant_namespace": "x"}},
            {"a": ["tenant_namespace"], "b": ["tenant_namespace"]},
        ),
        (
            {
                "a": {"tenant_namespace": "x", "tenant_kubernetes": {"context": "one"}},
                "b": {"tenant_namespace": "x", "tenant_kubernetes": {"context": "two"}},
            },
            {},
        ),
        (
            {
                "a": {"tenant_realm_url": "https://kc.test/realms/sme"},
                "b": {"tenant_realm_url": "https://KC.test/realms/sme/"},
            },
            {"a": ["tenant_realm_url"], "b": ["tenant_realm_url"]},
        ),
        # What is refused anyway is not compared.
        ({"a": {**BYO, "tenant_domain": "a b"}, "b": {**BYO, "tenant_domain": "a b"}}, {}),
        ({"a": {"tenant_overlay": "nonsense"}, "b": {"tenant_kubernetes": "nonsense"}}, {}),
    ],
)
def test_duplicates(tenants: dict[str, dict[str, t.Any]], duplicates: dict[str, list[str]]) -> None:
    assert compare(**tenants) == duplicates


def test_a_duplicate_names_the_other_hosts() -> None:
    variables = {host: {"host": host, **PLATFORM, **BYO, "tenant_domain": "shop.test"} for host in "abcdef"}
    found = duplicates_task.run({}, check_mode=True, tenants=variables)
    assert found["changed"] is False
    assert found["duplicates"]["b"] == [
        {
            "variable": "tenant_domain",
            "value": "shop.test",
            "accepted": "a domain that no other tenant has; a, c, d and 2 more has the same one",
        }
    ]


def test_the_comparison_is_linear() -> None:
    def calls(count: int) -> int:
        variables = {f"t{i}": {"host": f"t{i}", **PLATFORM} for i in range(count)}
        profile = cProfile.Profile()
        found = profile.runcall(duplicates_task.run, {}, check_mode=False, tenants=variables)
        assert found["duplicates"] == {}
        return sum(entry.callcount for entry in profile.getstats())

    calls(10)
    # Four times the tenants; a quadratic comparison would take sixteen times as many calls.
    assert calls(800) < 5 * calls(200)


def test_the_comparison_reads_every_variable_that_an_identity_needs() -> None:
    class Recorder(dict[str, t.Any]):
        def __init__(self, *args: t.Any) -> None:
            super().__init__(*args)
            self.asked: set[str] = set()

        def get(self, key: str, default: t.Any = None) -> t.Any:
            self.asked.add(key)
            return super().get(key, default)

    options = Recorder({"host": "acme", **PLATFORM})
    problems = Problems()
    identity.resolve(Inputs(options, problems), problems)
    only_for_hosts = {"platform_shared_mail_hosts", "tenant_mail_host", "tenant_web_host", "host"}
    assert options.asked - only_for_hosts == set(identity.VARIABLES)
