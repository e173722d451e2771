"""The action-plugin twins: when they run in-process, and what becomes of what their task returns or raises."""

from __future__ import annotations

import base64
import os
import tempfile
import types
import typing as t
from pathlib import Path

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import connection
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction
from kubernetes.config import kube_config

CANARY = "canary-key-1234"
INNER = "inner-secret-1"
VARIABLES = {"inventory_hostname": "acme.host", "tenant_model": {"slug": "acme"}}


def run(
    monkeypatch: pytest.MonkeyPatch,
    does: t.Callable[[t.Mapping[str, t.Any]], dict[str, t.Any]],
    token: str = CANARY,
    task_vars: dict[str, t.Any] | None = None,
) -> dict[str, t.Any]:
    def task(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
        return does(params)

    class Action(TaskAction):
        SPEC: t.ClassVar[t.Any] = {"token": {"type": "str", "no_log": True}, "settings": {"type": "dict"}}
        TASK = staticmethod(task)
        SECRETS = staticmethod(lambda params: [params["settings"]["inner"]])
        HAS_MODULE = False

    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})
    action = Action.__new__(Action)
    action._task = types.SimpleNamespace(
        args={"token": token, "settings": {"inner": INNER}}, check_mode=False, async_val=0
    )
    return action.run(task_vars=VARIABLES if task_vars is None else task_vars)


def raising(exception: Exception) -> t.Callable[[t.Mapping[str, t.Any]], dict[str, t.Any]]:
    def task(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        raise exception

    return task


@pytest.mark.parametrize("token", [CANARY, f"{CANARY}\n"])
def test_an_unexpected_exception_is_a_masked_failure(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    out = run(monkeypatch, raising(ValueError(f"bad {token!r} and {INNER}")), token)
    assert out["failed"] is True
    assert (out["failure"]["code"], out["failure"]["tenant"]) == ("unexpected", "acme")
    assert "ValueError" in out["msg"]
    assert CANARY not in str(out)
    assert INNER not in str(out)


def test_a_failure_keeps_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    out = run(monkeypatch, raising(Failure("dns", "timeout", f"no {CANARY}.")))
    assert (out["failure"]["layer"], out["failure"]["code"]) == ("dns", "timeout")
    assert CANARY not in str(out)


def test_nothing_is_left_in_temporary_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("ansible.constants.DEFAULT_LOCAL_TMP", str(tmp_path))
    written: list[Path] = []

    def leave(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        handle, name = tempfile.mkstemp()
        os.close(handle)
        written.append(Path(name))
        raise Failure("kubernetes", "timeout", "no.")

    assert run(monkeypatch, leave)["failed"] is True
    assert written[0].is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert tempfile.tempdir == str(tmp_path)


def test_no_item_of_a_loop_is_given_the_files_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    inline = base64.b64encode(b"certificate").decode()
    kubeconfig = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://k.test", "certificate-authority-data": inline}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }

    def connect(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        assert kube_config._temp_files == {}
        found = connection.configuration({"kubeconfig": kubeconfig})
        return {"certificate": Path(str(found.ssl_ca_cert)).read_text(), "cached": len(kube_config._temp_files)}

    for _ in range(2):
        assert run(monkeypatch, connect) == {"certificate": "certificate", "cached": 1}


@pytest.mark.parametrize(
    ("own", "task_vars", "tenant"),
    [
        (None, VARIABLES, "acme"),
        ("beta", VARIABLES, "beta"),
        (None, {"inventory_hostname": "acme.host"}, "acme.host"),
        (None, {"inventory_hostname": "acme.host", "tenant_model": {}}, "acme.host"),
        (None, {"inventory_hostname": "acme.host", "tenant_model": "{{ a_template }}"}, "acme.host"),
        (None, {}, None),
    ],
)
def test_a_failure_names_the_tenant(
    monkeypatch: pytest.MonkeyPatch, own: str | None, task_vars: dict[str, t.Any], tenant: str | None
) -> None:
    out = run(monkeypatch, raising(Failure("dns", "timeout", "no.", tenant=own)), task_vars=task_vars)
    assert out["failure"]["tenant"] == tenant


def test_secrets_are_masked_wherever_they_are_in_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    out = run(
        monkeypatch,
        lambda params: {
            "changed": True,
            "list": [params["token"], {"deep": f"<{INNER}>"}],
            "diff": [{"before_header": "x y", "before": {}, "after": {"key": f"{CANARY} and {INNER}"}}],
        },
    )
    assert out["changed"] is True
    assert CANARY not in str(out)
    assert INNER not in str(out)
    assert out["diff"][0]["after"]["key"].count("*") >= 16


@pytest.mark.parametrize(("task_vars", "header"), [(VARIABLES, "acme: MX a.test."), ({}, "MX a.test.")])
def test_the_headers_of_a_diff_name_the_tenant(
    monkeypatch: pytest.MonkeyPatch, task_vars: dict[str, t.Any], header: str
) -> None:
    diff = [
        {"before_header": "MX a.test.", "after_header": "MX a.test.", "before": {}, "after": "x"},
        {"prepared": "p"},
    ]
    out = run(monkeypatch, lambda params: {"changed": True, "diff": diff}, task_vars=task_vars)
    assert out["diff"] == [{**diff[0], "before_header": header, "after_header": header}, {"prepared": "p"}]


def test_a_result_without_a_diff_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, lambda params: {"changed": False}) == {"changed": False}
    assert run(monkeypatch, lambda params: {"changed": False, "diff": []}) == {"changed": False, "diff": []}


PYTHON = {"ansible_playbook_python": "/venv/python", "ansible_python_interpreter": "/venv/python"}


@pytest.mark.parametrize(
    ("expected", "transport", "task_vars", "changes"),
    [
        (True, "local", PYTHON, {}),
        (True, "ansible.builtin.local", PYTHON, {}),
        (True, "local", {**PYTHON, "ansible_python_interpreter": "{{ ansible_playbook_python }}"}, {}),
        (False, "ssh", PYTHON, {}),
        (False, None, PYTHON, {}),
        (False, "local", {**PYTHON, "ansible_python_interpreter": "/usr/bin/python3"}, {}),
        (False, "local", {"ansible_playbook_python": "/venv/python"}, {}),
        (False, "local", PYTHON, {"async_val": 30}),
        (False, "local", PYTHON, {"become": True}),
    ],
)
def test_in_process_only_where_that_equals_the_module(
    expected: bool, transport: str | None, task_vars: dict[str, t.Any], changes: dict[str, t.Any]
) -> None:
    action = TaskAction.__new__(TaskAction)
    action._task = types.SimpleNamespace(async_val=changes.get("async_val", 0))
    action._play_context = types.SimpleNamespace(become=changes.get("become", False))
    action._connection = types.SimpleNamespace(transport=transport)
    template = "{{ ansible_playbook_python }}"
    action._templar = types.SimpleNamespace(
        template=lambda text: task_vars["ansible_playbook_python"] if text == template else text
    )
    assert action._in_process(task_vars) is expected
