"""Literal option names of tasks that call our own modules: ansible-lint's `args` goes blind when a typed option is templated."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PREFIX = "tenantmail.stalwart."
FILES = sorted(
    [
        *(ROOT / "roles").glob("*/tasks/*.yml"),
        *(ROOT / "playbooks").glob("*.yml"),
        *(ROOT / "extensions").rglob("*.yml"),
    ]
)


def tasks_of(node):
    if isinstance(node, list):
        for item in node:
            yield from tasks_of(item)
    elif isinstance(node, dict):
        yield node
        for key in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks"):
            yield from tasks_of(node.get(key) or [])


def own_calls() -> list:
    calls = []
    for path in FILES:
        for task in tasks_of(yaml.safe_load(path.read_text()) or []):
            for key, value in task.items():
                if key.startswith(PREFIX):
                    calls.append(
                        pytest.param(key[len(PREFIX) :], value, id=f"{path.relative_to(ROOT)}:{task.get('name')}")
                    )
    return calls


@pytest.mark.parametrize(("module", "arguments"), own_calls())
def test_options_exist(module: str, arguments) -> None:
    action = importlib.import_module(f"ansible_collections.tenantmail.stalwart.plugins.action.{module}").ActionModule
    if isinstance(arguments, dict):
        assert set(arguments) <= set(action.SPEC)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_error_is_hidden(path: Path) -> None:
    for task in tasks_of(yaml.safe_load(path.read_text()) or []):
        assert "ignore_errors" not in task, task.get("name")
        assert task.get("failed_when") is not False, task.get("name")


#: Each of these roles runs alone, so each looks for the server and for the password by variables of its own.
SERVER_ROLES = ("server_settings", "oidc_directory", "mailboxes", "admin_principal", "dns_records")
_PASSWORD = re.compile(r"(\w+) or lookup\(('tenantmail\.stalwart\.openbao_secret', .*?default\(none, true\))\)")


def without_prefix(role: str, task: dict) -> str:
    """A task's text with the variables of all roles under one name each."""
    text = " ".join(json.dumps(task, sort_keys=True).replace("\\n", " ").split())
    return (
        text.replace("stalwart_url", "api_url").replace("_stalwart_", "_").replace("_api_", "_").replace(f"{role}_", "")
    )


def test_roles_look_for_the_server_and_its_password_in_the_same_way() -> None:
    looks, passwords = {}, {}
    for role in SERVER_ROLES:
        tasks = yaml.safe_load((ROOT / f"roles/{role}/tasks/main.yml").read_text())
        first = next(number for number, task in enumerate(tasks) if f"{PREFIX}stalwart_info" in task)
        look, use = tasks[first : first + 2]
        looks[role] = without_prefix(role, look)
        # A role that needs it in several tasks has it among its variables.
        own = ROOT / f"roles/{role}/vars/main.yml"
        named = yaml.safe_load(own.read_text()).get(f"__{role}_password") if own.exists() else None
        found = _PASSWORD.search(without_prefix(role, {"password": named} if named else use))
        assert found, role
        passwords[role] = found.groups()
    assert "stalwart_info" in looks[SERVER_ROLES[0]]
    assert len(set(looks.values())) == 1, looks
    assert len(set(passwords.values())) == 1, passwords


@pytest.mark.parametrize("role", ["server_settings", "oidc_directory", "mailboxes", "admin_principal"])
def test_roles_report_what_a_plan_could_not_check(role: str) -> None:
    tasks = yaml.safe_load((ROOT / f"roles/{role}/tasks/main.yml").read_text())
    own = ROOT / f"roles/{role}/tasks/report.yml"
    report = (yaml.safe_load(own.read_text()) if own.exists() else tasks)[-1]["vars"][f"__{role}_report"]
    assert f"if __{role}_done.unvalidated else []" in report["unchecked"]
    done = next(task for task in tasks if task.get("register") == f"__{role}_done")
    module = next(key.rpartition(".")[2] for key in done if key.startswith(PREFIX))
    returned = importlib.import_module(f"ansible_collections.tenantmail.stalwart.plugins.modules.{module}").RETURN
    assert "unvalidated" in yaml.safe_load(returned)
