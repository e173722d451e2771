# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired values: checked against the schema and brought into normal form. Pure.

Normal form: sets are sorted lists, lists are lists, references are labels, expressions are ``{match, else}``, strings
are as the server stores them (contract 8.1). :mod:`.decode` brings the server's values into the same form.
"""

from __future__ import annotations

import re
import typing as t

from ...reconcile import present
from ..expressions import ExpressionError, audit
from ..problem import SHORTEST_SECRET, Problem, host_name, host_name_fault, shown
from ..suggest import did_you_mean
from .describe import LOWEST, describe
from .schema import EXPRESSION, SERVER_SET, Fields, Schema, Type
from .texts import HOST_NAMES, duration, ip_text, stored_text

_UTC = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
_INTEGER = re.compile(r"^-?\d+$")


class Normaliser:
    """Checks desired values; collects every problem instead of stopping at the first one."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self.problems: list[Problem] = []

    def fail(self, key: str, value: t.Any, message: str) -> None:
        """Note a problem. A ``value`` of ``...`` is not shown (a secret, or nothing to show)."""
        self.problems.append(Problem(key, "" if value is ... else shown(value), message))

    def struct(self, name: str, value: t.Any, path: str) -> dict[str, t.Any]:
        """Properties of an object or a nested struct."""
        if value is None:
            value = {}
        whole = Type("object", target=name)
        if not isinstance(value, t.Mapping):
            self.refuse(whole, path, value, "expected a mapping of properties.")
            return {}
        body = expand(value, path, self)
        variants = self._schema.variants(name)
        variant = body.get("@type")
        if variants is None:
            body.pop("@type", None)
        elif "@type" in body and variant not in variants:
            # Whoever mistakes the form of a secret may write it here.
            self.refuse(whole, f"{path}.@type", variant, "unknown variant; " + did_you_mean(str(variant), variants))
            return {}
        fields = self._schema.fields(name, variant if variants else None)
        out: dict[str, t.Any] = {}
        for key, item in body.items():
            if key == "@type":
                out[key] = variant
                continue
            spec = fields.get(key)
            if spec is None:
                of = f" of {variant}" if variant else ""
                self.fail(f"{path}.{key}", ..., f"unknown property{of}; {did_you_mean(key, fields)}".rstrip("; "))
            elif spec.access == SERVER_SET:
                self.fail(f"{path}.{key}", ..., "is set by the server and cannot be given.")
            else:
                normal = self.value(spec.type, item, f"{path}.{key}")
                out[key] = self._stored(name, key, normal, f"{path}.{key}") if isinstance(normal, str) else normal
        return out

    def _stored(self, name: str, prop: str, text: str, path: str) -> str:
        stored = stored_text(name, prop, text)
        fault = host_name_fault(stored) if (name, prop) in HOST_NAMES else ""
        if fault or not stored:
            self.fail(path, text, fault or "an empty string is not accepted.")
        return stored

    def value(self, spec: Type, value: t.Any, path: str) -> t.Any:
        """One value of a type; none where it is wrong (and a problem was noted)."""
        if value is None:
            if not spec.nullable:
                self.fail(path, ..., f"cannot be null; expected {describe(spec, self._schema)}.")
            return None
        handler = getattr(self, f"_{spec.kind}", None)
        if handler is None:
            self.fail(path, ..., f"values of type {spec.kind} cannot be given.")
            return None
        return handler(spec, value, path)

    def refuse(self, spec: Type, path: str, value: t.Any, message: str) -> None:
        """Note a problem of a value of that type, and show the value unless a secret may be in it."""
        self.fail(path, ... if self._schema.holds_secret(spec) else value, message)

    def _wrong(self, spec: Type, value: t.Any, path: str) -> None:
        self.refuse(spec, path, value, f"expected {describe(spec, self._schema)}.")

    def _string(self, spec: Type, value: t.Any, path: str) -> t.Any:
        if not isinstance(value, str):
            return self._wrong(spec, value, path)
        text = value if spec.is_secret or spec.format in ("text", "html") else value.strip()
        if not text:
            clear = "; null clears it" if spec.nullable else ""
            return self.fail(path, ..., f"an empty string is not accepted{clear}.")
        if spec.max_length is not None and len(text) > spec.max_length:
            return self.refuse(spec, path, value, f"at most {spec.max_length} characters.")
        if spec.is_secret and len(text) < SHORTEST_SECRET:
            return self.fail(
                path, ..., f"a secret needs at least {SHORTEST_SECRET} characters; this one has {len(text)}."
            )
        if spec.format == "emailAddress":
            return self._address(value, text, path)
        if spec.format in ("ipNetwork", "ipAddress"):
            try:
                return ip_text(text)
            except ValueError:
                return self._wrong(spec, value, path)
        if spec.format == "uri" and not re.match(r"^[A-Za-z][A-Za-z0-9+.-]*:", text):
            return self._wrong(spec, value, path)
        return text

    def _address(self, value: str, text: str, path: str) -> t.Any:
        local, at, domain = text.lower().rpartition("@")
        if not (local and at and domain) or re.search(r"\s", text):
            return self.fail(path, value, "expected an e-mail address.")
        return f"{local}@{host_name(domain)}"

    def _number(self, spec: Type, value: t.Any, path: str) -> t.Any:
        if isinstance(value, str) and _INTEGER.match(value):
            value = int(value)
        if spec.format == "duration" and isinstance(value, str):
            milliseconds = duration(value)
            value = value if milliseconds is None else milliseconds
        whole = spec.format != "float"
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            return self._wrong(spec, value, path)
        low = spec.minimum
        if low is None and spec.format in LOWEST:
            low = LOWEST[spec.format]
        if (low is not None and value < low) or (spec.maximum is not None and value > spec.maximum):
            return self._wrong(spec, value, path)
        return value

    def _boolean(self, spec: Type, value: t.Any, path: str) -> t.Any:
        # Jinja templates without native types make strings of booleans.
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        return value if isinstance(value, bool) else self._wrong(spec, value, path)

    def _enum(self, spec: Type, value: t.Any, path: str) -> t.Any:
        accepted = self._schema.enum(spec.target)
        if not isinstance(value, str) or (accepted and value not in accepted):
            return self.fail(path, value, f"not an accepted value; {did_you_mean(str(value), accepted)}".rstrip("; "))
        return value

    def _utcDateTime(self, spec: Type, value: t.Any, path: str) -> t.Any:
        return value if isinstance(value, str) and _UTC.match(value) else self._wrong(spec, value, path)

    def _objectId(self, spec: Type, value: t.Any, path: str) -> t.Any:
        if not isinstance(value, str) or not value.strip():
            return self._wrong(spec, value, path)
        return host_name(value.strip()) if spec.target == "Domain" else value.strip()

    def _set(self, spec: Type, value: t.Any, path: str) -> t.Any:
        item_spec = present(spec.item)
        if not isinstance(value, (list, tuple)):
            return self._wrong(spec, value, path)
        before = len(self.problems)
        members = [self.value(item_spec, item, f"{path}[{index}]") for index, item in enumerate(value)]
        if len(self.problems) > before:
            return None
        unique = sorted(set(members))
        if len(unique) < spec.min_items:
            return self.refuse(spec, path, value, f"needs at least {spec.min_items} item(s).")
        return unique

    def _map(self, spec: Type, value: t.Any, path: str) -> t.Any:
        key_spec, value_spec = present(spec.key), present(spec.value)
        if not isinstance(value, t.Mapping):
            return self._wrong(spec, value, path)
        if key_spec.kind == "enum" and value_spec.kind == "object":
            # Only here can a dotted key mean a member of the value; a header's name, say, may contain dots itself.
            value = expand(value, path, self)
        out: dict[str, t.Any] = {}
        for key, item in value.items():
            name = self.value(key_spec, str(key), f"{path} (key)")
            if name is not None:
                out[name] = self.value(value_spec, item, f"{path}.{key}")
        return out

    def _object(self, spec: Type, value: t.Any, path: str) -> t.Any:
        if spec.target == EXPRESSION:
            return self._expression(value, path)
        variant = self._schema.text_variant(spec.target) if isinstance(value, str) else ""
        if variant:
            value = {"@type": variant, "secret": value}
        if not isinstance(value, t.Mapping):
            return self._wrong(spec, value, path)
        return self.struct(spec.target, value, path)

    def _objectList(self, spec: Type, value: t.Any, path: str) -> t.Any:
        if not isinstance(value, (list, tuple)):
            return self._wrong(spec, value, path)
        item = Type("object", target=spec.target)
        if len(value) < spec.min_items:
            return self.refuse(spec, path, value, f"needs at least {spec.min_items} item(s).")
        return [self.value(item, entry, f"{path}[{index}]") for index, entry in enumerate(value)]

    def _expression(self, value: t.Any, path: str) -> t.Any:
        if isinstance(value, (bool, int, float)):
            value = str(value).lower()
        if isinstance(value, str):
            value = {"match": [], "else": value}
        if not isinstance(value, t.Mapping):
            return self.fail(
                path, value, "expected an expression: a string, or a mapping with match (a list of if/then) and else."
            )
        normal = self.struct(EXPRESSION, _texts(value), path)
        for place, text in parts(normal):
            if not isinstance(text, str):
                continue
            try:
                audit(text, self._schema.enum("ExpressionVariable"), self._schema.enum("ExpressionConstant"))
            except ExpressionError as exc:
                self.fail(f"{path}.{place}", text, str(exc))
        return normal


def _texts(expression: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """An expression whose constants are strings, as the server wants them (YAML reads ``else: false`` as a boolean)."""

    def text(value: t.Any) -> t.Any:
        return str(value).lower() if isinstance(value, (bool, int, float)) else value

    out = {key: text(value) for key, value in expression.items()}
    if isinstance(out.get("match"), (list, tuple)):
        out["match"] = [
            {key: text(value) for key, value in entry.items()} if isinstance(entry, t.Mapping) else entry
            for entry in out["match"]
        ]
    return out


def parts(expression: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, t.Any]]:
    """The texts of an expression with their places (``match[0].if``, ``else``)."""
    for index, entry in enumerate(expression.get("match") or ()):
        for name in ("if", "then"):
            if isinstance(entry, t.Mapping) and name in entry:
                yield f"match[{index}].{name}", entry[name]
    if "else" in expression:
        yield "else", expression["else"]


def expand(body: t.Mapping[t.Any, t.Any], path: str, to: Normaliser) -> dict[str, t.Any]:
    """A body whose dotted keys (``subAddressing.@type``) have become nested mappings."""
    out: dict[str, t.Any] = {}
    for raw, value in body.items():
        key, dot, rest = str(raw).partition(".")
        given = {rest: value} if dot else value
        held = out.get(key)
        if key not in out:
            out[key] = given
        elif not isinstance(held, t.Mapping) or not isinstance(given, t.Mapping):
            to.fail(f"{path}.{key}", ..., "is given twice.")
        elif set(held) & set(given):
            twice = next(name for name in given if name in held)
            to.fail(f"{path}.{key}.{twice}", ..., "is given twice.")
        else:
            out[key] = {**held, **given}
    return out


def required(fields: Fields) -> list[str]:
    """Properties that a new object must be given: plain strings and references without a default (contract 4)."""
    return [
        spec.name
        for spec in fields.values()
        if spec.type.kind in ("string", "objectId")
        and not spec.type.nullable
        and not spec.has_default
        and spec.access != SERVER_SET
    ]
