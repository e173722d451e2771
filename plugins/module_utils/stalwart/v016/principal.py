# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Principals as the inventory writes them: checked, and brought into normal form. Pure."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ...failure import Failure
from ..problem import SHORTEST_SECRET, Problem, host_name, shown
from ..suggest import did_you_mean
from .schema import Schema

INDIVIDUAL, GROUP, LIST = "individual", "group", "list"

#: Object type and variant of each principal type.
OBJECTS: dict[str, tuple[str, t.Optional[str]]] = {
    INDIVIDUAL: ("Account", "User"),
    GROUP: ("Account", "Group"),
    LIST: ("MailingList", None),
}
#: Options that a type does not have.
_NOT_FOR: dict[str, tuple[str, ...]] = {
    INDIVIDUAL: ("members",),
    GROUP: ("member_of", "password"),
    LIST: (
        "member_of",
        "password",
        "roles",
        "quota",
        "locale",
        "enabled_permissions",
        "disabled_permissions",
    ),
}
_MANAGED = ("description", "aliases", "members", "member_of", "roles", "quota", "locale", "receive_mail")
_LOCAL = re.compile(r"^[^\s@.,:;<>()\[\]\"\\]+(?:\.[^\s@.,:;<>()\[\]\"\\]+)*$")
#: Names of the built-in role sets, which are no Role objects (contract 4.3).
BUILT_IN_ROLES = {INDIVIDUAL: {"user": "User", "admin": "Admin"}, GROUP: {"default": "Default"}}


@dataclasses.dataclass(frozen=True)
class Principal:
    """One principal in normal form; what is none is not managed.

    :param key: how messages address it. :param name: its address. :param given: managed options in normal form.
    """

    key: str
    name: str
    type: str
    state: str
    given: dict[str, t.Any]
    enabled: t.Optional[tuple[str, ...]] = None
    disabled: t.Optional[tuple[str, ...]] = None
    password: t.Optional[str] = dataclasses.field(default=None, repr=False)
    confirm_data_loss: bool = False

    @property
    def object(self) -> str:
        """Its object type."""
        return OBJECTS[self.type][0]

    @property
    def variant(self) -> t.Optional[str]:
        """Its variant."""
        return OBJECTS[self.type][1]


def normal_address(text: str) -> t.Optional[str]:
    """An address as the server stores it (contract 8.1), or none when it is no address."""
    local, at, domain = text.strip().lower().rpartition("@")
    domain = host_name(domain)
    if (
        not at
        or not _LOCAL.match(local)
        or "." not in domain
        or not re.match(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", domain)
    ):
        return None
    return f"{local}@{domain}"


def word(variant: t.Any) -> str:
    """How a message calls an object of this variant."""
    return {"User": INDIVIDUAL, "Group": GROUP}.get(str(variant), "mailing list")


def permission_name(name: str) -> str:
    """A permission in this generation's spelling: 0.15's ``email-receive`` is ``emailReceive``."""
    head, *rest = name.strip().split("-")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def parse_principals(schema: t.Optional[Schema], raw: t.Sequence[t.Mapping[str, t.Any]]) -> list[Principal]:
    """All principals in normal form.

    :param schema: none when no server's schema is at hand; names of permissions and locales stay unchecked then.
    :raises Failure: ``invalid_value`` with every problem in ``details``.
    """
    reader = _Reader(schema)
    principals = [reader.read(index, item) for index, item in enumerate(raw)]
    reader.unique([p for p in principals if p is not None])
    if reader.problems:
        refuse_principals(reader.problems)
    return [p for p in principals if p is not None]


def refuse_principals(problems: t.Sequence[Problem], code: str = "invalid_value", hint: str = "") -> None:
    """:raises Failure: naming the problems, unless there are none."""
    if not problems:
        return
    listed = "; ".join(str(problem).rstrip(".") for problem in problems[:5])
    more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
    raise Failure(
        "stalwart",
        code,
        f"{listed}{more}.",
        hint=(hint + " Nothing was written.").strip(),
        details=[{"key": p.key, "value": p.value, "message": p.message} for p in problems],
    )


class _Reader:
    def __init__(self, schema: t.Optional[Schema]) -> None:
        self._schema = schema
        self.problems: list[Problem] = []

    def _fail(self, key: str, value: t.Any, message: str) -> None:
        self.problems.append(Problem(key, "" if value is ... else shown(value), message))

    def read(self, index: int, item: t.Mapping[str, t.Any]) -> t.Optional[Principal]:
        raw_name = str(item.get("name") or "")
        kind, state = str(item.get("type") or INDIVIDUAL), str(item.get("state") or "present")
        key = f"principals[{index}]" + (f" {raw_name}" if raw_name else "")
        name = normal_address(raw_name)
        if name is None:
            self._fail(f"{key}.name", raw_name, "expected an address such as alice@example.org.")
            return None
        for option in _NOT_FOR[kind]:
            if item.get(option) not in (None, []):
                self._fail(f"{key}.{option}", ..., f"is not for type {kind}.")
        if kind == LIST and item.get("receive_mail") is False:
            self._fail(f"{key}.receive_mail", False, "a list always receives mail.")
        if state == "suspended" and kind != INDIVIDUAL:
            self._fail(f"{key}.state", state, "only an individual can be suspended; others do not log in.")
        given = {option: item[option] for option in _MANAGED if item.get(option) is not None}
        for option in ("aliases", "members", "member_of"):
            if option in given:
                given[option] = self._addresses(given[option], f"{key}.{option}")
        if name in given.get("aliases", ()):
            self._fail(f"{key}.aliases", name, "is its own address.")
        if "description" in given and not str(given["description"]).strip():
            self._fail(f"{key}.description", ..., "an empty string is not accepted.")
        if "roles" in given:
            given["roles"] = sorted({str(role).strip() for role in given["roles"]})
        self._limits(given, key)
        password = item.get("password")
        if password is not None and len(password) < SHORTEST_SECRET:
            self._fail(
                f"{key}.password", ..., f"needs at least {SHORTEST_SECRET} characters; this one has {len(password)}."
            )
        enabled = self._permissions(item.get("enabled_permissions"), f"{key}.enabled_permissions")
        disabled = self._permissions(item.get("disabled_permissions"), f"{key}.disabled_permissions")
        for both in sorted(set(enabled or ()) & set(disabled or ())):
            self._fail(f"{key}.disabled_permissions", both, "is enabled, too.")
        if "authenticate" in (disabled or ()):
            self._fail(f"{key}.disabled_permissions", "authenticate", "say state: suspended instead.")
        return Principal(
            key, name, kind, state, given, enabled, disabled, password, bool(item.get("confirm_data_loss"))
        )

    def _limits(self, given: t.Mapping[str, t.Any], key: str) -> None:
        quota, locale = given.get("quota"), given.get("locale")
        if quota is not None and (isinstance(quota, bool) or not isinstance(quota, int) or quota < 0):
            self._fail(f"{key}.quota", quota, "expected bytes, from 0 (no limit).")
        known = self._schema.enum("Locale") if self._schema else ()
        if locale is not None and known and locale not in known:
            self._fail(
                f"{key}.locale", locale, f"not an accepted value; {did_you_mean(str(locale), known)}".rstrip("; ")
            )

    def _addresses(self, values: t.Iterable[t.Any], key: str) -> list[str]:
        found = set()
        for value in values:
            address = normal_address(str(value))
            if address is None:
                self._fail(key, value, "expected an address such as alice@example.org.")
            else:
                found.add(address)
        return sorted(found)

    def _permissions(self, names: t.Optional[t.Sequence[str]], key: str) -> t.Optional[tuple[str, ...]]:
        if names is None:
            return None
        known = self._schema.enum("Permission") if self._schema else ()
        found = set()
        for name in names:
            permission = permission_name(str(name))
            if known and permission not in known:
                self._fail(key, name, f"unknown permission; {did_you_mean(permission, known)}".rstrip("; "))
            found.add(permission)
        return tuple(sorted(found))

    def unique(self, principals: t.Sequence[Principal]) -> None:
        """No address twice, be it a name or an alias (contract 3.11: one global address namespace)."""
        owners: dict[str, str] = {}
        for principal in principals:
            for address in (principal.name, *principal.given.get("aliases", ())):
                other = owners.setdefault(address, principal.key)
                if other != principal.key:
                    self._fail(principal.key, address, f"is also used by {other}.")
