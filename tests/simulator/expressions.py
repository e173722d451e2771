"""Acceptance of expressions (contract 4.13): tokens, variables, constants and functions, without evaluation."""

from __future__ import annotations

import re
from typing import Any

from .tables import Tables

CONNECTION = "listener remote_ip remote_port local_ip local_port protocol is_tls asn country"
_MAIL = f"{CONNECTION} sender sender_domain authenticated_as"
_RCPT = f"{_MAIL} recipients rcpt rcpt_domain priority helo_domain"
_HTTP = "listener remote_ip remote_port local_ip local_port protocol is_tls url path headers method"

#: Variables per object type; all other types may use every variable there is.
VARIABLES: dict[str, frozenset[str]] = {
    "MtaStageConnect": frozenset(CONNECTION.split()),
    "MtaStageEhlo": frozenset(f"{CONNECTION} helo_domain".split()),
    "MtaStageAuth": frozenset(f"{_MAIL} helo_domain".split()),
    "MtaStageMail": frozenset(f"{_MAIL} helo_domain".split()),
    "MtaStageRcpt": frozenset(_RCPT.split()),
    "MtaStageData": frozenset(_RCPT.split()),
    "Http": frozenset(_HTTP.split()),
}
FUNCTIONS = frozenset(
    "count sort dedup winnow is_intersect is_email email_part is_empty is_number is_ip_addr is_ipv4_addr is_ipv6_addr "
    "is_ip_in_cidr ip_reverse_name trim trim_end trim_start len to_lowercase to_uppercase is_uppercase is_lowercase "
    "has_digits count_spaces count_uppercase count_lowercase count_chars contains contains_ignore_case eq_ignore_case "
    "starts_with ends_with lines substring strip_prefix strip_suffix split rsplit split_once rsplit_once split_n "
    "split_words hash if_then is_local_domain is_local_address key_get key_exists key_set counter_incr counter_get "
    "dns_query sql_query system metric matches".split()
)

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<number>\d+(?:\.\d+)?(?:ms|[smhd])?\b)
      | (?P<capture>\$\d+)
      | (?P<name>[A-Za-z_][A-Za-z0-9_.]*)
      | (?P<operator>&&|\|\||==|!=|>=|<=|=>|=<|[-+*/!^<>&|])
      | (?P<single>=.)
      | (?P<open>[(\[])
      | (?P<close>[)\]])
      | (?P<comma>,)
    )""",
    re.VERBOSE | re.DOTALL,
)


def check(tables: Tables, type_: str, expression: dict[str, Any]) -> str | None:
    """The server's complaint about an expression, or None."""
    variables = VARIABLES.get(type_) or frozenset(tables.enums["ExpressionVariable"])
    variables |= {"true", "false", *tables.enums["ExpressionConstant"]}
    for index, entry in expression["match"].items():
        for part in ("if", "then"):
            reason = _problem(entry[part], variables)
            if reason:
                return f"Error parsing '{part}' expression #{int(index) + 1}: {reason}"
    reason = _problem(expression["else"], variables)
    return f"Error parsing 'else' expression: {reason}" if reason else None


def _problem(text: str, variables: frozenset[str]) -> str | None:
    position, depth = 0, []
    expects_operand = True
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            return f"Invalid character {text[position]!r} at position {position}"
        position = match.end()
        kind = match.lastgroup or ""
        value = match[kind]
        if kind in ("string", "number", "capture", "name"):
            if not expects_operand:
                return f"Unexpected token {value!r}"
            if kind == "name":
                if text[position:].lstrip().startswith("("):
                    if value not in FUNCTIONS:
                        return f'Invalid function name "{value}"'
                    expects_operand = True
                    continue
                if value not in variables:
                    return f'Invalid variable or constant "{value}"'
            expects_operand = False
        elif kind in ("operator", "single", "comma"):
            # A single `=` swallows the character after it and is taken as equality (contract 4.13 and 11.8).
            expects_operand = True
        elif kind == "open":
            depth.append(")" if value == "(" else "]")
            expects_operand = True
        else:
            if not depth or depth.pop() != value:
                return f"Unbalanced {value!r}"
            expects_operand = False
    if depth:
        return f"Missing {depth[-1]!r}"
    return "Unexpected end of expression" if expects_operand else None
