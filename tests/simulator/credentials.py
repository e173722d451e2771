"""`x:ApiKey` and `x:AppPassword`: objects that live in an account's credentials (contract 2.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import accounts, formats, secret
from .behaviour import Body
from .errors import SetError, invalid_patch
from .patch import Patcher
from .registry import Resolve

if TYPE_CHECKING:
    from .server import Server

SCOPED = ("ApiKey", "AppPassword")
_QUOTA = {"ApiKey": "maxApiKeys", "AppPassword": "maxAppPasswords"}
_LABEL = {"ApiKey": "API keys", "AppPassword": "app passwords"}
_TOKEN = {"ApiKey": secret.API_KEY, "AppPassword": secret.APP_PASSWORD}


class Credentials:
    def __init__(self, server: Server) -> None:
        self.server = server

    def _account(self, account_id: str) -> Body:
        """The account, copied; the recovery administrator has none, so everything of his is notFound."""
        account = self.server.store.find("Account", account_id)
        if account is None or account["@type"] != "User":
            raise SetError("notFound")
        return account | {"credentials": dict(account["credentials"])}

    def all(self, type_: str, account_id: str) -> dict[str, Body]:
        account = self.server.store.find("Account", account_id) or {}
        return {
            entry["credentialId"]: entry for entry in account.get("credentials", {}).values() if entry["@type"] == type_
        }

    def render(self, type_: str, key: str, entry: Body, properties: list[str] | None) -> Body:
        body = {name: value for name, value in entry.items() if name not in ("credentialId", "@type")}
        return self.server.registry.render(type_, key, body, properties)

    def create(self, type_: str, account_id: str, values: Body, resolve: Resolve) -> Body:
        registry = self.server.registry
        account = self._account(account_id)
        body = Patcher(registry.tables, registry.defaults, True, resolve).create(type_, values)
        if not body["description"]:
            violation = {"type": "Required", "property": "description"}
            raise SetError("validationFailed", validationErrors=[violation])
        quota = registry.singleton("Authentication")[_QUOTA[type_]]
        if quota is not None and len(self.all(type_, account_id)) >= quota:
            raise SetError("overQuota", f"You have exceeded your quota of {quota} {_LABEL[type_]}.")
        text = secret.token(_TOKEN[type_])
        entry = registry.defaults.object("Credential", type_) | {
            name: value for name, value in body.items() if name not in ("secret", "createdAt")
        }
        entry["secret"] = secret.hashed(text)
        entry["createdAt"] = formats.now()
        entry["credentialId"] = accounts.next_credential_id(account)
        account["credentials"][str(len(account["credentials"]))] = entry
        registry.replace("Account", account_id, account)
        return {"id": entry["credentialId"], "secret": text}

    def update(self, type_: str, account_id: str, key: str, values: Body, resolve: Resolve) -> bool:
        registry = self.server.registry
        account = self._account(account_id)
        index = self._index(type_, account, key)
        before = account["credentials"][index]
        if "secret" in values:
            raise invalid_patch("Cannot modify server set property", "secret")
        after = Patcher(registry.tables, registry.defaults, False, resolve).update("Credential", before, values)
        account["credentials"][index] = after
        if after != before:
            registry.replace("Account", account_id, account)
        return bool(after != before)

    def destroy(self, type_: str, account_id: str, key: str) -> None:
        account = self._account(account_id)
        index = self._index(type_, account, key)
        rest = [entry for position, entry in account["credentials"].items() if position != index]
        account["credentials"] = {str(position): entry for position, entry in enumerate(rest)}
        self.server.registry.replace("Account", account_id, account)

    def _index(self, type_: str, account: Body, key: str) -> str:
        for index, entry in account["credentials"].items():
            if entry["credentialId"] == key and entry["@type"] == type_:
                return str(index)
        raise SetError("notFound")
