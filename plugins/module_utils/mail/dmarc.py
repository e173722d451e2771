# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DMARC as a receiver computes it (RFC 7489): the record parsed strictly, alignment, and the disposition. Pure."""

from __future__ import annotations

import dataclasses
import re
import typing as t

_POLICIES = ("none", "quarantine", "reject")
_TAG = re.compile(r"\s*([a-z]+)\s*=\s*(.*?)\s*\Z", re.S)
#: RFC 3986 scheme; the comma and the exclamation mark are the record's own (section 6.2).
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^,!\s]+(?:!\d+[kmgt]?)?\Z")
_VERSION = re.compile(r"v\s*=\s*DMARC1\s*(?:;|\Z)")


class RecordError(ValueError):
    """A text that section 6.3 does not accept; the message names the tag."""


@dataclasses.dataclass(frozen=True)
class Policy:
    """A record. :param adkim: :param aspf: ``r`` (relaxed) or ``s`` (strict)."""

    p: str
    sp: str
    adkim: str = "r"
    aspf: str = "r"
    pct: int = 100
    rua: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Result:
    """What a receiver concludes.

    :param aligned: the mechanisms that passed in alignment, ``dkim`` and ``spf``.
    :param disposition: what happens to the message.
    """

    aligned: tuple[str, ...]
    disposition: str

    @property
    def passed(self) -> bool:
        """One mechanism is enough (section 6.6.2)."""
        return bool(self.aligned)


def is_record(text: str) -> bool:
    """Whether the text is a DMARC record at all; others at the name are somebody else's (section 6.6.3)."""
    return bool(_VERSION.match(text))


def parse(text: str) -> Policy:
    """The policy of a record.

    :raises RecordError: for anything that the grammar of section 6.4 does not have. Unknown tags are ignored, as it says.
    """
    if not is_record(text):
        raise RecordError("a record begins with v=DMARC1")
    tags: dict[str, str] = {}
    parts = text.split(";")
    if not parts[-1].strip():
        parts.pop()
    for part in parts:
        match = _TAG.match(part)
        if match is None:
            raise RecordError(f"{part.strip()!r} is no tag=value")
        name, value = match.groups()
        if name in tags:
            raise RecordError(f"the tag {name} stands twice")
        tags[name] = value
    if list(tags)[1:2] != ["p"]:
        raise RecordError("p must be the second tag" if "p" in tags else "the tag p is missing")
    policy = _one_of("p", tags["p"], _POLICIES)
    pct = tags.get("pct", "100")
    if not pct.isdigit() or int(pct) > 100:
        raise RecordError(f"pct={pct} is no percentage")
    if "ri" in tags and not tags["ri"].isdigit():
        raise RecordError(f"ri={tags['ri']} are no seconds")
    _uris("ruf", tags)
    return Policy(
        policy,
        _one_of("sp", tags.get("sp", policy), _POLICIES),
        _one_of("adkim", tags.get("adkim", "r"), ("r", "s")),
        _one_of("aspf", tags.get("aspf", "r"), ("r", "s")),
        int(pct),
        _uris("rua", tags),
    )


def aligned(identifier: str, author: str, mode: str) -> bool:
    """Whether an authenticated domain is aligned with the one in From (section 3.1).

    Relaxed alignment compares organizational domains, which need the public suffix list; here an identifier counts when
    one of the two is the other or a parent of it, which is what the tenant's own names are to each other.

    :param mode: ``r`` or ``s``.
    """
    one, other = (name.lower().rstrip(".") for name in (identifier, author))
    if mode == "s" or one == other:
        return one == other
    return "." in one and "." in other and (one.endswith(f".{other}") or other.endswith(f".{one}"))


def evaluate(
    policy: Policy, author: str, *, spf: t.Optional[str], dkim: t.Iterable[str], subdomain: bool = False
) -> Result:
    """The conclusion for one message.

    :param author: domain of the From header.
    :param spf: the domain that SPF passed for, if it did.
    :param dkim: domains (``d=``) of the signatures that verified.
    :param subdomain: the record was found at a parent of the author's domain.
    """
    found = []
    if any(aligned(domain, author, policy.adkim) for domain in dkim):
        found.append("dkim")
    if spf is not None and aligned(spf, author, policy.aspf):
        found.append("spf")
    return Result(tuple(found), "none" if found else policy.sp if subdomain else policy.p)


def _one_of(tag: str, value: str, accepted: t.Sequence[str]) -> str:
    # Values of these tags are case-insensitive strings of the grammar (RFC 5234 section 2.3).
    if value.lower() not in accepted:
        raise RecordError(f"{tag}={value} is not one of {', '.join(accepted)}")
    return value.lower()


def _uris(tag: str, tags: t.Mapping[str, str]) -> tuple[str, ...]:
    if tag not in tags:
        return ()
    found = tuple(uri.strip() for uri in tags[tag].split(","))
    for uri in found:
        if not _URI.match(uri):
            raise RecordError(f"{tag}={uri} is no URI such as mailto:dmarc@acme.test")
    return found
