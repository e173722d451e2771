"""Role `dns_records` for several tenants in one play: real PowerDNS servers, the sandbox's cluster, one simulator.

The PowerDNS servers are the test's own, so that wrong keys and foreign records disturb nobody.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import dns.rdatatype
import dns.zone
import pytest
import yaml

from tests.contract.api import Api, Target
from tests.contract.powerdns.server import running
from tests.sandbox import facts, kubectl
from tests.simulator.fixture import start_simulator

from .dns_platform import ADDRESSES, DOMAINS, RECORD_SETS, ZONE, Platform, ask, service

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("dns_records")
    for name in ("pdns", "other", "simulator"):
        (folder / name).mkdir()
    simulator = start_simulator(folder / "simulator", STALWART_HOSTNAME="mail.platform.test")
    try:
        server = Target("simulator", simulator.base_url, simulator.username, simulator.password)
        api = Api(server)
        for domain in DOMAINS.values():
            api.dkim_keys(api.create("Domain", name=domain), 2)
        with running(folder / "pdns") as powerdns, running(folder / "other", "canary-other-key-81c2") as other:
            yield Platform(folder, powerdns, other, server)
    finally:
        simulator.stop()


@pytest.fixture
def platform(shared: Platform) -> Platform:
    """Empty zones, and a namespace with the release's Services for each tenant."""
    for powerdns in (shared.powerdns, shared.other):
        for zone in powerdns.api("GET", "/zones"):
            powerdns.api("DELETE", f"/zones/{zone['id']}", expected=204)
        powerdns.create_zone()
    objects: list[dict[str, Any]] = []
    for slug, namespace in shared.namespaces.items():
        objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        objects += [service(namespace, name, ADDRESSES[slug]) for name in ("smtp", "imap")]
    kubectl.apply(facts.settings(), objects)
    for namespace in shared.namespaces.values():
        facts.kubernetes("delete", "configmap", "stalwart-dns-records-required", "-n", namespace, "--ignore-not-found")
    return shared


@pytest.fixture(scope="module", autouse=True)
def clean(shared: Platform) -> Iterator[None]:
    yield
    facts.kubernetes("delete", "namespace", *shared.namespaces.values(), "--ignore-not-found", "--wait=false")


def test_publish_for_all_then_change_nothing(platform: Platform) -> None:
    # The tenant without a share in PowerDNS comes first, so the task that runs once runs on its host.
    first = platform.run("own", "one", "two")
    assert not first.failed, first.output
    for slug in ("one", "two"):
        report = first.report[slug]
        assert len(report["changed"]) == RECORD_SETS + 1, report
        assert report["proven"] == [f"{RECORD_SETS} record sets of {DOMAINS[slug]} answered by the name servers"]
        assert report["missing"] == []
        assert ask(platform.powerdns, DOMAINS[slug], "MX") == [f"10 mail.{DOMAINS[slug]}."]
        assert ask(platform.powerdns, f"mail.{DOMAINS[slug]}", "A") == [ADDRESSES[slug]]
        data = platform.configmap(slug)
        assert (data["domain"], data["mode"]) == (DOMAINS[slug], "free-subdomain")
        zone = dns.zone.from_text(data["zone.txt"], origin=ZONE, relativize=False, check_origin=False)
        asked = {(str(name), dns.rdatatype.to_text(rdataset.rdtype)) for name, rdataset in zone.iterate_rdatasets()}
        assert len(asked) == RECORD_SETS
        for name, rdataset in zone.iterate_rdatasets():
            assert ask(platform.powerdns, str(name), dns.rdatatype.to_text(rdataset.rdtype)) == sorted(
                r.to_text() for r in rdataset
            )
        assert {item["purpose"] for item in yaml.safe_load(data["records.yaml"])} == {
            "mx",
            "spf",
            "dmarc",
            "mail-address",
            "dkim",
        }
    own = first.report["own"]
    assert own["changed"] == ["create ConfigMap stalwart-dns-records-required"]
    assert own["proven"] == []
    assert "the owner of own-domain.test has to publish the 6 record sets" in own["missing"][0]
    assert "DNS verdict unknown" in own["missing"][0]
    assert "does not write this domain's DNS" in platform.configmap("own")["zone.txt"]
    assert not [name for name in platform.names() if "own" in name]

    serial = platform.powerdns.serial()
    second, counts = platform.powerdns.counted(lambda: platform.run("own", "one", "two"))
    assert second.changed == {"own": 0, "one": 0, "two": 0}, second.output
    assert counts == {"GET": 1}
    assert platform.powerdns.serial() == serial
    assert second.report["own"]["missing"] == own["missing"]

    # One tenant alone leaves the other's records where they are, and its drift is its own change.
    platform.powerdns.put("mail.two.omantel.test.", "A", "192.0.2.99")
    platform.powerdns.put("mail.one.omantel.test.", "A", "192.0.2.99")
    alone = platform.run("one")
    assert alone.report["one"]["changed"] == ["update A mail.one.omantel.test."]
    assert ask(platform.powerdns, "mail.two.omantel.test", "A") == ["192.0.2.99"]
    both = platform.run("one", "two", args=("--check", "--diff"))
    assert both.changed == {"one": 0, "two": 1}
    assert "-mail.two.omantel.test. 300 IN A 192.0.2.99" in both.output
    assert ask(platform.powerdns, "mail.two.omantel.test", "A") == ["192.0.2.99"]

    # What a tenant with a domain of its own has published is seen only when asked for.
    platform.powerdns.create_zone("own-domain.test.")
    for item in yaml.safe_load(platform.configmap("own")["records.yaml"]):
        platform.powerdns.put(item["name"], item["type"], *item["values"], zone="own-domain.test.")
    asked = platform.run("own", own={"dns_records_byo_nameservers": [platform.powerdns.nameserver]})
    assert asked.report["own"] == {
        "changed": [],
        "proven": ["6 record sets of own-domain.test answered by the name servers"],
        "missing": [],
    }


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_a_foreign_mx_stops_only_its_tenant(platform: Platform, order: tuple[str, str]) -> None:
    platform.powerdns.put("one.omantel.test.", "MX", "10 mx.elsewhere.test.")
    result = platform.run(*order)
    assert result.failed == {"one"}
    assert "one: FAILED at powerdns (foreign_record): MX one.omantel.test." in result.line("one")
    assert len(result.report["two"]["changed"]) == RECORD_SETS + 1
    assert platform.names() == {"one.omantel.test."} | {name for name in platform.names() if "two" in name}
    assert ask(platform.powerdns, "one.omantel.test", "MX") == ["10 mx.elsewhere.test."]
    adopted = platform.run("one", one={"dns_records_adopt": True})
    assert not adopted.failed, adopted.output
    assert ask(platform.powerdns, "one.omantel.test", "MX") == ["10 mail.one.omantel.test."]


def test_a_tenant_that_fails_before_does_not_stop_the_others(platform: Platform) -> None:
    kubectl.apply(facts.settings(), [service(platform.namespaces["one"], "imap", "192.0.2.77")])
    result = platform.run("one", "two")
    assert result.failed == {"one"}
    assert "one: FAILED at kubernetes (conflict): Service stalwart-smtp has 192.0.2.11" in result.line("one")
    assert "tenant_mail_addresses" in result.text
    assert len(result.report["two"]["changed"]) == RECORD_SETS + 1
    assert not [name for name in platform.names() if "one" in name]


def test_a_wrong_key_stops_those_who_need_it_and_is_shown_nowhere(platform: Platform) -> None:
    canary = "canary-wrong-key-4711"
    each = {"platform_powerdns_api_key": canary}
    run = lambda: platform.run("own", "one", "two", args=("-vvvv", "--diff"), each=each)  # noqa: E731
    result, counts = platform.powerdns.counted(run)
    assert result.failed == {"one", "two"}
    for slug in ("one", "two"):
        assert f"{slug}: FAILED at powerdns (unauthorized)" in result.line(slug)
    assert "platform_powerdns_api_key" in result.text
    assert canary not in result.output
    assert counts == {"GET": 1}


def test_two_powerdns_servers_in_one_play(platform: Platform) -> None:
    second = {
        "dns_records_api_url": platform.other.url,
        "dns_records_nameservers": [platform.other.nameserver],
        "platform_powerdns_api_key": platform.other.key,
    }
    result = platform.run("one", "two", two=second)
    assert not result.failed, result.output
    assert ask(platform.other, "two.omantel.test", "MX") == ["10 mail.two.omantel.test."]
    assert ask(platform.powerdns, "one.omantel.test", "MX") == ["10 mail.one.omantel.test."]
    assert not [name for name in platform.names() if "two" in name]


def test_check_mode_before_anything_exists(platform: Platform) -> None:
    facts.kubernetes("delete", "namespace", *platform.namespaces.values(), "--wait")
    for zone in platform.powerdns.api("GET", "/zones"):
        platform.powerdns.api("DELETE", f"/zones/{zone['id']}", expected=204)
    result, counts = platform.powerdns.counted(
        lambda: platform.run(
            "one",
            "own",
            args=("--check", "--diff"),
            one={
                "dns_records_domain": {
                    "primary": "new.omantel.test",
                    "mail_host": "mail.new.omantel.test",
                    "web_host": "mail.new.omantel.test",
                    "mode": "free-subdomain",
                }
            },
        )
    )
    assert not result.failed, result.output
    assert counts == {"GET": 2}  # the zone, and whether the server is there at all
    assert "create MX new.omantel.test." in result.report["one"]["changed"]
    assert any("DKIM keys (made by the server" in sentence for sentence in result.report["one"]["missing"])
    assert "<" not in json.dumps(result.report)
    real = platform.run("one")
    assert real.failed == {"one"}


def test_layers_that_are_only_checked(platform: Platform) -> None:
    serial = platform.powerdns.serial()
    result = platform.run("one", "two", one={"dns_records_manage": False})
    assert result.failed == {"one"}
    assert "one: FAILED at powerdns (not_converged)" in result.line("one")
    assert "MX one.omantel.test." in result.line("one")
    assert not [name for name in platform.names() if "one" in name]
    assert platform.powerdns.serial() > serial
    platform.run("one")
    agreed = platform.run("one", one={"dns_records_manage": False, "dns_records_configmap_manage": False})
    assert not agreed.failed, agreed.output
    facts.kubernetes("delete", "configmap", "stalwart-dns-records-required", "-n", platform.namespaces["one"])
    differs = platform.run("one", one={"dns_records_configmap_manage": False})
    assert "one: FAILED at kubernetes (not_converged): ConfigMap" in differs.line("one")


def test_name_servers_that_answer_otherwise(platform: Platform) -> None:
    result = platform.run(
        "one",
        one={
            "dns_records_nameservers": [platform.powerdns.nameserver, platform.other.nameserver],
            "dns_records_wait": 1,
        },
    )
    assert "one: FAILED at dns (not_converged)" in result.line("one")
    assert f"{platform.other.nameserver} has nothing" in result.line("one")
    begin = time.monotonic()
    silent = platform.run("one", one={"dns_records_nameservers": ["127.0.0.1:9"], "dns_records_wait": 1})
    assert "one: FAILED at dns (unreachable)" in silent.line("one")
    assert time.monotonic() - begin < 60
    nobody = platform.run("one", one={"dns_records_nameservers": []})
    assert "could not be proven: give platform_powerdns_nameservers" in nobody.report["one"]["missing"][0]
