# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A realm as values: what Keycloak holds, and what the inventory asks for in the options of community.general (pure).

Names of options are those of ``community.general.keycloak_*``; Keycloak's own (the Admin REST API's representations)
are the same in camel case.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..failure import Failure
from .argspec import RETIRED

LAYER = "keycloak"
PROTOCOL = "openid-connect"
AUDIENCE_MAPPER = "oidc-audience-mapper"
ATTRIBUTE_MAPPER = "oidc-usermodel-attribute-mapper"
HARDCODED_MAPPER = "oidc-hardcoded-claim-mapper"
#: The attribute of a group whose value is the group's name in the claim. Groups without it are not in the claim.
GROUP_ATTRIBUTE = "tenantmail_group"
#: Of the database columns behind realm, client, scope, group and user names.
LONGEST = 255

Options = t.Dict[str, t.Any]
Representation = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class RealmState:
    """What was read. ``realm`` is none when there is no such realm; everything else is empty then.

    :param groups: those at the realm's top and those directly below the parent, by path without the first slash.
    :param users: those that are asked for and exist, by name.
    :param members: names of the users in a group of ``groups``, for the groups that were asked for.
    :param profile: the user profile's configuration.
    """

    realm: Representation | None = None
    client_scopes: t.Mapping[str, Representation] = dataclasses.field(default_factory=dict)
    clients: t.Mapping[str, Representation] = dataclasses.field(default_factory=dict, repr=False)
    groups: t.Mapping[str, Representation] = dataclasses.field(default_factory=dict)
    users: t.Mapping[str, Representation] = dataclasses.field(default_factory=dict)
    members: t.Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    profile: Representation = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class DesiredGroups:
    """The groups that the claim may name.

    :param parent: the group below which they are kept; at the realm's top without one.
    :param names: those of the inventory.
    """

    parent: str | None = None
    names: tuple[str, ...] = ()

    def path(self, name: str) -> str:
        """Where the group of that name is."""
        return name if self.parent is None else f"{self.parent}/{name}"


@dataclasses.dataclass(frozen=True)
class Probe:
    """The client and the user with which a token of the realm can be had at any time.

    :param state: see :data:`.argspec.PROBE`.
    """

    state: str
    client_id: str
    expired_client_id: str
    username: str
    group: str
    secret: str | None = dataclasses.field(default=None, repr=False)
    password: str | None = dataclasses.field(default=None, repr=False)

    @property
    def client_ids(self) -> tuple[str, str]:
        """Its clients."""
        return self.client_id, self.expired_client_id


@dataclasses.dataclass(frozen=True)
class DesiredRealm:
    """What the inventory asks for.

    :param secrets: by client; none for a secret that is not known yet (check mode before the first run).
    :param restore_openbao: clients whose secret Keycloak has the last word on.
    :param audience: the client whose tokens open mailboxes, if there is one: no other client's mapper may produce it.
    :param users: by name.
    :param required_scopes: what a token's claim ``scope`` must hold.
    :param asked_scopes: what a token request names: those, and the scope with the audience.
    """

    name: str
    realm: Options
    client_scopes: dict[str, Options]
    clients: dict[str, Options]
    groups: DesiredGroups
    users: dict[str, Options]
    secrets: dict[str, str | None] = dataclasses.field(repr=False)
    restore_openbao: frozenset[str] = frozenset()
    audience: str | None = None
    required_scopes: tuple[str, ...] = ()
    asked_scopes: tuple[str, ...] = ()
    probe: Probe | None = None

    def kept(self, kind: str, state: RealmState) -> dict[str, Options]:
        """The clients or users to keep: of a retired probe only what exists."""
        objects, existing = (self.clients, state.clients) if kind == "client" else (self.users, state.users)
        if self.probe is None or self.probe.state != RETIRED:
            return objects
        retired = self.probe.client_ids if kind == "client" else (self.probe.username,)
        return {name: options for name, options in objects.items() if name not in retired or name in existing}


def camel(option: str) -> str:
    """Keycloak's name of an option (``redirect_uris`` -> ``redirectUris``)."""
    head, *tail = option.split("_")
    return head + "".join(word.capitalize() for word in tail)


def normal(value: t.Any, like: t.Any) -> t.Any:
    """A value of a representation in the form of the desired one: lists are sets, a missing boolean is false.

    Of a mapping only the desired keys count: Keycloak adds attributes and mapper settings of its own.
    """
    if isinstance(like, bool):
        return bool(value)
    if isinstance(like, list):
        return sorted(value or [])
    if isinstance(like, dict):
        return {key: (value or {}).get(key) for key in like}
    return value


def mapper_of(representation: Representation, name: str) -> Representation | None:
    """The protocol mapper of that name."""
    return next((m for m in representation.get("protocolMappers") or [] if m.get("name") == name), None)


def invalid(option: str, value: t.Any, accepted: str) -> Failure:
    """The failure for an option's value."""
    return Failure(LAYER, "invalid_value", f"{option} has the value {value!r}; accepted is {accepted}.")
