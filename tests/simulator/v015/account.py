"""`/api/account/auth`: what an account does with its own secrets (contract 0.15 section 5.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import permissions, secret
from .patch import Change, Patch
from .problems import BadRequest, other

if TYPE_CHECKING:
    from .login import Caller
    from .server import Server

#: Request type -> (required texts, optional ones).
_REQUESTS = {
    "setPassword": (("password",), ()),
    "enableOtpAuth": (("url",), ()),
    "disableOtpAuth": ((), ("url",)),
    "addAppPassword": (("name", "password"), ()),
    "removeAppPassword": ((), ("name",)),
}
_BASIC_ONLY = ("setPassword", "enableOtpAuth", "disableOtpAuth")


def show(server: Server, caller: Caller) -> Any:
    body = server.store.principals.get(caller.id, {"secrets": []})
    labels = [secret.app_label(text) for text in body["secrets"]]
    otp = any(text.startswith(secret.OTP) for text in body["secrets"])
    return {"otpEnabled": otp, "appPasswords": [label for label in labels if label is not None]}


def update(server: Server, caller: Caller, document: Any) -> None:
    """Raises BadRequest or Refused."""
    if not isinstance(document, list) or not all(_wellformed(entry) for entry in document):
        raise BadRequest("account")
    if not document:
        raise BadRequest("account", detail="Empty request")
    restricted = any(entry["type"] in _BASIC_ONLY for entry in document)
    if restricted and not caller.is_basic:
        raise other("Password changes only allowed using Basic auth")
    if caller.is_fallback:
        _fallback(server, caller, document[0])
        return
    if restricted:
        server.principal_api.assert_internal()
    changes = [change for entry in document for change in _changes(entry)]
    changed = Patch(server.principals, caller.id, permissions.every()).apply(changes)
    server.writes.add("account", "update", caller.name, **{"changed" if changed else "unchanged": [caller.name]})


def _fallback(server: Server, caller: Caller, entry: dict[str, Any]) -> None:
    """Stored as given, and in force after a reload."""
    if entry["type"] != "setPassword":
        raise other("Fallback administrator accounts do not support 2FA or AppPasswords")
    server.config.set([("authentication.fallback-admin.secret", entry["password"])])
    server.writes.add("account", "update", caller.name, changed=[caller.name])


def _wellformed(entry: Any) -> bool:
    if not isinstance(entry, dict) or entry.get("type") not in _REQUESTS:
        return False
    required, optional = _REQUESTS[entry["type"]]
    return all(isinstance(entry.get(name), str) for name in required) and all(
        isinstance(entry.get(name), str | None) for name in optional
    )


def _changes(entry: dict[str, Any]) -> list[Change]:
    match entry["type"]:
        case "setPassword":  # takes app passwords and TOTP away as well
            return [Change("removeItem", "secrets", ""), Change("addItem", "secrets", entry["password"])]
        case "enableOtpAuth":
            return [Change("addItem", "secrets", entry["url"])]
        case "disableOtpAuth":
            return [Change("removeItem", "secrets", entry.get("url") or secret.OTP)]
        case "addAppPassword":
            return [Change("addItem", "secrets", f"{secret.APP_PASSWORD}{entry['name']}${entry['password']}")]
    return [Change("removeItem", "secrets", f"{secret.APP_PASSWORD}{entry.get('name') or ''}")]
