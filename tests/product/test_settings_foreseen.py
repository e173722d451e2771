"""What a plan says before a run would: refusals of the server that check mode foresees, and the order of writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.expression_audit import fault

from .exports import export
from .server import Server, refusal, words

QUIET = {"spamPyzor.enable": False}

FORESEEN = [
    ({"systemSettings.defaultHostname": "mail.acme.test"}, "systemSettings.defaultDomainId: the server has none"),
    ({"domain": {"acme test": {}}}, "domain.acme test.name (given: 'acme test'): expected a name of labels"),
    ({"domain": {"acme": {}}}, "expected a name of labels"),
    ({"domain": {"acme.test.": {}}}, "expected a name of labels"),
    ({"domain": {"a☃.test": {}}}, "must be valid IDNA 2008"),
    ({"systemSettings": {"defaultHostname": "https://mail.acme.test"}}, "no blanks, no scheme, no port"),
    ({"systemSettings": {"mailExchangers": [{"hostname": "mx.acme.test:25"}]}}, "no blanks, no scheme, no port"),
    ({"domain.gamma.test": {}}, "unknown property 'test'; a label that contains dots needs the nested form domain: {"),
    ({"blockedIp.203.0.113.9": {}}, "nested form blockedIp: {203.0.113.9: …}"),
    ({"mtaStageMail.isSenderAllowed": "sender == 'a' and is_tls"}, "Write '&&'"),
    ({"mtaStageMail.isSenderAllowed": "ends_with(sender, @acme.test)"}, "a text needs quotes"),
    ({"jmap.maxUploadCount": 0.5}, "expected an integer"),
    ({"security.authBanRate": 5}, "expected a mapping with count and period or null"),
]


@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
@pytest.mark.parametrize(("settings", "says"), FORESEEN, ids=[says[:30] for _settings, says in FORESEEN])
def test_check_mode_refuses_what_a_run_refuses(
    simulated: Server, settings: Mapping[str, Any], says: str, check: bool
) -> None:
    before = simulated.writes()
    failure = refusal(simulated.settings, settings, check=check)
    assert failure.code == "invalid_value"
    assert says in failure.message
    assert "'?." not in failure.message
    assert failure.hint
    assert simulated.writes() == before


def test_what_a_new_server_needs_with_the_first_change(server: Server) -> None:
    """The server's own word for it, and ours before it."""
    host = {"systemSettings.defaultHostname": "mail.acme.test"}
    assert "systemSettings.defaultDomainId" in refusal(server.settings, host, check=True).message
    error = server.api().not_updated("SystemSettings", "singleton", {"defaultHostname": "mail.acme.test"})
    assert "defaultDomainId" in str(error)
    both = {**QUIET, **host, "systemSettings.defaultDomainId": "acme.test", "domain": {"acme.test": {}}}
    assert server.settings(both)["changed"]
    assert not server.settings({**host})["changed"]


def _settle(server: Server, settings: Mapping[str, Any], expected: list[str], **more: Any) -> None:
    assert words(server.settings(settings, check=True, **more)) == expected
    assert words(server.settings(settings, **more)) == expected
    assert not server.settings(settings, **more)["changed"]


def test_two_domains_swap_their_aliases(server: Server) -> None:
    given = {"acme.test": {"aliases": ["a.test", "x.test"]}, "beta.test": {"aliases": ["b.test"]}}
    server.settings({**QUIET, "domain": given})
    swapped = {"acme.test": {"aliases": ["b.test", "x.test"]}, "beta.test": {"aliases": ["a.test"]}}
    _settle(server, {"domain": swapped}, ["update domain acme.test", "update domain beta.test"])


def test_a_removed_domain_becomes_an_alias(server: Server) -> None:
    server.settings({**QUIET, "domain": {"acme.test": {}, "beta.test": {"aliases": ["b.test"]}}})
    # The server makes a new domain's keys in its own time, and what nobody has seen cannot be removed.
    server.info("beta.test", gather=["dkim"], wait_dkim=30)
    merged = {"domain": {"acme.test": {"aliases": ["beta.test", "b.test"]}}}
    removed = ["update domain acme.test", "delete domain beta.test"]
    planned = words(server.settings(merged, check=True, exclusive=["domain"]))
    assert planned[:2] == removed
    assert words(server.settings(merged, exclusive=["domain"]))[:2] == removed
    assert not server.settings(merged, exclusive=["domain"])["changed"]


def test_an_export_names_what_was_removed_and_what_has_ended(server: Server) -> None:
    api = server.api()
    for strategy in api.query("MtaTlsStrategy"):
        if api.get("MtaTlsStrategy", strategy, "name")["name"] == "invalid-tls":
            api.destroy("MtaTlsStrategy", strategy)
    api.create("BlockedIp", address="198.51.100.9", expiresAt="2020-01-01T00:00:00Z")
    left_out = {entry["key"]: entry["reason"] for entry in export(server)["left_out"]}
    assert "state: absent" in left_out["mtaTlsStrategy.invalid-tls"]
    assert left_out["blockedIp.198.51.100.9"] == "has expired"
    gone = {"mtaTlsStrategy": {"invalid-tls": {}}}
    assert not server.settings(gone, state="absent")["changed"]


RULES = [
    "octets[0] != 127",
    "octets[ 3 ] < 4 && octets[0] == 1",
    "$SPF_FAIL && !$FREEMAIL_FROM",
    "$",
    "split(ip, '.')[1] == '7'",
    "[ip, ip_reverse][1]",
    "octets[",
    "octets[]",
    "octets[-1]",
    "octets[0, 1]",
    "1kb > 2",
    "5d > 1",
    "5w > 1",
    "1.5 > 1",
    "contains(ip)",
    "len(ip, 1)",
    "matches(ip, 'x')",
    "matches('^a$', ip)",
    "system('node_id')",
    "system('bogus')",
    "is_ip_in_cidr(ip, '10.0.0.0/8')",
    "if_then(1, 2)",
    "ip\t== 'x'",
    "ip ==\n 'x'",
    "ip == 'x' and true",
    "not ip",
    "ip == bob",
    "'é' == \"é\"",
    "'open",
]


def test_the_audit_agrees_with_the_server(server: Server) -> None:
    api = server.api()
    differ = []
    for number, text in enumerate(RULES):
        body = {"@type": "Ip", "name": f"R{number}", "zone": {"match": {}, "else": "'z'"}}
        answer = api.call("x:SpamDnsblServer/set", create={"k": {**body, "tag": {"match": {}, "else": text}}})
        accepted = "k" in (answer.get("created") or {})
        if accepted != (fault(text) is None):
            differ.append((text, accepted, fault(text)))
    assert differ == []
