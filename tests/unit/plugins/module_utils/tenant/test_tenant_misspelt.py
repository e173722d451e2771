"""Misspelt variables: which names are taken for one of the collection's, and which are the operator's own."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.redact import MASK
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import argspec, misspelt
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.overlay import Inputs
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.task import run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.validation import Problems
from hypothesis import given
from hypothesis import strategies as st


def found(*names: t.Any, own: t.Any = None) -> list[tuple[str, str]]:
    problems = Problems()
    misspelt.check(names, Inputs({"platform_own_variables": own}, problems), problems)
    return [(problem.variable, problem.accepted) for problem in problems]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("tenant_domian", "tenant_domain"),
        ("platform_powerdns_api_kye", "platform_powerdns_api_key"),
        ("platform_powerdsn_api_kye", "platform_powerdns_api_key"),
        ("tenant_setings", "tenant_settings"),
        ("tenant_settingss", "tenant_settings"),
        ("tenant_slog", "tenant_slug"),
        ("tenant_dsn", "tenant_dns"),
        ("platform_ac_file", "platform_ca_file"),
        ("tenant_DNS", "tenant_dns"),
        ("tenant_we_bhost", "tenant_web_host"),
        ("tenant_webhost", "tenant_web_host"),
        ("tenant_name_space", "tenant_namespace"),
        ("tenant_Domain", "tenant_domain"),
        ("tenant_grop", "tenant_group"),
        ("tenant_offlin", "tenant_offline"),
    ],
)
def test_misspelt(name: str, meant: str) -> None:
    assert found(name) == [(name, meant)]


@pytest.mark.parametrize(
    "name",
    [
        "tenant_labels",
        "tenant_tls",
        "tenant_ids",
        "tenant_state",
        "tenant_id",
        "tenant_name",
        "tenant_note",
        "tenant_ns",
        "tenant_dn",
        "tenant_dnss",
        "platform_ci_file",
        "platform_openbao_uri",
        "tenant_mail_port",
        "tenant_",
        "platform_team",
        "platform_keycloak_url",
        "platform_openbao_path",
        "platform_openbao_ui",
        "platform_powerdns_node",
        # Not the collection's prefixes, or a part of them only.
        "tenantdomain",
        "tenants_domain",
        "my_tenant_domian",
        "chart_vlaues",
        "domian",
    ],
)
def test_the_operator_s_own(name: str) -> None:
    assert found(name) == []


@pytest.mark.parametrize("name", sorted(argspec.PUBLIC | argspec.SET_BY_ROLES))
def test_the_collection_s_own(name: str) -> None:
    assert found(name) == []


@pytest.mark.parametrize("name", ["tenant_score", "tenant_players", "tenant_list", "tenant_domains"])
def test_the_operator_says_so(name: str) -> None:
    assert [variable for variable, _meant in found(name)] == [name]
    assert found(name, own=[name]) == []
    assert [variable for variable, _meant in found(name, "tenant_domian", own=[name])] == ["tenant_domian"]


@pytest.mark.parametrize(
    ("own", "variable"), [("tenant_score", "platform_own_variables"), ([1], "platform_own_variables[0]")]
)
def test_what_is_no_list_of_names(own: t.Any, variable: str) -> None:
    assert [name for name, _accepted in found("tenant_note", own=own)] == [variable]


def test_a_name_that_is_no_text_is_no_mistake() -> None:
    assert found(1, None, True, ("tenant_domian",)) == []


def test_what_the_roles_set_is_nobody_s_to_set_and_never_offered() -> None:
    assert found("tenant_reports", "tenant_modell", "tenant_derive") == []


@given(known=st.sampled_from(sorted(argspec.PUBLIC)), data=st.data())
def test_one_mistake_in_any_name_is_seen(known: str, data: st.DataObject) -> None:
    start = len(known.partition("_")[0]) + 1
    place = data.draw(st.integers(start, len(known) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz_0"))
    swapped = known[: place - 1] + known[place] + known[place - 1] + known[place + 1 :]
    wrong = [
        known[:place] + known[place + 1 :],
        known[:place] + letter + known[place:],
        known[:place] + letter + known[place + 1 :],
    ]
    if place > start:
        wrong.append(swapped)
    name = data.draw(st.sampled_from(wrong))
    # In a short word, only a swap is a mistake for sure.
    words = zip(name.split("_"), known.split("_")) if name.count("_") == known.count("_") else ()
    short = name != swapped and any(one != word and len(word) <= misspelt.SHORT for one, word in words)
    if name not in argspec.PUBLIC | argspec.SET_BY_ROLES and not short:
        assert [variable for variable, _meant in found(name)] == [name]


def test_every_mistake_is_reported_at_once_and_no_value_is_shown() -> None:
    options: dict[str, t.Any] = {"host": "acme", "tenant_image": "stalwart:latest"}
    with pytest.raises(Failure) as caught:
        run(options, check_mode=True, variables=["tenant_domian", "inventory_hostname", "tenant_report"])
    details = caught.value.details
    assert details[0] == {"variable": "tenant_domian", "value": MASK, "accepted": "tenant_domain"}
    assert {"tenant_image", "platform_fqdn"} <= {item["variable"] for item in details}
    assert (
        "(1) tenant_domian: no variable of this collection; did you mean tenant_domain? If not, add it to"
        in caught.value.message
    )
    json.dumps(caught.value.as_dict())
