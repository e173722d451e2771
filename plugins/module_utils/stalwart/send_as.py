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


def keep_row(rule: t.Mapping[str, t.Any], held: t.Mapping[str, t.Any], separator: str) -> dict[str, t.Any]:
    """A rule as settings give it, asking the table still where the server's does: that part is ``send_as``'s.

    :param rule: an expression in normal form, as ``held``.
    """
    if "match" not in rule or not _asks_anywhere(held, separator) or _asks_anywhere(rule, separator):
        return dict(rule)
    said, asked = str(rule.get("else", "true")), f"!{question(separator)}"
    whole = asked if said == "true" else f"({said}) && {asked}"
    if not rule["match"] and not held.get("match") and _bare(str(held.get("else"))) == _bare(whole):
        return dict(held)
    return {**rule, "match": [{"if": question(separator), "then": "false"}, *rule["match"]]}


def without_row(rule: t.Mapping[str, t.Any], separator: str) -> dict[str, t.Any]:
    """The opposite: what settings have to say of a server's rule."""
    match = [entry for entry in rule.get("match") or () if not asks(str(entry.get("if")), separator)]
    return {**rule, "match": match}


def _asks_anywhere(rule: t.Mapping[str, t.Any], separator: str) -> bool:
    texts = [rule.get("else"), *(entry.get("if") for entry in rule.get("match") or ())]
    return any(asks(str(text), separator) for text in texts)


def _bare(expression: str) -> str:
    return "".join(expression.split()).replace('"', "'")


def split_row(row: str, separator: str) -> t.Optional[tuple[str, str]]:
    """Account and sender of a row, or none for one that is not ours."""
    account, found, sender = row.partition(separator)
    return (account, sender) if found and account and "@" in sender else None
