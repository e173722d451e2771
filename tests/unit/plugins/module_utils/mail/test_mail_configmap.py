"""The ConfigMap that lists the record sets, and the task around it."""

from __future__ import annotations

from typing import Any

import dns.zone
import pytest
import yaml
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import configmap, records_task
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.argspec import DNS_RECORDS_PLAN
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.records import needed

KEY = {
    "selector": "ed1",
    "stage": "active",
    "public_key_record": "v=DKIM1; k=ed25519; h=sha256; p=" + "A" * 43 + "=",
}
LABELS = {"tenantmail.io/tenant": "acme"}


def model(mode: str = "free-subdomain") -> dict[str, Any]:
    return {
        "domain": {"primary": "acme.test", "mode": mode, "mail_host": "mail.acme.test", "web_host": "mail.acme.test"},
        "dns": {
            "enabled": mode != "byo",
            "zone": "test",
            "mail_addresses": [],
            "spf_policy": "-all",
            "dmarc_policy": "reject",
            "dmarc_rua": "dmarc@acme.test",
            "ttl": 300,
        },
    }


def wanted(mode: str = "free-subdomain", **more: Any) -> tuple[dict[str, Any], Any]:
    required = needed(model(mode), **{"mail_addresses": ["192.0.2.1"], "dkim_keys": [KEY], **more})
    return configmap.desired(model(mode), required, name="cm", namespace="ns", labels=LABELS), required


@pytest.mark.parametrize("mode", ["free-subdomain", "byo"])
def test_zone_text_and_yaml_tell_the_same(mode: str) -> None:
    data = wanted(mode)[0]["data"]
    assert set(data) == {"domain", "mode", "records.yaml", "zone.txt"}
    zone = dns.zone.from_text(data["zone.txt"], origin=".", relativize=False, check_origin=False)
    found = {
        (str(name), rdataset.ttl, sorted(r.to_text() for r in rdataset)[0])
        for name, rdataset in zone.iterate_rdatasets()
    }
    assert found == {(item["name"], item["ttl"], item["values"][0]) for item in yaml.safe_load(data["records.yaml"])}
    assert ("does not write this domain's DNS" in data["zone.txt"]) is (mode == "byo")


def test_nothing_to_do_and_what_others_add_is_theirs() -> None:
    manifest, _required = wanted()
    current = {
        "metadata": {"labels": {**LABELS, "other": "x"}, "annotations": {"a": "b"}},
        "data": {**manifest["data"], "note": "by somebody"},
    }
    assert not configmap.plan(current, manifest)


def test_created_with_notes_about_what_is_not_known() -> None:
    manifest, required = wanted(mail_addresses=[], dkim_keys=[])
    (change,) = configmap.plan(None, manifest, required.unknown).changes
    assert (change.action, change.before) == ("create", "")
    assert "acme.test. 300 IN MX 10 mail.acme.test.\n" in change.after
    assert "; not known yet: the DKIM keys (made by the server" in change.after
    assert "records.yaml" not in change.after


def test_instructions_tell_what_is_not_known_only_once() -> None:
    manifest, required = wanted("byo", mail_addresses=[], dkim_keys=[])
    (change,) = configmap.plan(None, manifest, required.unknown).changes
    assert change.after.count("DKIM keys (made by") == 1


def test_drift_shows_both_sides_and_only_what_differs() -> None:
    manifest, _required = wanted()
    current = {"metadata": {"labels": {}}, "data": {**manifest["data"], "zone.txt": "old\n"}}
    (change,) = configmap.plan(current, manifest).changes
    assert change.action == "update"
    assert change.before == "old\n"
    assert change.after.startswith("label tenantmail.io/tenant: acme\n")
    assert "mode:" not in change.after


def params(**more: Any) -> dict[str, Any]:
    values = {name: option.get("default") for name, option in DNS_RECORDS_PLAN.items()}
    return {**values, **model(), "namespace": "ns", "owner": "acme", "offline": True, **more}


def test_offline_plan_makes_no_request() -> None:
    result = records_task.run(params(), check_mode=True)
    assert result["requests"] == 0
    assert [item["type"] for item in result["rrsets"]] == ["MX", "TXT", "TXT"]
    assert {item["owner"] for item in result["publish"]} == {"acme"}
    assert len(result["unknown"]) == 2


def test_offline_is_for_check_mode() -> None:
    with pytest.raises(Failure, match="offline is true"):
        records_task.run(params(), check_mode=False)


def test_byo_publishes_nothing() -> None:
    result = records_task.run(params(**model("byo")), check_mode=True)
    assert (result["rrsets"], result["publish"]) == ([], [])
    assert result["records"]


def test_only_checked_and_adopted() -> None:
    result = records_task.run(params(publish=False, adopt=True), check_mode=True)
    assert result["publish"] == []
    assert [item.get("adopt", False) for item in result["rrsets"]] == [True, False, True]


class Moving:
    """A cluster whose load balancer moves a release's Services: the addresses of SMTP and IMAP, look by look."""

    requests = 0

    def __init__(self, *looks: tuple[str, str]) -> None:
        self.looks = list(looks)

    def items(self, path: str) -> list[dict[str, Any]]:
        pair = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return [
            {
                "metadata": {"name": f"stalwart-{name}"},
                "status": {"loadBalancer": {"ingress": [{"ip": address}] if address else []}},
            }
            for name, address in zip(("smtp", "imap"), pair)
        ]

    def find(self, path: str) -> None:
        return None

    def close(self) -> None:
        pass


def test_addresses_are_awaited_until_both_services_have_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    moving = Moving(("", "192.0.2.7"), ("192.0.2.9", "192.0.2.7"), ("192.0.2.7", "192.0.2.7"))
    monkeypatch.setattr(records_task, "connect", lambda _options: moving)
    monkeypatch.setattr(records_task, "_POLL", 0.0)
    result = records_task.run(params(offline=False, release="stalwart", dkim_keys=[KEY], wait=5), check_mode=False)
    (address,) = [record for record in result["records"] if record["type"] == "A"]
    assert address["values"] == ["192.0.2.7"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_services_that_stay_apart_are_a_conflict(check_mode: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_task, "connect", lambda _options: Moving(("192.0.2.9", "192.0.2.7")))
    with pytest.raises(Failure, match="one name for both"):
        records_task.run(params(offline=False, release="stalwart", dkim_keys=[KEY], wait=1), check_mode=check_mode)


class TestOutcome:
    def call(self, outcome: dict[str, Any] | None) -> dict[str, Any]:
        return records_task.outcome({"owner": "acme", "outcome": outcome}, check_mode=False)

    def test_nothing_changed(self) -> None:
        assert not self.call({"verdict": "match", "failure": None, "changes": [], "diff": []})["changed"]

    def test_changed(self) -> None:
        changes = [{"action": "create", "kind": "MX", "key": "acme.test."}]
        result = self.call({"verdict": "match", "failure": None, "changes": changes, "diff": ["x"]})
        assert (result["changed"], result["changes"], result["diff"]) == (True, changes, ["x"])

    def test_failed(self) -> None:
        failure = {"layer": "powerdns", "code": "foreign_record", "message": "m.", "hint": "h", "request": None}
        with pytest.raises(Failure) as caught:
            self.call({"verdict": "conflict", "failure": failure, "changes": [], "diff": []})
        assert (caught.value.code, caught.value.message, caught.value.tenant) == ("foreign_record", "m.", "acme")

    def test_not_published_at_all(self) -> None:
        with pytest.raises(Failure, match="not published in this run"):
            self.call(None)
