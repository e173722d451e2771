# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a 0.15 server holds: principals by address, its directory, its domains. Pure.

A principal of 0.15 has a *name*, by which members, groups and paths refer to it and by which it logs in, and addresses, of
which the first one is its own (contract 5.3). The inventory knows addresses only.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..permissions import CANONICAL_015, PERMISSIONS_015, USER_015, from_015
from ..principal import AUTHENTICATE, GROUP, INDIVIDUAL, LIST, RECEIVE, Vocabulary
from ..principal_checks import ALIAS, Census, Holder
from .store import PENDING

#: What a list request asks for; without ``secrets``, which the server would tell in clear.
TYPES = ("individual", "group", "list", "domain", "role")
FIELDS = (
    "name",
    "description",
    "emails",
    "quota",
    "usedQuota",
    "memberOf",
    "members",
    "externalMembers",
    "roles",
    "enabledPermissions",
    "disabledPermissions",
    "locale",
)
#: How the URN of an inventory begins that names a principal: a principal has no field for labels, and of URLs the server uses
#: those of OAuth clients only.
MARKS, MANAGED_BY = "urls", "urn:tenantmail:managed-by:"
#: Settings that tell who checks logins.
SETTINGS_KEYS, SETTINGS_PREFIXES = ("storage.directory",), ("directory", PENDING)

#: Bytes of a description; a longer one is answered with HTTP 400 and no word about what it is (contract 5.3).
LONGEST_TEXT = 512
#: Both in this generation's spelling.
RECEIVE_015, AUTHENTICATE_015 = "email-receive", "authenticate"
BUILT_IN_ROLES = ("user", "admin", "tenant-admin")
_KINDS = (INDIVIDUAL, GROUP, LIST)

VOCABULARY = Vocabulary("0.15", CANONICAL_015)


@dataclasses.dataclass(frozen=True)
class Held:
    """One principal of the server. Names of permissions and roles are the server's; groups and members are names."""

    name: str
    kind: str
    emails: tuple[str, ...] = ()
    description: str = ""
    quota: int = 0
    used: int = 0
    groups: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    external: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    enabled: frozenset[str] = frozenset()
    disabled: frozenset[str] = frozenset()
    locale: str = ""
    urls: frozenset[str] = frozenset()
    secrets: tuple[str, ...] = dataclasses.field(default=(), repr=False)

    @property
    def address(self) -> str:
        """Its own address, or its name when it has none."""
        return self.emails[0] if self.emails else self.name

    @property
    def aliases(self) -> list[str]:
        """Its further addresses, without ``@domain``, which catches everything else and is no address."""
        return sorted(email for email in self.emails[1:] if not email.startswith("@"))


def held_of(item: t.Mapping[str, t.Any]) -> Held:
    """A principal as the server tells it: empty fields are missing, and one value may stand for a list (contract 5.3)."""
    members = item.get("members")
    return Held(
        name=str(item.get("name") or ""),
        kind=str(item.get("type") or ""),
        emails=tuple(_strings(item.get("emails"))),
        description=str(item.get("description") or ""),
        quota=_number(item.get("quota")),
        used=_number(item.get("usedQuota")),
        groups=frozenset(_strings(item.get("memberOf"))),
        # Of a domain this is a number.
        members=frozenset(_strings(members) if not isinstance(members, int) else ()),
        external=frozenset(address.lower() for address in _strings(item.get("externalMembers"))),
        roles=frozenset(_strings(item.get("roles"))),
        enabled=frozenset(_strings(item.get("enabledPermissions"))),
        disabled=frozenset(_strings(item.get("disabledPermissions"))),
        locale=str(item.get("locale") or ""),
        urls=frozenset(_strings(item.get("urls"))),
        secrets=tuple(_strings(item.get("secrets"))),
    )


def _strings(value: t.Any) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    return [str(value)] if value not in (None, "") else []


def _number(value: t.Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


class State:
    """A snapshot of the server.

    :param items: principals of :data:`TYPES`. :param settings: what :data:`SETTINGS_KEYS` and the prefixes hold, by key.
    """

    def __init__(
        self,
        items: t.Iterable[t.Mapping[str, t.Any]] = (),
        settings: t.Optional[t.Mapping[str, str]] = None,
    ) -> None:
        self.settings = settings or {}
        self.by_name = {held.name: held for held in map(held_of, items)}
        self.mailboxes = {held.address: held for held in self.by_name.values() if held.kind in _KINDS}

    def census(self) -> Census:
        """What the checks of all generations need."""
        census = Census()
        for held in self.by_name.values():
            if held.kind == "domain":
                census.domains[held.name] = held.name
            if held.kind not in _KINDS or not held.emails:
                continue
            census.kinds[held.address] = held.kind
            census.holders[held.address] = Holder(held.kind, held.address)
            if held.kind == INDIVIDUAL and "admin" in held.roles:
                census.administrators.add(held.address)
            for alias in held.aliases:
                census.holders.setdefault(alias, Holder(held.kind, held.address, ALIAS))
            groups = self.addresses(held.groups)
            if groups:
                census.groups[held.address] = groups
        return census

    def marked(self, by: str) -> list[str]:
        """Addresses of those that an inventory names."""
        return sorted(address for address, held in self.mailboxes.items() if f"{MANAGED_BY}{by}" in held.urls)

    def address(self, name: str) -> str:
        """The address of a principal that others name."""
        held = self.by_name.get(name)
        return held.address if held is not None else name

    def addresses(self, names: t.Iterable[str]) -> list[str]:
        """Likewise, sorted."""
        return sorted(map(self.address, names))

    @property
    def directory(self) -> dict[str, str]:
        """Settings of the directory that checks logins, when that is an external one; else empty."""
        name = self.settings.get("storage.directory", "")
        start = f"directory.{name}."
        found = {key[len(start) :]: value for key, value in self.settings.items() if name and key.startswith(start)}
        return {} if found.get("type", "internal") == "internal" else {"id": name, **found}

    @property
    def username_claim(self) -> str:
        """The claim that names accounts; empty when they are named by their address (contract 4.1)."""
        directory = self.directory
        claim = directory.get("fields.username", "")
        return "" if claim == directory.get("fields.email") else claim

    def receives(self, roles: t.Iterable[str]) -> bool:
        """Whether these roles allow receiving mail."""
        enabled, disabled = self._permissions(roles, set())
        return RECEIVE_015 in enabled - disabled

    def _permissions(self, roles: t.Iterable[str], seen: set[str]) -> tuple[set[str], set[str]]:
        enabled: set[str] = set()
        disabled: set[str] = set()
        for role in roles:
            if role in BUILT_IN_ROLES:
                enabled |= set(PERMISSIONS_015 if role == "admin" else USER_015)
            elif role in self.by_name and role not in seen:
                held = self.by_name[role]
                inherited = self._permissions(held.roles, seen | {role})
                enabled |= held.enabled | inherited[0]
                disabled |= held.disabled | inherited[1]
        return enabled, disabled

    def is_silent(self, held: Held) -> bool:
        """Whether mail to it is refused (contract 5.6)."""
        allowed = RECEIVE_015 in held.enabled or self.receives(held.roles)
        return held.kind != LIST and (RECEIVE_015 in held.disabled or not allowed)


def roles_shown(kind: str, roles: t.Iterable[str]) -> list[str]:
    """Roles as the inventory names them: what 0.16 calls a group's default is ``user`` here."""
    names = sorted(roles)
    return ["default"] if kind == GROUP and names == ["user"] else names


def view(state: State, held: Held) -> dict[str, t.Any]:
    """A principal in the words of the inventory; never a password."""
    out: dict[str, t.Any] = {"description": held.description or None, "aliases": held.aliases}
    if held.kind == LIST:
        out["members"] = sorted({*state.addresses(held.members), *held.external})
        return out
    disabled = from_015(held.disabled)
    if held.kind == INDIVIDUAL:
        out["state"] = "suspended" if AUTHENTICATE in disabled else "present"
        out["member_of"] = state.addresses(held.groups)
    out["roles"] = roles_shown(held.kind, held.roles)
    out["quota"] = held.quota or None
    out["locale"] = held.locale or None
    out["enabled_permissions"] = sorted(from_015(held.enabled))
    out["disabled_permissions"] = sorted(disabled - {AUTHENTICATE, RECEIVE})
    if RECEIVE in disabled or (held.kind == GROUP and state.is_silent(held)):
        out["receive_mail"] = False
    return out
