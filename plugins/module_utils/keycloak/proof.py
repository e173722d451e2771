# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a token of the probe must carry for the mail server (pure)."""

from __future__ import annotations

from ..failure import Failure
from . import claims
from .model import LAYER, DesiredRealm, Probe


def prove(token: str, desired: DesiredRealm, probe: Probe) -> str:
    """What a token of the probe carries, in words.

    :raises Failure: ``protocol`` for an opaque token, ``not_converged`` when it lacks what the mail server asks for, although
        nothing in the realm differs.
    """
    try:
        found = claims.decode(token)
    except claims.NoToken as exc:
        message = f"the realm's access token is no JSON Web Token, which the mail server needs: {exc}."
        raise Failure(LAYER, "protocol", message) from None
    audiences, scopes, groups = claims.audiences(found), claims.scopes(found), claims.groups(found) or []
    wrong: list[str] = []
    if desired.audience is not None and desired.audience not in audiences:
        wrong.append(f"aud is {audiences}, not {desired.audience}")
    missing = [scope for scope in desired.required_scopes if scope not in scopes]
    if missing:
        wrong.append(f"scope lacks {' '.join(missing)}")
    if found.get("preferred_username") != probe.username:
        wrong.append(f"preferred_username is {found.get('preferred_username')}, not {probe.username}")
    if probe.group not in groups:
        wrong.append(f"groups is {groups}, without {probe.group}")
    if wrong:
        raise Failure(
            LAYER,
            "not_converged",
            f"a token of client {probe.client_id} is not what the mail server needs: {'; '.join(wrong)}.",
            hint="Look for other mappers, default groups and client policies in the realm that change tokens.",
        )
    parts = [f"aud {desired.audience}"] if desired.audience is not None else []
    parts += [f"scope {' '.join(desired.required_scopes)}", f"preferred_username {probe.username}"]
    return f"a token of {probe.client_id} carries {', '.join(parts)}"
