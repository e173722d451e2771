"""The task of powerdns_rrset against a real server: what is written comes back, whatever the value."""

from __future__ import annotations

from typing import Any

import dns.message
import dns.query
import dns.rdata
import dns.rdatatype
import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns import rrset as forms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.powerdns.rrsets import call, item
from tests.contract.powerdns.server import PowerDns

pytestmark = pytest.mark.usefixtures("powerdns")


class TestPresentationForm:
    """What PowerDNS gives back is, in normal form, what was sent; what it serves is, on the wire, what dnspython makes of it."""

    def served(self, server: PowerDns, name: str, type_: str) -> list[bytes]:
        query = dns.message.make_query(name, type_, use_edns=0, payload=1232)
        answer, _tcp = dns.query.udp_with_fallback(query, "127.0.0.1", port=server.dns_port, timeout=5)
        # A delegation's NS stand in the authority section.
        found = [*answer.answer, *answer.authority] if type_ == "NS" else answer.answer
        return sorted(rdata.to_digestable() for rrset in found for rdata in rrset)

    @staticmethod
    def wire(type_: str, value: str) -> bytes:
        if type_ == "CNAME":
            return dns.name.from_text(value).to_wire()
        return dns.rdata.from_text("IN", type_, value, origin=dns.name.root, relativize=False).to_digestable()

    def round_trip(self, server: PowerDns, type_: str, *values: str) -> None:
        assert call(server, item("rt.omantel.test", type_, *values))["owners"]["acme"]["verdict"] == "match"
        expected = [self.wire(type_, value) for value in forms.canonical_values(type_, values)]
        if type_ != "AAAA":
            assert self.served(server, "rt.omantel.test", type_) == sorted(expected)

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(octets=st.binary(max_size=700))
    def test_any_octets_in_txt(self, powerdns: PowerDns, octets: bytes) -> None:
        self.round_trip(powerdns, "TXT", forms.txt_value(octets))

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(text=st.text(max_size=80).filter(lambda text: not text.startswith('"') and "<" not in text))
    def test_any_text_in_txt(self, powerdns: PowerDns, text: str) -> None:
        self.round_trip(powerdns, "TXT", text)

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(address=st.ip_addresses(v=6))
    def test_aaaa(self, powerdns: PowerDns, address: Any) -> None:
        if "." not in dns.rdata.from_text("IN", "AAAA", str(address)).to_text():
            self.round_trip(powerdns, "AAAA", address.exploded)

    @pytest.mark.parametrize(
        ("type_", "values"),
        [
            ("A", ["192.0.2.1", "192.0.2.2"]),
            ("CAA", ['0 issue "letsencrypt.org; accounturi=https://x/y"', '128 iodef "mailto:a@b"', '0 issue "a\\"b"']),
            ("CNAME", ["Mail.Example.test"]),
            ("CNAME", [r"a\(b\@c\032d.test"]),
            ("DNAME", ["x.test"]),
            ("DS", ["1234 8 2 " + "AB" * 32]),
            ("MX", ["10 MAIL.x.test", "0 a-b.test"]),
            ("MX", ["0 ."]),
            ("NAPTR", ['100 10 "s" "SIP+D2U" "" _sip._udp.x.test']),
            ("NS", ["NS1.x.test"]),
            ("OPENPGPKEY", ["AAAA" * 100]),
            ("PTR", ["Mail.x.test"]),
            ("SMIMEA", ["3 0 0 " + "ab" * 300]),
            ("SRV", ["0 1 443 Mail.x.test", "0 0 0 ."]),
            ("SSHFP", ["1 1 " + "ab" * 20]),
            ("TLSA", ["3 1 1 " + "AB" * 32]),
            ("TXT", ["x" * forms.TXT_OCTETS]),
            ("URI", ['10 1 "ftp://x/Y"']),
        ],
    )
    def test_every_type(self, powerdns: PowerDns, type_: str, values: list[str]) -> None:
        if len(values[0]) > 60000:
            # Fits into a record, not into a DNS message; stored and read back all the same.
            assert call(powerdns, item("rt.omantel.test", type_, *values))["owners"]["acme"]["verdict"] == "match"
        else:
            self.round_trip(powerdns, type_, *values)
        assert not call(powerdns, item("rt.omantel.test", type_, *values))["changed"]
