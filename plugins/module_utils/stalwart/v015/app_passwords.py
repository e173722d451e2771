# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""App passwords on 0.15: ``$app$<name>$<hash>`` among an account's secrets (contract 5.3, 5.8, 12.11)."""

from __future__ import annotations

import secrets
import typing as t
from urllib.parse import quote

from ...failure import Failure
from ..app_password import EVERYBODY, AppPassword, Keeper, nobody
from .client import RestClient
from .password import hash_password
from .principal import held_of

_OWN = "/api/account/auth"
_PATH = "/api/principal"
_PREFIX = "$app$"
#: Bytes of randomness of a secret; the server takes any text, so it is thought up here.
_ENTROPY = 24


class AppPasswords015(Keeper):
    """:param account: an address, ``*``, or none for the caller's own."""

    def __init__(self, client: RestClient, account: t.Optional[str]) -> None:
        self._client = client
        self._account = account

    def read(self) -> list[AppPassword]:
        """See :class:`Keeper`. The server hands out hashes of secrets; nothing but their names is kept."""
        if self._account is None:
            data = self._client.get(_OWN)
            labels = data.get("appPasswords") if isinstance(data, dict) else None
            if not isinstance(labels, list):
                raise Failure("stalwart", "protocol", f"GET {self._client.http.base_url}{_OWN}: unknown answer.")
            return [AppPassword(None, str(label), (str(label),)) for label in labels]
        params = {"types": "individual", "fields": "name,emails,secrets", "limit": "0"}
        data = self._client.get(_PATH, params)
        items = data.get("items") if isinstance(data, dict) else None
        if not isinstance(items, list):
            raise Failure(
                "stalwart", "protocol", f"GET {self._client.http.base_url}{_PATH}: no principals in the answer."
            )
        people = [held for held in map(held_of, items) if self._account in (EVERYBODY, held.address)]
        if not people and self._account != EVERYBODY:
            raise nobody(self._account)
        return [
            AppPassword(held.address, label, (held.name, label))
            for held in people
            for label in map(_label, held.secrets)
            if label is not None
        ]

    def create(self, description: str) -> str:
        """See :class:`Keeper`; the server stores what it is given, so it is given a hash."""
        secret = secrets.token_urlsafe(_ENTROPY)
        self._client.post(_OWN, [{"type": "addAppPassword", "name": description, "password": hash_password(secret)}])
        return secret

    def revoke(self, unwanted: t.Sequence[AppPassword]) -> None:
        """See :class:`Keeper`. What is removed is named by how it begins; the last ``$`` spares longer names."""
        by_account: dict[str, list[str]] = {}
        for entry in unwanted:
            by_account.setdefault(entry.handle[0] if entry.account else "", []).append(entry.description)
        for name, labels in by_account.items():
            if name:
                steps = [{"action": "removeItem", "field": "secrets", "value": f"{_PREFIX}{it}$"} for it in labels]
                self._client.patch(f"{_PATH}/{quote(name, safe='')}", steps)
            else:
                self._client.post(_OWN, [{"type": "removeAppPassword", "name": f"{label}$"} for label in labels])


def _label(secret: str) -> t.Optional[str]:
    """The name of an app password; none for another secret."""
    label, dollar, _hash = secret[len(_PREFIX) :].partition("$")
    return label if secret.startswith(_PREFIX) and dollar else None
