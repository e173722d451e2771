"""What is published against what should be, by cause; no network."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import records
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.checks import NotApplicable, Wrong
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.dnscheck import Answer, NameServer
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.probe_dns import DnsChecks, Published
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns import rrset

ED25519 = "v=DKIM1; k=ed25519; h=sha256; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
OTHER = "v=DKIM1; k=ed25519; h=sha256; p=O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik="
MODEL = {
    "domain": {
        "primary": "acme.test",
        "mode": "free-subdomain",
        "mail_host": "mail.acme.test",
        "web_host": "mail.acme.test",
    },
    "dns": {
        "mail_addresses": [],
        "spf_policy": "-all",
        "dmarc_policy": "reject",
        "dmarc_rua": "dmarc@acme.test",
        "ttl": 300,
    },
}
KEYS = [{"selector": "s1", "public_key_record": ED25519, "stage": "active"}]
ONE, TWO = NameServer("192.0.2.53", 53), NameServer("192.0.2.54", 53)
Zone = dict[tuple[str, str], Answer]


def expected() -> list[dict[str, Any]]:
    needed = records.needed(MODEL, mail_addresses=["192.0.2.25"], dkim_keys=KEYS)
    return [record.as_dict() for record in needed.records]


def txt(*texts: str) -> Answer:
    return Answer(tuple(sorted(rrset.txt_value(text.encode()) for text in texts)))


def zone(**changes: Answer) -> Zone:
    """What is right, with changes by purpose."""
    names = {"mx": "mx", "spf": "spf", "dmarc": "dmarc", "address": "mail-address", "dkim": "dkim"}
    found: Zone = {}
    for item in expected():
        short = next(short for short, purpose in names.items() if purpose == item["purpose"])
        found[item["name"], item["type"]] = changes.get(short, Answer(tuple(item["values"])))
    return found


def checks(*zones: Zone, standing: bool = False) -> DnsChecks:
    servers = dict(zip((ONE, TWO), zones))
    published = Published(
        expected(),
        list(servers),
        standing=standing,
        asker=lambda server, name, type_: servers[server].get((name, type_), Answer(())),
    )
    return DnsChecks(published, "acme.test", "mail.acme.test")


def cause(call: Any) -> str:
    with pytest.raises(Wrong) as raised:
        call()
    return raised.value.cause


def test_what_should_be_there_passes() -> None:
    found = checks(zone(), zone())
    assert found.mx() == "MX 10 mail.acme.test."
    assert found.address() == "192.0.2.25"
    assert found.spf() == "v=spf1 mx -all"
    assert found.dmarc() == "v=DMARC1; p=reject; rua=mailto:dmarc@acme.test"
    assert found.dkim() == "selectors s1"


def test_other_texts_at_the_domain_are_somebody_elses() -> None:
    assert checks(zone(spf=txt("v=spf1 mx -all", "v=spf10 no", "site-verification=1"))).spf() == "v=spf1 mx -all"


@pytest.mark.parametrize(
    ("check", "answer", "expected_cause"),
    [
        ("mx", Answer(()), "mx_missing"),
        ("mx", Answer(("10 mx.other.test.",)), "mx_other"),
        ("mx", Answer(("10 mail.acme.test.", "20 backup.other.test.")), "mx_other"),
        ("address", Answer(()), "address_missing"),
        ("address", Answer(("192.0.2.26",)), "address_other"),
        ("address", Answer(("192.0.2.25", "192.0.2.26")), "address_other"),
        ("spf", Answer(()), "spf_missing"),
        ("spf", txt("v=spf1 mx -all", "V=SPF1 include:other.test ~all"), "spf_two"),
        ("spf", txt("v=spf1 +all"), "spf_other"),
        ("dmarc", Answer(()), "dmarc_missing"),
        ("dmarc", txt("v=DMARC1; p=none", "v=DMARC1; p=reject"), "dmarc_two"),
        ("dmarc", txt("v=DMARC1; rua=mailto:dmarc@acme.test"), "dmarc_syntax"),
        ("dmarc", txt("v=DMARC1 p=reject"), "dmarc_syntax"),
        ("dmarc", txt("v=DMARC1; p=none; rua=mailto:dmarc@acme.test"), "dmarc_other"),
        ("dkim", Answer(()), "dkim_missing"),
        ("dkim", txt(OTHER), "dkim_stale"),
        ("dkim", txt("v=DKIM1; k=ed25519; p="), "dkim_stale"),
        ("dkim", txt(ED25519, OTHER), "dkim_stale"),
    ],
)
def test_each_mistake_has_its_cause(check: str, answer: Answer, expected_cause: str) -> None:
    assert cause(getattr(checks(zone(**{check: answer})), check)) == expected_cause


def test_name_servers_that_disagree_or_stay_silent_are_told() -> None:
    assert cause(checks(zone(), zone(mx=Answer(("10 mx.other.test.",)))).mx) == "dns_differs"
    assert cause(checks(zone(mx=Answer(None, "no answer within 3 s"))).mx) == "dns_silent"


def test_without_name_servers_nothing_can_be_said() -> None:
    with pytest.raises(NotApplicable):
        checks().mx()


def test_a_server_without_keys_is_the_servers_fault() -> None:
    published = Published([], [ONE], asker=lambda *_: Answer(()))
    assert cause(DnsChecks(published, "acme.test", "mail.acme.test").dkim) == "dkim_none"


def test_what_the_owner_has_to_publish_stands_in_for_what_is_not_there() -> None:
    other = Published(expected(), [], standing=True)
    assert other.addresses("mail.acme.test") == ["192.0.2.25"]
    assert other.texts("s1._domainkey.acme.test") == [ED25519]
    ours = Published(expected(), [], standing=False)
    assert ours.addresses("mail.acme.test") == []


def test_an_owners_spf_may_let_others_send() -> None:
    text = "v=spf1 mx include:newsletter.test -all"
    assert checks(zone(spf=txt(text)), standing=True).spf() == text


def test_each_name_is_asked_once() -> None:
    asked = []

    def ask(_server: NameServer, name: str, type_: str) -> Answer:
        asked.append((name, type_))
        return Answer(())

    published = Published(expected(), [ONE], asker=ask)
    for _ in range(3):
        published.lookup("mail.acme.test", "A")
    assert asked == [("mail.acme.test.", "A")]
