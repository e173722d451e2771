"""The runner: order, skips that name their cause, records."""

from __future__ import annotations

import ast
import pathlib
import string
import threading

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import LAYERS, Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import causes, checks
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.checks import (
    Check,
    NotApplicable,
    Wrong,
    run_checks,
)

FACTS = {"provision": "again", "publish": "publish it", "domain": "acme.test", "mail_host": "mail.acme.test"}


def wrong(cause: str, **facts: str):
    def run() -> str:
        raise Wrong(cause, f"{cause}\nseen", **facts)

    return run


def raising(exc: Exception):
    def run() -> str:
        raise exc

    return run


def test_a_failed_check_has_its_causes_layer_and_hint() -> None:
    (record,) = run_checks([Check("port.smtp", "a greeting", wrong("port_closed", port="25"))], facts=FACTS)
    assert (record.status, record.layer, record.cause) == ("failed", "kubernetes", "port_closed")
    assert (
        record.hint
        == "Run again --tags chart,server_settings: the Service, the NetworkPolicy or the server's listener lacks port 25; or the load "
        "balancer comes by the nodes' ports (service.allocateLoadBalancerNodePorts in tenant_chart_values)."
    )
    assert record.observed == "port_closed seen"
    assert record.as_dict()["ok"] is False


def test_what_depends_on_a_failure_is_skipped_and_names_the_first_cause() -> None:
    found = run_checks(
        [
            Check("token.probe", "", wrong("audience_missing")),
            Check("login.jmap", "", lambda: "reached", ("token.probe",)),
            Check("refused.groups", "", lambda: "reached", ("login.jmap",)),
            Check("dns.mx", "", lambda: "fine"),
        ],
        facts=FACTS,
    )
    assert [(r.status, r.because) for r in found] == [
        ("failed", ""),
        ("skipped", "token.probe"),
        ("skipped", "token.probe"),
        ("ok", ""),
    ]
    assert found[1].as_dict()["ok"] is None


def test_what_does_not_apply_holds_nothing_up() -> None:
    found = run_checks(
        [
            Check("server.directory", "", raising(NotApplicable("0.15 does not tell"))),
            Check("login.jmap", "", lambda: "reached", ("server.directory",)),
        ],
        facts=FACTS,
    )
    assert [(r.status, r.observed) for r in found] == [("skipped", "0.15 does not tell"), ("ok", "reached")]


def test_a_failure_keeps_its_own_layer_and_hint() -> None:
    failure = Failure("kubernetes", "not_ready", "no pod is ready.", hint="Look at it.")
    (record,) = run_checks([Check("server.admin", "", raising(failure))], facts=FACTS)
    assert (record.layer, record.cause, record.observed, record.hint) == (
        "kubernetes",
        "not_ready",
        "no pod is ready.",
        "Look at it.",
    )


def test_an_unforeseen_exception_costs_one_check_and_quotes_nothing() -> None:
    found = run_checks(
        [Check("dns.mx", "", raising(KeyError("geheim-1"))), Check("dns.spf", "", lambda: "fine")], facts=FACTS
    )
    assert [r.status for r in found] == ["failed", "ok"]
    assert found[0].cause == "defect"
    assert "KeyError" in found[0].observed
    assert "geheim" not in str(found[0])


def test_a_warning_does_not_count_but_what_needs_it_is_skipped() -> None:
    found = run_checks(
        [Check("dns.mx", "", wrong("mx_missing")), Check("port.smtp", "", lambda: "reached", ("dns.mx",))],
        facts=FACTS,
        warn=["dns.*"],
    )
    assert [r.status for r in found] == ["warning", "skipped"]


def test_independent_checks_run_side_by_side() -> None:
    met = threading.Barrier(2, timeout=5)

    def meet() -> str:
        met.wait()
        return "met"

    found = run_checks([Check("dns.mx", "", meet), Check("dns.spf", "", meet)], facts=FACTS)
    assert [r.observed for r in found] == ["met", "met"]


def test_a_long_chain_does_not_lock_up_the_workers() -> None:
    names = list(causes.CHECKS)
    chain = [Check(name, "", lambda: "fine", tuple(names[:index])) for index, name in enumerate(names)]
    assert {r.status for r in run_checks(chain, facts=FACTS)} == {"ok"}


def test_a_need_that_is_not_there_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="which is not there"):
        run_checks([Check("dns.mx", "", lambda: "", ("dns.address",))], facts=FACTS)


# The catalogue ------------------------------------------------------------------------------------------------------------


def literals() -> list[str]:
    """Every text in the code of the probe."""
    folder = pathlib.Path(checks.__file__).parent
    files = [*folder.glob("probe_*.py"), folder / "claims.py", folder / "checks.py", folder / "received.py"]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_every_cause_is_one_that_the_code_finds() -> None:
    used = set(literals()) | {"client_missing", "client_disabled"}
    assert sorted(set(causes.CAUSES) - used) == []


def test_layers_are_the_collections() -> None:
    assert {cause.layer for cause in causes.CAUSES.values()} | {about.layer for about in causes.CHECKS.values()} <= set(
        LAYERS
    )


@pytest.mark.parametrize("name", causes.CAUSES)
def test_a_hint_is_a_sentence_whose_placeholders_are_known(name: str) -> None:
    hint = causes.CAUSES[name].hint
    known = {"provision", "publish", "domain", "mail_host", "port", "blocked", "username", "realm", "group", "address"}
    known |= {"policy", "namespace"}
    assert {field for _text, field, _spec, _conversion in string.Formatter().parse(hint) if field} <= known
    assert hint.endswith((".", "{publish}"))
