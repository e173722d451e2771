# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A chart's values against its ``values.schema.json`` (JSON Schema draft 7). Pure."""

from __future__ import annotations

import dataclasses
import json
import typing as t

HAS_JSONSCHEMA = True
try:
    import jsonschema  # type: ignore[import-untyped]
except ImportError:
    HAS_JSONSCHEMA = False

#: Rules for a mapping that a part of it may break though the whole keeps them.
OF_THE_WHOLE = ("required", "minProperties", "anyOf", "oneOf", "not", "dependencies")
#: Keywords whose keys are names, no keywords.
NAMED = ("properties", "patternProperties", "definitions", "dependencies")
#: Longer values are cut in a message.
MAX_SHOWN = 80


@dataclasses.dataclass(frozen=True)
class Refusal:
    """One value that the schema refuses.

    :param path: its keys and indices. :param rule: the keyword of the schema that refuses it.
    :param accepted: what is accepted, in words. :param message: the whole sentence.
    :param unknown: keys that the schema does not know; ``known`` are those it knows there.
    :param partial: a part of the values may break the rule though the whole keeps it.
    """

    path: tuple[t.Union[str, int], ...]
    value: t.Any
    rule: str
    accepted: str
    message: str
    unknown: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    partial: bool = False

    @property
    def dotted(self) -> str:
        """The path as text."""
        return ".".join(map(str, self.path))


def refused(schema: t.Mapping[str, t.Any], values: t.Mapping[str, t.Any]) -> t.Optional[list[Refusal]]:
    """Every value that the schema refuses, by path; none when there is no schema, or no jsonschema to read it."""
    if not HAS_JSONSCHEMA or not schema:
        return None
    # Null removes a default (Helm's rule), so it is never an error of its own.
    errors = jsonschema.Draft7Validator(schema).iter_errors(without_nulls(values))
    return sorted(map(_refusal, errors), key=lambda refusal: refusal.dotted)


def without_nulls(value: t.Any) -> t.Any:
    """The value without the keys that are null: what Helm merges over the defaults."""
    if isinstance(value, t.Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def _refusal(error: t.Any) -> Refusal:
    path = tuple(error.absolute_path)
    dotted = ".".join(map(str, path))
    if error.validator == "additionalProperties" and isinstance(error.instance, t.Mapping):
        known = tuple(sorted(error.schema.get("properties") or {}))
        unknown = tuple(sorted(set(map(str, error.instance)) - set(known)))
        where = ", ".join(f"{dotted}.{name}" if dotted else name for name in unknown)
        accepted = f"only the keys {', '.join(known)}"
        message = f"{where}: unknown key (accepted: {', '.join(known)})"
        return Refusal(path, error.instance, error.validator, accepted, message, unknown, known)
    words = _accepted(error)
    description = error.schema.get("description") if isinstance(error.schema, t.Mapping) else None
    more = f" ({description})" if description else ""
    value = json.dumps(error.instance, ensure_ascii=False, default=str)
    value = value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "…"
    message = f"{dotted or 'values'} = {value}: accepted: {words}{more}"
    return Refusal(path, error.instance, error.validator, f"{words}{more}", message, partial=_of_the_whole(error))


def _of_the_whole(error: t.Any) -> bool:
    """Whether it takes the whole mapping to say whether the rule is broken: a part of it breaks it for what it lacks."""
    if isinstance(error.instance, t.Mapping) and error.validator in OF_THE_WHOLE:
        return True
    # A consequence of if, whose condition holds for whatever is missing.
    rules = list(error.absolute_schema_path)
    return any(rule in ("then", "else") and (i == 0 or rules[i - 1] not in NAMED) for i, rule in enumerate(rules))


def _accepted(error: t.Any) -> str:
    """What the rule accepts. Never jsonschema's own sentence: that repeats the value, which may hold a secret."""
    limit = error.validator_value
    texts = {
        "type": lambda: " or ".join(limit) if isinstance(limit, list) else str(limit),
        "enum": lambda: ", ".join("null" if item is None else str(item) for item in limit),
        "required": lambda: f"a mapping with {', '.join(key for key in limit if key not in error.instance)}",
        "maximum": lambda: f"at most {limit}",
        "minimum": lambda: f"at least {limit}",
        "const": lambda: json.dumps(limit, ensure_ascii=False, default=str),
        "uniqueItems": lambda: "items that differ from each other",
        "maxItems": lambda: f"at most {limit} item(s)",
        "minItems": lambda: f"at least {limit} item(s)",
        "minLength": lambda: f"at least {limit} character(s)",
        "maxLength": lambda: f"at most {limit} characters",
        "pattern": lambda: f"text that matches {limit}",
    }
    words = texts.get(error.validator)
    return words() if words else f"what the rule {error.validator} of the chart's schema accepts"
