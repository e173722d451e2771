# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a property accepts, in words. Pure."""

from __future__ import annotations

from .schema import Schema, Type

#: Members of a struct that a message names.
_FEW = 4

#: Where the schema names no minimum (contract 3.6).
LOWEST = {"unsignedInteger": 0, "size": 0, "duration": 1}


def describe(spec: Type, schema: Schema) -> str:
    """What is accepted, in words."""
    null = " or null" if spec.nullable else ""
    if spec.kind == "number":
        what = {
            "duration": "a duration: milliseconds, or text such as 5s, 10m, 1h, 30d",
            "size": "a size in bytes",
            "float": "a number",
        }.get(spec.format, "an integer")
        low = LOWEST.get(spec.format) if spec.minimum is None else spec.minimum
        unit = " ms" if spec.format == "duration" else ""
        limits = [f"from {_plain(low)}{unit}"] if low is not None else []
        limits += [f"to {_plain(spec.maximum)}{unit}"] if spec.maximum is not None else []
        return " ".join([what, *limits]) + null
    if spec.kind == "enum":
        return "one of " + ", ".join(schema.enum(spec.target)) + null
    if spec.kind == "object" and schema.text_variant(spec.target):
        return f"{secret_form(spec, schema)}{null}"
    if spec.kind == "object":
        members = sorted(schema.fields(spec.target)) if schema.variants(spec.target) is None else []
        few = f" with {' and '.join(members)}" if 0 < len(members) <= _FEW else ""
        return f"a mapping{few}{null}"
    words = {
        "string": {"uri": "a URL", "ipNetwork": "an IP address or network", "ipAddress": "an IP address"}.get(
            spec.format, "a string"
        ),
        "boolean": "true or false",
        "utcDateTime": "a quoted time such as '2026-01-31T00:00:00Z'",
        "objectId": f"the label of a {spec.target}",
        "set": "a list",
        "objectList": "a list of mappings",
        "map": "a mapping",
    }
    return words.get(spec.kind, spec.kind) + null


def secret_form(spec: Type, schema: Schema) -> str:
    """How a secret is given."""
    return f"a mapping such as {{'@type': {schema.text_variant(spec.target)}, secret: …}}, or the secret as text"


def _plain(number: float) -> str:
    """Without an exponent."""
    return str(int(number)) if float(number).is_integer() else str(number)
