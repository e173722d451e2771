"""Load balancers that send the PROXY protocol (contract 2.6); that a change needs a restart was open (contract 10)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import servers
from .api import Api, Target

BALANCER, CLIENT = "127.0.0.2", "192.0.2.7"
VERSION_1 = f"PROXY TCP4 {CLIENT} 192.0.2.8 4711 25\r\n".encode()
VERSION_2 = (
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"
    + socket.inet_aton(CLIENT)
    + socket.inet_aton("192.0.2.8")
    + (4711).to_bytes(2, "big")
    + (25).to_bytes(2, "big")
)
#: Seconds for a greeting, and for seeing that there is none.
PATIENCE = 2


def greeting(target: Target, source: str, header: bytes = b"") -> bytes | None:
    """The first line of the SMTP port; None if it stays silent, nothing if it closes the connection."""
    assert target.smtp_port is not None
    with socket.create_connection(("127.0.0.1", target.smtp_port), PATIENCE, (source, 0)) as sock:
        sock.sendall(header)
        try:
            return sock.recv(512).partition(b"\r\n")[0]
        except TimeoutError:
            return None


def speaks_it(target: Target) -> None:
    assert (greeting(target, "127.0.0.1") or b"").startswith(b"220 ")
    for header in (VERSION_1, VERSION_2, b"PROXY UNKNOWN\r\n"):
        assert (greeting(target, BALANCER, header) or b"").startswith(b"220 "), header
    assert greeting(target, BALANCER) is None
    assert greeting(target, BALANCER, b"EHLO client.test\r\n") == b""


def speaks_smtp(target: Target) -> None:
    assert (greeting(target, BALANCER) or b"").startswith(b"220 ")


@pytest.fixture
def trusting(api: Api, domain: str, reloadable: None) -> Iterator[Api]:
    """Whoever is trusted tells the client's address, which the greeting shows."""
    if api.target.restart is None or api.target.smtp_port is None:
        pytest.skip("this server may not be restarted")
    before = api.get("SystemSettings", "singleton")
    names = {"defaultHostname": "mail.contract.test", "defaultDomainId": domain}
    api.update("SystemSettings", "singleton", {**names, "proxyTrustedNetworks": {f"{BALANCER}/32": True}})
    yield api
    back = {name: before[name] for name in (*names, "proxyTrustedNetworks")}
    api.call("x:SystemSettings/set", update={"singleton": back})
    api.update("SystemSettings", "singleton", {**names, "proxyTrustedNetworks": {}})
    api.target.restart()


def test_trusted_networks_count_from_the_next_start(trusting: Api) -> None:
    target = trusting.target
    assert target.restart is not None
    assert "created" in trusting.action("ReloadSettings")
    speaks_smtp(target)
    target.restart()
    speaks_it(target)


def test_the_client_is_who_the_balancer_says(trusting: Api) -> None:
    target = trusting.target
    assert target.restart is not None
    trusting.update("MtaStageConnect", "singleton", {"smtpGreeting": {"else": "remote_ip + ' ESMTP'"}})
    target.restart()
    try:
        assert greeting(target, BALANCER, VERSION_1) == f"220 {CLIENT} ESMTP".encode()
        assert greeting(target, BALANCER, VERSION_2) == f"220 {CLIENT} ESMTP".encode()
    finally:
        default = {"else": "system('hostname') + ' Stalwart ESMTP at your service'"}
        trusting.update("MtaStageConnect", "singleton", {"smtpGreeting": default})


@pytest.mark.parametrize("name", [name for name in servers.names("0.15") if name != "url"])
def test_0_15_reads_them_in_its_configuration(name: str, tmp_path: Path) -> None:
    toml = f'\n[server.proxy]\ntrusted-networks = ["{BALANCER}/32"]\n'
    with servers.opened(name, tmp_path, "0.15", toml=toml) as target:
        speaks_it(target)
