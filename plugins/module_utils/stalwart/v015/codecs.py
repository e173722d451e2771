# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Canonical values ↔ what 0.15 stores: every setting is one or several text keys (contract 3.6). Pure."""

from __future__ import annotations

import math
import re
import typing as t

from ...redact import MASK
from ..problem import host_name

Keys = t.Dict[str, str]

_DURATION = re.compile(r"(\d+)\s*(ms|s|m|h|d)?\Z", re.IGNORECASE)
_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
#: How optional values say "none" (contract 3.6).
_OFF = frozenset(("", "false", "disable", "disabled", "never", "none", "unlimited", "0"))
_INDEX = re.compile(r"\d+\Z")
#: Integers and milliseconds are stored in 64 bits; counts of the smallest kind in 32.
LARGEST, LARGEST_32 = 2**63 - 1, 2**32 - 1
#: A hundred years: the server adds it to its clock.
_LONGEST = 36_500 * _MS["d"]
_LEVEL_2_URL = re.compile(r"https?://[^/\s?#]+[^\s?#]*\Z", re.IGNORECASE)


class Wrong(ValueError):
    """A value that is not accepted; the text says what is."""


class Unsupported(Wrong):
    """A value that 0.16 takes and 0.15 cannot express; the text says why."""


def index(number: int) -> str:
    """A list item's sub-key: four digits, so that the order of texts is the order of items."""
    return f"{number:04d}"


class Codec:
    """One kind of value. Subclasses say how it is checked, written and read.

    :param default: the normal form that the server assumes where nothing is stored.
    """

    #: What is accepted, in words.
    accepted = "a text"
    secret = False
    #: Whether ``state: absent`` may take single members out.
    members = False

    def __init__(self, default: t.Any = None) -> None:
        self.default = default

    def check(self, value: t.Any) -> t.Any:
        """The value in normal form. :raises Wrong: when it is none."""
        if isinstance(value, bool) or not isinstance(value, (str, int, float)) or str(value) == "":
            raise Wrong(f"expected {self.accepted}.")
        return str(value)

    def shown(self, value: t.Any) -> t.Any:
        """What a diff may show of a value that is stored or given."""
        return MASK if self.secret and value is not None else value

    def merge(self, current: t.Any, value: t.Any) -> t.Any:
        """The whole value where one may be given in part."""
        return value

    def encode(self, key: str, value: t.Any) -> Keys:
        """The keys to store; none for a value that is expressed by storing nothing."""
        return {} if value is None else {key: self._text(value)}

    def owned(self, key: str, stored: t.Mapping[str, str]) -> Keys:
        """The stored keys that express this value, in whatever form."""
        return {key: stored[key]} if key in stored else {}

    def decode(self, key: str, owned: t.Mapping[str, str]) -> t.Any:
        """The normal form of what is stored."""
        return self._value(owned[key]) if key in owned else self.default

    def reads(self, key: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Keys and prefixes to ask the server for."""
        return (key,), ()

    def _text(self, value: t.Any) -> str:
        return str(value)

    def _value(self, text: str) -> t.Any:
        return text


class Text(Codec):
    """Any text."""


class Comment(Codec):
    """A text that the server does not read: it is kept for people and for an export."""

    accepted = "a text or null"

    def check(self, value: t.Any) -> t.Any:
        return None if value is None else super().check(value)


class Remark(Comment):
    """A comment that is the value of the object's only key, which stays when the comment goes."""

    def encode(self, key: str, value: t.Any) -> Keys:
        return {key: value or ""}

    def _value(self, text: str) -> t.Any:
        return text or None


class Nullable(Codec):
    """Another codec's value, or null = nothing stored."""

    def __init__(self, inner: Codec) -> None:
        super().__init__(inner.default)
        self.inner = inner
        self.accepted = f"{inner.accepted} or null"

    def check(self, value: t.Any) -> t.Any:
        return None if value is None else self.inner.check(value)

    def merge(self, current: t.Any, value: t.Any) -> t.Any:
        return None if value is None else self.inner.merge(current, value)

    def _text(self, value: t.Any) -> str:
        return self.inner._text(value)

    def _value(self, text: str) -> t.Any:
        return self.inner._value(text)


class Optional(Nullable):
    """Another codec's value, or null = the word ``false``, where storing nothing means the default."""

    def encode(self, key: str, value: t.Any) -> Keys:
        return {key: "false"} if value is None else {key: self._text(value)}

    def _value(self, text: str) -> t.Any:
        return None if text.strip().lower() in _OFF else self.inner._value(text)


class Host(Codec):
    """A host or domain name."""

    accepted = "a host name"

    def check(self, value: t.Any) -> t.Any:
        name = host_name(super().check(value))
        if not re.match(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9])?\Z", name):
            raise Wrong("expected a host name.")
        return name

    def _value(self, text: str) -> t.Any:
        return host_name(text)


class Url(Codec):
    """A URL."""

    accepted = "a URL"

    def check(self, value: t.Any) -> t.Any:
        if not isinstance(value, str) or not _LEVEL_2_URL.match(value):
            raise Wrong("expected a URL.")
        return value


class Boolean(Codec):
    """``true`` or ``false``."""

    accepted = "true or false"

    def check(self, value: t.Any) -> t.Any:
        if not isinstance(value, bool):
            raise Wrong("expected true or false.")
        return value

    def _text(self, value: t.Any) -> str:
        return "true" if value else "false"

    def _value(self, text: str) -> t.Any:
        return {"true": True, "false": False}.get(text.strip().lower(), text)


class Number(Codec):
    """An integer, or with ``fraction`` any number, within limits."""

    def __init__(
        self,
        default: t.Any = None,
        low: t.Optional[float] = None,
        high: t.Optional[float] = None,
        *,
        fraction: bool = False,
    ) -> None:
        super().__init__(default)
        self.low, self.high, self.fraction = low, high, fraction
        limits = [f"from {low}"] if low is not None else []
        limits += [f"to {high}"] if high is not None else []
        self.accepted = " ".join(["a number" if fraction else "an integer", *limits])

    def check(self, value: t.Any) -> t.Any:
        number = self._value(value) if isinstance(value, str) else value
        kinds = (int, float) if self.fraction else (int,)
        if isinstance(number, bool) or not isinstance(number, kinds):
            raise Wrong(f"expected {self.accepted}.")
        if isinstance(number, float) and not math.isfinite(number):
            raise Wrong(f"expected {self.accepted}.")
        if number > LARGEST:
            raise Wrong(f"expected {self.accepted}; {LARGEST} is the largest.")
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            raise Wrong(f"expected {self.accepted}.")
        return number

    def _text(self, value: t.Any) -> str:
        return str(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)

    def _value(self, text: str) -> t.Any:
        try:
            return float(text) if self.fraction else int(text)
        except ValueError:
            return text


class Duration(Codec):
    """Milliseconds, or a text such as ``5s``; normal form is milliseconds."""

    accepted = "a duration in milliseconds or as 5s, 10m, 1h, 30d"

    def check(self, value: t.Any) -> t.Any:
        number = self._value(value) if isinstance(value, str) else value
        if isinstance(number, bool) or not isinstance(number, int) or number <= 0:
            raise Wrong(f"expected {self.accepted}.")
        if number > _LONGEST:
            raise Wrong("expected a duration of 36500d (a hundred years) at most.")
        return number

    def _text(self, value: t.Any) -> str:
        unit = next(name for name in ("d", "h", "m", "s", "ms") if value % _MS[name] == 0)
        return f"{value // _MS[unit]}{unit}"

    def _value(self, text: str) -> t.Any:
        match = _DURATION.match(text.strip())
        return int(match.group(1)) * _MS[(match.group(2) or "ms").lower()] if match else text


class Rate(Codec):
    """``{count, period}``, stored as ``100/1m``."""

    accepted = "a mapping with count and period"
    _parts: t.Mapping[str, Codec] = {"count": Number(low=1, high=1_000_000), "period": Duration()}

    def check(self, value: t.Any) -> t.Any:
        if not isinstance(value, t.Mapping) or not value or not set(value) <= set(self._parts):
            raise Wrong(f"expected {self.accepted}.")
        return {name: codec.check(value[name]) for name, codec in self._parts.items() if name in value}

    def merge(self, current: t.Any, value: t.Any) -> t.Any:
        """What is left out stays as it is."""
        whole = {**(current if isinstance(current, dict) else {}), **value}
        missing = [name for name in self._parts if name not in whole]
        if missing:
            raise Wrong(f"{missing[0]} is missing, and the server has none; expected {self.accepted}.")
        return whole

    def _text(self, value: t.Any) -> str:
        return f"{value['count']}/{self._parts['period']._text(value['period'])}"

    def _value(self, text: str) -> t.Any:
        count, slash, period = text.partition("/")
        if not slash or not count.strip().isdigit():
            return text
        return {"count": int(count), "period": self._parts["period"]._value(period)}


class Enum(Codec):
    """One of a few words; each generation spells them its own way.

    :param words: canonical word to what 0.15 stores; its first spelling is written.
    :param others: words that 0.16 knows, with why 0.15 cannot express them.
    """

    def __init__(
        self,
        words: t.Mapping[str, t.Union[str, t.Sequence[str]]],
        default: t.Any = None,
        others: t.Optional[t.Mapping[str, str]] = None,
    ) -> None:
        super().__init__(default)
        self.others = others or {}
        self.words = {name: [text] if isinstance(text, str) else list(text) for name, text in words.items()}
        self.accepted = "one of " + ", ".join(self.words)

    def check(self, value: t.Any) -> t.Any:
        if isinstance(value, str) and value in self.others:
            raise Unsupported(f"0.15 cannot express {value}: {self.others[value]}")
        if not isinstance(value, str) or value not in self.words:
            raise Wrong(f"expected {self.accepted}.")
        return value

    def _text(self, value: t.Any) -> str:
        return self.words[value][0]

    def _value(self, text: str) -> t.Any:
        lowered = text.strip().lower()
        return next((name for name, texts in self.words.items() if lowered in texts), text)


class Items(Codec):
    """A list, stored under ``.0000``, ``.0001``…; a single value may stand at the key itself.

    :param ordered: whether the order means something; else the normal form is sorted.
    """

    accepted = "a list"

    def __init__(self, item: t.Optional[Codec] = None, default: t.Any = None, *, ordered: bool = False) -> None:
        super().__init__([] if default is None else default)
        self._item = item or Text()
        self._ordered = ordered
        self.members = not ordered
        self.accepted = f"a list, each item {self._item.accepted}"

    def check(self, value: t.Any) -> t.Any:
        if isinstance(value, (str, t.Mapping)) or not isinstance(value, (list, tuple, set, frozenset)):
            raise Wrong(f"expected {self.accepted}.")
        if not value and self.default:
            raise Wrong("0.15 takes an empty list for its own one, which has items; expected at least one.")
        items = [self._item.check(entry) for entry in value]
        return items if self._ordered else sorted(dict.fromkeys(items))

    def named(self, value: t.Any) -> list[t.Any]:
        """Members that ``state: absent`` takes out. :raises Wrong:"""
        if not isinstance(value, (list, tuple)):
            raise Wrong("give null to put a property back to its default, or a list of a set's members.")
        return [self._item.check(entry) for entry in value]

    def without(self, current: t.Any, gone: t.Sequence[t.Any]) -> t.Any:
        """What is left of a value."""
        return [member for member in current if member not in gone]

    def encode(self, key: str, value: t.Any) -> Keys:
        return {f"{key}.{index(i)}": self._item._text(entry) for i, entry in enumerate(value)}

    def owned(self, key: str, stored: t.Mapping[str, str]) -> Keys:
        return {name: text for name, text in stored.items() if name == key or name.startswith(f"{key}.")}

    def decode(self, key: str, owned: t.Mapping[str, str]) -> t.Any:
        if not owned:
            return self.default
        items = [self._item._value(owned[name]) for name in sorted(owned)]
        return items if self._ordered else sorted(dict.fromkeys(items))

    def reads(self, key: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return (key,), (key,)


def list_keys(key: str, stored: t.Mapping[str, str]) -> Keys:
    """A key and its list items (``key.0``, ``key.0000.if``), and nothing else below it."""
    prefix = f"{key}."
    return {
        name: text
        for name, text in stored.items()
        if name == key or (name.startswith(prefix) and _INDEX.match(name[len(prefix) :].split(".", 1)[0]))
    }
