# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The 0.15 generation: flat keys and principals over REST."""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ...http_client import HttpClient
from ..driver import Addresses, Driver, InfoAsk, PrincipalAsk, Result, SettingsAsk
from .addresses import read_addresses
from .app_passwords import AppPasswords015
from .client import RestClient
from .export import export_server
from .info import gather
from .principal_task import Principal015Task
from .settings import SettingsTask


class Driver015(Driver):
    """One 0.15 server."""

    generation = "0.15"

    def __init__(self, http: HttpClient) -> None:
        self._client = RestClient(http)

    def settings(self, ask: SettingsAsk, *, check_mode: bool) -> Result:
        """See :class:`Driver`."""
        return SettingsTask(self._client, ask).run(check_mode)

    def principals(self, ask: PrincipalAsk, *, check_mode: bool) -> Result:
        """See :class:`Driver`."""
        return {**Principal015Task(self._client, ask).run(check_mode), "schema_hash": None}

    def info(self, ask: InfoAsk) -> Result:
        """See :class:`Driver`."""
        return {**gather(self._client, ask), "schema_hash": None}

    def app_passwords(self, account: t.Optional[str]) -> AppPasswords015:
        """See :class:`Driver`."""
        return AppPasswords015(self._client, account)

    def addresses(self) -> Addresses:
        """See :class:`Driver`."""
        return read_addresses(self._client)

    def reload_certificates(self) -> str:
        """See :class:`Driver`."""
        try:
            self._client.reload(what="certificate", stored=False)
        except Failure as failure:
            if failure.code != "reload_refused":
                raise
            return failure.message
        return ""

    def export(self) -> Result:
        """See :class:`Driver`."""
        return export_server(self._client)


def plan_absent_settings(ask: SettingsAsk) -> Result:
    """Check mode against a server that does not exist yet; its local keys are not known, so none is refused."""
    return SettingsTask(None, ask).run(True)


def plan_absent_principals(ask: PrincipalAsk) -> Result:
    """The same for principals."""
    return {**Principal015Task(None, ask).run(True), "schema_hash": None}
