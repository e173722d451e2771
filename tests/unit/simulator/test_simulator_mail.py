"""Mail of the simulator that only test equipment can show: its faults, and what is in the queue when it dies."""

from __future__ import annotations

import asyncio
import smtplib
import sqlite3
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from tests.simulator import outbound
from tests.simulator.bounce import bounce
from tests.simulator.delivery import Queue, Queued
from tests.simulator.failures import PermanentFailure
from tests.simulator.fixture import Simulator, start_simulator

RAW = "From: alice@acme.test\r\nTo: alice@acme.test\r\nSubject: hi\r\n\r\nhi\r\n"
USER, PASSWORD = "alice@acme.test", "Zeta-Pass-7731-xx"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Simulator]:
    """With the user alice, on a domain that has a key."""
    started = start_simulator(tmp_path, SIMULATOR_GREETING_SECONDS="1.5", SIMULATOR_DKIM_RSA_SECONDS="0")
    credentials = {"0": {"@type": "Password", "secret": PASSWORD}}
    account = {"@type": "User", "name": "alice", "domainId": "#d", "credentials": credentials}
    started.call(
        ("x:Domain/set", {"create": {"d": {"name": "acme.test"}}}),
        ("x:Account/set", {"create": {"a": account}}),
    )
    yield started
    started.stop()


def _send(server: Simulator) -> None:
    context = ssl._create_unverified_context()
    with smtplib.SMTP_SSL("127.0.0.1", server.submissions_port, timeout=20, context=context) as client:
        client.login(USER, PASSWORD)
        client.sendmail(USER, [USER], RAW)


def _delivered(server: Simulator, count: int) -> int:
    """Bytes that alice's mail takes up, as soon as the queue holds that many messages."""
    deadline = time.monotonic() + 10
    while len(server.request("GET", "/simulator/queue")) != count:
        assert time.monotonic() < deadline, "the queue has other messages"
        time.sleep(0.05)
    (found,) = server.call(("x:Account/get", {"ids": None, "properties": ["usedDiskQuota"]}))
    return int(found["list"][0]["usedDiskQuota"])


def test_accepted_mail_survives_a_kill(server: Simulator) -> None:
    server.faults("delivery-stalled")
    _send(server)
    assert _delivered(server, 1) == 0
    server.kill()
    server.start()
    used = _delivered(server, 0)
    assert used > len(RAW)
    server.restart()
    assert _delivered(server, 0) == used


def test_mail_goes_with_its_account(server: Simulator) -> None:
    _send(server)
    assert _delivered(server, 0) > 0
    (found,) = server.call(("x:Account/query", {}))
    server.call(("x:Account/set", {"destroy": found["ids"]}))
    account = {"@type": "User", "name": "alice", "domainId": "b"}
    server.call(("x:Account/set", {"create": {"a": account}}))
    assert _delivered(server, 0) == 0


def test_an_unsigned_message(server: Simulator) -> None:
    """Both keys sign unless the fault is on: what is stored is shorter by their headers."""
    deadline = time.monotonic() + 10
    while len(server.call(("x:DkimSignature/query", {}))[0]["ids"]) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    server.faults("unsigned")
    _send(server)
    unsigned = _delivered(server, 0)
    server.faults()
    _send(server)
    assert _delivered(server, 0) - unsigned > unsigned + 400


def test_a_late_greeting(server: Simulator) -> None:
    server.faults("greeting-delay")
    start = time.monotonic()
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=20):
        assert time.monotonic() - start >= 1.5


def test_no_greeting_at_all(server: Simulator) -> None:
    server.faults("smtp-closed")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=20)
    server.faults()
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=20) as client:
        assert client.noop()[0] == 250


def test_bounce() -> None:
    failed = Queued(1, USER, "sales@acme.test", RAW.encode(), False, 0, "none")
    message = bounce("mail.acme.test", USER, failed, PermanentFailure("No."))
    assert b"\n" not in message.replace(b"\r\n", b"")
    assert b"To: alice@acme.test\r\n" in message
    assert b"Final-Recipient: rfc822;sales@acme.test\r\n" in message
    assert b"Subject: hi\r\n" in message


def test_what_nobody_has_foreseen_keeps_the_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    """As any other failure that may pass: with a reason, and a next attempt."""

    def send(*_: Any) -> None:
        raise UnicodeError("label empty or too long")

    async def run() -> list[dict[str, str | int]]:
        queue.start()
        queue.put(USER, ["x@other.test"], RAW.encode())
        async with asyncio.timeout(10):
            while not queue.waiting()[0]["reason"]:
                await asyncio.sleep(0.01)
        await queue.stop()
        return queue.waiting()

    monkeypatch.setattr(outbound, "send", send)
    route = outbound.Relay("a..b", 587, implicit_tls=False, start_tls="require", any_certificate=False)
    mta = Mock(faults=set(), hostname="mail.acme.test", relay=Mock(return_value=route))
    mta.is_local_domain.return_value = False
    queue = Queue(mta, sqlite3.connect(":memory:", isolation_level=None))
    (entry,) = asyncio.run(run())
    assert (entry["reason"], entry["attempts"]) == ("UnicodeError: label empty or too long", 1)
    assert queue._next() > 0
    assert queue._next() < 3600
