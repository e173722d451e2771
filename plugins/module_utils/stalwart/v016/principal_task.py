# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``stalwart_principal`` on 0.16: read, plan, write, read back."""

from __future__ import annotations

import typing as t

from ...reconcile import Plan, present
from ...redact import Redactor
from ..driver import PrincipalAsk, Result
from ..managed import Rest, marked, refuse_many, rest_of
from ..placeholder import refuse_placeholders
from ..principal import GROUP, INDIVIDUAL, LIST, Principal, parse_principals
from ..principal_checks import Missing, cautions, nobodies
from .actions import MARKER_OBJECT, pending_of
from .apply import Writer, marker_removal
from .client import JmapClient, Want
from .converge import converge_server
from .decode import Decoder
from .marks import Marks
from .marks import wants as mark_wants
from .plan import Op
from .principal import OBJECTS, take_census, vocabulary
from .principal_plan import default_directory, make_principal_plan
from .principal_view import ACCOUNT, view
from .registry import Registry
from .schema import Schema
from .send_as import WANTS as SEND_AS_WANTS
from .send_as import Senders
from .unvalidated import unvalidated_principals

#: Everything that a plan needs, in one request while there are at most 500 of each.
_WANTS = (
    Want("Domain", False, ("name", "aliases")),
    Want("Account", False, (*ACCOUNT, "usedDiskQuota")),
    Want("MailingList", False),
    Want("Role", False, ("description",)),
    Want("Authentication", True, ("directoryId",)),
    Want("Directory", False, ("@type", "description", "claimName", "claimGroups")),
)


class PrincipalTask:
    """One task on one server.

    :param client: none when the server does not exist yet (check mode). :param schema: none without a cached one then.
    """

    def __init__(self, client: t.Optional[JmapClient], schema: t.Optional[Schema], ask: PrincipalAsk) -> None:
        self._client = client
        self._schema = schema
        self._ask = ask
        self._managing = ask.managing
        self._principals: list[Principal] = marked(
            parse_principals(vocabulary(schema), ask.principals), ask.managing.by
        )
        self._rest = Rest()
        self._rewrite = ask.update_secrets == "always"
        self._missing: Missing = None
        self._finished: list[str] = []
        #: Whether the table of further senders has a part in this; a removed account leaves no rows behind.
        self._senders = ask.managing.removes or any(
            p.send_as is not None or p.state == "absent" for p in self._principals
        )

    def run(self, check_mode: bool) -> Result:
        """:raises Failure: before any write for principals that are wrong, after it for what the server refuses."""
        if self._client is None or self._schema is None:
            refuse_placeholders(p.password for p in self._principals if p.state != "absent")
            return self._absent()
        passwords = [p.password for p in self._principals if p.password]
        self._client.http.redactor = Redactor([*self._ask.secrets, *passwords])
        self._missing = {} if check_mode else None
        plan, registry = converge_server(self._read, self._make_plan, self._apply, check_mode=check_mode)
        return self._result(plan, registry)

    def _absent(self) -> Result:
        if self._schema is None:
            return self._result(unvalidated_principals(self._principals), None)
        return self._result(self._plan(Registry(self._schema), known=False), None)

    def _make_plan(self, registry: Registry) -> Plan:
        return self._plan(registry, known=True)

    def _plan(self, registry: Registry, *, known: bool) -> Plan:
        marks = Marks(registry, self._managing.by) if self._managing.by else None
        if marks is not None:
            self._rest = rest_of(self._managing, self._principals, take_census(registry), marks.addresses)
        plan = make_principal_plan(
            registry,
            [*self._principals, *self._rest.principals],
            rewrite_passwords=self._rewrite,
            known=known,
            missing=self._missing,
            marks=marks,
            released=self._rest.released,
        )
        refuse_many(self._managing, self._rest, plan.changes)
        return plan

    def _read(self) -> Registry:
        client = present(self._client)
        if self._finished:
            client.call(marker_removal(self._finished), write=True)
            self._finished = []
        wants = (
            *_WANTS,
            *(SEND_AS_WANTS if self._senders else ()),
            *(mark_wants(self._managing.by) if self._managing.by else ()),
        )
        registry = Registry(present(self._schema), client.read(wants))
        registry.pending = pending_of(registry.of(MARKER_OBJECT))
        return registry

    def _apply(self, plan: Plan, registry: Registry) -> None:
        writer = Writer(present(self._client), registry)
        writer.apply([op for change in plan.changes for op in _ops(change.payload)])
        self._finished = writer.finished
        # A password cannot be read back, so the plan that proves convergence leaves it out.
        self._rewrite = False

    def _result(self, plan: Plan, registry: t.Optional[Registry]) -> Result:
        return {
            "changed": plan.changed,
            "changes": plan.summary(),
            "diff": plan.diff(),
            "principals": [] if registry is None else [self._now(registry, p) for p in self._principals],
            "disappeared": self._rest.told(),
            "unvalidated": self._schema is None,
            "warnings": [*self._cautions(plan, registry), *self._fights(registry), *self._rest.warnings()],
        }

    def _cautions(self, plan: Plan, registry: t.Optional[Registry]) -> list[str]:
        if registry is None or self._client is None:
            return []
        created = {change.key for change in plan.changes if change.action == "create"}
        kinds = take_census(registry).kinds if any(p.state == "suspended" for p in self._principals) else {}
        server = self._client.http.base_url
        lists = any(p.type == LIST and p.given.get("members") for p in self._principals)
        return [
            *cautions(server, self._missing, self._principals, created, kinds),
            *(nobodies(server, take_census(registry), self._principals) if lists else ()),
        ]

    def _fights(self, registry: t.Optional[Registry]) -> list[str]:
        """A warning where every login undoes what this task says about memberships (contract 5.3)."""
        directory = default_directory(registry) if registry is not None else {}
        if directory.get("@type") != "Oidc" or not directory.get("claimGroups"):
            return []
        options = {INDIVIDUAL: "member_of", GROUP: "members"}
        names = [p.name for p in self._principals if options.get(p.type) in p.given and not p.members_from_claims]
        if not names:
            return []
        return [
            f"Every login sets the groups of an account to what the claim {directory['claimGroups']!r} says, if the token has "
            f"one; the members given for {', '.join(names[:5])} may not last. Say members_from_claims: true where it has."
        ]

    def _now(self, registry: Registry, principal: Principal) -> dict[str, t.Any]:
        """A principal as the server holds it now."""
        object_type, variant = OBJECTS[principal.type]
        ids = registry.find(object_type, principal.name)
        if not ids or (variant and registry.of(object_type)[ids[0]].get("@type") != variant):
            return {"name": principal.name, "type": principal.type, "state": "absent"}
        wire = registry.of(object_type)[ids[0]]
        current = view(object_type, Decoder(registry.schema, registry.label).struct(object_type, wire))
        if principal.send_as is not None:
            current["send_as"] = Senders(registry).of(principal.name)
        return {"name": principal.name, "type": principal.type, "state": "present", **current}


def _ops(payload: t.Any) -> tuple[Op, ...]:
    """A principal's change may need several operations."""
    return payload if isinstance(payload, tuple) else (payload,)
