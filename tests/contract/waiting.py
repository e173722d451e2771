"""What waits in the queue of a server of either generation: why, and how it is tried again at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.sandbox.pki import Authority

from . import relay
from .api import Api, Http
from .mail import WAIT_SECONDS
from .v015.rest import Rest

LONG_AGO = "2020-01-01T00:00:00Z"


def reasons(client: Http, recipient: str, messages: int = 1, attempts: int = 1) -> list[str]:
    """Why mail to a recipient waits, as soon as that many messages do, each tried that often."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        found = _waiting(client, recipient)
        tried = [reason for reason, number in found if reason and number >= attempts]
        if len(tried) == messages == len(found) or time.monotonic() > deadline:
            assert len(tried) == messages == len(found), found
            return tried
        time.sleep(0.1)


def retry(client: Http, recipient: str) -> None:
    """Everything for the recipient that waits, now and not when its schedule says so."""
    simulator = client.target.simulator
    if simulator:
        simulator.request("POST", "/simulator/queue", recipient)
    elif isinstance(client, Rest):
        assert client.data("PATCH", "/api/queue/messages", params={"to": recipient}) is True
    else:
        for key, message in _messages(client).items():
            if recipient in message["recipients"]:
                client.update("QueuedMessage", key, {"nextRetry": LONG_AGO})


def outlives_the_server(
    client: Http, sender: str, recipient: str, send: Callable[[relay.Relay], object], authority: Authority
) -> None:
    """Mail for a relay that is down waits on after a SIGTERM and a new start, and leaves as it was once somebody answers.

    :param send: sends it, on a server that knows the relay by then.
    """
    assert client.target.restart
    with relay.running(authority) as through:
        pass
    send(through)
    reasons(client, recipient)
    client.target.restart()
    (reason,) = reasons(client, recipient)
    assert "onnect" in reason
    with relay.running(authority, port=through.port) as back:
        retry(client, recipient)
        (message,) = back.receive()
    assert (message.sender, message.recipients) == (sender, [recipient])
    assert b"Message-ID: <1@here.test>" in message.content
    assert reasons(client, recipient, messages=0) == []


def _waiting(client: Http, recipient: str) -> list[tuple[str, int]]:
    """(reason, attempts) of each message; no reason before the first attempt."""
    simulator = client.target.simulator
    if simulator:
        queue = simulator.request("GET", "/simulator/queue")
        return [(entry["reason"], entry["attempts"]) for entry in queue if entry["to"] == recipient]
    if isinstance(client, Rest):
        listed = client.data("GET", "/api/queue/messages", params={"values": "1", "to": recipient})["items"]
        states = [entry for message in listed for entry in message["recipients"] if entry["address"] == recipient]
        return [(_failure(entry["status"]), entry["retry_num"]) for entry in states]
    states = [message["recipients"].get(recipient) for message in _messages(client).values()]
    return [(entry["status"].get("errorMessage", ""), entry["retryCount"]) for entry in states if entry]


def _messages(api: Http) -> dict[str, Any]:
    assert isinstance(api, Api)
    listed = api.call("x:QueuedMessage/get", ids=api.query("QueuedMessage"))["list"]
    return {message["id"]: message for message in listed}


def _failure(status: Any) -> str:
    return str(status.get("temp_fail", "")) if isinstance(status, dict) else ""
