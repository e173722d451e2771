# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a realm by Keycloak's Admin REST API. Writing is the business of community.general's keycloak_* modules."""

from __future__ import annotations

import dataclasses
import typing as t
import urllib.parse

from ..failure import Failure
from ..http_client import HttpClient
from ..redact import check_secret
from .groups import claimed
from .model import LAYER, DesiredRealm, RealmState, Representation
from .tokens import Login

if t.TYPE_CHECKING:
    from requests import Response


#: Items asked for at once; Keycloak's own defaults differ by path (10 for a group's children).
PAGE = 1000


class KeycloakClient:
    """One realm, through the admin API at ``admin_url`` with a token of ``auth_realm``.

    :param auth: validated against :data:`.argspec.AUTH`.
    :raises Failure: ``invalid_value`` without credentials (a plan offline needs none), or for a short one.
    """

    def __init__(
        self,
        admin_url: str,
        realm: str,
        *,
        auth: t.Mapping[str, t.Any] | None,
        auth_realm: str,
        ca_path: str | None = None,
    ) -> None:
        if auth is None:
            raise Failure(LAYER, "invalid_value", "no credentials are given.", hint="Set platform_keycloak_auth.")
        for field in ("client_secret", "password"):
            check_secret(LAYER, f"platform_keycloak_auth.{field}", auth.get(field))
        self._realm = realm
        self._auth = auth
        self._auth_realm = auth_realm
        self._http = HttpClient(
            LAYER,
            admin_url,
            ca_path=ca_path,
            secrets=[auth.get("client_secret"), auth.get("password")],
            hints={
                "unauthorized": "Check platform_keycloak_auth, and that tenant_keycloak_admin_url is the server that issued the token."
            },
        )

    @property
    def requests(self) -> int:
        """HTTP requests made so far."""
        return self._http.requests

    def get_json(self, path: str, role: str) -> t.Any:
        """What the realm's admin API answers below the realm.

        :param role: the role that reading it needs, for the failure.
        :raises Failure: ``forbidden`` naming the role, ``not_found``, ``unauthorized``, ``unreachable``, ``protocol``.
        """
        answer = self._get(path, role)
        return self._http.json(answer, list if answer.text.lstrip().startswith("[") else dict)

    def pages(self, path: str, role: str = "view-users") -> list[dict[str, t.Any]]:
        """Everything that a path with a query lists below the realm.

        :raises Failure: as :meth:`get_json`.
        """
        items: list[dict[str, t.Any]] = []
        while True:
            page = self._http.json(self._get(f"{path}&first={len(items)}&max={PAGE}", role), list)
            items += page
            if len(page) < PAGE:
                return items

    def close(self) -> None:
        """Close the pooled connections."""
        self._http.close()

    def __enter__(self) -> KeycloakClient:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._http.close()

    def login(self) -> None:
        """Get a token (it lives 60 seconds for ``admin-cli``, long enough for one plan).

        :raises Failure: ``unauthorized``, ``not_found`` (no such realm to log in to), ``unreachable``.
        """
        path = f"/realms/{urllib.parse.quote(self._auth_realm, safe='')}"
        login = Login.of({**self._auth, "realm_url": path})
        try:
            # A token request changes nothing that a second one could spoil.
            answer = self._http.request(
                "POST", f"{path}/protocol/openid-connect/token", data=login.form(), idempotent=True
            )
        except Failure as exc:
            if exc.code in ("unauthorized", "invalid_value"):
                raise self._changed(
                    exc, "unauthorized", "the login was refused", "Check platform_keycloak_auth."
                ) from None
            if exc.code == "not_found":
                why = f"there is no realm {self._auth_realm!r} to log in to"
                raise self._changed(
                    exc, "not_found", why, "Check platform_keycloak_auth_realm and tenant_keycloak_admin_url."
                ) from None
            raise
        token = self._http.json(answer, dict).get("access_token")
        if not isinstance(token, str):
            raise Failure(LAYER, "protocol", "the login was answered without a token (access_token).")
        self._http.set_header("Authorization", f"Bearer {token}", secret=token)

    def read(self, desired: DesiredRealm) -> RealmState:
        """Everything a plan needs, in a number of requests that does not grow with the users (one without a realm).

        That is one per kind of object, and with users one per group that the claim may name.

        :raises Failure: ``forbidden`` naming the role that is missing, ``unauthorized``, ``unreachable``.
        """
        answer = self._get("", "view-realm", expected=(200, 404))
        if answer.status_code == 404:
            return RealmState()
        realm = self._http.json(answer, dict)
        if "enabled" not in realm:
            # With any other role of the realm Keycloak answers 200 and leaves nearly everything out.
            raise self._forbidden("view-realm")
        client_scopes = self._http.json(self._get("/client-scopes", "view-clients"), list)
        clients = self._http.json(self._get("/clients", "view-clients"), list)
        if not clients:
            # Every realm has clients of its own; with query-clients alone Keycloak answers 200 and hides them all.
            raise self._forbidden("view-clients")
        state = RealmState(
            realm=realm,
            client_scopes={scope["name"]: scope for scope in client_scopes},
            clients={client["clientId"]: client for client in clients},
            groups=self._groups(desired.groups.parent),
            profile=self._http.json(self._get("/users/profile", "view-realm"), dict),
        )
        users = self._users(desired)
        return dataclasses.replace(state, users=users, members=self._members(state, desired) if users else {})

    def _groups(self, parent: str | None) -> dict[str, Representation]:
        groups: dict[str, Representation] = {
            group["name"]: group for group in self.pages("/groups?briefRepresentation=false")
        }
        if parent in groups:
            below = self.pages(f"/groups/{groups[parent]['id']}/children?briefRepresentation=false")
            groups.update((f"{parent}/{group['name']}", group) for group in below)
        return groups

    def _users(self, desired: DesiredRealm) -> dict[str, Representation]:
        names = list(desired.users)
        if len(names) == 1:
            found = self.pages(f"/users?exact=true&username={urllib.parse.quote(names[0], safe='')}")
        else:
            found = self.pages("/users?briefRepresentation=true") if names else []
        return {user["username"]: user for user in found if user["username"] in desired.users}

    def _members(self, state: RealmState, desired: DesiredRealm) -> dict[str, frozenset[str]]:
        paths = claimed(state, desired.groups)
        if desired.probe is not None and set(desired.users) == {desired.probe.username}:
            paths = [desired.groups.path(desired.probe.group)]
        members = {}
        for path in paths:
            if path in state.groups:
                found = self.pages(f"/groups/{state.groups[path]['id']}/members?briefRepresentation=true")
                members[path] = frozenset(user["username"] for user in found)
        return members

    def _get(self, path: str, role: str, expected: tuple[int, ...] = (200,)) -> Response:
        try:
            return self._http.request(
                "GET", f"/admin/realms/{urllib.parse.quote(self._realm, safe='')}{path}", expected=expected
            )
        except Failure as exc:
            if exc.code == "forbidden":
                raise self._forbidden(role, exc.request) from None
            raise

    def _forbidden(self, role: str, request: dict[str, t.Any] | None = None) -> Failure:
        holder = "realm-management" if self._auth_realm == self._realm else f"{self._realm}-realm"
        return Failure(
            LAYER,
            "forbidden",
            f"the account lacks the role {role} for realm {self._realm}.",
            hint=f"Grant it the role {role} of client {holder} in realm {self._auth_realm}.",
            request=request,
        )

    @staticmethod
    def _changed(exc: Failure, code: str, why: str, hint: str) -> Failure:
        return Failure(LAYER, code, f"{why}: {exc.message}", hint=hint, request=exc.request)
