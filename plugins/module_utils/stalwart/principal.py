# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Principals as the inventory writes them: checked, and brought into a normal form that all drivers share. Pure."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible.module_utils.common.text.formatters import human_to_bytes

from ..redact import unclean
from .permissions import PERMISSIONS_015, canonical, in_015, only_on_other
from .problem import SHORTEST_SECRET, Problem, host_name, refuse_problems, shown
from .suggest import did_you_mean

INDIVIDUAL, GROUP, LIST = "individual", "group", "list"
#: Permissions that options of their own manage: ``state: suspended`` and ``receive_mail``.
AUTHENTICATE, RECEIVE = "authenticate", "emailReceive"

#: Options that a type does not have.
_NOT_FOR: dict[str, tuple[str, ...]] = {
    INDIVIDUAL: ("members",),
    GROUP: ("member_of", "password", "send_as", "login_name"),
    LIST: (
        "member_of",
        "members_from_claims",
        "password",
        "roles",
        "quota",
        "locale",
        "enabled_permissions",
        "disabled_permissions",
        "send_as",
        "login_name",
    ),
}
_MANAGED = ("description", "aliases", "members", "member_of", "roles", "quota", "locale", "receive_mail")
#: What a local part is made of (contract of 0.16, 8.1); letters of any script.
_ATOM = r"[\w!#$%&'*+\-/=?^`{|}~]+"
_LOCAL = re.compile(rf"^{_ATOM}(?:\.{_ATOM})*$")
_DOMAIN = re.compile(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
#: RFC 5321, 4.5.3.1.
_LONGEST_LOCAL, _LONGEST_ADDRESS = 64, 254
_LOCALE = re.compile(r"^(POSIX|[a-z]{2,3}(_[A-Z]{2})?(@[a-z]+)?)$")
#: What would make a row of the lookup table mean something else.
_SPECIAL_IN_ROWS = re.compile(r"[*?|\\]")
_LARGEST = 2**63 - 1

_ADDRESS = "expected an address such as alice@example.org."


@dataclasses.dataclass(frozen=True)
class Principal:
    """One principal in normal form; what is none is not managed.

    :param key: how messages address it. :param name: its address. :param given: managed options in normal form.
    :param enabled: permissions in canonical names, as ``disabled``. :param send_as: addresses, or ``*@domain``.
    :param login_name: name of the account where that is not the address (0.15).
    :param managed_by: the inventory that it shall be marked as named by; none leaves marks alone.
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
    send_as: t.Optional[tuple[str, ...]] = None
    members_from_claims: bool = False
    login_name: t.Optional[str] = None
    managed_by: t.Optional[str] = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its address, then the given aliases."""
        return (self.name, *self.given.get("aliases", ()))


class Vocabulary(t.NamedTuple):
    """What a server's generation accepts.

    :param permissions: canonical names, or none where no server's schema is at hand. :param locales: likewise.
    """

    generation: str
    permissions: t.Collection[str] = ()
    locales: t.Collection[str] = ()


def normal_address(text: str) -> t.Optional[str]:
    """An address as the server stores it, or none when it is no address."""
    local, at, domain = text.strip().lower().rpartition("@")
    domain = host_name(domain)
    if not at or not _LOCAL.match(local) or "." not in domain or ".." in domain or not _DOMAIN.match(domain):
        return None
    return f"{local}@{domain}" if len(local) <= _LONGEST_LOCAL and len(local + domain) < _LONGEST_ADDRESS else None


def _bytes(size: t.Any) -> int:
    """Bytes of a number or of a text such as ``5G`` (of 1024 each); negative for what is neither."""
    if isinstance(size, bool) or not isinstance(size, (int, str)):
        return -1
    try:
        return int(human_to_bytes(size))  # type: ignore[no-untyped-call]  # ansible-core has no types
    except ValueError:
        return -1


def word(kind: str) -> str:
    """How a message calls a principal of this type."""
    return "mailing list" if kind == LIST else kind


def password_refusal(directory: str, kind: str) -> str:
    """Why a server whose logins somebody else checks is given no password, and what to do instead."""
    return (
        f"logins are checked by {directory!r} ({kind}), so the server takes no passwords; leave it out. "
        "A mail program that cannot log in there uses an app password, which the account's owner makes (or, for a tenant, password_clients)."
    )


def other_type(kind: str) -> str:
    """Why a principal that the server holds as another type is not removed."""
    return f"exists on the server as {word(kind)}; say type: {kind} to remove it."


def data_loss(used: int) -> str:
    """Why a mailbox of so many bytes is not removed."""
    return f"its mailbox holds {used} bytes, and removing it destroys them at once; say confirm_data_loss: true."


def parse_principals(vocabulary: Vocabulary, raw: t.Sequence[t.Mapping[str, t.Any]]) -> list[Principal]:
    """All principals in normal form.

    :raises Failure: ``invalid_value`` or ``unsupported_by_generation`` with every such problem in ``details``.
    """
    reader = _Reader(vocabulary)
    principals = [reader.read(_key(index, item), item) for index, item in enumerate(raw)]
    reader.unique([p for p in principals if p is not None])
    refuse_problems(reader.problems)
    refuse_problems(reader.unsupported, "unsupported_by_generation")
    return [p for p in principals if p is not None]


def principal_faults(
    vocabulary: Vocabulary, item: t.Mapping[str, t.Any]
) -> tuple[t.Optional[Principal], list[Problem]]:
    """One principal, and what is wrong with it; the problems' keys are the options, each with a dot in front."""
    reader = _Reader(vocabulary)
    return reader.read("", item), [*reader.problems, *reader.unsupported]


def _key(index: int, item: t.Mapping[str, t.Any]) -> str:
    name = str(item.get("name") or "")
    return f"principals[{index}]" + (f" {name}" if name else "")


class _Reader:
    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.problems: list[Problem] = []
        self.unsupported: list[Problem] = []

    def _fail(self, key: str, value: t.Any, message: str) -> None:
        self.problems.append(Problem(key, "" if value is ... else shown(value), message))

    def read(self, key: str, item: t.Mapping[str, t.Any]) -> t.Optional[Principal]:
        raw_name = str(item.get("name") or "")
        kind, state = str(item.get("type") or INDIVIDUAL), str(item.get("state") or "present")
        name = normal_address(raw_name)
        if name is None:
            self._fail(f"{key}.name", raw_name, _ADDRESS)
            return None
        for option in _NOT_FOR[kind]:
            if item.get(option) not in (None, [], False):
                self._fail(f"{key}.{option}", ..., f"is not for type {kind}.")
        if kind == LIST and item.get("receive_mail") is False:
            self._fail(f"{key}.receive_mail", False, "a list always receives mail.")
        if state == "suspended" and kind != INDIVIDUAL:
            self._fail(f"{key}.state", state, "only an individual can be suspended; others do not log in.")
        given = {option: item[option] for option in _MANAGED if item.get(option) is not None}
        self._text(given, key)
        for option in ("aliases", "members", "member_of"):
            if option in given:
                given[option] = self._addresses(given[option], f"{key}.{option}")
                if name in given[option]:
                    self._fail(f"{key}.{option}", name, "is its own address.")
        self._limits(given, key)
        enabled = self._permissions(item.get("enabled_permissions"), f"{key}.enabled_permissions")
        disabled = self._permissions(item.get("disabled_permissions"), f"{key}.disabled_permissions")
        for both in sorted(set(enabled or ()) & set(disabled or ())):
            self._fail(f"{key}.disabled_permissions", both, "is enabled, too.")
        if AUTHENTICATE in (disabled or ()):
            self._fail(f"{key}.disabled_permissions", AUTHENTICATE, "say state: suspended instead.")
        if RECEIVE in (disabled or ()):
            self._fail(f"{key}.disabled_permissions", RECEIVE, "say receive_mail: false instead.")
        if RECEIVE in (enabled or ()) and item.get("receive_mail") is False:
            self._fail(f"{key}.enabled_permissions", RECEIVE, "receive_mail is false.")
        return Principal(
            key=key,
            name=name,
            type=kind,
            state=state,
            given=given,
            enabled=enabled,
            disabled=disabled,
            password=self._password(item.get("password"), key),
            confirm_data_loss=bool(item.get("confirm_data_loss")),
            send_as=self._senders(item.get("send_as"), name, key),
            members_from_claims=bool(item.get("members_from_claims")),
            login_name=self._login_name(item.get("login_name"), key),
        )

    def _text(self, given: dict[str, t.Any], key: str) -> None:
        if "description" in given and not str(given["description"]).strip():
            self._fail(f"{key}.description", ..., "an empty string is not accepted.")
        if "roles" in given:
            given["roles"] = sorted({str(role).strip() for role in given["roles"]})
            if "" in given["roles"]:
                self._fail(f"{key}.roles", "", "a role needs a name.")

    def _password(self, password: t.Optional[str], key: str) -> t.Optional[str]:
        if password is None:
            return None
        if len(password) < SHORTEST_SECRET:
            self._fail(
                f"{key}.password", ..., f"needs at least {SHORTEST_SECRET} characters; this one has {len(password)}."
            )
        elif unclean(password):
            self._fail(f"{key}.password", ..., "starts or ends with white space, or holds a control character.")
        return password

    def _login_name(self, name: t.Optional[str], key: str) -> t.Optional[str]:
        if name is None:
            return None
        normal = name.strip().lower()
        if not normal or re.search(r"\s|[:|*?\\]", normal) or len(normal.encode()) > 512:
            self._fail(f"{key}.login_name", name, "expected a name without blanks and without : | * ? \\.")
        return normal

    def _limits(self, given: dict[str, t.Any], key: str) -> None:
        quota, locale = given.get("quota"), given.get("locale")
        if quota is not None:
            given["quota"] = _bytes(quota)
            if not 0 <= given["quota"] <= _LARGEST:
                message = f"expected bytes, from 0 (no limit) to {_LARGEST}, or a size such as 5G or 500M."
                self._fail(f"{key}.quota", quota, message)
        known = self._vocabulary.locales
        if locale is not None and not (locale in known if known else _LOCALE.match(str(locale))):
            hint = did_you_mean(str(locale), known) or "expected a form such as en_US."
            self._fail(f"{key}.locale", locale, f"not an accepted value; {hint}")

    def _addresses(self, values: t.Iterable[t.Any], key: str) -> list[str]:
        found = set()
        for value in values:
            address = normal_address(str(value))
            if address is None:
                self._fail(key, value, _ADDRESS)
            else:
                found.add(address)
        return sorted(found)

    def _senders(self, values: t.Optional[t.Sequence[t.Any]], name: str, key: str) -> t.Optional[tuple[str, ...]]:
        """Addresses, and ``*@domain`` for all of a domain."""
        if values is None:
            return None
        found = set()
        for value in values:
            text = str(value).strip()
            whole = text.startswith("*@")
            address = normal_address(f"x{text[1:]}" if whole else text)
            if address is None or (not whole and _SPECIAL_IN_ROWS.search(address)):
                self._fail(f"{key}.send_as", value, "expected an address, or *@ and a domain for all of its addresses.")
            elif address == name:
                self._fail(f"{key}.send_as", value, "is its own address, from which it may send anyway.")
            else:
                found.add(f"*{address[1:]}" if whole else address)
        if values and _SPECIAL_IN_ROWS.search(name):
            self._fail(f"{key}.send_as", ..., "is not possible for an address with * ? | or \\.")
        return tuple(sorted(found))

    def _permissions(self, names: t.Optional[t.Sequence[str]], key: str) -> t.Optional[tuple[str, ...]]:
        if names is None:
            return None
        vocabulary, known = self._vocabulary, self._vocabulary.permissions
        found: set[str] = set()
        for name in names:
            parts = canonical(str(name))
            found.update(parts)
            stranger = next((part for part in parts if known and part not in known), None)
            if stranger is None:
                continue
            if only_on_other(stranger, vocabulary.generation):
                self.unsupported.append(Problem(key, shown(name), f"{vocabulary.generation} has no such permission."))
            else:
                accepted = [*known, *PERMISSIONS_015] if "-" in str(name) else known
                self._fail(key, name, f"unknown permission; {did_you_mean(str(name), accepted)}".rstrip("; "))
        if vocabulary.generation == "0.15":
            for part, whole in in_015(name for name in found if not known or name in known)[1].items():
                if whole:
                    siblings = ", ".join(PERMISSIONS_015[whole])
                    self.unsupported.append(
                        Problem(
                            key, shown(part), f"0.15 has it only as {whole}, which is {siblings}; give all of them."
                        )
                    )
        return tuple(sorted(found))

    def unique(self, principals: t.Sequence[Principal]) -> None:
        """No address twice, be it a name or an alias: there is one name space of addresses.

        What a principal has that is to be absent, another one may take.
        """
        owners: dict[str, str] = {}
        removed: dict[str, str] = {}
        for principal in principals:
            if principal.state == "absent":
                other = removed.setdefault(principal.name, principal.key)
                if other != principal.key:
                    self._fail(principal.key, principal.name, f"is also given as {other}.")
        for principal in principals:
            if principal.state == "absent":
                continue
            if principal.name in removed:
                message = f"is to be absent, too ({removed[principal.name]}); remove it in a task of its own."
                self._fail(principal.key, principal.name, message)
            for address in principal.addresses:
                other = owners.setdefault(address, principal.key)
                if other != principal.key:
                    self._fail(principal.key, address, f"is also used by {other}.")
