# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule behind ``send_as`` where settings and exports meet it: its row is the principals', the rest the settings'. Pure."""

from __future__ import annotations

import typing as t

from ..send_as import TABLE, keep_row, without_row

STAGE, RULE = "MtaStageAuth", "mustMatchSender"
SEPARATOR = ":"
#: What the rule is unless somebody changed it.
USUAL: dict[str, t.Any] = {"match": [], "else": "true"}


def keep_senders(object_type: str, body: dict[str, t.Any], current: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Settings of an object without a change of what ``send_as`` manages in it."""
    if object_type != STAGE or not isinstance(body.get(RULE), dict):
        return body
    return {**body, RULE: keep_row(body[RULE], current.get(RULE) or {}, SEPARATOR)}


def leave_to_principals(settings: dict[str, t.Any], principals: t.Iterable[t.Mapping[str, t.Any]]) -> None:
    """Take out of exported settings what ``send_as`` of the principals says."""
    rows = settings.get("memoryLookupKey") or {}
    said = [(p["name"], sender) for p in principals for sender in p.get("send_as") or ()]
    for account, sender in said:
        rows.pop(f"{TABLE}:{account}{SEPARATOR}{sender}", None)
    stage = settings.get("mtaStageAuth") or {}
    if said and isinstance(stage.get(RULE), dict):
        rule = without_row(stage[RULE], SEPARATOR)
        stage[RULE] = rule if rule["match"] else rule.get("else", "true")
        if stage[RULE] == USUAL["else"]:
            del stage[RULE]
    for key, body in (("memoryLookupKey", rows), ("mtaStageAuth", stage)):
        if key in settings and not body:
            del settings[key]
