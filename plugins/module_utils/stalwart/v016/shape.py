# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be said of settings without any server's schema: their form, references to secrets, expressions. Pure.

It refuses nothing that a new object may have: which types, properties and variants there are is for the schema to say.
"""

from __future__ import annotations

import math
import re
import typing as t

from ...redact import MASK
from ..expression_audit import is_expression_property
from ..expressions import ExpressionError, syntax
from ..problem import SHORTEST_SECRET
from .identity import NOT_SETTINGS, setting_name

#: How the schema's types are called in settings, and its variants (contract 3.6).
_TYPE = re.compile(r"[a-z][A-Za-z0-9]*\Z")
_VARIANT = re.compile(r"[A-Z][A-Za-z0-9]*\Z")
#: The variants of SecretKey, SecretText and their like, which no other type has, with what each one must be given.
REFERENCES = {"EnvironmentVariable": "variableName", "File": "filePath"}
_REASONS = {setting_name(name): why for name, why in NOT_SETTINGS.items()}
#: What is accepted where the two shapes contradict each other. The other value may be a secret.
TWICE = "one value; another one is given in the other shape"


class Fault(t.NamedTuple):
    """One thing that no server would accept.

    :param key: where. :param value: what was given; none where nothing was, the mask for what must not be shown.
    :param accepted: what is accepted, a noun phrase.
    """

    key: str
    value: t.Any
    accepted: str


def check(settings: t.Mapping[t.Any, t.Any]) -> list[Fault]:
    """Every fault of the settings, which may be in both shapes."""
    faults: list[Fault] = []
    tree: dict[str, t.Any] = {}
    for key, given in settings.items():
        path = str(key).split(".")
        fault = _key(path, str(key), given)
        if fault is not None:
            faults.append(fault)
            continue
        value = given
        for part in reversed(path[1:]):
            value = {part: value}
        tree[path[0]] = _joined(tree[path[0]], value, path[0], faults) if path[0] in tree else value
    for name, value in tree.items():
        if value is not None and not isinstance(value, t.Mapping):
            faults.append(Fault(name, _plain(value), "a mapping of properties, or of labels with their properties"))
        else:
            faults += _value(value, name, name)
    return faults


def _key(path: t.Sequence[str], key: str, value: t.Any) -> t.Optional[Fault]:
    if not all(path):
        return Fault(key, _plain(value), "a key without empty parts between its dots")
    if not _TYPE.match(path[0]):
        lowered = path[0][:1].lower() + path[0][1:]
        hint = f"; did you mean {lowered}?" if _TYPE.match(lowered) else ""
        return Fault(key, _plain(value), f"a key that begins with a type, such as mtaRoute{hint}")
    if path[0] in _REASONS:
        return Fault(key, _plain(value), f"nothing here, it is no setting: {_REASONS[path[0]]}")
    return None


def _joined(held: t.Any, given: t.Any, where: str, faults: list[Fault]) -> t.Any:
    """What both shapes say of one thing."""
    if isinstance(held, t.Mapping) and isinstance(given, t.Mapping):
        out = dict(held)
        for key, value in given.items():
            out[key] = _joined(out[key], value, f"{where}.{key}", faults) if key in out else value
        return out
    if held != given:
        faults.append(Fault(where, _plain(given), TWICE))
    return held


def _value(value: t.Any, where: str, name: str) -> t.Iterator[Fault]:
    """The faults of a value and of all below it; ``name`` is its own key."""
    if name == "@type" and not (isinstance(value, str) and _VARIANT.match(value)):
        yield Fault(where, _plain(value), "the name of a variant, such as Relay")
    elif isinstance(value, t.Mapping) and name.endswith("Headers"):
        return  # The keys are names of headers, no properties.
    elif isinstance(value, t.Mapping):
        value = _expanded(value)
        yield from _reference(value, where)
        for key, below in value.items():
            inner = f"{where}.{key}"
            if isinstance(key, bool) or not isinstance(key, (str, int)):
                yield Fault(
                    inner, _plain(below), "a key that is text; YAML reads on, yes and null as other things: quote them"
                )
            elif not str(key):
                yield Fault(inner, _plain(below), "a key that is not empty")
            else:
                yield from _value(below, inner, str(key).rpartition(".")[2])
    elif name == "match" and isinstance(value, (list, tuple)):
        yield from _cases(value, where)
    elif isinstance(value, (list, tuple)):
        for index, below in enumerate(value):
            yield from _value(below, f"{where}[{index}]", "")
    elif isinstance(value, str):
        yield from _text(value, where, name)
    elif value is not None and not _number(value):
        yield Fault(
            where, _plain(value), "text, a number, true, false, null, a list or a mapping (a time must be quoted)"
        )


def _number(value: t.Any) -> bool:
    # An integer may be larger than any float.
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _expanded(body: t.Mapping[t.Any, t.Any]) -> dict[t.Any, t.Any]:
    """The body with its dotted keys put below the keys beside them, as :func:`.values.expand` does.

    A key stays as it is where something else is in its place: it may be a label, and what is given twice is for the
    schema to say.
    """
    out: dict[t.Any, t.Any] = {}
    dotted: dict[str, t.Any] = {}
    for key, value in body.items():
        if isinstance(key, str) and "." in key and all(key.split(".")):
            dotted[key] = value
        else:
            out[key] = dict(value) if isinstance(value, t.Mapping) else value
    for key, value in dotted.items():
        head, _dot, rest = key.partition(".")
        inner = out.setdefault(head, {})
        if isinstance(inner, dict) and rest not in inner:
            inner[rest] = value
        else:
            out[key] = value
    return out


def _text(value: str, where: str, name: str) -> t.Iterator[Fault]:
    # Every property called match is an expression, and nothing but an expression has an else (contract 4.13).
    if name in ("match", "else") or is_expression_property(where.partition(".")[0], name):
        yield from _expression(value, where)
    elif name == "secret" and len(value) < SHORTEST_SECRET:
        yield Fault(where, MASK, f"a secret of at least {SHORTEST_SECRET} characters")


def _cases(entries: t.Sequence[t.Any], where: str) -> t.Iterator[Fault]:
    for index, entry in enumerate(entries):
        place = f"{where}[{index}]"
        if not isinstance(entry, t.Mapping) or not entry or set(entry) - {"if", "then"}:
            yield Fault(place, _plain(entry), "a mapping with if and then, and nothing else")
            continue
        for name, value in entry.items():
            if isinstance(value, str):
                yield from _expression(value, f"{place}.{name}")
            elif not isinstance(value, (bool, int, float)):
                yield Fault(f"{place}.{name}", _plain(value), "an expression as text")


def _expression(text: str, where: str) -> t.Iterator[Fault]:
    try:
        syntax(text)
    except ExpressionError as exc:
        yield Fault(where, text, f"an expression; this one is refused: {str(exc).rstrip('.')}")


def _reference(value: t.Mapping[t.Any, t.Any], where: str) -> t.Iterator[Fault]:
    needed = REFERENCES.get(str(value.get("@type")))
    if needed is None:
        return
    given = value.get(needed)
    if not isinstance(given, str) or not given.strip():
        yield Fault(f"{where}.{needed}", _plain(given), f"text; '@type': {value['@type']} needs it")
    for key in value:
        if key not in ("@type", needed):
            # It may be the secret itself.
            yield Fault(f"{where}.{key}", MASK, f"nothing here; '@type': {value['@type']} takes {needed} only")


def _plain(value: t.Any) -> t.Any:
    """A value that a result can hold."""
    if isinstance(value, t.Mapping):
        return {str(key): _plain(below) for key, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(below) for below in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else str(value)
