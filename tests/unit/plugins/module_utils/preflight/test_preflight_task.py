from __future__ import annotations

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.preflight import task

NONE = dict.fromkeys(("openbao", "keycloak", "kubernetes", "powerdns"))


def down(layer: str, hint: str = "Start it."):
    def check(_options) -> int:
        raise Failure(layer, "unreachable", f"{layer} is down.", hint=hint)

    return check


def test_only_the_layers_named_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "CHECKS", {"openbao": lambda _: 2, "powerdns": down("powerdns")})
    assert task.run({**NONE, "openbao": {}}, check_mode=False) == {
        "changed": False,
        "layers": ["openbao"],
        "requests": 2,
    }


def test_one_failure_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "CHECKS", {"openbao": lambda _: 2, "powerdns": down("powerdns")})
    with pytest.raises(Failure) as caught:
        task.run({**NONE, "openbao": {}, "powerdns": {}}, check_mode=True)
    assert (caught.value.layer, caught.value.message) == ("powerdns", "powerdns is down.")


def test_all_failures_are_told_at_once_and_hints_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "CHECKS", {"keycloak": down("keycloak"), "powerdns": down("powerdns")})
    with pytest.raises(Failure) as caught:
        task.run({**NONE, "keycloak": {}, "powerdns": {}}, check_mode=False)
    assert caught.value.layer == "keycloak"
    assert caught.value.message == (
        "2 back ends do not serve this run: (1) keycloak: keycloak is down. (2) powerdns: powerdns is down."
    )
    assert caught.value.hint == "Start it."
    assert [failure["layer"] for failure in caught.value.details] == ["keycloak", "powerdns"]
