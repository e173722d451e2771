"""The task of powerdns_rrset against a real server: one owner's fault, or its conflict with what is there, is never another's."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns import client
from tests.contract.powerdns.rrsets import call, item, tenant
from tests.contract.powerdns.server import PowerDns

pytestmark = pytest.mark.usefixtures("powerdns")


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
