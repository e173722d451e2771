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
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator

from tests.sandbox import facts

from .stalwart import Stalwart

TIMEOUT = 20
SMTP, IMAP, IMPLICIT = (25, 465, 587), (143, 993), (465, 993)


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
    """Lines on a connection, before and after TLS."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")

    def line(self) -> str:
        return self._stream.readline().decode().rstrip()

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


@contextmanager
def secured(host: str, address: str, port: int, trust: ssl.SSLContext) -> Iterator[tuple[str, ssl.SSLSocket]]:
    """What a mail port says first (with STARTTLS), and the connection with TLS on. Raises where that cannot be had."""
    with socket.create_connection((address, port), timeout=TIMEOUT) as plain:
        greeting = ""
        if port not in IMPLICIT:
            dialogue = _Dialogue(plain)
            greeting = dialogue.line()
            if port in SMTP and not greeting:
                raise ConnectionAbortedError(f"{address}:{port} closes without a greeting")
            said = dialogue.smtp("EHLO client.test") if port in SMTP else greeting
            assert said.startswith("250" if port in SMTP else "* OK"), said
            said = dialogue.smtp("STARTTLS") if port in SMTP else dialogue.imap("STARTTLS")
            assert said.startswith("220" if port in SMTP else "a OK"), said
        with trust.wrap_socket(plain, server_hostname=host) as secure:
            yield greeting, secure


def mail(host: str, address: str, port: int) -> Answer:
    """What a mail port says, with TLS on; raises where it does not answer or its certificate is not trusted."""
    with secured(host, address, port, context()) as (greeting, secure):
        dialogue = _Dialogue(secure)
        first = greeting or dialogue.line()
        said = dialogue.smtp("EHLO client.test") if port in SMTP else dialogue.imap("CAPABILITY")
        return Answer(f"{address}:{port}", f"{first[:40]} | {said[:27]}", _certificate(secure))


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
