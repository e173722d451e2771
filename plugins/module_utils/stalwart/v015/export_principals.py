# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A 0.15 server's accounts and lists as ``principals`` would give them, proven by a plan on what was read."""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ...reconcile import Plan
from ..export_proof import USUAL_ROLES, Body, LeftOut, prove, worth_giving
from ..placeholder import placeholder
from ..principal import GROUP, INDIVIDUAL, LIST, parse_principals
from ..send_as import sayable
from .client import RestClient
from .principal import FIELDS, MANAGED_BY, TYPES, VOCABULARY, Held, State, roles_shown, view
from .principal_plan import make_principal_plan
from .send_as import rule_change, senders_of
from .store import Store

Item = t.Mapping[str, t.Any]

#: How secrets start that are no password of the account.
_NO_PASSWORD = ("$app$", "otpauth://")
_NO_OPTION = "which no option can say"
#: Principals that ``principals`` knows nothing of, and how they are called. Domains are settings.
_OTHERS = {
    "role": "a role",
    "apiKey": "an API key",
    "oauthClient": "an OAuth client",
    "resource": "a resource",
    "location": "a location",
}
#: Fields that an account or a list may have and no option says.
_UNREAD = ("picture", "urls")
#: Options that cannot be given in part: what they do not name is removed.
_TOGETHER = ("member_of", "members")


def export_principals(client: RestClient, store: Store) -> tuple[list[Body], LeftOut]:
    """The principals, groups first, and what was left out and why."""
    types = (*TYPES, *(kind for kind in _OTHERS if kind not in TYPES))
    fields = ",".join(dict.fromkeys([*FIELDS, "secrets", *_UNREAD]))
    data = client.get("/api/principal", {"types": ",".join(types), "fields": fields, "limit": "0"})
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, list):
        raise Failure("stalwart", "protocol", f"GET {client.http.base_url}/api/principal: no principals in the answer.")
    return principals_of(items, store.keys)


def principals_of(items: t.Sequence[Item], settings: t.Mapping[str, str]) -> tuple[list[Body], LeftOut]:
    """The same of a snapshot. Pure.

    :param items: principals as the server tells them. :param settings: see :class:`State`.
    """
    state = State(items, settings)
    left_out: LeftOut = []
    found: dict[str, Body] = {}
    for item in sorted(items, key=lambda item: str(item.get("name"))):
        held = state.by_name[str(item.get("name") or "")]
        whole = _unsayable(held)
        if whole:
            left_out.append((held.address, whole))
        elif held.kind in (INDIVIDUAL, GROUP, LIST):
            unsaid = dict([*_unsaid(held), *_nameless(state, held), *_unread(item)])
            body = _body(state, held)
            found[held.address] = {key: body[key] for key in body if key not in _TOGETHER or key not in unsaid}
            left_out += [(f"{held.address}.{key}", reason) for key, reason in unsaid.items()]

    def plan(bodies: t.Sequence[Body]) -> Plan:
        return make_principal_plan(state, parse_principals(VOCABULARY, bodies), rewrite_passwords=False, known=True)

    return prove(found, left_out, plan)


def _unsayable(held: Held) -> str:
    """Why a principal is left out as a whole; empty when it is not."""
    if held.kind in _OTHERS:
        return f"is {_OTHERS[held.kind]}, {_NO_OPTION}"
    if held.kind not in (INDIVIDUAL, GROUP, LIST):
        return ""
    if "@" not in held.address or not held.emails:
        return "has no address"
    if held.kind == INDIVIDUAL and not held.roles:
        # Given without roles it would become a user, who may do more than it can here.
        own = "its own permissions are all it has" if held.enabled else "it can do nothing"
        return f"has no role ({own}), {_NO_OPTION}"
    return ""


def _body(state: State, held: Held) -> Body:
    usual = {"state": "present", "roles": USUAL_ROLES.get(held.kind)}
    body: Body = {"name": held.address, "type": held.kind, **worth_giving(view(state, held), usual)}
    if held.kind == INDIVIDUAL and held.name != held.address:
        body["login_name"] = held.name
    senders = senders_of(state.settings, held.name)
    if senders and not rule_change(state.settings) and sayable(held.address, senders):
        body["send_as"] = senders
    if any(not secret.startswith(_NO_PASSWORD) for secret in held.secrets):
        body["password"] = placeholder(f"{held.address}.password")
    return body


def _unsaid(held: Held) -> t.Iterator[tuple[str, str]]:
    """What a principal has and no option can say."""
    for email in held.emails:
        if email.startswith("@"):
            yield f"aliases.{email}", f"catches all mail of the domain, {_NO_OPTION}"
    others = sum(secret.startswith(_NO_PASSWORD) for secret in held.secrets)
    if others:
        yield "secrets", f"{others} app password(s) or second factor(s), which are not read"
    if held.kind != INDIVIDUAL:
        if held.name != held.address:
            yield "name", f"is {held.name!r}, {_NO_OPTION} of a {held.kind}; a new one is named by its address"
        if held.groups:
            yield "member_of", f"is a {held.kind} in {', '.join(sorted(held.groups))}, {_NO_OPTION}"
    if held.kind == GROUP and not held.roles:
        yield "roles", f"has none, {_NO_OPTION}; a new one has {', '.join(USUAL_ROLES[GROUP])}"
    if held.kind == LIST:
        own = {
            "roles": roles_shown(LIST, held.roles),
            "enabled_permissions": sorted(held.enabled),
            "disabled_permissions": sorted(held.disabled),
            "quota": [str(held.quota)] if held.quota else [],
            "locale": [held.locale] if held.locale else [],
        }
        yield from ((option, f"a list has {', '.join(has)}, {_NO_OPTION}") for option, has in own.items() if has)


def _nameless(state: State, held: Held) -> t.Iterator[tuple[str, str]]:
    """Groups and members that options, which name addresses, cannot name."""
    groups = [name for name in sorted(held.groups) if "@" not in state.address(name)]
    if held.kind == INDIVIDUAL and groups:
        yield "member_of", f"is in {', '.join(groups)}, which has no address"
    lists = {other.name for other in state.by_name.values() if other.kind == LIST}
    members = [name for name in sorted(held.members) if name in lists or "@" not in state.address(name)]
    if held.kind == LIST and members:
        yield "members", f"{', '.join(members)} among them is a list or has no address, {_NO_OPTION}"


def _unread(item: Item) -> t.Iterator[tuple[str, str]]:
    """What a principal has that nothing else here looks at."""
    for field in _UNREAD:
        values = item.get(field) or ()
        # Which inventory names it is that inventory's to say.
        if any(not str(value).startswith(MANAGED_BY) for value in ([values] if isinstance(values, str) else values)):
            yield field, f"has one, {_NO_OPTION}"
