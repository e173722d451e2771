"""EXAMPLES are checked against the argument spec of the module they show; no standard gate does that."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROOT = Path(__file__).parents[3]
PACKAGE = "ansible_collections.tenantmail.stalwart.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))


def load(module: str, monkeypatch: pytest.MonkeyPatch):
    """The module and the keyword arguments with which it creates its AnsibleModule."""
    loaded = importlib.import_module(f"{PACKAGE}.modules.{module}")
    if not hasattr(loaded, "main"):
        # Exists only as an action plugin; that holds the spec.
        action = importlib.import_module(f"{PACKAGE}.action.{module}").ActionModule
        return loaded, {"argument_spec": action.SPEC, **action.SPEC_RULES}
    caught: dict = {}

    class Captured(Exception):
        pass

    def capture(argument_spec, task, **kwargs):
        caught.update(argument_spec=argument_spec, **kwargs)
        raise Captured

    monkeypatch.setattr(loaded, "run_module", capture)
    with pytest.raises(Captured):
        loaded.main()
    return loaded, caught


def strip_env(spec):
    return {
        name: {key: strip_env(value) if key == "options" else value for key, value in option.items() if key != "env"}
        for name, option in spec.items()
    }


#: A value of each type, to stand where an example shows a template.
SAMPLES = {"dict": {}, "list": [], "int": 1, "bool": True, "float": 1.0}


def fill(arguments, spec):
    """The arguments with whole-value templates replaced by values of the option's type."""
    return {name: filled(value, spec.get(name, {})) for name, value in arguments.items()}


def filled(value, option):
    if isinstance(value, str) and value.startswith("{{"):
        return SAMPLES.get(option.get("type", "str"), value)
    if isinstance(value, dict) and "options" in option:
        return fill(value, option["options"])
    if isinstance(value, list) and "options" in option:
        return [fill(item, option["options"]) if isinstance(item, dict) else item for item in value]
    return value


def example_tasks(text: str):
    for item in yaml.safe_load(text):
        if "hosts" in item:
            yield from (task for key in ("tasks", "pre_tasks") for task in item.get(key, []))
        elif "block" in item:
            yield from item["block"]
        else:
            yield item


@pytest.mark.parametrize("module", MODULES)
def test_examples_fit_the_argument_spec(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, kwargs = load(module, monkeypatch)
    rules = {
        key: value
        for key, value in kwargs.items()
        if key in ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")
    }
    validator = ArgumentSpecValidator(strip_env(kwargs["argument_spec"]), **rules)
    name = f"tenantmail.stalwart.{module}"
    shown = 0
    for task in example_tasks(loaded.EXAMPLES):
        if name not in task:
            continue
        shown += 1
        result = validator.validate(fill(task[name] or {}, kwargs["argument_spec"]))
        assert not result.error_messages, f"{task.get('name')}: {result.error_messages}"
    assert shown, f"{module} shows no example of itself"


@pytest.mark.parametrize("module", MODULES)
def test_documented_options_are_the_spec_s(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, kwargs = load(module, monkeypatch)
    docs = yaml.safe_load(loaded.DOCUMENTATION)
    documented = set(docs.get("options") or {})
    for fragment in docs.get("extends_documentation_fragment") or []:
        parts = fragment.split(".")
        if parts[:2] != ["tenantmail", "stalwart"]:
            continue
        source = importlib.import_module(f"{PACKAGE}.doc_fragments.{parts[2]}").ModuleDocFragment
        text = getattr(source, parts[3].upper() if len(parts) > 3 else "DOCUMENTATION")
        documented |= set(yaml.safe_load(text).get("options") or {})
    assert documented == set(kwargs["argument_spec"])
