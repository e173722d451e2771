# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What removals take with them, and what keeps them from happening, told before anything is written. Pure."""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ...reconcile import Change
from .identity import setting_name, showable
from .plan import destroy
from .registry import Registry
from .schema import Schema, Type
from .wanted import targets

_MOST_NAMED = 8


def complete_removals(registry: Registry, changes: t.Sequence[Change]) -> list[Change]:
    """The changes with those that a removal needs: the keys that the server has made for a domain go with it.

    :raises Failure: ``conflict`` naming who still refers to what shall be removed.
    """
    gone = {(change.payload.object, change.payload.id) for change in changes if change.payload.kind == "destroy"}
    if not gone:
        return list(changes)
    own = [
        ("DkimSignature", i) for name, domain in sorted(gone) if name == "Domain" for i in _own_keys(registry, domain)
    ]
    more = [destroy(registry, *key) for key in own if key not in gone]
    _refuse_linked(registry, changes, gone | set(own))
    return [*changes, *more]


def _own_keys(registry: Registry, domain: str) -> list[str]:
    """Ids of the keys of a domain whose keys the server makes (contract 4.2)."""
    management = (registry.of("Domain").get(domain) or {}).get("dkimManagement") or {}
    if management.get("@type") != "Automatic":
        return []
    return sorted(i for i, wire in registry.of("DkimSignature").items() if wire.get("domainId") == domain)


def _refuse_linked(registry: Registry, changes: t.Sequence[Change], gone: set[tuple[str, str]]) -> None:
    written = {
        (change.payload.object, change.payload.id): {write.pointer.split("/", 1)[0] for write in change.payload.writes}
        for change in changes
    }
    holders: dict[tuple[str, str], list[str]] = {}
    kinds = {name for name, _identifier in gone}
    for name in sorted(registry.objects):
        if name not in registry.schema.objects:
            continue
        fields = registry.schema.fields(name)
        referring = [spec for spec in fields.values() if targets(registry.schema, spec.type) & kinds]
        for identifier, wire in registry.of(name).items() if referring else ():
            if (name, identifier) in gone:
                continue
            for spec in referring:
                # What this task writes there is not what the server holds now.
                if spec.name not in written.get((name, identifier), ()):
                    for key in references_of(registry.schema, spec.type, wire.get(spec.name)) & gone:
                        who = showable(registry.label(name, identifier), identifier)
                        single = registry.schema.objects[name].singleton
                        holders.setdefault(key, []).append(setting_name(name) + ("" if single else f" {who}"))
    if not holders:
        return
    found = []
    for (name, identifier), holding in sorted(holders.items()):
        named = sorted(set(holding))
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        label = showable(registry.label(name, identifier), identifier)
        found.append(f"{setting_name(name)} {label} is still used by {', '.join(named[:_MOST_NAMED])}{more}")
    raise Failure(
        "stalwart",
        "conflict",
        f"cannot remove: {'; '.join(found)}.",
        hint="Remove or change these first, or remove them in the same task. Nothing was written.",
    )


def references_of(schema: Schema, spec: Type, wire: t.Any) -> set[tuple[str, str]]:
    """Type and id of every object that a value of the server names."""
    if wire is None:
        return set()
    if spec.kind == "objectId":
        return {(spec.target, str(wire))}
    out: set[tuple[str, str]] = set()
    if spec.kind == "set" and spec.item is not None and isinstance(wire, t.Mapping):
        for key, held in wire.items():
            out |= references_of(schema, spec.item, key) if held else set()
    elif spec.kind == "map" and spec.value is not None and isinstance(wire, t.Mapping):
        for value in wire.values():
            out |= references_of(schema, spec.value, value)
    elif spec.kind == "objectList" and isinstance(wire, t.Mapping):
        for value in wire.values():
            out |= references_of(schema, Type("object", target=spec.target), value)
    elif spec.kind == "object" and isinstance(wire, t.Mapping):
        variants = schema.variants(spec.target)
        variant = wire.get("@type") if variants else None
        for prop in schema.fields(spec.target, variant if variants and variant in variants else None).values():
            out |= references_of(schema, prop.type, wire.get(prop.name))
    return out
