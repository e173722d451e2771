"""Mail by a tenant's relay, with the settings that follow from ``tenant_relay``, on servers of both generations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract import relay, waiting
from tests.contract.api import Api, Http
from tests.contract.mail import QUEUED, send, submission, text
from tests.contract.nameserver import NameServer
from tests.contract.v015.rest import Rest
from tests.contract.v015.test_relay import SCHEDULE
from tests.sandbox.pki import Authority

from .server import Server
from .test_relay import DOMAIN, QUIET, password, settings

__all__ = ["password"]
HOST = "smtp.relay.test"
ALICE, STRANGER = f"alice@{DOMAIN}", "x@other.test"
SECRET = "Str0ng-pass-77123"


@pytest.fixture
def client(both: Server) -> Http:
    return Rest(both.target) if both.generation == "0.15" else Api(both.target)


@pytest.fixture
def host(client: Http) -> Iterator[str]:
    """Where the relay is: 0.15 asks a name server of ours, 0.16 takes an address."""
    if not isinstance(client, Rest):
        yield relay.own_address()
        return
    names = NameServer()
    names.publish([{"name": f"{HOST}.", "type": "A", "values": [relay.own_address()]}])
    keys = {"resolver.type": "custom", "resolver.custom": f"udp://{names}", **SCHEDULE}
    values = [list(pair) for pair in keys.items()]
    client.operate({"type": "insert", "prefix": None, "values": values, "assert_empty": False})
    yield HOST
    names.close()


def post(server: Server) -> None:
    """A message of Alice's to a stranger."""
    with submission(server.target) as connection:
        connection.login(ALICE, SECRET)
        assert send(connection, ALICE, STRANGER, text(ALICE, STRANGER)).startswith(QUEUED)


@pytest.fixture
def tenant(both: Server, host: str) -> Server:
    both.settings({**QUIET, "domain": {DOMAIN: {}}})
    both.principals({"name": ALICE, "password": SECRET})
    return both


def test_no_certificate_is_trusted_that_nobody_knows(
    tenant: Server, client: Http, host: str, password: Path, tmp_path: Path
) -> None:
    """At the second attempt neither, by which the server's own rule takes any."""
    authority = Authority(tmp_path / "pki")
    authority.ensure()
    with relay.running(authority, acme=relay.PASSWORD) as through:
        assert tenant.settings(settings(tenant, password, host=host, port=through.port))["changed"]
        post(tenant)
        (first,) = waiting.reasons(client, STRANGER)
        waiting.retry(client, STRANGER)
        assert waiting.reasons(client, STRANGER, attempts=2) == [first]
        assert "invalid peer certificate" in first
        assert (through.attempts, through.taken) == ([], [])


def test_a_relay_in_the_own_network(tenant: Server, host: str, password: Path, tmp_path: Path) -> None:
    """Without TLS and without a user."""
    authority = Authority(tmp_path / "pki")
    authority.ensure()
    with relay.running(authority, "none") as through:
        given = settings(tenant, password, host=host, port=through.port, tls="none", username=None)
        given["mtaRoute"]["tenant-relay"].pop("authSecret")
        assert tenant.settings(given)["changed"]
        post(tenant)
        (message,) = through.receive()
    assert (message.sender, message.recipients) == (ALICE, [STRANGER])
    assert (message.user, message.encrypted) == (None, False)
