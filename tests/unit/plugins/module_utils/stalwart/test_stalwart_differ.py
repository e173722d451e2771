"""The one comparison: what it writes, and that writing it makes both sides equal."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.decode import (
    Decoder,
    encode,
    encode_struct,
    mask,
    project,
    secrets_in,
)
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.differ import Differ, escape
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.schema import (
    EXPRESSION,
    SERVER_SET,
    Schema,
    Type,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RELAY = {"@type": "Relay", "name": "r", "address": "a.test", "port": 25, "authSecret": {"@type": "None"}}


def writes(schema: Schema, name: str, desired: dict[str, Any], current: dict[str, Any], **how: Any) -> dict[str, Any]:
    differ = Differ(schema, **how)
    found = {write.pointer: write.value for write in differ.struct(name, desired, current, "it")}
    assert not differ.problems, differ.problems
    return found


CASES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("SpamSettings", {"enable": False}, {"enable": True, "scoreSpam": 5.0}, {"enable": False}),
    ("SpamSettings", {"enable": True, "scoreSpam": 5}, {"enable": True, "scoreSpam": 5.0}, {}),
    ("SpamSettings", {"rulesUrl": None}, {"rulesUrl": "https://x"}, {"rulesUrl": None}),
    ("SpamSettings", {"rulesUrl": None}, {"rulesUrl": None}, {}),
    ("Domain", {"aliases": ["a", "b"]}, {"aliases": ["a", "b"]}, {}),
    ("Domain", {"aliases": ["a"]}, {"aliases": ["a", "b"]}, {"aliases": ["a"]}),
    (
        "Domain",
        {"dkimManagement": {"rotateAfter": 1}},
        {"dkimManagement": {"@type": "Automatic", "rotateAfter": 2, "selectorTemplate": "v"}},
        {"dkimManagement/rotateAfter": 1},
    ),
    (
        "Domain",
        {"dkimManagement": {"@type": "Manual"}},
        {"dkimManagement": {"@type": "Automatic", "rotateAfter": 2}},
        {"dkimManagement": {"@type": "Manual"}},
    ),
    (
        "Domain",
        {"dkimManagement": {"@type": "Automatic"}},
        {"dkimManagement": {"@type": "Automatic", "rotateAfter": 2}},
        {},
    ),
    (
        "SystemSettings",
        {"services": {"imap": {"cleartext": True}, "smtp": {"hostname": "m.test"}}},
        {"services": {"imap": {"cleartext": False, "hostname": None}, "jmap": {"cleartext": True}}},
        {"services/imap/cleartext": True, "services/smtp": {"hostname": "m.test"}},
    ),
    (
        "SystemSettings",
        {"mailExchangers": [{"hostname": "b"}, {"hostname": "a", "priority": 5}]},
        {"mailExchangers": [{"hostname": "a", "priority": 5}, {"hostname": "b", "priority": 10}]},
        {},
    ),
    (
        "SystemSettings",
        {"mailExchangers": [{"hostname": "a", "priority": 6}]},
        {"mailExchangers": [{"hostname": "a", "priority": 5}]},
        {"mailExchangers": [{"hostname": "a", "priority": 6}]},
    ),
    (
        "MtaStageMail",
        {"isSenderAllowed": {"else": "false"}},
        {"isSenderAllowed": {"match": [{"if": "a", "then": "b"}], "else": "true"}},
        {"isSenderAllowed": {"match": [{"if": "a", "then": "b"}], "else": "false"}},
    ),
    (
        "MtaStageMail",
        {"isSenderAllowed": {"match": [], "else": "true"}},
        {"isSenderAllowed": {"match": [{"if": "a", "then": "b"}], "else": "true"}},
        {"isSenderAllowed": {"match": [], "else": "true"}},
    ),
    ("OAuthClient", {"secret": "geheim-geheim"}, {"clientId": "c", "secret": "****"}, {}),
    ("OAuthClient", {"secret": "geheim-geheim"}, {"clientId": "c", "secret": None}, {"secret": "geheim-geheim"}),
    ("OAuthClient", {"secret": None}, {"clientId": "c", "secret": "****"}, {"secret": None}),
]


@pytest.mark.parametrize(("name", "desired", "current", "expected"), CASES)
def test_writes(
    schema: Schema, name: str, desired: dict[str, Any], current: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert writes(schema, name, desired, current) == expected


def test_secrets_are_written_again_on_request(schema: Schema) -> None:
    desired = {"authSecret": {"@type": "Value", "secret": "geheim-geheim"}}
    current = {**RELAY, "authSecret": {"@type": "Value", "secret": "****"}}
    assert writes(schema, "MtaRoute", desired, current) == {}
    assert writes(schema, "MtaRoute", desired, current, write_secrets=True) == {"authSecret/secret": "geheim-geheim"}
    assert writes(schema, "MtaRoute", desired, RELAY) == {"authSecret": desired["authSecret"]}


def test_exact_maps_lose_other_keys(schema: Schema) -> None:
    current = {"providerInfo": {"providerName": "a", "providerUrl": "b"}}
    assert writes(schema, "SystemSettings", {"providerInfo": {"providerName": "a"}}, current) == {}
    exact = writes(
        schema, "SystemSettings", {"providerInfo": {"providerName": "a"}}, current, exact_maps={"providerInfo"}
    )
    assert exact == {"providerInfo/providerUrl": None}


def test_create_only_and_foreign_variant_are_problems(schema: Schema) -> None:
    differ = Differ(schema)
    differ.struct("MtaRoute", {"name": "other"}, RELAY, "mtaRoute.r")
    differ.struct("MtaRoute", {"maxMxHosts": 3}, RELAY, "mtaRoute.r")
    assert "can only be given on creation (it is 'r')" in differ.problems[0].message
    assert "Relay has no such property" in differ.problems[1].message


def test_pointer_escapes() -> None:
    assert escape("a/b~c") == "a~1b~0c"


def test_masking_follows_the_schema(schema: Schema) -> None:
    body = {"@type": "Relay", "address": "a.test", "authSecret": {"@type": "Value", "secret": "geheim-geheim"}}
    assert mask(schema, "MtaRoute", body)["authSecret"] == {"@type": "Value", "secret": "********"}
    assert list(secrets_in(schema, Type("object", target="MtaRoute"), body)) == ["geheim-geheim"]


def test_project_keeps_to_what_is_managed() -> None:
    assert project({"a": 1, "b": {"c": 1, "d": 2}, "e": [{"f": 1, "g": 2}]}, {"b": {"c": 9}, "e": [{"f": 5}]}) == {
        "b": {"c": 1},
        "e": [{"f": 1}],
    }


# --- properties -------------------------------------------------------------------------------------------------------

_IDS = {
    "Domain": ("b", "acme.test"),
    "Role": ("c", "Helper"),
    "Directory": ("k1", "kc"),
    "Account": ("d", "sales@acme.test"),
}


def label_of(name: str, identifier: str) -> str | None:
    return _IDS[name][1] if _IDS.get(name, ("", ""))[0] == identifier else None


def id_of(name: str, label: str) -> str:
    assert _IDS[name][1] == label
    return _IDS[name][0]


def values(schema: Schema, spec: Type, depth: int = 0) -> st.SearchStrategy[Any]:
    """Normal-form values of a type."""
    some: st.SearchStrategy[Any]
    if spec.kind == "string":
        some = (
            st.sampled_from(["10.0.0.0/8", "192.0.2.1"])
            if spec.format.startswith("ip")
            else st.sampled_from(["a", "b", "c/d", "~e"])
        )
    elif spec.kind == "number":
        some = st.integers(1, 99)
    elif spec.kind == "boolean":
        some = st.booleans()
    elif spec.kind == "enum":
        some = st.sampled_from(list(schema.enum(spec.target)))
    elif spec.kind == "objectId":
        some = st.just(_IDS[spec.target][1])
    elif spec.kind == "set" and spec.item:
        some = st.lists(values(schema, spec.item), max_size=3).map(lambda found: sorted(set(found)))
    elif spec.kind == "map" and spec.key and spec.value:
        some = st.dictionaries(values(schema, spec.key), values(schema, spec.value, depth + 1), max_size=2)
    elif spec.kind == "objectList":
        some = st.lists(structs(schema, spec.target, depth + 1), max_size=2 if depth < 2 else 0)
    elif spec.kind == "object":
        some = structs(schema, spec.target, depth + 1)
    else:
        some = st.just("2026-01-31T00:00:00Z")
    return st.none() | some if spec.nullable else some


@st.composite
def structs(draw: st.DrawFn, schema: Schema, name: str, depth: int = 0, full: bool = True) -> dict[str, Any]:
    """Normal-form objects with all properties that can be written (``full``), or some of them."""
    variants = schema.variants(name)
    variant = draw(st.sampled_from(variants)) if variants else None
    body: dict[str, Any] = {"@type": variant} if variant else {}
    for prop, spec in schema.fields(name, variant).items():
        if spec.access == SERVER_SET or spec.type.is_secret:
            continue
        if full or draw(st.booleans()):
            body[prop] = draw(values(schema, spec.type, depth))
    return body


MANAGED = [
    "Domain",
    "Directory",
    "Authentication",
    "SystemSettings",
    "SpamSettings",
    "MtaStageMail",
    "AllowedIp",
    "Role",
    "Account",
    "Tracer",
]
relaxed = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


def apply_patch(wire: Any, pointer: str, value: Any) -> None:
    """The server's pointer semantics (contract 3.5)."""
    *path, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")]
    for part in path:
        wire = wire[part]
    if (
        value is None
        and path
        and "@type" not in wire
        and last in wire
        and not isinstance(wire[last], (str, int, type(None)))
    ):
        del wire[last]
    else:
        wire[last] = value


@relaxed
@given(data=st.data())
def test_what_is_encoded_decodes_to_the_same(schema: Schema, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(MANAGED))
    body = data.draw(structs(schema, name))
    wire = encode_struct(schema, name, body, id_of)
    assert Decoder(schema, label_of).struct(name, wire) == body
    assert writes(schema, name, body, body) == {}


@relaxed
@given(data=st.data())
def test_applying_the_difference_leaves_none(schema: Schema, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name in MANAGED if name != "AllowedIp"]))
    current = data.draw(structs(schema, name))
    desired = data.draw(structs(schema, name, full=False))
    if "@type" in desired and desired["@type"] != current["@type"]:
        return
    wire = encode_struct(schema, name, current, id_of)
    differ = Differ(schema)
    for write in differ.struct(name, desired, current, name):
        apply_patch(wire, write.pointer, encode(schema, write.type, write.value, id_of))
    after = Decoder(schema, label_of).struct(name, wire)
    assert writes(schema, name, desired, after) == {}
    untouched = {key: value for key, value in current.items() if key not in desired}
    assert {key: after[key] for key in untouched} == untouched


@relaxed
@given(data=st.data())
def test_order_in_sets_and_unordered_lists_never_counts(schema: Schema, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["Domain", "Role", "Account", "SystemSettings"]))
    body = data.draw(structs(schema, name))
    wire = encode_struct(schema, name, body, id_of)
    for prop, spec in schema.fields(name, body.get("@type")).items():
        if spec.type.kind == "set" and wire.get(prop):
            wire[prop] = dict(data.draw(st.permutations(list(wire[prop].items()))))
        elif spec.type.target in ("EmailAlias", "MailExchanger") and wire.get(prop):
            wire[prop] = {str(i): v for i, v in enumerate(data.draw(st.permutations(list(wire[prop].values()))))}
    assert writes(schema, name, copy.deepcopy(body), Decoder(schema, label_of).struct(name, wire)) == {}


def test_expressions_have_a_struct(schema: Schema) -> None:
    assert set(schema.fields(EXPRESSION)) == {"match", "else"}
