# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's accounts and lists as ``principals`` would give them, proven by a plan on what was read. Pure."""

from __future__ import annotations

import typing as t

from ...reconcile import Plan
from ..export_proof import USUAL_ROLES, Body, LeftOut, prove, worth_giving
from ..placeholder import placeholder
from ..principal import LIST, parse_principals
from .client import Want
from .decode import Decoder
from .defaults import Defaults
from .principal import OBJECTS_READ, kind_of, vocabulary
from .principal_plan import make_principal_plan
from .principal_view import ACCOUNT, view
from .registry import Registry

#: Beside the types of settings. Of an account not the usage of its quota, which changes with every message.
PRINCIPAL_WANTS = (Want("Account", False, ACCOUNT), Want("MailingList", False))


def export_principals(registry: Registry) -> tuple[list[Body], LeftOut]:
    """The principals, groups first, and what was left out and why."""
    registry.begin()
    found: dict[str, Body] = {}
    for object_type in OBJECTS_READ:
        for identifier in registry.of(object_type):
            name = registry.natural(object_type, identifier) or ""
            found[name] = _body(registry, object_type, identifier, name)

    def plan(bodies: t.Sequence[Body]) -> Plan:
        parsed = parse_principals(vocabulary(registry.schema), bodies)
        return make_principal_plan(registry, parsed, rewrite_passwords=False, known=True)

    return prove(found, [], plan)


def _body(registry: Registry, object_type: str, identifier: str, name: str) -> Body:
    wire = registry.of(object_type)[identifier]
    kind = kind_of(object_type, wire)
    current = Decoder(registry.schema, registry.label).struct(object_type, wire)
    usual: Body = {"state": "present", "roles": USUAL_ROLES.get(kind)}
    if kind != LIST:
        usual["locale"] = Defaults(registry.schema).struct(object_type, current.get("@type")).get("locale")
    body: Body = {"name": name, "type": kind, **worth_giving(view(object_type, current), usual)}
    if any(entry.get("@type") == "Password" for entry in current.get("credentials") or ()):
        body["password"] = placeholder(f"{name}.password")
    return body
