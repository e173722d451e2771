# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup table of senders that accounts may use beside their own addresses, and the rule that asks it. Pure.

A server lets an authenticated session send from the account's own addresses and those of its groups only. The rule
makes an exception where the table has a row for account and sender; without a row nothing changes.
"""

from __future__ import annotations

import typing as t

TABLE = "sender-allow"


def question(separator: str) -> str:
    """The expression that is true where the table has a row; rows are ``<account><separator><sender>``."""
    return f"key_exists('{TABLE}', authenticated_as + '{separator}' + sender)"


def asks(expression: str, separator: str) -> bool:
    """Whether an expression contains the question, however it is spaced and quoted."""
    return _bare(question(separator)) in _bare(expression)


def _bare(expression: str) -> str:
    return "".join(expression.split()).replace('"', "'")


def split_row(row: str, separator: str) -> t.Optional[tuple[str, str]]:
    """Account and sender of a row, or none for one that is not ours."""
    account, found, sender = row.partition(separator)
    return (account, sender) if found and account and "@" in sender else None
