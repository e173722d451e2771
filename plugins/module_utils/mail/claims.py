# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An access token judged like the mail server judges it: which claims it would not accept, and why. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..keycloak.claims import audiences, groups, scopes

#: Seconds by which the server lets clocks differ (contract 5.2).
LEEWAY = 60


class Fault(t.NamedTuple):
    """:param cause: key of :data:`.causes.CAUSES`. :param observed: what the token says. :param facts: for the hint."""

    cause: str
    observed: str
    facts: dict[str, str] = {}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What the server's directory asks for.

    :param address: the mailbox that the token must open. :param group: name that the claim ``groups`` must hold.
    :param taken: addresses of users and lists, which no group can have. :param email: what the claim ``email`` must be, empty
        where the server does not look at it.
    """

    issuer: str
    audience: str
    scopes: tuple[str, ...]
    domain: str
    address: str
    group: str = ""
    taken: frozenset[str] = frozenset()
    email: str = ""


def faults(claims: t.Mapping[str, t.Any], wanted: Wanted, now: float) -> list[Fault]:
    """Everything that the server would refuse the token for, in the order in which it looks."""
    found: list[Fault] = []
    if str(claims.get("iss")).rstrip("/") != wanted.issuer.rstrip("/"):
        found.append(Fault("issuer_changed", f"iss is {claims.get('iss')}"))
    if wanted.audience not in audiences(claims):
        found.append(Fault("audience_missing", f"aud is {_shown(audiences(claims))}"))
    if _number(claims.get("nbf")) > now + LEEWAY:
        found.append(Fault("token_not_yet_valid", f"nbf lies {_number(claims['nbf']) - now:.0f} s ahead"))
    if _number(claims.get("exp")) + LEEWAY < now:
        found.append(Fault("token_expired", f"exp was {now - _number(claims.get('exp')):.0f} s ago"))
    lacking = [scope for scope in wanted.scopes if scope not in scopes(claims)]
    if lacking:
        found.append(Fault("scope_missing", f"scope is {_shown(scopes(claims))}, without {', '.join(lacking)}"))
    address = address_of(claims, wanted.domain)
    if address != wanted.address:
        found.append(Fault("username_other", f"the token opens {address or 'no mailbox'}"))
    if wanted.email and str(claims.get("email")).lower() != wanted.email:
        found.append(Fault("email_other", f"email is {claims.get('email')}"))
    return found + _group_faults(claims, wanted)


def address_of(claims: t.Mapping[str, t.Any], domain: str) -> str:
    """The mailbox that the server opens for the token; empty for none."""
    name = claims.get("preferred_username")
    if isinstance(name, str) and name:
        return name if "@" in name else f"{name}@{domain}"
    email = claims.get("email")
    return email if isinstance(email, str) and "@" in email else ""


def _group_faults(claims: t.Mapping[str, t.Any], wanted: Wanted) -> list[Fault]:
    found = groups(claims)
    if found is None:
        return [Fault("groups_missing", "there is no claim groups")]
    paths = [group for group in found if "/" in group]
    if paths:
        return [Fault("groups_full_path", f"groups is {_shown(found)}")]
    for group in found:
        address = group if "@" in group else f"{group}@{wanted.domain}"
        if address.lower() in wanted.taken:
            return [Fault("group_collides", f"groups has {group}, and {address} is a user's mailbox", {"group": group})]
    if wanted.group and wanted.group not in found:
        return [Fault("probe_not_in_group", f"groups is {_shown(found)}, without {wanted.group}")]
    return []


def _number(value: t.Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0


def _shown(values: t.Sequence[str]) -> str:
    return ", ".join(values) or "empty"
