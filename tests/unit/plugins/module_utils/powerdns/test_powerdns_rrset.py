"""Normal forms of names and values, against tables and against dnspython's wire format."""

from __future__ import annotations

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns import rrset as forms
from hypothesis import given
from hypothesis import strategies as st

label = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?", fullmatch=True)
host = st.lists(label, min_size=1, max_size=5).map(".".join)
anything_in_a_label = st.binary(min_size=1, max_size=12)
odd_name = st.lists(anything_in_a_label, min_size=1, max_size=4).map(lambda labels: dns.name.Name([*labels, b""]))


def wire(type_: str, text: str) -> bytes:
    rdata = dns.rdata.from_text("IN", type_, text, origin=dns.name.root, relativize=False)
    return rdata.to_digestable(dns.name.root)


class TestNames:
    @pytest.mark.parametrize(
        ("given_name", "expected"),
        [
            ("Acme.Omantel.TEST", "acme.omantel.test."),
            ("acme.omantel.test.", "acme.omantel.test."),
            ("*.acme.test", "*.acme.test."),
            ("_dmarc.acme.test", "_dmarc.acme.test."),
            (".", "."),
            (r"a\.b.test", r"a\.b.test."),
            (r"a\(b.test", "a(b.test."),
            (r"a\032b.test", r"a\032b.test."),
            (r"a\065b.test", "aab.test."),
        ],
    )
    def test_canonical(self, given_name: str, expected: str) -> None:
        assert forms.canonical_name(given_name) == expected

    @pytest.mark.parametrize(
        ("given_name", "why"),
        [
            ("", "absolute domain name"),
            ("@", "absolute domain name"),
            ("a b.test", "absolute domain name"),
            ("a..test", "no domain name"),
            (".test", "no domain name"),
            ("a" * 64 + ".test", "no domain name"),
            (".".join(["a" * 63] * 5), "no domain name"),
            ("müller.test", "A-label"),
            ("a\\", "no domain name"),
            (r"a\999.test", "no domain name"),
        ],
    )
    def test_refused(self, given_name: str, why: str) -> None:
        with pytest.raises(forms.NormalFormError, match=why):
            forms.canonical_name(given_name)

    @given(odd_name)
    def test_canonical_is_a_fixed_point_and_the_same_name(self, name: dns.name.Name) -> None:
        text = forms.canonical_name(name.to_text())
        assert forms.canonical_name(text) == text
        assert dns.name.from_text(text) == name

    @given(host)
    def test_case_and_trailing_dot_do_not_count(self, name: str) -> None:
        assert forms.canonical_name(name) == forms.canonical_name(name.swapcase() + ".")

    @pytest.mark.parametrize(
        ("name", "zone", "below"),
        [
            ("a.test.", "a.test.", True),
            ("b.a.test.", "a.test.", True),
            ("ba.test.", "a.test.", False),
            (r"b\.a.test.", "a.test.", False),
            ("test.", "a.test.", False),
        ],
    )
    def test_is_below(self, name: str, zone: str, below: bool) -> None:
        assert forms.is_below(name, zone) is below


class TestTxt:
    @given(st.binary(max_size=2000))
    def test_quoting_round_trip(self, octets: bytes) -> None:
        value = forms.txt_value(octets)
        assert forms.txt_octets(value) == octets
        assert value.isascii()
        assert value.isprintable()

    @given(st.text(max_size=600))
    def test_plain_text_is_taken_literally(self, text: str) -> None:
        if not text.startswith('"'):
            assert forms.txt_octets(forms.canonical_value("TXT", text)) == text.encode("utf-8", "surrogatepass")

    @given(st.binary(max_size=1000))
    def test_canonical_is_a_fixed_point(self, octets: bytes) -> None:
        value = forms.txt_value(octets)
        assert forms.canonical_value("TXT", value) == value

    @given(st.binary(max_size=1000))
    def test_wire_is_what_dnspython_makes_of_it(self, octets: bytes) -> None:
        data = wire("TXT", forms.txt_value(octets))
        strings, position = [], 0
        while position < len(data):
            strings.append(data[position + 1 : position + 1 + data[position]])
            position += 1 + data[position]
        assert b"".join(strings) == octets
        assert all(len(string) == 255 for string in strings[:-1])

    @given(st.lists(st.binary(max_size=255), min_size=1, max_size=6))
    def test_any_split_of_the_same_octets_is_equal(self, strings: list[bytes]) -> None:
        text = " ".join(forms.txt_value(string) for string in strings)
        assert forms.canonical_value("TXT", text) == forms.txt_value(b"".join(strings))

    @given(st.lists(st.binary(max_size=255), min_size=1, max_size=4))
    def test_dnspythons_presentation_form_is_equal(self, strings: list[bytes]) -> None:
        data = b"".join(bytes([len(string)]) + string for string in strings)
        rdata = dns.rdata.from_wire(dns.rdataclass.IN, dns.rdatatype.TXT, data, 0, len(data))
        assert forms.canonical_value("TXT", rdata.to_text()) == forms.txt_value(b"".join(strings))

    @pytest.mark.parametrize(
        ("given_value", "expected"),
        [
            ("v=spf1 mx -all", '"v=spf1 mx -all"'),
            ('"v=spf1 mx" " -all"', '"v=spf1 mx -all"'),
            ('"v=spf1 mx"\t" -all"', '"v=spf1 mx -all"'),
            ('say "hi"', '"say \\"hi\\""'),
            ("back\\slash", '"back\\\\slash"'),
            (r'"back\\slash"', '"back\\\\slash"'),
            (r'"\a\"\195\169"', r'"a\"\195\169"'),
            ("café", r'"caf\195\169"'),
            ('"café"', r'"caf\195\169"'),
            ('"a\tb"', r'"a\009b"'),
            ("", '""'),
            ('""', '""'),
            ("x" * 256, '"' + "x" * 255 + '" "x"'),
        ],
    )
    def test_canonical(self, given_value: str, expected: str) -> None:
        assert forms.canonical_value("TXT", given_value) == expected

    @pytest.mark.parametrize(
        ("given_value", "why"),
        [
            ('"open', "no sequence of quoted strings"),
            ('"a" b', "no sequence of quoted strings"),
            ('"a"b"c"', "no sequence of quoted strings"),
            (r'"a\256"', "escape over"),
            ('"a\\"', "no sequence of quoted strings"),
            (r'"a\1"', "no sequence of quoted strings"),
            (r'"a\12', "no sequence of quoted strings"),
            ('"a\\', "no sequence of quoted strings"),
            ("x" * 65280, "65279"),
        ],
    )
    def test_refused(self, given_value: str, why: str) -> None:
        with pytest.raises(forms.NormalFormError, match=why):
            forms.canonical_value("TXT", given_value)

    def test_the_longest_value_fills_the_rdata_exactly(self) -> None:
        longest = b"x" * forms.TXT_OCTETS
        assert len(wire("TXT", forms.canonical_value("TXT", longest.decode()))) == forms.RDATA_OCTETS

    @pytest.mark.parametrize(
        ("value", "prefix", "has"),
        [
            ('"v=spf1 -all"', "v=spf1", True),
            ('"V=SPF1 -all"', "v=spf1", True),
            ('"v=spf1"', "v=spf1", True),
            ('"v=spf10 -all"', "v=spf1", False),
            ('"x v=spf1"', "v=spf1", False),
            ('"v=DMARC1; p=none"', "v=DMARC1", True),
            ('"google-site-verification=abc"', "google-site-verification=", True),
        ],
    )
    def test_prefix(self, value: str, prefix: str, has: bool) -> None:
        assert forms.has_prefix(value, prefix) is has


class TestValues:
    @pytest.mark.parametrize(
        ("type_", "given_value", "expected"),
        [
            ("MX", "10 MAIL.acme.test", "10 mail.acme.test."),
            ("MX", "0 .", "0 ."),
            ("A", "192.0.2.1", "192.0.2.1"),
            ("AAAA", "2001:DB8:0::1", "2001:db8::1"),
            ("CNAME", r"A\(b.test.", "a(b.test."),
            ("SRV", "0 1 443 Mail.Acme.test", "0 1 443 mail.acme.test."),
            ("CAA", "0 issue letsencrypt.org", '0 issue "letsencrypt.org"'),
            ("TLSA", "3 1 1 " + "AB" * 16 + " " + "CD" * 16, "3 1 1 " + "ab" * 16 + "cd" * 16),
            ("TLSA", "3 0 0 AB CD", "3 0 0 abcd"),
            ("NAPTR", '100 10 "s" "" "" _SIP.test', '100 10 "s" "" "" _sip.test.'),
            ("URI", '10 1 "https://A/"', '10 1 "https://A/"'),
            ("NS", "NS1.test", "ns1.test."),
            ("PTR", "Mail.test", "mail.test."),
            ("DNAME", "X.test", "x.test."),
            ("TLSA", "3 0 0 " + "ab" * 300, "3 0 0 " + "ab" * 300),
        ],
    )
    def test_canonical(self, type_: str, given_value: str, expected: str) -> None:
        assert forms.canonical_value(type_, given_value) == expected
        assert forms.canonical_value(type_, expected) == expected

    @pytest.mark.parametrize(
        ("type_", "value"),
        [
            ("A", "192.0.2.01"),
            ("A", "192.0.2"),
            ("A", "mail.acme.test"),
            ("A", "192.0.2.1 192.0.2.2"),
            ("AAAA", "192.0.2.1"),
            ("AAAA", "::ffff:192.0.2.1"),
            ("AAAA", "fe80::1%eth0"),
            ("MX", "mail.acme.test"),
            ("MX", "10"),
            ("MX", "70000 mail.acme.test"),
            ("MX", "10 @"),
            ("MX", "10 mail..test"),
            ("MX", "10 a(b.test"),
            ("MX", "10 a_b.test"),
            ("MX", "10 -a.test"),
            ("MX", r"10 a\.b.test"),
            ("MX", "10 mail.test\n20 other.test"),
            ("CNAME", "a.test b.test"),
            ("NS", "a(b.test"),
            ("SRV", "0 1 mail.acme.test"),
            ("CAA", "0 is-sue x"),
            ("TLSA", "3 1 1 xyz"),
        ],
    )
    def test_refused(self, type_: str, value: str) -> None:
        with pytest.raises(forms.NormalFormError, match=r"no .* value|embeds an IPv4|domain name"):
            forms.canonical_value(type_, value)

    @given(st.integers(0, 65535), host)
    def test_mx_fixed_point(self, preference: int, target: str) -> None:
        value = forms.canonical_value("MX", f"{preference} {target}")
        assert forms.canonical_value("MX", value) == value
        assert wire("MX", value) == wire("MX", f"{preference} {target}.".upper())

    @given(st.ip_addresses(v=6))
    def test_aaaa_fixed_point(self, address) -> None:
        if "." in forms.dns.rdata.from_text("IN", "AAAA", str(address)).to_text():
            return
        value = forms.canonical_value("AAAA", address.exploded.upper())
        assert forms.canonical_value("AAAA", value) == value
        assert wire("AAAA", value) == address.packed

    @given(odd_name)
    def test_cname_with_any_octets(self, name: dns.name.Name) -> None:
        value = forms.canonical_value("CNAME", name.to_text())
        assert forms.canonical_value("CNAME", value) == value
        assert dns.name.from_text(value) == name

    @given(st.lists(st.ip_addresses(v=4).map(str), max_size=6), st.randoms())
    def test_order_and_repetition_do_not_count(self, values: list[str], random) -> None:
        shuffled = [*values, *values[:2]]
        random.shuffle(shuffled)
        assert forms.canonical_values("A", shuffled) == forms.canonical_values("A", values)

    @pytest.mark.parametrize("type_", ["SOA", "SPF", "ALIAS", "LUA", "TYPE65534", "", "RRSIG", "HTTPS"])
    def test_types_that_are_not_managed(self, type_: str) -> None:
        with pytest.raises(forms.NormalFormError, match="accepted are A, AAAA"):
            forms.check_type(type_)

    @pytest.mark.parametrize("ttl", [-1, 2**31])
    def test_ttl_out_of_range(self, ttl: int) -> None:
        with pytest.raises(forms.NormalFormError, match="2147483647"):
            forms.check_ttl(ttl)

    @pytest.mark.parametrize("text", ["v=DKIM1; p=<public key>", "<selector>._domainkey.acme.test", "<…>"])
    def test_placeholders(self, text: str) -> None:
        with pytest.raises(forms.PlaceholderError, match="placeholder"):
            forms.check_placeholder(text)

    @pytest.mark.parametrize("text", ["a < b", "<>", "x > y < z", "1<2"])
    def test_no_placeholders(self, text: str) -> None:
        assert forms.check_placeholder(text) == text
