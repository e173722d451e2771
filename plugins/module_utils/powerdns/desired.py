# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the caller asks for: the ``rrsets`` option checked and in normal form, before any request."""

from __future__ import annotations

import dataclasses
import typing as t

from ..failure import Failure
from .rrset import (
    SINGLE_VALUE,
    NormalFormError,
    PlaceholderError,
    canonical_name,
    canonical_values,
    check_placeholder,
    check_ttl,
    check_type,
    has_prefix,
    is_below,
)

#: Failures of the caller's input and of the zones' content, per owner (``""`` for items without one).
OwnerFailures = t.Dict[str, t.List[Failure]]


@dataclasses.dataclass(frozen=True)
class Desired:
    """One item of ``rrsets`` in normal form.

    :param index: its place in the option.
    :param values: normal forms, sorted; may be empty when absent.
    :param prefix: with it the item is one value inside a shared RRset, without it the whole RRset.
    """

    index: int
    zone: str
    name: str
    type: str
    ttl: int
    values: tuple[str, ...]
    present: bool
    prefix: str | None
    owner: str
    adopt: bool

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.type

    @property
    def label(self) -> str:
        return f"{self.type} {self.name}"


def parse(items: t.Sequence[t.Mapping[str, t.Any]], *, owner_needed: bool) -> tuple[list[Desired], OwnerFailures]:
    """Every item in normal form, and every mistake at once.

    :param owner_needed: an item without ``owner`` is a mistake (``ownership: comment`` or ``on_conflict: report``).
    """
    desired: list[Desired] = []
    failures: OwnerFailures = {}
    for index, item in enumerate(items):
        owner = item.get("owner") or ""
        try:
            desired.append(_parse_item(index, item, owner, owner_needed))
        except PlaceholderError as exc:
            code, message = "placeholder", str(exc)
        except NormalFormError as exc:
            code, message = "invalid_value", str(exc)
        else:
            continue
        where = f"rrsets[{index}] ({item['type']} {item['name']})"
        failures.setdefault(owner, []).append(
            Failure(
                "powerdns",
                code,
                f"{where}: {message}.",
                hint="Nothing of this owner was written.",
                tenant=owner or None,
            )
        )
    for owner, failure in _collisions(desired):
        failures.setdefault(owner, []).append(failure)
    return desired, failures


def _parse_item(index: int, item: t.Mapping[str, t.Any], owner: str, owner_needed: bool) -> Desired:
    if owner_needed and not owner:
        raise NormalFormError("owner is missing; it is needed to mark record sets and to report on them")
    if not (owner.isprintable() and owner.isascii()) or any(c.isspace() for c in owner):
        raise NormalFormError(f"owner {owner!r} is not accepted; accepted is ASCII without blanks")
    zone = canonical_name(check_placeholder(item["zone"]))
    name = canonical_name(check_placeholder(item["name"]))
    if not is_below(name, zone):
        raise NormalFormError(f"name {name!r} is not below zone {zone!r}; names are absolute")
    if item["type"].upper() == "SOA" or (item["type"].upper() == "NS" and name == zone):
        raise NormalFormError(f"the zone's own {item['type'].upper()} belongs to the zone, not to record sets")
    type_ = check_type(item["type"])
    given = item.get("values") or []
    for value in given:
        check_placeholder(value)
    values = canonical_values(type_, given)
    present = item.get("state", "present") == "present"
    if present and not values:
        raise NormalFormError("values is empty; give at least one, or state: absent")
    if present and type_ in SINGLE_VALUE and len(values) > 1:
        raise NormalFormError(f"values has {len(values)} values; a {type_} has one")
    merge = item.get("merge")
    prefix = _prefix(merge["prefix"], type_, values, present) if merge else None
    if prefix and item.get("adopt"):
        raise NormalFormError("adopt has no meaning with merge: a shared record set has no owner")
    ttl = check_ttl(300 if item.get("ttl") is None else item["ttl"])
    return Desired(index, zone, name, type_, ttl, values, present, prefix, owner, bool(item.get("adopt")))


def _prefix(prefix: str, type_: str, values: tuple[str, ...], present: bool) -> str:
    if type_ != "TXT":
        raise NormalFormError(f"merge is for TXT, not for {type_}")
    if not prefix.strip():
        raise NormalFormError("merge.prefix is empty; it must tell the managed value from the others")
    if present and len(values) != 1:
        raise NormalFormError(f"values has {len(values)} values; with merge it has one")
    for value in values:
        if not has_prefix(value, prefix):
            raise NormalFormError(f"the value does not start with merge.prefix {prefix!r}")
    return prefix


def _collisions(desired: t.Iterable[Desired]) -> t.Iterator[tuple[str, Failure]]:
    """Items that cannot both be: one record set twice, or a CNAME beside another type (RFC 1034 section 3.6.2)."""
    names: dict[tuple[str, str], list[Desired]] = {}
    for item in desired:
        names.setdefault((item.zone, item.name), []).append(item)
    for items in names.values():
        for one in items:
            others = [other for other in items if other is not one and _collide(one, other)]
            if not others:
                continue
            owners = sorted({other.owner for other in others} - {one.owner})
            who = f" (also of {', '.join(repr(owner) for owner in owners)})" if owners else ""
            what = ", ".join(sorted({f"rrsets[{other.index}] ({other.label})" for other in others}))
            message = f"rrsets[{one.index}] ({one.label}) contradicts {what}{who}."
            hint = "A record set is named once, and a CNAME stands alone."
            code = "conflict" if owners else "invalid_value"
            yield one.owner, Failure("powerdns", code, message, hint=hint, tenant=one.owner or None)


def _collide(one: Desired, other: Desired) -> bool:
    if one.type != other.type:
        return one.present and other.present and "CNAME" in (one.type, other.type)
    if one.prefix is None or other.prefix is None:
        return True
    same_value = one.present and other.present and one.values == other.values and one.owner != other.owner
    return one.prefix.lower() == other.prefix.lower() and not same_value
