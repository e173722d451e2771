# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's expression language, parsed before it is sent.

A real server accepts ``a = 'x'`` without a word and evaluates something else (contract 4.13, 11.8), so the audit of
expressions has to be ours: syntax, operators, functions, variables and constants.
"""

from __future__ import annotations

import re
import typing as t

from .suggest import did_you_mean

FUNCTIONS = frozenset(
    [
        "count",
        "sort",
        "dedup",
        "winnow",
        "is_intersect",
        "is_email",
        "email_part",
        "is_empty",
        "is_number",
        "is_ip_addr",
        "is_ipv4_addr",
        "is_ipv6_addr",
        "is_ip_in_cidr",
        "ip_reverse_name",
        "trim",
        "trim_end",
        "trim_start",
        "len",
        "to_lowercase",
        "to_uppercase",
        "is_uppercase",
        "is_lowercase",
        "has_digits",
        "count_spaces",
        "count_uppercase",
        "count_lowercase",
        "count_chars",
        "contains",
        "contains_ignore_case",
        "eq_ignore_case",
        "starts_with",
        "ends_with",
        "lines",
        "substring",
        "strip_prefix",
        "strip_suffix",
        "split",
        "rsplit",
        "split_once",
        "rsplit_once",
        "split_n",
        "split_words",
        "hash",
        "if_then",
        "matches",
        "is_local_domain",
        "is_local_address",
        "key_get",
        "key_exists",
        "key_set",
        "counter_incr",
        "counter_get",
        "dns_query",
        "sql_query",
        "system",
        "metric",
    ]
)
#: 0.15 takes a directory as a first argument; 0.16 takes the name alone, refuses nothing and answers false (contract 4.13).
OF_DIRECTORY = frozenset(("is_local_domain", "is_local_address"))
#: What 0.15 has not, and what it has instead (contract of 0.15, section 8).
FUNCTIONS_0_15 = (FUNCTIONS - {"system", "metric"}) | {"config_get"}

#: Used where a server's schema does not list its variables; contract 4.13.
VARIABLES = frozenset(
    [
        "listener",
        "remote_ip",
        "remote_port",
        "local_ip",
        "local_port",
        "protocol",
        "is_tls",
        "asn",
        "country",
        "helo_domain",
        "sender",
        "sender_domain",
        "authenticated_as",
        "recipients",
        "rcpt",
        "rcpt_domain",
        "priority",
        "mx",
        "retry_num",
        "notify_num",
        "expires_in",
        "last_status",
        "last_error",
        "queue_name",
        "queue_age",
        "received_from_ip",
        "received_via_port",
        "source",
        "size",
        "url",
        "path",
        "headers",
        "method",
    ]
)
CONSTANTS = frozenset(
    [
        "relaxed",
        "strict",
        "disable",
        "optional",
        "require",
        "ipv4_only",
        "ipv6_only",
        "ipv6_then_ipv4",
        "ipv4_then_ipv6",
        "hourly",
        "daily",
        "weekly",
        "login",
        "plain",
        "xoauth2",
        "oauthbearer",
        "mixer",
        "stanag4406",
        "nsep",
    ]
)
_LITERALS = frozenset(("true", "false"))

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>\d+(?:\.\d+)?(?:ms|[smhdSMHD]|[kKmMgG][bB])?(?![\w]))
  | (?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
  | (?P<name>[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*)
  | (?P<capture>\$\d+)
  | (?P<operator>==|!=|>=|<=|&&|\|\||=>|=<|[-+*/^!<>=&|])
  | (?P<mark>[()\[\],])
  )""",
    re.VERBOSE,
)
_BINDING = {
    "||": 1,
    "|": 1,
    "^": 2,
    "&&": 3,
    "&": 3,
    "==": 4,
    "!=": 4,
    ">": 5,
    ">=": 5,
    "<": 5,
    "<=": 5,
    "+": 6,
    "-": 6,
    "*": 7,
    "/": 7,
}
_DEEPEST = 64


class ExpressionError(ValueError):
    """An expression that is not accepted; the text says what and where."""


class Token(t.NamedTuple):
    """A lexical unit and its 1-based column."""

    kind: str
    text: str
    column: int


def tokenize(text: str) -> list[Token]:
    """:raises ExpressionError: for a character that starts nothing, and for ``=``, ``=>`` and ``=<``."""
    tokens: list[Token] = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            at = position + len(text[position:]) - len(text[position:].lstrip())
            raise ExpressionError(f"cannot read {text[at : at + 12]!r} at column {at + 1}.")
        token = Token(match.lastgroup, match.group(match.lastgroup), match.start(match.lastgroup) + 1)
        if token.kind == "operator" and token.text == "=":
            raise ExpressionError(
                f"single '=' at column {token.column}: comparison is '=='; the server accepts '=' without an error and compares something else."
            )
        if token.kind == "operator" and token.text in ("=>", "=<"):
            raise ExpressionError(f"{token.text!r} at column {token.column}: write {token.text[::-1]!r}.")
        tokens.append(token)
        position = match.end()
    return tokens


class _Parser:
    """Precedence climbing; checks names as they appear (none = any name will do) and builds nothing."""

    def __init__(
        self, tokens: t.Sequence[Token], names: t.Optional[t.Collection[str]], generation: str = "0.16"
    ) -> None:
        self._tokens = tokens
        self._names = names
        self._functions = FUNCTIONS_0_15 if generation == "0.15" else FUNCTIONS
        self._of_directory = 2 if generation == "0.15" else 1
        self._index = 0
        self._depth = 0

    def run(self) -> None:
        if not self._tokens:
            raise ExpressionError("the expression is empty.")
        self._binary(0)
        if self._index < len(self._tokens):
            token = self._tokens[self._index]
            raise ExpressionError(f"unexpected {token.text!r} at column {token.column}.")

    def _peek(self) -> t.Optional[Token]:
        return self._tokens[self._index] if self._index < len(self._tokens) else None

    def _next(self, wanted: str = "a value") -> Token:
        token = self._peek()
        if token is None:
            raise ExpressionError(f"ends where {wanted} is expected.")
        self._index += 1
        return token

    def _expect(self, mark: str) -> None:
        token = self._next(repr(mark))
        if token.text != mark or token.kind != "mark":
            raise ExpressionError(f"expected {mark!r} but found {token.text!r} at column {token.column}.")

    def _binary(self, lowest: int) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ExpressionError("is nested too deeply.")
        self._unary()
        while True:
            token = self._peek()
            if token is None or token.kind != "operator" or token.text not in _BINDING:
                break
            binding = _BINDING[token.text]
            if binding < lowest:
                break
            self._index += 1
            self._binary(binding + 1)
        self._depth -= 1

    def _unary(self) -> None:
        token = self._peek()
        while token is not None and token.kind == "operator" and token.text in ("!", "-"):
            self._index += 1
            token = self._peek()
        self._value()

    def _value(self) -> None:
        token = self._next()
        if token.kind in ("number", "string", "capture"):
            return
        if token.text == "(" and token.kind == "mark":
            self._binary(0)
            self._expect(")")
        elif token.text == "[" and token.kind == "mark":
            self._items("]")
        elif token.kind == "name":
            following = self._peek()
            if following is not None and following.text == "(" and following.kind == "mark":
                self._call(token)
            elif self._names is not None and token.text not in self._names:
                hint = did_you_mean(token.text, self._names)
                raise ExpressionError(
                    f"unknown variable or constant {token.text!r} at column {token.column}; a text needs quotes. {hint}".rstrip()
                )
        else:
            raise ExpressionError(f"unexpected {token.text!r} at column {token.column}.")

    def _call(self, name: Token) -> None:
        if name.text not in self._functions:
            hint = did_you_mean(name.text, self._functions)
            raise ExpressionError(f"unknown function {name.text!r} at column {name.column}. {hint}".rstrip())
        self._expect("(")
        count = self._items(")")
        if name.text in OF_DIRECTORY and count != self._of_directory:
            wanted = "one argument" if self._of_directory == 1 else "two arguments, a directory and a name"
            other = "0.15 took two" if self._of_directory == 1 else "0.16 takes one"
            raise ExpressionError(f"{name.text} takes {wanted}, not {count} ({other}) at column {name.column}.")

    def _items(self, closing: str) -> int:
        token = self._peek()
        if token is not None and token.text == closing and token.kind == "mark":
            self._index += 1
            return 0
        count = 1
        self._binary(0)
        while True:
            token = self._next(repr(closing))
            if token.kind == "mark" and token.text == closing:
                return count
            if token.kind != "mark" or token.text != ",":
                raise ExpressionError(f"expected ',' or {closing!r} but found {token.text!r} at column {token.column}.")
            self._binary(0)
            count += 1


def audit(
    text: str, variables: t.Iterable[str] = (), constants: t.Iterable[str] = (), *, generation: str = "0.16"
) -> None:
    """Check one expression.

    :param variables: what the server's schema lists; the contract's list where it lists none.
    :param generation: whose functions and numbers of arguments count.
    :raises ExpressionError: saying what is wrong and where.
    """
    names = set(variables) or set(VARIABLES)
    names |= set(constants) or set(CONSTANTS)
    _Parser(tokenize(text), names | _LITERALS, generation).run()


def syntax(text: str) -> None:
    """Check one expression where no server's schema says which variables and constants it knows.

    :raises ExpressionError: as :func:`audit`, but for no variable and no constant.
    """
    _Parser(tokenize(text), None).run()
