# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``vocabulary: native``: 0.15's own keys, nested or dotted, as items. Pure."""

from __future__ import annotations

import re
import typing as t

from ...redact import MASK, Redactor
from ..problem import Problem
from .codecs import Codec, Items, Keys, Wrong, list_keys
from .expression import Expression
from .grammar import Cell, Item, Parsed
from .store import DEFAULT_DIRECTORY, PENDING
from .table import SINGLETONS

_SECRET = re.compile(r"(?:^|[.-])(?:secret|secrets|password|private-key|token|key|license-key)\Z")
#: What follows the name of a list's item.
_INDEXES = re.compile(r"(?:\.\d+)+\Z")
#: Headers of requests that the server makes, such as Authorization; those of its own answers are no secrets.
_HEADERS = re.compile(r"(?<!^http)\.headers\Z")
#: Expression-valued keys that no canonical property stands for (contract 8).
_MORE_EXPRESSIONS = re.compile(
    r"(?:http\.url|session\.auth\.directory|session\.rcpt\.(?:directory|catch-all|sub-addressing)"
    r"|session\.(?:milter|hook)\.[^.]+\.enable|auth\.dkim\.sign|auth\.arc\.seal|queue\.(?:limiter|quota)\.(?:[^.]+\.)+match"
    r"|report\.submitter|report\.dsn\.sign|report\.(?:dkim|spf|dmarc)\.(?:from-name|from-address|subject|sign|send)"
    r"|report\.(?:dmarc|tls)\.aggregate\.(?:from-name|from-address|org-name|contact-info|send|sign|max-size|submitter)"
    r"|sieve\.trusted\.(?:from-addr|from-name|return-path|sign)|spam-filter\.rule\.[^.]+\.condition"
    r"|spam-filter\.dnsbl\.server\.[^.]+\.(?:zone|tag))\Z"
)
_SCOPES: dict[str, str] = {
    row.key: row.codec.scope for kind in SINGLETONS for row in kind.rows if isinstance(row.codec, Expression)
}


class NativeText(Codec):
    """One text, whatever the server makes of it; null = nothing stored."""

    accepted = "a text, a number, true, false, a list, or null"

    def __init__(self, key: str = "") -> None:
        super().__init__()
        self._key = key
        self.secret = is_secret(key)

    def shown(self, value: t.Any) -> t.Any:
        return native_shown(self._key, value)

    def check(self, value: t.Any) -> t.Any:
        if value is None:
            return None
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, (str, int, float)):
            raise Wrong(f"expected {self.accepted}.")
        return str(value)

    def owned(self, key: str, stored: t.Mapping[str, str]) -> Keys:
        return list_keys(key, stored)

    def decode(self, key: str, owned: t.Mapping[str, str]) -> t.Any:
        # Items beside a text count as part of it (contract 3.6), so the text alone is another value.
        return owned.get(key) if set(owned) <= {key} else [owned[name] for name in sorted(owned)]

    def reads(self, key: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return (key,), (key,)


class NativeItems(Items):
    """A list in its order; an empty one is nothing stored."""

    def __init__(self, key: str) -> None:
        super().__init__(NativeText(), ordered=True)
        self._key = key
        self.members = False
        self.secret = is_secret(key)

    def shown(self, value: t.Any) -> t.Any:
        return native_shown(self._key, value)

    def check(self, value: t.Any) -> t.Any:
        items = super().check(value)
        if any(item is None for item in items):
            raise Wrong("expected a list of texts.")
        return items

    def owned(self, key: str, stored: t.Mapping[str, str]) -> Keys:
        return list_keys(key, stored)


def is_secret(key: str) -> bool:
    """Whether a key's last part says that its value is a secret."""
    return bool(_SECRET.search(_INDEXES.sub("", key)))


def native_shown(key: str, value: t.Any) -> t.Any:
    """What a diff may show of a value, or of a list of them."""
    if isinstance(value, list):
        return [native_shown(key, item) for item in value]
    if not isinstance(value, str):
        return value
    if is_secret(key):
        return MASK
    name, colon, _rest = value.partition(":")
    if colon and _HEADERS.search(_INDEXES.sub("", key)):
        return f"{name}: {MASK}"
    return Redactor().text(value)


def native_secrets(value: t.Any, key: str = "") -> list[str]:
    """Every text of native settings whose key says that it is a secret."""
    if isinstance(value, t.Mapping):
        return [found for name, item in value.items() for found in native_secrets(item, str(name))]
    if isinstance(value, (list, tuple)):
        return [found for item in value for found in native_secrets(item, key)]
    return [value] if isinstance(value, str) and value and is_secret(key) else []


def scope_of(key: str) -> t.Optional[str]:
    """Which variables the expression at a key may use; none for a key that is no expression."""
    return _SCOPES.get(key) or ("any" if _MORE_EXPRESSIONS.match(key) else None)


def area_of(key: str) -> str:
    """Which reload makes a key take effect (contract 3.8)."""
    if key.startswith("lookup."):
        return "lookup"
    return "blocked" if key.startswith("server.blocked-ip.") else "settings"


def parse_native(settings: t.Mapping[str, t.Any], *, absent: bool = False) -> Parsed:
    """Native settings, one item per key; problems are collected, not raised."""
    parsed = Parsed()
    found: dict[str, t.Any] = {}
    for raw, value in settings.items():
        _flatten(str(raw), value, found, parsed)
    for key, value in found.items():
        problem = _bad_key(key)
        if key == DEFAULT_DIRECTORY and value is None:
            problem = "without a default directory no reload works; give a directory's id."
        if problem:
            parsed.problems.append(Problem(key, "", problem))
            continue
        codec = _codec(key, value)
        if absent:
            if value not in (None, {}):
                parsed.fail(key, ..., "give null: with state absent, keys are removed whole.")
            parsed.items.append(Item(None, key, key, reset=(Cell(key, key, NativeText(key), None),)))
            continue
        try:
            cell = Cell(key, key, codec, codec.check(_expression(value) if isinstance(codec, Expression) else value))
        except Wrong as exc:
            parsed.fail(key, ... if codec.secret else value, str(exc))
            continue
        parsed.items.append(Item(None, key, key, (cell,)))
    return parsed


def _flatten(key: str, value: t.Any, found: dict[str, t.Any], parsed: Parsed) -> None:
    if isinstance(value, t.Mapping) and value and not ("else" in value and set(map(str, value)) <= {"match", "else"}):
        for name, inner in value.items():
            _flatten(f"{key}.{name}", inner, found, parsed)
    elif key in found:
        parsed.fail(key, ..., "is given twice.")
    else:
        found[key] = value


def bad_name(key: str) -> str:
    """Why a key or a prefix is none; empty when it is one."""
    if not all(key.split(".")) or key != key.strip() or not key.isprintable():
        return "has an empty part, white space at an end, or a character that cannot be printed."
    if f"{key}.".startswith(f"{PENDING}."):
        return "is the collection's own."
    return "0.15 cannot be asked for a key with a comma." if "," in key else ""


def _bad_key(key: str) -> str:
    if bad_name(key):
        return bad_name(key)
    if "@type" in key.split("."):
        return "is a name of 0.16: 0.15 stores it without a word and ignores it; leave out vocabulary: native."
    if key.startswith("lookup.") and key.count(".") < 2:
        return "a lookup table's key needs an entry (lookup.<table>.<entry>); without one no reload works."
    return ""


def _codec(key: str, value: t.Any) -> Codec:
    scope = scope_of(key)
    listed = isinstance(value, (list, tuple))
    branches = listed and any(isinstance(entry, t.Mapping) for entry in value)
    if value is not None and (isinstance(value, t.Mapping) or branches or (scope and not listed)):
        return Expression(scope=scope or "any", native=True)
    if listed:
        return NativeItems(key)
    return NativeText(key)


def _expression(value: t.Any) -> t.Any:
    """The list form of an expression (``[{if, then}, {else}]``) as a mapping."""
    if not isinstance(value, (list, tuple)):
        return value
    entries = list(value)
    if not entries or not isinstance(entries[-1], t.Mapping) or set(entries[-1]) != {"else"}:
        raise Wrong("expected a list of mappings with if and then, and a last one with else.")
    return {"match": entries[:-1], "else": entries[-1]["else"]}
