# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""App passwords on 0.16: objects of their own in the scope of an account (contract 2.5, 11.18)."""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ..app_password import EVERYBODY, AppPassword, Keeper, nobody
from .client import Call, JmapClient, Want

_TYPE = "AppPassword"
_HINTS = {
    "overQuota": "Revoke one; authentication.maxAppPasswords says how many an account may have.",
    "forbidden": "It needs the permissions sysAppPasswordCreate (for a tenant, tenant_password_clients allows it) and "
    "sysAppPasswordDestroy, for other accounts impersonate, too.",
}


class AppPasswords016(Keeper):
    """:param account: an address, ``*``, or none for the caller's own."""

    def __init__(self, client: JmapClient, account: t.Optional[str]) -> None:
        self._client = client
        self._account = account

    def read(self) -> list[AppPassword]:
        """See :class:`Keeper`."""
        if self._account is None:
            result = self._result(self._client.call([(f"x:{_TYPE}/get", {"ids": None})])[0], "reading")
            return [_entry(None, ("", str(item["id"])), item) for item in result.get("list") or ()]
        local, _at, domain = self._account.rpartition("@")
        users = {"@type": "User"} if self._account == EVERYBODY else {"@type": "User", "name": local}
        found = self._client.read(
            (Want("Account", False, ("name", "domainId", "credentials"), users), Want("Domain", False, ("name",)))
        )
        domains = {identifier: str(wire.get("name")) for identifier, wire in found["Domain"].items()}
        held: list[AppPassword] = []
        known = False
        for identifier, wire in found["Account"].items():
            address = f"{wire.get('name')}@{domains.get(str(wire.get('domainId')))}"
            if self._account not in (EVERYBODY, address):
                continue
            known = True
            credentials = (wire.get("credentials") or {}).values()
            held += [
                _entry(address, (identifier, str(entry["credentialId"])), entry)
                for entry in credentials
                if entry.get("@type") == _TYPE
            ]
        if not known and domain:
            raise nobody(self._account)
        return held

    def create(self, description: str) -> str:
        """See :class:`Keeper`; the server thinks the secret up."""
        body = {"create": {"a": {"description": description}}}
        result = self._result(self._client.call([(f"x:{_TYPE}/set", body)], write=True)[0], "making one")
        made = (result.get("created") or {}).get("a")
        if not made:
            raise self._refused((result.get("notCreated") or {}).get("a") or {}, "making one")
        return str(made["secret"])

    def revoke(self, unwanted: t.Sequence[AppPassword]) -> None:
        """See :class:`Keeper`; other credentials of the accounts stay."""
        by_account: dict[str, list[str]] = {}
        for account, identifier in (entry.handle for entry in unwanted):
            by_account.setdefault(account, []).append(identifier)
        calls: list[Call] = [
            (f"x:{_TYPE}/set", {**({"accountId": account} if account else {}), "destroy": identifiers})
            for account, identifiers in by_account.items()
        ]
        for start in range(0, len(calls), self._client.limits.calls):
            for answer in self._client.call(calls[start : start + self._client.limits.calls], write=True):
                refused = self._result(answer, "revoking").get("notDestroyed") or {}
                for error in refused.values():
                    # Somebody else was faster.
                    if error.get("type") != "notFound":
                        raise self._refused(error, "revoking")

    def _result(self, answer: tuple[str, dict[str, t.Any]], doing: str) -> dict[str, t.Any]:
        name, result = answer
        if name == "error":
            raise self._refused(result, doing)
        return result

    def _refused(self, error: t.Mapping[str, t.Any], doing: str) -> Failure:
        kind = str(error.get("type"))
        why = self._client.http.redactor.body(str(error.get("description") or kind)).rstrip(".")
        codes = {"forbidden": "forbidden", "overQuota": "forbidden", "notFound": "not_found"}
        # The recovery administrator is no account, so whatever is asked for him is not found.
        hint = "The credential must be one of the account's own." if kind == "notFound" else _HINTS.get(kind, "")
        return Failure("stalwart", codes.get(kind, "invalid_value"), f"app passwords, {doing}: {why}.", hint=hint)


def _entry(account: t.Optional[str], handle: tuple[str, ...], item: t.Mapping[str, t.Any]) -> AppPassword:
    return AppPassword(
        account, str(item.get("description") or ""), handle, item.get("createdAt"), item.get("expiresAt")
    )
