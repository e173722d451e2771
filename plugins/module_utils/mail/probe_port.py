# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A port of the mail host: how it is reached at the published address, and when and how it greets."""

from __future__ import annotations

import dataclasses
import socket
import ssl
import time
import typing as t

from ..tls import unverified_context
from .checks import Wrong

#: Seconds for a connection, and for the greeting: RFC 5321 allows minutes, a sender's patience does not.
CONNECT_TIMEOUT = 4.0
GREETING_TIMEOUT = 8.0
#: Seconds for each answer after that: a server delays refusals of recipients by 5 seconds.
ANSWER_TIMEOUT = 12.0

_LIMITS = ("4.4.5", "too many", "rate limit")


@dataclasses.dataclass(frozen=True)
class Port:
    """:param service: its name in option ``ports``. :param tls: implicit TLS (RFC 8314)."""

    service: str
    address: str
    number: int
    host: str
    tls: bool

    def __str__(self) -> str:
        return f"[{self.address}]:{self.number}" if ":" in self.address else f"{self.address}:{self.number}"


def wrong_refusal(text: str) -> Wrong:
    """What to raise for a greeting that is none."""
    cause = "rate_limited" if any(words in text.lower() for words in _LIMITS) else "greeting_refused"
    return Wrong(cause, f"the greeting is {text!r}")


def checking(ca_path: t.Optional[str]) -> ssl.SSLContext:
    """TLS that trusts a private CA, or what the system trusts."""
    return ssl.create_default_context(cafile=ca_path)


def wrong_certificate(exc: ssl.SSLCertVerificationError) -> Wrong:
    """What to raise for a handshake that a :func:`checking` context ends."""
    return Wrong("certificate_untrusted", exc.verify_message)


def served(sock: t.Optional[socket.socket]) -> bytes:
    """The certificate (DER) of a connection; empty without TLS."""
    return (sock.getpeercert(binary_form=True) or b"") if isinstance(sock, ssl.SSLSocket) else b""


def connect(port: Port, tls: t.Optional[ssl.SSLContext] = None) -> socket.socket:
    """A connection, with TLS where the port has it at once; its time-out is the greeting's.

    :param tls: by default one that looks at no certificate.
    :raises Wrong: ``port_closed``, ``port_silent``, ``closed_at_once``, ``no_tls``, ``certificate_untrusted``.
    """
    try:
        sock = socket.create_connection((port.address, port.number), CONNECT_TIMEOUT)
    except ConnectionRefusedError:
        raise Wrong("port_closed", f"{port} refuses the connection", port=str(port.number)) from None
    except OSError as exc:
        why = "does not answer" if isinstance(exc, TimeoutError) else f"cannot be reached ({exc.strerror or exc})"
        raise Wrong("port_silent", f"{port} {why}", port=str(port.number)) from None
    sock.settimeout(GREETING_TIMEOUT)
    if not port.tls:
        return sock
    try:
        return (tls or unverified_context()).wrap_socket(sock, server_hostname=port.host)
    except ssl.SSLCertVerificationError as exc:
        raise wrong_certificate(exc) from None
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError):
        raise Wrong("closed_at_once", f"{port} closes during the TLS handshake") from None
    except ssl.SSLError as exc:
        raise Wrong("no_tls", f"{port}: {exc.reason or exc}") from None
    except OSError:
        raise Wrong("greeting_slow", f"{port}: no TLS handshake within {GREETING_TIMEOUT:g} s") from None


def greet(port: Port, read: t.Callable[[], str]) -> str:
    """The greeting, which must come in time.

    :param read: reads it from the connection; empty when that was closed.
    :raises Wrong: ``greeting_slow``, ``closed_at_once``.
    """
    start = time.monotonic()
    try:
        text = read()
    except TimeoutError:
        raise Wrong("greeting_slow", f"{port}: no greeting within {time.monotonic() - start:.0f} s") from None
    except (OSError, EOFError):
        text = ""
    if not text:
        raise Wrong("closed_at_once", f"{port} closes without a greeting")
    return text
