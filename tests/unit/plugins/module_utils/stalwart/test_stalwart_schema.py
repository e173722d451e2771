"""The reduced schema and its cache."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import stalwart_schema
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.cache import SchemaCache, is_hash
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.identity import (
    identity_of,
    setting_name,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.schema import Schema, reduce_document


def test_reduction_keeps_objects_and_drops_views(schema: Schema) -> None:
    assert schema.objects["Authentication"].singleton
    assert not schema.objects["Domain"].singleton
    assert schema.objects["Domain"].label_property == "name"
    assert "Account/User" not in schema.objects
    assert "Mailbox" not in schema.objects


def test_types(schema: Schema) -> None:
    assert schema.variants("Directory") == ["Ldap", "Oidc"]
    assert schema.variants("Domain") is None
    assert schema.fields("Directory", "Oidc")["requireScopes"].type.item.kind == "string"
    assert schema.fields("Account", "User")["memberGroupIds"].type.item.variant == "Group"
    assert schema.fields("Domain")["createdAt"].access == "serverSet"
    assert schema.fields("DkimManagement", "Manual") == {}
    assert set(schema.fields("MtaRoute")) == {"name", "maxMxHosts", "address", "port", "authSecret"}
    with pytest.raises(Failure):
        schema.fields("Nonsense")


@pytest.mark.parametrize(
    "document", [{}, {"objects": []}, {"objects": {"x:A": 1}, "schemas": {}, "fields": {}, "enums": {}}]
)
def test_other_documents_are_refused(document: dict[str, Any]) -> None:
    with pytest.raises(Failure) as caught:
        reduce_document(document, "h" * 20)
    assert caught.value.code == "protocol"


def test_identities(schema: Schema) -> None:
    found = {name: identity_of(schema, entry) for name, entry in schema.objects.items() if not entry.singleton}
    assert found["Domain"].properties == ("name",)
    assert found["Directory"].properties == ("description",)
    assert found["Account"].split("a@b@c.test") == {"name": "a@b", "domainId": "c.test"}
    assert found["MemoryLookupKey"].split("ns:a:b") == {"namespace": "ns", "key": "a:b"}
    assert found["MemoryLookupKey"].split("ns") is None
    assert found["Tracer"].properties == ("@type",)
    assert found["Certificate"].content
    assert found["Certificate"].split("mail") is None
    assert setting_name("OAuthClient") == "oAuthClient"


def test_cache_round_trip(tmp_path: Path, reduced: dict[str, Any]) -> None:
    cache = SchemaCache(str(tmp_path / "c"))
    assert cache.newest() is None
    assert cache.load(stalwart_schema.HASH) is None
    cache.store(reduced)
    assert cache.load(stalwart_schema.HASH).hash == stalwart_schema.HASH
    assert cache.newest().hash == stalwart_schema.HASH
    assert [p.name for p in (tmp_path / "c").iterdir()] == [f"schema-0.16-{stalwart_schema.HASH}.json"]


def test_cache_prefers_what_was_used_last(tmp_path: Path, reduced: dict[str, Any]) -> None:
    cache = SchemaCache(str(tmp_path))
    for name in ("a" * 20, "b" * 20):
        cache.store({**reduced, "hash": name})
        os.utime(tmp_path / f"schema-0.16-{name}.json", (1, 1))
    cache.touch("a" * 20)
    assert cache.newest().hash == "a" * 20


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"hash": "x"}', '{"hash": "HASH", "format": 0}', '{"hash": "HASH", "format": 1}']
)
def test_broken_cache_files_count_as_missing(tmp_path: Path, content: str) -> None:
    cache = SchemaCache(str(tmp_path))
    (tmp_path / f"schema-0.16-{stalwart_schema.HASH}.json").write_text(content.replace("HASH", stalwart_schema.HASH))
    assert cache.load(stalwart_schema.HASH) is None
    assert cache.newest() is None


def test_an_unwritable_cache_is_no_failure(tmp_path: Path, reduced: dict[str, Any]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    cache = SchemaCache(str(blocked / "below"))
    cache.store(reduced)
    cache.touch(stalwart_schema.HASH)
    assert cache.load(stalwart_schema.HASH) is None


def test_cache_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert SchemaCache().folder == str(tmp_path / "tenantmail.stalwart")


@pytest.mark.parametrize(
    ("text", "valid"),
    [("25gnm1_xB9bPk-puX9VTFMP1W5V-1muUWuK964-_uEw", True), ("short", False), ("../../etc/passwd/x", False)],
)
def test_hash(text: str, valid: bool) -> None:
    assert is_hash(text) is valid


def test_cached_form_is_json(reduced: dict[str, Any]) -> None:
    assert Schema(json.loads(json.dumps(reduced))).enum("Locale")
