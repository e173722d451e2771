# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which record sets a domain needs for its mail (design 5). Pure; how they are shown and kept is in ``mail/zone.py``.

MX: RFC 5321 section 5.1; SPF: RFC 7208; DMARC: RFC 7489; DKIM: RFC 6376; addresses: RFC 1035, RFC 3596.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t
from urllib.parse import quote

from ..failure import Failure
from ..powerdns import rrset as forms
from . import dkim

MX_PREFERENCE = 10
SPF_PREFIX = "v=spf1"
#: A key in one of these stages has signed mail that is still on its way, or is about to sign.
PUBLISHED_STAGES = ("pending", "active", "retiring")


@dataclasses.dataclass(frozen=True)
class RecordSet:
    """One record set that the domain needs.

    :param name: absolute, lower case, with the trailing dot.
    :param ttl: seconds.
    :param values: normal forms (:mod:`powerdns.rrset`), sorted.
    :param purpose: ``mx``, ``spf``, ``dmarc``, ``mail-address``, ``web-address`` or ``dkim``.
    :param merge: prefix of the only value that is ours; the record set is shared with others.
    """

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]
    purpose: str
    merge: str | None = None

    def as_dict(self) -> dict[str, t.Any]:
        """The item of ``records.yaml``."""
        item: dict[str, t.Any] = {
            "name": self.name,
            "type": self.type,
            "ttl": self.ttl,
            "values": list(self.values),
            "purpose": self.purpose,
        }
        return {**item, "merge": {"prefix": self.merge}} if self.merge else item


@dataclasses.dataclass(frozen=True)
class Needed:
    """The record sets of a domain, and what could not be stated yet.

    :param unknown: sentences for people: what is missing and where it comes from.
    """

    records: tuple[RecordSet, ...]
    unknown: tuple[str, ...] = ()


def spf_text(policy: str, mechanisms: t.Sequence[str] = ()) -> str:
    """The SPF record: only the hosts of the MX may send, and what the mechanisms name (RFC 7208)."""
    return " ".join((SPF_PREFIX, "mx", *mechanisms, policy))


def dmarc_text(policy: str, rua: str) -> str:
    """The DMARC record (RFC 7489 section 6.3).

    :param rua: the address that aggregate reports go to.
    """
    local, _at, name = rua.rpartition("@")
    # In a DMARC tag, comma and exclamation mark separate URIs and sizes (section 6.2); the rest is RFC 6068.
    return f"v=DMARC1; p={policy}; rua=mailto:{quote(local, safe='*+-._~=')}@{name}"


def needed(
    model: t.Mapping[str, t.Any],
    *,
    mail_addresses: t.Sequence[str] = (),
    web_addresses: t.Sequence[str] = (),
    dkim_keys: t.Sequence[t.Mapping[str, t.Any]] = (),
) -> Needed:
    """Everything that the domain of a tenant needs in DNS.

    :param model: the tenant's model, of which ``domain`` and ``dns`` are read.
    :param mail_addresses: addresses that answer on SMTP and IMAP; the model's own ``mail_addresses`` win.
    :param web_addresses: addresses of the web host; only looked at where it is another host.
    :param dkim_keys: the server's keys as stalwart_info returns them: ``selector``, ``public_key_record``, ``stage``.
    :raises Failure: ``placeholder`` or ``invalid_value`` (layer ``stalwart``) for a DKIM key, ``invalid_value`` (layer
        ``dns``) for anything else that is no record.
    """
    names, dns = model["domain"], model["dns"]
    domain, ttl = names["primary"], dns["ttl"]
    unknown: list[str] = []
    records = [
        _record(domain, "MX", ttl, [f"{MX_PREFERENCE} {names['mail_host']}."], "mx"),
        _record(
            domain, "TXT", ttl, [spf_text(dns["spf_policy"], dns.get("spf_mechanisms") or ())], "spf", merge=SPF_PREFIX
        ),
        _record(f"_dmarc.{domain}", "TXT", ttl, [dmarc_text(dns["dmarc_policy"], dns["dmarc_rua"])], "dmarc"),
    ]
    addresses = list(dns["mail_addresses"]) or list(mail_addresses)
    records += _addresses(names["mail_host"], addresses, ttl, "mail-address")
    if not addresses:
        unknown.append(f"the address of {names['mail_host']} (from the SMTP Service, or tenant_mail_addresses)")
    if names["web_host"] != names["mail_host"]:
        records += _addresses(names["web_host"], web_addresses, ttl, "web-address")
        if not web_addresses:
            unknown.append(f"the address of {names['web_host']} (from the Gateway or Ingress)")
    keys = [key for key in dkim_keys if key.get("stage", "active") in PUBLISHED_STAGES]
    records += [_dkim(key, domain, ttl) for key in sorted(keys, key=lambda key: str(key["selector"]))]
    if not keys:
        unknown.append("the DKIM keys (made by the server some seconds after the domain)")
    return Needed(tuple(records), tuple(unknown))


def _record(
    name: str, type_: str, ttl: int, values: t.Iterable[str], purpose: str, merge: str | None = None
) -> RecordSet:
    try:
        return RecordSet(
            forms.canonical_name(forms.check_placeholder(name)),
            type_,
            forms.check_ttl(ttl),
            forms.canonical_values(type_, [forms.check_placeholder(value) for value in values]),
            purpose,
            merge,
        )
    except forms.PlaceholderError as exc:
        raise Failure("dns", "placeholder", f"{type_} {name}: {exc}.") from None
    except forms.NormalFormError as exc:
        raise Failure("dns", "invalid_value", f"{type_} {name}: {exc}.") from None


def _addresses(host: str, addresses: t.Iterable[str], ttl: int, purpose: str) -> list[RecordSet]:
    by_type: dict[str, list[str]] = {"A": [], "AAAA": []}
    for address in addresses:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            raise Failure(
                "dns",
                "invalid_value",
                f"{address!r} is no address for {host}; accepted are IPv4 and IPv6 addresses.",
                hint="A Service whose status names a host instead of an address needs tenant_mail_addresses.",
            ) from None
        by_type["A" if parsed.version == 4 else "AAAA"].append(str(parsed))
    return [_record(host, type_, ttl, values, purpose) for type_, values in by_type.items() if values]


def _dkim(key: t.Mapping[str, t.Any], domain: str, ttl: int) -> RecordSet:
    selector, text = str(key["selector"]), str(key["public_key_record"])
    try:
        name = dkim.record_name(selector, domain)
        if dkim.parse(text).revoked:
            raise dkim.KeyRecordError("it has no public key (empty p=)")
    except dkim.PlaceholderError as exc:
        raise Failure("stalwart", "placeholder", f"the DKIM key {selector!r} cannot be published: {exc}.") from None
    except dkim.KeyRecordError as exc:
        raise Failure(
            "stalwart",
            "invalid_value",
            f"the DKIM key {selector!r} cannot be published: {exc}.",
            hint="Replace the key on the server; a record that no verifier accepts makes every message fail DMARC.",
        ) from None
    return _record(name, "TXT", ttl, [text], "dkim")


def rrsets(records: t.Iterable[RecordSet], *, zone: str, owner: str) -> list[dict[str, t.Any]]:
    """The items for option ``rrsets`` of powerdns_rrset.

    :param owner: the tenant's slug.
    """
    items = []
    for record in records:
        item = {
            "zone": zone,
            "name": record.name,
            "type": record.type,
            "ttl": record.ttl,
            "values": list(record.values),
            "owner": owner,
        }
        items.append({**item, "merge": {"prefix": record.merge}} if record.merge else item)
    return items
