# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a property has when nobody gives it (contract 4), in normal form. Pure.

The schema's document writes defaults in a shorter form than the wire: durations inside structs as ``1m``, an
expression as ``{"default": …}``, and structs with the members that differ from their own type's defaults.
"""

from __future__ import annotations

import typing as t

from .decode import Decoder
from .schema import EXPRESSION, SERVER_SET, Prop, Schema, Type
from .texts import duration

#: No default, or none that is known.
MISSING: t.Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()

#: Variants that the schema does not name as defaults (contract 4.0, and what a real 0.16.18 answered).
DEFAULT_VARIANTS: dict[str, str] = {
    "AlertEmail": "Disabled",
    "AlertEvent": "Disabled",
    "Asn": "Disabled",
    "BlobStore": "Default",
    "CertificateManagement": "Manual",
    "ClusterListenerGroup": "EnableAll",
    "ClusterTaskGroup": "EnableAll",
    "Coordinator": "Disabled",
    "CredentialPermissions": "Inherit",
    "DkimManagement": "Automatic",
    "DnsManagement": "Manual",
    "DnsResolver": "System",
    "EncryptionAtRest": "Disabled",
    "HttpAuth": "Unauthenticated",
    "HttpLookupFormat": "Csv",
    "InMemoryStore": "Default",
    "MetricsOtel": "Disabled",
    "MetricsPrometheus": "Disabled",
    "MetricsStore": "Disabled",
    "MtaDeliveryExpiration": "Ttl",
    "MtaDeliveryScheduleIntervalsOrDefault": "Default",
    "Permissions": "Inherit",
    "Roles": "Default",
    "SearchStore": "Default",
    "SecretKeyOptional": "None",
    "SecretTextOptional": "None",
    "SpamClassifierModel": "FtrlFh",
    "SpamLlm": "Disable",
    "SqlAuthStore": "Default",
    "SubAddressing": "Enabled",
    "TaskRetryStrategy": "ExponentialBackoff",
    "TracingStore": "Disabled",
    "UserRoles": "User",
}
#: Structs inside structs: the schema has no cycle among properties that are there by default; this is in case.
_DEEPEST = 8


class Defaults:
    """Defaults of one schema's types."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._decoder = Decoder(schema, lambda _name, _identifier: None)

    def struct(self, name: str, variant: t.Optional[str]) -> dict[str, t.Any]:
        """The members of a struct's variant whose defaults are known."""
        return self._struct(name, variant, {}, 0)[0]

    def prop(self, spec: Prop) -> t.Any:
        """A property's default, or :data:`MISSING`."""
        return self._prop(spec, 0)

    def usual_variant(self, name: str) -> t.Optional[str]:
        """The variant that nobody chose; none where there are no variants or none is known."""
        return DEFAULT_VARIANTS.get(name) if self._schema.variants(name) else None

    def _prop(self, spec: Prop, depth: int) -> t.Any:
        kind = spec.type
        if spec.has_default:
            return self._given(kind, spec.default, depth)
        if kind.nullable:
            return None
        empty: dict[str, t.Any] = {"boolean": False, "set": [], "objectList": [], "map": {}}
        if kind.kind in empty:
            return empty[kind.kind]
        return self._given(kind, {}, depth) if kind.kind == "object" and kind.target != EXPRESSION else MISSING

    def _struct(
        self, name: str, variant: t.Optional[str], given: t.Mapping[str, t.Any], depth: int
    ) -> tuple[dict[str, t.Any], bool]:
        out: dict[str, t.Any] = {"@type": variant} if variant else {}
        whole = True
        for key, spec in self._schema.fields(name, variant).items():
            if spec.access == SERVER_SET:
                continue
            value = self._given(spec.type, given[key], depth) if key in given else self._prop(spec, depth)
            if value is MISSING:
                whole = False
            else:
                out[key] = value
        return out, whole

    def _given(self, spec: Type, raw: t.Any, depth: int) -> t.Any:
        """A default as the schema's document writes it."""
        if depth > _DEEPEST:
            return MISSING
        if spec.kind == "object":
            return self._object(spec.target, raw, depth + 1)
        if spec.kind == "objectList":
            entries = list(raw.values()) if isinstance(raw, t.Mapping) else list(raw)
            items = [self._object(spec.target, entry, depth + 1) for entry in entries]
            return MISSING if any(item is MISSING for item in items) else items
        if spec.kind == "map" and spec.value is not None:
            values = {str(key): self._given(spec.value, item, depth + 1) for key, item in raw.items()}
            return MISSING if any(item is MISSING for item in values.values()) else values
        if spec.kind == "number" and isinstance(raw, str):
            number = duration(raw)
            if number is None:
                return int(raw) if raw.lstrip("-").isdigit() else MISSING
            return number
        return self._decoder.value(spec, raw)

    def _object(self, target: str, raw: t.Mapping[str, t.Any], depth: int) -> t.Any:
        if target == EXPRESSION:
            return self._expression(raw)
        variants = self._schema.variants(target)
        variant: t.Optional[str] = None
        if variants is not None:
            variant = raw.get("@type") or DEFAULT_VARIANTS.get(target)
            if variant not in variants:
                return MISSING
        value, whole = self._struct(target, variant, raw, depth)
        return value if whole else MISSING

    def _expression(self, raw: t.Mapping[str, t.Any]) -> t.Any:
        last = raw.get("else", raw.get("default"))
        if last is None:
            return MISSING
        match = raw.get("match") or []
        return {"match": list(match.values()) if isinstance(match, t.Mapping) else list(match), "else": last}
