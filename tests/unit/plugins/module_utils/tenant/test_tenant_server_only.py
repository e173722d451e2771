"""tenant_server_only: the mail server's part of the model, from the chart's values alone."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.model import derive

REALM = "https://auth.acme.omantel.omani.works/realms/sme"
CREDENTIALS = {
    "platform_fqdn": "omantel.omani.works",
    "platform_openbao_url": "https://bao.omantel.omani.works",
    "platform_powerdns_url": "https://pdns.omantel.omani.works",
    "platform_powerdns_api_key": "some-api-key",
    "platform_keycloak_auth": {"username": "provisioner", "password": "some-password"},
    "platform_openbao_auth": {"method": "token", "token": "some-token"},
}


def given(domain: str, mode: str) -> dict[str, t.Any]:
    overlay = {"domain": {"primary": domain, "mode": mode}, "keycloak": {"realmURL": REALM}}
    return {"host": "acme", "tenant_overlay": overlay}


@pytest.mark.parametrize(
    ("domain", "mode"), [("acme.omantel.omani.works", "free-subdomain"), ("acme-bakery.com", "byo")]
)
def test_the_server_gets_what_it_gets_from_a_whole_run(domain: str, mode: str) -> None:
    values = {**given(domain, mode), "tenant_certificate_secret": "stalwart-tls"}
    alone = derive({**values, "tenant_server_only": True})
    whole = derive({**values, **CREDENTIALS})
    for part in ("stalwart", "oidc_directory", "admin", "mailboxes", "domain"):
        # Only OpenBao's path of the secret follows from the platform's name.
        assert {**alone[part], "openbao_path": None} == {**whole[part], "openbao_path": None}


def test_a_certificate_that_nobody_sees_to_is_not_served() -> None:
    model = derive({**given("acme-bakery.com", "byo"), "tenant_server_only": True})
    assert model["stalwart"]["certificate"]["secret_name"] is None
    assert "certificate" not in model["stalwart"]["settings"]


def test_nothing_leads_to_another_back_end() -> None:
    model = derive({**given("acme.omantel.omani.works", "free-subdomain"), "tenant_server_only": "true"})
    assert (model["openbao"]["url"], model["dns"]["enabled"]) == (None, False)


@pytest.mark.parametrize("value", [False, "false", None])
def test_a_whole_run_needs_them_all(value: t.Any) -> None:
    with pytest.raises(Failure) as caught:
        derive({**given("acme-bakery.com", "byo"), "tenant_server_only": value})
    named = {mistake["variable"] for mistake in caught.value.details}
    assert named == {"platform_fqdn", "platform_openbao_url", "platform_openbao_auth", "platform_keycloak_auth"}


def test_what_is_no_boolean_is_refused() -> None:
    with pytest.raises(Failure, match="tenant_server_only"):
        derive({**given("acme-bakery.com", "byo"), **CREDENTIALS, "tenant_server_only": "maybe"})
