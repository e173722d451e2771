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
from .principal_view import ACCOUNT, address_of, view
from .registry import Registry
from .send_as import Senders

_NO_OPTION = "no option can say it"

#: What options stand for; the rest of an account is only named.
_SAID = frozenset((*ACCOUNT, "id", "recipients"))
#: Beside the types of settings. Of an account not the usage of its quota, which changes with every message.
PRINCIPAL_WANTS = (
    Want("Account", False, (*ACCOUNT, "encryptionAtRest", "memberTenantId", "timeZone")),
    Want("MailingList", False),
)


def export_principals(registry: Registry) -> tuple[list[Body], LeftOut]:
    """The principals, groups first, and what was left out and why."""
    registry.begin()
    found: dict[str, Body] = {}
    left_out: LeftOut = []
    rules = Senders(registry)
    decoder, defaults = Decoder(registry.schema, registry.label), Defaults(registry.schema)
    for object_type in OBJECTS_READ:
        for identifier, wire in registry.of(object_type).items():
            name = registry.natural(object_type, identifier) or ""
            current = decoder.struct(object_type, wire)
            usual = defaults.struct(object_type, current.get("@type"))
            if (current.get("permissions") or {}).get("@type") == "Replace":
                # Without them, or with them beside those of its roles, it could do more than it can here.
                left_out.append((name, "its permissions replace those of its roles, which no option can say"))
                continue
            senders = rules.sayable(name) if current.get("@type") == "User" else []
            found[name] = {
                **({"send_as": senders} if senders else {}),
                **_body(object_type, current, usual, name, kind_of(object_type, wire)),
            }
            left_out += [(f"{name}.{key}", reason) for key, reason in _unsaid(current, usual)]

    def plan(bodies: t.Sequence[Body]) -> Plan:
        parsed = parse_principals(vocabulary(registry.schema), bodies)
        return make_principal_plan(registry, parsed, rewrite_passwords=False, known=True)

    return prove(found, left_out, plan)


def _body(object_type: str, current: Body, defaults: Body, name: str, kind: str) -> Body:
    usual: Body = {"state": "present", "roles": USUAL_ROLES.get(kind)}
    if kind != LIST:
        usual["locale"] = defaults.get("locale")
    body: Body = {"name": name, "type": kind, **worth_giving(view(object_type, current), usual)}
    if any(entry.get("@type") == "Password" for entry in current.get("credentials") or ()):
        body["password"] = placeholder(f"{name}.password")
    return body


def _unsaid(current: Body, usual: Body) -> t.Iterator[tuple[str, str]]:
    """What an account or list has and no option can say."""
    for key, value in current.items():
        if key not in _SAID and value not in (None, [], {}) and value != usual.get(key):
            yield key, _NO_OPTION
    for key, value in (current.get("quotas") or {}).items():
        if key != "maxDiskQuota" and value is not None:
            yield f"quotas.{key}", _NO_OPTION
    for alias in current.get("aliases") or ():
        if not alias.get("enabled", True):
            yield f"aliases.{address_of(alias)}", "is disabled, which no option can say"
        elif alias.get("description"):
            yield f"aliases.{address_of(alias)}", "its description has no option"
    others = sum(entry.get("@type") != "Password" for entry in current.get("credentials") or ())
    if others:
        yield "credentials", f"{others} app password(s) or API key(s), which cannot be read"
