# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What principals need of the server: their domains, their addresses, their groups. Pure."""

from __future__ import annotations

import typing as t

from ..suggest import did_you_mean
from .decode import Decoder
from .principal import GROUP, Principal, word
from .registry import Registry

#: ``(code, key, message)`` of a problem.
Fail = t.Callable[[str, str, str], None]
#: Holder of an address: object type, id, and how it holds it.
Holder = t.Tuple[str, str, str]


def check_addresses(
    registry: Registry,
    principals: t.Iterable[Principal],
    ids: t.Mapping[str, t.Optional[str]],
    fail: Fail,
    missing: t.Optional[set[str]],
) -> None:
    """Domains exist, and nobody else holds an address (contract 3.11: one global namespace).

    :param ids: of the principals that exist. :param missing: takes domains that do not exist, instead of a problem.
    """
    owners = _holders(registry)
    for principal in principals:
        for address in (principal.name, *principal.given.get("aliases", ())):
            domain = address.rpartition("@")[2]
            if not registry.find("Domain", domain):
                _absent_domain(registry, principal, domain, fail, missing)
            holder = owners.get(address)
            if holder is not None and holder[:2] != (principal.object, ids[principal.name]):
                kind = word(registry.of(holder[0])[holder[1]].get("@type"))
                label = registry.natural(holder[0], holder[1])
                fail("conflict", principal.key, f"the address {address} {holder[2]} the {kind} {label}.")


def _holders(registry: Registry) -> dict[str, Holder]:
    owners: dict[str, Holder] = {}
    for name in ("Account", "MailingList"):
        for identifier, wire in registry.of(name).items():
            owners[str(registry.natural(name, identifier))] = (name, identifier, "belongs to")
            for alias in (wire.get("aliases") or {}).values():
                domain = registry.natural("Domain", str(alias.get("domainId")))
                owners.setdefault(f"{alias.get('name')}@{domain}", (name, identifier, "is an alias of"))
    return owners


def _absent_domain(
    registry: Registry, principal: Principal, domain: str, fail: Fail, missing: t.Optional[set[str]]
) -> None:
    for identifier, wire in registry.of("Domain").items():
        if domain in (wire.get("aliases") or {}):
            name = registry.natural("Domain", identifier)
            fail("not_found", principal.key, f"{domain} is an alias of the domain {name}; use that one.")
            return
    if missing is not None:
        missing.add(domain)
        return
    hint = did_you_mean(domain, registry.labels("Domain")) or "there is none."
    fail("not_found", principal.key, f"the server has no domain {domain}; {hint}")


class Memberships:
    """Groups of every account whose membership is managed, from both ends: ``member_of`` and ``members``.

    Membership lives on the account (contract 4.3).
    """

    def __init__(self, registry: Registry, principals: t.Sequence[Principal], known: bool, fail: Fail) -> None:
        self._registry = registry
        self._decoder = Decoder(registry.schema, registry.label)
        self._given = {p.name: p for p in principals}
        self._known = known
        self._fail = fail

    def wanted(self) -> dict[str, list[str]]:
        """The groups that each of these accounts shall be in, by address."""
        kept = [p for p in self._given.values() if p.state != "absent"]
        wanted: dict[str, set[str]] = {p.name: set(p.given["member_of"]) for p in kept if "member_of" in p.given}
        stated = set(wanted)
        for group in (p for p in kept if p.type == GROUP and "members" in p.given):
            members = set(group.given["members"])
            for name in sorted(members | set(self._members(group.name))):
                if name in stated:
                    if (group.name in wanted[name]) != (name in members):
                        self._fail("invalid_value", group.key, f"members and {name}'s member_of contradict each other.")
                    continue
                groups = wanted.setdefault(name, set(self._groups(name)))
                (groups.add if name in members else groups.discard)(group.name)
        for name, groups in wanted.items():
            for group_name in sorted(groups):
                self._must_be_group(group_name, f"{name}'s group")
        return {name: sorted(groups) for name, groups in wanted.items()}

    def _must_be_group(self, name: str, what: str) -> None:
        given = self._given.get(name)
        if given is not None and given.state != "absent":
            if given.type != GROUP:
                self._fail("invalid_value", name, f"{what} must be a group; it is given as {given.type}.")
            return
        ids = self._registry.find("Account", name)
        if self._known and not (ids and self._registry.of("Account")[ids[0]].get("@type") == "Group"):
            self._fail("not_found", name, f"{what} is no group of the server and not among the principals.")

    def _groups(self, name: str) -> list[str]:
        ids = self._registry.find("Account", name)
        current = self._decoder.struct("Account", self._registry.of("Account")[ids[0]]) if ids else {}
        return [group for group in current.get("memberGroupIds") or () if group]

    def _members(self, group: str) -> list[str]:
        ids = self._registry.find("Account", group)
        if not ids:
            return []
        accounts = self._registry.of("Account").items()
        held = [i for i, wire in accounts if (wire.get("memberGroupIds") or {}).get(ids[0])]
        return [str(self._registry.natural("Account", i)) for i in held]
