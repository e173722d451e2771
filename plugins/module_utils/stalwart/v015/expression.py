# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Expressions: canonical texts ↔ 0.15's functions, and one value or a list of keys (contract 3.6, 8). Pure."""

from __future__ import annotations

import re
import typing as t

from ..expressions import CONSTANTS, VARIABLES, ExpressionError, audit, tokenize
from .codecs import Codec, Keys, Wrong, index, list_keys

_CONNECTION = "listener remote_ip remote_port local_ip local_port protocol is_tls asn country"
_QUEUE = (
    "sender sender_domain rcpt rcpt_domain recipients priority retry_num notify_num expires_in last_status last_error"
    " queue_name queue_age received_from_ip received_via_port source size"
)
#: Which variables an expression may use depends on where it stands; another one blocks every reload (contract 7, 8).
VARIABLES_OF: dict[str, frozenset[str]] = {
    "connection": frozenset(_CONNECTION.split()),
    "ehlo": frozenset((*_CONNECTION.split(), "helo_domain")),
    "sender": frozenset((*_CONNECTION.split(), "sender", "sender_domain", "authenticated_as")),
    "recipient": frozenset(
        (
            *_CONNECTION.split(),
            "helo_domain",
            "sender",
            "sender_domain",
            "authenticated_as",
            "recipients",
            "rcpt",
            "rcpt_domain",
            "priority",
        )
    ),
    "http": frozenset((*_CONNECTION.split(), "url", "url_path", "headers", "method")) - {"asn", "country"},
    "queueRecipient": frozenset(_QUEUE.split()),
    "queueHost": frozenset((*_QUEUE.split(), "mx", "remote_ip", "local_ip")),
    "queueSender": frozenset(
        ["sender", "sender_domain", "priority", "retry_num", "notify_num", "expires_in", "last_status", "last_error"]
    ),
    "any": frozenset((*VARIABLES, "url_path")),
}
#: Of constants, every expression knows these, and few know others.
_TRUTH = frozenset(("true", "false"))
CONSTANTS_OF: dict[str, frozenset[str]] = {
    "": frozenset(),
    "verify": frozenset(["relaxed", "strict", "disable", "disabled", "never", "none"]),
    "mechanism": frozenset(["login", "plain", "xoauth2", "oauthbearer"]),
    "priority": frozenset(["mixer", "stanag4406", "nsep"]),
    "any": CONSTANTS | {"required", "disabled", "none", "never", "hour", "day", "week"},
}
#: What the server's engine has not, and what Python's writes otherwise.
_LOOK_AROUND = re.compile(r"\(\?<?[=!]|(?<!\\)(?:\\\\)*\\[1-9]")
_FLAGS = re.compile(r"\(\?[a-zA-Z-]+\)")
#: Where a brace is no count, and what must not be taken for one.
_NO_COUNT = re.compile(r"\{(?!\d+(?:,\d*)?\})")
_ESCAPED_OR_CLASS = re.compile(r"\\.|\[\^?\]?[^\]]*\]")
_OTHER_CLASSES = re.compile(r"\\[pP](?:\{\^?\w+\}|\w)|\\z|\[\[:\^?\w+:\]\]")
#: 0.15 knows these settings of its own as keys, 0.16 as arguments of ``system``.
_SYSTEM = {"hostname": "server.hostname", "domain": "report.domain"}
_STRING = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")
_TO_NATIVE = re.compile(r"\b(is_local_domain|is_local_address)\s*\(\s*|\bsystem\s*\(\s*(['\"])(hostname|domain)\2\s*\)")
_TO_CANONICAL = re.compile(
    r"\b(is_local_domain|is_local_address)\s*\(\s*(?:'\*'|\"\*\")\s*,\s*"
    r"|\bconfig_get\s*\(\s*(['\"])(server\.hostname|report\.domain)\2\s*\)"
)


def to_native(text: str) -> str:
    """A canonical expression in 0.15's functions: its directory functions take the directory first."""

    def put(match: t.Match[str]) -> str:
        return f"{match.group(1)}('*', " if match.group(1) else f"config_get('{_SYSTEM[match.group(3)]}')"

    return _outside_strings(_TO_NATIVE, put, text)


def to_canonical(text: str) -> str:
    """The reverse of :func:`to_native`."""
    names = {key: name for name, key in _SYSTEM.items()}

    def put(match: t.Match[str]) -> str:
        return f"{match.group(1)}(" if match.group(1) else f"system('{names[match.group(3)]}')"

    return _outside_strings(_TO_CANONICAL, put, text)


def _outside_strings(pattern: t.Pattern[str], put: t.Callable[[t.Match[str]], str], text: str) -> str:
    """Substitute, but not where a match starts inside a string."""
    spans = [match.span() for match in _STRING.finditer(text)]

    def guarded(match: t.Match[str]) -> str:
        inside = any(start < match.start() < end for start, end in spans)
        return match.group(0) if inside else put(match)

    return pattern.sub(guarded, text)


def check_native(text: str, scope: str) -> None:
    """Check an expression as 0.15 takes it.

    :param scope: a key of :data:`VARIABLES_OF`, and after a blank one of :data:`CONSTANTS_OF`; ``any`` = all of both.
    :raises ExpressionError: saying what is wrong and where.
    """
    audit(text, *names_of(scope), generation="0.15")
    tokens = tokenize(text)
    for name, _mark, pattern in zip(tokens, tokens[1:], tokens[2:]):
        if (name.kind, name.text) == ("name", "matches") and pattern.kind == "string":
            _check_pattern(pattern.text[1:-1], pattern.column)


def names_of(scope: str) -> tuple[frozenset[str], frozenset[str]]:
    """Variables and constants of a scope."""
    variables, _blank, constants = scope.partition(" ")
    return VARIABLES_OF[variables], _TRUTH | CONSTANTS_OF["any" if scope == "any" else constants]


def _check_pattern(text: str, column: int) -> None:
    """The server compiles the pattern of ``matches`` with every reload."""
    why = "it has no look-around and no references to groups" if _LOOK_AROUND.search(text) else ""
    plain = _FLAGS.sub("", _OTHER_CLASSES.sub(".", text))
    if _NO_COUNT.search(_ESCAPED_OR_CLASS.sub(".", plain)):
        why = "a brace that is no count needs a backslash"
    try:
        re.compile(plain)
    except re.error as exc:
        why = str(exc)
    if why:
        raise ExpressionError(f"{text!r} at column {column} is no regular expression of the server's: {why}.")


class Expression(Codec):
    """One text, or ``{match: [{if, then}], else}``; normal form is the mapping.

    :param scope: as :func:`check_native`. :param native: texts are 0.15's own already.
    """

    accepted = "an expression: a text, or a mapping with match (a list of if/then) and else"

    def __init__(self, default: t.Any = None, scope: str = "any", *, native: bool = False) -> None:
        super().__init__({"match": [], "else": default} if isinstance(default, str) else default)
        self.scope = scope
        self._native = native

    def check(self, value: t.Any) -> t.Any:
        value = _texts(value)
        if isinstance(value, str):
            value = {"match": [], "else": value}
        if not isinstance(value, t.Mapping) or not value or not set(value) <= {"match", "else"}:
            raise Wrong(f"expected {self.accepted}.")
        match = value.get("match") or []
        if not isinstance(match, (list, tuple)) or not all(
            isinstance(entry, t.Mapping) and set(entry) == {"if", "then"} for entry in match
        ):
            raise Wrong(f"expected {self.accepted}.")
        # What a mapping leaves out stays as it is.
        normal: dict[str, t.Any] = {}
        if "match" in value:
            normal["match"] = [{"if": _texts(entry["if"]), "then": _texts(entry["then"])} for entry in match]
        if "else" in value:
            normal["else"] = _texts(value["else"])
        for place, text in _parts(normal):
            if not isinstance(text, str):
                raise Wrong(f"{place}: expected a text.")
            try:
                check_native(text if self._native else to_native(text), self.scope)
            except ExpressionError as exc:
                raise Wrong(f"{place}: {exc}") from None
        return normal if self._native else _mapped(normal, lambda text: to_canonical(to_native(text)))

    def merge(self, current: t.Any, value: t.Any) -> t.Any:
        held = current if isinstance(current, t.Mapping) else {"match": [], "else": "false"}
        return {**held, **value}

    def encode(self, key: str, value: t.Any) -> Keys:
        change = (lambda text: text) if self._native else to_native
        if not value["match"]:
            return {key: change(value["else"])}
        keys: Keys = {}
        for number, entry in enumerate(value["match"]):
            keys[f"{key}.{index(number)}.if"] = change(entry["if"])
            keys[f"{key}.{index(number)}.then"] = change(entry["then"])
        keys[f"{key}.{index(len(value['match']))}.else"] = change(value["else"])
        return keys

    def owned(self, key: str, stored: t.Mapping[str, str]) -> Keys:
        return list_keys(key, stored)

    def decode(self, key: str, owned: t.Mapping[str, str]) -> t.Any:
        change = (lambda text: text) if self._native else to_canonical
        if key in owned:
            # The scalar hides a list beside it.
            return {"match": [], "else": change(owned[key])}
        if not owned:
            return self.default
        entries: dict[str, dict[str, str]] = {}
        for name in sorted(owned):
            number, _dot, part = name[len(key) + 1 :].partition(".")
            entries.setdefault(number, {})[part] = change(owned[name])
        match = [
            {"if": entry.get("if", ""), "then": entry.get("then", "")}
            for entry in entries.values()
            if "else" not in entry
        ]
        last = [entry["else"] for entry in entries.values() if "else" in entry]
        return {"match": match, "else": last[-1] if last else ""}

    def reads(self, key: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return (key,), (key,)


def _mapped(expression: t.Mapping[str, t.Any], change: t.Callable[[str], str]) -> dict[str, t.Any]:
    """A copy whose texts are changed: there and back, a text has the form in which the store gives it back."""
    out: dict[str, t.Any] = {}
    if "match" in expression:
        out["match"] = [{name: change(text) for name, text in entry.items()} for entry in expression["match"]]
    if "else" in expression:
        out["else"] = change(expression["else"])
    return out


def _texts(value: t.Any) -> t.Any:
    """A constant as the server wants it (YAML reads ``else: false`` as a boolean)."""
    return str(value).lower() if isinstance(value, (bool, int, float)) else value


def _parts(expression: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, t.Any]]:
    for number, entry in enumerate(expression.get("match") or ()):
        yield f"match[{number}].if", entry["if"]
        yield f"match[{number}].then", entry["then"]
    if "else" in expression:
        yield "else", expression["else"]
