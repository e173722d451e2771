"""A name server on loopback that answers what a test says, by UDP; with authority, as PowerDNS does."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class NameServer:
    """:param zone: values in presentation form by name (with its dot) and type."""

    def __init__(self) -> None:
        self.zone: dict[tuple[str, str], list[str]] = {}
        server = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                octets, sock = self.request
                sock.sendto(server.answer(octets), self.client_address)

        self._server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __str__(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def publish(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Items of records.yaml."""
        for item in records:
            self.zone[item["name"], item["type"]] = list(item["values"])

    def answer(self, octets: bytes) -> bytes:
        query = dns.message.from_wire(octets)
        (question,) = query.question
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        name, type_ = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
        values = self.zone.get((name, type_))
        if values:
            response.answer.append(dns.rrset.from_text(question.name, 300, "IN", type_, *values))
        elif not any(known == name for known, _type in self.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()
