"""Which record sets a domain needs, and their text, read back by independent readers."""

from __future__ import annotations

import base64
import typing as t

import checkdmarc.dmarc
import checkdmarc.spf
import dns.name
import dns.zone
import dns.zonefile
import pytest
import yaml
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import dkim, records, zone
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns import argspec, rrset
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.model import derive
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RSA = dkim.compose(
    "rsa",
    base64.b64encode(
        rsa.generate_private_key(65537, 2048).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode(),
)
EDWARDS = dkim.compose(
    "ed25519", base64.b64encode(ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
)
KEYS = [
    {"selector": "v1-rsa-20261123", "algorithm": "rsa", "public_key_record": RSA, "stage": "active"},
    {"selector": "v1-ed25519-20261123", "algorithm": "ed25519", "public_key_record": EDWARDS, "stage": "active"},
]
PLATFORM = {
    "platform_fqdn": "omantel.test",
    "platform_openbao_url": "https://bao.test",
    "platform_powerdns_url": "https://pdns.test",
}


CREDENTIALS = {
    "platform_powerdns_api_key": "canary-key-1234",
    "platform_keycloak_auth": {"username": "provisioner", "password": "canary-password"},
    "platform_openbao_auth": {"method": "token", "token": "canary-token-1234"},
}


def model(**options: t.Any) -> dict[str, t.Any]:
    return derive({"host": "acme", **PLATFORM, **CREDENTIALS, **options})


ACME = model()
BETA = model(host="beta", tenant_domain="beta-bakery.test", tenant_domain_mode="byo")


def rows(needed: records.Needed) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(record.name, record.type, record.values) for record in needed.records]


def test_a_free_subdomain_needs_exactly_these() -> None:
    needed = records.needed(ACME, mail_addresses=["10.0.0.9", "2001:DB8::1"], dkim_keys=KEYS)
    assert rows(needed) == [
        ("acme.omantel.test.", "MX", ("10 mail.acme.omantel.test.",)),
        ("acme.omantel.test.", "TXT", ('"v=spf1 mx -all"',)),
        ("_dmarc.acme.omantel.test.", "TXT", ('"v=DMARC1; p=reject; rua=mailto:dmarc@acme.omantel.test"',)),
        ("mail.acme.omantel.test.", "A", ("10.0.0.9",)),
        ("mail.acme.omantel.test.", "AAAA", ("2001:db8::1",)),
        ("v1-ed25519-20261123._domainkey.acme.omantel.test.", "TXT", (f'"{EDWARDS}"',)),
        ("v1-rsa-20261123._domainkey.acme.omantel.test.", "TXT", (f'"{RSA[:255]}" "{RSA[255:]}"',)),
    ]
    assert needed.unknown == ()
    assert {record.ttl for record in needed.records} == {300}
    assert [record.purpose for record in needed.records if record.merge] == ["spf"]


def test_another_web_host_gets_its_own_addresses() -> None:
    found = records.needed(
        model(tenant_web_host="web.acme.omantel.test"),
        mail_addresses=["10.0.0.9"],
        web_addresses=["10.0.0.10"],
        dkim_keys=KEYS,
    )
    assert ("mail.acme.omantel.test.", "A", ("10.0.0.9",)) in rows(found)
    assert ("web.acme.omantel.test.", "A", ("10.0.0.10",)) in rows(found)


def test_addresses_of_the_inventory_win() -> None:
    found = records.needed(model(tenant_mail_addresses=["192.0.2.25"]), mail_addresses=["10.0.0.9"])
    assert ("mail.acme.omantel.test.", "A", ("192.0.2.25",)) in rows(found)
    assert "10.0.0.9" not in str(rows(found))


def test_what_is_not_known_yet_is_said() -> None:
    needed = records.needed(model(tenant_web_host="web.acme.omantel.test"))
    assert [record.purpose for record in needed.records] == ["mx", "spf", "dmarc"]
    assert [sentence.split(" ")[1] for sentence in needed.unknown] == ["address", "address", "DKIM"]


@pytest.mark.parametrize(
    ("stage", "published"), [("pending", True), ("active", True), ("retiring", True), ("retired", False)]
)
def test_retired_keys_are_not_published(stage: str, published: bool) -> None:
    found = records.needed(ACME, dkim_keys=[{**KEYS[0], "stage": stage}])
    assert any(record.purpose == "dkim" for record in found.records) is published


def test_policies_follow_the_inventory() -> None:
    dns = {"spf_policy": "~all", "dmarc_policy": "none", "dmarc_rua": "a+b@reports.test", "ttl": 60}
    found = records.needed(model(tenant_dns=dns))
    assert {record.ttl for record in found.records} == {60}
    assert found.records[1].values == ('"v=spf1 mx ~all"',)
    assert found.records[2].values == ('"v=DMARC1; p=none; rua=mailto:a+b@reports.test"',)


@pytest.mark.parametrize(
    ("arguments", "layer", "code"),
    [
        ({"mail_addresses": ["lb.provider.test"]}, "dns", "invalid_value"),
        ({"mail_addresses": ["10.0.0.256"]}, "dns", "invalid_value"),
        ({"dkim_keys": [{"selector": "s", "public_key_record": "v=DKIM1; p=<public key>"}]}, "stalwart", "placeholder"),
        ({"dkim_keys": [{"selector": "<selector>", "public_key_record": RSA}]}, "stalwart", "placeholder"),
        ({"dkim_keys": [{"selector": "s", "public_key_record": "v=DKIM1; p="}]}, "stalwart", "invalid_value"),
        ({"dkim_keys": [{"selector": "s", "public_key_record": "v=DKIM1; p=Zm9v"}]}, "stalwart", "invalid_value"),
        ({"dkim_keys": [{"selector": "a b", "public_key_record": RSA}]}, "stalwart", "invalid_value"),
    ],
)
def test_bad_input(arguments: dict[str, t.Any], layer: str, code: str) -> None:
    with pytest.raises(Failure) as caught:
        records.needed(ACME, **arguments)
    assert (caught.value.layer, caught.value.code) == (layer, code)


def test_a_placeholder_in_the_model_is_refused() -> None:
    with pytest.raises(Failure) as caught:
        records.needed({**ACME, "domain": {**ACME["domain"], "primary": "<domain>.test"}})
    assert (caught.value.layer, caught.value.code) == ("dns", "placeholder")


@pytest.mark.parametrize(
    ("rua", "text"),
    [
        ("dmarc@acme.test", "mailto:dmarc@acme.test"),
        ("a+b@acme.test", "mailto:a+b@acme.test"),
        ("a/b?c#d%e&f@acme.test", "mailto:a%2Fb%3Fc%23d%25e%26f@acme.test"),
    ],
)
def test_the_reports_address_is_a_uri(rua: str, text: str) -> None:
    assert records.dmarc_text("reject", rua) == f"v=DMARC1; p=reject; rua={text}"


def test_checkdmarc_reads_the_policies() -> None:
    parsed = checkdmarc.dmarc.parse_dmarc_record(records.dmarc_text("reject", "dmarc@acme.test"), "acme.test")
    assert parsed["tags"]["p"]["value"] == "reject"
    assert parsed["tags"]["rua"]["value"][0]["address"] == "dmarc@acme.test"
    assert checkdmarc.spf.SPF_MECHANISM_REGEX.findall(records.spf_text("-all").split(" ", 1)[1].lower())


def test_the_items_fit_powerdns_rrset() -> None:
    needed = records.needed(ACME, mail_addresses=["10.0.0.9"], dkim_keys=KEYS)
    items = records.rrsets(needed.records, zone="omantel.test", owner="acme")
    assert len(items) == len(needed.records)
    for item in items:
        assert set(item) <= set(argspec.RRSET)
        assert rrset.canonical_values(item["type"], item["values"]) == tuple(item["values"])
        assert rrset.is_below(item["name"], "omantel.test.")
        assert item["owner"] == "acme"
    assert [item["name"] for item in items if "merge" in item] == ["acme.omantel.test."]


def test_dnspython_reads_the_zone_text() -> None:
    needed = records.needed(ACME, mail_addresses=["10.0.0.9"], dkim_keys=KEYS)
    rrsets = dns.zonefile.read_rrsets(zone.zone_text(needed.records), rdclass=None, default_rdclass="IN")
    found = {(item.name.to_text(), dns.rdatatype.to_text(item.rdtype)): item for item in rrsets}
    assert set(found) == {(record.name, record.type) for record in needed.records}
    assert all(item.ttl == 300 for item in rrsets)
    key = next(iter(found["v1-rsa-20261123._domainkey.acme.omantel.test.", "TXT"]))
    assert b"".join(key.strings).decode() == RSA
    assert next(iter(found["acme.omantel.test.", "MX"])).exchange == dns.name.from_text("mail.acme.omantel.test.")


def test_zone_text_can_stand_in_any_zone() -> None:
    text = "$ORIGIN elsewhere.test.\ntest. 1 IN SOA ns. h. 1 1 1 1 1\ntest. 1 IN NS ns.\n" + zone.zone_text(
        records.needed(BETA, mail_addresses=["10.0.0.9"]).records
    )
    parsed = dns.zone.from_text(text, origin="test.", relativize=False)
    assert parsed.find_rdataset(dns.name.from_text("beta-bakery.test."), "MX")


def test_the_config_map_holds_everything() -> None:
    needed = records.needed(ACME, mail_addresses=["10.0.0.9"], dkim_keys=KEYS)
    data = zone.config_map_data(ACME, needed.records)
    assert list(data) == ["domain", "mode", "records.yaml", "zone.txt"]
    assert (data["domain"], data["mode"]) == ("acme.omantel.test", "free-subdomain")
    assert yaml.safe_load(data["records.yaml"]) == [record.as_dict() for record in needed.records]
    assert RSA[:255] in data["records.yaml"]
    assert data["zone.txt"].count("\n") == len(needed.records)


def test_instructions_name_every_record_and_what_is_missing() -> None:
    text = zone.instructions(BETA, records.needed(BETA, mail_addresses=["10.0.0.9"]))
    assert "DNS records for beta-bakery.test" in text
    assert "beta-bakery.test. 300 IN MX 10 mail.beta-bakery.test." in text
    assert "mail.beta-bakery.test. 300 IN A 10.0.0.9" in text
    assert "- the DKIM keys" in text
    assert "_report._dmarc" not in text


def test_instructions_name_the_permission_for_reports_elsewhere() -> None:
    other = model(
        host="beta",
        tenant_domain="beta-bakery.test",
        tenant_domain_mode="byo",
        tenant_dns={"dmarc_rua": "r@reports.test"},
    )
    text = zone.instructions(other, records.needed(other, mail_addresses=["10.0.0.9"], dkim_keys=KEYS))
    assert 'beta-bakery.test._report._dmarc.reports.test. IN TXT "v=DMARC1"' in text
    assert "Not known yet" not in text
