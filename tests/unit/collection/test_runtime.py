"""What no standard gate checks about the collection's own metadata."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))


def load(path: str):
    return yaml.safe_load((ROOT / path).read_text())


def test_action_groups_name_modules_that_exist() -> None:
    groups = load("meta/runtime.yml")["action_groups"]
    assert groups["all"] == MODULES
    assert groups["stalwart"] == [name for name in MODULES if name.startswith("stalwart_")]


def test_every_action_plugin_has_a_module_of_its_name() -> None:
    assert sorted(path.stem for path in (ROOT / "plugins/action").glob("*.py")) == MODULES


def test_chart_blueprint_and_collection_have_one_version() -> None:
    version = load("galaxy.yml")["version"]
    chart = "roles/chart/files/bp-stalwart-tenant"
    assert load(f"{chart}/Chart.yaml")["version"] == version
    assert load(f"{chart}/blueprint.yaml")["spec"]["version"] == version


def test_the_execution_environment_holds_this_version() -> None:
    archive = f"tenantmail-stalwart-{load('galaxy.yml')['version']}.tar.gz"
    environment = load("execution-environment.yml")
    (collection,) = environment["dependencies"]["galaxy"]["collections"]
    (file,) = environment["additional_build_files"]
    assert (collection["name"], file["src"]) == (f"{file['dest']}/{archive}", archive)
    core = environment["dependencies"]["ansible_core"]["package_pip"]
    assert core in (ROOT / "requirements.txt").read_text().splitlines()


def test_requirements_agree_with_galaxy() -> None:
    needed = {item["name"]: item["version"] for item in load("requirements.yml")["collections"]}
    assert needed == load("galaxy.yml")["dependencies"]


def test_every_role_is_complete() -> None:
    for role in sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir()):
        for part in ("defaults/main.yml", "meta/argument_specs.yml", "meta/main.yml", "tasks/main.yml", "README.md"):
            assert (role / part).is_file(), f"{role.name} lacks {part}"


def test_documented_defaults_of_roles_are_their_defaults() -> None:
    for spec_file in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        role = spec_file.parents[1]
        options = yaml.safe_load(spec_file.read_text())["argument_specs"]["main"].get("options", {})
        defaults = yaml.safe_load((role / "defaults/main.yml").read_text()) or {}
        undocumented = {name for name in defaults if not name.startswith("__")} - set(options)
        assert not undocumented, f"{role.name}: not in argument_specs: {sorted(undocumented)}"
        for name, option in options.items():
            if "default" in option and name in defaults and "{{" not in str(defaults[name]):
                assert option["default"] == defaults[name], f"{role.name}: {name}"


def test_failure_codes_are_in_the_readme() -> None:
    from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import CODES

    readme = (ROOT / "README.md").read_text()
    for code, text in CODES.items():
        assert f"| `{code}` | {text} |" in readme
