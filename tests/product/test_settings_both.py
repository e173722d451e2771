"""Settings in part, settings that end and settings that go: the same on both generations."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from tests.contract import servers

from .server import Server, refusal, words

QUIET: dict[str, Any] = {"spamSettings": {"enable": False, "spamFilterRulesUrl": None}, "spamPyzor": {"enable": False}}


def test_headers_are_managed_one_by_one(both: Server) -> None:
    both.settings(QUIET)
    both.settings({"http.responseHeaders": {"X-One": "1", "X-Two": "2"}})
    assert words(both.settings({"http.responseHeaders": {"X-Two": "3"}})) == ["update http singleton"]
    whole = {"http.responseHeaders": {"X-One": "1", "X-Two": "3"}}
    assert not both.settings(whole)["changed"]
    alone = {"http.responseHeaders": {"X-Three": "3"}}
    assert both.settings(alone, exclusive=["http.responseHeaders"])["changed"]
    assert not both.settings(alone, exclusive=["http.responseHeaders"])["changed"]
    assert both.settings({"http.responseHeaders": {"X-Four": "4"}})["changed"]
    gone = {"http.responseHeaders": {"X-Three": None}}
    assert both.settings(gone, state="absent")["changed"]
    assert not both.settings(gone, state="absent")["changed"]
    assert not both.settings({"http.responseHeaders": {"X-Four": "4"}}, exclusive=["http.responseHeaders"])["changed"]


def test_half_a_rate_keeps_the_other_half(both: Server) -> None:
    both.settings({**QUIET, "http.rateLimitAnonymous": {"count": 50, "period": "2d"}})
    assert both.settings({"http.rateLimitAnonymous": {"count": 5}})["changed"]
    assert not both.settings({"http.rateLimitAnonymous": {"count": 5}})["changed"]
    assert not both.settings({"http.rateLimitAnonymous": {"count": 5, "period": "2d"}})["changed"]
    assert not both.settings({"http": {"rateLimitAnonymous.period": 172_800_000}})["changed"]


def test_what_has_ended_counts_as_removed(both: Server) -> None:
    past = {"expiresAt": "2020-01-01T00:00:00Z"}
    both.settings({**QUIET, "allowedIp": {"192.0.2.9": {}}})
    first = both.settings({"allowedIp": {"192.0.2.9": past}, "blockedIp": {"203.0.113.9": past}})
    assert words(first) == ["delete allowedIp 192.0.2.9"]
    assert "its expiresAt is past" in str(first["warnings"])
    again = both.settings({"allowedIp": {"192.0.2.9": past}}, on_unsupported="report")
    assert not again["changed"]
    assert not both.settings({"allowedIp": {"192.0.2.9": None}}, state="absent")["changed"]
    assert refusal(both.settings, {"allowedIp": {"192.0.2.9": {"expiresAt": "soon"}}}).code == "invalid_value"


def test_a_domains_description_goes(both: Server) -> None:
    domain = {"domain": {"acme.test": {"description": "Acme"}}}
    both.settings({**QUIET, **domain})
    gone = {"domain": {"acme.test": {"description": None}}}
    assert words(both.settings(gone, state="absent")) == ["update domain acme.test"]
    assert not both.settings(gone, state="absent")["changed"]
    both.settings(domain)
    bare = {"domain": {"Acme.test": {}}}
    assert words(both.settings(bare, exclusive=["domain.Acme.test"])) == ["update domain acme.test"]
    assert not both.settings(bare, exclusive=["domain.acme.test"])["changed"]


#: What another kind of value stands in the place of one brings; none of it may be more than a refusal.
ODD: list[Any] = [
    [],
    [{}],
    ["a,b"],
    {"a": {"b": 1}},
    {"@type": ["Disabled"]},
    {"@type": {"a": 1}},
    2**70,
    -1.5,
    "\0",
    True,
]
PLACES = [
    "asn",
    "asn.@type",
    "blockedIp.203.0.113.9",
    "domain.acme.test.dkimManagement",
    "domain.acme.test.dkimManagement.algorithms",
    "http.rateLimitAnonymous",
    "http.responseHeaders",
    "imap.maxAuthFailures",
    "mtaRoute.out",
    "mtaRoute.out.authSecret",
    "mtaStageAuth.mustMatchSender",
    "spamClassifier.model",
    "spamSettings.scoreSpam",
    "systemSettings.defaultHostname",
    "tracer.Stdout.@type",
]


@pytest.fixture(params=["0.16", "0.15"], scope="module")
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One empty simulator of each generation for all rows."""
    with servers.opened("simulator", tmp_path_factory.mktemp("table"), request.param) as target:
        yield Server(target, target.simulator, request.param)


@pytest.mark.parametrize("place", PLACES)
def test_odd_values_are_refused_not_stumbled_over(table: Server, place: str) -> None:
    before = table.writes()
    for state in ("present", "absent"):
        for odd in ODD:
            with contextlib.suppress(Failure):
                table.settings({place: odd}, state=state, check=True)
    for prefix in ("a,b", "", ".", "domain.", place, f"{place}.x"):
        with contextlib.suppress(Failure):
            table.settings({"spamSettings.enable": False}, exclusive=[prefix], check=True)
    assert table.writes() == before
