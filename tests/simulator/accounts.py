"""Accounts, mailing lists and allowed addresses (contract 4.3, 4.5)."""

from __future__ import annotations

from typing import Any

from . import ids, permissions, secret
from .behaviour import Behaviour, Body
from .errors import UNAVAILABLE, MethodError, SetError

EXTERNAL = "Cannot set credentials for accounts in an external directory."


class Accounts(Behaviour):
    def prepare(self, old: Body | None, new: Body, given: Body) -> None:
        if new["@type"] == "User":
            self._credentials(old or {}, new)
        self._grants(old, new)

    def _credentials(self, old: Body, new: Body) -> None:
        before = {entry["credentialId"]: entry for entry in old.get("credentials", {}).values()}
        passwords = 0
        for entry in new["credentials"].values():
            known = before.get(entry["credentialId"])
            if entry["@type"] != "Password":
                if known is None:
                    raise _invalid("Secondary credentials cannot be set directly.", "credentials")
                continue
            passwords += 1
            if known is None or known["secret"] != entry["secret"]:
                self._set_password(entry)
        for index, entry in enumerate(new["credentials"].values()):
            if not entry["credentialId"]:
                entry["credentialId"] = next_credential_id(new) if old else ids.encode(index)
        if passwords > 1:
            raise _invalid("Only one password credential is allowed.", "credentials")

    def _set_password(self, entry: Body) -> None:
        if self.server.running.directory is not None:
            raise SetError("forbidden", EXTERNAL)
        if not secret.is_hash(entry["secret"]):
            problem = secret.policy_violation(entry["secret"], self.server.registry.singleton("Authentication"))
            if problem:
                raise _invalid(problem, "secret")
            entry["secret"] = secret.hashed(entry["secret"])

    def _grants(self, old: Body | None, new: Body) -> None:
        """A caller can only grant permissions it holds itself (contract 2.3)."""
        if old is not None and old["roles"] == new["roles"] and old["permissions"] == new["permissions"]:
            return
        if any(self.server.store.find("Role", key) is None for key in new["roles"].get("roleIds", {})):
            raise MethodError("serverUnavailable", UNAVAILABLE)  # the real server stumbles here, before the link check
        caller = self.server.caller
        if caller is None or caller.permissions is None:
            return
        missing = permissions.of_account(self.server.registry, new) - caller.permissions
        if missing:
            raise SetError("forbidden", f"Missing permissions: {', '.join(sorted(missing))}")

    def computed(self, key: str, body: Body, wanted: set[str] | None) -> Body:
        return {"emailAddress": self.server.address(body), "usedDiskQuota": self.server.mail.used(key)}

    def removed(self, key: str, old: Body) -> None:
        self.server.mail.forget(key)


class MailingLists(Behaviour):
    def computed(self, key: str, body: Body, wanted: set[str] | None) -> Body:
        return {"emailAddress": self.server.address(body)}


def next_credential_id(account: Body) -> str:
    """Small numbers, shared by all credentials of an account (contract 2.5)."""
    used = [entry["credentialId"] for entry in account["credentials"].values() if entry["credentialId"]]
    return ids.encode(max((ids.decode(key) for key in used), default=0) + 1)


def _invalid(description: str, name: str, **members: Any) -> SetError:
    return SetError("invalidProperties", description, properties=[name], **members)
