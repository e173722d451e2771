# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Principals in the words of 0.16: accounts and mailing lists, and who holds what. Pure."""

from __future__ import annotations

import typing as t

from ..principal import GROUP, INDIVIDUAL, LIST, Vocabulary
from ..principal_checks import ALIAS, DISABLED, Census, Holder
from .registry import Registry
from .schema import Schema

#: Object type and variant of each principal type.
OBJECTS: dict[str, tuple[str, t.Optional[str]]] = {
    INDIVIDUAL: ("Account", "User"),
    GROUP: ("Account", "Group"),
    LIST: ("MailingList", None),
}
#: Names of the built-in role sets, which are no Role objects (contract 4.3).
BUILT_IN_ROLES = {INDIVIDUAL: {"user": "User", "admin": "Admin"}, GROUP: {"default": "Default"}}
_KINDS = {"User": INDIVIDUAL, "Group": GROUP}


def vocabulary(schema: t.Optional[Schema]) -> Vocabulary:
    """What this server accepts; without a schema, names of permissions and locales stay unchecked."""
    if schema is None:
        return Vocabulary("0.16")
    return Vocabulary("0.16", frozenset(schema.enum("Permission")), schema.enum("Locale"))


def kind_of(object_type: str, wire: t.Mapping[str, t.Any]) -> str:
    """The type of principal that an object is."""
    return LIST if object_type == "MailingList" else _KINDS.get(str(wire.get("@type")), INDIVIDUAL)


def take_census(registry: Registry) -> Census:
    """Domains, addresses and groups of the server; there is one global name space of addresses (contract 3.11)."""
    census = Census()
    for identifier, wire in registry.of("Domain").items():
        name = str(registry.natural("Domain", identifier))
        census.domains.update(dict.fromkeys(wire.get("aliases") or (), name))
        census.domains[name] = name
    names = {i: str(registry.natural("Account", i)) for i in registry.of("Account")}
    for object_type in OBJECTS_READ:
        for identifier, wire in registry.of(object_type).items():
            kind = kind_of(object_type, wire)
            name = names[identifier] if object_type == "Account" else str(registry.natural(object_type, identifier))
            census.kinds[name] = kind
            census.holders[name] = Holder(kind, name)
            if kind == INDIVIDUAL and (wire.get("roles") or {}).get("@type") == "Admin":
                census.administrators.add(name)
            for alias in (wire.get("aliases") or {}).values():
                domain = registry.natural("Domain", str(alias.get("domainId")))
                how = ALIAS if alias.get("enabled", True) else DISABLED
                census.holders.setdefault(f"{alias.get('name')}@{domain}", Holder(kind, name, how))
            groups = [names[i] for i, member in (wire.get("memberGroupIds") or {}).items() if member and i in names]
            if groups:
                census.groups[name] = sorted(groups)
    return census


OBJECTS_READ = ("Account", "MailingList")
