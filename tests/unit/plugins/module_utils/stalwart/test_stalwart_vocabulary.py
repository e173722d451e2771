"""Random documents of the whole vocabulary of a schema: what a server stores of them is what was asked for.

Pure: the wire form of a stored object is its encoded document, with the defaults that a server adds, sets and lists in
whatever order their keys come.
"""

from __future__ import annotations

import gzip
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.decode import Decoder, encode_struct
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.defaults import Defaults
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.differ import Differ
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.grammar import catalogue
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.schema import (
    EXPRESSION,
    SERVER_SET,
    Schema,
    Type,
    reduce_document,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.values import HOST_NAMES, Normaliser
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

GIVEN = os.environ.get("STALWART_SCHEMA_0_16", "")
EXPRESSIONS = [
    "true",
    "false",
    "5s",
    "sender == 'x@acme.test'",
    "!is_empty(authenticated_as) && is_tls",
    "[login, plain]",
]
TEXT = st.text("abcxyzABZ0189 ./~-_:\u00fc\u00df", min_size=1, max_size=12).map(str.strip).filter(bool)
FORMATS: dict[str, st.SearchStrategy[Any]] = {
    "emailAddress": st.sampled_from(["a@acme.test", "Big@ACME.test", "x+y@b\u00fccher.test"]),
    "uri": st.sampled_from(["https://k.test/a", "mailto:a@b.test", "redis://127.0.0.1"]),
    "ipNetwork": st.sampled_from(["10.0.0.0/8", "10.1.2.3/8", "2001:DB8::/32", "192.0.2.1", "192.0.2.1/32"]),
    "ipAddress": st.sampled_from(["192.0.2.1", "2001:DB8::1"]),
    "secret": st.just("geheim-geheim-77"),
    "secretText": st.just("geheim\ngeheim-77\n"),
    "duration": st.sampled_from([1000, "5s", "10m", "1h", "30d", "1500ms", "60000"]),
}


class Documents:
    """Strategies for values of a schema's types."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def struct(self, name: str, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
        variants = self.schema.variants(name)
        if variants is None:
            return self.members(name, None, depth)
        return st.sampled_from(variants).flatmap(lambda variant: self.members(name, variant, depth))

    def members(self, name: str, variant: str | None, depth: int) -> st.SearchStrategy[dict[str, Any]]:
        known: dict[str, st.SearchStrategy[Any]] = {}
        for prop, spec in self.schema.fields(name, variant).items():
            if spec.access == SERVER_SET:
                continue
            host = (name, prop) in HOST_NAMES
            value = (
                st.sampled_from(["mail.acme.test", "MAIL.b\u00fccher.test"]) if host else self.value(spec.type, depth)
            )
            if value is not None:
                known[prop] = value
        head = {"@type": st.just(variant)} if variant else {}
        return st.fixed_dictionaries(head, optional=known)

    def value(self, spec: Type, depth: int) -> st.SearchStrategy[Any] | None:
        """None for what needs other objects, or is too deep."""
        found = self._value(spec, depth)
        return st.none() | found if found is not None and spec.nullable else found

    def _value(self, spec: Type, depth: int) -> st.SearchStrategy[Any] | None:
        if spec.kind == "boolean":
            return st.booleans() | st.sampled_from(["true", "False"])
        if spec.kind == "enum":
            accepted = list(self.schema.enum(spec.target))
            return st.sampled_from(accepted) if accepted else None
        if spec.kind == "string":
            longest = spec.max_length or 1000
            return FORMATS.get(spec.format, TEXT).filter(lambda text: len(text) <= longest)
        if spec.kind == "number":
            return self._number(spec)
        if spec.kind == "utcDateTime":
            return st.sampled_from(["2026-11-23T00:00:00Z", "2030-01-01T12:30:59Z"])
        return self._several(spec, depth) if depth < 3 else None

    def _number(self, spec: Type) -> st.SearchStrategy[Any]:
        low = int(spec.minimum) if spec.minimum is not None else (1 if spec.format == "duration" else 0)
        high = int(spec.maximum) if spec.maximum is not None else 2**31
        if spec.format == "duration" and spec.minimum is None and spec.maximum is None:
            return FORMATS["duration"]
        numbers = st.integers(low, high)
        return numbers if spec.format != "float" else numbers | st.floats(low, high, allow_nan=False)

    def _several(self, spec: Type, depth: int) -> st.SearchStrategy[Any] | None:
        if spec.kind == "set" and spec.item is not None:
            member = self.value(spec.item, depth + 1)
            return None if member is None else st.lists(member, min_size=spec.min_items, max_size=4)
        if spec.kind == "map" and spec.key is not None and spec.value is not None:
            key, value = self.value(spec.key, depth + 1), self.value(spec.value, depth + 1)
            return st.dictionaries(key, value, max_size=3) if key is not None and value is not None else None
        if spec.kind == "objectList":
            return st.lists(self.struct(spec.target, depth + 1), min_size=spec.min_items, max_size=3)
        if spec.kind == "object" and spec.target == EXPRESSION:
            text = st.sampled_from(EXPRESSIONS)
            entries = st.lists(st.fixed_dictionaries({"if": text, "then": text}), max_size=2)
            return text | st.fixed_dictionaries({"match": entries, "else": text})
        return self.struct(spec.target, depth + 1) if spec.kind == "object" else None


class Stored:
    """What a server makes of a document: every member that was left out has its default."""

    def __init__(self, schema: Schema, shuffle: random.Random) -> None:
        self.schema = schema
        self.shuffle = shuffle
        self.defaults = Defaults(schema)

    def struct(self, name: str, wire: dict[str, Any]) -> dict[str, Any]:
        fields = self.schema.fields(name, wire.get("@type"))
        known = encode_struct(self.schema, name, self.defaults.struct(name, wire.get("@type")), str)
        out = {**known, **{key: self.value(fields[key].type, item) for key, item in wire.items() if key != "@type"}}
        return self.mixed(out | ({"@type": wire["@type"]} if "@type" in wire else {}))

    def value(self, spec: Type, wire: Any) -> Any:
        if wire is None:
            return None
        if spec.is_secret:
            return "****"
        if spec.kind == "object":
            return self.struct(spec.target, wire)
        if spec.kind == "objectList":
            return self.mixed({index: self.struct(spec.target, item) for index, item in wire.items()})
        if spec.kind == "map" and spec.value is not None:
            return self.mixed({key: self.value(spec.value, item) for key, item in wire.items()})
        return self.mixed(wire) if spec.kind == "set" else wire

    def mixed(self, members: dict[str, Any]) -> dict[str, Any]:
        keys = list(members)
        self.shuffle.shuffle(keys)
        return {key: members[key] for key in keys}


@pytest.fixture(scope="module", params=["small", *(["real"] if GIVEN else [])])
def vocabulary(request: pytest.FixtureRequest) -> Schema:
    if request.param == "small":
        return request.getfixturevalue("schema")
    return Schema(reduce_document(json.loads(gzip.decompress(Path(GIVEN).read_bytes())), "real-schema-00000000"))


def writes(schema: Schema, name: str, desired: dict[str, Any], current: dict[str, Any], **more: Any) -> list[Any]:
    differ = Differ(schema, **more)
    found = differ.struct(name, desired, current, name)
    assert not differ.problems
    return found


PROFILE = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@PROFILE
@given(data=st.data())
def test_what_was_stored_needs_no_write(vocabulary: Schema, data: st.DataObject) -> None:
    schema, documents = vocabulary, Documents(vocabulary)
    name = data.draw(st.sampled_from(sorted(catalogue(schema).values())))
    document = data.draw(documents.struct(name))
    check = Normaliser(schema)
    desired = check.struct(name, document, name)
    assert not check.problems
    wire = encode_struct(schema, name, desired, str)
    stored = Stored(schema, random.Random(data.draw(st.integers(0, 99)))).struct(name, wire)
    current = Decoder(schema, lambda _name, identifier: identifier).struct(name, json.loads(json.dumps(stored)))
    assert writes(schema, name, desired, current) == []
    # The normal form is its own normal form, so what a server returned can be given back.
    again = Normaliser(schema)
    assert again.struct(name, desired, name) == desired
    assert not again.problems


@PROFILE
@given(data=st.data())
def test_a_difference_is_one_write_at_its_place(vocabulary: Schema, data: st.DataObject) -> None:
    schema, documents = vocabulary, Documents(vocabulary)
    name = data.draw(st.sampled_from(sorted(catalogue(schema).values())))
    first = Normaliser(schema).struct(name, data.draw(documents.struct(name)), name)
    prop = data.draw(st.sampled_from(sorted(first.keys() - {"@type"}) or [""]))
    assume(prop)
    spec = schema.fields(name, first.get("@type"))[prop].type
    strategy = documents.value(spec, 0)
    assert strategy is not None
    other = Normaliser(schema).value(spec, data.draw(strategy), prop)
    wire = encode_struct(schema, name, {**first, prop: other}, str)
    stored = Stored(schema, random.Random(0)).struct(name, wire)
    current = Decoder(schema, lambda _name, identifier: identifier).struct(name, stored)
    differ = Differ(schema)
    found = differ.struct(name, first, current, name)
    # Create-only properties are a problem, everything else a write, and nothing but this property is touched.
    assert {write.pointer.split("/")[0] for write in found} <= {prop.replace("~", "~0").replace("/", "~1")}
    if spec.kind in ("boolean", "enum", "number", "utcDateTime", "set") and first[prop] != other:
        assert found
