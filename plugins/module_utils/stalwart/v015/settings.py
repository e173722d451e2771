# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``stalwart_settings`` on 0.15: read, plan, try, write, run, read back."""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ...reconcile import Plan, converge, present
from ...redact import Redactor
from ..driver import Result, SettingsAsk
from ..v016.expiry import now, warnings
from . import domains
from .client import RestClient
from .errors import ApiError
from .grammar import Item, Parsed, parse, refuse
from .localkeys import PREFIX as LOCAL_KEYS
from .native import is_secret, parse_native
from .plan import Planner, Request, values
from .removal import parse_exclusive, table_of
from .special import Issuer
from .store import DEFAULT_DIRECTORY, PENDING, Store
from .table import DOMAIN
from .write import restarts, trial, write_and_run

_TRIES = 3
_HOST = "server.hostname"
#: Errors that mean somebody else was faster.
_RACES = ("assertFailed", "fieldAlreadyExists", "notFound")


class SettingsTask:
    """One task on one server.

    :param client: none for a server that does not exist yet.
    """

    def __init__(self, client: t.Optional[RestClient], ask: SettingsAsk) -> None:
        self._client = client
        self._ask = ask
        native = ask.vocabulary == "native"
        absent = ask.state == "absent"
        moment = "" if absent else now()
        parsed = (
            parse_native(ask.settings, absent=absent) if native else parse(ask.settings, absent=absent, moment=moment)
        )
        for item in parsed.items:
            if item.kind is DOMAIN:
                domains.check(item, parsed)
        exclusive = parse_exclusive(ask.exclusive, parsed.items, parsed, native=native)
        self._refused: t.Optional[Failure] = None
        try:
            refuse(parsed, report=ask.on_unsupported == "report")
        except Failure as failure:
            if client is None or failure.code != "unsupported_by_generation":
                raise
            self._refused = failure
        self._parsed: Parsed = parsed
        self._request = Request(tuple(parsed.items), exclusive, absent, ask.update_secrets == "always")

    @property
    def _items(self) -> tuple[Item, ...]:
        return self._request.items

    def run(self, check_mode: bool) -> Result:
        """:raises Failure: before any write for settings that are wrong, after it for what the server refuses."""
        if self._client is None:
            store = Store(domains={}, known=False)
            return self._result(self._plan(store), store)
        held = [
            cell.value for item in self._items for cell in item.cells if cell.codec.secret and cell.value is not None
        ]
        given = [text for value in held for text in (value if isinstance(value, list) else [value])]
        self._client.http.redactor = Redactor([*self._ask.secrets, *given])
        if self._refused is not None:
            raise self._with_what_the_server_bars(self._refused)
        plan, store = self._converge(check_mode)
        return self._result(plan, store)

    def _with_what_the_server_bars(self, refused: Failure) -> Failure:
        """A refusal with what a plan is refused for besides: who corrects one wants to know of the other."""
        try:
            self._plan(self._read())
        except Failure as failure:
            # One of a request tells nothing about the settings.
            if failure.request is None:
                refused.message = f"{refused.message} Besides: {failure.message}"
                refused.hint = f"{refused.hint} {failure.hint.replace('Nothing was written.', '')}".strip()
                refused.details = [*(refused.details or ()), *(failure.details or ())]
        return refused

    def _converge(self, check_mode: bool) -> tuple[Plan, Store]:
        applied: list[Plan] = []
        client = present(self._client)

        def apply(plan: Plan, _store: Store) -> None:
            trial(client, plan)
            applied.append(plan)
            write_and_run(client, plan)

        for attempt in range(_TRIES):
            try:
                done, store = converge("stalwart", self._read, self._plan, apply, check_mode=check_mode)
                if check_mode and done:
                    trial(client, done)
                return (applied[0] if applied else done), store
            except ApiError as error:
                if error.kind not in _RACES or attempt == _TRIES - 1 or not applied:
                    raise
            except Failure as failure:
                if failure.code == "not_converged":
                    failure.hint = (
                        "A key that stands in the server's config.toml is read from there, whatever the API stores:"
                        " take it out of the file and restart the server. Else something else writes the same keys."
                    )
                raise
        raise AssertionError("the loop above returns or raises")

    def _plan(self, store: Store) -> Plan:
        return Planner(store, self._request).plan()

    def _read(self) -> Store:
        client = present(self._client)
        keys, prefixes = self._wants()
        stored = client.keys(keys, prefixes)
        # 0.15 hands secrets out in clear; an error text may quote them.
        client.http.redactor.add(*(text for key, text in stored.items() if is_secret(key)))
        if "%{" in stored.get(_HOST, "") and any(cell.key == _HOST for item in self._items for cell in item.cells):
            # Macros are shown as they stand in config.toml (contract 1.3); what they became is in the records.
            stored[_HOST] = running_host(client) or stored[_HOST]
        return Store(stored, read_domains(client) if self._needs_domains() else None)

    def _needs_domains(self) -> bool:
        if any(kind is DOMAIN for kind in self._request.exclusive.kinds):
            return True
        return any(
            item.kind is DOMAIN or (item.name == "systemSettings" and item.cell("defaultDomainId"))
            for item in self._items
        )

    def _wants(self) -> tuple[set[str], set[str]]:
        keys, prefixes = {DEFAULT_DIRECTORY}, {PENDING, LOCAL_KEYS, "directory", *self._request.exclusive.prefixes}
        for item in self._items:
            kind = item.kind
            if kind is DOMAIN:
                keys.update(domains.key_reads(item.identifier))
                continue
            if kind and not kind.singleton:
                if kind.bare:
                    keys.add(kind.of(item.identifier))
                else:
                    prefixes.add(kind.root if kind.by_type else kind.of(item.identifier))
                if kind.root == "lookup" and self._request.absent:
                    prefixes.add(table_of(kind.of(item.identifier)))
                continue
            if not kind and item.key.startswith("lookup.") and all(cell.value is None for cell in item.cells):
                prefixes.add(table_of(item.key))
            for cell in (*item.cells, *item.reset, *item.take):
                more_keys, more_prefixes = cell.codec.reads(cell.key)
                keys.update(more_keys)
                prefixes.update(more_prefixes)
        above = {p for p in prefixes if any(p != q and p.startswith(f"{q}.") for q in prefixes)}
        prefixes -= above
        return {k for k in keys if not any(k.startswith(f"{p}.") for p in prefixes)}, prefixes

    def _result(self, plan: Plan, store: Store) -> Result:
        unsupported = [{"key": key, "why": why} for key, why in sorted(self._parsed.unsupported.items())]
        result: Result = {
            "changed": plan.changed,
            "changes": plan.summary(),
            "diff": plan.diff(),
            "settings": values(store, self._items) if store.known else {},
            "restart_required": restarts(plan.changes),
            "running_issuer": self._running_issuer(store),
            "unsupported": unsupported,
            "unvalidated": False,
            "schema_hash": None,
        }
        result["warnings"] = warnings(item.key for item in self._items if item.ended)
        if unsupported:
            names = ", ".join(entry["key"] for entry in unsupported)
            result["warnings"].append(f"Stalwart 0.15 cannot express these settings, and they have no effect: {names}")
        return result

    def _running_issuer(self, store: Store) -> t.Optional[str]:
        """0.15 cannot be asked what runs; after an accepted reload it is what is stored."""
        managed = any(
            item.name == "directory" or any(cell.key == DEFAULT_DIRECTORY for cell in (*item.cells, *item.reset))
            for item in self._items
        )
        return running_issuer(store) if managed and store.known else None


def running_issuer(store: Store) -> t.Optional[str]:
    """The issuer of the default directory, ``""`` for another kind; none while a reload is owed."""
    if "settings" in store.pending or DEFAULT_DIRECTORY not in store.keys:
        return None
    url = store.keys.get(f"directory.{store.default_directory}.endpoint.url", "")
    return str(Issuer().decode("url", {"url": url})).rstrip("/") if url else ""


def running_host(client: RestClient) -> t.Optional[str]:
    """The server's host name as its last reload read it."""
    data = client.get("/api/dns/records/localhost")
    return host_of([entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else [])


def host_of(records: t.Iterable[t.Mapping[str, t.Any]]) -> t.Optional[str]:
    """The server's host name from what any domain publishes: it is in the MX record (contract 6.2)."""
    contents = [str(entry.get("content")) for entry in records if entry.get("type") == "MX"]
    return contents[0].rpartition(" ")[2].rstrip(".") if contents else None


def read_domains(client: RestClient) -> dict[str, dict[str, t.Any]]:
    """All domain principals by name."""
    data = client.get("/api/principal", {"types": "domain"})
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, list):
        raise Failure("stalwart", "protocol", f"GET {client.http.base_url}/api/principal: unknown answer.")
    return {str(item.get("name")): item for item in items if isinstance(item, dict)}
