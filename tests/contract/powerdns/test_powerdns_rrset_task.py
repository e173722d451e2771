"""The task of powerdns_rrset against a real server: what it writes, in how many requests, and how it reaches the server."""

from __future__ import annotations

import functools
import socket
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns import client
from tests.contract.powerdns.rrsets import call, item, tenant
from tests.contract.powerdns.server import PowerDns

pytestmark = pytest.mark.usefixtures("powerdns")


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
