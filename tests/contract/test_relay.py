"""Mail for others by a relay: routes, TLS, logins, and what becomes of what is refused (contract 4.12)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.pki import Authority

from . import relay, servers, waiting
from .api import Api, Target
from .mail import QUEUED, User, bounced, new_key, received, send, signatures, submission, text

#: As the default has it: whoever cannot be verified is trusted at the next attempt.
RELAXED = {"0": {"if": "retry_num > 0 && last_error == 'tls'", "then": "'lenient'"}}
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

    def route(through: relay.Relay, secret: dict[str, Any], start_tls: str = "require", relaxed: bool = False) -> None:
        user = {"authUsername": relay.USER, "authSecret": secret} if secret else {}
        common = {"address": through.address, "port": through.port, "implicitTls": through.tls == "implicit"}
        api.create("MtaRoute", type_="Relay", name="relay", **common, **user)
        for name in ("relay", "lenient"):
            tls = {"startTls": start_tls, "allowInvalidCerts": name == "lenient", "dane": "disable"}
            api.create("MtaTlsStrategy", name=name, mtaSts="disable", **tls)
        rule = {"match": RELAXED if relaxed else {}, "else": "'relay'"}
        api.update("MtaOutboundStrategy", "singleton", {"route": ROUTE, "tls": rule})
        assert "created" in api.action("ReloadSettings")

    def send_one(number: int = 1) -> None:
        with submission(api.target) as client:
            client.login(*alice.login)
            message = text(alice.address, stranger, Message_ID=f"<{number}@here.test>")
            assert send(client, alice.address, stranger, message).startswith(QUEUED)

    def sent(through: relay.Relay, secret: dict[str, Any], *how: str, **more: bool) -> None:
        route(through, secret, *how, **more)
        send_one()

    sent.again = send_one  # type: ignore[attr-defined]
    yield sent
    defaults = {"route": {**ROUTE, "else": "'mx'"}, "tls": {"match": {}, "else": "'default'"}}
    api.update("MtaOutboundStrategy", "singleton", defaults)
    api.clean()
    assert "created" in api.action("ReloadSettings")


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
        (message,) = through.receive()
    assert (message.sender, message.recipients) == (alice.address, [stranger])
    assert (message.user, message.encrypted) == (relay.USER, True)
    assert signatures(message.content, zone) == {"rsa": True, "ed25519": True}


def test_local_mail_stays(api: Api, alice: User, bob: User, sending: Any, authority: Authority, password: Path) -> None:
    with relay.running(authority, acme=relay.PASSWORD) as through:
        sending(through, file(password))
        through.receive()
        with submission(api.target) as client:
            client.login(*alice.login)
            assert send(client, alice.address, bob.address, text(alice.address, bob.address)).startswith(QUEUED)
        assert len(received(api.target, bob.key, bob.login, 1)) == 1
        assert len(through.taken) == 1


def test_a_wrong_password_waits_in_the_queue(
    api: Api, alice: User, stranger: str, sending: Any, authority: Authority, password: Path
) -> None:
    """Until the file holds the right one and the settings are loaded again, as the file is read then only."""
    password.write_text("Some-Other-Pass-99", encoding="utf-8")
    with relay.running(authority, acme=relay.PASSWORD) as through:
        sending(through, file(password))
        waiting.reasons(api, stranger)
        password.write_text(relay.PASSWORD, encoding="utf-8")
        sending.again(2)
        both = waiting.reasons(api, stranger, messages=2)
        assert ["Authentication failed" in reason for reason in both] == [True, True]
        assert {attempt[1] for attempt in through.attempts} == {"Some-Other-Pass-99"}
        assert "created" in api.action("ReloadSettings")
        sending.again(3)
        (message,) = through.receive()
        assert b"<3@here.test>" in message.content
    assert received(api.target, alice.key, alice.login, 0) == []


def test_a_login_that_is_not_made_returns_the_mail(api: Api, alice: User, sending: Any, authority: Authority) -> None:
    """A route without a password sends without one, and the relay's refusal is for good."""
    with relay.running(authority, acme=relay.PASSWORD) as through:
        sending(through, {})
        assert "with code 530 (5.7.0) 'Authentication required'" in bounced(api.target, alice.key, alice.login)
        assert through.taken == []


def test_a_file_that_is_missing(api: Api, alice: User, sending: Any, authority: Authority, folder: Path) -> None:
    with relay.running(authority, acme=relay.PASSWORD) as through:
        user = {"authUsername": relay.USER, "authSecret": file(folder / "nowhere")}
        api.create("MtaRoute", type_="Relay", name="relay", address=through.address, port=through.port, **user)
        refused = api.action("ReloadSettings")["notCreated"]["a"]
        assert "Failed to read secret from file" in str(refused)


def test_a_certificate_that_nobody_knows(
    api: Api, alice: User, stranger: str, sending: Any, password: Path, tmp_path: Path
) -> None:
    """Neither the password nor the mail leaves, at no attempt."""
    with relay.running(relay.authority(tmp_path), acme=relay.PASSWORD) as through:
        sending(through, file(password))
        (first,) = waiting.reasons(api, stranger)
        waiting.retry(api, stranger)
        assert waiting.reasons(api, stranger, attempts=2) == [first]
        assert "Handshake failed: invalid peer certificate" in first
        assert (through.attempts, through.taken) == ([], [])


def test_a_rule_that_trusts_anybody_at_the_second_attempt(
    api: Api, alice: User, stranger: str, sending: Any, password: Path, tmp_path: Path
) -> None:
    with relay.running(relay.authority(tmp_path), acme=relay.PASSWORD) as through:
        sending(through, file(password), relaxed=True)
        waiting.reasons(api, stranger)
        assert (through.attempts, through.taken) == ([], [])
        waiting.retry(api, stranger)
        assert len(through.receive()) == 1


def test_a_relay_that_ends_badly(
    api: Api, alice: User, stranger: str, sending: Any, authority: Authority, password: Path
) -> None:
    """What it says to QUIT changes nothing: neither of mail that it has taken nor of mail that it has refused."""
    with relay.running(authority, farewell="500 5.5.1 Never heard of it", acme=relay.PASSWORD) as through:
        sending(through, file(password))
        through.receive()
        assert waiting.reasons(api, stranger, messages=0) == []
        (route,) = [key for key in api.query("MtaRoute") if api.get("MtaRoute", key)["name"] == "relay"]
        api.update("MtaRoute", route, {"authUsername": None, "authSecret": {"@type": "None"}})
        assert "created" in api.action("ReloadSettings")
        sending.again(2)
        assert "with code 530 (5.7.0) 'Authentication required'" in bounced(api.target, alice.key, alice.login)
        assert len(through.taken) == 1


def test_a_relay_without_tls(api: Api, alice: User, sending: Any, authority: Authority, password: Path) -> None:
    """What requires TLS does not go on without, and the mail returns."""
    with relay.running(authority, "none", acme=relay.PASSWORD) as through:
        sending(through, file(password))
        assert "STARTTLS not advertised by host" in bounced(api.target, alice.key, alice.login)
        assert (through.attempts, through.taken) == ([], [])


def test_a_relay_in_the_clear(api: Api, alice: User, sending: Any, authority: Authority) -> None:
    with relay.running(authority, "none") as through:
        sending(through, {}, "disable")
        (message,) = through.receive()
        assert (message.user, message.encrypted) == (None, False)


def test_nobody_answers(api: Api, alice: User, stranger: str, sending: Any, authority: Authority) -> None:
    with relay.running(authority) as through:
        pass
    sending(through, {})
    (reason,) = waiting.reasons(api, stranger)
    assert "onnect" in reason


def test_mail_that_waits_outlives_the_server(
    api: Api, alice: User, stranger: str, sending: Any, authority: Authority
) -> None:
    waiting.outlives_the_server(api, alice.address, stranger, lambda through: sending(through, {}), authority)
