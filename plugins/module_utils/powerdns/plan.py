# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Current and desired RRsets of one zone in, changes and conflicts out. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..failure import Failure
from ..reconcile import Change
from .client import Comment, StoredRRset, Zone
from .desired import Desired, OwnerFailures
from .rrset import NormalFormError, canonical_value, has_prefix, zone_line

#: The comment that marks an RRset as ours: who manages it, and for which owner.
MARKER_ACCOUNT = "tenantmail"
MARKER_PREFIX = "tenant="


@dataclasses.dataclass(frozen=True)
class Decision:
    """What becomes of one item.

    :param action: ``create``, ``update``, ``delete``, ``none``, or ``kept`` (absent is desired, but somebody else's
        RRset is there).
    """

    item: Desired
    action: str


@dataclasses.dataclass
class ZonePlan:
    """What one zone needs.

    :param changes: one per RRset, deletions first; ``payload`` is a :class:`Write`.
    :param decisions: one per item that has no failure.
    :param failures: per owner.
    """

    changes: list[Change] = dataclasses.field(default_factory=list)
    decisions: list[Decision] = dataclasses.field(default_factory=list)
    failures: OwnerFailures = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Write:
    """The change of one RRset as the API takes it, and who asked for it."""

    body: dict[str, t.Any]
    owners: tuple[str, ...]
    merged: bool = False


def marker(owner: str) -> Comment:
    """The comment that marks an RRset as ``owner``'s."""
    return Comment(MARKER_ACCOUNT, MARKER_PREFIX + owner)


def owners_of(stored: StoredRRset) -> set[str]:
    """The owners that an RRset's comments name."""
    return {
        comment.content[len(MARKER_PREFIX) :]
        for comment in stored.comments
        if comment.account == MARKER_ACCOUNT and comment.content.startswith(MARKER_PREFIX)
    }


def normal_values(stored: StoredRRset) -> tuple[str, ...]:
    """The enabled values in normal form, sorted."""
    return tuple(sorted({_normal(stored.type, content) for content, disabled in stored.records if not disabled}))


def _normal(type_: str, content: str) -> str:
    try:
        return canonical_value(type_, content)
    except NormalFormError:
        # Somebody else's odd record: it equals nothing that can be desired, and is shown as it stands.
        return content


def plan_zone(zone: str, current: Zone, desired: t.Iterable[Desired], ownership: str) -> ZonePlan:
    """Compare one zone with what is desired of it.

    :param current: the zone's RRsets; empty for a zone that does not exist yet.
    :param desired: items of this zone only, free of collisions.
    :param ownership: ``comment`` or ``none``.
    """
    plan = ZonePlan()
    shared: dict[tuple[str, str], list[Desired]] = {}
    items = list(desired)
    going = {item.key for item in items if not item.present and item.prefix is None}
    aliases = {item.name for item in items if item.type == "CNAME"}
    beside = [key for key in current if key[0] in aliases and key[1] != "CNAME"]
    for item in items:
        failure = _cname_conflict(zone, current, item, beside, going)
        if failure is not None:
            plan.failures.setdefault(item.owner, []).append(failure)
        elif item.prefix is None:
            _plan_whole(zone, current.get(item.key), item, ownership, plan)
        else:
            shared.setdefault(item.key, []).append(item)
    for key, sharers in shared.items():
        _plan_shared(current.get(key), sharers, plan)
    plan.changes.sort(key=lambda change: (change.action != "delete", change.payload.owners, change.key))
    plan.decisions.sort(key=lambda decision: decision.item.index)
    return plan


def _plan_whole(zone: str, stored: StoredRRset | None, item: Desired, ownership: str, plan: ZonePlan) -> None:
    action = "none"
    marked = ownership == "comment"
    mine = stored is not None and (not marked or item.owner in owners_of(stored))
    comments: tuple[Comment, ...] | None = None
    if stored is None:
        if item.present:
            action, comments = "create", (marker(item.owner),) if marked else None
    elif not item.present:
        action = "delete" if mine or item.adopt else "kept"
    elif mine:
        action = "none" if _equal(stored, item) and stored.ttl == item.ttl else "update"
    elif item.adopt:
        others = tuple(comment for comment in stored.comments if comment.account != MARKER_ACCOUNT)
        action, comments = "update", (*others, marker(item.owner))
    elif not _equal(stored, item):
        plan.failures.setdefault(item.owner, []).append(_foreign(zone, stored, item))
        return
    plan.decisions.append(Decision(item, action))
    if action in ("create", "update", "delete"):
        after = (item.ttl, item.values) if item.present else None
        records = [(value, False) for value in item.values]
        plan.changes.append(
            _change(action, item, stored, after, Write(_body(item, after, records, comments), (item.owner,)))
        )


def _equal(stored: StoredRRset, item: Desired) -> bool:
    return normal_values(stored) == item.values and not any(disabled for _content, disabled in stored.records)


def _plan_shared(stored: StoredRRset | None, items: list[Desired], plan: ZonePlan) -> None:
    """Several owners' values inside one RRset; everybody else's records are sent back exactly as they were read."""
    records = list(stored.records) if stored else []
    changing: list[Desired] = []
    for item in items:
        own = [record for record in records if _manages(item, record)]
        keep = [record for record in records if record not in own]
        if item.present:
            keep.append((item.values[0], False))
        if sorted(_normal_record(record) for record in own) != [
            (value, False) for value in item.values if item.present
        ]:
            records = keep
            changing.append(item)
    action = "none"
    if changing:
        action = "create" if stored is None else "update" if records else "delete"
        ttl = stored.ttl if stored else min(item.ttl for item in items)
        values = tuple(sorted({_normal("TXT", content) for content, disabled in records if not disabled}))
        after = (ttl, values) if records else None
        write = Write(
            _body(items[0], after, records, None), tuple(sorted({item.owner for item in changing})), merged=True
        )
        plan.changes.append(_change(action, items[0], stored, after, write))
    plan.decisions.extend(Decision(item, action if item in changing else "none") for item in items)


def _normal_record(record: tuple[str, bool]) -> tuple[str, bool]:
    return _normal("TXT", record[0]), record[1]


def _manages(item: Desired, record: tuple[str, bool]) -> bool:
    value = _normal("TXT", record[0])
    try:
        matches = has_prefix(value, item.prefix or "")
    except NormalFormError:
        return False
    return matches and (item.present or not item.values or value in item.values)


def _body(
    item: Desired,
    after: tuple[int, tuple[str, ...]] | None,
    records: t.Iterable[tuple[str, bool]],
    comments: tuple[Comment, ...] | None,
) -> dict[str, t.Any]:
    body: dict[str, t.Any] = {"name": item.name, "type": item.type, "changetype": "REPLACE" if after else "DELETE"}
    if after:
        body["ttl"] = after[0]
        body["records"] = [{"content": content, "disabled": disabled} for content, disabled in records]
        # Without the key the server leaves the comments alone.
        if comments is not None:
            body["comments"] = [comment.as_wire() for comment in comments]
    return body


def _change(
    action: str, item: Desired, stored: StoredRRset | None, after: tuple[int, tuple[str, ...]] | None, write: Write
) -> Change:
    before = (stored.ttl, normal_values(stored)) if stored else None
    return Change(action, item.type, item.name, before=_text(item, before), after=_text(item, after), payload=write)


def _text(item: Desired, state: tuple[int, tuple[str, ...]] | None) -> str:
    if state is None:
        return ""
    return "".join(zone_line(item.name, state[0], item.type, value) + "\n" for value in state[1])


def _foreign(zone: str, stored: StoredRRset, item: Desired) -> Failure:
    others = sorted(owners_of(stored))
    whose = (
        f"is marked as owned by {', '.join(map(repr, others))}"
        if others
        else f"is not marked as owned by {item.owner!r}"
    )
    disabled = sum(1 for _content, disabled in stored.records if disabled)
    holds = _list(normal_values(stored)) + (f" and {disabled} disabled record(s)" if disabled else "")
    return Failure(
        "powerdns",
        "not_owner" if others else "foreign_record",
        f"{item.label} in zone {zone} holds {holds} and {whose}; desired is {_list(item.values)}.",
        hint="Remove that record set, or take it over with adopt: true; until then nothing of this owner is published.",
        tenant=item.owner or None,
    )


def _cname_conflict(
    zone: str, current: Zone, item: Desired, beside: list[tuple[str, str]], going: set[tuple[str, str]]
) -> Failure | None:
    """A CNAME stands alone (RFC 1034 section 3.6.2); the server would refuse the whole PATCH."""
    if not item.present:
        return None
    if item.type == "CNAME":
        in_the_way = sorted(type_ for name, type_ in beside if name == item.name)
    else:
        in_the_way = ["CNAME"] if (item.name, "CNAME") in current else []
    in_the_way = [type_ for type_ in in_the_way if (item.name, type_) not in going]
    if not in_the_way:
        return None
    return Failure(
        "powerdns",
        "foreign_record",
        f"{item.label} in zone {zone} cannot stand beside the existing {', '.join(in_the_way)} of that name.",
        hint="Remove that record set; a CNAME stands alone.",
        tenant=item.owner or None,
    )


def _list(values: t.Sequence[str]) -> str:
    shown = [value if len(value) <= 100 else value[:100] + "…" for value in values[:4]]
    more = f" and {len(values) - 4} more" if len(values) > 4 else ""
    return f"[{', '.join(shown)}]{more}"
