# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Keycloak's refusals of a token mean."""

from __future__ import annotations

import typing as t

from ..keycloak.tokens import Answer, Login
from .checks import Wrong

#: Causes of a refusal by ``error`` and by what ``error_description`` says, in lower case; the first that fits counts.
_MEANING: tuple[tuple[str, str, str], ...] = (
    ("not_found", "", "realm_missing"),
    ("unauthorized_client", "direct access grants", "direct_grant_off"),
    ("unauthorized_client", "", "client_secret_differs"),
    ("invalid_client", "", "client_secret_differs"),
    ("invalid_scope", "", "scope_missing"),
    ("invalid_grant", "not fully set up", "probe_incomplete"),
    ("invalid_grant", "temporarily", "probe_locked_out"),
    ("invalid_grant", "disabled", "probe_disabled"),
    ("invalid_grant", "", "probe_password_differs"),
)


def meaning(answer: Answer) -> str:
    """The cause of a refusal, as far as the answer itself tells. Pure."""
    for error, words, cause in _MEANING:
        if answer.error == error and words in answer.description.lower():
            return cause
    return "login_refused"


class Facts(t.Protocol):
    """What the realm's admin API tells of a refused login (:class:`.probe_realm.Realm`)."""

    def client_state(self, client_id: str) -> str:
        """``missing``, ``disabled`` or ``enabled``."""

    def user_state(self, username: str) -> str:
        """``missing``, ``locked``, ``disabled``, ``failing`` (its last login was refused) or ``enabled``."""


def refused(answer: Answer, login: Login, facts: t.Optional[Facts]) -> Wrong:
    """What to raise for a refused login: Keycloak hides which of its reasons it is, the admin API tells."""
    cause = meaning(answer)
    more = {"username": login.username or "", "realm": login.realm_url.rpartition("/")[2]}
    if facts is not None and cause == "client_secret_differs":
        cause = {"missing": "client_missing", "disabled": "client_disabled"}.get(
            facts.client_state(login.client_id), cause
        )
    if facts is not None and cause in ("probe_password_differs", "probe_disabled") and login.username:
        found = facts.user_state(login.username)
        states = {"missing": "probe_user_missing", "locked": "probe_locked_out", "disabled": "probe_disabled"}
        cause = states.get(found, cause)
    return Wrong(cause, answer.refusal, **more)
