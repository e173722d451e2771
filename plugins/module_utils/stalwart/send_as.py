# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup table of senders that accounts may use beside their own addresses, and the rule that asks it. Pure.

A server lets an authenticated session send from the account's own addresses and those of its groups only. The rule
makes an exception where the table has a row for account and sender; without a row nothing changes.
"""

from __future__ import annotations

import typing as t

from .principal import normal_address

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


def leave_to_principals(
    settings: dict[str, t.Any], principals: t.Iterable[t.Mapping[str, t.Any]], separator: str
) -> None:
    """Take out of exported settings what ``send_as`` of the principals says: their rows, and the rule's question."""
    rows, stage = settings.get("memoryLookupKey") or {}, settings.get("mtaStageAuth") or {}
    said = [(p.get("login_name", p["name"]), sender) for p in principals for sender in p.get("send_as") or ()]
    for account, sender in said:
        rows.pop(f"{TABLE}:{account}{separator}{sender}", None)
    if said and "mustMatchSender" in stage:
        stage["mustMatchSender"] = rule = _without_row(stage["mustMatchSender"], separator)
        if rule == "true":
            del stage["mustMatchSender"]
    for key, body in (("memoryLookupKey", rows), ("mtaStageAuth", stage)):
        if key in settings and not body:
            del settings[key]


def _without_row(rule: t.Any, separator: str) -> t.Any:
    """A rule without what :func:`keep_row` and the drivers add; a text where no condition is left."""
    asked = f"!{question(separator)}"
    rule = rule if isinstance(rule, t.Mapping) else {"match": [], "else": rule}
    match = [entry for entry in rule.get("match") or () if not asks(str(entry.get("if")), separator)]
    otherwise = str(rule.get("else", "true"))
    if otherwise == asked:
        otherwise = "true"
    elif otherwise.startswith("(") and otherwise.endswith(f") && {asked}"):
        otherwise = otherwise[1 : -len(f") && {asked}")]
    return {"match": match, "else": otherwise} if match else otherwise


def sayable(account: str, senders: t.Sequence[str]) -> bool:
    """Whether ``send_as`` of an account can say all of its rows."""
    return all(
        sender != account and normal_address(f"x{sender[1:]}" if sender.startswith("*@") else sender) is not None
        for sender in senders
    )


def _asks_anywhere(rule: t.Mapping[str, t.Any], separator: str) -> bool:
    texts = [rule.get("else"), *(entry.get("if") for entry in rule.get("match") or ())]
    return any(asks(str(text), separator) for text in texts)


def _bare(expression: str) -> str:
    return "".join(expression.split()).replace('"', "'")


def split_row(row: str, separator: str) -> t.Optional[tuple[str, str]]:
    """Account and sender of a row, or none for one that is not ours."""
    account, found, sender = row.partition(separator)
    return (account, sender) if found and account and "@" in sender else None
