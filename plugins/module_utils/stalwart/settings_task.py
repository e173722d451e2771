# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``stalwart_settings``."""

from __future__ import annotations

import dataclasses
import typing as t

from ..kubernetes.connection import inline_secrets
from .driver import SettingsAsk
from .secrets import secrets_of
from .task import open_driver, refuse_absent, told
from .v016.driver import plan_absent_settings


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Converge the settings of one server.

    :raises Failure: see the module's documentation.
    """
    ask = SettingsAsk(
        settings=params["settings"],
        state=params["state"],
        exclusive=tuple(params["exclusive"]),
        update_secrets=params["update_secrets"],
        vocabulary=params.get("vocabulary") or "canonical",
        on_unsupported=params.get("on_unsupported") or "fail",
        wait_certificate=params.get("wait_certificate") or 0,
    )
    if refuse_absent(params, check_mode):
        generation = params.get("generation") or "0.16"
        return {**_plan_absent(ask, generation), "generation": generation, "probe": None, "requests": 0}
    with open_driver(params) as (driver, connection):
        ask = dataclasses.replace(ask, secrets=tuple(connection.secrets))
        result = driver.settings(ask, check_mode=check_mode)
        facts = told(driver, connection)
        warnings = [*result.get("warnings", ()), *facts.get("warnings", ())]
        return {"unsupported": [], **result, **facts, **({"warnings": warnings} if warnings else {})}


def _plan_absent(ask: SettingsAsk, generation: str) -> dict[str, t.Any]:
    if generation == "0.15":
        from .v015.driver import plan_absent_settings as plan_absent_settings_015

        return plan_absent_settings_015(ask)
    return {"unsupported": [], **plan_absent_settings(ask)}


def secrets(params: t.Mapping[str, t.Any]) -> list[str]:
    """Secrets inside the settings, for the shells: Ansible only knows those of whole options."""
    settings = params.get("settings") or {}
    found = [*secrets_of(settings), *inline_secrets(params)]
    if params.get("vocabulary") == "native":
        from .v015.native import native_secrets

        found += native_secrets(settings)
    return found
