# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's accounts and lists as ``principals`` would give them, proven by a plan on what was read. Pure."""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ..placeholder import placeholder
from ..principal import GROUP, INDIVIDUAL, LIST, parse_principals
from .client import Want
from .decode import Decoder
from .defaults import Defaults
from .principal import OBJECTS_READ, kind_of, vocabulary
from .principal_plan import make_principal_plan
from .principal_view import view
from .registry import Registry

#: Beside the types of settings. Of an account not the usage of its quota, which changes with every message.
PRINCIPAL_WANTS = (
    Want(
        "Account",
        False,
        (
            "@type",
            "name",
            "domainId",
            "description",
            "aliases",
            "memberGroupIds",
            "roles",
            "permissions",
            "quotas",
            "locale",
            "credentials",
        ),
    ),
    Want("MailingList", False),
)
_ORDER = {GROUP: 0, INDIVIDUAL: 1, LIST: 2}
#: What a new principal has when it is not given.
_USUAL_ROLES = {GROUP: ["default"], INDIVIDUAL: ["user"]}
_ROUNDS = 3

Body = t.Dict[str, t.Any]


def export_principals(registry: Registry) -> tuple[list[Body], list[tuple[str, str]]]:
    """The principals, groups first, and what was left out and why."""
    registry.begin()
    left_out: list[tuple[str, str]] = []
    found: dict[str, Body] = {}
    for object_type in OBJECTS_READ:
        for identifier in registry.of(object_type):
            name = registry.natural(object_type, identifier) or ""
            found[name] = _body(registry, object_type, identifier, name)
    _prove(registry, found, left_out)
    return sorted(found.values(), key=lambda body: (_ORDER[body["type"]], body["name"])), left_out


def _body(registry: Registry, object_type: str, identifier: str, name: str) -> Body:
    wire = registry.of(object_type)[identifier]
    kind = kind_of(object_type, wire)
    current = Decoder(registry.schema, registry.label).struct(object_type, wire)
    shown = view(object_type, current)
    usual: Body = {"state": "present", "roles": _USUAL_ROLES.get(kind)}
    if kind != LIST:
        usual["locale"] = Defaults(registry.schema).struct(object_type, current.get("@type")).get("locale")
    body: Body = {"name": name, "type": kind}
    for option in sorted(shown):
        if shown[option] not in (None, [], {}) and shown[option] != usual.get(option):
            body[option] = shown[option]
    if any(entry.get("@type") == "Password" for entry in current.get("credentials") or ()):
        body["password"] = placeholder(f"{name}.password")
    return body


def _prove(registry: Registry, found: dict[str, Body], left_out: list[tuple[str, str]]) -> None:
    """Leave out what a plan on the same server would still change or refuse: first the options, then the principal."""
    for attempt in range(_ROUNDS):
        try:
            parsed = parse_principals(vocabulary(registry.schema), list(found.values()))
            plan = make_principal_plan(registry, parsed, rewrite_passwords=False, known=True)
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
