# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``send_as`` on 0.16: rows are ``MemoryLookupKey`` objects, the rule is ``MtaStageAuth.mustMatchSender`` (contract 4.11)."""

from __future__ import annotations

import typing as t

from ...reconcile import Change
from ..send_as import TABLE, asks, question, sayable, split_row
from .actions import MARKER_NAMESPACE, MARKER_OBJECT
from .client import Want
from .decode import Decoder
from .differ import Write
from .plan import Op
from .registry import Registry
from .sender_rule import RULE, SEPARATOR, STAGE, USUAL

ROW = "MemoryLookupKey"

#: What a plan with ``send_as`` reads besides; markers of actions that are owed are rows of another table.
WANTS = (
    Want(ROW, False, ("namespace", "key", "isGlobPattern"), {"namespace": TABLE}),
    Want(MARKER_OBJECT, False, ("namespace", "key"), {"namespace": MARKER_NAMESPACE}, optional=True),
    Want(STAGE, True, (RULE,)),
)


class Senders:
    """The table as the server holds it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        #: id and whether it is a pattern, by account and sender.
        self._rows: dict[str, dict[str, tuple[str, bool]]] = {}
        for identifier, wire in registry.of(ROW).items():
            pair = split_row(str(wire.get("key")), SEPARATOR) if wire.get("namespace") == TABLE else None
            if pair is not None:
                self._rows.setdefault(pair[0], {})[pair[1]] = (identifier, bool(wire.get("isGlobPattern")))

    def of(self, account: str) -> list[str]:
        """Senders that an account may use beside its own."""
        return sorted(self._rows.get(account, ()))

    def sayable(self, account: str) -> list[str]:
        """The same, or nothing where ``send_as`` cannot say it as it is."""
        senders = self.of(account)
        said = sayable(account, senders) and self.rule() is None and not self.ops(account, senders)
        return senders if senders and said else []

    def ops(self, account: str, desired: t.Iterable[str]) -> list[Op]:
        """What makes an account's rows these."""
        held = self._rows.get(account, {})
        wanted = set(desired)
        ops = [self._row(account, sender) for sender in sorted(wanted - set(held))]
        for sender, (identifier, pattern) in sorted(held.items()):
            label = f"{TABLE}:{account}{SEPARATOR}{sender}"
            if sender not in wanted:
                ops.append(Op("destroy", ROW, label, identifier))
            elif pattern != sender.startswith("*"):
                ops.append(Op("update", ROW, label, identifier, writes=self._writes(isGlobPattern=not pattern)))
        return ops

    def _row(self, account: str, sender: str) -> Op:
        key = f"{account}{SEPARATOR}{sender}"
        writes = self._writes(namespace=TABLE, key=key, isGlobPattern=sender.startswith("*"))
        return Op("create", ROW, f"{TABLE}:{key}", writes=writes)

    def _writes(self, **values: t.Any) -> tuple[Write, ...]:
        fields = self._registry.schema.fields(ROW)
        return tuple(Write(key, fields[key].type, value) for key, value in values.items())

    def rule(self) -> t.Optional[Change]:
        """The change that makes the server ask the table, unless it does. What the rule says besides stays."""
        wire = self._registry.of(STAGE).get("singleton") or {}
        current = Decoder(self._registry.schema, self._registry.label).struct(STAGE, wire).get(RULE) or USUAL
        entries = list(current.get("match") or ())
        if any(entry.get("then") == "false" and asks(str(entry.get("if")), SEPARATOR) for entry in entries):
            return None
        exception = {"if": question(SEPARATOR), "then": "false"}
        desired = {"match": [exception, *entries], "else": current.get("else", "true")}
        spec = self._registry.schema.fields(STAGE)[RULE].type
        op = Op("update", STAGE, "singleton", "singleton", writes=(Write(RULE, spec, desired),))
        return Change("update", "sender rule", f"mtaStageAuth.{RULE}", {RULE: dict(current)}, {RULE: desired}, (op,))
