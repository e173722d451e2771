# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``stalwart_settings`` on 0.16: read, plan, write, run, read back."""

from __future__ import annotations

import dataclasses
import typing as t

from ...reconcile import Plan, present
from ...redact import Redactor
from ..driver import SettingsAsk
from ..placeholder import refuse_placeholders
from .absent import make_absent_plan
from .actions import MARKER_OBJECT, needs_restart, pending_of, pending_want
from .apply import Writer, marker_removal
from .client import JmapClient, Want
from .converge import converge_server, written
from .decode import Decoder, mask, project, secrets_in
from .exclusive import parse_exclusive
from .expiry import has_expired, now, warnings
from .grammar import Item, Tree, parse, tree_of
from .identity import setting_name
from .order import in_order
from .plan import Request, make_plan
from .registry import Registry
from .removal import complete_removals
from .running import running_issuer
from .schema import Schema, Type
from .wanted import Wanted

#: The running directory is part of the comparison where one of these is managed (none = any property).
_LOGIN: t.Mapping[str, t.Optional[str]] = {"Authentication": "directoryId", "Directory": None}


@dataclasses.dataclass
class Outcome:
    """:param plan: what was, or in check mode would be, done. :param registry: the state read last."""

    plan: Plan
    registry: Registry
    items: tuple[Item, ...]
    warnings: tuple[str, ...] = ()

    def values(self) -> dict[str, t.Any]:
        """The managed settings as they are now, in the nested form of the option, secrets masked."""
        out: dict[str, t.Any] = {}
        schema = self.registry.schema
        decoder = Decoder(schema, self.registry.label)
        for item in self.items:
            ids = [item.label] if item.singleton else self.registry.find(item.object, item.label)
            wire = self.registry.of(item.object).get(ids[0]) if ids else None
            if wire is None:
                continue
            current = mask(schema, item.object, project(decoder.struct(item.object, wire), item.body))
            if item.singleton:
                out[setting_name(item.object)] = current
            else:
                out.setdefault(setting_name(item.object), {})[item.label] = current
        return out

    def restart_required(self) -> list[str]:
        """Changed types that take effect at the next start of the process only."""
        return sorted({setting_name(c.payload.object) for c in self.plan.changes if needs_restart(c)})


class SettingsTask:
    """One task on one server."""

    def __init__(self, client: t.Optional[JmapClient], schema: Schema, ask: SettingsAsk) -> None:
        self._client = client
        self._schema = schema
        self._ask = ask
        self._now = now()
        self._items: tuple[Item, ...] = ()
        self._finished: list[str] = []
        self._rewrite = ask.update_secrets == "always"
        if ask.state == "present":
            self._items = tuple(parse(schema, ask.settings))
            self._types = {item.object for item in self._items}
            tree: Tree = {}
        else:
            tree = tree_of(schema, ask.settings)[0]
            self._types = set(tree)
        self._login = self._manages_login()
        self._exclusive = parse_exclusive(schema, ask.exclusive, self._items)
        self._wanted = Wanted(schema, self._items, tree, self._exclusive)

    def _manages_login(self) -> bool:
        if self._ask.state == "absent":
            return bool(self._types & set(_LOGIN))
        bodies = [(item.object, item.body) for item in self._items if item.object in _LOGIN]
        whole = any(prefix.split(".")[0] in map(setting_name, _LOGIN) for prefix in self._ask.exclusive)
        return whole or any(_LOGIN[name] is None or _LOGIN[name] in body for name, body in bodies)

    def run(self, check_mode: bool) -> Outcome:
        """:raises Failure: before any write for settings that are wrong, after it for what the server refuses."""
        if self._client is None:
            registry = Registry(self._schema)
            plan = self._plan(registry)
            refuse_placeholders(written(plan))
            return Outcome(plan, registry, self._items, self._warnings())
        secrets = [
            s for item in self._items for s in secrets_in(self._schema, Type("object", target=item.object), item.body)
        ]
        self._client.http.redactor = Redactor([*self._ask.secrets, *secrets])
        plan, registry = converge_server(
            self._read, self._plan, self._apply, check_mode=check_mode, patience=self._ask.wait_certificate
        )
        return Outcome(plan, registry, self._items, self._warnings())

    def _plan(self, registry: Registry) -> Plan:
        known = self._client is not None
        if self._ask.state == "absent":
            plan = make_absent_plan(registry, self._ask.settings, known=known)
        else:
            request = Request(self._items, self._exclusive, self._ask.update_secrets, known, self._now)
            plan = make_plan(registry, request, rewrite_secrets=self._rewrite)
        changes = complete_removals(registry, plan.changes)
        in_order(registry, [change.payload for change in changes])
        return Plan(tuple(changes))

    def _warnings(self) -> tuple[str, ...]:
        ended = [item.key for item in self._items if has_expired(item.object, item.body, self._now)]
        return tuple(warnings(ended))

    def _apply(self, plan: Plan, registry: Registry) -> None:
        writer = Writer(present(self._client), registry)
        writer.apply(in_order(registry, [change.payload for change in plan.changes]))
        self._finished = writer.finished
        # A secret cannot be read back, so the plan that proves convergence leaves it out.
        self._rewrite = False

    def _read(self) -> Registry:
        client = present(self._client)
        self._clear()
        wants = self._wants()
        registry = Registry(self._schema, client.read(wants))
        registry.pending = pending_of(registry.of(MARKER_OBJECT))
        if self._login:
            registry.running_issuer = running_issuer(client.http, self._address(registry))
        return registry

    def _clear(self) -> None:
        if self._finished:
            present(self._client).call(marker_removal(self._finished), write=True)
            self._finished = []

    def _wants(self) -> list[Want]:
        login = set(_LOGIN) & set(self._schema.objects) if self._login else set()
        wants = self._wanted.wants(login)
        if all(want.object != MARKER_OBJECT for want in wants):
            wants += pending_want(self._schema)
        return wants

    def _address(self, registry: Registry) -> str:
        """Any address; one that the server could have reads best in its log."""
        domains = [str(w.get("usernameDomain")) for w in registry.of("Directory").values() if w.get("usernameDomain")]
        return f"postmaster@{domains[0] if domains else 'localhost'}"
