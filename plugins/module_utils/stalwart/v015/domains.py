# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Domains: a principal of type ``domain`` and its signing keys (contract 5, 6). Pure.

0.16 makes keys for every domain by itself. Here the task does, under the ids that 0.15 signs with by default, so that one
inventory means the same on both.
"""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ...reconcile import Change
from .grammar import Cell, Item
from .principal import LONGEST_TEXT
from .store import Op, Store
from .table import DOMAIN

if t.TYPE_CHECKING:
    from .plan import Planner

#: Canonical algorithm to its part of the key's id, and the API's name of it (contract 6.1).
ALGORITHMS = {"Dkim1RsaSha256": ("rsa", "Rsa"), "Dkim1Ed25519Sha256": ("ed25519", "Ed25519")}

#: What one key consists of: what the API makes, and what may be set beside it. Ids contain dots, so that a prefix would
#: take the keys of longer names, too (contract 6.1).
_PARTS = (
    *("private-key", "domain", "selector", "algorithm", "canonicalization", "report"),
    *(f"headers.{number}" for number in range(5)),
    *("expire", "auid", "third-party", "third-party-algo", "set-body-length"),
)


def key_reads(name: str) -> list[str]:
    """Keys that tell whether a domain has its signing keys, without reading these."""
    return [f"signature.{prefix}-{name}.selector" for prefix, _api in ALGORITHMS.values()]


def check(item: Item, parsed: t.Any) -> None:
    """What of a domain 0.15 can do; problems and the rest go to ``parsed``."""
    description = item.cell("description")
    if description is not None and len(str(description.value or "").encode()) > LONGEST_TEXT:
        message = f"0.15 takes {LONGEST_TEXT} bytes at most."
        parsed.fail(f"{item.key}.description", description.value, message)
    cell = item.cell("dkimManagement")
    if cell is None:
        return
    where = f"{item.key}.dkimManagement"
    given = cell.value
    if not isinstance(given, t.Mapping) or given.get("@type") not in ("Automatic", "Manual"):
        parsed.fail(where, given, "expected a mapping with @type, one of Automatic, Manual.")
        return
    for name, value in given.items():
        if name == "@type":
            continue
        if name != "algorithms":
            parsed.unsupported[f"{where}.{name}"] = "0.15 makes a key once and never replaces it"
        elif isinstance(value, (str, t.Mapping)) or not isinstance(value, (list, tuple)):
            parsed.fail(f"{where}.{name}", value, "expected a list.")
        else:
            for entry in value:
                if isinstance(entry, str) and entry.startswith("Dkim2"):
                    parsed.unsupported[f"{where}.algorithms.{entry}"] = "0.15 knows DKIM version 1 only"
                elif not isinstance(entry, str) or entry not in ALGORITHMS:
                    parsed.fail(f"{where}.algorithms", entry, f"unknown; accepted: {', '.join(ALGORITHMS)}.")


def wanted(item: Item) -> list[str]:
    """Algorithms that a domain must have a key of."""
    cell = item.cell("dkimManagement")
    management = cell.value if cell else {"@type": "Automatic"}
    if management.get("@type") != "Automatic":
        return []
    return sorted(name for name in management.get("algorithms", ALGORITHMS) if name in ALGORITHMS)


def held_keys(store: Store, name: str) -> list[str]:
    """Algorithms that a domain has its key of."""
    return sorted(
        algorithm
        for algorithm, (prefix, _api) in ALGORITHMS.items()
        if f"signature.{prefix}-{name}.selector" in store.keys
    )


def plan(planner: Planner, item: Item) -> None:
    """Create or complete a domain; with ``state: absent`` remove it, or put its properties back to their defaults."""
    store, name = planner.store, item.identifier
    held = (store.domains or {}).get(name)
    if planner.request.absent and not item.reset:
        _absent(planner, item, held)
        return
    if planner.request.absent and held is None:
        return
    _collisions(planner, name)
    description = _description(planner, item)
    managed = not planner.request.absent or any(cell.name == "dkimManagement" for cell in item.reset)
    missing = [algorithm for algorithm in wanted(item) if managed and algorithm not in held_keys(store, name)]
    dkim = tuple((ALGORITHMS[algorithm][1], name) for algorithm in missing)
    if held is None:
        after: dict[str, t.Any] = {"name": name}
        if description is not None:
            after["description"] = description.value
        if missing:
            after["dkimManagement"] = {"@type": "Automatic", "algorithms": missing}
        op = Op(dkim=dkim, domain=("create", name, description.value if description else None), kind=item.kind)
        planner.changes.append(Change("create", "domain", name, None, after, op))
        return
    before, after, change = {}, {}, None
    if description is not None and (held.get("description") or None) != description.value:
        before["description"], after["description"] = held.get("description"), description.value
        change = ("update", name, description.value)
    if missing:
        before["dkimManagement"] = {"algorithms": held_keys(store, name)}
        after["dkimManagement"] = {"algorithms": sorted({*held_keys(store, name), *missing})}
    if after:
        op = Op(dkim=dkim, domain=change, kind=item.kind)
        planner.changes.append(Change("update", "domain", name, before, after, op))


def _description(planner: Planner, item: Item) -> t.Optional[Cell]:
    """What is asked for; its default where the settings are exclusive and do not give one."""
    reset = next((cell for cell in item.reset if cell.name == "description"), None)
    if reset is None and (item.kind, item.label) in planner.request.exclusive.objects:
        row = DOMAIN.row("description")
        reset = Cell("description", "", row.codec, None) if row else None
    return item.cell("description") or reset


def _absent(planner: Planner, item: Item, held: t.Optional[t.Mapping[str, t.Any]]) -> None:
    """Remove a domain with its keys; without it 0.15 would go on proposing these keys' records."""
    name = item.identifier
    made = held_keys(planner.store, name)
    if held is None and not made:
        return
    if held is not None:
        _refuse_used(name, held)
    keys = frozenset(f"signature.{prefix}-{name}.{part}" for prefix, _api in ALGORITHMS.values() for part in _PARTS)
    op = Op(delete=keys, domain=("delete", name, None) if held is not None else None, kind=item.kind)
    before = {"name": name, **({"dkimManagement": {"algorithms": made}} if made else {})}
    planner.changes.append(Change("delete", "domain", name, before, None, op))


def plan_exclusive(planner: Planner) -> None:
    """Remove the domains that the settings do not give."""
    kept = {item.identifier for item in planner.request.items if item.name == "domain"}
    for name, held in sorted((planner.store.domains or {}).items()):
        if name not in kept:
            _absent(planner, Item(DOMAIN, name, f"domain.{name}"), held)


def _refuse_used(name: str, held: t.Mapping[str, t.Any]) -> None:
    """0.15 would delete a domain under its accounts without a word (contract 12.6)."""
    members = held.get("members")
    if isinstance(members, int) and members:
        raise Failure(
            "stalwart",
            "conflict",
            f"cannot remove domain {name}: is still used by {members} address(es).",
            hint="Remove these accounts, groups and lists first (stalwart_principal). Nothing was written.",
        )


def _collisions(planner: Planner, name: str) -> None:
    """Ids of keys contain the domain, and the server cuts them at its dots (contract 6.1)."""
    others = {*(planner.store.domains or {}), *(i.identifier for i in planner.request.items if i.name == "domain")}
    for other in sorted(others - {name}):
        short, long = sorted((name, other), key=len)
        if long.startswith(f"{short}."):
            planner.problems.unsupported[f"domain.{long}"] = (
                f"beside {short} the server would lose the signing key of {short} (ids that begin alike)"
            )


def shown(store: Store, item: Item) -> t.Optional[dict[str, t.Any]]:
    """A domain's given properties as the server holds them; none for a domain that is not there."""
    held = (store.domains or {}).get(item.identifier)
    if held is None:
        return None
    body: dict[str, t.Any] = {}
    for cell in item.cells:
        if cell.name == "description":
            body["description"] = held.get("description") or None
        elif cell.name == "dkimManagement":
            body["dkimManagement"] = {**cell.value, "algorithms": held_keys(store, item.identifier)}
    return body
