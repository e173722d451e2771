# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server as ``settings`` and ``principals`` would give it, proven by a plan on what was just read.

What cannot be given (because the server makes it by itself, because nothing identifies it, because it would be refused)
is left out and named.
"""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ...reconcile import Change
from ..send_as import leave_to_principals
from .actions import is_own
from .client import JmapClient, Want
from .decode import Decoder
from .exclusive import Exclusive
from .expiry import has_expired, now
from .export_principals import PRINCIPAL_WANTS, export_principals
from .grammar import SINGLETON, catalogue, parse
from .identity import identity_of, setting_name, showable
from .lean import Lean
from .plan import Request, make_plan
from .registry import Registry
from .schema import Schema
from .seeds import seeded_labels
from .sender_rule import SEPARATOR
from .values import Normaliser

Settings = t.Dict[str, t.Any]
LeftOut = t.List[t.Tuple[str, str]]

_REMOVED = (
    "a first start makes it and it was removed here; another server gets rid of it by state: absent, or by naming its type "
    "in exclusive"
)


def export_server(client: JmapClient, schema: Schema) -> dict[str, t.Any]:
    """Everything: ``settings``, ``principals``, and what was ``left_out`` and why.

    :raises Failure: as :meth:`JmapClient.read`.
    """
    unread: dict[str, str] = {}
    registry = Registry(schema, client.read(wants(schema), unread))
    settings, left_out = export_settings(registry)
    forbidden = sorted(name for name, kind in unread.items() if kind == "forbidden")
    left_out += [(setting_name(name), "the credential may not read it") for name in forbidden]
    principals, missing = export_principals(registry)
    leave_to_principals(settings, principals, SEPARATOR)
    return {
        "settings": settings,
        "principals": principals,
        "left_out": [{"key": key, "reason": reason} for key, reason in sorted({*left_out, *missing})],
    }


def wants(schema: Schema) -> list[Want]:
    """All types that settings may have, and what principals are made of."""
    special = {want.object: want for want in PRINCIPAL_WANTS if want.object in schema.objects}
    out = []
    for name in sorted({*catalogue(schema).values(), *special}):
        properties = special[name].properties if name in special and name not in catalogue(schema).values() else None
        if name == "Domain":
            # Not the zone text, which the server computes.
            properties = sorted(schema.fields(name).keys() - {"dnsZoneFile"})
        out.append(Want(name, schema.objects[name].singleton, properties, optional=True))
    return out


def export_settings(registry: Registry) -> tuple[Settings, LeftOut]:
    """The settings of what was read. Pure."""
    exporter = _Exporter(registry)
    exporter.collect()
    exporter.prove()
    return exporter.settings(), exporter.left_out


class _Exporter:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._schema = registry.schema
        self._now = now()
        self._bodies: dict[tuple[str, str], dict[str, t.Any]] = {}
        self.left_out: LeftOut = []

    def collect(self) -> None:
        self._registry.begin()
        for name in catalogue(self._schema).values():
            self._name_contents(name)
        for key, name in sorted(catalogue(self._schema).items()):
            objects = self._registry.of(name)
            if self._schema.objects[name].singleton:
                for wire in objects.values():
                    self._add(name, SINGLETON, wire, key)
            elif name in self._registry.objects:
                self._labelled(name, objects, key)

    def _name_contents(self, name: str) -> None:
        """Labels for objects that are found by their content: nobody calls a certificate by its text."""
        identity = identity_of(self._schema, self._schema.objects[name])
        if self._schema.objects[name].singleton or identity is None or not identity.content:
            return
        taken: set[str] = set()
        for identifier, wire in self._registry.of(name).items():
            names = sorted(wire.get("subjectAlternativeNames") or ())
            label = names[0] if names else showable(self._registry.natural(name, identifier), identifier)
            if label in taken:
                label = f"{label} {identifier}"
            taken.add(label)
            self._registry.local[(name, identifier)] = label

    def _labelled(self, name: str, objects: t.Mapping[str, dict[str, t.Any]], key: str) -> None:
        if identity_of(self._schema, self._schema.objects[name]) is None:
            if not objects:
                return
            self.left_out.append((key, f"{len(objects)} object(s) that nothing identifies"))
            return
        labels: dict[str, list[str]] = {}
        for identifier, wire in objects.items():
            if not is_own(wire.get("namespace")):
                labels.setdefault(self._registry.label(name, identifier) or "", []).append(identifier)
        for label in _missing_seeds(self._schema, name, labels):
            self.left_out.append((f"{key}.{label}", _REMOVED))
        for label in sorted(labels):
            where = f"{key}.{label}"
            if not label:
                self.left_out.append((key, f"{len(labels[label])} object(s) without a name"))
            elif len(labels[label]) > 1:
                self.left_out.append((where, f"{len(labels[label])} objects have this name"))
            elif has_expired(name, objects[labels[label][0]], self._now):
                self.left_out.append((where, "has expired"))
            elif self._automatic(name, objects[labels[label][0]]):
                self.left_out.append((where, "the server makes the keys of this domain by itself"))
            else:
                self._add(name, label, objects[labels[label][0]], where)

    def _automatic(self, name: str, wire: t.Mapping[str, t.Any]) -> bool:
        """Whether it is a key of a domain whose keys the server makes (contract 4.2)."""
        if name != "DkimSignature":
            return False
        domain = self._registry.of("Domain").get(str(wire.get("domainId"))) or {}
        return bool((domain.get("dkimManagement") or {}).get("@type") == "Automatic")

    def _add(self, name: str, label: str, wire: t.Mapping[str, t.Any], key: str) -> None:
        lean = Lean(self._schema, Decoder(self._schema, self._registry.label))
        identity = None if label == SINGLETON else identity_of(self._schema, self._schema.objects[name])
        body = lean.object(name, label, identity, wire, key)
        self.left_out += lean.left_out
        if body is None:
            return
        check = Normaliser(self._schema)
        check.struct(name, body, "")
        for problem in check.problems:
            prop = problem.key.lstrip(".").partition(".")[0].partition("[")[0]
            self._drop(body, prop, key, problem.message)
        self._bodies[(name, label)] = body

    def _drop(self, body: dict[str, t.Any], prop: str, key: str, reason: str) -> None:
        if body.pop(prop, None) is not None:
            self.left_out.append((f"{key}.{prop}", reason.rstrip(".")))

    def settings(self) -> Settings:
        out: Settings = {}
        for (name, label), body in sorted(self._bodies.items()):
            ordered = {key: body[key] for key in sorted(body, key=lambda key: (key != "@type", key))}
            if label == SINGLETON:
                if ordered:
                    out[setting_name(name)] = ordered
            else:
                out.setdefault(setting_name(name), {})[label] = ordered
        return {key: out[key] for key in sorted(out)}

    def prove(self) -> None:
        """Drop what a plan on the same server would still change or refuse.

        :raises Failure: what the plan says, when that cannot be put down to a property.
        """
        # Every round drops something, for one property may hide another one.
        while True:
            try:
                items = tuple(parse(self._schema, self.settings()))
                plan = make_plan(self._registry, Request(items, Exclusive()), rewrite_secrets=False)
            except Failure as failure:
                if not self._blame(failure):
                    raise
                continue
            # What an earlier run owes is no matter of the settings.
            changes = [change for change in plan.changes if change.payload.kind != "action"]
            if not changes:
                return
            for change in changes:
                self._undo(change)

    def _undo(self, change: Change) -> None:
        op = change.payload
        body = self._bodies[(op.object, op.label)]
        key = self._key(op.object, op.label)
        before = len(body)
        if op.kind == "update":
            for prop in {write.pointer.split("/", 1)[0] for write in op.writes}:
                self._drop(body, prop, key, "does not come back as it is given")
        if len(body) == before:
            del self._bodies[(op.object, op.label)]
            self.left_out.append((key, "cannot be given as it is"))

    def _blame(self, failure: Failure) -> bool:
        found = False
        for detail in failure.details or ():
            for (name, label), body in self._bodies.items():
                start = f"{self._key(name, label)}."
                place = str(detail["key"])
                if place.startswith(start):
                    prop = place[len(start) :].partition(".")[0].partition("[")[0]
                    if prop in body:
                        self._drop(body, prop, start.rstrip("."), str(detail["message"]))
                        found = True
        return found

    @staticmethod
    def _key(name: str, label: str) -> str:
        return setting_name(name) if label == SINGLETON else f"{setting_name(name)}.{label}"


def _missing_seeds(schema: Schema, name: str, labels: t.Container[str]) -> list[str]:
    """What every new server has of a type and this one has not."""
    return [label for label in seeded_labels(name, schema.enum("Permission")) if label not in labels]
