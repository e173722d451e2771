# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of realm_plan: read a realm, plan it, prove an empty plan by a token, write nothing."""

from __future__ import annotations

import contextlib
import typing as t

from ..failure import Failure
from ..reconcile import Plan
from .argspec import ENABLED
from .client import KeycloakClient
from .desired import desired_realm
from .groups import unusable
from .model import LAYER, DesiredRealm, RealmState
from .plan import check_write_access, plan_realm
from .proof import prove
from .tokens import Login, Tokens, blame, settled
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
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(
            KeycloakClient(
                params["admin_url"],
                params["realm"],
                auth=params["auth"],
                auth_realm=params["auth_realm"],
                ca_path=params["ca_path"],
            )
        )
        tokens = stack.enter_context(contextlib.closing(Tokens(_login(params), params["ca_path"])))
        client.login()
        state = client.read(desired)
        if state.realm is not None and state.realm.get("enabled"):
            _check_issuer(tokens)
        plan, proven = plan_realm(state, desired), None
        if not plan:
            plan, proven = _prove(client, tokens, state, desired)
        return state, plan, proven, client.requests + tokens.requests


def _login(params: t.Mapping[str, t.Any]) -> Login:
    """The probe's; without one nothing but the issuer is asked for."""
    probe = params["probe"] or {"client_id": ""}
    return Login.of({**probe, "realm_url": params["realm_url"], "client_secret": probe.get("secret")})


def _check_issuer(tokens: Tokens) -> None:
    """The mail server refuses the tokens of another issuer than its directory names."""
    realm_url, issuer = tokens.login.realm_url, tokens.issuer()
    if issuer is None:
        raise Failure(
            LAYER,
            "not_found",
            f"the realm exists, but {realm_url} has no discovery document.",
            hint="Check that tenant_realm_url leads to the same Keycloak as tenant_keycloak_admin_url.",
        )
    if issuer != realm_url:
        raise Failure(
            LAYER,
            "conflict",
            f"the realm's discovery document names the issuer {issuer}, not {realm_url}; the mail server would refuse its tokens.",
            hint="Set tenant_realm_url to the issuer, or Keycloak's hostname (or the realm's frontend URL) to the realm URL.",
        )


def _prove(client: KeycloakClient, tokens: Tokens, state: RealmState, desired: DesiredRealm) -> tuple[Plan, str | None]:
    """Nothing differs: a token shows whether all of it works together, the probe's password included.

    Nobody but this collection chose that password, so a probe that cannot log in is made anew.
    """
    probe = desired.probe
    if probe is None or probe.state != ENABLED or probe.secret is None or probe.password is None:
        return Plan(), None
    user_id = str(state.users[probe.username]["id"])
    answer = settled(
        # Everything that a mail program would ask for.
        lambda: tokens.ask(" ".join(desired.asked_scopes)),
        # Role verify may log the probe in at the same time.
        lambda: blame(client.get_json, user_id) == (0, False),
    )
    if answer.token:
        return Plan(), prove(answer.token, desired, probe)
    if answer.error == "invalid_grant":
        return Plan((anew(probe.username, answer.description),)), None
    raise Failure(
        LAYER,
        "not_converged",
        f"client {probe.client_id} gets no token, although nothing in the realm differs: {answer.refusal}.",
        hint="Look at the realm's events, and for client policies and a changed direct grant flow in the realm.",
    )
