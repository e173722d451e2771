"""The value of an expression (contract 4.13, 0.15 section 8): what `expressions.py` accepts, computed as the servers do.

Values are texts, numbers, lists and constants (`relaxed`, `plain`); true is 1, false is 0, a duration is milliseconds.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .functions import FUNCTIONS, Constant, Value, text_of, truth

__all__ = ["Constant", "EvaluationError", "Rule", "Value", "evaluate", "truth"]

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<word>[A-Za-z0-9_$.]+)
    |(?P<operator>==|=>|=<|=.?|!=|>=|<=|&&?|\|\|?|[\^+*/<>!,()\[\]-])
    )""",
    re.VERBOSE | re.DOTALL,
)
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)", re.IGNORECASE)
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PRECEDENCE = {"||": 1, "&&": 2, "^": 3, "==": 4, "!=": 4, "<": 5, "<=": 5, ">": 5, ">=": 5, "+": 6, "-": 6, "*": 7}
_PRECEDENCE["/"] = 7
_NORMAL = {"|": "||", "&": "&&", "=>": ">=", "=<": "<="}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class EvaluationError(Exception):
    """What the simulator cannot compute; the servers then take the default of whoever asks."""


@dataclass(frozen=True)
class Rule:
    """Conditions in order, then what holds otherwise. Without the latter the rule is empty."""

    otherwise: str = ""
    conditions: tuple[tuple[str, str], ...] = ()

    def value(self, variables: Mapping[str, Value], functions: Mapping[str, Callable[..., Value]]) -> Value | None:
        """None for an empty rule. Raises EvaluationError."""
        captures: list[str] = []
        for condition, result in self.conditions:
            if truth(_Parser(condition, variables, functions, captures).run()):
                return _Parser(result, variables, functions, captures).run()
        return _Parser(self.otherwise, variables, functions, captures).run() if self.otherwise else None


def evaluate(text: str, variables: Mapping[str, Value], functions: Mapping[str, Callable[..., Value]]) -> Value:
    """Raises EvaluationError."""
    return _Parser(text, variables, functions, []).run()


@dataclass
class _Parser:
    text: str
    variables: Mapping[str, Value]
    functions: Mapping[str, Callable[..., Value]]
    captures: list[str]
    tokens: list[tuple[str, str]] = field(default_factory=list)
    position: int = 0

    def run(self) -> Value:
        start, text = 0, self.text.rstrip()
        while start < len(text):
            found = _TOKEN.match(text, start)
            if found is None:
                raise EvaluationError(f"cannot read {text[start:]!r}")
            start = found.end()
            self.tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
        value = self._binary(0)
        if self.position < len(self.tokens):
            raise EvaluationError(f"unexpected {self.tokens[self.position][1]!r}")
        return value

    def _peek(self) -> str:
        """The next operator, empty for anything else."""
        kind, text = self.tokens[self.position] if self.position < len(self.tokens) else ("", "")
        if kind != "operator":
            return ""
        return _NORMAL.get(text, "==" if text.startswith("=") else text)

    def _next(self) -> tuple[str, str]:
        if self.position == len(self.tokens):
            raise EvaluationError("unexpected end of expression")
        self.position += 1
        return self.tokens[self.position - 1]

    def _binary(self, minimum: int) -> Value:
        left = self._unary()
        while self._peek() in _PRECEDENCE and _PRECEDENCE[self._peek()] > minimum:
            sign = self._peek()
            self.position += 1
            left = _apply(sign, left, self._binary(_PRECEDENCE[sign]))
        return left

    def _unary(self) -> Value:
        """Binds closer than every operator between two values."""
        if self._peek() == "!":
            self.position += 1
            return int(not truth(self._unary()))
        if self._peek() == "-":
            self.position += 1
            return -_number(self._unary())
        return self._operand()

    def _operand(self) -> Value:
        kind, text = self._next()
        if kind == "string":
            value: Value = re.sub(r"\\(.)", r"\1", text[1:-1])
        elif kind == "word":
            value = self._call(text) if self._peek() == "(" else self._word(text)
        elif text == "(":
            value = self._binary(0)
            self._expect(")")
        elif text == "[":
            value = self._list("]")
        else:
            raise EvaluationError(f"unexpected {text!r}")
        while self._peek() == "[":
            self.position += 1
            index = int(_number(self._binary(0)))
            self._expect("]")
            items = value if isinstance(value, list) else [value]
            value = items[index] if 0 <= index < len(items) else ""
        return value

    def _list(self, stop: str) -> list[Value]:
        items: list[Value] = []
        while self._peek() != stop:
            items.append(self._binary(0))
            if self._peek() == ",":
                self.position += 1
        self.position += 1
        return items

    def _expect(self, text: str) -> None:
        if self._next()[1] != text:
            raise EvaluationError(f"missing {text!r}")

    def _word(self, word: str) -> Value:
        duration = _DURATION.fullmatch(word)
        if duration:
            return int(duration[1]) * _MILLISECONDS[duration[2].lower()]
        if re.fullmatch(r"\d+", word):
            return int(word)
        if re.fullmatch(r"[\d.]+", word):
            return float(word)
        if word in ("true", "false"):
            return int(word == "true")
        if word.startswith("$"):
            index = int(word[1:]) if word[1:].isdecimal() else len(self.captures)
            return self.captures[index] if index < len(self.captures) else ""
        return self.variables[word] if word in self.variables else Constant(word)

    def _call(self, name: str) -> Value:
        self.position += 1
        arguments = self._list(")")
        if name == "matches":
            found = re.search(text_of(arguments[0]), text_of(arguments[1]))
            self.captures[:] = [found[0], *(part or "" for part in found.groups())] if found else []
            return int(found is not None)
        function = self.functions.get(name) or FUNCTIONS.get(name)
        if function is None:
            raise EvaluationError(f"the simulator has no function {name}")
        return function(*arguments)


def _number(value: Value) -> int | float:
    if isinstance(value, int | float):
        return value
    text = text_of(value)
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return 0


def _apply(sign: str, left: Value, right: Value) -> Value:
    if sign in ("&&", "||", "^"):
        is_left, is_right = truth(left), truth(right)
        return int({"&&": is_left and is_right, "||": is_left or is_right, "^": is_left != is_right}[sign])
    if sign in _COMPARE:
        if isinstance(left, int | float) != isinstance(right, int | float):
            left, right = _number(left), _number(right)
        return int(_COMPARE[sign](left, right))
    if sign == "+" and not (isinstance(left, int | float) and isinstance(right, int | float)):
        if isinstance(left, list) or isinstance(right, list):
            return [*(left if isinstance(left, list) else [left]), *(right if isinstance(right, list) else [right])]
        return text_of(left) + text_of(right)
    one, other = _number(left), _number(right)
    if sign == "/":
        return one / other if other else 0.0
    return {"+": one + other, "-": one - other, "*": one * other}[sign]
