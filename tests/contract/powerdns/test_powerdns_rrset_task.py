"""The task of powerdns_rrset against a real server."""

from __future__ import annotations

import functools
import socket
from typing import Any

import dns.message
import dns.query
import dns.rdata
import dns.rdatatype
import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns import client
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns import rrset as forms
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns.argspec import POWERDNS_RRSET
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns.task import run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.powerdns.server import PowerDns

pytestmark = pytest.mark.usefixtures("powerdns")


def call(powerdns: PowerDns, /, *rrsets: dict[str, Any], check_mode: bool = False, **options: Any) -> dict[str, Any]:
    params = {name: option.get("default") for name, option in POWERDNS_RRSET.items()}
    params.update(api_url=powerdns.url, api_key=powerdns.key, rrsets=list(rrsets))
    params.update(options)
    return run(params, check_mode=check_mode)


def item(name: str, type_: str, *values: str, owner: str = "acme", **more: Any) -> dict[str, Any]:
    return {"zone": "omantel.test", "name": name, "type": type_, "values": list(values), "owner": owner, **more}


def tenant(slug: str) -> list[dict[str, Any]]:
    domain = f"{slug}.omantel.test"
    return [
        item(domain, "MX", f"10 mail.{domain}", owner=slug),
        item(domain, "TXT", "v=spf1 mx -all", owner=slug, merge={"prefix": "v=spf1"}),
        item(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p=reject; rua=mailto:dmarc@{domain}", owner=slug),
        item(f"mail.{domain}", "A", "192.0.2.25", owner=slug),
        item(f"s1._domainkey.{domain}", "TXT", "v=DKIM1; k=rsa; h=sha256; p=" + "A" * 392, owner=slug),
    ]


class TestConvergence:
    def test_create_then_nothing_then_drift_then_delete(self, powerdns: PowerDns) -> None:
        serial = powerdns.serial()
        planned, counts = powerdns.counted(lambda: call(powerdns, *tenant("acme"), check_mode=True))
        assert counts == {"GET": 1}
        assert powerdns.serial() == serial
        assert planned["changed"]
        assert planned["owners"]["acme"]["verdict"] == "missing"

        created, counts = powerdns.counted(lambda: call(powerdns, *tenant("acme")))
        assert counts == {"GET": 3, "PATCH": 1}
        assert created["requests"] == 4
        assert created["diff"] == planned["diff"]
        assert created["changes"] == planned["changes"]
        assert [entry["action"] for entry in created["rrsets"]] == ["create"] * 5
        assert created["owners"]["acme"] == {
            "verdict": "match",
            "failure": None,
            "changes": created["changes"],
            "diff": created["diff"],
        }
        mx = powerdns.rrsets()["acme.omantel.test.", "MX"]
        assert mx["records"] == [{"content": "10 mail.acme.omantel.test.", "disabled": False}]
        assert [(c["account"], c["content"]) for c in mx["comments"]] == [("tenantmail", "tenant=acme")]
        assert powerdns.rrsets()["acme.omantel.test.", "TXT"]["comments"] == []

        serial = powerdns.serial()
        shuffled = [
            {**entry, "name": entry["name"].upper() + ".", "values": entry["values"][::-1]}
            for entry in reversed(tenant("acme"))
        ]
        again, counts = powerdns.counted(lambda: call(powerdns, *shuffled))
        assert counts == {"GET": 1}
        assert powerdns.serial() == serial
        assert (again["changed"], again["diff"], again["changes"]) == (False, [], [])

        powerdns.put("mail.acme.omantel.test.", "A", "192.0.2.99")
        drifted = call(powerdns, *tenant("acme"), check_mode=True)
        assert drifted["diff"] == [
            {
                "before_header": "A mail.acme.omantel.test.",
                "after_header": "A mail.acme.omantel.test.",
                "before": "mail.acme.omantel.test. 300 IN A 192.0.2.99\n",
                "after": "mail.acme.omantel.test. 300 IN A 192.0.2.25\n",
            }
        ]
        assert call(powerdns, *tenant("acme"))["changes"] == drifted["changes"]

        gone = call(powerdns, *[{**entry, "state": "absent"} for entry in tenant("acme")])
        assert {change["action"] for change in gone["changes"]} == {"delete"}
        assert set(powerdns.rrsets()) == {("omantel.test.", "SOA"), ("omantel.test.", "NS")}
        assert not call(powerdns, *[{**entry, "state": "absent"} for entry in tenant("acme")])["changed"]

    def test_without_merged_values_a_change_costs_three_requests(self, powerdns: PowerDns) -> None:
        _result, counts = powerdns.counted(lambda: call(powerdns, item("a.omantel.test", "A", "192.0.2.1")))
        assert counts == {"GET": 2, "PATCH": 1}

    def test_many_tenants_in_two_zones(self, powerdns: PowerDns) -> None:
        powerdns.create_zone("other.test.")
        slugs = [f"t{number}" for number in range(50)]
        rrsets = [entry for slug in slugs for entry in tenant(slug)]
        rrsets += [
            {"zone": "other.test", "name": f"{slug}.other.test", "type": "A", "values": ["192.0.2.1"], "owner": slug}
            for slug in slugs
        ]
        first, counts = powerdns.counted(lambda: call(powerdns, *rrsets, on_conflict="report"))
        assert len(first["changes"]) == 300
        assert counts == {"GET": 5, "PATCH": 2}
        assert {owner["verdict"] for owner in first["owners"].values()} == {"match"}
        again, counts = powerdns.counted(lambda: call(powerdns, *rrsets, on_conflict="report"))
        assert not again["changed"]
        assert counts == {"GET": 2}

        fewer = [entry for entry in rrsets if entry["owner"] != "t7"]
        assert not call(powerdns, *fewer)["changed"]
        assert ("t7.omantel.test.", "MX") in powerdns.rrsets()

    def test_more_than_two_megabytes(self, powerdns: PowerDns) -> None:
        rrsets = [item(f"n{number}.omantel.test", "TXT", f"{number:05d}" + "x" * 60000) for number in range(40)]
        result, counts = powerdns.counted(lambda: call(powerdns, *rrsets))
        assert counts["PATCH"] == 2
        assert len(result["changes"]) == 40
        assert not call(powerdns, *rrsets)["changed"]

    def test_zone_names_that_need_escaping_in_urls(self, powerdns: PowerDns) -> None:
        powerdns.create_zone("0/25.2.0.192.in-addr.arpa.")
        powerdns.create_zone("_odd.test.")
        rrsets = [
            {
                "zone": "0/25.2.0.192.in-addr.arpa",
                "name": "7.0/25.2.0.192.in-addr.arpa",
                "type": "PTR",
                "values": ["mail.acme.omantel.test"],
                "owner": "acme",
            },
            {"zone": "_odd.test", "name": "a._odd.test", "type": "A", "values": ["192.0.2.1"], "owner": "acme"},
        ]
        assert len(call(powerdns, *rrsets)["changes"]) == 2
        assert not call(powerdns, *rrsets)["changed"]

    def test_ownership_none_writes_no_comment_and_overwrites(self, powerdns: PowerDns) -> None:
        powerdns.put("a.omantel.test.", "A", "192.0.2.9")
        assert call(powerdns, {**item("a.omantel.test", "A", "192.0.2.1"), "owner": None}, ownership="none")["changed"]
        assert powerdns.rrsets()["a.omantel.test.", "A"]["comments"] == []

    def test_a_foreign_equal_record_set_is_left_unmarked_and_never_deleted(self, powerdns: PowerDns) -> None:
        powerdns.put("a.omantel.test.", "A", "192.0.2.1", ttl=42)
        assert not call(powerdns, item("a.omantel.test", "A", "192.0.2.1"))["changed"]
        result = call(powerdns, item("a.omantel.test", "A", "192.0.2.1", state="absent"))
        assert not result["changed"]
        assert result["rrsets"][0]["action"] == "kept"
        assert powerdns.rrsets()["a.omantel.test.", "A"]["ttl"] == 42

    def test_an_apex_txt_of_someone_else_is_kept(self, powerdns: PowerDns) -> None:
        theirs = ['"google-site-verification=\\097bc"', '"two" "strings"', '"caf\\195\\169"']
        note = {"account": "admin", "content": "ask me first"}
        powerdns.put("acme.omantel.test.", "TXT", *theirs, ttl=42, comments=[note])
        assert call(powerdns, *tenant("acme"))["changed"]
        stored = powerdns.rrsets()["acme.omantel.test.", "TXT"]
        assert sorted(record["content"] for record in stored["records"]) == sorted([*theirs, '"v=spf1 mx -all"'])
        assert stored["ttl"] == 42
        assert [(c["account"], c["content"]) for c in stored["comments"]] == [("admin", "ask me first")]
        assert not call(powerdns, *tenant("acme"))["changed"]
        call(powerdns, *[{**entry, "state": "absent"} for entry in tenant("acme")])
        assert sorted(r["content"] for r in powerdns.rrsets()["acme.omantel.test.", "TXT"]["records"]) == sorted(theirs)

    def test_a_shared_record_set_that_changes_between_read_and_write_is_not_overwritten(
        self, powerdns: PowerDns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = client.PowerDnsClient.zone
        reads = []

        def zone(self: client.PowerDnsClient, name: str) -> Any:
            result = real(self, name)
            reads.append(name)
            if len(reads) == 1:
                powerdns.put("acme.omantel.test.", "TXT", '"site-verification=late"')
            return result

        monkeypatch.setattr(client.PowerDnsClient, "zone", zone)
        call(powerdns, *tenant("acme"))
        contents = [record["content"] for record in powerdns.rrsets()["acme.omantel.test.", "TXT"]["records"]]
        assert sorted(contents) == ['"site-verification=late"', '"v=spf1 mx -all"']


class TestConflicts:
    @pytest.mark.parametrize("order", [["acme", "beta"], ["beta", "acme"]])
    def test_one_tenants_foreign_mx_leaves_the_other_green(self, powerdns: PowerDns, order: list[str]) -> None:
        powerdns.put("acme.omantel.test.", "MX", "10 mx.elsewhere.test.")
        before = powerdns.rrsets()
        rrsets = [entry for slug in order for entry in tenant(slug)]
        result = call(powerdns, *rrsets, on_conflict="report")
        assert result["owners"]["acme"]["verdict"] == "conflict"
        assert result["owners"]["acme"]["failure"]["code"] == "foreign_record"
        assert result["owners"]["acme"]["failure"]["tenant"] == "acme"
        assert result["owners"]["acme"]["changes"] == []
        assert result["owners"]["beta"]["verdict"] == "match"
        assert len(result["owners"]["beta"]["changes"]) == 5
        assert result["zones"] == {"omantel.test.": {"ok": True, "failure": None}}
        after = powerdns.rrsets()
        # Nothing of acme's was published beside the foreign MX, SPF least of all.
        assert {key: rrset for key, rrset in after.items() if "beta" not in key[0] and key[1] != "SOA"} == {
            key: rrset for key, rrset in before.items() if key[1] != "SOA"
        }
        again, counts = powerdns.counted(lambda: call(powerdns, *rrsets, on_conflict="report"))
        assert (again["changed"], counts) == (False, {"GET": 1})
        adopted = call(
            powerdns, *[{**e, "adopt": "merge" not in e} for e in tenant("acme")], *tenant("beta"), on_conflict="report"
        )
        assert adopted["owners"]["acme"]["verdict"] == "match"

    def test_fail_writes_nothing_at_all(self, powerdns: PowerDns) -> None:
        powerdns.put("acme.omantel.test.", "MX", "10 mx.elsewhere.test.")
        serial = powerdns.serial()
        with pytest.raises(Failure) as caught:
            call(powerdns, *tenant("acme"), *tenant("beta"))
        assert caught.value.code == "foreign_record"
        assert powerdns.serial() == serial

    def test_anothers_record_set(self, powerdns: PowerDns) -> None:
        call(powerdns, item("a.omantel.test", "A", "192.0.2.1", owner="beta"))
        with pytest.raises(Failure) as caught:
            call(powerdns, item("a.omantel.test", "A", "192.0.2.2"))
        assert caught.value.code == "not_owner"

    def test_bad_input_of_one_owner_leaves_the_other_green(self, powerdns: PowerDns) -> None:
        bad = [*tenant("acme"), item("x.acme.omantel.test", "TXT", "v=DKIM1; p=<key>")]
        result = call(powerdns, *bad, *tenant("beta"), on_conflict="report")
        assert result["owners"]["acme"]["verdict"] == "unknown"
        assert result["owners"]["acme"]["failure"]["code"] == "placeholder"
        assert result["owners"]["beta"]["verdict"] == "match"
        assert not [name for name, _type in powerdns.rrsets() if "acme" in name]

    def test_bad_input_is_refused_before_any_request(self, powerdns: PowerDns) -> None:
        bad = [item("x.omantel.test", "TXT", "<key>"), item("y.omantel.test", "A", "1"), *tenant("beta")]

        def refused() -> Failure:
            with pytest.raises(Failure) as caught:
                call(powerdns, *bad)
            return caught.value

        failure, counts = powerdns.counted(refused)
        assert counts == {}
        assert len(failure.details) == 2

    @pytest.mark.parametrize("order", [["acme", "beta"], ["beta", "acme"]])
    def test_what_only_the_server_refuses_is_its_owners_fault(self, powerdns: PowerDns, order: list[str]) -> None:
        refused = item("a(b.omantel.test", "A", "192.0.2.1")
        rrsets = [refused, *(entry for slug in order for entry in tenant(slug))]
        result, counts = powerdns.counted(lambda: call(powerdns, *rrsets, on_conflict="report"))
        assert result["owners"]["beta"]["verdict"] == "match"
        assert len(result["owners"]["beta"]["changes"]) == 5
        assert result["owners"]["acme"]["failure"]["code"] == "invalid_value"
        assert "unsupported characters" in result["owners"]["acme"]["failure"]["message"]
        assert result["owners"]["acme"]["changes"] == []
        assert result["zones"]["omantel.test."]["ok"]
        assert counts["PATCH"] == 3
        assert not [name for name, _type in powerdns.rrsets() if "acme" in name]

    def test_a_refused_record_says_nothing_about_owners_without_changes(self, powerdns: PowerDns) -> None:
        call(powerdns, *tenant("beta"))
        refused = item("a(b.omantel.test", "A", "192.0.2.1")
        result, counts = powerdns.counted(lambda: call(powerdns, refused, *tenant("beta"), on_conflict="report"))
        assert result["owners"]["acme"]["failure"]["code"] == "invalid_value"
        assert result["owners"]["beta"] == {"verdict": "match", "failure": None, "changes": [], "diff": []}
        assert counts == {"GET": 1, "PATCH": 1}

    def test_a_refused_owner_gets_nothing_in_a_later_zone(self, powerdns: PowerDns) -> None:
        powerdns.create_zone("other.test.")
        refused = item("a(b.omantel.test", "A", "192.0.2.1")
        later = [
            {**item(f"{owner}.other.test", "A", "192.0.2.1", owner=owner), "zone": "other.test"}
            for owner in ("acme", "beta")
        ]
        result = call(powerdns, refused, *later, on_conflict="report")
        assert [change["key"] for change in result["changes"]] == ["beta.other.test."]
        assert result["owners"]["beta"]["verdict"] == "match"

    @pytest.mark.parametrize("code", ["server_error", "unreachable"])
    def test_a_write_that_fails_says_nothing_about_owners_without_changes(
        self, powerdns: PowerDns, monkeypatch: pytest.MonkeyPatch, code: str
    ) -> None:
        powerdns.create_zone("other.test.")
        elsewhere = {**item("a.other.test", "A", "192.0.2.1", owner="gamma"), "zone": "other.test"}
        kept = {**item("b.other.test", "A", "192.0.2.1", owner="beta"), "zone": "other.test"}
        call(powerdns, *tenant("beta"), kept)

        def patch(self: client.PowerDnsClient, zone: str, rrsets: Any) -> None:
            raise Failure("powerdns", code, f"PATCH of {zone} failed.")

        monkeypatch.setattr(client.PowerDnsClient, "patch", patch)
        result = call(powerdns, *tenant("acme"), *tenant("beta"), kept, elsewhere, on_conflict="report")
        assert {owner: share["verdict"] for owner, share in result["owners"].items()} == {
            "acme": "unknown",
            "beta": "match",
            "gamma": "unknown",
        }
        assert not result["zones"]["omantel.test."]["ok"]

    def test_a_conflict_that_another_conflict_brings_about_is_reported(self, powerdns: PowerDns) -> None:
        # acme, which is in conflict, would remove what is in beta's way, and beta what is in gamma's.
        call(powerdns, item("x.omantel.test", "CNAME", "mail.test"))
        call(powerdns, item("y.omantel.test", "CNAME", "mail.test", owner="beta"))
        powerdns.put("acme.omantel.test.", "MX", "10 mx.elsewhere.test.")
        result = call(
            powerdns,
            *tenant("acme"),
            {**item("x.omantel.test", "CNAME"), "state": "absent"},
            item("x.omantel.test", "A", "192.0.2.1", owner="beta"),
            {**item("y.omantel.test", "CNAME", owner="beta"), "state": "absent"},
            item("y.omantel.test", "A", "192.0.2.1", owner="gamma"),
            *tenant("delta"),
            on_conflict="report",
        )
        assert {owner: share["verdict"] for owner, share in result["owners"].items()} == {
            "acme": "conflict",
            "beta": "conflict",
            "gamma": "conflict",
            "delta": "match",
        }
        assert {change["key"] for change in result["changes"]} == {
            name for name, _type in powerdns.rrsets() if "delta" in name
        }

    def test_missing_zone(self, powerdns: PowerDns) -> None:
        elsewhere = {**item("a.nowhere.test", "A", "192.0.2.1"), "zone": "nowhere.test"}
        with pytest.raises(Failure) as caught:
            call(powerdns, elsewhere)
        assert caught.value.code == "not_found"
        assert "Create the zone" in caught.value.hint
        planned = call(powerdns, elsewhere, check_mode=True)
        assert [change["action"] for change in planned["changes"]] == ["create"]
        result = call(powerdns, elsewhere, *tenant("beta"), on_conflict="report")
        assert result["zones"]["nowhere.test."]["failure"]["code"] == "not_found"
        assert result["zones"]["omantel.test."]["ok"]
        assert result["owners"]["acme"]["failure"]["code"] == "not_found"
        assert result["owners"]["beta"]["verdict"] == "match"

    def test_an_owner_with_a_missing_zone_gets_nothing_in_the_other(self, powerdns: PowerDns) -> None:
        elsewhere = {**item("a.nowhere.test", "A", "192.0.2.1"), "zone": "nowhere.test"}
        call(powerdns, *tenant("acme"), elsewhere, on_conflict="report")
        assert not [name for name, _type in powerdns.rrsets() if "acme" in name]


class TestServer:
    @pytest.mark.parametrize("tail", ["", "/", "/api", "/api/v1/", "/api/v1/servers/localhost"])
    def test_forms_of_the_url(self, powerdns: PowerDns, tail: str) -> None:
        assert call(powerdns, item("a.omantel.test", "A", "192.0.2.1"), api_url=powerdns.url + tail)["changed"]

    def test_wrong_key_stops_after_one_request_and_is_not_shown(self, powerdns: PowerDns) -> None:
        powerdns.create_zone("other.test.")
        wrong = "wrong-canary-key-99"
        rrsets = [*tenant("acme"), {**item("a.other.test", "A", "192.0.2.1", owner="beta"), "zone": "other.test"}]

        def refused() -> Failure:
            with pytest.raises(Failure) as caught:
                call(powerdns, *rrsets, api_key=wrong)
            return caught.value

        failure, counts = powerdns.counted(refused)
        assert counts == {"GET": 1}
        assert (failure.layer, failure.code) == ("powerdns", "unauthorized")
        assert "platform_powerdns_api_key" in failure.hint
        assert wrong not in repr(failure.as_dict()) + failure.sentence
        result, counts = powerdns.counted(lambda: call(powerdns, *rrsets, api_key=wrong, on_conflict="report"))
        assert counts == {"GET": 1}
        assert {zone["failure"]["code"] for zone in result["zones"].values()} == {"unauthorized"}
        assert {owner["verdict"] for owner in result["owners"].values()} == {"unknown"}
        assert wrong not in repr(result)

    def test_unreachable_is_reported_for_every_owner(self, powerdns: PowerDns, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client, "HttpClient", functools.partial(client.HttpClient, deadline=0.1))
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            result = call(powerdns, *tenant("acme"), api_url=url, on_conflict="report")
        assert result["owners"]["acme"]["failure"]["code"] == "unreachable"

    def test_wrong_server_id(self, powerdns: PowerDns) -> None:
        with pytest.raises(Failure) as caught:
            call(powerdns, *tenant("acme"), server_id="elsewhere")
        assert caught.value.code == "not_found"
        assert "server id" in caught.value.hint

    @pytest.mark.parametrize(
        ("options", "why"),
        [
            ({"api_key": "k1#zQ"}, "at least 8"),
            ({"api_key": None}, "api_key is missing"),
            ({"api_url": ""}, "api_url is missing"),
        ],
    )
    def test_bad_connection_options(self, powerdns: PowerDns, options: dict[str, Any], why: str) -> None:
        with pytest.raises(Failure, match=why):
            call(powerdns, *tenant("acme"), **options)
        result = call(powerdns, *tenant("acme"), on_conflict="report", **options)
        assert why in result["owners"]["acme"]["failure"]["message"]

    def test_server_absent(self, powerdns: PowerDns) -> None:
        with pytest.raises(Failure, match="server: absent"):
            call(powerdns, *tenant("acme"), server="absent")
        result, counts = powerdns.counted(
            lambda: call(powerdns, *tenant("acme"), server="absent", check_mode=True, api_url=None, api_key=None)
        )
        assert counts == {}
        assert result["requests"] == 0
        assert len(result["changes"]) == 5

    def test_nothing_asked_nothing_requested(self, powerdns: PowerDns) -> None:
        result, counts = powerdns.counted(lambda: call(powerdns))
        assert (result["changed"], counts) == (False, {})


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
