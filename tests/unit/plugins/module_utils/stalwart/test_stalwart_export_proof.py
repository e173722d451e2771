"""The proof of an export ends: every round leaves something out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.reconcile import Change, Plan
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.export_proof import prove
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016 import export as module
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.plan import Op
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.registry import Registry
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.schema import Schema

COUNT = 12


def _found() -> dict[str, dict[str, Any]]:
    return {f"u{n}@acme.test": {"name": f"u{n}@acme.test", "type": "individual"} for n in range(COUNT)}


def test_principals_that_show_one_after_the_other_are_all_left_out() -> None:
    """One hides the next one, for more rounds than any number that somebody may have thought of."""

    def plan(bodies: Sequence[dict[str, Any]]) -> Plan:
        return Plan((Change("update", "individual", bodies[0]["name"], {}, {}, None),) if bodies else ())

    kept, left_out = prove(_found(), [], plan)
    assert kept == []
    assert [key for key, _reason in left_out] == list(_found())


def test_a_principal_that_two_changes_name_is_left_out_once() -> None:
    def plan(bodies: Sequence[dict[str, Any]]) -> Plan:
        return Plan(tuple(Change("update", "individual", body["name"], {}, {}, None) for body in bodies for _ in "ab"))

    kept, left_out = prove(_found(), [], plan)
    assert kept == []
    assert len(left_out) == COUNT


def test_a_failure_that_names_nobody_is_not_swallowed() -> None:
    def plan(bodies: Sequence[dict[str, Any]]) -> Plan:
        raise Failure("stalwart", "conflict", "something else")

    with pytest.raises(Failure, match="something else"):
        prove(_found(), [], plan)


def test_settings_that_show_one_after_the_other_are_all_left_out(
    schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A creation that no property explains takes the whole object with it."""
    wires = {f"b{n}": {"id": f"b{n}", "name": f"d{n}.test", "aliases": {}, "isEnabled": True} for n in range(COUNT)}

    def make_plan(_registry: Registry, request: Any, **_more: Any) -> Plan:
        domains = [item for item in request.items if item.object == "Domain"]
        ops = [Op("create", "Domain", item.label) for item in domains[:1]]
        return Plan(tuple(Change("create", "domain", op.label, None, {}, op) for op in ops))

    monkeypatch.setattr(module, "make_plan", make_plan)
    settings, left_out = module.export_settings(Registry(schema, {"Domain": wires}))
    assert "domain" not in settings
    assert sorted(key for key, _reason in left_out if key.startswith("domain.")) == sorted(
        f"domain.d{n}.test" for n in range(COUNT)
    )
