"""The driver on a real server's schema document (``STALWART_SCHEMA_0_16`` names a saved ``GET /api/schema``)."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.expressions import audit
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.secrets import secrets_of
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.exclusive import defaults_of
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.export import export_settings
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.grammar import catalogue, parse
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.identity import setting_name
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.registry import Registry
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.schema import (
    EXPRESSION,
    Schema,
    reduce_document,
)

TRANSCRIPTS = Path(__file__).parents[4] / "contract/transcripts"
GIVEN = os.environ.get("STALWART_SCHEMA_0_16", "")
pytestmark = pytest.mark.skipif(not GIVEN, reason="STALWART_SCHEMA_0_16 is not set")


@pytest.fixture(scope="module")
def real() -> Schema:
    raw = Path(GIVEN).read_bytes()
    return Schema(
        reduce_document(json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw), "real-schema-00000000")
    )


def test_every_type_can_be_read(real: Schema) -> None:
    for name in real.objects:
        for variant in real.variants(name) or [None]:
            fields = real.fields(name, variant)
            defaults_of(real, fields.values())
    assert len(catalogue(real)) > 80


def test_every_default_expression_passes_the_audit(real: Schema) -> None:
    document = json.loads(
        Path(GIVEN).read_bytes() if not GIVEN.endswith(".gz") else gzip.decompress(Path(GIVEN).read_bytes())
    )
    checked = 0
    for fields in document["fields"].values():
        for name, default in (fields.get("defaults") or {}).items():
            if fields["properties"][name]["type"].get("objectName") != f"x:{EXPRESSION}":
                continue
            texts = [default[key] for key in ("default", "else") if key in default]
            texts += [entry[key] for entry in default.get("match") or () for key in ("if", "then")]
            for text in texts:
                audit(text, real.enum("ExpressionVariable"), real.enum("ExpressionConstant"))
                checked += 1
    assert checked > 30


def test_what_the_roles_give(real: Schema) -> None:
    settings = {
        "domain": {"acme.test": {}},
        "systemSettings": {"defaultHostname": "mail.acme.test", "defaultDomainId": "acme.test"},
        "spamSettings": {"enable": False, "spamFilterRulesUrl": None},
        "spamPyzor": {"enable": False},
        "tracer": {"stdout": {"@type": "Stdout", "level": "info", "ansi": False}},
        "asn": {"@type": "Disabled"},
        "mtaStageAuth": {"mustMatchSender": "true"},
        "directory": {"keycloak": {"@type": "Oidc", "issuerUrl": "https://k.test", "requireScopes": ["openid"]}},
        "authentication": {"directoryId": "keycloak"},
    }
    assert len(parse(real, settings)) == 9


def test_a_real_server_that_nobody_has_touched_needs_no_words(real: Schema) -> None:
    """The recorded answers of a fresh 0.16.18, but for the twelve types that were not asked for."""
    objects: dict[str, dict[str, Any]] = {}
    for recorded in ("0.16-values/defaults.jsonl", "0.16/probe.jsonl"):
        for line in (TRANSCRIPTS / recorded).read_text().splitlines():
            body = json.loads(line)["response"].get("body")
            for name, result, _call in body.get("methodResponses", ()) if isinstance(body, dict) else ():
                bare = name.removeprefix("x:").removesuffix("/get")
                if name.endswith("/get") and bare in real.objects and not objects.get(bare):
                    objects[bare] = {entry["id"]: entry for entry in result["list"]}
    assert len([name for name in catalogue(real).values() if name in objects]) > 75
    settings, left_out = export_settings(Registry(real, objects))
    assert settings == {}
    assert {key.split(".")[0] for key, _reason in left_out} <= {"jmap", "oidcProvider", "sieveSystemInterpreter"}


def test_every_secret_is_known_by_its_name(real: Schema) -> None:
    """Before there is a schema, names are all that output filters can go by."""
    names = {setting_name(name): name for name in real.structs}
    missed = []
    for key, name in names.items():
        for variant in real.variants(name) or [None]:
            for prop, spec in real.fields(name, variant).items():
                secret = spec.type.is_secret or (spec.type.target.startswith("Secret") and spec.type.kind == "object")
                settings = {"dnsServer" if key.startswith("dnsServer") else key: {"label": {prop: "canary-canary"}}}
                if secret and secrets_of(settings) != ["canary-canary"]:
                    missed.append(f"{name}.{prop}")
    assert missed == []
