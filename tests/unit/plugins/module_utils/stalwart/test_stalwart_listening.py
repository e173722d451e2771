"""Which listeners are open: settings in, ports out; a port-forward's streams in, answers out."""

from __future__ import annotations

import socket
import typing as t

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import listeners_task, listening
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.listening import Listener, ask, listeners_of
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.portforward import Target

SUBMISSION, IMAP = Listener("submission", 587, "smtp", False), Listener("imap", 143, "imap", False)


def test_listeners_that_can_be_asked() -> None:
    settings = {
        "submission": {"bind": ["[::]:587"], "useTls": True},
        "imap": {"protocol": "imap", "bind": ["0.0.0.0:143", "[::]:143"], "tlsImplicit": False},
        "pop3s": {"protocol": "pop3", "bind": ["127.0.0.1:995"], "tlsImplicit": True},
        "elsewhere": {"bind": ["192.0.2.7:2525"]},
        "smtp": {"maxConnections": 5},
    }
    assert listeners_of(settings) == [SUBMISSION, IMAP, Listener("pop3s", 995, "pop3", True)]
    assert str(SUBMISSION) == "submission (587)"


BROKEN = b"broken"


class Forward:
    """Streams as the Kubernetes library has them. :param said: by port; none is a port that nobody listens on."""

    def __init__(self, said: t.Mapping[int, bytes | None]) -> None:
        self.said = said
        self.asked: dict[int, bytes] = {}
        self.closed = False

    def socket(self, port: int) -> socket.socket:
        mine, theirs = socket.socketpair()
        text = self.said[port]
        if text:
            theirs.sendall(text)
        if text != b"-":
            theirs.close()
        self.kept = theirs
        return mine

    def error(self, port: int) -> str | None:
        return {
            None: "failed to connect to localhost:587: connect: connection refused",
            BROKEN: "error copying from remote stream: connection reset by peer",
        }.get(self.said[port])

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("listener", "said", "state", "what"),
    [
        (SUBMISSION, b"220 mail.acme.test ESMTP\r\n", "open", "220 mail.acme.test ESMTP"),
        (SUBMISSION, b"421 too many\r\n", "silent", "421 too many"),
        (SUBMISSION, b"", "silent", "nothing"),
        (SUBMISSION, BROKEN, "silent", "error copying from remote stream: connection reset by peer"),
        (SUBMISSION, None, "closed", "refuses the connection"),
        (SUBMISSION, b"-", "silent", "no greeting (TimeoutError)"),
        (IMAP, b"* OK ready\r\n", "open", "* OK ready"),
        (Listener("pop3", 110, "pop3", False), b"+OK ready\r\n", "open", "+OK ready"),
        (Listener("pop3s", 995, "pop3", True), b"+OK ready\r\n", "silent", "no greeting"),
    ],
)
def test_answers(
    monkeypatch: pytest.MonkeyPatch, listener: Listener, said: bytes | None, state: str, what: str
) -> None:
    monkeypatch.setattr(listening, "GREETING_TIMEOUT", 0.2)
    forward = Forward({listener.port: said})
    (answer,) = ask(t.cast(t.Any, forward), [listener])
    assert answer.state == state
    # Whether TLS finds the wrong octets or the end of the stream first is the machine's affair.
    assert answer.said.startswith(what) if listener.tls else answer.said == what
    assert forward.closed


class World:
    """A pod behind a Service, look by look. :param looks: the pod's UID, and what its ports say."""

    def __init__(self, *looks: tuple[str, t.Mapping[int, bytes | None]] | Failure) -> None:
        self.looks = list(looks)

    def find(self) -> Target:
        self.look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(self.look, Failure):
            raise self.look
        return Target("stalwart-0", 8080, self.look[0])

    def forward(self, pod: str, ports: t.Sequence[int]) -> Forward:
        assert not isinstance(self.look, Failure)
        assert (pod, ports) == ("stalwart-0", [587, 143])
        return Forward(self.look[1])


ALL = {587: b"220 x\r\n", 143: b"* OK\r\n"}
NONE: dict[int, bytes | None] = {587: None, 143: None}
NOT_READY = Failure("kubernetes", "not_ready", "no pod behind the Service stalwart-web is ready.")


def until(world: World, seconds: float, replaced: str | None = None) -> dict[str, t.Any]:
    both = t.cast(t.Any, world)
    return listeners_task._Look(both, both, [SUBMISSION, IMAP], replaced).until(seconds)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners_task, "INTERVAL", 0.0)


def test_one_look_says_what_it_finds() -> None:
    found = until(World(("a", {**ALL, 587: None})), 0)
    assert (found["closed"], found["ready"], found["pod"], found["uid"]) == (["submission"], False, "stalwart-0", "a")
    found = until(World(("a", {**ALL, 143: b"* BYE\r\n"})), 0)
    assert (found["closed"], found["ready"]) == ([], False)
    assert until(World(("a", ALL)), 0)["ready"]
    with pytest.raises(Failure, match="no pod behind"):
        until(World(NOT_READY), 0)


def test_the_next_pod_is_waited_for_and_all_its_greetings() -> None:
    found = until(World(("a", ALL), NOT_READY, ("b", NONE), ("b", {**ALL, 143: b""}), ("b", ALL)), 30, replaced="a")
    assert (found["uid"], found["ready"]) == ("b", True)


@pytest.mark.parametrize(
    ("world", "waits_for"),
    [
        (World(("a", ALL)), "pod stalwart-0 has not been replaced yet"),
        (World(("b", {**ALL, 587: None})), r"submission \(587\) refuses the connection"),
        (World(NOT_READY), "no pod behind the Service stalwart-web is ready"),
    ],
)
def test_what_was_waited_for_in_vain_is_said(world: World, waits_for: str) -> None:
    with pytest.raises(Failure, match=waits_for) as raised:
        until(world, 0.05, replaced="a")
    assert raised.value.code == "not_ready"


def test_a_failure_that_time_does_not_mend_ends_the_wait() -> None:
    with pytest.raises(Failure, match="may not"):
        until(World(Failure("kubernetes", "forbidden", "the run's user may not open a port-forward.")), 30)
