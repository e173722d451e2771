# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between settings and server, as a list of operations. Pure: no write, no request."""

from __future__ import annotations

import dataclasses
import typing as t

from ...failure import Failure
from ...reconcile import Change, Plan, present
from ...redact import MASK
from ..problem import Problem
from ..suggest import did_you_mean
from .actions import RELOAD_SETTINGS, is_own
from .decode import Decoder, Reference, mask, mask_value, project, references, secrets_in, struct_references, writable
from .describe import describe
from .differ import Differ, Write
from .exclusive import Exclusive
from .expiry import has_expired
from .grammar import Item, refuse
from .identity import setting_name, showable
from .registry import Registry
from .schema import Schema, Type
from .sender_rule import keep_senders
from .values import required


@dataclasses.dataclass(frozen=True)
class Op:
    """One write.

    :param kind: ``create``, ``update``, ``destroy`` or ``action`` (only an action is missing).
    :param writes: an update's keys; a create's top-level properties.
    :param needs: (type, label) of objects that this plan creates and this one refers to.
    """

    kind: str
    object: str
    label: str
    id: str = ""
    variant: t.Optional[str] = None
    writes: tuple[Write, ...] = ()
    needs: frozenset[tuple[str, str]] = frozenset()
    action: str = ""


@dataclasses.dataclass(frozen=True)
class Request:
    """What one task asks for.

    :param known: false when the server does not exist yet, so nothing can be looked up on it.
    :param now: what ended before is taken for removed.
    """

    items: tuple[Item, ...]
    exclusive: Exclusive
    update_secrets: str = "on_create"
    known: bool = True
    now: str = ""


def make_plan(registry: Registry, request: Request, *, rewrite_secrets: bool) -> Plan:
    """The plan for ``state: present``.

    :param rewrite_secrets: write secrets that exist already (``update_secrets: always``, and not yet written).
    :raises Failure: ``invalid_value`` or ``conflict`` with every problem, before anything is written.
    """
    return _Planner(registry, request, rewrite_secrets).plan()


class _Planner:
    def __init__(self, registry: Registry, request: Request, rewrite_secrets: bool) -> None:
        self._registry = registry
        self._request = request
        self._schema: Schema = registry.schema
        self._rewrite = rewrite_secrets
        self._problems: list[Problem] = []
        self._found: dict[int, str] = {}

    def plan(self) -> Plan:
        self._match()
        bodies = [self._relabel(item) for item in self._request.items]
        refuse(self._problems)
        changes = []
        for index, item in enumerate(self._request.items):
            if has_expired(item.object, bodies[index], self._request.now):
                if index in self._found:
                    changes.append(destroy(self._registry, item.object, self._found[index]))
                continue
            change = self._change(item, bodies[index], self._found.get(index))
            if change is not None:
                changes.append(change)
        changes += self._surplus()
        refuse(self._problems)
        if self._request.known:
            changes += owed(self._registry, changes)
        return Plan(tuple(changes))

    def _match(self) -> None:
        """Find each item's object, and remember what the settings call it."""
        self._registry.begin()
        for index, item in enumerate(self._request.items):
            if item.singleton:
                self._found[index] = item.label
                continue
            ids = self._registry.named(item.object, item.natural)
            if len(ids) > 1:
                raise Failure(
                    "stalwart",
                    "conflict",
                    f"{item.key}: the server holds {len(ids)} {item.object} objects "
                    f"{showable(item.natural, 'of that content')!r} (ids {', '.join(sorted(ids))}).",
                    hint="Delete all but one of them; nothing was written.",
                )
            if ids:
                self._found[index] = ids[0]
        for index, identifier in self._found.items():
            item = self._request.items[index]
            self._registry.local[(item.object, identifier)] = item.label

    def _relabel(self, item: Item) -> dict[str, t.Any]:
        """The body with every reference checked and called by one name."""
        names: dict[tuple[str, str], str] = {}
        for ref in struct_references(self._schema, item.object, item.body):
            names[(ref.type.target, ref.label)] = self._resolve(item, ref)
        return dict(_rename(self._schema, Type("object", target=item.object), item.body, names))

    def _resolve(self, item: Item, ref: Reference) -> str:
        spec, label = ref.type, ref.label
        for other in self._request.items:
            if other.object == spec.target and label in (other.label, other.natural):
                return other.label
        ids = self._registry.find(spec.target, label)
        if spec.variant:
            ids = [i for i in ids if self._registry.of(spec.target)[i].get("@type") == spec.variant]
        if not ids and self._request.known:
            given = [other.label for other in self._request.items if other.object == spec.target]
            hint = did_you_mean(label, [*self._registry.labels(spec.target), *given]) or "there is none."
            message = f"names the {setting_name(spec.target)} {label!r}, which does not exist; {hint}"
            self._problems.append(Problem(f"{item.key}{ref.place}", "", message))
        return label

    def _change(self, item: Item, body: dict[str, t.Any], identifier: t.Optional[str]) -> t.Optional[Change]:
        wire = self._registry.of(item.object).get(identifier or "")
        if wire is None and item.singleton:
            # A server that does not exist yet: its singletons would have the built-in defaults.
            wire = {}
        if wire is None:
            return self._create(item, body)
        current = Decoder(self._schema, self._registry.label).struct(item.object, wire)
        body = keep_senders(item.object, body, current)
        desired = {**self._request.exclusive.resets(self._schema, item, body, current), **body}
        variants = self._schema.variants(item.object)
        if variants and "@type" in desired and desired["@type"] != current.get("@type"):
            self._complete(item.object, desired, item.key)
            writes = self._whole(item.object, desired)
            return self._updated(item, present(identifier), desired, current, writes, variant=desired["@type"])
        differ = Differ(
            self._schema,
            write_secrets=self._rewrite,
            exact_maps=self._request.exclusive.exact_maps(item),
        )
        writes = differ.struct(item.object, desired, current, item.key)
        self._problems += differ.problems
        for write in writes:
            self._complete_value(write.type, write.value, f"{item.key}.{write.pointer.replace('/', '.')}")
        if writes and wire and self._request.known:
            self._refuse_missing(item, desired, current)
        return self._updated(item, present(identifier), desired, current, writes) if writes else None

    def _refuse_missing(self, item: Item, desired: t.Mapping[str, t.Any], current: t.Mapping[str, t.Any]) -> None:
        """The server checks an object whole: what nobody has given it yet, it wants with the first change."""
        fields = self._schema.fields(item.object, current.get("@type") if self._schema.variants(item.object) else None)
        for name in required(fields):
            if current.get(name, ...) in (None, "") and desired.get(name) in (None, ""):
                message = f"the server has none and needs one with any change of {item.key}; give {describe(fields[name].type, self._schema)}."
                self._problems.append(Problem(f"{item.key}.{name}", "", message))

    def _whole(self, name: str, body: t.Mapping[str, t.Any]) -> list[Write]:
        fields = self._schema.fields(name, body.get("@type"))
        return [Write(key, fields[key].type, value) for key, value in body.items() if key != "@type"]

    def _create(self, item: Item, body: dict[str, t.Any]) -> Change:
        before = len(self._problems)
        self._complete(item.object, body, item.key)
        if len(self._problems) == before:
            for name in required(self._schema.fields(item.object, body.get("@type"))):
                if name not in body:
                    self._problems.append(Problem(f"{item.key}.{name}", "", "is needed to create it."))
        op = Op(
            "create",
            item.object,
            item.label,
            variant=body.get("@type"),
            writes=tuple(self._whole(item.object, body)),
            needs=self._needs(struct_references(self._schema, item.object, body), item),
        )
        return Change("create", setting_name(item.object), item.label, None, mask(self._schema, item.object, body), op)

    def _updated(
        self,
        item: Item,
        identifier: str,
        desired: t.Mapping[str, t.Any],
        current: t.Mapping[str, t.Any],
        writes: t.Sequence[Write],
        variant: t.Optional[str] = None,
    ) -> Change:
        refs = (ref for write in writes for ref in references(self._schema, write.type, write.value))
        op = Op("update", item.object, item.label, identifier, variant, tuple(writes), self._needs(refs, item))
        touched = {write.pointer.split("/", 1)[0].replace("~1", "/").replace("~0", "~") for write in writes}
        wanted = {key: value for key, value in desired.items() if key in touched or (variant and key == "@type")}
        before = project({key: current[key] for key in wanted if key in current}, wanted)
        fields = self._schema.fields(item.object, variant or current.get("@type"))
        after = {
            key: value if key == "@type" else mask_value(self._schema, fields[key].type, value)
            for key, value in wanted.items()
        }
        if any(secret for write in writes for secret in secrets_in(self._schema, write.type, write.value)):
            after["(secrets)"] = f"{MASK} written again"
        return Change(
            "update", setting_name(item.object), item.label, mask(self._schema, item.object, before), after, op
        )

    def _needs(self, refs: t.Iterable[Reference], item: Item) -> frozenset[tuple[str, str]]:
        created = {
            (other.object, other.label) for index, other in enumerate(self._request.items) if index not in self._found
        }
        return frozenset((ref.type.target, ref.label) for ref in refs) & frozenset(
            created - {(item.object, item.label)}
        )

    def _surplus(self) -> list[Change]:
        """Objects of exclusive types that the settings do not name."""
        kept = {(self._request.items[index].object, i) for index, i in self._found.items()}
        changes = []
        for name in self._request.exclusive.types:
            for identifier, wire in self._registry.of(name).items():
                if (name, identifier) not in kept and not is_own(wire.get("namespace")):
                    changes.append(destroy(self._registry, name, identifier))
        return changes

    def _complete(self, name: str, body: t.Mapping[str, t.Any], path: str) -> None:
        """Note every variant that is about to be created without saying which."""
        variants = self._schema.variants(name)
        if variants and "@type" not in body:
            self._problems.append(Problem(f"{path}.@type", "", f"is missing; accepted: {', '.join(variants)}."))
            return
        fields = self._schema.fields(name, body.get("@type"))
        for key, value in body.items():
            if key != "@type":
                self._complete_value(fields[key].type, value, f"{path}.{key}")

    def _complete_value(self, spec: Type, value: t.Any, path: str) -> None:
        if value is None:
            return
        if spec.kind == "object":
            self._complete(spec.target, value, path)
        elif spec.kind == "objectList":
            for index, entry in enumerate(value):
                self._complete(spec.target, entry, f"{path}[{index}]")
        elif spec.kind == "map" and spec.value is not None:
            for key, entry in value.items():
                self._complete_value(spec.value, entry, f"{path}.{key}")


def destroy(registry: Registry, name: str, identifier: str) -> Change:
    """The change that removes an object."""
    current = Decoder(registry.schema, registry.label).struct(name, registry.of(name)[identifier])
    label = showable(registry.label(name, identifier), identifier)
    before = mask(registry.schema, name, writable(registry.schema, name, current))
    return Change("delete", setting_name(name), label, before, None, Op("destroy", name, label, identifier))


def owed(registry: Registry, changes: t.Sequence[Change]) -> list[Change]:
    """What stored settings ask for and the server does not run (contract 11.2, 11.3): actions that are still owed."""
    out = []
    running, stored = registry.running_issuer, stored_issuer(registry)
    touched = any(change.payload.object in ("Authentication", "Directory") for change in changes)
    if running is not None and stored is not None and running != stored and not touched:
        op = Op("action", "Directory", "running", action=RELOAD_SETTINGS)
        out.append(
            Change(
                "update",
                "running directory",
                "issuer",
                {"issuer": running or "internal"},
                {"issuer": stored or "internal"},
                op,
            )
        )
    for action in sorted(registry.pending):
        op = Op("action", "Action", action, action=action)
        before, after = {"running": "older than what is stored"}, {"running": "as stored"}
        out.append(Change("update", "running settings", action, before, after, op))
    return out


def stored_issuer(registry: Registry) -> t.Optional[str]:
    """The issuer that the stored default directory names: ``""`` for the internal one, none when that cannot be told."""
    stored = registry.of("Authentication").get("singleton")
    if stored is None or "directoryId" not in stored:
        return None
    if stored["directoryId"] is None:
        return ""
    directory = registry.of("Directory").get(str(stored["directoryId"])) or {}
    issuer = directory.get("issuerUrl")
    # An LDAP or SQL directory has no issuer, so nothing of it can be compared with what runs.
    return str(issuer).rstrip("/") if issuer else None


def _rename(schema: Schema, spec: Type, value: t.Any, names: t.Mapping[tuple[str, str], str]) -> t.Any:
    """A normal-form value whose references are called by other labels."""
    if value is None:
        return None
    if spec.kind == "objectId":
        return names.get((spec.target, value), value)
    if spec.kind == "set" and spec.item is not None:
        return sorted(_rename(schema, spec.item, member, names) for member in value)
    if spec.kind == "map" and spec.value is not None:
        return {key: _rename(schema, spec.value, item, names) for key, item in value.items()}
    if spec.kind == "objectList":
        return [_rename(schema, Type("object", target=spec.target), entry, names) for entry in value]
    if spec.kind == "object":
        fields = schema.fields(spec.target, value.get("@type"))
        return {k: v if k not in fields else _rename(schema, fields[k].type, v, names) for k, v in value.items()}
    return value
