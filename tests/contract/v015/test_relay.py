"""Mail for others by a relay: routes, TLS and logins (contract 0.15 sections 3.6 and 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.sandbox.pki import Authority

from .. import relay, waiting
from ..mail import QUEUED, bounced, send, signatures, submission, text
from ..nameserver import NameServer
from .rest import Rest
from .test_mail import User, _user

#: As the default has it: whoever cannot be verified is trusted at the next attempt.
RELAXED = {
    "queue.strategy.tls.0.if": "retry_num > 0 && last_error == 'tls'",
    "queue.strategy.tls.0.then": "'lenient'",
    "queue.strategy.tls.1.else": "'relay'",
}
STRICT = {"queue.strategy.tls": "'relay'"}
#: In other queues than this one a real server does not try again when it is told to: it says that it will, and changes nothing.
SCHEDULE = {
    "queue.schedule.relay.queue-name": "default",
    "queue.schedule.relay.retry": "1h",
    "queue.schedule.relay.expire": "1d",
    "queue.strategy.schedule": "'relay'",
}
HOST = "smtp.relay.test"
ROUTE = {"0.if": "is_local_domain('*', rcpt_domain)", "0.then": "'local'", "1.else": "'relay'"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return relay.authority(tmp_path_factory.mktemp("relay"))


@pytest.fixture(scope="module")
def environ(authority: Authority) -> dict[str, str]:
    """0.15 trusts public authorities only, whatever this says."""
    return {"SSL_CERT_FILE": str(authority.ca.certificate)}


@pytest.fixture
def host(rest: Rest) -> Iterator[str]:
    """The relay's name, which the server under test finds by a name server of ours."""
    names = NameServer()
    names.publish([{"name": f"{HOST}.", "type": "A", "values": [relay.own_address()]}])
    rest.insert({"type": "custom", "custom": f"udp://{names}"}, "resolver")
    yield HOST
    names.close()


@pytest.fixture
def alice(rest: Rest, domain: str) -> User:
    return _user(rest, domain, "alice")


@pytest.fixture
def stranger(name: str) -> str:
    """Nobody else writes to."""
    return f"x@not-{name}"


@pytest.fixture
def sending(rest: Rest, alice: User, stranger: str, host: str) -> Callable[..., None]:
    """Sends a message of Alice's to a stranger by the relay that is given."""

    def sent(through: relay.Relay, trusted: bool = False, relaxed: bool = False, address: str = host) -> None:
        route = {
            "type": "relay",
            "address": address,
            "port": str(through.port),
            "protocol": "smtp",
            "tls.implicit": str(through.tls == "implicit").lower(),
            "tls.allow-invalid-certs": str(trusted).lower(),
        }
        user = {"auth.username": relay.USER, "auth.secret": relay.PASSWORD} if through.users else {}
        rest.insert(route | user, "queue.route.relay")
        for name in ("relay", "lenient"):
            tls = {"starttls": "require", "dane": "disable", "mta-sts": "disable"}
            rest.insert(tls | {"allow-invalid-certs": str(name == "lenient").lower()}, f"queue.tls.{name}")
        rest.insert(ROUTE, "queue.strategy.route")
        rest.insert(SCHEDULE | (RELAXED if relaxed else STRICT))
        assert rest.reload() == {}
        with submission(rest.target) as client:
            client.login(*alice.login)
            message = text(alice.address, stranger, Message_ID="<1@here.test>")
            assert send(client, alice.address, stranger, message).startswith(QUEUED)

    return sent


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_mail_leaves_signed(
    rest: Rest, domain: str, alice: User, stranger: str, sending: Callable[..., None], authority: Authority, tls: str
) -> None:
    """By TLS, logged in, with the envelope and the signatures that it had."""
    names = {"Rsa": f"rsa-{domain}", "Ed25519": f"ed25519-{domain}"}
    for algorithm in names:
        assert rest.answer("POST", "/api/dkim", json={"algorithm": algorithm, "domain": domain}) == {"data": None}
    try:
        records = rest.data("GET", f"/api/dns/records/{domain}")
        zone = {entry["name"].rstrip("."): entry["content"] for entry in records if entry["type"] == "TXT"}
        with relay.running(authority, tls, acme=relay.PASSWORD) as through:
            sending(through, trusted=True)
            (message,) = through.receive()
    finally:
        rest.operate(*({"type": "clear", "prefix": f"signature.{name}."} for name in names.values()))
        assert rest.reload() == {}
    assert (message.sender, message.recipients) == (alice.address, [stranger])
    assert (message.user, message.encrypted) == (relay.USER, True)
    assert list(signatures(message.content, zone).values()) == [True, True]


def test_a_certificate_that_is_not_of_a_public_authority(
    rest: Rest, stranger: str, sending: Callable[..., None], authority: Authority
) -> None:
    """Neither the password nor the mail leaves, at no attempt."""
    with relay.running(authority, acme=relay.PASSWORD) as through:
        sending(through)
        (first,) = waiting.reasons(rest, stranger)
        waiting.retry(rest, stranger)
        assert waiting.reasons(rest, stranger, attempts=2) == [first]
        assert "Handshake failed: invalid peer certificate" in first
        assert (through.attempts, through.taken) == ([], [])


def test_a_rule_that_trusts_anybody_at_the_second_attempt(
    rest: Rest, stranger: str, sending: Callable[..., None], authority: Authority
) -> None:
    with relay.running(authority, acme=relay.PASSWORD) as through:
        sending(through, relaxed=True)
        waiting.reasons(rest, stranger)
        assert (through.attempts, through.taken) == ([], [])
        waiting.retry(rest, stranger)
        assert len(through.receive()) == 1


def test_a_wrong_password_waits_in_the_queue(
    rest: Rest, stranger: str, sending: Callable[..., None], authority: Authority
) -> None:
    with relay.running(authority, acme="Some-Other-Pass-99") as through:
        sending(through, trusted=True)
        (reason,) = waiting.reasons(rest, stranger)
        assert "Authentication failed" in reason
        assert through.taken == []


def test_a_relay_without_tls(rest: Rest, alice: User, sending: Callable[..., None], authority: Authority) -> None:
    """What requires TLS does not go on without, and the mail returns."""
    with relay.running(authority, "none", acme=relay.PASSWORD) as through:
        sending(through)
        assert "STARTTLS not advertised by host" in bounced(rest.target, alice.key, alice.login)
        assert (through.attempts, through.taken) == ([], [])


def test_an_address_is_no_host(rest: Rest, alice: User, sending: Callable[..., None], authority: Authority) -> None:
    """The server asks for its records, of which there are none, and the mail returns."""
    with relay.running(authority, acme=relay.PASSWORD) as through:
        sending(through, trusted=True, address=through.address)
        assert "record not found for MX" in bounced(rest.target, alice.key, alice.login)
        assert (through.attempts, through.taken) == ([], [])


def test_mail_that_waits_outlives_the_server(
    rest: Rest, alice: User, stranger: str, sending: Callable[..., None], authority: Authority
) -> None:
    waiting.outlives_the_server(
        rest, alice.address, stranger, lambda through: sending(through, trusted=True), authority
    )
