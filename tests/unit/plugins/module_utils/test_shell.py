"""An exception that nobody foresaw is a failure like the others, and shows no secret."""

from __future__ import annotations

import io
import json
import typing as t

import pytest
from ansible.module_utils import basic
from ansible_collections.tenantmail.stalwart.plugins.module_utils import shell
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure

CANARY = "canary-key-1234"


def broken(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    raise KeyError(f"{params['token']} and {params['token']!r}")


def refused(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    raise Failure("mail", "conflict", f"not {params['token']}.")


def fine(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    return {"changed": False, "check_mode": check_mode}


def run(monkeypatch: pytest.MonkeyPatch, capsys: t.Any, task: t.Any, token: str) -> dict[str, t.Any]:
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {"token": token}}).encode()
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", arguments)
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(SystemExit):
        shell.run_module({"token": {"type": "str", "no_log": True}}, task)
    out = capsys.readouterr().out
    assert CANARY not in out
    return t.cast("dict[str, t.Any]", json.loads(out))


@pytest.mark.parametrize("token", [CANARY, f"{CANARY}\n", f"\t{CANARY}'\\x"])
def test_a_module_s_unexpected_exception_is_masked(monkeypatch: t.Any, capsys: t.Any, token: str) -> None:
    out = run(monkeypatch, capsys, broken, token)
    assert out["failed"] is True
    assert (out["failure"]["layer"], out["failure"]["code"]) == ("inventory", "unexpected")
    assert "KeyError at test_shell.py:" in out["msg"]
    assert "********" in out["msg"]


def test_a_module_s_failure_and_success(monkeypatch: t.Any, capsys: t.Any) -> None:
    assert run(monkeypatch, capsys, refused, CANARY)["failure"]["code"] == "conflict"
    assert run(monkeypatch, capsys, fine, CANARY)["check_mode"] is False


@pytest.mark.parametrize(
    ("module", "layer"),
    [
        ("openbao.model", "openbao"),
        ("kubernetes.release_task", "kubernetes"),
        ("stalwart.v016.principal_task", "stalwart"),
        ("preflight.task", "inventory"),
        ("tenant.validation", "inventory"),
    ],
)
def test_the_layer_follows_from_the_task_s_module(module: str, layer: str) -> None:
    assert shell.layer_of(f"ansible_collections.tenantmail.stalwart.plugins.module_utils.{module}") == layer
