# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between given principals and a server. Pure: no write, no request."""

from __future__ import annotations

import dataclasses
import typing as t

from ...reconcile import Change, Plan
from ...redact import MASK
from ..placeholder import is_placeholder
from ..principal import (
    AUTHENTICATE,
    GROUP,
    INDIVIDUAL,
    LIST,
    RECEIVE,
    Principal,
    data_loss,
    other_type,
    password_refusal,
)
from ..principal_checks import Findings, Memberships, Missing, check_addresses
from ..suggest import did_you_mean
from .apply import gone
from .decode import Decoder
from .differ import Differ, Write
from .marks import Marks
from .plan import Op, owed
from .principal import BUILT_IN_ROLES, OBJECTS, take_census
from .principal_view import address_of, view
from .registry import Registry
from .schema import Type
from .send_as import Senders

Body = t.Dict[str, t.Any]
_SECRET = Type("string", format="secret")
_CREDENTIAL = Type("object", target="Credential")


def make_principal_plan(
    registry: Registry,
    principals: t.Sequence[Principal],
    *,
    rewrite_passwords: bool,
    known: bool,
    missing: Missing = None,
    marks: t.Optional[Marks] = None,
    released: t.Iterable[str] = (),
) -> Plan:
    """The plan.

    :param known: false when the server does not exist yet: nothing can be looked up on it.
    :param missing: takes domains that do not exist, instead of a failure: in check mode, what an earlier task would
        have created is not there.
    :param marks: of the inventory that principals are ``managed_by``. :param released: addresses to lose theirs.
    :raises Failure: ``invalid_value``, ``not_found`` or ``conflict``, each with all its problems, before any write.
    """
    return _Planner(registry, principals, rewrite_passwords, known, missing, marks).plan(released)


def default_directory(registry: Registry) -> dict[str, t.Any]:
    """The external directory that checks logins; empty for the internal one."""
    stored = registry.of("Authentication").get("singleton") or {}
    return registry.of("Directory").get(str(stored.get("directoryId"))) or {}


class _Planner:
    def __init__(
        self,
        registry: Registry,
        principals: t.Sequence[Principal],
        rewrite: bool,
        known: bool,
        missing: Missing,
        marks: t.Optional[Marks],
    ) -> None:
        self._missing = missing
        self._marks = marks
        self._registry = registry
        self._schema = registry.schema
        self._principals = principals
        self._rewrite = rewrite
        self._known = known
        self._findings = Findings()
        registry.begin()
        self._decoder = Decoder(registry.schema, registry.label)
        self._senders = Senders(registry)
        self._census = take_census(registry)
        self._ids = {p.name: self._find(p) for p in principals}
        self._new = {p.name for p in principals if p.state != "absent" and self._ids[p.name] is None}
        #: Others that must give up an address before a principal can have it, and all who do.
        self._after: dict[str, frozenset[str]] = {}
        self._givers: frozenset[str] = frozenset()

    def plan(self, released: t.Iterable[str]) -> Plan:
        kept = [p for p in self._principals if p.state != "absent"]
        if self._known:
            self._after = check_addresses(self._census, self._principals, self._findings, self._missing)
            self._givers = frozenset().union(*self._after.values())
        memberships = Memberships(
            self._census, self._principals, self._findings, known=self._known, claims=True
        ).wanted()
        changes: list[Change] = []
        for principal in kept:
            change = self._change(principal, memberships.pop(principal.name, None))
            changes += [change] if change else []
        for name, groups in sorted(memberships.items()):
            changes += self._member(name, groups)
        for principal in self._principals:
            if principal.state == "absent":
                changes += self._removal(principal)
        changes += self._release(released)
        if any(p.send_as for p in kept):
            rule = self._senders.rule()
            changes += [rule] if rule else []
        self._findings.refuse()
        return Plan((*changes, *owed(self._registry, [])))

    def _find(self, principal: Principal) -> t.Optional[str]:
        object_type, variant = OBJECTS[principal.type]
        ids = self._registry.find(object_type, principal.name)
        found = ids[0] if ids else None
        if found is not None and variant and self._registry.of(object_type)[found].get("@type") != variant:
            # Of another type: a failure where it is to be kept, and nothing of this name and type where it is to go.
            return None
        return found

    def _change(self, principal: Principal, groups: t.Optional[list[str]]) -> t.Optional[Change]:
        identifier = self._ids[principal.name]
        object_type, _variant = OBJECTS[principal.type]
        wire = self._registry.of(object_type).get(identifier or "")
        current = self._decoder.struct(object_type, wire) if wire is not None else None
        body = self._body(principal, current, groups)
        senders = [] if principal.send_as is None else self._senders.ops(principal.name, principal.send_as)
        mark = self._marks.put(principal.name) if self._marks and principal.managed_by else []
        if current is None or identifier is None:
            return self._create(principal, body, [*senders, *mark])
        differ = Differ(self._schema)
        writes = differ.struct(object_type, body, current, principal.key)
        secret = self._password(principal, current)
        writes += secret
        if not writes and not senders and not mark:
            return None
        needs = self._needs(principal, groups)
        op = Op("update", object_type, principal.name, identifier, None, tuple(writes), needs)
        before, after = view(object_type, current), view(object_type, {**current, **body})
        if principal.type == GROUP and "members" in principal.given:
            before.pop("members", None)
        if senders:
            before["send_as"], after["send_as"] = self._senders.of(principal.name), list(principal.send_as or ())
        if mark:
            before["managed_by"], after["managed_by"] = None, principal.managed_by
        if "receive_mail" in before:
            after.setdefault("receive_mail", True)
        changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        shown_after = {key: after.get(key) for key in changed}
        if secret:
            shown_after["password"] = f"{MASK} written"
        shown_before = {key: before.get(key) for key in changed}
        ops = (*(self._updates(op, current, body) if writes else ()), *senders, *mark)
        return Change("update", principal.type, principal.name, shown_before, shown_after, ops)

    def _create(self, principal: Principal, body: Body, rows: t.Sequence[Op]) -> Change:
        object_type, variant = OBJECTS[principal.type]
        if principal.password:
            body["credentials"] = [{"@type": "Password", "secret": principal.password}]
            self._refuse_password(principal)
        fields = self._schema.fields(object_type, variant)
        writes = tuple(Write(key, fields[key].type, value) for key, value in body.items() if key != "@type")
        needs = self._needs(principal, body.get("memberGroupIds"))
        op = Op("create", object_type, principal.name, variant=variant, writes=writes, needs=needs)
        after = {key: value for key, value in view(object_type, body).items() if value not in (None, [], {})}
        if principal.password:
            after["password"] = MASK
        if principal.send_as:
            after["send_as"] = list(principal.send_as)
        if self._marks and principal.managed_by:
            after["managed_by"] = principal.managed_by
        return Change("create", principal.type, principal.name, None, after, (op, *rows))

    def _needs(self, principal: Principal, groups: t.Optional[t.Sequence[str]]) -> frozenset[tuple[str, str]]:
        givers = self._after.get(principal.name)
        others = {self._done(p) for p in self._principals if p.name in givers} if givers else set()
        return frozenset(others) | self._new_groups(groups)

    @staticmethod
    def _done(principal: Principal) -> tuple[str, str]:
        """How another one's needs name this principal."""
        name = OBJECTS[principal.type][0]
        return gone(name, principal.name) if principal.state == "absent" else (name, principal.name)

    def _updates(self, op: Op, current: Body, body: Body) -> tuple[Op, ...]:
        """The update; two of them where others wait for what it gives up while it waits for others."""
        groups = body.get("memberGroupIds", ())
        left = (name for name in current.get("memberGroupIds") or () if name not in groups)
        if not op.needs or self._givers.isdisjoint({op.label, *left}):
            return (op,)
        less: Body = {}
        if "aliases" in body:
            kept = set(map(address_of, body["aliases"]))
            less["aliases"] = [alias for alias in current.get("aliases") or () if address_of(alias) in kept]
        if "memberGroupIds" in body:
            less["memberGroupIds"] = [name for name in current.get("memberGroupIds") or () if name in groups]
        first = Differ(self._schema).struct(op.object, less, current, op.label)
        rest = tuple(write for write in op.writes if write not in first)
        early = dataclasses.replace(op, writes=tuple(first), needs=frozenset())
        return (early, dataclasses.replace(op, writes=rest)) if rest else (early,)

    def _new_groups(self, groups: t.Optional[t.Sequence[str]]) -> frozenset[tuple[str, str]]:
        return frozenset(("Account", name) for name in groups or () if name in self._new)

    def _body(self, principal: Principal, current: t.Optional[Body], groups: t.Optional[list[str]]) -> Body:
        """The object that this principal shall be, as far as it is managed."""
        given, held = principal.given, current or {}
        local, _at, domain = principal.name.rpartition("@")
        body: Body = {"name": local, "domainId": domain} if current is None else {}
        variant = OBJECTS[principal.type][1]
        if variant:
            body["@type"] = variant
        if "description" in given and not (current is not None and self._from_claims(principal)):
            body["description"] = given["description"]
        if "aliases" in given:
            # What somebody has disabled stays disabled, unless it is named.
            off = [alias for alias in held.get("aliases") or () if not alias.get("enabled", True)]
            kept = [alias for alias in off if address_of(alias) not in given["aliases"]]
            body["aliases"] = [*(self._alias(address, held) for address in given["aliases"]), *kept]
        if principal.type == LIST:
            return {**body, **({"recipients": given["members"]} if "members" in given else {})}
        if groups is not None:
            body["memberGroupIds"] = groups
        if "roles" in given:
            body["roles"] = self._roles(principal)
        if "quota" in given:
            body["quotas"] = {"maxDiskQuota": given["quota"] or None}
            if current is None and not given["quota"]:
                del body["quotas"]
        if "locale" in given:
            body["locale"] = given["locale"]
        roles = body.get("roles") or held.get("roles") or {}
        permissions = self._permissions(principal, held.get("permissions") or {"@type": "Inherit"}, roles)
        if permissions != {"@type": "Inherit"} or current is not None:
            body["permissions"] = permissions
        return body

    def _from_claims(self, principal: Principal) -> bool:
        """Whether every login overwrites the description with the issuer's name claim (contract 5.3)."""
        directory = self._directory()
        return (
            principal.type == INDIVIDUAL
            and bool(directory)
            and directory.get("@type") == "Oidc"
            and bool(directory.get("claimName"))
        )

    def _directory(self) -> dict[str, t.Any]:
        return default_directory(self._registry)

    @staticmethod
    def _alias(address: str, held: t.Mapping[str, t.Any]) -> Body:
        local, _at, domain = address.rpartition("@")
        entry: Body = {"name": local, "domainId": domain, "enabled": True}
        for alias in held.get("aliases") or ():
            if (alias.get("name"), alias.get("domainId")) == (local, domain):
                # A list is written whole; what somebody noted at an alias stays.
                entry["description"] = alias.get("description")
        return entry

    def _roles(self, principal: Principal) -> Body:
        names = principal.given["roles"]
        built_in = BUILT_IN_ROLES[principal.type]
        if not names:
            return {"@type": "Default" if principal.type == GROUP else "User"}
        if len(names) == 1 and names[0].lower() in built_in:
            return {"@type": built_in[names[0].lower()]}
        known = self._registry.labels("Role")
        by_name = {label.lower(): label for label in known}
        roles = []
        for name in names:
            label = by_name.get(name.lower())
            if label is None and self._known:
                choices = [*built_in, *known]
                message = f"the server has no role {name!r}; {did_you_mean(name, choices)}"
                self._findings.add("not_found", f"{principal.key}.roles", message)
            roles.append(label or name)
        return {"@type": "Custom", "roleIds": sorted(roles)}

    def _permissions(self, principal: Principal, held: t.Mapping[str, t.Any], roles: Body) -> Body:
        """The account's permissions: the given ones, mail reception, and whether it may log in (contract 11.18)."""
        enabled, disabled = set(held.get("enabledPermissions") or ()), set(held.get("disabledPermissions") or ())
        silent = RECEIVE in disabled
        if principal.enabled is not None:
            enabled = set(principal.enabled)
        if principal.disabled is not None:
            disabled = set(principal.disabled)
        if principal.type == INDIVIDUAL:
            (disabled.add if principal.state == "suspended" else disabled.discard)(AUTHENTICATE)
        receive = principal.given.get("receive_mail", True if principal.type == GROUP else None)
        if receive is False or (receive is None and silent):
            disabled.add(RECEIVE)
            enabled.discard(RECEIVE)
        elif receive:
            disabled.discard(RECEIVE)
            # Own roles need not allow it; the default ones do (contract 11.10).
            if roles.get("@type") == "Custom":
                enabled.add(RECEIVE)
        if held.get("@type") == "Replace":
            return {"@type": "Replace", "enabledPermissions": sorted(enabled), "disabledPermissions": sorted(disabled)}
        if not enabled and not disabled:
            return {"@type": "Inherit"}
        return {"@type": "Merge", "enabledPermissions": sorted(enabled), "disabledPermissions": sorted(disabled)}

    def _password(self, principal: Principal, current: t.Mapping[str, t.Any]) -> list[Write]:
        if not principal.password:
            return []
        held = list(current.get("credentials") or ())
        index = next((i for i, entry in enumerate(held) if entry.get("@type") == "Password"), None)
        if index is not None and (not self._rewrite or is_placeholder(principal.password)):
            return []
        self._refuse_password(principal)
        if index is not None:
            # The pointer leaves app passwords and API keys alone; a whole list would drop them (contract 4.3).
            return [Write(f"credentials/{index}/secret", _SECRET, principal.password)]
        return [Write(f"credentials/{len(held)}", _CREDENTIAL, {"@type": "Password", "secret": principal.password})]

    def _refuse_password(self, principal: Principal) -> None:
        directory = self._directory()
        if directory:
            name = directory.get("description") or "an external directory"
            self._findings.add("invalid_value", f"{principal.key}.password", password_refusal(name, directory["@type"]))

    def _member(self, name: str, groups: list[str]) -> list[Change]:
        """The change of an account that is no principal of this task but a member of one of its groups."""
        ids = self._registry.find("Account", name)
        if not ids or self._census.kinds[name] != INDIVIDUAL:
            return []
        current = self._decoder.struct("Account", self._registry.of("Account")[ids[0]])
        writes = Differ(self._schema).struct("Account", {"memberGroupIds": groups}, current, name)
        if not writes:
            return []
        op = Op("update", "Account", name, ids[0], None, tuple(writes), self._new_groups(groups))
        ops = self._updates(op, current, {"memberGroupIds": groups})
        before = {"member_of": current.get("memberGroupIds")}
        return [Change("update", INDIVIDUAL, name, before, {"member_of": groups}, ops)]

    def _removal(self, principal: Principal) -> list[Change]:
        identifier = self._ids[principal.name]
        mark = self._marks.drop(principal.name) if self._marks else []
        if identifier is None:
            kind = self._census.kinds.get(principal.name)
            if kind is not None:
                self._findings.add("conflict", principal.key, other_type(kind))
            return self._release([principal.name])
        object_type, _variant = OBJECTS[principal.type]
        wire = self._registry.of(object_type)[identifier]
        used = int(wire.get("usedDiskQuota") or 0)
        if used and not principal.confirm_data_loss:
            self._findings.add("conflict", principal.key, data_loss(used))
        current = self._decoder.struct(object_type, wire)
        before = {key: value for key, value in view(object_type, current).items() if value not in (None, [], {})}
        op = Op("destroy", object_type, principal.name, identifier, needs=self._members_first(principal))
        ops = (op, *self._senders.ops(principal.name, ()), *mark)
        return [Change("delete", principal.type, principal.name, before, None, ops)]

    def _release(self, addresses: t.Iterable[str]) -> list[Change]:
        """Marks that go while the principals stay, or are gone already."""
        marks = self._marks
        if marks is None:
            return []
        drops = ((address, tuple(marks.drop(address))) for address in addresses)
        return [Change("delete", "mark", name, {"managed_by": marks.by}, None, ops) for name, ops in drops if ops]

    def _members_first(self, principal: Principal) -> frozenset[tuple[str, str]]:
        """What must be written before a group can go early, because its address goes to somebody else."""
        if principal.type != GROUP or principal.name not in self._givers:
            return frozenset()
        absent = {p.name for p in self._principals if p.state == "absent"}
        members = self._census.members(principal.name)
        return frozenset(gone("Account", name) if name in absent else ("Account", name) for name in members)
