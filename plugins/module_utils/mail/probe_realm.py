# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a realm's admin API tells of its clients, groups and users, and the checks of it. Reads only.

One request for the clients and for each example token of one, one for each page of users, and one for each page of groups and
of the groups below one.
"""

from __future__ import annotations

import threading
import typing as t
import urllib.parse

from ..keycloak import claims
from ..keycloak.client import KeycloakClient
from ..keycloak.model import GROUP_ATTRIBUTE
from ..keycloak.tokens import blame
from .checks import Wrong


class Client(t.TypedDict):
    """A client as it should be. :param audience: its tokens open mailboxes; none = either way."""

    client_id: str
    client_secret: t.Optional[str]
    audience: t.Optional[bool]


class Realm:
    """One realm, read when first asked for; several threads may ask.

    :param client: logged in or not; that happens with the first read.
    """

    def __init__(self, client: KeycloakClient) -> None:
        self._client = client
        self._lock = threading.RLock()
        self._login_done = False
        self._clients: t.Optional[dict[str, dict[str, t.Any]]] = None
        self._users: t.Optional[list[dict[str, t.Any]]] = None

    def _get(self, path: str, role: str) -> t.Any:
        with self._lock:
            return self._logged_in().get_json(path, role)

    def _pages(self, path: str) -> list[dict[str, t.Any]]:
        with self._lock:
            return self._logged_in().pages(path)

    def _logged_in(self) -> KeycloakClient:
        if not self._login_done:
            self._client.login()
            self._login_done = True
        return self._client

    @property
    def requests(self) -> int:
        """HTTP requests made so far."""
        return self._client.requests

    def clients(self) -> dict[str, dict[str, t.Any]]:
        """All clients by ``clientId``."""
        with self._lock:
            if self._clients is None:
                self._clients = {client["clientId"]: client for client in self._get("/clients", "view-clients")}
            return self._clients

    def users(self) -> list[dict[str, t.Any]]:
        """All users, without those of clients' service accounts, which the API leaves out."""
        with self._lock:
            if self._users is None:
                self._users = self._pages("/users?briefRepresentation=true")
            return self._users

    def claimed_groups(self) -> list[str]:
        """What the claim may name: the values of the attribute that it is made of, of groups at any depth."""
        names: list[str] = []
        paths = ["/groups?briefRepresentation=false"]
        while paths:
            for group in self._pages(paths.pop()):
                names += (group.get("attributes") or {}).get(GROUP_ATTRIBUTE) or []
                if group.get("subGroupCount"):
                    paths.append(f"/groups/{group['id']}/children?briefRepresentation=false")
        return names

    def example_token(self, client_id: str, user_id: str) -> dict[str, t.Any]:
        """The access token that the client would get with every scope it may ask for."""
        client = self.clients()[client_id]
        scopes = urllib.parse.quote(" ".join(["openid", *(client.get("optionalClientScopes") or [])]))
        path = f"/clients/{client['id']}/evaluate-scopes/generate-example-access-token?scope={scopes}&userId={user_id}"
        return dict(self._get(path, "view-clients"))

    def client_state(self, client_id: str) -> str:
        """``missing``, ``disabled`` or ``enabled``."""
        found = self.clients().get(client_id)
        return "missing" if found is None else "enabled" if found.get("enabled") else "disabled"

    def user(self, username: str) -> t.Optional[dict[str, t.Any]]:
        """A user by name."""
        return next((user for user in self.users() if user.get("username") == username.lower()), None)

    def user_state(self, username: str) -> str:
        """``missing``, ``locked``, ``disabled``, ``failing`` (its last login was refused) or ``enabled``."""
        user = self.user(username)
        if user is None:
            return "missing"
        found = blame(self._get, user["id"])
        if found.locked:
            return "locked"
        if not user.get("enabled"):
            return "disabled"
        return "failing" if found.failures else "enabled"


class RealmChecks:
    """The checks of a realm's configuration.

    :param audience: what the mail server requires. :param username: the probe's, for whom example tokens are made.
    """

    def __init__(self, realm: Realm, *, domain: str, audience: str, username: str) -> None:
        self._realm = realm
        self._domain = domain
        self._audience = audience
        self._username = username

    def secrets(self, wanted: t.Sequence[Client]) -> str:
        """``realm.clients``"""
        found = self._realm.clients()
        for client in wanted:
            name = client["client_id"]
            state = self._realm.client_state(name)
            if state != "enabled":
                raise Wrong(f"client_{state}", f"client {name} is {state}")
            secret = client.get("client_secret")
            # Hidden from a credential that may only view clients: then there is nothing to compare.
            if secret and found[name].get("secret") not in (None, "**********", secret):
                raise Wrong("client_secret_differs", f"the secret of client {name} is not OpenBao's")
        return ", ".join(client["client_id"] for client in wanted)

    def audiences(self, wanted: t.Sequence[Client]) -> str:
        """``realm.audiences``"""
        user = self._realm.user(self._username)
        if user is None:
            raise Wrong("probe_user_missing", f"there is no user {self._username}")
        told = []
        for client in wanted:
            name, opens = client["client_id"], client.get("audience")
            if opens is None:
                continue
            if name not in self._realm.clients():
                raise Wrong("client_missing", f"there is no client {name}")
            token = self._realm.example_token(name, user["id"])
            found = claims.audiences(token)
            if opens and self._audience not in found:
                raise Wrong("audience_missing", f"tokens of {name} have aud {', '.join(found) or 'empty'}")
            if not opens and self._audience in found:
                raise Wrong("audience_leaks", f"tokens of {name} have aud {', '.join(found)}")
            paths = [group for group in claims.groups(token) or [] if "/" in group]
            if paths:
                raise Wrong("groups_full_path", f"tokens of {name} have groups {', '.join(paths)}")
            told.append(f"{name} {'opens' if opens else 'does not open'} mailboxes")
        return ", ".join(told)

    def group_names(self, mailboxes: t.Collection[str]) -> str:
        """``realm.groups``

        :param mailboxes: addresses of users' mailboxes.
        """
        groups = self._realm.claimed_groups()
        for group in groups:
            address = group if "@" in group else f"{group}@{self._domain}"
            if address.lower() in mailboxes:
                raise Wrong("group_collides", f"group {group} is the mailbox {address}", group=group)
        return f"{len(groups)} groups in the claim"

    def mailboxes(self, mailboxes: t.Collection[str], *, without_user: t.Collection[str]) -> str:
        """``realm.mailboxes``

        Who is disabled in the realm has a user, but needs no mailbox.

        :param mailboxes: addresses of users' mailboxes. :param without_user: those that need no user.
        """
        enabled = {self._address(user): bool(user.get("enabled")) for user in self._realm.users()}
        missing = sorted(address for address, on in enabled.items() if on and address not in mailboxes)
        if missing:
            raise Wrong("user_without_mailbox", f"no mailbox {_some(missing)}")
        # A mailbox of another domain may be for something else than a login.
        own = {address for address in mailboxes if address.endswith(f"@{self._domain}")}
        idle = sorted(own - set(enabled) - set(without_user))
        if idle:
            raise Wrong("mailbox_without_user", f"no user for {_some(idle)}")
        return f"{len(enabled)} users"

    def _address(self, user: t.Mapping[str, t.Any]) -> str:
        name = str(user["username"])
        return name if "@" in name else f"{name}@{self._domain}"


def _some(names: t.Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
