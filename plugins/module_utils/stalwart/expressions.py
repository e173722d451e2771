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

from .expression_names import CONSTANTS, FUNCTIONS, FUNCTIONS_0_15, OF_DIRECTORY, OF_TEXT, SYSTEM, VARIABLES
from .suggest import did_you_mean

_LITERALS = frozenset(("true", "false"))

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>\d+(?:\.\d+)?(?:ms|[smhdSMHD]|[kKmMgG][bB])?(?![\w]))
  | (?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
  | (?P<name>[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*)
  | (?P<capture>\$\w+)
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
#: Words of other languages.
_WORDS = {"and": "&&", "or": "||", "not": "!"}
_SIZE = re.compile(r"[kmg]b\Z", re.IGNORECASE)


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
            raise ExpressionError(f"cannot read {text[at : at + 12]!r} at column {at + 1}; a text needs quotes.")
        if "\t" in match.group(0)[: match.start(match.lastgroup) - position]:
            raise ExpressionError(
                f"a tab before column {match.start(match.lastgroup) + 1}: the server takes blanks only."
            )
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
        self._old = generation == "0.15"
        self._index = 0
        self._depth = 0

    def run(self) -> None:
        if not self._tokens:
            raise ExpressionError("the expression is empty.")
        self._binary(0)
        if self._index < len(self._tokens):
            raise self._unexpected(self._tokens[self._index])

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

    @staticmethod
    def _unexpected(token: Token) -> ExpressionError:
        hint = f" Write {_WORDS[token.text]!r}." if token.kind == "name" and token.text in _WORDS else ""
        return ExpressionError(f"unexpected {token.text!r} at column {token.column}.{hint}")

    def _unary(self) -> None:
        token = self._peek()
        while token is not None and token.kind == "operator" and token.text in ("!", "-"):
            self._index += 1
            token = self._peek()
        indexable = self._value()
        while indexable and self._at("["):
            self._index += 1
            if self._at("-"):
                raise ExpressionError(f"an index cannot begin with '-' at column {self._tokens[self._index].column}.")
            self._binary(0)
            self._expect("]")

    def _at(self, text: str) -> bool:
        token = self._peek()
        return token is not None and token.text == text and token.kind in ("mark", "operator")

    def _value(self) -> bool:
        """Whether an index may follow: the server counts ``[`` behind anything else as a list of its own."""
        token = self._next()
        if token.kind == "number" and _SIZE.search(token.text):
            raise ExpressionError(f"{token.text!r} at column {token.column}: the server takes sizes in bytes only.")
        if token.kind in ("number", "string", "capture"):
            return False
        if token.text == "(" and token.kind == "mark":
            self._binary(0)
            self._expect(")")
        elif token.text == "[" and token.kind == "mark":
            self._items("]")
        elif token.kind == "name":
            if self._at("("):
                self._call(token)
            elif token.text in _WORDS:
                raise self._unexpected(token)
            elif self._names is not None and token.text not in self._names:
                hint = did_you_mean(token.text, self._names)
                raise ExpressionError(
                    f"unknown variable or constant {token.text!r} at column {token.column}; a text needs quotes. {hint}".rstrip()
                )
        else:
            raise self._unexpected(token)
        return True

    def _call(self, name: Token) -> None:
        if name.text in _WORDS:
            raise self._unexpected(name)
        wanted = self._functions.get(name.text)
        if wanted is None:
            hint = did_you_mean(name.text, self._functions)
            raise ExpressionError(f"unknown function {name.text!r} at column {name.column}. {hint}".rstrip())
        self._expect("(")
        first = self._peek()
        if name.text in OF_TEXT and (first is None or first.kind != "string"):
            raise ExpressionError(
                f"the first argument of {name.text} at column {name.column} must be a text in quotes."
            )
        if name.text == "system" and first is not None and first.text[1:-1] not in SYSTEM:
            raise ExpressionError(f"system at column {name.column} knows {', '.join(SYSTEM)}, not {first.text}.")
        count = self._items(")")
        if count != wanted:
            words = "one argument" if wanted == 1 else f"{wanted} arguments"
            extra = ""
            if name.text in OF_DIRECTORY:
                words = "two arguments, a directory and a name" if self._old else words
                extra = " (0.16 takes one)" if self._old else " (0.15 took two)"
            raise ExpressionError(f"{name.text} takes {words}, not {count}{extra} at column {name.column}.")

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


__all__ = ["CONSTANTS", "FUNCTIONS", "VARIABLES", "ExpressionError", "audit", "syntax", "tokenize"]
