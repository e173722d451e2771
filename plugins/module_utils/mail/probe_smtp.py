# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SMTP as a mail client and as another server speak it: greeting, AUTH, envelope, message."""

from __future__ import annotations

import base64
import contextlib
import smtplib
import socket
import ssl
import typing as t

from ..tls import unverified_context
from . import probe_port as ports
from .checks import Wrong
from .probe_port import Port

#: Codes by which a server refuses a credential: 535 for one it has judged, 454 for a token that its directory does not
#: accept (contract 5.2).
REFUSED_LOGIN = (535, 454)
#: The longest command that the servers read.
LINE_OCTETS = 4096


class Reply(t.NamedTuple):
    """An answer. :param text: with the enhanced status code."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}"

    @property
    def accepted(self) -> bool:
        """2xx."""
        return 200 <= self.code < 300


class Session(smtplib.SMTP):
    """A connection to one port; the library's own connecting knows no other name for TLS than the address.

    :param helo: name in EHLO. :param tls: by default a context that looks at no certificate.
    :raises Wrong: when the port does not greet as it should.
    """

    def __init__(self, port: Port, helo: str, tls: t.Optional[ssl.SSLContext] = None) -> None:
        super().__init__(local_hostname=helo)
        self._host = port.host
        self.port = port
        self.sock = ports.connect(port, tls)
        try:
            self.greeting = ports.greet(port, self._greeting)
            self.sock.settimeout(ports.ANSWER_TIMEOUT)
            if not self.greeting.startswith("220"):
                raise ports.wrong_refusal(self.greeting)
            self._call(self.ehlo)
            #: Mechanisms that are offered in the clear.
            self.clear = () if port.tls else self.mechanisms
            if not port.tls and self.has_extn("starttls"):
                self._call(lambda: self.starttls(context=tls or unverified_context()))
                self._call(self.ehlo)
        except BaseException:
            self.close()
            raise

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            self.quit()
        self.close()

    def _greeting(self) -> str:
        try:
            return str(self._reply(self.getreply()))
        except smtplib.SMTPServerDisconnected as exc:
            # The library's words for every error of the connection, a time-out among them.
            if isinstance(exc.__context__, (TimeoutError, socket.timeout)):
                raise TimeoutError from None
            return ""

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on."""
        return hasattr(self.sock, "cipher")

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The SASL mechanisms that are offered."""
        return tuple(self.esmtp_features.get("auth", "").upper().split())

    @property
    def name(self) -> str:
        """The host name that the server gives in its answer to EHLO (RFC 5321 section 4.1.1.1)."""
        return (self.ehlo_resp or b"").partition(b"\n")[0].partition(b" ")[0].decode("ascii", "replace").lower()

    def bearer(self, address: str, token: str) -> Reply:
        """``AUTH XOAUTH2``, or OAUTHBEARER (RFC 7628) where that is offered and the other is not."""
        offered = self.mechanisms
        if "XOAUTH2" in offered or "OAUTHBEARER" not in offered:
            return self._auth("XOAUTH2", _xoauth2(address, token))
        return self._auth("OAUTHBEARER", f"n,a={address},\x01auth=Bearer {token}\x01\x01")

    def plain(self, user: str, password: str) -> Reply:
        """``AUTH PLAIN`` (RFC 4616)."""
        return self._auth("PLAIN", f"\0{user}\0{password}")

    def _auth(self, mechanism: str, initial: str) -> Reply:
        reply = self.command("AUTH", f"{mechanism} {_encoded(initial)}")
        # RFC 7628 section 3.2.3: the error is a challenge that the client answers with a dummy.
        return self.command("AQ==") if reply.code == 334 else reply

    def sender(self, address: str) -> Reply:
        """``MAIL FROM``"""
        return self.command("MAIL", f"FROM:<{address}>")

    def recipient(self, address: str) -> Reply:
        """``RCPT TO``"""
        return self.command("RCPT", f"TO:<{address}>")

    def message(self, raw: bytes) -> Reply:
        """``DATA``"""
        return self._call(lambda: self.data(raw))

    def command(self, verb: str, arguments: str = "") -> Reply:
        """Any command.

        :raises Wrong: when the server closes instead of answering, or does not answer.
        """
        return self._call(lambda: self.docmd(verb, arguments))

    def _call(self, call: t.Callable[[], tuple[int, bytes]]) -> Reply:
        try:
            return self._reply(call())
        except smtplib.SMTPDataError as exc:
            return Reply(exc.smtp_code, _text(exc.smtp_error))
        except smtplib.SMTPServerDisconnected as exc:
            raise Wrong("closed_at_once", f"{self.port} closes: {exc}") from None
        except ssl.SSLCertVerificationError as exc:
            raise ports.wrong_certificate(exc) from None
        except (smtplib.SMTPException, OSError) as exc:
            raise Wrong("greeting_slow", f"{self.port}: {type(exc).__name__}") from None

    @staticmethod
    def _reply(answer: tuple[int, bytes]) -> Reply:
        return Reply(answer[0], _text(answer[1]))


def fits(address: str, token: str) -> bool:
    """Whether a server takes the command that logs in with a token. Pure."""
    return len(_encoded(_xoauth2(address, token))) <= LINE_OCTETS - len("AUTH OAUTHBEARER \r\n")


def _xoauth2(address: str, token: str) -> str:
    return f"user={address}\x01auth=Bearer {token}\x01\x01"


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _text(octets: t.Any) -> str:
    text = octets.decode("utf-8", "replace") if isinstance(octets, bytes) else str(octets)
    return " ".join(text.split())


def refusal_cause(reply: Reply, otherwise: str) -> str:
    """The cause that a refused command stands for, as far as its code tells. Pure.

    :param otherwise: for everything else.
    """
    text = reply.text.lower()
    if "rate limit" in text or "4.4.5" in text or "too many" in text:
        return "rate_limited"
    if "quota" in text or "5.2.2" in text or "4.2.2" in text or reply.code == 552:
        return "over_quota"
    if reply.code == 550 and "not authorized" in text:
        return "login_forbidden"
    return otherwise
