"""The server's own TOML dialect (contract 0.15 section 1.2): flat string keys to string values.

Arrays become `key.0000`, `[[tables]]` `table.0000.key`, inline tables flatten with dots; unquoted scalars stay text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_SCALAR = re.compile(r"[^\W_][\w.+-]*|[.+-][\w.+-]*")
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity|nan)", re.IGNORECASE)
MAX_NESTING = 10


class TomlError(ValueError):
    """A syntax error: the server does not start with such a file."""


def parse(text: str) -> dict[str, str]:
    """Raises TomlError."""
    parser = _Parser(text.replace("\r", ""))
    parser.run()
    return parser.keys


def write(keys: dict[str, str]) -> str:
    """What is left of config.toml when the API writes a local key: a sorted list, without tables and comments."""
    return "".join(f"{key} = {_written(value)}\n" for key, value in sorted(keys.items()))


def _written(value: str) -> str:
    if value in ("true", "false") or _NUMBER.fullmatch(value):
        return value
    special = '"' in value or "\\" in value
    if "\n" in value or (len(value.encode()) > 50 and special):
        return f"'''{value}'''"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.position, self.keys = text, 0, dict[str, str]()
        self._table, self._array, self._index = "", "", 0

    def run(self) -> None:
        while self._seek():
            if self._peek() == "[":
                self._header()
            elif self._peek().isalnum() or self._peek() == '"':
                key, _ = self._key(f"{self._table}." if self._table else "", "=")
                self._value(key, "\n", 0)
            else:
                raise self._error(f"Unexpected character {self._peek()!r}")

    # -- characters ----------------------------------------------------------------------------------------------

    def _error(self, reason: str) -> TomlError:
        line = self.text.count("\n", 0, self.position) + 1
        return TomlError(f"{reason} at line {line}.")

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _next(self) -> str:
        if self.position >= len(self.text):
            raise self._error("Unexpected EOF")
        self.position += 1
        return self.text[self.position - 1]

    def _skip(self, blanks: str) -> None:
        while self._peek() and self._peek() in blanks:
            self.position += 1

    def _seek(self) -> bool:
        """To the next character that is neither blank nor comment; False at the end."""
        self._skip(" \t\n")
        while self._peek() == "#":
            self._skip_line()
            self._skip(" \t\n")
        return bool(self._peek())

    def _skip_line(self) -> None:
        end = self.text.find("\n", self.position)
        self.position = len(self.text) if end < 0 else end + 1

    def _take_while(self, accepted: Callable[[str], bool]) -> str:
        start = self.position
        while self._peek() and accepted(self._peek()):
            self.position += 1
        return self.text[start : self.position]

    # -- structure -----------------------------------------------------------------------------------------------

    def _header(self) -> None:
        self._next()
        is_array = self._peek() == "["
        self.position += is_array
        name = ""
        while (char := self._next()) != "]":
            if char == '"':
                name += self._quoted_name()
            elif char.isalnum() or char in ".-_":
                name += char.lower()
            elif char not in " \t":
                raise self._error(f"Unexpected character {char!r}")
        if not name:
            raise self._error("Empty table name")
        if is_array:
            if self._next() != "]":
                raise self._error("Unexpected character in table name")
            self._index = self._index + 1 if name == self._array else 0
            self._array = name
            name = f"{name}.{self._index:04}"
        self._table = name
        self._skip_line()

    def _quoted_name(self) -> str:
        out = ""
        while (char := self._next()) != '"':
            out += self._next() if char == "\\" else char
        return out

    def _key(self, prefix: str, stops: str) -> tuple[str, str]:
        """The key with its prefix, and the character that ended it."""
        key = prefix
        while (char := self._next()) not in stops:
            if char == '"':
                key += self._quoted_name()
            elif char == "\n" and key != prefix:
                raise self._error(f"Unexpected end of line while parsing key {key!r}")
            elif char not in " \t\n":
                key += char
        if key == prefix and not (char == "}" and "}" in stops):
            raise self._error("Empty key")
        return key, char

    def _value(self, key: str, stops: str, depth: int) -> str:
        if depth == MAX_NESTING:
            raise self._error("Too many nested structures")
        self._skip(" \t")
        char = self._next()
        if char == "[":
            self._items(key, depth)
        elif char == "{":
            self._members(key, depth)
        elif char in "'\"":
            self._insert(key, self._string(char))
        elif char.isalnum() or char in ".+-":
            self._insert(key, char + self._take_while(lambda c: c.isalnum() or c in ".+-"))
        elif char in stops:
            return char
        else:
            raise self._error(f"Unexpected character {char!r} in value")
        return self._end(stops)

    def _end(self, stops: str) -> str:
        """What follows a value: the end of the line, or a separator inside of an array or inline table.

        The last line needs its end as well.
        """
        while True:
            self._skip(" \t")
            char = self._next()
            if char == "#":
                self._skip_line()
                char = "\n"
            if char in stops:
                return char
            if char != "\n":
                raise self._error(f"Unexpected character {char!r} after a value")

    def _items(self, key: str, depth: int) -> None:
        index = 0
        self._seek()
        while self._value(f"{key}.{index:04}", ",]", depth + 1) == ",":
            self._seek()
            index += 1

    def _members(self, key: str, depth: int) -> None:
        """An inline table; a name without a value is a member of a set."""
        while True:
            name, stop = self._key(f"{key}.", "=,}")
            if stop == "=":
                self._seek()
                stop = self._value(name, ",}", depth + 1)
                self._seek() if stop == "," else None
            elif name != f"{key}.":
                self._insert(name, "")
            if stop == "}":
                return

    def _string(self, quote: str) -> str:
        if self.text.startswith(quote * 2, self.position):
            self.position += 2
            start = self.position + self.text.startswith("\n", self.position)
            end = self.text.find(quote * 3, start)
            if end < 0:
                raise self._error("Unexpected EOF")
            self.position = end + 3
            return self.text[start:end]
        if self._peek() == quote:
            self.position += 1
            return ""
        # A backslash still counts after it has been taken: `\\\\t` becomes a backslash and a tab, and a value that ends
        # in one never ends. So does the real parser, which is why local keys should not hold backslashes.
        out, last = "", ""
        while True:
            char = self._next()
            if last == "\\" and char in _ESCAPES:
                out += _ESCAPES[char]
            elif char == quote and last != "\\":
                return out
            elif char != "\\" or last == "\\":
                out += char
            last = char

    def _insert(self, key: str, value: str) -> None:
        if key in self.keys:
            raise self._error(f"Duplicate key {key!r}")
        self.keys[key] = value
