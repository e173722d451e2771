"""Mail for others by a relay: routes, TLS, logins, and what becomes of what is refused (contract 4.12)."""

from __future__ import annotations

import email
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.pki import Authority

from . import relay, servers
from .api import Api, Target
from .mail import QUEUED, WAIT_SECONDS, User, new_key, received, send, signatures, submission, text

ROUTE = {"match": {"0": {"if": "is_local_domain(rcpt_domain)", "then": "'local'"}}, "else": "'relay'"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("relay")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return relay.authority(folder)


@pytest.fixture(scope="module", params=[name for name in servers.names("0.16") if name != "url"])
def target(
    request: pytest.FixtureRequest, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """A server that trusts the authority."""
    trusted = {"SSL_CERT_FILE": str(authority.ca.certificate)}
    with servers.opened(request.param, tmp_path_factory.mktemp(request.param), **trusted) as opened:
        yield opened


@pytest.fixture
def password(folder: Path) -> Path:
    file = folder / "password"
    file.write_text(f"{relay.PASSWORD}\n", encoding="utf-8")
    return file


@pytest.fixture
def stranger(name: str) -> str:
    """Nobody else writes to."""
    return f"x@not-{name}"


@pytest.fixture
def sending(api: Api, alice: User, stranger: str, reloadable: None) -> Iterator[Callable[..., None]]:
    """Sends a message of Alice's to a stranger by the relay that is given."""

    def route(through: relay.Relay, secret: dict[str, Any], start_tls: str = "require") -> None:
        user = {"authUsername": relay.USER, "authSecret": secret} if secret else {}
        common = {"address": through.address, "port": through.port, "implicitTls": through.tls == "implicit"}
        api.create("MtaRoute", type_="Relay", name="relay", **common, **user)
        api.create("MtaTlsStrategy", name="relay", startTls=start_tls, dane="disable", mtaSts="disable")
        api.update("MtaOutboundStrategy", "singleton", {"route": ROUTE, "tls": {"match": {}, "else": "'relay'"}})
        assert "created" in api.action("ReloadSettings")

    def send_one(number: int = 1) -> None:
        with submission(api.target) as client:
            client.login(*alice.login)
            message = text(alice.address, stranger, Message_ID=f"<{number}@here.test>")
            assert send(client, alice.address, stranger, message).startswith(QUEUED)

    def sent(through: relay.Relay, secret: dict[str, Any], start_tls: str = "require") -> None:
        route(through, secret, start_tls)
        send_one()

    sent.again = send_one  # type: ignore[attr-defined]
    yield sent
    defaults = {"route": {**ROUTE, "else": "'mx'"}, "tls": {"match": {}, "else": "'default'"}}
    api.update("MtaOutboundStrategy", "singleton", defaults)
    api.clean()
    assert "created" in api.action("ReloadSettings")


def taken(through: relay.Relay, count: int = 1) -> list[relay.Taken]:
    deadline = time.monotonic() + WAIT_SECONDS
    while len(through.taken) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(through.taken) == count
    return through.taken


def waiting(target: Target, api: Api, stranger: str) -> str:
    """Why the message to the stranger is still in the queue, as soon as that is known."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        if target.simulator:
            found = [
                item["reason"] for item in target.simulator.request("GET", "/simulator/queue") if item["to"] == stranger
            ]
        else:
            listed = api.call("x:QueuedMessage/get", ids=api.query("QueuedMessage"))["list"]
            states = [item["recipients"][stranger]["status"] for item in listed if stranger in item["recipients"]]
            found = [state["errorMessage"] for state in states if state["@type"] == "TemporaryFailure"]
        found = [reason for reason in found if reason]
        if found or time.monotonic() > deadline:
            assert found, "nothing waits"
            return found[-1]
        time.sleep(0.2)


def bounced(api: Api, user: User) -> str:
    """What the sender is told."""
    ((_, raw),) = received(api.target, user.key, user.login, 1)
    part = next(part for part in email.message_from_bytes(raw).walk() if part.get_content_type() == "text/plain")
    return bytes(part.get_payload(decode=True)).decode()


def file(path: Path) -> dict[str, str]:
    return {"@type": "File", "filePath": str(path)}


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_mail_leaves_signed(
    api: Api,
    domain: str,
    name: str,
    alice: User,
    stranger: str,
    sending: Any,
    authority: Authority,
    password: Path,
    tls: str,
) -> None:
    """By TLS, logged in, with the envelope and the signatures that it had."""
    zone = {}
    for variant in ("Rsa", "Ed25519"):
        values = {"domainId": domain, "selector": variant.lower(), "stage": "active"}
        secret = {"@type": "Text", "secret": new_key(variant)}
        made = api.create("DkimSignature", type_=f"Dkim1{variant}Sha256", privateKey=secret, **values)
        public = api.get("DkimSignature", made, "publicKey")["publicKey"]
        zone[f"{variant.lower()}._domainkey.{name}"] = f"v=DKIM1; k={variant.lower()}; p={public}"
    with relay.running(authority, tls, acme=relay.PASSWORD) as through:
        sending(through, file(password))
        (message,) = taken(through)
    assert (message.sender, message.recipients) == (alice.address, [stranger])
    assert (message.user, message.encrypted) == (relay.USER, True)
    assert signatures(message.content, zone) == {"rsa": True, "ed25519": True}


def test_local_mail_stays(api: Api, alice: User, bob: User, sending: Any, authority: Authority, password: Path) -> None:
    with relay.running(authority, acme=relay.PASSWORD) as through:
        sending(through, file(password))
        taken(through)
        with submission(api.target) as client:
            client.login(*alice.login)
            assert send(client, alice.address, bob.address, text(alice.address, bob.address)).startswith(QUEUED)
        assert len(received(api.target, bob.key, bob.login, 1)) == 1
        assert len(through.taken) == 1


def test_a_wrong_password_waits_in_the_queue(
    target: Target, api: Api, alice: User, stranger: str, sending: Any, authority: Authority, password: Path
) -> None:
    """Until the file holds the right one and the settings are loaded again, as the file is read then only."""
    password.write_text("Some-Other-Pass-99", encoding="utf-8")
    with relay.running(authority, acme=relay.PASSWORD) as through:
        sending(through, file(password))
        assert "Authentication failed" in waiting(target, api, stranger)
        password.write_text(relay.PASSWORD, encoding="utf-8")
        sending.again(2)
        assert "Authentication failed" in waiting(target, api, stranger)
        assert {attempt[1] for attempt in through.attempts} == {"Some-Other-Pass-99"}
        assert "created" in api.action("ReloadSettings")
        sending.again(3)
        (message,) = taken(through)
        assert b"<3@here.test>" in message.content
    assert received(api.target, alice.key, alice.login, 0) == []


def test_a_login_that_is_not_made_returns_the_mail(api: Api, alice: User, sending: Any, authority: Authority) -> None:
    """A route without a password sends without one, and the relay's refusal is for good."""
    with relay.running(authority, acme=relay.PASSWORD) as through:
        sending(through, {})
        assert "with code 530 (5.7.0) 'Authentication required'" in bounced(api, alice)
        assert through.taken == []


def test_a_file_that_is_missing(api: Api, alice: User, sending: Any, authority: Authority, folder: Path) -> None:
    with relay.running(authority, acme=relay.PASSWORD) as through:
        user = {"authUsername": relay.USER, "authSecret": file(folder / "nowhere")}
        api.create("MtaRoute", type_="Relay", name="relay", address=through.address, port=through.port, **user)
        refused = api.action("ReloadSettings")["notCreated"]["a"]
        assert "Failed to read secret from file" in str(refused)


def test_a_certificate_that_nobody_knows(
    target: Target, api: Api, alice: User, stranger: str, sending: Any, password: Path, tmp_path: Path
) -> None:
    """Neither the password nor the mail leaves."""
    with relay.running(relay.authority(tmp_path), acme=relay.PASSWORD) as through:
        sending(through, file(password))
        assert "Handshake failed: invalid peer certificate" in waiting(target, api, stranger)
        assert (through.attempts, through.taken) == ([], [])


def test_a_relay_without_tls(api: Api, alice: User, sending: Any, authority: Authority, password: Path) -> None:
    """What requires TLS does not go on without, and the mail returns."""
    with relay.running(authority, "none", acme=relay.PASSWORD) as through:
        sending(through, file(password))
        assert "STARTTLS not advertised by host" in bounced(api, alice)
        assert (through.attempts, through.taken) == ([], [])


def test_a_relay_in_the_clear(api: Api, alice: User, sending: Any, authority: Authority) -> None:
    with relay.running(authority, "none") as through:
        sending(through, {}, "disable")
        (message,) = taken(through)
        assert (message.user, message.encrypted) == (None, False)


def test_nobody_answers(
    target: Target, api: Api, alice: User, stranger: str, sending: Any, authority: Authority
) -> None:
    with relay.running(authority) as through:
        pass
    sending(through, {})
    assert "onnect" in waiting(target, api, stranger)
