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

#: Longer values are cut in a message.
MAX_SHOWN = 80


@dataclasses.dataclass(frozen=True)
class Refusal:
    """One value that the schema refuses.

    :param path: its keys and indices. :param rule: the keyword of the schema that refuses it.
    :param accepted: what is accepted, in words. :param message: the whole sentence.
    :param unknown: keys that the schema does not know; ``known`` are those it knows there.
    """

    path: tuple[t.Union[str, int], ...]
    value: t.Any
    rule: str
    accepted: str
    message: str
    unknown: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

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
    said = f"accepted: {words}" if words else str(error.message)
    message = f"{dotted or 'values'} = {value}: {said}{more}"
    return Refusal(path, error.instance, error.validator, f"{words or error.message}{more}", message)


def _accepted(error: t.Any) -> t.Optional[str]:
    """What the rule accepts; none for a rule whose own message says it best."""
    limit = error.validator_value
    texts = {
        "type": lambda: " or ".join(limit) if isinstance(limit, list) else str(limit),
        "enum": lambda: ", ".join("null" if item is None else str(item) for item in limit),
        "maximum": lambda: f"at most {limit}",
        "minimum": lambda: f"at least {limit}",
        "minItems": lambda: f"at least {limit} item(s)",
        "minLength": lambda: f"at least {limit} character(s)",
        "maxLength": lambda: f"at most {limit} characters",
        "pattern": lambda: f"text that matches {limit}",
    }
    words = texts.get(error.validator)
    return words() if words else None
