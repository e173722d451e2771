"""The task of dns_check against a real name server."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.dnscheck import run
from tests.contract.powerdns.server import PowerDns

NAME = "check.omantel.test."
RSA = "v=DKIM1; k=rsa; h=sha256; p=" + "A" * 2000


def check(*rrsets: dict[str, Any], nameservers: list[str], **options: Any) -> dict[str, Any]:
    params = {"authoritative": True, "timeout": 2.0, "wait": 0, "must_match": False, **options}
    return run({"rrsets": list(rrsets), "nameservers": nameservers, **params}, check_mode=False)


def item(type_: str, *values: str, name: str = NAME, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, "values": list(values), **more}


def test_everything_matches_one_query_each(powerdns: PowerDns) -> None:
    powerdns.put(NAME, "MX", "20 B.test.", "10 a.test.")
    # Larger than any UDP answer: the fall-back to TCP is taken.
    powerdns.put(f"s._domainkey.{NAME}", "TXT", " ".join(f'"{RSA[i : i + 200]}"' for i in range(0, len(RSA), 200)))
    powerdns.put(f"w.{NAME}", "TXT", '"v=spf1 -all"', '"other"')
    result = check(
        item("MX", "10 A.test", "20 b.test"),
        item("TXT", RSA, name=f"s._domainkey.{NAME}"),
        item("TXT", "v=spf1 -all", name=f"w.{NAME}", merge={"prefix": "v=spf1"}),
        {"name": f"none.{NAME}", "type": "A", "state": "absent"},
        nameservers=[powerdns.nameserver],
        must_match=True,
    )
    assert (result["verdict"], result["queries"]) == ("match", 4)
    assert result["rrsets"][0]["nameservers"] == [
        {"nameserver": powerdns.nameserver, "verdict": "match", "values": ["10 a.test.", "20 b.test."], "detail": ""}
    ]


def test_verdicts(powerdns: PowerDns) -> None:
    powerdns.put(NAME, "A", "192.0.2.9")
    result = check(
        item("A", "192.0.2.1"),
        item("AAAA", "2001:db8::1"),
        item("A", "192.0.2.1", name=f"nx.{NAME}"),
        item("A", "192.0.2.1", name="elsewhere.test"),
        nameservers=[powerdns.nameserver],
    )
    assert [entry["verdict"] for entry in result["rrsets"]] == ["conflict", "missing", "missing", "unknown"]
    assert result["rrsets"][3]["nameservers"][0]["detail"] == "answered REFUSED"
    assert result["verdict"] == "conflict"


def test_must_match_tells_who_says_what(powerdns: PowerDns) -> None:
    powerdns.put(NAME, "A", "192.0.2.9")
    with pytest.raises(Failure) as caught:
        check(item("A", "192.0.2.1"), nameservers=[powerdns.nameserver], must_match=True)
    assert (caught.value.layer, caught.value.code) == ("dns", "not_converged")
    assert f"A {NAME} is conflict ({powerdns.nameserver} has 192.0.2.9)" in caught.value.message


def test_waits_until_it_is_there(powerdns: PowerDns) -> None:
    late = threading.Timer(1.0, powerdns.put, (NAME, "A", "192.0.2.1"))
    late.start()
    begin = time.monotonic()
    result = check(item("A", "192.0.2.1"), nameservers=[powerdns.nameserver], wait=20)
    late.join()
    assert result["verdict"] == "match"
    assert 0.5 < time.monotonic() - begin < 15


def test_waiting_ends(powerdns: PowerDns) -> None:
    begin = time.monotonic()
    assert check(item("A", "192.0.2.1"), nameservers=[powerdns.nameserver], wait=1)["verdict"] == "missing"
    assert time.monotonic() - begin < 5


def test_a_silent_name_server_costs_one_timeout_and_hides_nobody(powerdns: PowerDns) -> None:
    powerdns.put(NAME, "A", "192.0.2.1")
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{silent.getsockname()[1]}"
        begin = time.monotonic()
        result = check(*[item("A", "192.0.2.1")] * 5, nameservers=[dead, powerdns.nameserver], timeout=0.5)
        assert time.monotonic() - begin < 2
    assert result["verdict"] == "unknown"
    said = {answer["nameserver"]: answer["verdict"] for answer in result["rrsets"][0]["nameservers"]}
    assert said == {dead: "unknown", powerdns.nameserver: "match"}
