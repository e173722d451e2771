# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of realm_plan: read a realm, plan it, prove an empty plan by a token, write nothing."""

from __future__ import annotations

import typing as t

from ..failure import Failure
from ..reconcile import Plan
from .argspec import ENABLED
from .client import KeycloakClient
from .desired import desired_realm
from .groups import unusable
from .model import LAYER, DesiredRealm, RealmState
from .plan import check_write_access, plan_realm
from .proof import claims_of, form, prove
from .users import anew
from .writes import writes


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """See the module's documentation.

    :param params: validated against :data:`.argspec.REALM_PLAN`.
    :raises Failure: ``unreachable``, ``unauthorized``, ``forbidden``, ``invalid_value``, ``conflict`` (another issuer),
        ``not_converged`` (nothing differs, but a token is not what the mail server needs).
    """
    desired = desired_realm(params)
    if params["offline"]:
        if not check_mode:
            raise Failure(LAYER, "invalid_value", "offline is accepted in check mode only.")
        state, plan, proven, requests = RealmState(), plan_realm(RealmState(), desired), None, 0
    else:
        state, plan, proven, requests = _read(params, desired)
    if not check_mode:
        check_write_access(plan, state)
    return {
        "changed": plan.changed,
        "changes": plan.summary(),
        "diff": plan.diff(),
        "exists": state.realm is not None,
        "writes": writes(plan, state, desired),
        "proven": proven,
        "unusable_groups": unusable(state, desired.groups),
        "requests": requests,
    }


def _read(params: t.Mapping[str, t.Any], desired: DesiredRealm) -> tuple[RealmState, Plan, str | None, int]:
    with KeycloakClient(
        params["admin_url"],
        params["realm"],
        auth=params["auth"],
        auth_realm=params["auth_realm"],
        ca_path=params["ca_path"],
    ) as client:
        client.login()
        state = client.read(desired)
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
        plan, proven = plan_realm(state, desired), None
        if not plan:
            plan, proven = _prove(client, realm_url, desired)
        return state, plan, proven, client.requests


def _prove(client: KeycloakClient, realm_url: str, desired: DesiredRealm) -> tuple[Plan, str | None]:
    """Nothing differs: a token shows whether all of it works together, the probe's password included.

    Nobody but this collection chose that password, so a probe that cannot log in is made anew.
    """
    probe = desired.probe
    if probe is None or probe.state != ENABLED or probe.secret is None or probe.password is None:
        return Plan(), None
    token, refused = client.token(realm_url, form(desired, probe))
    if token is None:
        return Plan((anew(probe.username, refused),)), None
    return Plan(), prove(claims_of(token), desired, probe)
