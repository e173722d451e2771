# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificate a port of a mail server serves: TLS from the first byte, or after STARTTLS (RFC 3207, RFC 9051)."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import socket
import ssl
import sys
import typing as t

from ..tls import unverified_context

TIMEOUT = 15.0
_MAX_ANSWER = 65536
#: A certificate (DER), and what the server sends to lead from it to an issuer that clients know; leaf first.
Chain = t.Tuple[bytes, ...]
#: The last line of an SMTP reply; the tagged line of an IMAP answer, or its greeting.
_SMTP_END = re.compile(rb"(?:\A|\n)(\d{3}) [^\n]*\r?\n\Z")
_IMAP_END = re.compile(rb"(?:\A|\n)(?:\* |s )(OK|NO|BAD|PREAUTH|BYE)\b[^\n]*\r?\n\Z")


@dataclasses.dataclass(frozen=True)
class Port:
    """A port that has TLS.

    :param protocol: ``smtp``, ``imap`` or ``http``. :param starttls: TLS begins by a command.
    """

    number: int
    protocol: str
    starttls: bool = False


class Closed(Exception):
    """Nobody listens there, or the connection ended before TLS."""


class Broken(Exception):
    """There is a listener, but no TLS handshake."""


def chain(port: Port, connect: t.Callable[[int], t.Any], server_name: str) -> Chain:
    """The certificates that a client is sent who asks for that name; whether they are valid is not looked at.

    :param connect: opens a socket to a port's number.
    :raises Closed: :raises Broken: with the reason.
    :raises Failure: what ``connect`` raises.
    """
    try:
        with contextlib.closing(connect(port.number)) as sock:
            sock.settimeout(TIMEOUT)
            if port.starttls:
                _start(sock, port, server_name)
            with unverified_context().wrap_socket(sock, server_hostname=server_name) as secured:
                found = _sent(secured)
                # What was wanted is read: however the connection ends now, the certificate is the one that is served.
                with contextlib.suppress(OSError):
                    # The thread of a port-forward dies, and says so, when it has something for a socket that was closed.
                    secured.shutdown(socket.SHUT_WR)
                    while secured.recv(_MAX_ANSWER):
                        pass
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        raise Closed("the connection ends before TLS") from None
    except ssl.SSLError as exc:
        raise Broken(f"the TLS handshake fails ({exc.reason or exc})") from None
    except OSError as exc:
        raise Closed(exc.strerror or str(exc) or type(exc).__name__) from None
    if not found:
        raise Broken("the server shows no certificate")
    return found


def _sent(secured: ssl.SSLSocket) -> Chain:
    """Public since Python 3.13; 3.10 to 3.12 have it on the private object only, on which truststore, and so pip, relies, too."""
    if sys.version_info >= (3, 13):
        return tuple(secured.get_unverified_chain())
    # _ssl.ENCODING_DER is 2.
    return tuple(part.public_bytes(2) for part in t.cast(t.Any, secured)._sslobj.get_unverified_chain() or ())


def _start(sock: socket.socket, port: Port, server_name: str) -> None:
    if port.protocol == "smtp":
        greeting = _answer(sock, _SMTP_END)
        if greeting != b"220":
            raise Broken(f"the greeting is {greeting.decode()}")
        sock.sendall(f"EHLO {server_name}\r\n".encode())
        _answer(sock, _SMTP_END)
        sock.sendall(b"STARTTLS\r\n")
        said, wanted = _answer(sock, _SMTP_END), b"220"
    else:
        _answer(sock, _IMAP_END)
        sock.sendall(b"s STARTTLS\r\n")
        said, wanted = _answer(sock, _IMAP_END), b"OK"
    if said != wanted:
        raise Broken(f"STARTTLS is answered by {said.decode()}")


def _answer(sock: socket.socket, end: re.Pattern[bytes]) -> bytes:
    """The code of a whole answer."""
    text = b""
    while len(text) < _MAX_ANSWER:
        part = sock.recv(4096)
        if not part:
            raise Closed("the connection ends before TLS")
        text += part
        found = end.search(text)
        if found:
            return found[1]
    raise Broken("the answer before TLS has no end")
