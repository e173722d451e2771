"""The simulator's tables: their notation, and that they say what the real server's schema says."""

from __future__ import annotations

import gzip
import json
import os
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.generation import SIMULATED_SCHEMA
from tests.simulator import defaults, expressions, schema, tables, validate

REAL = "STALWART_SCHEMA_0_16"
TABLES = tables.load()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("boolean", {"type": "boolean"}),
        (
            "uint {min 1, max 65535}?",
            {"type": "number", "format": "unsignedInteger", "min": 1, "max": 65535, "nullable": True},
        ),
        ("set<string<ipNetwork>>", {"type": "set", "class": {"type": "string", "format": "ipNetwork"}}),
        ("id<Account/Group>", {"type": "objectId", "objectName": "x:Account/Group"}),
        ("list<EmailAlias>", {"type": "objectList", "objectName": "x:EmailAlias"}),
        ("enum Locale", {"type": "enum", "enumName": "Locale"}),
        (
            "map<enum StorageQuota, uint>",
            {
                "type": "map",
                "keyClass": {"type": "enum", "enumName": "StorageQuota"},
                "valueClass": {"type": "number", "format": "unsignedInteger"},
            },
        ),
    ],
)
def test_notation(text: str, expected: dict[str, Any]) -> None:
    assert schema._type(tables.parse_type(text)) == expected


def test_notation_of_fields() -> None:
    entry = tables.parse_field("port", "uint {min 1} create enterprise = 25")
    assert (entry.access, entry.enterprise, entry.default) == ("immutable", True, 25)
    assert tables.parse_field("x", "string? = null").has_default
    with pytest.raises(ValueError, match="not a type"):
        tables.parse_type("sequence<string>")


def test_every_type_named_is_there() -> None:
    """Objects that the simulator does not hold may be referred to by id, but nothing may contain them."""
    known = set(TABLES.structs) | set(TABLES.variants)

    def named(spec: tables.Type) -> list[tuple[str, str]]:
        parts = [part for part in (spec.item, spec.key, spec.value) if part]
        return [(spec.kind, spec.target or "")] + [found for part in parts for found in named(part)]

    for struct in TABLES.structs.values():
        for entry in struct.values():
            for kind, target in named(entry.type):
                assert kind not in ("object", "objectList") or target in known, target
                assert kind != "enum" or target in TABLES.enums, target


@pytest.mark.parametrize("name", [name for name, entry in TABLES.objects.items() if entry.singleton])
def test_defaults_of_singletons_are_valid(name: str) -> None:
    value = defaults.Defaults(TABLES).object(name)
    assert expressions.check(TABLES, name, value) is None
    if name not in ("SystemSettings", "OidcProvider", "SieveSystemInterpreter"):  # these must be filled in first
        validate.check(TABLES, name, value)


def _labels(entry: dict[str, Any]) -> dict[str, Any]:
    variants = [{key: value for key, value in item.items() if key != "label"} for item in entry.get("variants", [])]
    return entry | {"variants": variants}


def _described(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: value for key, value in entry.items() if key != "description"} for name, entry in properties.items()
    }


@pytest.mark.skipif(REAL not in os.environ, reason=f"{REAL} does not name the real server's schema")
def test_schema_document_agrees_with_the_real_one() -> None:
    """Types, access, defaults, limits, variants and enums of everything the simulator holds; texts are its own."""
    with gzip.open(os.environ[REAL], "rt", encoding="utf-8") as file:
        real = json.load(file)
    own = schema.document(TABLES)
    assert set(own) == set(real)
    for name, entry in own["objects"].items():
        assert {**entry, "description": ""} == {**real["objects"][name], "description": ""}, name
    for name, entry in own["schemas"].items():
        assert _labels(entry) == _labels(real["schemas"][name]), name
    for name, entry in own["fields"].items():
        assert _described(entry["properties"]) == _described(real["fields"][name]["properties"]), name
        assert entry.get("defaults") == real["fields"][name].get("defaults"), name
    for name, values in own["enums"].items():
        assert [value["name"] for value in values] == [value["name"] for value in real["enums"][name]], name


def test_the_modules_know_this_simulator_s_schema() -> None:
    """Or every sandbox would be told that its server is of a version nobody has tested. A change of tables: write it down."""
    assert schema.encode(TABLES)[0] == SIMULATED_SCHEMA
