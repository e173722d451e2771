# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stored listeners a server really has open (contract 4.9: a new one opens when the process starts).

Nothing of the management API tells. So their ports are asked, all in one port-forward: a port that refuses is a listener
that is not open; one that takes the connection and then says nothing right is open, and a restart would not mend it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..redact import Redactor
from ..tls import unverified_context

if t.TYPE_CHECKING:
    import socket

    from kubernetes.stream.ws_client import PortForward

#: Seconds for a greeting.
GREETING_TIMEOUT = 10.0
#: How a server opens a conversation, by protocol; HTTP's waits to be asked.
GREETINGS: t.Mapping[str, bytes] = {
    "smtp": b"220",
    "lmtp": b"220",
    "imap": b"* OK",
    "pop3": b"+OK",
    "manageSieve": b'"',
    "http": b"HTTP/",
}
_ASK = {"http": b"GET /healthz/live HTTP/1.0\r\n\r\n"}
#: A port-forward arrives at the pod's loopback, which only these take.
_REACHED = ("[::]", "0.0.0.0", "[::1]", "127.0.0.1")
OPEN, CLOSED, SILENT = "open", "closed", "silent"


@dataclasses.dataclass(frozen=True)
class Listener:
    """One port that a server should have open. :param tls: from the first byte."""

    name: str
    port: int
    protocol: str
    tls: bool

    def __str__(self) -> str:
        return f"{self.name} ({self.port})"


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came of asking. :param state: ``open``, ``closed`` or ``silent``. :param said: by the port, or about it."""

    listener: Listener
    state: str
    said: str

    def as_dict(self) -> dict[str, t.Any]:
        """For results."""
        return {"name": self.listener.name, "port": self.listener.port, "state": self.state, "said": self.said}


def listeners_of(settings: t.Mapping[str, t.Any]) -> list[Listener]:
    """The listeners among settings (``networkListener``) whose ports can be asked, each port once. Pure.

    :param settings: by name, with ``bind``, ``protocol`` and ``tlsImplicit``; without ``bind`` nothing tells the port.
    """
    found: dict[int, Listener] = {}
    for name, values in settings.items():
        for bind in values.get("bind") or ():
            host, _colon, port = str(bind).rpartition(":")
            if host in _REACHED:
                protocol, tls = str(values.get("protocol") or "smtp"), bool(values.get("tlsImplicit"))
                found.setdefault(int(port), Listener(name, int(port), protocol, tls))
    return list(found.values())


def ask(forward: PortForward, listeners: t.Sequence[Listener]) -> list[Answer]:
    """Greetings of all ports of a port-forward, which is used up then."""
    try:
        return [_ask(forward, listener) for listener in listeners]
    finally:
        forward.close()


def _ask(forward: PortForward, listener: Listener) -> Answer:
    try:
        said = _greeting(forward.socket(listener.port), listener)
        what = Redactor().body(said.decode("utf-8", "replace")).strip() or "nothing"
    except OSError as exc:
        said, what = b"", f"no greeting ({type(exc).__name__})"
    if said and said.startswith(GREETINGS.get(listener.protocol, b"")):
        return Answer(listener, OPEN, what)
    # Of a port that nobody listens on, the node says so instead of forwarding; a connection that breaks later has an error, too.
    error = forward.error(listener.port) or ""
    if "refused" in error.lower():
        return Answer(listener, CLOSED, "refuses the connection")
    return Answer(listener, SILENT, Redactor().body(error).strip() or what)


def _greeting(sock: socket.socket, listener: Listener) -> bytes:
    sock.settimeout(GREETING_TIMEOUT)
    if listener.tls:
        sock = unverified_context().wrap_socket(sock)
    if listener.protocol in _ASK:
        sock.sendall(_ASK[listener.protocol])
    said = b""
    while b"\n" not in said and len(said) < 1024:
        part = sock.recv(1024)
        if not part:
            break
        said += part
    return said
