"""Every port of a tenant, asked from outside the cluster as clients do it, with certificates that the sandbox's authority
vouches for: greetings, EHLO, and the JMAP session through the Gateway.

On the sandbox: ``python -m tests.live.ports acme``.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Iterator

from tests.sandbox import facts

from .stalwart import Stalwart

TIMEOUT = 20
SMTP, IMAP, IMPLICIT = (25, 465, 587), (143, 993), (443, 465, 993)
#: How the answers of `of_tenant` begin.
EXPECTED = ["220 "] * 3 + ["* OK"] * 2 + ["200 "] * 3
#: A server takes five SMTP connections a second from one address, a run's among them, and closes further ones.
CLOSED = (ConnectionAbortedError, ConnectionResetError, ssl.SSLEOFError)
PATIENCE = 10


@dataclass(frozen=True)
class Answer:
    """:param said: the greeting with EHLO's or CAPABILITY's first line, or an HTTP status and what the session names."""

    port: str
    said: str
    certificate: str

    def __str__(self) -> str:
        return f"{self.port:<26} {self.said:<70} {self.certificate}"


def context() -> ssl.SSLContext:
    """Trusts the sandbox's authority and no other."""
    return ssl.create_default_context(cafile=str(facts.settings().ca_file))


def _certificate(secure: ssl.SSLSocket) -> str:
    found = secure.getpeercert() or {}
    names = [name for _kind, name in found.get("subjectAltName", ())]
    (issuer,) = [value for part in found["issuer"] for key, value in part if key == "commonName"]
    return f"{', '.join(names)} by {issuer}"


class _Dialogue:
    """Lines on a connection, before or after TLS."""

    def __init__(self, connection: socket.socket, port: int) -> None:
        self._connection = connection
        self._port = port
        self._stream = connection.makefile("rb")

    def line(self) -> str:
        line = self._stream.readline()
        if not line:
            raise ConnectionAbortedError(f"port {self._port} closes the connection")
        return line.decode().rstrip()

    def smtp(self, command: str = "") -> str:
        """The first line of the answer."""
        if command:
            self._connection.sendall(f"{command}\r\n".encode())
        first = line = self.line()
        while line[3:4] == "-":
            line = self.line()
        return first

    def imap(self, command: str) -> str:
        """The untagged line before the end of the command, or that end."""
        self._connection.sendall(f"a {command}\r\n".encode())
        lines = [self.line()]
        while not lines[-1].startswith("a "):
            lines.append(self.line())
        return lines[0]

    def greeting(self) -> str:
        """What a mail port says first."""
        said = self.smtp() if self._port in SMTP else self.line()
        self._check("the connection", said, "220" if self._port in SMTP else "* OK")
        return said

    def hello(self) -> str:
        """The first line of EHLO's or CAPABILITY's answer."""
        if self._port in SMTP:
            return self._check("EHLO", self.smtp("EHLO client.test"), "250")
        return self._check("CAPABILITY", self.imap("CAPABILITY"), "* CAPABILITY")

    def starttls(self) -> None:
        if self._port in SMTP:
            self.hello()
            self._check("STARTTLS", self.smtp("STARTTLS"), "220")
        else:
            self._check("STARTTLS", self.imap("STARTTLS"), "a OK")

    def _check(self, command: str, said: str, wanted: str) -> str:
        assert said.startswith(wanted), f"port {self._port} answers {command} by {said!r} instead of {wanted!r}"
        return said


@dataclass(frozen=True)
class Secured:
    """A port with TLS on; a web port greets with nothing."""

    greeting: str
    dialogue: _Dialogue
    connection: ssl.SSLSocket


@contextmanager
def _secured(host: str, address: str, port: int, trust: ssl.SSLContext) -> Iterator[Secured]:
    with socket.create_connection((address, port), timeout=TIMEOUT) as plain:
        greeting = ""
        if port not in IMPLICIT:
            clear = _Dialogue(plain, port)
            greeting = clear.greeting()
            clear.starttls()
        with trust.wrap_socket(plain, server_hostname=host) as secure:
            dialogue = _Dialogue(secure, port)
            if port in IMPLICIT and port in (*SMTP, *IMAP):
                greeting = dialogue.greeting()
            yield Secured(greeting, dialogue, secure)


@contextmanager
def secured(host: str, address: str, port: int, trust: ssl.SSLContext) -> Iterator[Secured]:
    """A port with TLS on (by STARTTLS where it starts without). Raises where that cannot be had."""
    deadline = time.monotonic() + PATIENCE
    with ExitStack() as stack:
        while True:
            try:
                found = stack.enter_context(_secured(host, address, port, trust))
                break
            except CLOSED:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)
        yield found


def mail(host: str, address: str, port: int) -> Answer:
    """What a mail port says, with TLS on; raises where it does not answer or its certificate is not trusted."""
    with secured(host, address, port, context()) as found:
        said = f"{found.greeting[:40]} | {found.dialogue.hello()[:27]}"
        return Answer(f"{address}:{port}", said, _certificate(found.connection))


def jmap(host: str, address: str, port: int, password: str, *, tls: bool = True) -> Answer:
    """The JMAP session (RFC 8620 section 2) of the recovery administrator."""
    with socket.create_connection((address, port), timeout=TIMEOUT) as plain:
        connection = context().wrap_socket(plain, server_hostname=host) if tls else plain
        with connection:
            credentials = base64.b64encode(f"admin:{password}".encode()).decode()
            connection.sendall(
                f"GET /jmap/session HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {credentials}\r\n"
                "Connection: close\r\n\r\n".encode()
            )
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 200, answer.read()[:200]
            session = json.loads(answer.read())
            assert session["apiUrl"].startswith(f"https://{host}/"), session["apiUrl"]
            said = f"200 | apiUrl {session['apiUrl']}"
            certificate = _certificate(connection) if isinstance(connection, ssl.SSLSocket) else ""
            return Answer(f"{address}:{port}", said, certificate)


def of_tenant(slug: str, host: str, address: str) -> Iterator[Answer]:
    """All of them: the mail host's at its published address, web by the Service and through the Gateway."""
    for port in (*SMTP, *IMAP):
        yield mail(host, address, port)
    with Stalwart(slug) as server:
        service = server.url.removeprefix("http://").partition(":")[0]
        yield jmap(host, service, 8080, server.admin_password, tls=False)
        yield jmap(host, service, 443, server.admin_password)
        yield jmap(host, facts.settings().gateway_address, 443, server.admin_password)


def main(slug: str) -> int:
    service = json.loads(facts.kubernetes("get", "service", "stalwart-smtp", "-n", f"tenant-{slug}", "-o", "json"))
    route = json.loads(facts.kubernetes("get", "httproute", "stalwart-web", "-n", f"tenant-{slug}", "-o", "json"))
    address = service["status"]["loadBalancer"]["ingress"][0]["ip"]
    for answer in of_tenant(slug, route["spec"]["hostnames"][0], address):
        print(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
