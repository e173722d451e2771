"""0.15: random settings of the whole table, applied to random stores, are what a second plan finds."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015 import codecs, special
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.codecs import Codec
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.export import export_settings
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.expression import Expression, names_of
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.grammar import parse
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.native import parse_native
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.plan import Planner, Request
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.removal import Exclusive
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.store import Store
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.table import OBJECTS, SINGLETONS
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.vocabulary import Kind
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

#: Nothing is local, and there are a directory and a default.
BASE = {
    "config.local-keys.0000": "store.*",
    "directory.internal.type": "internal",
    "storage.directory": "internal",
}
WORD = st.text("abcdefgh0123456789", min_size=1, max_size=8)
#: A setting with rules of its own has tests of its own.
SKIPPED = ("asn", "authentication", "systemSettings")


def expressions(codec: Expression) -> st.SearchStrategy[Any]:
    names = sorted(names_of(codec.scope)[0])
    atoms = st.one_of(
        st.sampled_from(names),
        WORD.map(lambda word: f"'{word}'"),
        st.integers(0, 99).map(str),
        st.sampled_from(names).map(lambda name: f"is_local_domain({name})"),
        st.sampled_from(names).map(lambda name: f"is_local_address( {name} )"),
        st.sampled_from(["system('hostname')", 'system( "domain" )']),
    )
    texts = st.tuples(atoms, st.sampled_from(["==", "!=", "&&", "+"]), atoms).map(" ".join)
    entry = st.fixed_dictionaries({"if": texts, "then": texts})
    whole = st.fixed_dictionaries({"match": st.lists(entry, max_size=12), "else": texts})
    return st.one_of(texts, whole, st.booleans())


def values(codec: Codec) -> st.SearchStrategy[Any]:
    """What a user may give for a codec."""
    if isinstance(codec, Expression):
        return expressions(codec)
    if isinstance(codec, special.Headers):
        return st.dictionaries(WORD.map(lambda word: f"X-{word}"), WORD, max_size=12)
    if isinstance(codec, codecs.Items):
        return st.lists(WORD, min_size=1 if codec.default else 0, max_size=12)
    if isinstance(codec, codecs.Nullable):
        return st.one_of(st.none(), values(codec.inner))
    if isinstance(codec, special.RulesUrl):
        return st.one_of(st.none(), st.just(codec.PUBLISHED), st.just("https://x.test/rules.toml"))
    if isinstance(codec, codecs.Url):
        return WORD.map(lambda word: f"https://{word}.test/realms/{word}")
    if isinstance(codec, codecs.Boolean):
        return st.booleans()
    if isinstance(codec, codecs.Number):
        low = 0 if codec.low is None else codec.low
        high = 10_000 if codec.high is None else codec.high
        if codec.fraction:
            return st.floats(low, high, allow_nan=False, allow_infinity=False)
        return st.integers(int(low), int(high))
    if isinstance(codec, codecs.Duration):
        units = st.tuples(st.integers(1, 500), st.sampled_from(["ms", "s", "m", "h", "d"]))
        return st.one_of(st.integers(1, 10**9), units.map(lambda pair: f"{pair[0]}{pair[1]}"))
    if isinstance(codec, codecs.Rate):
        return st.fixed_dictionaries({"count": st.integers(1, 999), "period": values(codecs.Duration())})
    if isinstance(codec, codecs.Enum):
        return st.sampled_from(sorted(codec.words))
    if isinstance(codec, codecs.Host):
        return WORD.map(lambda word: f"h{word}.Test")
    if isinstance(codec, special.Secret):
        plain = WORD.map(lambda word: f"canary-{word}-secret")
        return st.one_of(plain, plain.map(lambda text: {"@type": "Value", "secret": text}))
    return WORD


def labels(kind: Kind) -> st.SearchStrategy[str]:
    if kind.root == "lookup":
        return st.tuples(WORD, WORD).map(lambda pair: f"t{pair[0]}:{pair[1]}@x.test")
    if kind.bare:
        return st.ip_addresses().map(str)
    return WORD


@st.composite
def bodies(draw: st.DrawFn, kind: Kind) -> dict[str, Any]:
    body: dict[str, Any] = {}
    typed = kind.row("@type")
    variant = draw(values(typed.codec)) if typed is not None and kind.prefix else None
    if variant is not None:
        body["@type"] = variant
    for row in kind.rows:
        if not row.key or row.name == "@type" or (row.variants and variant not in row.variants):
            continue
        if row.required or draw(st.booleans()):
            body[row.name] = draw(values(row.codec))
    return body


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for kind in draw(
        st.lists(
            st.sampled_from([k for k in SINGLETONS if k.name not in SKIPPED]),
            max_size=3,
            unique_by=lambda kind: kind.name,
        )
    ):
        out[kind.name] = draw(bodies(kind))
    # A tracer is found by its type, lookups share their tables: one object of each is enough.
    for kind in draw(st.lists(st.sampled_from(OBJECTS), max_size=3, unique_by=lambda kind: kind.root)):
        out[kind.name] = {draw(labels(kind)): draw(bodies(kind))}
    return out


def plan(stored: Mapping[str, str], document: Mapping[str, Any], *, native: bool = False, secrets: bool = True) -> Any:
    parsed = (parse_native if native else parse)(document)
    assert not parsed.problems, parsed.problems
    assert not parsed.unsupported
    request = Request(tuple(parsed.items), Exclusive(), rewrite_secrets=secrets)
    return Planner(Store(stored, {}), request).plan()


def applied(stored: Mapping[str, str], changes: Any) -> dict[str, str]:
    out = dict(stored)
    for change in changes.changes:
        for key in change.payload.delete:
            out.pop(key, None)
        out.update(change.payload.insert)
    return out


def shuffled(value: Any, rng: random.Random) -> Any:
    """Sets in another order, mappings too."""
    if isinstance(value, dict):
        items = list(value.items())
        rng.shuffle(items)
        return {key: shuffled(item, rng) if key != "match" else item for key, item in items}
    if isinstance(value, list):
        return rng.sample(value, len(value))
    return value


COMMON = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@COMMON
@given(first=documents(), second=documents(), seed=st.integers(0, 999))
def test_what_was_applied_is_found(first: dict[str, Any], second: dict[str, Any], seed: int) -> None:
    stored = dict(BASE)
    for document in (first, second):
        given_as = copy.deepcopy(document)
        stored = applied(stored, plan(stored, document))
        assert document == given_as
        again = plan(stored, document)
        assert not again.changed, again.diff()
        assert not plan(stored, shuffled(document, random.Random(seed))).changed


@COMMON
@given(document=documents())
def test_what_the_server_adds_never_counts(document: dict[str, Any]) -> None:
    stored = applied(BASE, plan(BASE, document))
    more = {
        "oauth.key": "x",
        "report.domain": "acme.test",
        "server.blocked-ip.192.0.2.9": "",
        "queue.route.mx.type": "mx",
    }
    assert not plan({**more, **stored}, document).changed


@COMMON
@given(document=documents())
def test_no_secret_in_a_diff(document: dict[str, Any]) -> None:
    changes = plan(BASE, document)
    assert "canary" not in f"{changes.diff()} {changes.summary()} {changes!r}"
    assert "canary" not in str(plan(applied(BASE, changes), document, secrets=False).diff())


@COMMON
@given(document=documents())
def test_an_export_of_it_plans_nothing(document: dict[str, Any]) -> None:
    stored = applied(BASE, plan(BASE, document))
    found, _left_out = export_settings(Store(stored, {}))
    parsed = parse(found)
    assert not Planner(Store(stored, {}), Request(tuple(parsed.items), Exclusive())).plan().changed
    assert "canary" not in str(found)


NATIVE_VALUES = st.one_of(
    WORD,
    st.booleans(),
    st.integers(0, 99),
    st.lists(WORD, min_size=1, max_size=12),
    st.none(),
    st.floats(0, 9, width=16),
)


@COMMON
@given(
    first=st.dictionaries(st.tuples(WORD, WORD).map(lambda p: f"x{p[0]}.y{p[1]}"), NATIVE_VALUES, max_size=6),
    second=st.dictionaries(st.tuples(WORD, WORD).map(lambda p: f"x{p[0]}.y{p[1]}"), NATIVE_VALUES, max_size=6),
)
def test_native_keys_likewise(first: dict[str, Any], second: dict[str, Any]) -> None:
    stored = dict(BASE)
    for document in (first, second, {key: second.get(key) for key in first}):
        stored = applied(stored, plan(stored, document, native=True))
        assert not plan(stored, document, native=True).changed


@pytest.mark.parametrize("kind", SINGLETONS, ids=lambda kind: kind.name)
def test_every_default_is_what_nothing_stored_means(kind: Kind) -> None:
    """A default, given, changes nothing: and it is a value that may be given."""
    body = {row.name: row.codec.default for row in kind.rows if row.key and row.codec.default is not None}
    assert not plan(BASE, {kind.name: body}).changed
