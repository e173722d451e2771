# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule behind ``send_as`` where settings meet it: its row is the principals', the rest the settings'. Pure."""

from __future__ import annotations

import typing as t

from ..send_as import keep_row
from .expression import Expression
from .send_as import SEPARATOR


class SenderRule(Expression):
    """An expression that asks the table still where the server's does."""

    def merge(self, current: t.Any, value: t.Any) -> t.Any:
        rule = super().merge(current, value)
        both = isinstance(rule, t.Mapping) and isinstance(current, t.Mapping)
        return keep_row(rule, current, SEPARATOR) if both else rule
