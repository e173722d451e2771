from __future__ import annotations

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import LAYERS, Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.report.line import (
    LAYER_OF_ROLE,
    failed_line,
    failure_of,
    line_of,
)

REPORT = {
    "secrets": {"changed": ["create a", "create b"], "proven": ["4 secrets read back"], "missing": []},
    "dns_records": {"changed": [], "proven": [], "missing": ["the owner of beta.test publishes 6 record sets"]},
}


def test_a_line_counts_what_changed_and_lists_what_was_proven_and_is_missing() -> None:
    assert line_of("beta", REPORT, check_mode=False) == (
        "beta: changed 2 (secrets 2) | proven: 4 secrets read back | missing: the owner of beta.test publishes 6 record sets"
    )


def test_check_mode_says_so() -> None:
    assert line_of("beta", REPORT, check_mode=True).startswith("beta: would change 2 ")


def test_an_empty_report_claims_nothing() -> None:
    assert line_of("acme", {}, check_mode=False) == "acme: changed 0 | proven: nothing | missing: nothing"


def test_what_a_plan_could_not_check_is_not_missing() -> None:
    report = {"server_settings": {"missing": [], "unchecked": ["names"]}, "oidc_directory": {"unchecked": ["types"]}}
    assert line_of("acme", report, check_mode=True) == (
        "acme: would change 0 | proven: nothing | missing: nothing | unchecked: names; types"
    )


def test_own_failures_keep_their_layer() -> None:
    given = Failure("dns", "timeout", "no\nanswer.", hint="Start it.", details=[1])
    failure = failure_of({"failure": given.as_dict()}, {"action": "x"}, "acme")
    assert failure.as_dict() == {**given.as_dict(), "tenant": "acme"}
    assert failed_line("acme", REPORT, failure, check_mode=False) == (
        "acme: FAILED at dns (timeout): no answer. | next: Start it. | changed by the roles before it: secrets 2; a re-run goes on from there"
    )


def test_a_check_run_that_fails_has_written_nothing() -> None:
    failure = Failure("dns", "timeout", "no answer.")
    assert failed_line("acme", REPORT, failure, check_mode=True).endswith(
        "planned by the roles before it: secrets 2; nothing was written"
    )
    assert failed_line("acme", {}, failure, check_mode=False).endswith(
        "changed by the roles before it: nothing; a re-run goes on from there"
    )


@pytest.mark.parametrize(
    ("task", "layer"),
    [
        ({"name": "x", "action": "community.general.keycloak_realm", "tags": ["realm"]}, "keycloak"),
        ({"name": "x", "action": "tenantmail.stalwart.release_plan", "tags": ["always"]}, "kubernetes"),
        ({"name": "x", "action": "kubernetes.core.k8s", "tags": ["always"]}, "kubernetes"),
        ({"name": "x", "action": "ansible.builtin.set_fact", "tags": ["always"]}, "inventory"),
        (None, "inventory"),
    ],
)
def test_foreign_failures_get_the_layer_of_their_role_or_action(task, layer: str) -> None:
    for result in ({"msg": "boom"}, {"msg": "boom", "failure": {"layer": "theirs"}}, {"msg": "boom", "failure": True}):
        failure = failure_of(result, task, "acme")
        assert (failure.layer, failure.code, failure.tenant) == (layer, "unexpected", "acme")
        assert "boom" in failure.message
        assert "-vvv" in failure.hint


def test_every_role_has_a_known_layer() -> None:
    assert set(LAYER_OF_ROLE.values()) <= set(LAYERS)
