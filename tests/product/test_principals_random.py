"""Random principals on live servers of both generations: what check mode says is what happens, and then nothing is left to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.api import Target
from tests.simulator.fixture import start_simulator

from .server import Server, words
from .test_principals_both import SETTINGS

PEOPLE = [f"p{n}@acme.com" for n in range(4)]
GROUPS = [f"g{n}@acme.com" for n in range(2)]
LISTS = [f"l{n}@acme.com" for n in range(2)]
PERMISSIONS = ["email-send", "imapAuthenticate", "impersonate", "jmap-email-set", "pop3-list"]
SENDERS = ["noreply@shop.com", "*@news.shop.com", "boss@elsewhere.com"]

Document = list[dict[str, Any]]


def some(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), unique=True) if values else st.just([])


def options(**of: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=of)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    people = [_person(draw, name) for name in PEOPLE]
    there = [person["name"] for person in people if person.get("state") != "absent"]
    document = people + [_group(draw, name, there) for name in GROUPS] + [_list(draw, name) for name in LISTS]
    return draw(st.permutations(document))


def _person(draw: st.DrawFn, name: str) -> dict[str, Any]:
    enabled = draw(some(PERMISSIONS))
    more = draw(
        options(
            description=st.sampled_from(["A person", "Somebody"]),
            aliases=some([f"a{name}", f"b{name}", f"c{name}"]),
            quota=st.sampled_from([0, 1, 5_000_000_000]),
            locale=st.sampled_from(["en_US", "ar_OM"]),
            roles=st.sampled_from([["user"], ["admin"]]),
            receive_mail=st.booleans(),
            send_as=some(SENDERS),
            enabled_permissions=st.just(enabled),
            disabled_permissions=some([entry for entry in PERMISSIONS if entry not in enabled]),
        )
    )
    state = draw(st.sampled_from(["present", "present", "suspended", "absent"]))
    return {"name": name, "state": state, "confirm_data_loss": True, **more}


def _group(draw: st.DrawFn, name: str, there: list[str]) -> dict[str, Any]:
    more = draw(
        options(
            description=st.just("A group"),
            members=some(there),
            receive_mail=st.booleans(),
            quota=st.sampled_from([0, 7]),
        )
    )
    return {"name": name, "type": "group", **more}


def _list(draw: st.DrawFn, name: str) -> dict[str, Any]:
    more = draw(options(members=some([*PEOPLE, *GROUPS, "x@gmail.com", "y@elsewhere.com"]), aliases=some([f"a{name}"])))
    return {"name": name, "type": "list", "state": draw(st.sampled_from(["present", "absent"])), **more}


def shuffled(document: Document) -> Document:
    """The same, said in another order."""
    return [
        {key: value[::-1] if isinstance(value, list) else value for key, value in reversed(entry.items())}
        for entry in reversed(document)
    ]


@pytest.fixture(scope="module", params=["0.16", "0.15"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    simulator = start_simulator(tmp_path_factory.mktemp("random"), request.param, STALWART_HOSTNAME="mail.acme.test")
    target = Target("simulator", simulator.base_url, simulator.username, simulator.password)
    server = Server(target, simulator, request.param)
    # Below a public suffix, because 0.15 takes no other outside members on a list that exists.
    server.settings({**SETTINGS, "domain": {"acme.com": {}}})
    yield server
    simulator.stop()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(document=documents())
def test_apply_leaves_nothing_to_do(shared: Server, document: Document) -> None:
    """One server sees all documents, so each one starts where the last one left it."""
    writes = shared.writes()
    planned = shared.principals(*document, check=True)
    assert shared.writes() == writes
    done = shared.principals(*document)
    assert (done["changed"], words(done), done["diff"]) == (planned["changed"], words(planned), planned["diff"])
    writes = shared.writes()
    assert shared.principals(*shuffled(document))["diff"] == []
    assert shared.writes() == writes
