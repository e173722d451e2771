"""Fixtures: every server there is, and the simulator alone for what needs faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract import servers
from tests.contract.api import Target
from tests.contract.issuer import Issuer
from tests.simulator.fixture import start_simulator

from .server import Server


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A schema cache of the tests' own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        for name in ("URL", "USERNAME", "PASSWORD", "TOKEN"):
            patch.delenv(f"STALWART_API_{name}", raising=False)
        yield folder


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[Server]:
    """An empty simulator."""
    simulator = start_simulator(tmp_path, STALWART_HOSTNAME="mail.acme.test", SIMULATOR_DKIM_RSA_SECONDS="0.2")
    yield Server(Target("simulator", simulator.base_url, simulator.username, simulator.password), simulator)
    simulator.stop()


@pytest.fixture(params=servers.names("0.16"))
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """An empty server of each kind; one that is only named by its URL is as empty as its owner left it."""
    if request.param == "simulator":
        yield request.getfixturevalue("simulated")
        return
    with servers.opened(request.param, tmp_path) as target:
        yield Server(target)


@pytest.fixture(
    params=[(generation, name) for generation in ("0.16", "0.15") for name in servers.names(generation)], ids="-".join
)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """As ``server``, of both generations, for what is alike on them."""
    generation, name = request.param
    with servers.opened(name, tmp_path, generation) as target:
        yield Server(target, target.simulator, generation)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An OIDC issuer on loopback."""
    running = Issuer("sme-acme", "other").start()
    yield running
    running.stop()
