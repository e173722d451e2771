"""Mail for other servers by a relay, as the real servers send it: by TLS where that is asked for, logged in (contract 4.12).

Nothing goes to the servers of a domain (MX): test equipment sends to nobody that a test has not named.
"""

from __future__ import annotations

import contextlib
import ipaddress
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from .failures import PermanentFailure, TemporaryFailure

#: Seconds for each step; the real servers are more patient.
TIMEOUT = 30
REQUIRE, DISABLE = "require", "disable"
_MECHANISMS = (("LOGIN", smtplib.SMTP.auth_login), ("PLAIN", smtplib.SMTP.auth_plain))


def system_addresses(host: str) -> list[str]:
    """Raises OSError."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class Relay:
    """A route to one server.

    :param start_tls: require, optional or disable.
    :param addresses: of a host. Raises OSError, TemporaryFailure or PermanentFailure.
    :param public_authorities: trusts these alone, whatever SSL_CERT_FILE says.
    """

    address: str
    port: int
    implicit_tls: bool
    start_tls: str
    any_certificate: bool
    username: str | None = None
    password: str | None = None
    addresses: Callable[[str], list[str]] = system_addresses
    public_authorities: bool = False


def send(relay: Relay, hostname: str, sender: str, recipient: str, message: bytes) -> None:
    """Blocks. Raises TemporaryFailure or PermanentFailure."""
    try:
        client = _connected(relay, hostname)
        try:
            _encrypted(relay, client)
            _logged_in(relay, client)
            commands: tuple[tuple[str, Callable[[], tuple[int, bytes]]], ...] = (
                (f"MAIL FROM:<{sender}> SIZE={len(message)}", lambda: client.mail(sender, [f"size={len(message)}"])),
                (f"RCPT TO:<{recipient}>", lambda: client.rcpt(recipient)),
                ("DATA", lambda: client.data(message)),
            )
            for command, say in commands:
                code, text = say()
                if code >= 400:
                    raise _refused(relay, command, code, text)
        finally:
            # The mail is the relay's, or its refusal known: what comes after changes neither.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                client.quit()
    except smtplib.SMTPDataError as error:
        raise _refused(relay, "DATA", error.smtp_code, error.smtp_error) from None
    except ssl.SSLError as error:
        reason = "invalid peer certificate" if isinstance(error, ssl.SSLCertVerificationError) else error.reason
        raise TemporaryFailure(f"Handshake failed: {reason}", "tls") from None
    except (OSError, smtplib.SMTPException) as error:
        raise TemporaryFailure(f"Connection failed: {error}", "connection") from None


def _connected(relay: Relay, hostname: str) -> smtplib.SMTP:
    outside = [each for each in relay.addresses(relay.address) if not ipaddress.ip_address(each).is_loopback]
    if not outside:
        raise connection_failed(relay.address, "host resolves loopback address")
    if relay.implicit_tls:
        client: smtplib.SMTP = smtplib.SMTP_SSL(local_hostname=hostname, timeout=TIMEOUT, context=_context(relay))
    else:
        client = smtplib.SMTP(local_hostname=hostname, timeout=TIMEOUT)
    client._host = relay.address  # type: ignore[attr-defined] # whom the certificate has to name
    for address in outside:
        try:
            client.connect(address, relay.port)
            break
        except OSError:
            if address == outside[-1]:
                raise
    return client


def connection_failed(host: str, reason: str) -> PermanentFailure:
    return PermanentFailure(reason, f"connection to '{host}' failed: {reason}")


def _context(relay: Relay) -> ssl.SSLContext:
    """OpenSSL's default reads SSL_CERT_FILE and SSL_CERT_DIR, as 0.16 does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if relay.public_authorities else ssl.create_default_context()
    if relay.public_authorities:
        context.load_verify_locations(capath=ssl.get_default_verify_paths().openssl_capath)
    if relay.any_certificate:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _encrypted(relay: Relay, client: smtplib.SMTP) -> None:
    client.ehlo()
    if relay.implicit_tls or relay.start_tls == DISABLE:
        return
    if client.has_extn("starttls"):
        client.starttls(context=_context(relay))
        client.ehlo()
    elif relay.start_tls == REQUIRE:
        reason = "STARTTLS not advertised by host."
        raise PermanentFailure(reason, f"TLS error from '{relay.address}': {reason}")


def _logged_in(relay: Relay, client: smtplib.SMTP) -> None:
    if relay.username is None or relay.password is None:
        return
    client.user, client.password = relay.username, relay.password  # type: ignore[attr-defined]
    offered = client.esmtp_features.get("auth", "").upper().split()
    for mechanism, authenticate in _MECHANISMS:
        if mechanism in offered:
            try:
                client.auth(mechanism, lambda challenge=None, say=authenticate: say(client, challenge))
            except smtplib.SMTPAuthenticationError as error:
                code, enhanced, text = _parts(error.smtp_code, error.smtp_error)
                raise TemporaryFailure(
                    f"Authentication failed: Code: {code}, Enhanced code: {enhanced}, Message: {text}", "connection"
                ) from None
            return
    raise connection_failed(relay.address, "Unsupported authentication mechanism")


def _parts(code: int, text: bytes | str) -> tuple[int, str, str]:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    enhanced, _, rest = words.partition(" ")
    return (code, enhanced, rest) if enhanced.count(".") == 2 else (code, f"{code // 100}.0.0", words)


def _refused(relay: Relay, command: str, code: int, text: bytes | str) -> TemporaryFailure | PermanentFailure:
    _, enhanced, words = _parts(code, text)
    told = f"host '{relay.address}' rejected command '{command}' with code {code} ({enhanced}) '{words}'"
    return PermanentFailure(words, told, f"{code} {enhanced} {words}") if code >= 500 else TemporaryFailure(told)
