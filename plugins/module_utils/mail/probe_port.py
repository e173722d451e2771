# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A port of the mail host: how it is reached at the published address, when and how it greets, and its certificate."""

from __future__ import annotations

import dataclasses
import datetime
import socket
import ssl
import time
import traceback
import typing as t

from ..failure import missing_library
from .checks import Wrong

CRYPTOGRAPHY_IMPORT_ERROR: t.Optional[str]
try:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    CRYPTOGRAPHY_IMPORT_ERROR = None
except ImportError:
    CRYPTOGRAPHY_IMPORT_ERROR = traceback.format_exc()

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


def context() -> ssl.SSLContext:
    """TLS without a look at the certificate, which is a check of its own."""
    found = ssl.create_default_context()
    found.check_hostname = False
    found.verify_mode = ssl.CERT_NONE
    return found


def connect(port: Port) -> socket.socket:
    """A connection, with TLS where the port has it at once; its time-out is the greeting's.

    :raises Wrong: ``port_closed``, ``port_silent``, ``closed_at_once``, ``no_tls``.
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
        return context().wrap_socket(sock, server_hostname=port.host)
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


def certificate(port: Port, *, ca_path: t.Optional[str], trusted: bool, now: datetime.datetime) -> str:
    """Judge the certificate that the port serves for the mail host.

    :param trusted: one was configured, so a self-signed one is wrong.
    :raises Wrong: ``certificate_*``. :raises Failure: ``missing_library``.
    """
    if CRYPTOGRAPHY_IMPORT_ERROR is not None:
        raise missing_library("mail", "cryptography", "to read certificates")
    with connect(port) as sock:
        der = t.cast(ssl.SSLSocket, sock).getpeercert(binary_form=True)
    found = x509.load_der_x509_certificate(der or b"")
    end = found.not_valid_after_utc
    told = f"for {', '.join(_names(found)) or 'no name'}, until {end:%Y-%m-%d}"
    if found.issuer == found.subject:
        if trusted:
            raise Wrong("certificate_self_signed", f"self-signed, {told}")
        return f"self-signed (no certificate is configured yet), {told}"
    if not found.not_valid_before_utc <= now <= end:
        raise Wrong("certificate_expired", told)
    if not any(_covers(name, port.host) for name in _names(found)):
        raise Wrong("certificate_other_name", told)
    if trusted:
        _verify(port, ca_path)
    return f"issued by {found.issuer.rfc4514_string()}, {told}"


def _verify(port: Port, ca_path: t.Optional[str]) -> None:
    checking = ssl.create_default_context(cafile=ca_path)
    try:
        with socket.create_connection((port.address, port.number), CONNECT_TIMEOUT) as sock:
            checking.wrap_socket(sock, server_hostname=port.host).close()
    except ssl.SSLCertVerificationError as exc:
        raise Wrong("certificate_untrusted", exc.verify_message) from None
    except OSError as exc:
        raise Wrong("closed_at_once", f"{port}: {exc}") from None


def _names(found: x509.Certificate) -> list[str]:
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return [str(name) for name in names.get_values_for_type(x509.DNSName)]
    except x509.ExtensionNotFound:
        return [str(name.value) for name in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]


def _covers(name: str, host: str) -> bool:
    """RFC 9525 section 6.3: a wildcard is the whole left-most label."""
    name, host = name.lower().rstrip("."), host.lower().rstrip(".")
    return name == host or (name.startswith("*.") and name[2:] == host.partition(".")[2])
