"""Role tenant: documented completely, and run for real on inventories."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from ansible_collections.tenantmail.stalwart.plugins.module_utils.redact import MASK
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import argspec, identity, misspelt

ROOT = Path(__file__).parents[3]
ROLE = ROOT / "roles/tenant"
PUBLIC = {**argspec.PLATFORM, **argspec.TENANT}
CANARY = "canary-secret-value"

PLAY = """
- name: Derive
  hosts: "{{{{ target | default('tenants') }}}}"
  gather_facts: false
  tasks:
    - name: Derive
      ansible.builtin.import_role:
        name: tenantmail.stalwart.tenant
        rolespec_validate: {validate}
    - name: Show the model
      ansible.builtin.debug:
        var: tenant_model
"""


def load(path: str):
    return yaml.safe_load((ROLE / path).read_text())


def run(folder: Path, inventory: Path, *arguments: str, validate: bool = False) -> subprocess.CompletedProcess[str]:
    play = folder / "play.yml"
    play.write_text(PLAY.format(validate=str(validate).lower()))
    config = folder / "ansible.cfg"
    config.write_text("[defaults]\nnocolor = true\n")
    env = {**os.environ, "ANSIBLE_CONFIG": str(config), "ANSIBLE_HOME": str(folder / "home")}
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), str(play), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def inventory(folder: Path, hosts: dict, **variables) -> Path:
    path = folder / "inventory.yml"
    shared = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "platform_fqdn": "omantel.test",
        "platform_openbao_url": "https://bao.test",
        "platform_powerdns_url": "https://pdns.test/api",
        "platform_powerdns_api_key": CANARY,
        "platform_keycloak_auth": {"username": "provisioner", "password": CANARY},
        "platform_openbao_auth": {"method": "token", "token": CANARY},
        **variables,
    }
    path.write_text(yaml.safe_dump({"all": {"children": {"tenants": {"hosts": hosts, "vars": shared}}}}))
    return path


def results(done: subprocess.CompletedProcess[str], status: str) -> dict[str, dict]:
    """Host → result of the task that ended with this status and printed its result."""
    marks = re.finditer(rf"^{status}: \[(\S+)\](?:: FAILED!)? => ", done.stdout, re.MULTILINE)
    return {mark[1]: json.JSONDecoder().raw_decode(done.stdout, mark.end())[0] for mark in marks}


def failures(done: subprocess.CompletedProcess[str]) -> dict[str, dict]:
    return {host: result["failure"] for host, result in results(done, "fatal").items()}


def models(done: subprocess.CompletedProcess[str]) -> dict[str, dict]:
    return {host: result["tenant_model"] for host, result in results(done, "ok").items() if "tenant_model" in result}


def test_every_public_variable_is_documented_everywhere() -> None:
    options = load("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert set(options) == {*PUBLIC, "tenant_group"} == argspec.PUBLIC
    assert set(load("defaults/main.yml")) == set(options)
    readme = (ROLE / "README.md").read_text()
    assert [name for name in options if f"`{name}`" not in readme] == []


def names_set(node: Any) -> Iterator[str]:
    """Names of the variables that tasks and plays set, at any depth: `register`, `vars`, `set_fact`, loop variables."""
    if isinstance(node, list):
        for item in node:
            yield from names_set(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("register", "loop_var", "index_var"):
                yield value
            elif key in ("vars", "set_fact", "ansible.builtin.set_fact"):
                yield from value
            yield from names_set(value)


def test_the_collection_s_own_names_are_known() -> None:
    """A name that is not would be refused in every inventory, or be silently ignored when it is misspelt."""
    tasks = [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("roles/*/handlers/*.yml"), *ROOT.glob("playbooks/*.yml")]
    found = {name for path in tasks for name in names_set(yaml.safe_load(path.read_text()))}
    assert "__chart_plan" in found
    for path in [*ROOT.glob("roles/*/defaults/*.yml"), *ROOT.glob("roles/*/vars/*.yml")]:
        found |= set(yaml.safe_load(path.read_text()) or {})
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            found |= set(entry["options"])
    assert {name for name in found if name.startswith(misspelt.PREFIXES)} == argspec.PUBLIC | argspec.SET_BY_ROLES


def test_types_are_those_of_the_module() -> None:
    options = load("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    for name, option in PUBLIC.items():
        assert options[name]["type"] == option["type"], name
        assert options[name].get("elements") == option.get("elements"), name
        assert options[name].get("no_log", False) == option.get("no_log", False), name
        for field, suboption in option.get("options", {}).items():
            documented = options[name]["options"][field]
            assert documented["type"] == suboption["type"], f"{name}.{field}"
            assert documented.get("no_log", False) == suboption.get("no_log", False), f"{name}.{field}"


def test_the_role_passes_every_variable_on() -> None:
    derive = next(task for task in load("tasks/main.yml") if "tenantmail.stalwart.tenant_model" in task)
    given = derive["tenantmail.stalwart.tenant_model"]
    assert set(given) == set(argspec.SPEC)
    assert all(
        value == f"{{{{ {name} }}}}" for name, value in given.items() if name not in ("host", "chart", "duplicates")
    )


def test_the_comparison_knows_variables_that_exist() -> None:
    assert set(identity.VARIABLES) <= set(PUBLIC)


@pytest.mark.parametrize("validate", [False, True])
def test_the_example_inventory_needs_no_server(tmp_path: Path, validate: bool) -> None:
    done = run(
        tmp_path, ROOT / "inventories/example", "-e", '{"tenant_offline": true}', "--check", "--diff", validate=validate
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = models(done)
    assert set(found) == {"acme", "beta", "gamma"}
    assert found["acme"]["domain"]["primary"] == "acme.omantel.omani.works"
    assert found["beta"]["dns"]["enabled"] is False
    assert found["gamma"]["keycloak"]["client_secret_name"] == "stalwart-oidc"


def test_without_credentials_the_example_inventory_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, ROOT / "inventories/example")
    assert done.returncode != 0
    assert {item["variable"] for item in failures(done)["acme"]["details"]} >= {
        "platform_powerdns_api_key",
        "platform_keycloak_auth.client_secret",
        "platform_openbao_auth.secret_id",
    }


def test_five_mistakes_over_three_hosts_are_all_reported_and_the_fourth_goes_on(tmp_path: Path) -> None:
    hosts = {
        "acme": {
            "tenant_domain": "my domain.com",
            "tenant_realm_url": "https://kc.test/sme",
            "tenant_chart_values": {"replicas": 2},
        },
        "beta": {"tenant_domain_mode": "byo", "tenant_domain": "shop.test"},
        "gamma": {
            "tenant_domain_mode": "byo",
            "tenant_domain": "SHOP.test",
            "tenant_overlay": {"domian": {"primary": "x"}},
        },
        "delta": None,
    }
    done = run(tmp_path, inventory(tmp_path, hosts), "-vvvv", "--diff")
    assert done.returncode != 0
    found = {host: [item["variable"] for item in failure["details"]] for host, failure in failures(done).items()}
    assert found == {
        "acme": ["tenant_domain", "tenant_realm_url", "tenant_chart_values.replicas"],
        "beta": ["tenant_domain"],
        "gamma": ["tenant_overlay.domian", "tenant_domain"],
    }
    assert set(models(done)) == {"delta"}
    assert "gamma has the same one" in done.stdout
    assert CANARY not in done.stdout + done.stderr


def test_types_are_mistakes_like_others(tmp_path: Path) -> None:
    hosts = {
        "acme": {
            "tenant_dns": "-all",
            "tenant_layers": "dns",
            "tenant_display_name": ["x"],
            "tenant_spam_filter": "perhaps",
        }
    }
    done = run(tmp_path, inventory(tmp_path, hosts))
    assert {item["variable"] for item in failures(done)["acme"]["details"]} == {
        "tenant_dns",
        "tenant_layers",
        "tenant_display_name",
        "tenant_spam_filter",
    }


def test_values_of_the_chart_are_mistakes_like_others(tmp_path: Path) -> None:
    values = {"srvice": {}, "service": {"type": "LoadBalancr"}, "gateway": {"enabled": "no way"}}
    done = run(
        tmp_path, inventory(tmp_path, {"acme": {"tenant_domain": "my domain.com", "tenant_chart_values": values}})
    )
    assert {item["variable"] for item in failures(done)["acme"]["details"]} == {
        "tenant_domain",
        "tenant_chart_values.srvice",
        "tenant_chart_values.service.type",
        "tenant_chart_values.gateway.enabled",
    }


@pytest.mark.parametrize(
    ("path", "value", "accepted"),
    [
        ("{folder}/chart", 1, True),
        ("~/chart", 1, True),
        ("~/chart", "x", False),
        # Role chart says what is wrong with it.
        ("~/nowhere", "x", True),
        # Role chart's default, which means another directory when role tenant reads it.
        ("{{{{ role_path }}}}/files/bp-stalwart-tenant", 1, False),
    ],
)
def test_another_chart_has_its_own_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, value: Any, accepted: bool
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    chart = tmp_path / "chart"
    chart.mkdir()
    (chart / "Chart.yaml").write_text("name: own\nversion: 1.0.0\n")
    (chart / "values.schema.json").write_text(
        '{"additionalProperties": false, "properties": {"own": {"type": "integer"}}}'
    )
    hosts = {"acme": {"tenant_chart_values": {"own": value}, "chart_path": path.format(folder=tmp_path)}}
    done = run(tmp_path, inventory(tmp_path, hosts))
    assert (set(models(done)) == {"acme"}) is accepted, done.stdout
    if not accepted:
        assert [item["variable"] for item in failures(done)["acme"]["details"]] == ["tenant_chart_values.own"]


def test_a_short_secret_is_named_and_not_shown(tmp_path: Path) -> None:
    done = run(tmp_path, inventory(tmp_path, {"acme": None}, platform_powerdns_api_key="s3cr3t!"), "-vvvv")
    failure = failures(done)["acme"]
    assert [item["variable"] for item in failure["details"]] == ["platform_powerdns_api_key"]
    assert "s3cr3t!" not in done.stdout + done.stderr


def test_misspelt_variables_are_refused_with_the_other_mistakes(tmp_path: Path) -> None:
    misplaced = "a-key-that-no-option-holds"
    hosts = {
        "acme": {"tenant_domian": "x", "platform_powerdns_api_kye": misplaced, "tenant_image": "stalwart:latest"},
        "beta": {
            "tenant_labels": {"plan": "gold"},
            "tenant_note": "x",
            "platform_team": "mail",
            "tenant_score": 1,
            "platform_own_variables": ["tenant_score"],
        },
    }
    path = inventory(tmp_path, hosts, platform_powerdns_api_key=None)
    done = run(tmp_path, path, "-e", "tenant_web_hots=x", "--limit", "acme", "-vvvv", "--diff")
    details = failures(done)["acme"]["details"]
    assert {item["variable"]: item["value"] for item in details} == {
        "platform_powerdns_api_kye": MASK,
        "tenant_domian": MASK,
        "tenant_web_hots": MASK,
        "platform_powerdns_api_key": None,
        "tenant_image": "stalwart:latest",
    }
    assert "tenant_domian: no variable of this collection; did you mean tenant_domain?" in done.stdout
    assert misplaced not in done.stdout + done.stderr
    assert set(models(run(tmp_path, inventory(tmp_path, hosts), "--limit", "beta"))) == {"beta"}


def test_what_the_roles_set_is_no_mistake_of_a_second_run(tmp_path: Path) -> None:
    path = inventory(tmp_path, {"acme": {"tenant_offline": True}})
    play = yaml.safe_load(PLAY.format(validate="false"))
    play[0]["tasks"] += [{"ansible.builtin.set_fact": {"tenant_report": {}}}, *play[0]["tasks"]]
    twice = tmp_path / "twice.yml"
    twice.write_text(yaml.safe_dump(play))
    done = run(tmp_path, path, str(twice), "--check")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("TASK [tenantmail.stalwart.tenant : Derive the tenant's model]") >= 2


def test_a_host_whose_templates_fail_does_not_stop_the_others(tmp_path: Path) -> None:
    hosts = {"acme": None, "beta": {"tenant_domain": "{{ nowhere }}"}}
    done = run(tmp_path, inventory(tmp_path, hosts))
    assert done.returncode != 0
    assert set(models(done)) == {"acme"}


def test_the_limit_does_not_hide_a_duplicate(tmp_path: Path) -> None:
    shop = {"tenant_domain_mode": "byo", "tenant_domain": "shop.test"}
    done = run(tmp_path, inventory(tmp_path, {"acme": shop, "beta": shop, "gamma": None}), "--limit", "gamma,beta")
    assert set(failures(done)) == {"beta"}
    assert set(models(done)) == {"gamma"}


BYO = {"tenant_domain_mode": "byo", "tenant_domain": "shop.test"}


def other_group(folder: Path) -> Path:
    """Hosts of group `tenants` and of a group beside it that share a domain."""
    path = inventory(folder, {"acme": BYO})
    data = yaml.safe_load(path.read_text())
    groups = data["all"]["children"]
    groups["other"] = {"hosts": {"beta": BYO, "gamma": BYO, "delta": None}, "vars": groups["tenants"]["vars"]}
    path.write_text(yaml.safe_dump(data))
    return path


@pytest.mark.parametrize(
    ("target", "duplicates", "derived"),
    [("other", {"beta", "gamma"}, {"delta"}), ("acme:delta", set(), {"acme", "delta"}), (None, set(), {"acme"})],
)
def test_the_compared_group_follows_the_target(
    tmp_path: Path, target: str | None, duplicates: set[str], derived: set[str]
) -> None:
    done = run(tmp_path, other_group(tmp_path), *(("-e", f"target={target}") if target else ()))
    assert set(failures(done)) == duplicates, done.stdout
    assert set(models(done)) == derived
    for host in duplicates:
        assert "acme" not in json.dumps(failures(done)[host]["details"])


@pytest.mark.parametrize("group", ["[1, 2]", '{"a": 1}'])
def test_a_comparison_that_cannot_be_made_stops_nobody(tmp_path: Path, group: str) -> None:
    hosts = {"acme": None, "beta": None}
    done = run(tmp_path, inventory(tmp_path, hosts), "-e", f'{{"tenant_group": {group}}}')
    assert done.returncode == 0, done.stdout
    assert set(models(done)) == {"acme", "beta"}
    assert "were not compared with each other" in done.stdout + done.stderr


def test_a_file_of_mailboxes_is_looked_for_beside_the_inventory_and_may_be_encrypted(tmp_path: Path) -> None:
    plain = "name,quota\ncarol,1G\n"
    password = tmp_path / "vault-password"
    password.write_text("a-vault's-password\n")
    folder = tmp_path / "inventory"
    folder.mkdir()
    (folder / "plain.csv").write_text(plain)
    (folder / "vault.csv").write_text(plain)
    (folder / "wrong.csv").write_text("name,quota\ncarol,1G\ndave,5XB\nerin,,\n")
    vault = [str(Path(sys.executable).parent / "ansible-vault"), "encrypt", "--vault-password-file", str(password)]
    subprocess.run([*vault, str(folder / "vault.csv")], check=True, capture_output=True, timeout=60)
    assert "carol" not in (folder / "vault.csv").read_text()
    hosts = {
        name: {"tenant_mailboxes_file": f"{name}.csv", "tenant_verify": False} for name in ("plain", "vault", "wrong")
    }
    done = run(tmp_path, inventory(folder, hosts), "--vault-password-file", str(password))
    found = {host: model["mailboxes"]["principals"] for host, model in models(done).items()}
    assert {host: [item["name"] for item in items] for host, items in found.items()} == {
        "plain": ["carol@plain.omantel.test"],
        "vault": ["carol@vault.omantel.test"],
    }
    assert [item["variable"] for item in failures(done)["wrong"]["details"]] == [
        "tenant_mailboxes_file row 3, column quota"
    ]
    locked = failures(run(tmp_path, inventory(folder, {"vault": hosts["vault"]})))
    assert "a file that can be read" in locked["vault"]["message"]
