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
from ..principal import INDIVIDUAL, parse_principals
from ..send_as import sayable
from .client import RestClient
from .principal import FIELDS, TYPES, VOCABULARY, Held, State, view
from .principal_plan import make_principal_plan
from .send_as import rule_change, senders_of
from .store import Store

#: How secrets start that are no password of the account.
_NO_PASSWORD = ("$app$", "otpauth://")


def export_principals(client: RestClient, store: Store) -> tuple[list[Body], LeftOut]:
    """The principals, groups first, and what was left out and why."""
    fields = ",".join([*FIELDS, "secrets"])
    data = client.get("/api/principal", {"types": ",".join(TYPES), "fields": fields, "limit": "0"})
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, list):
        raise Failure("stalwart", "protocol", f"GET {client.http.base_url}/api/principal: no principals in the answer.")
    return principals_of(State(items, store.keys))


def principals_of(state: State) -> tuple[list[Body], LeftOut]:
    """The same of a snapshot. Pure."""
    left_out: LeftOut = []
    found: dict[str, Body] = {}
    for address, held in sorted(state.mailboxes.items()):
        if "@" in address:
            found[address] = _body(state, held)
            left_out += [(f"{address}.{key}", reason) for key, reason in _unsaid(held)]
        else:
            left_out.append((held.name, "has no address"))

    def plan(bodies: t.Sequence[Body]) -> Plan:
        return make_principal_plan(state, parse_principals(VOCABULARY, bodies), rewrite_passwords=False, known=True)

    return prove(found, left_out, plan)


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
    """What an account has and no option can say."""
    for email in held.emails:
        if email.startswith("@"):
            yield f"aliases.{email}", "catches all mail of the domain, which no option can say"
    others = sum(secret.startswith(_NO_PASSWORD) for secret in held.secrets)
    if others:
        yield "secrets", f"{others} app password(s) or second factor(s), which are not read"
