# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of realm_plan: read a realm, plan it, write nothing."""

from __future__ import annotations

import typing as t

from ..failure import Failure
from .client import KeycloakClient
from .model import LAYER, RealmState, desired_realm
from .plan import check_write_access, plan_realm, writes


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """See the module's documentation.

    :param params: validated against :data:`.argspec.REALM_PLAN`.
    :raises Failure: ``unreachable``, ``unauthorized``, ``forbidden``, ``invalid_value``, ``conflict`` (another issuer).
    """
    desired = desired_realm(params)
    if params["offline"]:
        if not check_mode:
            raise Failure(LAYER, "invalid_value", "offline is accepted in check mode only.")
        state, requests = RealmState(), 0
    else:
        state, requests = _read(params)
    plan = plan_realm(state, desired)
    if not check_mode:
        check_write_access(plan, state)
    return {
        "changed": plan.changed,
        "changes": plan.summary(),
        "diff": plan.diff(),
        "exists": state.realm is not None,
        "writes": writes(plan, state, desired),
        "requests": requests,
    }


def _read(params: t.Mapping[str, t.Any]) -> tuple[RealmState, int]:
    with KeycloakClient(
        params["admin_url"],
        params["realm"],
        auth=params["auth"],
        auth_realm=params["auth_realm"],
        ca_path=params["ca_path"],
    ) as client:
        client.login()
        state = client.read()
        realm_url = params["realm_url"].rstrip("/")
        if state.realm is not None and state.realm.get("enabled"):
            issuer = client.issuer(realm_url)
            if issuer != realm_url:
                raise Failure(
                    LAYER,
                    "conflict",
                    f"the realm's discovery document names the issuer {issuer}, not {realm_url}; the mail server would refuse its tokens.",
                    hint="Set tenant_realm_url to the issuer, or Keycloak's hostname (or the realm's frontend URL) to the realm URL.",
                )
        return state, client.requests
