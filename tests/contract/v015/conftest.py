"""Fixtures of 0.15's contract tests: every server there is, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .. import servers
from ..api import Target
from .rest import Rest


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    """Of a server that is started here."""
    return {}


@pytest.fixture(scope="module", params=servers.names("0.15"))
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str]
) -> Iterator[Target]:
    """A server with the internal directory and without Pyzor, so that reloads work without name resolution."""
    with servers.opened(request.param, tmp_path_factory.mktemp(request.param), "0.15", **environ) as opened:
        client = Rest(opened)
        pairs = [
            ["spam-filter.enable", "false"],
            ["spam-filter.pyzor.enable", "false"],
            ["storage.directory", "internal"],
        ]
        client.operate({"type": "insert", "prefix": None, "values": pairs, "assert_empty": False})
        assert client.reload() == {}
        yield opened


@pytest.fixture
def rest(target: Target) -> Iterator[Rest]:
    client = Rest(target)
    yield client
    client.clean()


@pytest.fixture
def domain(rest: Rest, name: str) -> str:
    """A domain's name."""
    rest.create("domain", name)
    return name
