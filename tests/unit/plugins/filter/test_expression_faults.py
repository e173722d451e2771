"""Expressions in values files: found wherever they are, and nothing that is none."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.tenantmail.stalwart.plugins.filter.expression_faults import FilterModule
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.expression_audit import (
    EXPRESSIONS,
    RULE_VARIABLES,
    expressions_in,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.expressions import CONSTANTS, VARIABLES
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.grammar import catalogue
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.schema import (
    EXPRESSION,
    Schema,
    reduce_document,
)
from ansible_collections.tenantmail.stalwart.plugins.test import expression

audit = FilterModule().filters()["expression_faults"]
sound = expression.TestModule().tests()["expression"]
GIVEN = os.environ.get("STALWART_SCHEMA_0_16", "")

VALUES = """
mtaStageAuth:
  mustMatchSender:
    match:
      - {if: "key_exists('sender-allow', authenticated_as + ':' + sender)", then: "false"}
      - {if: "sender = 'a@acme.test'", then: "true"}
    else: "treu"
mtaStageMail.isSenderAllowed: "is_locl_domain(sender_domain)"
mtaInboundThrottle:
  all mail: {match: "remote_ip = '192.0.2.1'", rate: {count: 1, period: 1s}}
mtaHook.scan.enable: "sender_domian == 'x'"
mtaRoute.out: {"@type": Relay, address: "a = b", description: "x = y"}
spamRule: {r: {condition: {match: [{if: "body.text == 'x'", then: "'T'"}], else: "false"}}}
systemSettings: {maxConnections: 5, defaultHostname: mail.acme.test}
"""


def test_every_mistake_is_named_where_it_is() -> None:
    assert [(fault["key"], fault["expression"], fault["message"]) for fault in audit(yaml.safe_load(VALUES))] == [
        (
            "mtaStageAuth.mustMatchSender.match[1].if",
            "sender = 'a@acme.test'",
            "single '=' at column 8: comparison is '=='; the server accepts '=' without an error and compares something else.",
        ),
        (
            "mtaStageAuth.mustMatchSender.else",
            "treu",
            "unknown variable or constant 'treu' at column 1; a text needs quotes. did you mean 'true'?",
        ),
        (
            "mtaStageMail.isSenderAllowed",
            "is_locl_domain(sender_domain)",
            "unknown function 'is_locl_domain' at column 1. did you mean 'is_local_domain' or 'is_local_address'?",
        ),
        (
            "mtaInboundThrottle.all mail.match",
            "remote_ip = '192.0.2.1'",
            "single '=' at column 11: comparison is '=='; the server accepts '=' without an error and compares something else.",
        ),
        (
            "mtaHook.scan.enable",
            "sender_domian == 'x'",
            "unknown variable or constant 'sender_domian' at column 1; a text needs quotes. did you mean 'sender_domain' or 'sender'?",
        ),
    ]


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({}, 0),
        ({"mtaRoute": {"a": {"description": "a = b"}}}, 0),
        ({"spamSettings.enable": False}, 0),
        ({"mtaStageAuth": None}, 0),
        ({"mtaStageAuth.require": True}, 0),
        ({"mtaStageAuth.require": "true"}, 1),
        ({"mtaStageAuth.require.else": "true"}, 1),
        ({"mtaStageAuth.require": {"match": [{"if": "is_tls", "then": True}], "else": "false"}}, 2),
        ({"unknown": [{"if": "is_tls", "then": "true"}, {"else": "false"}]}, 3),
    ],
)
def test_what_counts_as_an_expression(settings: dict[str, Any], count: int) -> None:
    assert len(list(expressions_in(settings))) == count
    assert audit(settings) == []


def test_generations_and_further_variables() -> None:
    two = {"mtaStageRcpt.allowRelaying": "is_local_domain('*', rcpt_domain)"}
    assert audit(two)
    assert audit(two, "0.15") == []
    assert audit({"mtaStageRcpt.allowRelaying": "brand_new > 1"})
    assert audit({"mtaStageRcpt.allowRelaying": "brand_new > 1"}, variables=["brand_new"]) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sender == 'x'", True),
        ("sender = 'x'", False),
        ("", False),
        ("(true", False),
        ("nobody_knows", False),
        (5, False),
        (None, False),
    ],
)
def test_the_test(text: Any, expected: bool) -> None:
    assert sound(text) is expected


@pytest.mark.parametrize("given", [None, "text", ["list"], 5])
def test_no_mapping_is_an_error(given: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="expects settings, a mapping"):
        audit(given)


def test_unknown_generation() -> None:
    with pytest.raises(AnsibleFilterError, match=r"accepted: 0\.15, 0\.16"):
        audit({}, "0.17")
    with pytest.raises(AnsibleFilterError, match=r"accepted: 0\.15, 0\.16"):
        sound("true", "0.17")


@pytest.mark.skipif(not GIVEN, reason="STALWART_SCHEMA_0_16 is not set")
def test_the_table_is_the_server_s_own() -> None:
    schema = Schema(reduce_document(json.loads(gzip.decompress(Path(GIVEN).read_bytes())), "real-schema-00000000"))
    assert set(schema.enum("ExpressionVariable")) == VARIABLES | RULE_VARIABLES
    assert set(schema.enum("ExpressionConstant")) == CONSTANTS

    def below(name: str, seen: frozenset[str]) -> tuple[set[str], set[str]]:
        expressions: set[str] = set()
        others: set[str] = set()
        for variant in schema.variants(name) or [None]:
            for prop, spec in schema.fields(name, variant).items():
                kind = spec.type.value or spec.type.item or spec.type
                if kind.target == EXPRESSION:
                    expressions.add(prop)
                elif kind.kind in ("object", "objectList") and kind.target not in seen:
                    inner = below(kind.target, seen | {name})
                    expressions |= inner[0]
                    others |= inner[1]
                else:
                    others.add(prop)
        return expressions, others

    for key, name in catalogue(schema).items():
        expressions, others = below(name, frozenset({name}))
        assert EXPRESSIONS.get(key, frozenset()) == expressions, key
        assert not expressions & others, key
