# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between given principals and a 0.15 server. Pure: no write, no request."""

from __future__ import annotations

import dataclasses
import typing as t
from types import MappingProxyType

from ...reconcile import Change, Plan
from ...redact import MASK
from ..permissions import in_015
from ..placeholder import is_placeholder
from ..principal import GROUP, INDIVIDUAL, LIST, Principal, data_loss, other_type, password_refusal
from ..principal_checks import ALIAS, Findings, Memberships, Missing, check_addresses
from ..suggest import did_you_mean
from .password import account_password, verify_password
from .principal import (
    AUTHENTICATE_015,
    BUILT_IN_ROLES,
    LONGEST_TEXT,
    MANAGED_BY,
    RECEIVE_015,
    Held,
    State,
    roles_shown,
    view,
)
from .principal_ops import Op, body, gone, in_two, steps_of
from .send_as import RULE, SettingsChange, owed, rows_change, rule_change, rule_shown, senders_of
from .store import PENDING


def make_principal_plan(
    state: State,
    principals: t.Sequence[Principal],
    *,
    rewrite_passwords: bool,
    known: bool,
    missing: Missing = None,
    released: t.Mapping[str, str] = MappingProxyType({}),
) -> Plan:
    """The plan.

    :param rewrite_passwords: compare passwords and write those that differ, instead of only where there is none.
    :param known: false when the server does not exist yet: nothing can be looked up on it.
    :param missing: takes domains that do not exist, instead of a failure.
    :param released: addresses that are to lose their mark, each with the inventory's name.
    :raises Failure: ``invalid_value``, ``unsupported_by_generation``, ``not_found`` or ``conflict``, before any write.
    """
    return _Planner(state, principals, rewrite_passwords, known).plan(missing, released)


def find(state: State, principal: Principal) -> t.Optional[Held]:
    """The principal of the server that this one is: its first address is the same.

    An account without any address is what a login leaves behind that failed half-way (contract 4.3); it is found by name.
    """
    held = state.mailboxes.get(principal.name)
    if held is not None and held.emails:
        return held if held.kind == principal.type else None
    local = principal.name.partition("@")[0]
    for name in (principal.login_name, principal.name, local) if principal.type == INDIVIDUAL else ():
        stub = state.by_name.get(name or "")
        if stub is not None and stub.kind == INDIVIDUAL and not stub.emails:
            return stub
    return None


class _Planner:
    def __init__(self, state: State, principals: t.Sequence[Principal], rewrite: bool, known: bool) -> None:
        self._state = state
        self._principals = principals
        self._rewrite = rewrite
        self._known = known
        self._findings = Findings()
        self._census = state.census()
        self._held: dict[str, t.Optional[Held]] = {}
        for principal in principals:
            held = find(state, principal)
            # An account without an address is one principal's only.
            stubs = {other.name for other in self._held.values() if other is not None and not other.emails}
            self._held[principal.name] = None if held is not None and held.name in stubs else held
        self._names = {held.address: held.name for held in state.mailboxes.values()}
        #: Others that must give up an address before a principal can have it, and all who do.
        self._after: dict[str, frozenset[str]] = {}
        self._givers: frozenset[str] = frozenset()
        self._given = {p.name: p for p in principals}
        self._absent = {p.name for p in principals if p.state == "absent"}
        #: Whose an address is after this task.
        self._owners = {address: p.name for p in principals if p.state != "absent" for address in p.addresses}

    def plan(self, missing: Missing, released: t.Mapping[str, str]) -> Plan:
        kept = [p for p in self._principals if p.state != "absent"]
        if self._known:
            self._after = check_addresses(self._census, self._principals, self._findings, missing)
            self._givers = frozenset().union(*self._after.values())
        self._choose_names(kept)
        memberships = Memberships(
            self._census, self._principals, self._findings, known=self._known, claims=False
        ).wanted()
        changes: list[Change] = []
        for principal in kept:
            change = self._change(principal, memberships.pop(principal.name, None))
            changes += [change] if change else []
        for address, groups in sorted(memberships.items()):
            changes += self._member(address, groups)
        for principal in self._principals:
            if principal.state == "absent":
                changes += self._removal(principal)
        changes += [self._release(address, by) for address, by in released.items()]
        if any(p.send_as for p in kept):
            changes += self._rule()
        changes += self._owed()
        self._findings.refuse()
        return Plan(tuple(changes))

    def _choose_names(self, kept: t.Sequence[Principal]) -> None:
        """What the server shall call each principal; all of them, domains and roles share one name space (contract 5.2)."""
        taken = set(self._state.by_name)
        for principal in kept:
            held = self._held[principal.name]
            wanted = principal.login_name
            if held is not None and (wanted is None or wanted == held.name):
                self._names[principal.name] = held.name
                continue
            if wanted is not None and wanted in taken:
                owner = self._state.by_name.get(wanted)
                who = f"the {owner.kind} {owner.address}" if owner else "another principal of this task"
                self._findings.add("conflict", f"{principal.key}.login_name", f"{wanted!r} is the name of {who}.")
            name = wanted or self._free_name(principal, taken)
            taken.add(name)
            self._names[principal.name] = name

    def _free_name(self, principal: Principal, taken: t.Collection[str]) -> str:
        # People log in by this name. Their address is what they know, unless the issuer calls them otherwise.
        if principal.type != INDIVIDUAL or not self._state.username_claim:
            return principal.name
        local = principal.name.partition("@")[0]
        return principal.name if local in taken else local

    def _change(self, principal: Principal, groups: t.Optional[list[str]]) -> t.Optional[Change]:
        held = self._held[principal.name]
        name = self._names[principal.name]
        goal = self._goal(principal, held, groups)
        settings = self._senders(principal, held, name)
        password = self._password(principal, held)
        givers = self._after.get(principal.name, frozenset())
        needs = self._new(groups or ()) | self._new_members(principal) | self._done(givers)
        if held is None:
            op = Op("create", principal.name, principal.key, name, body(principal, goal), (), settings, needs, password)
            after = {key: value for key, value in self._view(goal).items() if value not in (None, [], {})}
            if principal.send_as:
                after["send_as"] = list(principal.send_as)
            if principal.managed_by:
                after["managed_by"] = principal.managed_by
            if password:
                after["password"] = MASK
            if self._known and name != principal.name:
                after["login_name"] = name
            return Change("create", principal.type, principal.name, None, after, (op,))
        steps = steps_of(held, goal)
        if not steps and not settings and not password:
            return None
        before, after = self._view(held), self._view(goal)
        if held.name != name:
            before["login_name"], after["login_name"] = held.name, name
        if settings:
            before["send_as"] = senders_of(self._state.settings, held.name)
            after["send_as"] = before["send_as"] if principal.send_as is None else list(principal.send_as)
        if held.urls != goal.urls:
            before["managed_by"], after["managed_by"] = None, principal.managed_by
        if not held.emails:
            before["name"], after["name"] = None, principal.name
        if "receive_mail" in before:
            after.setdefault("receive_mail", True)
        changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        shown_after = {key: after.get(key) for key in changed}
        if password:
            shown_after["password"] = f"{MASK} written"
        op = Op("update", principal.name, principal.key, held.name, {}, tuple(steps), settings, needs, password)
        shown_before = {key: before.get(key) for key in changed}
        ops = self._updates(op, held, goal)
        return Change("update", principal.type, principal.name, shown_before, shown_after, ops)

    def _updates(self, op: Op, held: Held, goal: Held) -> tuple[Op, ...]:
        """The update; two of them where others wait for what it gives up while it waits for others."""
        left = self._state.addresses(held.groups - goal.groups)
        return (op,) if not op.needs or self._givers.isdisjoint({op.address, *left}) else in_two(op)

    def _done(self, addresses: t.Iterable[str]) -> frozenset[str]:
        """How another one's needs name these principals."""
        return frozenset(gone(address) if address in self._absent else address for address in addresses)

    def _view(self, held: Held) -> dict[str, t.Any]:
        """As :func:`view`, with the names of principals that this plan creates."""
        shown = view(self._state, held)
        new = {name: address for address, name in self._names.items()}
        if "member_of" in shown:
            shown["member_of"] = sorted(new.get(name, name) for name in held.groups)
        if held.kind == LIST:
            shown["members"] = sorted({*(new.get(name, name) for name in held.members), *held.external})
        return shown

    def _new(self, addresses: t.Iterable[str]) -> frozenset[str]:
        return frozenset(a for a in addresses if a in self._held and self._held[a] is None)

    def _new_members(self, principal: Principal) -> frozenset[str]:
        if principal.type != LIST:
            return frozenset()
        return self._new(self._owners.get(address, address) for address in principal.given.get("members", ()))

    def _goal(self, principal: Principal, held: t.Optional[Held], groups: t.Optional[list[str]]) -> Held:
        """The principal as it shall be; what is not managed is as it is."""
        given = principal.given
        now = held or Held(name=self._names[principal.name], kind=principal.type)
        values: dict[str, t.Any] = {"name": self._names[principal.name]}
        aliases = given.get("aliases", now.aliases)
        catch_all = [email for email in now.emails[1:] if email.startswith("@")]
        values["emails"] = (principal.name, *aliases, *catch_all)
        if principal.managed_by:
            values["urls"] = now.urls | {f"{MANAGED_BY}{principal.managed_by}"}
        if "description" in given and not (held is not None and self._from_claims(principal)):
            values["description"] = given["description"]
            size = len((given["description"] or "").encode())
            if size > LONGEST_TEXT:
                message = f"0.15 takes {LONGEST_TEXT} bytes of UTF-8 at most, this has {size}."
                self._findings.add("invalid_value", f"{principal.key}.description", message)
        if principal.type == LIST:
            if "members" in given:
                values.update(self._list_members(given["members"], now))
            return dataclasses.replace(now, **values)
        if groups is not None:
            values["groups"] = frozenset(self._names.get(group, group) for group in groups)
        if "quota" in given:
            values["quota"] = given["quota"]
        if "locale" in given:
            values["locale"] = given["locale"]
        values["roles"] = self._roles(principal, held)
        values.update(self._permissions(principal, now, values["roles"], held is None))
        return dataclasses.replace(now, **values)

    def _from_claims(self, principal: Principal) -> bool:
        """Whether every login overwrites the description with the issuer's name claim (contract 4.3)."""
        return principal.type == INDIVIDUAL and bool(self._state.directory.get("fields.full-name"))

    def _list_members(self, addresses: t.Iterable[str], now: Held) -> dict[str, t.Any]:
        """Members by name where they are accounts of this server, else as the addresses they are."""
        kinds = {name: kind for name, kind in self._census.kinds.items() if name not in self._absent}
        kinds.update((p.name, p.type) for p in self._principals if p.state != "absent")
        members, external = set(), set()
        for address in addresses:
            own = self._owner(address)
            if own in now.external and own == address:
                external.add(address)
            elif kinds.get(own) in (INDIVIDUAL, GROUP):
                members.add(self._names[own])
            else:
                external.add(address)
        return {"members": frozenset(members), "external": frozenset(external)}

    def _owner(self, address: str) -> str:
        """Whose an address is after this task; its own where it is nobody's."""
        holder = self._census.holders.get(address)
        if address in self._owners or holder is None:
            return self._owners.get(address, address)
        given = self._given.get(holder.name)
        return address if given is not None and "aliases" in given.given and holder.how == ALIAS else holder.name

    def _roles(self, principal: Principal, held: t.Optional[Held]) -> frozenset[str]:
        if "roles" not in principal.given:
            # Without a role an account can neither log in nor receive mail (contract 5.3).
            return held.roles if held is not None else frozenset(("user",))
        names = [name.lower() for name in principal.given["roles"]] or ["user"]
        roles = frozenset("user" if principal.type == GROUP and name == "default" else name for name in names)
        known = [name for name, other in self._state.by_name.items() if other.kind == "role"]
        key = f"{principal.key}.roles"
        for role in sorted(roles - {*BUILT_IN_ROLES, *known}) if self._known else ():
            hint = did_you_mean(role, [*BUILT_IN_ROLES, *known])
            self._findings.add("not_found", key, f"the server has no role {role!r}; {hint}")
        if held is not None and principal.type == GROUP and roles != held.roles:
            has = ", ".join(roles_shown(GROUP, held.roles)) or "none"
            message = f"0.15 sets the roles of a group when it is created only (it has {has}); use enabled_permissions."
            self._findings.add("unsupported_by_generation", key, message)
        return roles

    def _permissions(
        self, principal: Principal, now: Held, roles: frozenset[str], new: bool
    ) -> dict[str, frozenset[str]]:
        """Own permissions: the given ones, receiving mail, and whether it may log in (contract 5.6, 12.11)."""
        enabled = set(now.enabled) if principal.enabled is None else in_015(principal.enabled)[0]
        disabled = set(now.disabled) if principal.disabled is None else in_015(principal.disabled)[0]
        if principal.type == INDIVIDUAL:
            (disabled.add if principal.state == "suspended" else disabled.discard)(AUTHENTICATE_015)
        receive = principal.given.get("receive_mail", True if principal.type == GROUP else None)
        by_role = self._state.receives(roles)
        if receive is False or (receive is None and RECEIVE_015 in now.disabled):
            enabled.discard(RECEIVE_015)
            if by_role or RECEIVE_015 in now.disabled:
                disabled.add(RECEIVE_015)
        elif receive:
            disabled.discard(RECEIVE_015)
            if not by_role:
                enabled.add(RECEIVE_015)
        return {"enabled": frozenset(enabled), "disabled": frozenset(disabled)}

    def _password(self, principal: Principal, held: t.Optional[Held]) -> t.Optional[str]:
        if not principal.password:
            return None
        stored = account_password(held.secrets) if held is not None else None
        if stored is not None and (
            not self._rewrite or is_placeholder(principal.password) or verify_password(stored, principal.password)
        ):
            return None
        directory = self._state.directory
        if directory:
            refusal = password_refusal(directory["id"], directory.get("type", ""))
            self._findings.add("invalid_value", f"{principal.key}.password", refusal)
        return principal.password

    def _senders(self, principal: Principal, held: t.Optional[Held], name: str) -> SettingsChange:
        settings = self._state.settings
        moved = held is not None and held.name != name
        if principal.send_as is None and not moved:
            return SettingsChange()
        desired = principal.send_as
        if desired is None:
            desired = tuple(senders_of(settings, held.name)) if held is not None else ()
        change = rows_change(settings, name, desired)
        old = rows_change(settings, held.name, ()) if moved and held is not None else SettingsChange()
        return SettingsChange(change.insert, (*change.delete, *old.delete))

    def _rule(self) -> list[Change]:
        change = rule_change(self._state.settings)
        if not change:
            return []
        before = rule_shown(self._state.settings)
        after = {key: value for key, value in {**before, **change.insert}.items() if key not in change.delete}
        return [Change("update", "sender rule", RULE, before, after, (Op("settings", RULE, RULE, settings=change),))]

    def _owed(self) -> list[Change]:
        change = owed(self._state.settings)
        return (
            [
                Change(
                    "update",
                    "running settings",
                    ", ".join(change.reloads),
                    {"running": "older than what is stored"},
                    {"running": "as stored"},
                    (Op("settings", PENDING, PENDING, settings=change),),
                )
            ]
            if change
            else []
        )

    def _member(self, address: str, groups: list[str]) -> list[Change]:
        """The change of an account that is no principal of this task but a member of one of its groups."""
        held = self._state.mailboxes.get(address)
        if held is None or self._census.kinds.get(address) is None:
            return []
        goal = dataclasses.replace(held, groups=frozenset(self._names.get(group, group) for group in groups))
        steps = steps_of(held, goal)
        if not steps:
            return []
        op = Op("update", address, address, held.name, {}, tuple(steps), needs=self._new(groups))
        before = {"member_of": self._state.addresses(held.groups)}
        ops = self._updates(op, held, goal)
        return [Change("update", held.kind, address, before, {"member_of": groups}, ops)]

    def _release(self, address: str, by: str) -> Change:
        """A mark that goes while the principal stays."""
        held = self._state.mailboxes[address]
        steps = steps_of(held, dataclasses.replace(held, urls=held.urls - {f"{MANAGED_BY}{by}"}))
        op = Op("update", address, address, held.name, {}, tuple(steps))
        return Change("delete", "mark", address, {"managed_by": by}, None, (op,))

    def _removal(self, principal: Principal) -> list[Change]:
        held = self._held[principal.name]
        if held is None:
            kind = self._census.kinds.get(principal.name)
            if kind is not None:
                self._findings.add("conflict", principal.key, other_type(kind))
            return []
        if held.used and not principal.confirm_data_loss:
            self._findings.add("conflict", principal.key, data_loss(held.used))
        before = {key: value for key, value in view(self._state, held).items() if value not in (None, [], {})}
        settings = rows_change(self._state.settings, held.name, ())
        early = principal.type == GROUP and principal.name in self._givers
        needs = self._done(self._census.members(principal.name)) if early else frozenset()
        op = Op("delete", principal.name, principal.key, held.name, settings=settings, needs=needs)
        return [Change("delete", principal.type, principal.name, before, None, (op,))]
