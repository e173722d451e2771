# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The 0.16 generation: JMAP registry objects, typed by the server's own schema."""

from __future__ import annotations

import typing as t

from ...http_client import HttpClient
from ..driver import Addresses, Driver, InfoAsk, PrincipalAsk, Result, SettingsAsk
from .actions import reload_certificates
from .addresses import read_addresses
from .app_passwords import AppPasswords016
from .cache import SchemaCache
from .client import JmapClient
from .export import export_server
from .info import gather
from .principal_task import PrincipalTask
from .schema import Schema, reduce_document
from .settings import Outcome, SettingsTask
from .unvalidated import unvalidated_plan


class Driver016(Driver):
    """:param schema_hash: what the probe found; the schema is fetched only when it is not cached."""

    generation = "0.16"

    def __init__(self, http: HttpClient, schema_hash: str, cache: t.Optional[SchemaCache] = None) -> None:
        self._http = http
        self._client = JmapClient(http)
        self._hash = schema_hash
        self._cache = cache or SchemaCache()
        self._schema: t.Optional[Schema] = None

    @property
    def schema(self) -> Schema:
        """The server's schema. :raises Failure: as :meth:`HttpClient.request`; ``protocol``."""
        if self._schema is None:
            self._schema = self._cache.load(self._hash)
            if self._schema is None:
                self._schema = self._fetch()
            self._cache.touch(self._hash)
        return self._schema

    def _fetch(self) -> Schema:
        path = f"/api/schema/{self._hash}"
        document = self._http.json(self._http.request("GET", path), dict)
        reduced = reduce_document(document, self._hash)
        self._cache.store(reduced)
        return Schema(reduced)

    def settings(self, ask: SettingsAsk, *, check_mode: bool) -> Result:
        """See :class:`Driver`."""
        return {
            **settings_result(SettingsTask(self._client, self.schema, ask).run(check_mode)),
            "schema_hash": self._hash,
        }

    def principals(self, ask: PrincipalAsk, *, check_mode: bool) -> Result:
        """See :class:`Driver`."""
        return {**PrincipalTask(self._client, self.schema, ask).run(check_mode), "schema_hash": self._hash}

    def info(self, ask: InfoAsk) -> Result:
        """See :class:`Driver`."""
        return {**gather(self._client, ask), "schema_hash": self._hash}

    def app_passwords(self, account: t.Optional[str]) -> AppPasswords016:
        """See :class:`Driver`."""
        return AppPasswords016(self._client, account)

    def addresses(self) -> Addresses:
        """See :class:`Driver`."""
        return read_addresses(self._client)

    def reload_certificates(self) -> str:
        """See :class:`Driver`."""
        return reload_certificates(self._client)

    def export(self) -> Result:
        """See :class:`Driver`."""
        return export_server(self._client, self.schema)


def settings_result(outcome: Outcome) -> Result:
    """What ``stalwart_settings`` returns of an outcome."""
    plan = outcome.plan
    return {
        "changed": plan.changed,
        "changes": plan.summary(),
        "diff": plan.diff(),
        "settings": outcome.values(),
        "restart_required": outcome.restart_required(),
        "running_issuer": outcome.registry.running_issuer,
        "unvalidated": False,
        **({"warnings": list(outcome.warnings)} if outcome.warnings else {}),
    }


def plan_absent_settings(ask: SettingsAsk, cache: t.Optional[SchemaCache] = None) -> Result:
    """Check mode against a server that does not exist yet: the last cached schema types the settings, if there is one."""
    schema = (cache or SchemaCache()).newest()
    if schema is None:
        plan = unvalidated_plan(ask)
        return {
            "changed": plan.changed,
            "changes": plan.summary(),
            "diff": plan.diff(),
            "settings": {},
            "restart_required": [],
            "running_issuer": None,
            "unvalidated": True,
            "schema_hash": None,
        }
    return {**settings_result(SettingsTask(None, schema, ask).run(True)), "schema_hash": schema.hash}


def plan_absent_principals(ask: PrincipalAsk, cache: t.Optional[SchemaCache] = None) -> Result:
    """The same for principals."""
    schema = (cache or SchemaCache()).newest()
    return {**PrincipalTask(None, schema, ask).run(True), "schema_hash": schema.hash if schema else None}
