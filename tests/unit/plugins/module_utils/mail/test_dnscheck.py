"""What an answer of a name server means; no network."""

from __future__ import annotations

from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import dnscheck
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.dnscheck import Answer, RecordSet
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "address", "port", "shown"),
    [
        ("192.0.2.1", "192.0.2.1", 53, "192.0.2.1:53"),
        ("192.0.2.1:5300", "192.0.2.1", 5300, "192.0.2.1:5300"),
        ("2001:DB8::1", "2001:db8::1", 53, "[2001:db8::1]:53"),
        ("[2001:db8::1]:5300", "2001:db8::1", 5300, "[2001:db8::1]:5300"),
        ("[2001:db8::1]", "2001:db8::1", 53, "[2001:db8::1]:53"),
    ],
)
def test_name_servers(text: str, address: str, port: int, shown: str) -> None:
    server = dnscheck.parse_nameserver(text)
    assert (server.address, server.port, str(server)) == (address, port, shown)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ns1.test",
        "192.0.2.1:",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:x",
        "192.0.2:53",
        "[192.0.2.1",
        ":53",
        "[]:53",
    ],
)
def test_name_servers_that_are_refused(text: str) -> None:
    with pytest.raises(Failure) as caught:
        dnscheck.parse_nameserver(text)
    assert caught.value.code == "invalid_value"
    assert repr(text) in caught.value.message
    assert "IP address" in caught.value.message


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"type": "SOA"}, "not managed"),
        ({"values": []}, "values is empty"),
        ({"values": ["x"]}, "no A value"),
        ({"name": "a..test"}, "no domain name"),
        ({"merge": {"prefix": "x"}}, "merge is for TXT"),
    ],
)
def test_record_sets_that_are_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(Failure, match=why) as caught:
        dnscheck.parse_record_set(3, {"name": "a.test", "type": "A", "values": ["192.0.2.1"], **change})
    assert caught.value.message.startswith("rrsets[3] (")


SPF = RecordSet("a.test.", "TXT", ('"v=spf1 -all"',), "v=spf1")
A = RecordSet("a.test.", "A", ("192.0.2.1",))
GONE = RecordSet("a.test.", "A", ())


@pytest.mark.parametrize(
    ("desired", "values", "verdict"),
    [
        (A, ("192.0.2.1",), "match"),
        (A, (), "missing"),
        (A, ("192.0.2.2",), "conflict"),
        (A, ("192.0.2.1", "192.0.2.2"), "conflict"),
        (A, None, "unknown"),
        (GONE, (), "match"),
        (GONE, ("192.0.2.1",), "conflict"),
        (SPF, ('"other"', '"v=spf1 -all"'), "match"),
        (SPF, ('"other"',), "missing"),
        (SPF, ('"v=spf1 ~all"', '"other"'), "conflict"),
        (SPF, ('"v=spf1 -all"', '"v=spf1 ~all"'), "conflict"),
    ],
)
def test_compare(desired: RecordSet, values: tuple[str, ...] | None, verdict: str) -> None:
    assert dnscheck.compare(desired, Answer(values)) == verdict


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], "unknown"),
        (["match", "match"], "match"),
        (["match", "unknown"], "unknown"),
        (["unknown", "missing"], "missing"),
        (["missing", "conflict", "match"], "conflict"),
    ],
)
def test_worst(verdicts: list[str], expected: str) -> None:
    assert dnscheck.worst(verdicts) == expected


def response(*rrsets: tuple[str, str, str], aa: bool = True, rcode: int = 0) -> dns.message.Message:
    message = dns.message.make_response(dns.message.make_query("a.test.", "TXT"))
    message.set_rcode(dns.rcode.Rcode(rcode))
    if aa:
        message.flags |= dns.flags.AA
    message.answer = [dns.rrset.from_text(name, 60, "IN", type_, text) for name, type_, text in rrsets]
    return message


class TestAnswer:
    def read(
        self, *rrsets: tuple[str, str, str], type_: str = "TXT", authoritative: bool = True, **more: Any
    ) -> Answer:
        return dnscheck.read_answer(response(*rrsets, **more), type_, authoritative=authoritative)

    def test_values_are_in_normal_form(self) -> None:
        assert self.read(("a.test.", "TXT", '"v=spf1" " -all"')).values == ('"v=spf1 -all"',)
        assert self.read(("a.test.", "MX", "10 MAIL.a.test."), type_="MX").values == ("10 mail.a.test.",)

    @given(st.binary(max_size=600))
    def test_any_octets(self, octets: bytes) -> None:
        text = dnscheck.forms.txt_value(octets)
        assert self.read(("a.test.", "TXT", text)).values == (text,)

    def test_nothing_there(self) -> None:
        assert self.read().values == ()
        assert self.read(rcode=dns.rcode.NXDOMAIN).values == ()

    @pytest.mark.parametrize("rcode", [dns.rcode.REFUSED, dns.rcode.SERVFAIL])
    def test_no_usable_answer(self, rcode: int) -> None:
        answer = self.read(rcode=rcode)
        assert answer.values is None
        assert dns.rcode.to_text(dns.rcode.Rcode(rcode)) in answer.detail

    def test_without_authority(self) -> None:
        assert self.read(("a.test.", "TXT", '"x"'), aa=False).values is None
        assert self.read(("a.test.", "TXT", '"x"'), aa=False, authoritative=False).values == ('"x"',)

    def test_an_alias_is_told(self) -> None:
        answer = self.read(("a.test.", "CNAME", "b.test."), ("b.test.", "A", "192.0.2.1"), type_="A")
        assert answer.values == ("192.0.2.1",)
        assert "b.test." in answer.detail


def params(**more: Any) -> dict[str, Any]:
    item = {"name": "a.test", "type": "A", "values": ["192.0.2.1"]}
    return {
        "rrsets": [item],
        "nameservers": [],
        "authoritative": True,
        "timeout": 0.2,
        "wait": 0,
        "must_match": False,
        **more,
    }


def test_nobody_asked_nothing_known() -> None:
    result = dnscheck.run(params(), check_mode=False)
    assert (result["verdict"], result["queries"], result["changed"]) == ("unknown", 0, False)
    with pytest.raises(Failure, match="no name server was asked"):
        dnscheck.run(params(must_match=True), check_mode=False)
