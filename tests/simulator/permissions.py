"""Permissions: the seeded roles' and those of an account (contract 1.6 and 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .registry import Registry

PROTOCOLS = ("jmap", "imap", "pop3", "calendar", "email", "dav", "sieve")
_OWN = ("MaskedEmail", "ArchivedItem", "AccountSettings", "PublicKey", "SpamTrainingSample")
_CREDENTIALS = ("AccountPassword", "ApiKey", "AppPassword")
_TENANT = (
    "Account",
    "AcmeProvider",
    "DkimSignature",
    "DnsServer",
    "Domain",
    "MailingList",
    "OAuthClient",
    "QueuedMessage",
    "Role",
)
_VERBS = ("Get", "Create", "Update", "Destroy", "Query")


def _objects(*names: str) -> set[str]:
    return {f"sys{name}{verb}" for name in names for verb in _VERBS}


def seeded_roles(every: list[str]) -> dict[str, list[str]]:
    """Role description -> permissions, in the order of the permission enum."""
    protocols = {name for name in every if name.startswith(PROTOCOLS)}
    own = _objects(*_OWN) - {"sysSpamTrainingSampleCreate"}
    general = {"authenticate", "authenticateWithAlias", "interactAi"}
    roles = {
        "User": general | protocols | own | _objects(*_CREDENTIALS),
        "Group": protocols | own,
        "Tenant Administrator": general | {"fetchAnyBlob", "liveDeliveryTest"} | _objects(*_TENANT),
        "System Administrator": set(every) - protocols,
    }
    return {role: [name for name in every if name in names] for role, names in roles.items()}


def of_account(registry: Registry, account: dict[str, Any]) -> set[str]:
    """Effective permissions: roles and their roles, minus the disabled ones, then the account's own list."""
    enabled: set[str] = set()
    disabled: set[str] = set()
    for role_id in _role_ids(registry, account):
        _collect(registry, role_id, enabled, disabled, set())
    granted = enabled - disabled
    own = account["permissions"]
    if own["@type"] == "Merge":
        granted = (granted | set(own["enabledPermissions"])) - set(own["disabledPermissions"])
    elif own["@type"] == "Replace":
        granted = set(own["enabledPermissions"]) - set(own["disabledPermissions"])
    return granted


def _role_ids(registry: Registry, account: dict[str, Any]) -> list[str]:
    roles = account["roles"]
    if roles["@type"] == "Custom":
        return list(roles["roleIds"])
    defaults = registry.singleton("Authentication")
    name = {"User": "defaultUserRoleIds", "Admin": "defaultAdminRoleIds", "Default": "defaultGroupRoleIds"}
    return list(defaults[name[roles["@type"]]])


def _collect(registry: Registry, role_id: str, enabled: set[str], disabled: set[str], seen: set[str]) -> None:
    role = registry.store.find("Role", role_id)
    if role is None or role_id in seen:
        return
    seen.add(role_id)
    enabled |= set(role["enabledPermissions"])
    disabled |= set(role["disabledPermissions"])
    for parent in role["roleIds"]:
        _collect(registry, parent, enabled, disabled, seen)
