# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mailboxes, groups and lists of a tenant, from variables and from a file, checked against each other. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..stalwart.argspec import PRINCIPAL
from ..stalwart.principal import GROUP, INDIVIDUAL, LIST, Principal, Vocabulary, normal_address, principal_faults
from . import mailbox_file, merge, misspelt
from .mailbox_file import File, Item
from .overlay import Inputs
from .realm import GROUPS, PROBE, PROBE_GROUP, Realm
from .validation import Invalid, Problems, nearest, one_of

#: Variable → the type of what it lists.
SOURCES = {"tenant_mailboxes": INDIVIDUAL, "tenant_groups": GROUP, "tenant_lists": LIST}
APP_PASSWORDS, INTERNAL, NONE = "app_passwords", "internal", "none"
PASSWORD_CLIENTS = (APP_PASSWORDS, INTERNAL, NONE)
#: Options that hold addresses, which a bare local part may stand for.
_ADDRESSES = ("aliases", "members", "member_of", "send_as")
_TYPES: dict[str, tuple[type, ...]] = {"list": (list, tuple), "bool": (bool,), "str": (str,), "raw": (str, int)}
_NOUNS = {"list": "a list", "bool": "true or false", "str": "a text", "raw": "a size such as 5G, or bytes"}


@dataclasses.dataclass(frozen=True)
class Mailboxes:
    """What the inventory says of mailboxes; only complete when no mistake was noted.

    :param principals: option ``principals`` of ``stalwart_principal``. :param addresses: everything that mail may be sent to.
    """

    principals: list[dict[str, t.Any]]
    addresses: frozenset[str]
    password_clients: str


def password_clients(value: t.Any) -> str:
    """How mail programs without OAuth log in."""
    if value not in PASSWORD_CLIENTS:
        raise Invalid(one_of(value, PASSWORD_CLIENTS))
    return "".join(value)


class Domains(t.NamedTuple):
    """:param own: completes a bare local part. :param known: whose addresses the server can hold."""

    own: str
    known: frozenset[str]


def resolve(
    inputs: Inputs,
    domains: Domains | None,
    generation: str,
    administrator: str,
    file: File | None,
    realm: Realm,
    problems: Problems,
) -> Mailboxes:
    """Every mailbox of the tenant; mistakes go to ``problems``, each with its place.

    :param domains: none where the inventory's domain is refused; then only the form is checked.
    :param administrator: local part of the administrator's mailbox, which is role admin_principal's.
    :param file: what ``tenant_mailboxes_file`` names. :param realm: whose users open mailboxes, and whose groups become
        some.
    """
    verify = realm.verify
    clients = problems.check(inputs.given("tenant_password_clients"), password_clients) or APP_PASSWORDS
    if clients == NONE and generation == "0.15":
        problems.add(
            "tenant_password_clients", clients, f"{APP_PASSWORDS} or {INTERNAL}; 0.15 cannot forbid app passwords"
        )
    if clients == INTERNAL and verify:
        problems.add(
            "tenant_verify",
            verify,
            f"false; the proofs log in with tokens, which tenant_password_clients: {INTERNAL} refuses",
        )
    found: list[tuple[Item, str | None]] = []
    for variable, kind in SOURCES.items():
        given = inputs.given(variable)
        if given is None:
            continue
        if not isinstance(given.value, (list, tuple)):
            problems.add(variable, given.value, "a list of mappings, each with a name")
            continue
        items = mailbox_file.items_of(variable, given.value, "[{}]", 0, problems)
        found += [(item, kind) for item in items]
    if file is not None:
        found += [(item, None) for item in mailbox_file.parse(file, problems)]
    reader = _Reader(domains, generation, problems)
    principals = [reader.read(item, kind) for item, kind in found]
    if domains is not None:
        reader.reserve(
            f"{administrator}@{domains.own}", "the administrator's mailbox, which role admin_principal keeps"
        )
        if verify:
            for name in (PROBE, PROBE_GROUP):
                reader.reserve(f"{name}@{domains.own}", "the probe of role verify")
        reader.compare()
        reader.compare_realm(realm, domains.own)
    return Mailboxes(
        [*(probe(domains.own) if verify and domains else ()), *(item for item in principals if item is not None)],
        reader.addresses,
        clients,
    )


def probe(domain: str) -> list[dict[str, t.Any]]:
    """The probe's mailbox, and the group that the issuer's claim puts it into."""
    address = f"{PROBE}@{domain}"
    return [
        {
            "name": f"{PROBE_GROUP}@{domain}",
            "type": GROUP,
            "description": "Probe group of role verify",
            "members": [address],
            "members_from_claims": True,
        },
        # Without the quota said, a run would leave one that somebody set, and the proof would fail for ever.
        {"name": address, "type": INDIVIDUAL, "description": "Probe of role verify", "roles": ["user"], "quota": 0},
    ]


class _Reader:
    def __init__(self, domains: Domains | None, generation: str, problems: Problems) -> None:
        self._domains = domains
        self._vocabulary = Vocabulary(generation)
        self._problems = problems
        self._read: list[tuple[Item, Principal]] = []
        self._owners: dict[str, str] = {}

    @property
    def addresses(self) -> frozenset[str]:
        """Names and aliases of everything that is to be there."""
        return frozenset(a for _item, p in self._read if p.state != "absent" for a in p.addresses)

    def reserve(self, address: str, owner: str) -> None:
        """An address that is none of the inventory's own."""
        self._owners[address] = owner

    def read(self, item: Item, kind: str | None) -> dict[str, t.Any] | None:
        """One item as an option's value, or none for one that is refused."""
        before = len(self._problems)
        values, wrong = self._typed(item, kind)
        if wrong & {"name", "type", "state"}:
            return None
        if self._domains is not None:
            values = self._completed(values, self._domains.own)
        principal, faults = principal_faults(self._vocabulary, values)
        for fault in faults:
            place = item.at(fault.key.removeprefix("."))
            sentence = f"{place}: {fault.value}: {fault.message}" if fault.value else f"{place} {fault.message}"
            self._problems.told(place, values.get(fault.key.removeprefix(".")), fault.message, sentence)
        if faults:
            # What is right of it is compared with the others all the same: every mistake is told at once.
            wrong = {fault.key.removeprefix(".") for fault in faults}
            rest = {option: value for option, value in values.items() if option not in wrong}
            principal = principal_faults(self._vocabulary, rest)[0] if "name" in rest else None
        if principal is None:
            return None
        self._known_domains(item, principal)
        self._read.append((item, principal))
        if len(self._problems) != before:
            return None
        normal = {**values, "name": principal.name, "type": principal.type}
        return {key: merge.plain(value) for key, value in normal.items()}

    def _typed(self, item: Item, kind: str | None) -> tuple[dict[str, t.Any], set[str]]:
        """The values whose types are right, and the options of the others; the list that an item stands in says what it is."""
        values = dict(item.values)
        wrong: set[str] = set()
        if not str(values.get("name") or "").strip():
            wrong.add("name")
            self._problems.add(item.at("name"), values.get("name"), "an address, or its part before the @")
        if kind is not None and values.setdefault("type", kind) != kind:
            wrong.add("type")
            other = next((name for name, known in SOURCES.items() if known == values["type"]), None)
            self._problems.add(item.at("type"), values["type"], kind + (f", or put it into {other}" if other else ""))
        values.setdefault("type", INDIVIDUAL)
        for option, value in values.items():
            spec = PRINCIPAL[option]
            if isinstance(value, bool) != (spec["type"] == "bool") or not isinstance(value, _TYPES[spec["type"]]):
                wrong.add(option)
                self._problems.add(item.at(option), value, _NOUNS[spec["type"]])
            elif "choices" in spec and value not in spec["choices"] and not (option == "type" and kind):
                wrong.add(option)
                self._problems.add(item.at(option), value, one_of(value, spec["choices"]))
        return {option: value for option, value in values.items() if option not in wrong}, wrong

    @staticmethod
    def _completed(values: dict[str, t.Any], domain: str) -> dict[str, t.Any]:
        """Addresses with the tenant's domain where they have none."""

        def whole(text: t.Any) -> str:
            return str(text) if "@" in str(text) else f"{str(text).strip()}@{domain}"

        lists = {option: [whole(text) for text in values[option]] for option in _ADDRESSES if option in values}
        return {**values, **lists, "name": whole(values["name"])}

    def _known_domains(self, item: Item, principal: Principal) -> None:
        if self._domains is None:
            return
        for option, addresses in (("name", (principal.name,)), ("aliases", principal.given.get("aliases", ()))):
            for address in addresses:
                domain = address.rpartition("@")[2]
                if domain not in self._domains.known:
                    accepted = f"an address of {', '.join(sorted(self._domains.known))}"
                    guess = nearest(domain, self._domains.known)
                    more = f"; did you mean {guess}?" if guess else ""
                    self._problems.add(
                        item.at(option), address, f"{accepted} (further domains: tenant_settings.domain){more}"
                    )

    def compare(self) -> None:
        """No address twice, whatever it comes from, and groups of individuals only."""
        for item, principal in self._read:
            if principal.state != "absent":
                for option, address in _claims(principal):
                    self._claim(item.at(option), address, item)
        kinds: dict[str, dict[str, str]] = {}
        for item, p in self._read:
            if p.state != "absent":
                kinds.setdefault(p.name, {}).setdefault(p.type, item.place)
        gone = {p.name: item.place for item, p in self._read if p.state == "absent"}
        for item, principal in self._read:
            if principal.state == "absent":
                if principal.name in kinds:
                    self._problems.add(
                        item.at("name"), principal.name, f"one state; {self._owners[principal.name]} keeps it"
                    )
                continue
            for option, wanted in (("members", INDIVIDUAL), ("member_of", GROUP)):
                if option == "members" and principal.type != GROUP:
                    continue
                for address in principal.given.get(option, ()):
                    others = kinds.get(address, {})
                    if others and wanted not in others:
                        kind, place = next(iter(others.items()))
                        accepted = f"an {INDIVIDUAL}" if wanted == INDIVIDUAL else "a group"
                        self._problems.add(item.at(option), address, f"{accepted}; {place} is of type {kind}")
                    elif address in gone and address not in kinds:
                        self._problems.add(
                            item.at(option), address, f"somebody who is kept; {gone[address]} removes it"
                        )

    def compare_realm(self, realm: Realm, domain: str) -> None:
        """A login opens the mailbox of the user's name, and the claim its groups', whoever else has the address."""
        users = {user["email"]: f"tenant_users ({user['username']})" for user in realm.users}
        groups = {*GROUPS, *(group for user in realm.users for group in user["groups"])}
        for item, principal in self._read:
            if principal.state == "absent":
                continue
            for option, address in _claims(principal):
                local, _at, own = address.partition("@")
                if address in users and (principal.type, option) != (INDIVIDUAL, "name"):
                    accepted = f"an address that no user of the realm opens; {users[address]} does"
                    self._problems.add(item.at(option), address, accepted)
                elif own == domain and local in groups and (principal.type, option) != (GROUP, "name"):
                    accepted = f"an address that is no group's of the realm; its members could not log in ({local})"
                    self._problems.add(item.at(option), address, accepted)

    def _claim(self, place: str, address: str, item: Item) -> None:
        owner = self._owners.setdefault(address, place)
        if owner != place:
            self._problems.add(place, address, f"an address that nobody else has; it is also used by {owner}")


def _claims(principal: Principal) -> t.Iterator[tuple[str, str]]:
    yield "name", principal.name
    for alias in principal.given.get("aliases", ()):
        yield "aliases", alias


def given_domains(own: str | None, settings: t.Mapping[str, t.Any]) -> Domains | None:
    """The tenant's domain, and those that its settings create."""
    if own is None:
        return None
    further = settings.get("domain")
    labels = further if isinstance(further, t.Mapping) else {}
    known = {own, *(str(label) for label in labels)}
    known |= {str(body["name"]) for body in labels.values() if isinstance(body, t.Mapping) and body.get("name")}
    return Domains(own, frozenset(name for name in known if normal_address(f"x@{name}")))


def doubts(model: t.Mapping[str, t.Any]) -> list[str]:
    """What the inventory alone cannot tell to be wrong, for a server or a realm may know more than it; most often it is misspelt.

    :param model: a tenant's, without mistakes.
    """
    kept = [item for item in model["mailboxes"]["principals"] if item.get("state") != "absent"]
    groups = [item["name"] for item in kept if item["type"] == GROUP]
    people = [item["name"] for item in kept if item["type"] == INDIVIDUAL]
    known = {*groups, *people, *(item["name"] for item in model["admin"]["principals"])}
    found = []
    for item in kept:
        options = {INDIVIDUAL: ("member_of", groups, "group"), GROUP: ("members", people, "mailbox")}
        option, names, noun = options.get(item["type"], ("", [], ""))
        for address in item.get(option) or ():
            if address.lower() not in known:
                found.append(
                    f"{item['name']}: {address} in {option} is no {noun} of the inventory{_meant(address, names)} "
                    "Unless the server has it, the run fails."
                )
    domain = model["domain"]["primary"]
    proof = ", and realm.mailboxes of role verify fails" if model["keycloak"]["probe"]["enabled"] else ""
    for user in model["keycloak"]["users"]:
        if user["enabled"] and user["email"] not in known:
            found.append(
                f"tenant_users: {user['username']} has no mailbox in the inventory{_meant(user['email'], people)} "
                f"Until the first login, mail to it is refused{proof}. Add it to tenant_mailboxes."
            )
        for group in user["groups"]:
            shared = [name.partition("@")[0] for name in groups]
            guess = nearest(group, shared) if f"{group}@{domain}" not in groups else None
            if guess and misspelt.near(group, guess):
                found.append(
                    f"tenant_users: {user['username']} is in group {group}, which is none of tenant_groups and becomes a "
                    f"mailbox of its own; did you mean {guess}?"
                )
    return found


def _meant(address: str, names: t.Iterable[str]) -> str:
    """The end of a sentence; domains do not count, for all addresses have the same."""
    by_part = {name.partition("@")[0]: name for name in names}
    guess = nearest(address.partition("@")[0], by_part)
    return f"; did you mean {by_part[guess]}?" if guess else "."
