# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule behind ``send_as`` where settings meet it: its row is the principals', the rest the settings'. Pure."""

from __future__ import annotations

import typing as t

from ..send_as import keep_row

STAGE, RULE = "MtaStageAuth", "mustMatchSender"
SEPARATOR = ":"
#: What the rule is unless somebody changed it.
USUAL: dict[str, t.Any] = {"match": [], "else": "true"}


def keep_senders(object_type: str, body: dict[str, t.Any], current: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Settings of an object without a change of what ``send_as`` manages in it."""
    if object_type != STAGE or not isinstance(body.get(RULE), dict):
        return body
    return {**body, RULE: keep_row(body[RULE], current.get(RULE) or {}, SEPARATOR)}
