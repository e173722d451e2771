"""One real PowerDNS for the whole session, with an empty parent zone for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.contract.powerdns.server import PowerDns, running


@pytest.fixture(scope="session")
def powerdns_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerDns]:
    """The server of the session."""
    with running(tmp_path_factory.mktemp("pdns")) as server:
        yield server


@pytest.fixture
def powerdns(powerdns_server: PowerDns) -> PowerDns:
    """The server with the parent zone and nothing else."""
    for zone in powerdns_server.api("GET", "/zones"):
        powerdns_server.api("DELETE", f"/zones/{zone['id']}", expected=204)
    powerdns_server.create_zone()
    return powerdns_server
