# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask name servers directly what they hold and compare it with what is desired, in normal forms. TTLs are not compared."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import time
import typing as t

from ..failure import Failure, missing_library
from ..powerdns import rrset as forms

try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.query
    import dns.rcode
    import dns.rdatatype
except ImportError:
    # forms.DNSPYTHON_IMPORT_ERROR tells; the task refuses to run without it.
    pass

#: From best to worst: what several name servers say adds up to the worst.
VERDICTS = ("match", "unknown", "missing", "conflict")
#: Octets of a UDP answer that pass any network unfragmented (DNS flag day 2020).
UDP_PAYLOAD = 1232
#: Seconds between two rounds of asking while waiting.
ROUND_PAUSE = 0.5

_PORT = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<four>[^:]*))(?::(?P<port>\d{1,5}))?\Z")


@dataclasses.dataclass(frozen=True)
class RecordSet:
    """What a name server should answer.

    :param values: normal forms, sorted; empty when nothing should be there.
    :param prefix: only the TXT values with this prefix count; others belong to somebody else.
    """

    name: str
    type: str
    values: tuple[str, ...]
    prefix: str | None = None


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one name server said.

    :param values: normal forms, sorted; none when it gave no usable answer.
    :param detail: why there is no usable answer, or what else was odd.
    """

    values: tuple[str, ...] | None
    detail: str = ""


@dataclasses.dataclass(frozen=True)
class NameServer:
    """An address and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def parse_nameserver(text: str) -> NameServer:
    """``192.0.2.1``, ``192.0.2.1:5300``, ``2001:db8::1`` or ``[2001:db8::1]:5300``.

    :raises Failure: ``invalid_value`` for anything else; a host name is refused because asking it would need a resolver.
    """
    try:
        return NameServer(str(ipaddress.ip_address(text)), 53)
    except ValueError:
        pass
    match = _PORT.match(text)
    try:
        if match is None:
            raise ValueError(text)
        address = str(ipaddress.ip_address(match.group("six") or match.group("four") or ""))
        port = int(match.group("port") or 53)
        if not 0 < port < 65536:
            raise ValueError(text)
    except ValueError:
        raise Failure(
            "dns",
            "invalid_value",
            f"name server {text!r} is not accepted; accepted is an IP address, with :port if it is not 53.",
            hint="Correct platform_powerdns_nameservers.",
        ) from None
    return NameServer(address, port)


def parse_record_set(index: int, item: t.Mapping[str, t.Any]) -> RecordSet:
    """One item of the option in normal form.

    :raises Failure: ``invalid_value`` naming the item.
    """
    try:
        type_ = forms.check_type(item["type"])
        present = item.get("state", "present") == "present"
        values = forms.canonical_values(type_, item.get("values") or []) if present else ()
        if present and not values:
            raise forms.NormalFormError("values is empty; give at least one, or state: absent")
        merge = item.get("merge")
        if merge and type_ != "TXT":
            raise forms.NormalFormError(f"merge is for TXT, not for {type_}")
        return RecordSet(forms.canonical_name(item["name"]), type_, values, merge["prefix"] if merge else None)
    except forms.NormalFormError as exc:
        raise Failure("dns", "invalid_value", f"rrsets[{index}] ({item['type']} {item['name']}): {exc}.") from None


def compare(desired: RecordSet, answer: Answer) -> str:
    """The verdict on one answer."""
    if answer.values is None:
        return "unknown"
    found = answer.values
    if desired.prefix is not None:
        found = tuple(value for value in found if forms.has_prefix(value, desired.prefix))
    if found == desired.values:
        return "match"
    return "conflict" if found else "missing"


def ask(server: NameServer, name: str, type_: str, *, authoritative: bool, timeout: float) -> Answer:
    """One query, by UDP and, when the answer is cut, by TCP.

    :param authoritative: the server must answer with authority (AA); else recursion is asked for.
    :param timeout: seconds.
    """
    query = dns.message.make_query(name, type_, use_edns=0, payload=UDP_PAYLOAD)
    if authoritative:
        query.flags &= ~dns.flags.RD
    try:
        response, _tcp = dns.query.udp_with_fallback(query, server.address, timeout=timeout, port=server.port)
    except dns.exception.Timeout:
        return Answer(None, f"no answer within {timeout:g} s")
    except (OSError, EOFError, dns.exception.DNSException) as exc:
        return Answer(None, f"{type(exc).__name__}: {exc}")
    return read_answer(response, type_, authoritative=authoritative)


def read_answer(response: dns.message.Message, type_: str, *, authoritative: bool) -> Answer:
    """The values of the type that was asked for; pure."""
    rcode = response.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Answer(None, f"answered {dns.rcode.to_text(rcode)}")
    if authoritative and not response.flags & dns.flags.AA:
        return Answer(None, "answered without authority")
    values: set[str] = set()
    aliases: list[str] = []
    for found in response.answer:
        for rdata in found:
            if found.rdtype == dns.rdatatype.from_text(type_):
                values.add(_value(type_, rdata))
            elif found.rdtype == dns.rdatatype.CNAME:
                aliases.append(rdata.to_text())
    return Answer(tuple(sorted(values)), f"is an alias of {', '.join(aliases)}" if aliases else "")


def _value(type_: str, rdata: t.Any) -> str:
    if type_ == "TXT":
        return forms.txt_value(b"".join(rdata.strings))
    text = rdata.to_text()
    try:
        return forms.canonical_value(type_, text)
    except forms.NormalFormError:
        # Equals nothing that can be desired, and is shown as it stands.
        return str(text)


def worst(verdicts: t.Iterable[str]) -> str:
    """What several verdicts add up to; nothing asked is nothing known."""
    found = list(verdicts)
    return max(found, key=VERDICTS.index) if found else "unknown"


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """The task of ``dns_check``: reads only, in check mode as well.

    :param params: validated against :data:`.argspec.DNS_CHECK`.
    :raises Failure: layer ``dns``; with ``must_match`` also ``not_converged`` and ``unreachable``.
    """
    if forms.DNSPYTHON_IMPORT_ERROR is not None:
        raise missing_library("dns", "dnspython", "to ask name servers")
    servers = [parse_nameserver(text) for text in params["nameservers"]]
    desired = [parse_record_set(index, item) for index, item in enumerate(params["rrsets"])]
    check = _Check(servers, params["authoritative"], float(params["timeout"]))
    end = time.monotonic() + params["wait"]
    check.ask_all(desired)
    while servers and check.open(desired) and time.monotonic() + ROUND_PAUSE < end:
        # Secondaries learn of a change by transfer; the deadline above bounds the wait.
        time.sleep(ROUND_PAUSE)
        check.ask_all(check.open(desired))
    result = check.result(desired)
    if params["must_match"]:
        _require(result)
    return result


class _Check:
    """The answers so far, by record set and name server."""

    def __init__(self, servers: list[NameServer], authoritative: bool, timeout: float) -> None:
        self.servers = servers
        self.authoritative = authoritative
        self.timeout = timeout
        self.queries = 0
        self.answers: dict[RecordSet, dict[NameServer, Answer]] = {}

    def ask_all(self, desired: t.Iterable[RecordSet]) -> None:
        """One round; a name server that stays silent once is not asked again in it."""
        silent: dict[NameServer, Answer] = {}
        for item in desired:
            answers = self.answers.setdefault(item, {})
            for server in self.servers:
                if server in silent:
                    answers[server] = silent[server]
                    continue
                self.queries += 1
                answers[server] = ask(
                    server, item.name, item.type, authoritative=self.authoritative, timeout=self.timeout
                )
                if answers[server].values is None and answers[server].detail.startswith("no answer"):
                    silent[server] = answers[server]

    def verdict(self, item: RecordSet) -> str:
        return worst(compare(item, answer) for answer in self.answers.get(item, {}).values())

    def open(self, desired: t.Iterable[RecordSet]) -> list[RecordSet]:
        """The record sets that do not match yet."""
        return [item for item in desired if self.verdict(item) != "match"]

    def result(self, desired: list[RecordSet]) -> dict[str, t.Any]:
        return {
            "changed": False,
            "verdict": worst(self.verdict(item) for item in desired),
            "rrsets": [
                {
                    "name": item.name,
                    "type": item.type,
                    "values": list(item.values),
                    "verdict": self.verdict(item),
                    "nameservers": [
                        {
                            "nameserver": str(server),
                            "verdict": compare(item, answer),
                            "values": None if answer.values is None else list(answer.values),
                            "detail": answer.detail,
                        }
                        for server, answer in self.answers.get(item, {}).items()
                    ],
                }
                for item in desired
            ],
            "queries": self.queries,
        }


def _require(result: t.Mapping[str, t.Any]) -> None:
    """:raises Failure: unless everything matches."""
    if result["verdict"] == "match":
        return
    wrong = [item for item in result["rrsets"] if item["verdict"] != "match"]
    names = [f"{item['type']} {item['name']} is {item['verdict']}{_why(item)}" for item in wrong]
    unknown = result["verdict"] == "unknown"
    hint = (
        "Check platform_powerdns_nameservers and that port 53 is reachable by UDP and TCP."
        if unknown
        else "Check that the name servers serve the zone that was written, and that its transfers work."
    )
    message = "; ".join(names[:10]) or "no record set was checked"
    raise Failure("dns", "unreachable" if unknown else "not_converged", f"{message}.", hint=hint, details=wrong)


def _why(item: t.Mapping[str, t.Any]) -> str:
    servers = [answer for answer in item["nameservers"] if answer["verdict"] == item["verdict"]]
    if not servers:
        return " (no name server was asked)"
    told = servers[0]["detail"] or (f"has {', '.join(servers[0]['values'])}" if servers[0]["values"] else "has nothing")
    return f" ({servers[0]['nameserver']} {told[:200]})"
