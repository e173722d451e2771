# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A 0.15 server's accounts and lists as ``principals`` would give them, proven by a plan on what was read."""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ..placeholder import placeholder
from ..principal import GROUP, INDIVIDUAL, LIST, parse_principals
from .client import RestClient
from .principal import FIELDS, TYPES, VOCABULARY, Held, State, view
from .principal_plan import make_principal_plan
from .store import Store

_ORDER = {GROUP: 0, INDIVIDUAL: 1, LIST: 2}
#: What a new principal has when it is not given.
_USUAL_ROLES = {GROUP: ["default"], INDIVIDUAL: ["user"]}
_ROUNDS = 3

Body = t.Dict[str, t.Any]


def export_principals(client: RestClient, store: Store) -> tuple[list[Body], list[tuple[str, str]]]:
    """The principals, groups first, and what was left out and why."""
    fields = ",".join([*FIELDS, "secrets"])
    data = client.get("/api/principal", {"types": ",".join(TYPES), "fields": fields, "limit": "0"})
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, list):
        raise Failure("stalwart", "protocol", f"GET {client.http.base_url}/api/principal: no principals in the answer.")
    return principals_of(State(items, store.keys))


def principals_of(state: State) -> tuple[list[Body], list[tuple[str, str]]]:
    """The same of a snapshot. Pure."""
    left_out: list[tuple[str, str]] = []
    found = {}
    for address, held in sorted(state.mailboxes.items()):
        if "@" in address:
            found[address] = _body(state, held)
        else:
            left_out.append((held.name, "has no address"))
    _prove(state, found, left_out)
    return sorted(found.values(), key=lambda body: (_ORDER[body["type"]], body["name"])), left_out


def _body(state: State, held: Held) -> Body:
    body: Body = {"name": held.address, "type": held.kind}
    usual = {"state": "present", "roles": _USUAL_ROLES.get(held.kind)}
    shown = view(state, held)
    for option in sorted(shown):
        if shown[option] not in (None, [], {}) and shown[option] != usual.get(option):
            body[option] = shown[option]
    if held.kind == INDIVIDUAL and held.name != held.address:
        body["login_name"] = held.name
    if any(not secret.startswith(("$app$", "otpauth://")) for secret in held.secrets):
        body["password"] = placeholder(f"{held.address}.password")
    return body


def _prove(state: State, found: dict[str, Body], left_out: list[tuple[str, str]]) -> None:
    """Leave out what a plan on the same server would still change or refuse: first the options, then the principal."""
    for attempt in range(_ROUNDS):
        try:
            parsed = parse_principals(VOCABULARY, list(found.values()))
            plan = make_principal_plan(state, parsed, rewrite_passwords=False, known=True)
        except Failure as failure:
            if not _refused(found, left_out, failure):
                raise
            continue
        changes = [change for change in plan.changes if change.key in found]
        if not changes:
            return
        for change in changes:
            body = found[change.key]
            options = [option for option in change.after or {} if option in body] if attempt == 0 else []
            for option in options:
                del body[option]
                left_out.append((f"{change.key}.{option}", "does not come back as it is given"))
            if not options:
                del found[change.key]
                left_out.append((change.key, "cannot be given as it is"))


def _refused(found: dict[str, Body], left_out: list[tuple[str, str]], failure: Failure) -> bool:
    """Leave out the principals that a failure names."""
    names = list(found)
    gone = set()
    for detail in failure.details or ():
        for index, name in enumerate(names):
            if str(detail["key"]).startswith(f"principals[{index}]") and name in found:
                gone.add(name)
                left_out.append((name, str(detail["message"]).rstrip(".")))
    for name in gone:
        del found[name]
    return bool(gone)
