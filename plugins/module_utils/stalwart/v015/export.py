# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A 0.15 server's settings in canonical names, proven by a plan on what was just read.

What config.toml holds, what the server writes by itself, and what no canonical name stands for is left out and named.
"""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ...reconcile import Change
from ..placeholder import placeholder
from ..send_as import leave_to_principals
from . import domains
from .client import RestClient
from .codecs import Wrong
from .export_principals import export_principals
from .expression import Expression
from .firststart import FIRST_START, removed
from .grammar import Item, parse
from .localkeys import PREFIX as LOCAL_KEYS
from .native import is_secret
from .plan import Planner, Request
from .removal import KEEPER, Exclusive
from .send_as import SEPARATOR
from .settings import read_domains
from .special import DirectoryLabel, RulesUrl
from .store import OWED, PENDING, Store
from .table import DOMAIN, OBJECTS, SINGLETONS
from .vocabulary import Kind, Row

Settings = t.Dict[str, t.Any]
LeftOut = t.List[t.Tuple[str, str]]

#: Where the server and its rules write by themselves (contract 10.16).
_OWN = ("oauth.key", "version.", "server.blocked-ip.", f"{PENDING}.", "enterprise.")
_FROM_RULES = ("lookup.", "http-lookup.", "spam-filter.rule.", "spam-filter.dnsbl.server.", "spam-filter.list.", "asn.")
_ROUNDS = 8
#: So many addresses of a list are named.
_NAMED = 20
_FILE = "the server keeps it in its config.toml"
_REMOVED = "the server stores it at its first start, and here somebody removed it; vocabulary: native can do that, too"
_NATIVE = "no canonical name stands for it; vocabulary: native takes it as it is"


def export_server(client: RestClient) -> dict[str, t.Any]:
    """Everything: ``settings``, ``principals``, and what was ``left_out`` and why."""
    data = client.get("/api/settings/list")
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, dict):
        raise Failure("stalwart", "protocol", f"GET {client.http.base_url}/api/settings/list: unknown answer.")
    stored = {str(key): str(text) for key, text in items.items()}
    client.http.redactor.add(*(text for key, text in stored.items() if is_secret(key)))
    store = Store(stored, read_domains(client))
    settings, left_out = export_settings(store)
    principals, missing = export_principals(client, store)
    leave_to_principals(settings, principals, SEPARATOR)
    return {
        "settings": settings,
        "principals": principals,
        "left_out": [{"key": key, "reason": reason} for key, reason in sorted({*left_out, *missing})],
    }


def export_settings(store: Store) -> tuple[Settings, LeftOut]:
    """The settings of what was read. Pure."""
    exporter = _Exporter(store)
    exporter.collect()
    exporter.prove()
    exporter.name_the_rest()
    return exporter.settings(), exporter.left_out


class _Exporter:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._local = store.local
        self._bodies: dict[tuple[str, str], dict[str, t.Any]] = {}
        self._seen: set[str] = set()
        self.left_out: LeftOut = []
        self._rules = store.keys.get(RulesUrl.VERSION, RulesUrl.none) not in RulesUrl.NOWHERE

    def collect(self) -> None:
        for kind in SINGLETONS:
            self._object(kind, "", kind.name)
        for kind in OBJECTS:
            if kind.name == "blockedIp":
                self._blocked(kind)
                continue
            for identifier in kind.ids(self._store.keys):
                if self._is_mine(kind, identifier):
                    label = kind.unlabel(identifier) if kind.unlabel else identifier
                    self._object(kind, identifier, f"{kind.name}.{label}", label)
        for name, held in sorted((self._store.domains or {}).items()):
            self._domain(name, held)

    def _blocked(self, kind: Kind) -> None:
        """0.15 stores its own bans as what people block, without a time; as settings they would never end."""
        addresses = kind.ids(self._store.keys)
        if addresses:
            more = f" and {len(addresses) - _NAMED} more" if len(addresses) > _NAMED else ""
            why = "0.15 does not tell its own bans from what people block; give those that shall stay"
            self.left_out.append((kind.name, f"{why}: {', '.join(addresses[:_NAMED])}{more}"))

    def _is_mine(self, kind: Kind, identifier: str) -> bool:
        """Two kinds share the lookup tables, by whether an entry has a value; the rules' own are nobody's."""
        if kind.root != "lookup":
            return True
        if self._rules or identifier.endswith(f".{KEEPER}") or "." not in identifier:
            return False
        return bool(self._store.keys[kind.of(identifier)]) is (kind.name == "memoryLookupKeyValue")

    def _object(self, kind: Kind, identifier: str, path: str, label: str = "") -> None:
        keys = self._store.keys
        held = kind.keys_of(identifier, keys) if kind.prefix else {}
        if kind.prefix and any(key in self._local for key in held):
            self._seen |= set(held)
            self.left_out.append((path, _FILE))
            return
        if held and all(FIRST_START.get(key) == text for key, text in held.items()):
            self._seen |= set(held)
            return
        body: dict[str, t.Any] = {}
        for variant, fixed in kind.fixed.items():
            del variant
            self._seen |= {f"{kind.of(identifier)}.{name}" for name in fixed}
        for row in kind.rows:
            if row.key:
                self._row(kind, row, identifier, path, body)
        if kind.bare:
            self._seen |= set(held)
        if body or kind.prefix:
            self._bodies[(kind.name, label)] = body

    def _row(self, kind: Kind, row: Row, identifier: str, path: str, body: dict[str, t.Any]) -> None:
        key = row.at(identifier)
        owned = row.codec.owned(key, self._store.keys)
        self._seen |= set(owned)
        where = f"{path}.{row.name}"
        typed = body.get("@type")
        if row.variants and typed not in row.variants:
            return
        if owned and any(name in self._local for name in owned):
            self.left_out.append((where, _FILE))
            return
        if isinstance(row.codec, DirectoryLabel):
            value: t.Any = self._store.default_directory
        elif row.codec.secret:
            value = placeholder(where) if owned else None
        else:
            value = row.codec.decode(key, owned)
        # A new object gets what 0.16 would give it; where the server has something else, that must be said.
        usual = row.create if kind.prefix and row.create is not None else row.codec.default
        if value == usual or value is None:
            return
        try:
            row.codec.check(value)
        except Wrong as exc:
            self.left_out.append((where, f"holds what cannot be given: {exc}".rstrip(".")))
            return
        if isinstance(row.codec, Expression) and not value["match"]:
            value = value["else"]
        _put(body, row.name, value)

    def _domain(self, name: str, held: t.Mapping[str, t.Any]) -> None:
        body: dict[str, t.Any] = {}
        if held.get("description"):
            body["description"] = str(held["description"])
        made = domains.held_keys(self._store, name)
        if not made:
            body["dkimManagement"] = {"@type": "Manual"}
        elif len(made) < len(domains.ALGORITHMS):
            body["dkimManagement"] = {"@type": "Automatic", "algorithms": made}
        for prefix, _api in domains.ALGORITHMS.values():
            start = f"signature.{prefix}-{name}."
            self._seen |= {key for key in self._store.keys if key.startswith(start)}
        self._bodies[(DOMAIN.name, name)] = body

    def settings(self) -> Settings:
        out: Settings = {}
        for (name, label), body in sorted(self._bodies.items()):
            if label:
                out.setdefault(name, {})[label] = body
            elif body:
                out[name] = body
        return {name: out[name] for name in sorted(out)}

    def prove(self) -> None:
        """Drop what a plan on the same server would still change or refuse."""
        for _round in range(_ROUNDS):
            parsed = parse(self.settings())
            refused = {**parsed.unsupported, **parsed.unknown, **{p.key: p.message for p in parsed.problems}}
            if refused:
                for key, why in refused.items():
                    self._drop(key, why)
                continue
            try:
                plan = Planner(Store(self._store.keys, self._store.domains), _request(parsed.items)).plan()
            except Failure as failure:
                details = failure.details or ()
                for detail in details:
                    self._drop(str(detail["key"]), str(detail["message"]))
                if not details:
                    raise
                continue
            changes = [change for change in plan.changes if change.kind != OWED]
            if not changes:
                return
            for change in changes:
                self._undo(change)

    def _undo(self, change: Change) -> None:
        label = "" if change.key == "singleton" else change.key
        for name in list(change.after or {}):
            self._drop(
                f"{change.kind}.{label}.{name}" if label else f"{change.kind}.{name}", "does not come back as given"
            )

    def _drop(self, key: str, why: str) -> None:
        """Leave out a property, or the object when it has no such property."""
        for (name, label), body in list(self._bodies.items()):
            start = f"{name}.{label}" if label else name
            if key != start and not key.startswith(f"{start}."):
                continue
            prop = key[len(start) + 1 :].split(".", 1)[0]
            if body.pop(prop, None) is None:
                del self._bodies[(name, label)]
            self.left_out.append((key, why.rstrip(".")))
            return

    def name_the_rest(self) -> None:
        """Keys of the store that nothing exported stands for."""
        for key in sorted(self._store.keys):
            mine = (
                key in self._seen
                or FIRST_START.get(key) == self._store.keys[key]
                or key.startswith((*_OWN, LOCAL_KEYS))
                or key in self._local
            )
            from_rules = self._rules and key.startswith(_FROM_RULES)
            if not mine and not from_rules and not key.endswith(f".{KEEPER}"):
                self.left_out.append((key, _NATIVE))
        self.left_out += [(key, _REMOVED) for key in removed(self._store.keys)]
        if self._rules:
            self.left_out.append(("lookup", "the spam rules put entries of their own there"))


def _request(items: t.Sequence[Item]) -> Request:
    return Request(tuple(items), Exclusive())


def _put(body: dict[str, t.Any], path: str, value: t.Any) -> None:
    parts = path.split(".")
    for part in parts[:-1]:
        body = body.setdefault(part, {})
    body[parts[-1]] = value
