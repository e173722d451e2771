# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``stalwart_principal``."""

from __future__ import annotations

import typing as t

from .driver import PrincipalAsk, Result
from .managed import managing_of
from .task import open_driver, refuse_absent, told
from .v016.driver import plan_absent_principals


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Converge principals of one server.

    :raises Failure: see the module's documentation.
    """
    principals, managing = tuple(params["principals"]), managing_of(params)
    if refuse_absent(params, check_mode):
        generation = params.get("generation") or "0.16"
        planned = _plan_absent(PrincipalAsk(principals, params["update_secrets"], managing=managing), generation)
        return {**planned, "generation": generation, "probe": None, "requests": 0}
    with open_driver(params) as (driver, connection):
        ask = PrincipalAsk(
            principals, params["update_secrets"], bool(params.get("probe")), managing, connection.secrets
        )
        result = driver.principals(ask, check_mode=check_mode)
        facts = told(driver, connection)
        return {**result, **facts, "warnings": [*facts.get("warnings", ()), *result["warnings"]]}


def _plan_absent(ask: PrincipalAsk, generation: str) -> Result:
    if generation == "0.15":
        # Here, so that each generation's modules are loaded for its own servers only.
        from .v015 import driver as v015

        return v015.plan_absent_principals(ask)
    return plan_absent_principals(ask)
