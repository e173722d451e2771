"""The action-plugin twins: what a task raises becomes a result without secrets."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction

CANARY = "canary-key-1234"


def run(monkeypatch: pytest.MonkeyPatch, raised: Exception, token: str) -> dict[str, t.Any]:
    def task(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
        raise raised

    class Action(TaskAction):
        SPEC: t.ClassVar[t.Any] = {"token": {"type": "str", "no_log": True}, "settings": {"type": "dict"}}
        TASK = staticmethod(task)
        SECRETS = staticmethod(lambda params: [params["settings"]["inner"]])
        HAS_MODULE = False

    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})
    action = Action.__new__(Action)
    action._task = types.SimpleNamespace(
        args={"token": token, "settings": {"inner": "inner-secret-1"}}, check_mode=False, async_val=0
    )
    return action.run(task_vars={"tenant_model": {"slug": "acme"}})


@pytest.mark.parametrize("token", [CANARY, f"{CANARY}\n"])
def test_an_unexpected_exception_is_a_masked_failure(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    out = run(monkeypatch, ValueError(f"bad {token!r} and inner-secret-1"), token)
    assert out["failed"] is True
    assert (out["failure"]["code"], out["failure"]["tenant"]) == ("unexpected", "acme")
    assert "ValueError" in out["msg"]
    assert CANARY not in str(out)
    assert "inner-secret-1" not in str(out)


def test_a_failure_keeps_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    out = run(monkeypatch, Failure("dns", "timeout", f"no {CANARY}."), CANARY)
    assert (out["failure"]["layer"], out["failure"]["code"]) == ("dns", "timeout")
    assert CANARY not in str(out)
