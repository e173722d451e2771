# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What principals need of a server, whatever its generation: their domains, their addresses, their groups. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .principal import GROUP, INDIVIDUAL, LIST, Principal, word
from .problem import Problem, refuse_problems
from .suggest import did_you_mean, nearest

BELONGS, ALIAS, DISABLED = "belongs to", "is an alias of", "is a disabled alias of"

#: Domains that do not exist, with the principal that needs them; none where that is a failure.
Missing = t.Optional[t.Dict[str, str]]


class Holder(t.NamedTuple):
    """Who has an address. :param kind: its type. :param name: its own address or name. :param how: as messages say it."""

    kind: str
    name: str
    how: str = BELONGS


@dataclasses.dataclass
class Census:
    """A server's principals, as far as the checks go.

    :param domains: every name of a domain, with the domain's own. :param holders: by address.
    :param kinds: types by own address. :param groups: groups of the individuals (and groups) that have some.
    :param administrators: individuals who administer the server.
    """

    domains: dict[str, str] = dataclasses.field(default_factory=dict)
    holders: dict[str, Holder] = dataclasses.field(default_factory=dict)
    kinds: dict[str, str] = dataclasses.field(default_factory=dict)
    groups: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    administrators: set[str] = dataclasses.field(default_factory=set)

    def members(self, group: str) -> list[str]:
        """Who is in a group."""
        return [name for name, groups in self.groups.items() if group in groups]


class Findings:
    """Problems by failure code."""

    def __init__(self) -> None:
        self._problems: dict[str, list[Problem]] = {}

    def add(self, code: str, key: str, message: str) -> None:
        """Note one."""
        self._problems.setdefault(code, []).append(Problem(key, "", message))

    def refuse(self) -> None:
        """:raises Failure: with the problems of one code, ``invalid_value`` first, if there are any."""
        first = ("invalid_value", "unsupported_by_generation", "not_found", "conflict")
        for code in sorted(self._problems, key=first.index):
            refuse_problems(self._problems[code], code)


def check_addresses(
    census: Census, principals: t.Sequence[Principal], findings: Findings, missing: Missing
) -> dict[str, frozenset[str]]:
    """Domains exist, and nobody else holds an address.

    :param missing: takes domains that do not exist, and who needs them, instead of a problem.
    :returns: for a principal that takes over addresses of others in this very task, by address, those others.
    """
    removed = {(p.type, p.name) for p in principals if p.state == "absent"}
    principals = [p for p in principals if p.state != "absent"]
    given_up = (
        {
            alias: p.name
            for p in principals
            if "aliases" in p.given
            for alias, holder in census.holders.items()
            if holder == Holder(p.type, p.name, ALIAS) and alias not in p.given["aliases"]
        }
        if _moves(census, principals)
        else {}
    )
    after: dict[str, frozenset[str]] = {}
    for principal in principals:
        for address in principal.addresses:
            _check_domain(census, principal.key, address.rpartition("@")[2], findings, missing)
            holder = census.holders.get(address)
            if holder is None or holder[:2] == (principal.type, principal.name):
                continue
            if address in given_up or holder[:2] in removed:
                giver = given_up.get(address, holder.name)
                after[principal.name] = after.get(principal.name, frozenset()) | {giver}
            elif address == principal.name == holder.name:
                message = f"exists on the server as {word(holder.kind)}; its type cannot be changed. Give type: {holder.kind}."
                findings.add("conflict", principal.key, message)
            else:
                message = f"the address {address} {holder.how} the {word(holder.kind)} {holder.name}."
                findings.add("conflict", principal.key, message)
    return after


def cautions(
    server: str,
    missing: Missing,
    principals: t.Sequence[Principal],
    created: t.Collection[str],
    kinds: t.Mapping[str, str],
) -> list[str]:
    """What a result warns of: domains that an earlier task has to make, and mailboxes that nobody may have meant.

    :param created: addresses that the task makes. :param kinds: of the server's principals, by address.
    """
    warnings = [
        f"{server} has no domain {domain} yet, which {key} needs; outside check mode this is a failure."
        for domain, key in sorted((missing or {}).items())
    ]
    for principal in principals:
        if principal.state == "suspended" and principal.name in created:
            others = [name for name, kind in kinds.items() if kind == INDIVIDUAL and name not in created]
            close = nearest(principal.name, others, 1)
            meant = f" Did you mean {close[0]}?" if close else ""
            warnings.append(
                f"{principal.key}: there is no individual {principal.name} on {server}: it is created, suspended.{meant}"
            )
    return warnings


def nobodies(server: str, census: Census, principals: t.Sequence[Principal]) -> list[str]:
    """Warnings of lists that pass mail on to an address of this server which is nobody's; it may be a misspelt one."""
    own = {address for p in principals if p.state != "absent" for address in p.addresses}
    warnings = []
    for principal in principals:
        for address in principal.given.get("members", ()) if principal.type == LIST else ():
            if address in own or address in census.holders or address.rpartition("@")[2] not in census.domains:
                continue
            close = nearest(address, [*own, *census.holders], 1)
            meant = f" Did you mean {close[0]}?" if close else ""
            warnings.append(f"{principal.key}: {address} is nobody's address on {server}.{meant}")
    return warnings


def _moves(census: Census, principals: t.Sequence[Principal]) -> bool:
    """Whether an address that somebody holds as an alias is asked for by another one; rare, and the look is long."""
    return any(
        holder is not None and holder.how == ALIAS and holder.name != p.name
        for p in principals
        for holder in map(census.holders.get, p.addresses)
    )


def _check_domain(census: Census, key: str, domain: str, findings: Findings, missing: Missing) -> None:
    known = census.domains.get(domain)
    if known == domain:
        return
    if known is not None:
        findings.add("not_found", key, f"{domain} is an alias of the domain {known}; use that one.")
    elif missing is not None:
        missing.setdefault(domain, key)
    else:
        hint = did_you_mean(domain, set(census.domains.values())) or "there is none."
        findings.add("not_found", key, f"the server has no domain {domain}; {hint}")


class Memberships:
    """Groups of every account whose membership is managed, from both ends: ``member_of`` and ``members``.

    :param known: false when the server does not exist yet.
    :param claims: whether logins set memberships, so that ``members_from_claims`` means something.
    """

    def __init__(
        self, census: Census, principals: t.Sequence[Principal], findings: Findings, *, known: bool, claims: bool
    ) -> None:
        self._census = census
        self._given = {p.name: p for p in principals}
        self._known = known
        self._claims = claims
        self._findings = findings

    def wanted(self) -> dict[str, list[str]]:
        """The groups that each of these accounts shall be in, by address."""
        kept = [p for p in self._given.values() if p.state != "absent"]
        wanted = {p.name: set(p.given["member_of"]) for p in kept if "member_of" in p.given and not self._left_alone(p)}
        stated = set(wanted)
        for group in (p for p in kept if p.type == GROUP and "members" in p.given):
            for name, member in self._members(group):
                if name in stated:
                    if (group.name in wanted[name]) != member:
                        message = f"members and {name}'s member_of contradict each other."
                        self._findings.add("invalid_value", group.key, message)
                    continue
                groups = wanted.setdefault(name, set(self._census.groups.get(name, ())))
                (groups.add if member else groups.discard)(group.name)
        gone = {p.name for p in self._given.values() if p.state == "absent" and p.type == GROUP}
        # A group that still has members cannot be removed.
        for name in (name for group in gone for name in self._census.members(group)):
            given = self._given.get(name)
            if given is None or given.state != "absent":
                wanted.setdefault(name, set(self._census.groups[name]))
        for name, groups in wanted.items():
            if name not in stated:
                groups.difference_update(gone)
            for group_name in sorted(groups):
                self._must_be_group(group_name, name)
            if groups - set(self._census.groups.get(name, ())):
                self._must_be_account(name)
        return {name: sorted(groups) for name, groups in wanted.items()}

    def _left_alone(self, principal: Principal) -> bool:
        """Whether logins keep this account's groups; before its first login nothing does."""
        return self._claims and principal.members_from_claims and principal.name in self._census.kinds

    def _members(self, group: Principal) -> t.Iterator[tuple[str, bool]]:
        """Accounts that the group's ``members`` say something about, and whether they are members."""
        members = set(group.given["members"])
        if self._claims and group.members_from_claims:
            for name in sorted(members):
                given = self._given.get(name)
                if given is not None and given.state != "absent" and name not in self._census.kinds:
                    yield name, True
            return
        for name in sorted(members | set(self._census.members(group.name))):
            given = self._given.get(name)
            if given is None or given.state != "absent":
                yield name, name in members
            elif name in members:
                self._findings.add("invalid_value", group.key, f"{name} is to be a member, but is to be absent, too.")

    def _must_be_group(self, name: str, member: str) -> None:
        what = f"{member}'s group"
        given = self._given.get(name)
        if given is None:
            if self._known and self._census.kinds.get(name) != GROUP:
                self._findings.add("not_found", name, f"{what} is no group of the server and not among the principals.")
        elif given.state == "absent":
            self._findings.add("invalid_value", name, f"{what} is to be absent, too.")
        elif given.type != GROUP:
            self._findings.add("invalid_value", name, f"{what} must be a group; it is given as {given.type}.")

    def _must_be_account(self, name: str) -> None:
        given = self._given.get(name)
        kind = given.type if given is not None else self._census.kinds.get(name)
        if kind is None:
            if self._known:
                message = "is to be a member, but is no account of the server and not among the principals."
                self._findings.add("not_found", name, message)
        elif kind != INDIVIDUAL:
            self._findings.add("invalid_value", name, f"is a {word(kind)}; only individuals are members of groups.")
