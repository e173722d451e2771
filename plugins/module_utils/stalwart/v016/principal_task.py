# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``stalwart_principal`` on 0.16: read, plan, write, read back."""

from __future__ import annotations

import typing as t

from ...reconcile import Plan, present
from ...redact import Redactor
from ..driver import PrincipalAsk, Result
from .apply import Writer
from .client import JmapClient, Want
from .converge import converge_server
from .decode import Decoder
from .principal import Principal, parse_principals
from .principal_plan import make_principal_plan
from .principal_view import view
from .registry import Registry
from .schema import Schema
from .unvalidated import unvalidated_principals

_ACCOUNT = [
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
    "usedDiskQuota",
]
#: Everything that a plan needs, in one request while there are at most 500 of each.
_WANTS = (
    Want("Domain", False, ("name", "aliases")),
    Want("Account", False, _ACCOUNT),
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
        self._principals: list[Principal] = parse_principals(schema, ask.principals)
        self._rewrite = ask.update_secrets == "always"
        self._missing: t.Optional[set[str]] = None

    def run(self, check_mode: bool) -> Result:
        """:raises Failure: before any write for principals that are wrong, after it for what the server refuses."""
        if self._client is None or self._schema is None:
            return self._absent()
        passwords = [p.password for p in self._principals if p.password]
        self._client.http.redactor = Redactor([*self._ask.secrets, *passwords])
        self._missing = set() if check_mode else None
        plan, registry = converge_server(self._read, self._make_plan, self._apply, check_mode=check_mode)
        return self._result(plan, registry)

    def _absent(self) -> Result:
        if self._schema is None:
            return self._result(unvalidated_principals(self._principals), None)
        return self._result(self._plan(Registry(self._schema), known=False), None)

    def _make_plan(self, registry: Registry) -> Plan:
        return self._plan(registry, known=True)

    def _plan(self, registry: Registry, *, known: bool) -> Plan:
        return make_principal_plan(
            registry, self._principals, rewrite_passwords=self._rewrite, known=known, missing=self._missing
        )

    def _read(self) -> Registry:
        return Registry(present(self._schema), present(self._client).read(_WANTS))

    def _apply(self, plan: Plan, registry: Registry) -> None:
        Writer(present(self._client), registry).apply([change.payload for change in plan.changes])
        # A password cannot be read back, so the plan that proves convergence leaves it out.
        self._rewrite = False

    def _result(self, plan: Plan, registry: t.Optional[Registry]) -> Result:
        return {
            "changed": plan.changed,
            "changes": plan.summary(),
            "diff": plan.diff(),
            "principals": [] if registry is None else [self._now(registry, p) for p in self._principals],
            "unvalidated": self._schema is None,
            "warnings": [
                f"The server has no domain {domain} yet; outside check mode this is a failure."
                for domain in sorted(self._missing or ())
            ],
        }

    @staticmethod
    def _now(registry: Registry, principal: Principal) -> dict[str, t.Any]:
        """A principal as the server holds it now."""
        ids = registry.find(principal.object, principal.name)
        if not ids:
            return {"name": principal.name, "type": principal.type, "state": "absent"}
        wire = registry.of(principal.object)[ids[0]]
        current = view(principal.object, Decoder(registry.schema, registry.label).struct(principal.object, wire))
        return {"name": principal.name, "type": principal.type, "state": "present", **current}
