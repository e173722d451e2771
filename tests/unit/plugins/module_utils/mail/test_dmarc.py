"""RFC 7489: what is a record, what is aligned, what a receiver does."""

from __future__ import annotations

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail import dmarc
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.records import dmarc_text


@pytest.mark.parametrize("policy", ["none", "quarantine", "reject"])
def test_what_the_collection_publishes_is_accepted(policy: str) -> None:
    found = dmarc.parse(dmarc_text(policy, "dmarc@acme.test"))
    assert (found.p, found.sp, found.rua) == (policy, policy, ("mailto:dmarc@acme.test",))


def test_every_tag_is_read() -> None:
    text = "v=DMARC1 ; p = Reject; sp=none; adkim=s; aspf=r; pct=50; ri=3600; fo=1; rua=mailto:a@b.test!10m,https://c.test/r; x=y;"
    assert dmarc.parse(text) == dmarc.Policy(
        "reject", "none", "s", "r", 50, ("mailto:a@b.test!10m", "https://c.test/r")
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("v=dmarc1; p=none", "begins with"),
        ("p=none; v=DMARC1", "begins with"),
        ("v=DMARC1", "p is missing"),
        ("v=DMARC1; rua=mailto:a@b.test", "p is missing"),
        ("v=DMARC1; rua=mailto:a@b.test; p=none", "second tag"),
        ("v=DMARC1; p=rejekt", "is not one of"),
        ("v=DMARC1; p=none; p=reject", "twice"),
        ("v=DMARC1; p=none; pct=200", "percentage"),
        ("v=DMARC1; p=none; adkim=strict", "is not one of"),
        ("v=DMARC1; p=none; ri=soon", "seconds"),
        ("v=DMARC1; p=none; rua=dmarc@acme.test", "no URI"),
        ("v=DMARC1; p=none rua=mailto:a@b.test", "is not one of"),
        ("v=DMARC1; p=none;; rua=mailto:a@b.test", "no tag=value"),
        ("v=DMARC1 p=none", "begins with"),
    ],
)
def test_what_section_6_3_does_not_accept_is_named(text: str, why: str) -> None:
    with pytest.raises(dmarc.RecordError, match=why):
        dmarc.parse(text)


@pytest.mark.parametrize(
    ("identifier", "author", "mode", "expected"),
    [
        ("acme.test", "acme.test", "s", True),
        ("ACME.test.", "acme.test", "s", True),
        ("mail.acme.test", "acme.test", "s", False),
        ("mail.acme.test", "acme.test", "r", True),
        ("acme.test", "news.acme.test", "r", True),
        ("notacme.test", "acme.test", "r", False),
        ("test", "acme.test", "r", False),
    ],
)
def test_alignment(identifier: str, author: str, mode: str, *, expected: bool) -> None:
    assert dmarc.aligned(identifier, author, mode) is expected


def test_one_aligned_mechanism_is_enough() -> None:
    policy = dmarc.parse("v=DMARC1; p=reject; adkim=s")
    assert dmarc.evaluate(policy, "acme.test", spf=None, dkim=["acme.test"]) == dmarc.Result(("dkim",), "none")
    assert dmarc.evaluate(policy, "acme.test", spf="acme.test", dkim=[]).passed
    assert dmarc.evaluate(policy, "acme.test", spf="beta.test", dkim=["mail.acme.test"]) == dmarc.Result((), "reject")


def test_a_subdomain_has_the_policy_for_subdomains() -> None:
    policy = dmarc.parse("v=DMARC1; p=reject; sp=quarantine")
    assert dmarc.evaluate(policy, "a.acme.test", spf=None, dkim=[], subdomain=True).disposition == "quarantine"
