"""What doc fragments cannot share reads the same wherever it is repeated: options below an option, and RETURN.

ansible-core merges a fragment's top-level options only, and takes nothing for RETURN from it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PACKAGE = "ansible_collections.tenantmail.stalwart.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
#: These publish or compare for all tenants at once; a failure of theirs would be everybody's.
NEVER_FAILS = {"dns_publish", "tenant_duplicates"}
#: Return values that mean something of their own.
OWN = {
    ("dns_outcome", "failure"),
    ("tenant_failure", "failure"),
    ("tenant_model", "failure"),
    ("dns_publish", "requests"),
    ("release_ready", "requests"),
    ("tenant_duplicates", "requests"),
    ("tenant_model", "requests"),
}


def options(kind: str, name: str) -> dict[str, Any]:
    plugin = importlib.import_module(f"{PACKAGE}.{kind}.{name}")
    source = plugin.ModuleDocFragment if kind == "doc_fragments" else plugin
    return dict(yaml.safe_load(source.DOCUMENTATION)["options"])


def returned(module: str) -> dict[str, Any]:
    return dict(yaml.safe_load(importlib.import_module(f"{PACKAGE}.modules.{module}").RETURN))


def below(prefix: str, documented: dict[str, Any]) -> dict[str, Any]:
    """Suboptions as they read below another option: references to the options beside them get its name in front."""
    text = yaml.safe_dump(documented, width=1000).replace("O(auth.", f"O({prefix}.auth.")
    return dict(yaml.safe_load(text))


def test_connection_options_of_kubernetes_core_read_the_same_everywhere() -> None:
    shared = options("doc_fragments", "kubernetes")["connection"]["suboptions"]
    assert options("modules", "tenant_preflight")["kubernetes"]["suboptions"] == shared
    stalwart = options("doc_fragments", "stalwart")["kubernetes"]["suboptions"]
    assert {name: option for name, option in stalwart.items() if name not in ("namespace", "service", "port")} == shared


@pytest.mark.parametrize(
    ("back_end", "source"), [("openbao", ("doc_fragments", "openbao")), ("keycloak", ("modules", "realm_plan"))]
)
def test_preflight_documents_the_options_of_the_modules(back_end: str, source: tuple[str, str]) -> None:
    here = options("modules", "tenant_preflight")[back_end]["suboptions"]
    there = below(back_end, options(*source))
    assert here["auth"]["suboptions"] == there["auth"]["suboptions"]
    # A credential is not required of a module that plans offline, which the pre-flight cannot.
    assert here.pop("auth")["required"]
    assert here == {name: there[name] for name in here}


def test_preflight_documents_the_options_of_powerdns() -> None:
    here = options("modules", "tenant_preflight")["powerdns"]["suboptions"]
    there = options("doc_fragments", "powerdns")
    assert set(here) == set(there) - {"server"}
    assert {name: option["type"] for name, option in here.items()} == {name: there[name]["type"] for name in here}
    assert here["ca_path"] == there["ca_path"]


@pytest.mark.parametrize("name", ["failure", "generation", "requests", "schema_hash"])
def test_return_values_of_one_name_read_the_same(name: str) -> None:
    texts = {}
    for module in MODULES:
        value = returned(module).get(name)
        if value and (module, name) not in OWN:
            texts[module] = (value["type"], value["returned"], value["description"])
    assert len(texts) > 1
    assert len(set(texts.values())) == 1, texts


@pytest.mark.parametrize("module", sorted(set(MODULES) - NEVER_FAILS))
def test_the_failure_is_documented(module: str) -> None:
    assert returned(module)["failure"]["type"] == "dict"


@pytest.mark.parametrize("module", MODULES)
def test_changes_have_the_keys_of_a_change(module: str) -> None:
    changes = returned(module).get("changes")
    if changes is not None:
        shown = [*changes.get("sample", []), changes.get("contains") or dict.fromkeys(("action", "kind", "key"))]
        assert [set(change) for change in shown] == [{"action", "kind", "key"}] * len(shown)
