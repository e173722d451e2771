"""Acceptance of expressions (contract 4.13, 0.15 section 8): the server's own tokens and checks, without evaluation.

The real parser is lenient and so is this one: it accepts a single `=` (11.8), operands without an operator between them
and a dangling operator. What it refuses is unknown names, names of another context, wrong numbers of arguments and
unbalanced brackets or quotes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from .tables import Tables

_WORD = re.compile(r"[A-Za-z0-9_$.]+")
_DURATION = re.compile(r"\d+(ms|s|m|h|d)", re.IGNORECASE)
_OPERATOR = re.compile(r"==|=>|=<|=.?|!=|>=|<=|&&?|\|\|?|[\^+*/<>-]", re.DOTALL)
_SYSTEM = frozenset({"domain", "hostname", "node_id", "node_hostname", "node_role"})
_LITERALS = frozenset({"matches", "metric", "system"})
_BLANKS = " \r\n"


class ExpressionError(Exception):
    """The server's complaint."""


@cache
def _rules() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("data", "expressions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def check(tables: Tables, struct: str, values: dict[str, Any]) -> tuple[str, str] | None:
    """(property, complaint) of the first wrong expression of an object, None when all are accepted."""
    for name, allowed in _rules()["properties"].get(struct, {}).items():
        try:
            _check(Context.of(tables, allowed), values[name])
        except ExpressionError as error:
            return name, str(error)
    return None


def _check(context: Context, expression: dict[str, Any]) -> None:
    conditions = list(expression["match"].values())
    if not expression["else"]:
        if conditions:
            raise ExpressionError("Missing 'else' block in 'if' expression")
        return
    if any(not entry["if"] or not entry["then"] for entry in conditions):
        raise ExpressionError("All 'if' and 'then' blocks must be non-empty")
    _part(context, expression["else"], "'else' expression")
    for number, entry in enumerate(conditions, start=1):
        for name in ("if", "then"):
            _part(context, entry[name], f"'{name}' expression in condition #{number}")


def parse(context: Context, text: str) -> None:
    """Raises ExpressionError."""
    _Parser(context, text).run()


def _part(context: Context, text: str, label: str) -> None:
    try:
        parse(context, text)
    except ExpressionError as error:
        raise ExpressionError(f"Error parsing {label}: {error}") from None


@dataclass(frozen=True)
class Context:
    known_variables: frozenset[str]
    known_constants: frozenset[str]
    variables: frozenset[str]  # empty: all
    constants: frozenset[str]  # empty: all
    metrics: frozenset[str]
    functions: Mapping[str, int]  # number of arguments by name
    literals: frozenset[str]  # functions whose first argument is a literal

    @classmethod
    def of(cls, tables: Tables, allowed: str) -> Context:
        variables, _, constants = allowed.partition(" ")
        rules = _rules()
        return cls(
            frozenset(tables.enums["ExpressionVariable"]),
            frozenset(tables.enums["ExpressionConstant"]),
            frozenset(rules["variables"][variables].split()),
            frozenset(rules["constants"][constants].split() if constants else ()),
            frozenset(tables.enums["MetricType"]),
            rules["functions"],
            _LITERALS,
        )


@dataclass
class _Call:
    """An open function call or array."""

    name: str
    expected: int | None  # None: an array, which counts its own
    arguments: int = 0
    items: int = 0  # of an array; the server does not count what follows an operator
    operator: bool = False


@dataclass
class _Parser:
    context: Context
    text: str
    position: int = 0
    open: list[str | _Call] = field(default_factory=list)  # brackets, each behind the call it belongs to
    after_value: bool = False  # the last token was a variable or a closed call: `[` then is an index

    def run(self) -> None:
        while self.position < len(self.text) and self.text[self.position] != "}":
            char = self.text[self.position]
            word = _WORD.match(self.text, self.position)
            operator = _OPERATOR.match(self.text, self.position)
            if char in _BLANKS:
                self.position += 1
            elif word:
                self._word(word[0])
            elif char in "'\"":
                self._string()
                self._operand(variable=False)
            elif char in "([":
                self._open(char)
            elif char in ")]":
                self._close(char)
            elif char == "," or (char == "!" and not operator):
                self.position += 1
                self._separator(char)
            elif operator:
                self.position = operator.end()
                self._separator(operator[0])
            else:
                raise ExpressionError(f"Invalid character {char!r}")
        if self.open:
            closed = all(isinstance(entry, _Call) for entry in self.open)
            raise ExpressionError("Invalid token on the operator stack" if closed else "Unmatched open parenthesis")

    def _separator(self, text: str) -> None:
        self.after_value = False
        call = self._call()
        if call is None:
            return
        call.operator = text != ","
        if text not in (",", "!"):
            call.arguments = max(0, call.arguments - 1)

    # -- tokens --------------------------------------------------------------------------------------------------

    def _word(self, word: str) -> None:
        self.position += len(word)
        called = self.text[self.position : self.position + 1] == "("
        if called and word in self.context.literals:
            self.position += 1
            self._expect("\"'")
            literal = self._string()
            if word == "system" and literal not in _SYSTEM:
                raise ExpressionError(f'Invalid system variable name "{literal}"')
            if word == "metric" and literal not in self.context.metrics:
                raise ExpressionError(f'Invalid metric name "{literal}"')
            if word == "matches":
                self._regular(literal)
                self._expect(",")
                self.position += 1
            self._operand(variable=False)
            self.open += [_Call(word, 1 if word == "matches" else 0), "("]
            return
        if word in self.context.functions:
            self._operand(variable=False)
            self.open.append(_Call(word, self.context.functions[word]))
        elif re.fullmatch(r"[\d.]+", word):
            self._number(word)
            self._operand(variable=False)
        elif word in ("true", "false") or (word.startswith("$") and len(word) > 1):
            self._operand(variable=False)
        else:
            self._operand(variable=self._name(word))

    def _name(self, word: str) -> bool:
        """Whether the name is a variable. Raises ExpressionError for one that is unknown here."""
        context = self.context
        if word in context.known_variables:
            if context.variables and word not in context.variables:
                raise ExpressionError(f'Variable "{word}" not allowed in this context')
            return True
        if word in context.known_constants:
            if context.constants and word not in context.constants:
                raise ExpressionError(f'Constant "{word}" not allowed in this context')
            return False
        if _DURATION.fullmatch(word):
            return False
        raise ExpressionError(f'Invalid variable or constant "{word}"')

    def _number(self, word: str) -> None:
        try:
            float(word)
        except ValueError:
            raise ExpressionError(f"Invalid float value {word}") from None

    def _string(self) -> str:
        stop, start = self.text[self.position], self.position + 1
        index = start
        while index < len(self.text) and self.text[index] != stop:
            index += 2 if self.text[index] == "\\" else 1
        if index >= len(self.text):
            raise ExpressionError("Unterminated string")
        self.position = index + 1
        return self.text[start:index]

    def _expect(self, chars: str) -> None:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1
        if self.position == len(self.text):
            raise ExpressionError("Unexpected end of expression")
        found = self.text[self.position]
        if found not in chars:
            raise ExpressionError(f"Expected {chars[0]!r}, found invalid character {found!r}")

    def _regular(self, text: str) -> None:
        try:
            re.compile(text)
        except re.error as error:
            raise ExpressionError(f'Invalid regular expression "{text}": {error}') from None

    # -- brackets ------------------------------------------------------------------------------------------------

    def _call(self) -> _Call | None:
        """The innermost call that is open."""
        return next((entry for entry in reversed(self.open) if isinstance(entry, _Call)), None)

    def _operand(self, variable: bool) -> None:
        call = self._call()
        if call:
            call.arguments += 1
            call.items += 0 if call.operator else 1
        self.after_value = variable

    def _open(self, char: str) -> None:
        self.position += 1
        if char == "[" and self.after_value:
            self.open.append(_Call("array", 2, arguments=1))
        elif char == "[":
            self._operand(variable=False)
            self.open.append(_Call("array", None))
        self.open.append(char)
        self.after_value = False

    def _close(self, char: str) -> None:
        self.position += 1
        if not self.open or self.open.pop() != {")": "(", "]": "["}[char]:
            raise ExpressionError("Unmatched close parenthesis" if char == ")" else "Mismatched parentheses")
        call = self.open[-1] if self.open else None
        if isinstance(call, _Call):
            self.open.pop()
            expected = call.items if call.expected is None else call.expected
            if call.arguments != expected:
                reason = f"expected {expected} arguments, got {call.arguments}"
                raise ExpressionError(f'Expression function "{call.name}" {reason}')
        self.after_value = True
