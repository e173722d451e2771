# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``powerdns_rrset``: every zone is read once, planned, written by one PATCH, and read back.

An owner is published as a whole or not at all, across zones: an SPF record that ends in ``-all`` beside somebody else's
MX would break that somebody's mail.
"""

from __future__ import annotations

import typing as t

from ..failure import Failure, missing_library
from ..reconcile import Change, Plan, present
from . import rrset
from .client import PowerDnsClient, Zone, split_bodies
from .desired import Desired, parse
from .plan import ZonePlan, plan_zone

#: Failures that say something about the server as a whole: no further zone is asked.
_SERVER_CODES = ("unauthorized", "forbidden", "unreachable", "tls_untrusted", "rate_limited", "protocol")
#: What a failure says about an owner's records; every other code leaves them unknown.
_CONFLICT_CODES = ("foreign_record", "not_owner", "conflict")


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Make the record sets what the options say.

    :param params: validated against :data:`.argspec.POWERDNS_RRSET`.
    :raises Failure: with ``on_conflict: fail`` for whatever went wrong; with ``report`` only for what no server and no
        record has to do with.
    """
    if rrset.DNSPYTHON_IMPORT_ERROR is not None:
        raise missing_library("powerdns", "dnspython", "for the normal form of records")
    if params["server"] == "absent" and not check_mode:
        raise Failure(
            "powerdns",
            "invalid_value",
            "server: absent is not accepted here.",
            hint="It plans without a server, in check mode only.",
        )
    report = params["on_conflict"] == "report"
    desired, mistakes = parse(params["rrsets"], owner_needed=report or params["ownership"] == "comment")
    work = _Run(params, desired, check_mode=check_mode, report=report)
    for owner, failures in mistakes.items():
        work.fail_owner(owner, failures)
    work.stop_on_failure()
    work.connect(params)
    work.stop_on_failure()
    try:
        work.read()
        work.stop_on_failure()
        if not check_mode:
            work.write()
            work.stop_on_failure()
    finally:
        work.close()
    return work.result()


class _Run:
    """One run: what is known of every zone and every owner so far."""

    def __init__(
        self, params: t.Mapping[str, t.Any], desired: list[Desired], *, check_mode: bool, report: bool
    ) -> None:
        self.ownership: str = params["ownership"]
        self.check_mode = check_mode
        self.report = report
        self.items = desired
        self.owners: dict[str, list[Failure]] = {item.get("owner") or "": [] for item in params["rrsets"]}
        self.zones: dict[str, Failure | None] = {item.zone: None for item in desired}
        self.current: dict[str, Zone] = {}
        self.plans: dict[str, ZonePlan] = {}
        self.written: list[Change] = []
        self.client: PowerDnsClient | None = None

    def connect(self, params: t.Mapping[str, t.Any]) -> None:
        """Check the connection's options; the first request is made by :meth:`read`."""
        if params["server"] == "absent":
            self.current = {zone: {} for zone in self.zones}
            return
        try:
            for option in ("api_url", "api_key"):
                if not params[option]:
                    raise Failure(
                        "powerdns",
                        "invalid_value",
                        f"{option} is missing.",
                        hint=f"Give it, or POWERDNS_{option.upper()} in the environment.",
                    )
            self.client = PowerDnsClient(params["api_url"], params["api_key"], params["server_id"], params["ca_path"])
        except Failure as exc:
            if not self.report:
                raise
            for zone in self.zones:
                self.fail_zone(zone, exc)

    def close(self) -> None:
        if self.client is not None:
            self.client.close()

    # What went wrong.

    def fail_owner(self, owner: str, failures: t.Iterable[Failure]) -> None:
        self.owners[owner].extend(failures)

    def fail_zone(self, zone: str, failure: Failure, owners: t.Collection[str] | None = None) -> None:
        """A zone's failure is one of every owner that has something in it, or of ``owners``."""
        self.zones[zone] = failure
        for owner in {item.owner for item in self.items if item.zone == zone} if owners is None else owners:
            self.fail_owner(owner, [failure])

    def stop_on_failure(self) -> None:
        """With ``on_conflict: fail`` nothing follows a failure."""
        if self.report:
            return
        failures = list(dict.fromkeys(failure for failures in self.owners.values() for failure in failures))
        if failures:
            raise _summary(failures)

    def active(self, zone: str) -> list[Desired]:
        """A zone's items of the owners that have no failure."""
        return [item for item in self.items if item.zone == zone and not self.owners[item.owner]]

    # Read and plan.

    def read(self) -> None:
        """Read every zone that an owner without mistakes needs, and plan all of them."""
        for zone in self.zones:
            if zone in self.current or not self.active(zone):
                continue
            try:
                self.current[zone] = self._read_zone(zone)
            except Failure as exc:
                if exc.code in _SERVER_CODES:
                    for other in self.zones:
                        if other not in self.current:
                            self.fail_zone(other, exc)
                    break
                self.fail_zone(zone, exc)
        self._plan()

    def _read_zone(self, zone: str) -> Zone:
        client = present(self.client)
        found = client.zone(zone)
        if found is None and not self.check_mode:
            raise Failure(
                "powerdns",
                "not_found",
                f"zone {zone} does not exist on server {client.server_id!r}.",
                hint="Create the zone first, or correct its name (platform_powerdns_zone).",
                request={"method": "GET", "url": f"{client.http.base_url}/zones/{zone}", "status": 404},
            )
        return found or {}

    def _plan(self, *zones: str) -> None:
        """Plan all zones, or some, until no owner is found in conflict any more.

        Each pass leaves out the owners that failed before, and what they would have removed stays in others' way.
        """
        while True:
            plans = {zone: self._planned(zone) for zone in zones or self.current}
            for plan in plans.values():
                for owner, failures in plan.failures.items():
                    self.fail_owner(owner, failures)
            if not any(plan.failures for plan in plans.values()):
                self.plans.update(plans)
                return
            self.stop_on_failure()

    def _planned(self, zone: str) -> ZonePlan:
        return plan_zone(zone, self.current[zone], self.active(zone), self.ownership)

    # Write and read back.

    def write(self) -> None:
        """One PATCH for each zone that has changes, then a second plan that must be empty.

        Owners without changes keep what the read said of them, whatever becomes of the others' changes.
        """
        lost: Failure | None = None
        for zone in self.plans:
            if any(self.owners[owner] for owner in self._changing(zone)):
                # Refused in another zone since this one was planned: nothing of that owner's is published here either.
                self._plan(zone)
            if not self.plans[zone].changes:
                continue
            if lost is not None:
                self.fail_zone(zone, lost, self._changing(zone))
                continue
            try:
                self._write_zone(zone)
            except Failure as exc:
                self.fail_zone(zone, exc, self._changing(zone))
                lost = exc if exc.code in _SERVER_CODES else None

    def _changing(self, zone: str) -> set[str]:
        """The owners that have changes in a zone."""
        return {owner for change in self.plans[zone].changes for owner in change.payload.owners}

    def _write_zone(self, zone: str) -> None:
        if any(change.payload.merged for change in self.plans[zone].changes):
            # Others write into a shared RRset too: what is sent back must be what is there now.
            self.current[zone] = self._read_zone(zone)
            self._plan(zone)
        if not self._patch(zone, self.plans[zone].changes):
            return
        self.current[zone] = self._read_zone(zone)
        rest = self._planned(zone)
        open_owners = {owner for change in rest.changes for owner in change.payload.owners} | set(rest.failures)
        for owner in sorted(open_owners):
            self.fail_owner(owner, [_not_converged(zone, owner, rest)])

    def _patch(self, zone: str, changes: list[Change]) -> bool:
        """Whether anything was written."""
        before = len(self.written)
        try:
            self._send(zone, changes)
        except Failure as exc:
            if exc.code != "invalid_value" or not self.report:
                raise
            sent = set(map(id, self.written))
            self._send_each(zone, [change for change in changes if id(change) not in sent], exc)
        return len(self.written) > before

    def _send_each(self, zone: str, changes: list[Change], refusal: Failure) -> None:
        """The server refused somebody's record and with it all; sent owner by owner it is only that owner's fault."""
        groups = _owner_groups(changes)
        for owners in groups:
            try:
                if len(groups) == 1:
                    raise refusal
                self._send(zone, [change for change in changes if owners.issuperset(change.payload.owners)])
            except Failure as exc:
                if exc.code != "invalid_value":
                    raise
                for owner in sorted(owners):
                    self.fail_owner(owner, [exc])

    def _send(self, zone: str, changes: list[Change]) -> None:
        client = present(self.client)
        for part in split_bodies(changes, lambda change: change.payload.body):
            client.patch(zone, [change.payload.body for change in part])
            self.written.extend(part)

    # Result.

    def result(self) -> dict[str, t.Any]:
        """See RETURN of the module."""
        planned = [change for plan in self.plans.values() for change in plan.changes]
        changes = planned if self.check_mode else self.written
        plan = Plan(tuple(changes))
        decided = {d.item.index: d.action for zone_plan in self.plans.values() for d in zone_plan.decisions}
        return {
            "changed": plan.changed,
            "rrsets": [_shown(item, decided.get(item.index), bool(self.owners[item.owner])) for item in self.items],
            "zones": {
                zone: {"ok": failure is None, "failure": failure.as_dict() if failure else None}
                for zone, failure in self.zones.items()
            },
            "owners": {owner: self._owner_result(owner, changes) for owner in self.owners if owner},
            "changes": plan.summary(),
            "diff": plan.diff(),
            "requests": self.client.requests if self.client is not None else 0,
        }

    def _owner_result(self, owner: str, changes: list[Change]) -> dict[str, t.Any]:
        failures = list(dict.fromkeys(self.owners[owner]))
        plan = Plan(tuple(change for change in changes if owner in change.payload.owners))
        if failures:
            verdict = "conflict" if any(failure.code in _CONFLICT_CODES for failure in failures) else "unknown"
        else:
            verdict = "missing" if plan and self.check_mode else "match"
        return {
            "verdict": verdict,
            "failure": _summary(failures, owner).as_dict() if failures else None,
            "changes": plan.summary(),
            "diff": plan.diff(),
        }


def _owner_groups(changes: list[Change]) -> list[set[str]]:
    """Owners who share a record set belong together: each is written as a whole or not at all."""
    groups: list[set[str]] = []
    for change in changes:
        joined = set(change.payload.owners)
        apart = []
        for group in groups:
            if group & joined:
                joined |= group
            else:
                apart.append(group)
        groups = [*apart, joined]
    return sorted(groups, key=sorted)


def _shown(item: Desired, action: str | None, failed: bool) -> dict[str, t.Any]:
    return {
        "zone": item.zone,
        "name": item.name,
        "type": item.type,
        "ttl": item.ttl,
        "values": list(item.values),
        "state": "present" if item.present else "absent",
        "owner": item.owner or None,
        "action": "refused" if failed or action is None else action,
    }


def _not_converged(zone: str, owner: str, rest: ZonePlan) -> Failure:
    names = [f"{change.key} {change.kind}" for change in rest.changes if owner in change.payload.owners]
    names += [failure.message for failure in rest.failures.get(owner, [])]
    return Failure(
        "powerdns",
        "not_converged",
        f"zone {zone} still differs after writing: {'; '.join(names[:5])}.",
        hint="Something else writes the same record sets; run again with --check --diff.",
        tenant=owner or None,
    )


def _summary(failures: list[Failure], owner: str | None = None) -> Failure:
    """One failure for all: alone it is itself, several are counted and listed."""
    first = failures[0]
    tenants = {failure.tenant for failure in failures}
    tenant = owner or (tenants.pop() if len(tenants) == 1 else None)
    if len(failures) == 1:
        message, details = first.message, first.details
    else:
        message = f"{len(failures)} problems: " + " ".join(failure.message for failure in failures[:10])
        details = [failure.as_dict() for failure in failures]
    return Failure(
        first.layer, first.code, message, hint=first.hint, request=first.request, details=details, tenant=tenant
    )
