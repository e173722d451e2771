"""Random documents of the supported vocabulary on a live server."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .server import Server, words

LABELS = st.sampled_from(["one", "two", "three"])
NAMES = st.sampled_from(["a.test", "b.test", "c.test"])
TEXTS = st.sampled_from(["alpha", "b/c", "~d", "\u00fcber", "with space"])
EXPRESSIONS = st.sampled_from(["true", "false", "sender_domain == 'x.test'", "!is_empty(authenticated_as)", "'mx'"])


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def labelled(labels: st.SearchStrategy[str], body: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(labels, body, max_size=3)


def several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, max_size=3)


#: Aliases and names of domains come from different names, so that documents of one run never clash.
DOMAIN = some(
    description=st.none() | TEXTS,
    allowRelaying=st.booleans(),
    catchAllAddress=st.none() | st.sampled_from(["X@a.test", "y@b.test"]),
    dkimManagement=st.sampled_from([{"@type": "Manual"}, {"@type": "Automatic", "rotateAfter": "60d"}]),
    subAddressing=st.sampled_from([{"@type": "Enabled"}, {"@type": "Disabled"}]),
    reportAddressUri=st.none() | st.just("mailto:dmarc@a.test"),
)
EXPRESSION = EXPRESSIONS | st.fixed_dictionaries(
    {"else": EXPRESSIONS, "match": several(st.fixed_dictionaries({"if": EXPRESSIONS, "then": EXPRESSIONS}))}
)
DOCUMENT = some(
    domain=labelled(NAMES, DOMAIN),
    role=labelled(
        LABELS, some(enabledPermissions=several(st.sampled_from(["emailSend", "emailReceive", "jmapEmailGet"])))
    ),
    allowedIp=labelled(st.sampled_from(["192.0.2.1", "10.1.2.3/8", "2001:DB8::/32"]), some(reason=st.none() | TEXTS)),
    memoryLookupKey=labelled(st.sampled_from(["n:a", "n:b:c", "m:a"]), some(isGlobPattern=st.booleans())),
    mtaRoute=labelled(
        LABELS,
        st.fixed_dictionaries(
            {"@type": st.just("Relay"), "address": st.sampled_from(["r.test", "192.0.2.9"])},
            optional={"port": st.integers(1, 65535), "description": st.none() | TEXTS},
        ),
    ),
    spamSettings=some(
        enable=st.booleans(), scoreSpam=st.integers(-100, 100), greylistFor=st.none() | st.sampled_from(["5m", 1000])
    ),
    http=some(
        useXForwarded=st.booleans(), responseHeaders=st.dictionaries(st.sampled_from(["X-A", "x.b"]), TEXTS, max_size=2)
    ),
    mtaStageMail=some(isSenderAllowed=EXPRESSION),
    authentication=some(passwordMinLength=st.integers(1, 100), maxApiKeys=st.none() | st.integers(1, 9)),
)


#: What both generations can express.
COMMON = some(
    domain=labelled(NAMES, some(description=TEXTS)),
    allowedIp=labelled(st.sampled_from(["192.0.2.1", "10.1.2.3/8", "2001:DB8::/32"]), some(reason=TEXTS)),
    memoryLookupKey=labelled(st.sampled_from(["n:a", "n:b:c", "m:a"]), st.just({})),
    memoryLookupKeyValue=labelled(st.sampled_from(["v:a", "v:b"]), some(value=TEXTS).filter(bool)),
    mtaRoute=labelled(
        LABELS,
        st.fixed_dictionaries(
            {"@type": st.just("Relay"), "address": st.sampled_from(["r.test", "192.0.2.9"])},
            optional={"port": st.integers(1, 65535)},
        ),
    ),
    spamSettings=some(enable=st.booleans(), scoreSpam=st.integers(0, 100)),
    spamPyzor=some(timeout=st.sampled_from([1000, "5s", "1m"])),
    http=some(
        useXForwarded=st.booleans(), responseHeaders=st.dictionaries(st.sampled_from(["X-A", "X-B"]), TEXTS, max_size=2)
    ),
    mtaStageMail=some(isSenderAllowed=EXPRESSION),
    mtaStageAuth=some(mustMatchSender=EXPRESSION),
)


def shuffled(value: Any, data: st.DataObject) -> Any:
    """The same document with the members of its sets and the order of its keys changed."""
    if isinstance(value, dict):
        return {key: shuffled(value[key], data) for key in data.draw(st.permutations(list(value)))}
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return data.draw(st.permutations(value))
    return value


def thinned(value: Any, data: st.DataObject) -> Any:
    """A part of the same document: what is left out is not managed, so it never counts. Expressions stay whole."""
    if not isinstance(value, dict) or "@type" in value or "else" in value:
        return value
    kept = [key for key in value if data.draw(st.booleans())]
    return {key: thinned(value[key], data) for key in kept}


PROFILE = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def check_document(server: Server, document: dict[str, Any], data: st.DataObject) -> None:
    """Check mode predicts the run, writes nothing, and after the run there is nothing left to do."""
    before = server.writes()
    planned = server.settings(document, check=True)
    assert server.writes() == before
    done = server.settings(document)
    assert (done["changed"], words(done)) == (planned["changed"], words(planned))
    assert done["diff"] == planned["diff"]
    assert done["changed"] == bool(words(done))
    before = server.writes()
    for again in (shuffled(document, data), thinned(document, data), document):
        assert server.settings(again)["changes"] == []
    assert server.writes() == before


@PROFILE
@given(document=DOCUMENT, data=st.data())
def test_apply_then_plan_is_empty(server: Server, document: dict[str, Any], data: st.DataObject) -> None:
    server.settings({"spamPyzor.enable": False})
    check_document(server, document, data)


@PROFILE
@given(document=COMMON, data=st.data())
def test_the_same_documents_on_both_generations(both: Server, document: dict[str, Any], data: st.DataObject) -> None:
    both.settings({"spamPyzor.enable": False})
    check_document(both, document, data)


@settings(PROFILE, max_examples=12)
@given(document=DOCUMENT)
def test_an_export_is_the_same_document(server: Server, document: dict[str, Any]) -> None:
    server.settings({"spamPyzor.enable": False})
    server.settings(document)
    export = server.info(gather=[], export=True)["info"]["export"]
    assert server.settings(export["settings"], check=True)["changes"] == []
    assert not [entry for entry in export["left_out"] if entry["reason"].startswith(("does not", "cannot"))]
