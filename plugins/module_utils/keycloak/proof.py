# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a token of the probe must carry for the mail server (pure)."""

from __future__ import annotations

import base64
import json
import typing as t

from ..failure import Failure
from .model import LAYER, DesiredRealm, Probe


def claims_of(token: str) -> dict[str, t.Any]:
    """The claims of a JSON Web Token (RFC 7519 section 3); whoever fetched it over TLS need not check its signature.

    :raises Failure: ``protocol``.
    """
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        claims = None
    if not isinstance(claims, dict):
        raise Failure(LAYER, "protocol", "the realm's access token is no JSON Web Token, which the mail server needs.")
    return claims


def form(desired: DesiredRealm, probe: Probe) -> dict[str, str]:
    """The token request (RFC 6749 section 4.3): everything that a mail program would ask for."""
    return {
        "grant_type": "password",
        "client_id": probe.client_id,
        "client_secret": probe.secret or "",
        "username": probe.username,
        "password": probe.password or "",
        "scope": " ".join(desired.asked_scopes),
    }


def prove(claims: t.Mapping[str, t.Any], desired: DesiredRealm, probe: Probe) -> str:
    """What the token carries, in words.

    :raises Failure: ``not_converged`` when it lacks what the mail server asks for, although nothing in the realm differs.
    """
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else list(audience or [])
    scopes = str(claims.get("scope") or "").split()
    groups = claims.get("groups") or []
    wrong = []
    if desired.audience is not None and desired.audience not in audiences:
        wrong.append(f"aud is {audiences}, not {desired.audience}")
    missing = [scope for scope in desired.required_scopes if scope not in scopes]
    if missing:
        wrong.append(f"scope lacks {' '.join(missing)}")
    if claims.get("preferred_username") != probe.username:
        wrong.append(f"preferred_username is {claims.get('preferred_username')}, not {probe.username}")
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
