"""Who is calling: credentials of a request to a caller with permissions (contract 2.1, 5.3 and 5.5)."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import formats, ids, oidc, permissions, secret
from .errors import SetError

if TYPE_CHECKING:
    from .server import Server


class Unauthorized(Exception):
    """401. The reason goes to the log only."""


class WrongCredentials(Unauthorized):
    """Counts for the auto-ban; errors of an external directory and missing credentials do not (contract 2.6)."""

    def __init__(self, login: str, reason: str) -> None:
        super().__init__(reason)
        self.login = login


class WrongAppPassword(WrongCredentials):
    """Of an account that exists."""


class Forbidden(Exception):
    """403: known, but without the permission to authenticate."""


@dataclass(frozen=True)
class Caller:
    account: str  # account id
    name: str  # user name of the session
    permissions: frozenset[str] | None  # None: all (the recovery administrator)

    def may(self, permission: str) -> bool:
        return self.permissions is None or permission in self.permissions

    @property
    def is_recovery(self) -> bool:
        return self.account == ids.RECOVERY_ACCOUNT


async def authenticate(server: Server, header: str | None) -> Caller | None:
    """The caller of an Authorization header, None without one. Raises Unauthorized or Forbidden."""
    if not header:
        return None
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "basic":
        return authenticate_password(server, *_decoded(value.strip()))
    if scheme.lower() == "bearer":
        return await authenticate_bearer(server, value.strip())
    raise Unauthorized(f"scheme {scheme}")


def _decoded(value: str) -> tuple[str, str]:
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthorized("malformed Basic credentials") from None
    if not colon:
        raise Unauthorized("malformed Basic credentials")
    return user, password


def authenticate_password(server: Server, user: str, password: str) -> Caller:
    """The caller of a password or app password, on any protocol; `target%master` logs in as somebody else.

    Raises Unauthorized or Forbidden; WrongCredentials are for the protocol to count (`Guard.failed_login`).
    """
    target, percent, master = user.strip().lower().rpartition("%")
    caller = _password_login(server, master if percent else user.strip().lower(), password)
    if not percent:
        return caller
    if not caller.may("impersonate"):
        raise Forbidden("impersonate")
    key, account = _account(server, target)
    return _caller(server, key, account)


def _password_login(server: Server, user: str, password: str) -> Caller:
    settings = server.settings
    if settings.recovery_user and user == settings.recovery_user:
        # A normal account of that bare name is shadowed: there is no second try.
        if hmac.compare_digest(password.encode(), settings.recovery_secret.encode()):
            return Caller(ids.RECOVERY_ACCOUNT, settings.recovery_user, None)
        raise WrongCredentials(user, "recovery administrator: wrong password")
    kinds = ["AppPassword"]
    if not password.startswith(secret.APP_PASSWORD):
        if server.running.directory is not None:
            raise Unauthorized("passwords are not accepted while an external directory is active")
        kinds = ["Password"]
    key, account = _account(server, user)
    for credential in account.get("credentials", {}).values():
        if credential["@type"] in kinds and _usable(credential) and secret.verify(password, credential["secret"]):
            return _caller(server, key, account, credential)
    wrong = WrongAppPassword if kinds == ["AppPassword"] else WrongCredentials
    raise wrong(user, "wrong password")


def _account(server: Server, user: str) -> tuple[str, dict[str, Any]]:
    """The User account of an address (also an alias); a bare name belongs to the default domain."""
    local, _, domain = user.rpartition("@") if "@" in user else (user, "", server.running.domain)
    holder = server.address_holder(local, domain)
    account = server.store.find(*holder) if holder else None
    if holder is None or account is None or account.get("@type") != "User":
        raise WrongCredentials(user, f"unknown user {user}")
    return holder[1], account


def _usable(credential: dict[str, Any]) -> bool:
    return credential["expiresAt"] is None or credential["expiresAt"] > formats.now()


def _caller(server: Server, key: str, account: dict[str, Any], credential: dict[str, Any] | None = None) -> Caller:
    granted = permissions.of_account(server.registry, account)
    limits = (credential or {}).get("permissions", {"@type": "Inherit"})
    if limits["@type"] == "Disable":
        granted -= set(limits["permissions"])
    elif limits["@type"] == "Replace":
        granted &= set(limits["permissions"])
    if "authenticate" not in granted:
        raise Forbidden("authenticate")
    return Caller(key, server.address(account), frozenset(granted))


async def authenticate_bearer(server: Server, token: str) -> Caller:
    """The caller of an access token or API key, on any protocol. Raises Unauthorized or Forbidden."""
    if token.startswith(secret.API_KEY):
        for key, account in server.store.all("Account").items():
            for credential in account.get("credentials", {}).values():
                matches = credential["@type"] == "ApiKey" and secret.verify(token, credential["secret"])
                if matches and _usable(credential):
                    return _caller(server, key, account, credential)
        raise WrongCredentials("", "unknown API key")
    directory = server.running.directory
    if directory is None:
        raise Unauthorized("no external directory is active")
    try:
        identity = await directory.identify(token)
    except oidc.LoginFailed as error:
        raise WrongCredentials("", str(error)) from None
    except oidc.OidcError as error:
        raise Unauthorized(str(error)) from None
    key = synchronize(server, identity, directory.settings["usernameDomain"])
    return _caller(server, key, server.store.all("Account")[key])


def synchronize(server: Server, identity: oidc.Identity, group_domain: str | None) -> str:
    """Creates or updates the account of a login and its groups (contract 5.3). Returns the account's id.

    Addresses are taken verbatim: an unknown domain, or a group's or list's address, fails the login.
    """
    local, _, domain = identity.address.rpartition("@")
    holder = server.address_holder(local, domain)
    domain_id = server.domain_id(domain)
    if domain_id is None:
        raise Unauthorized(f"unknown domain {domain}")
    account = server.store.find(*holder) if holder else None
    if holder is not None and (account is None or account.get("@type") != "User"):
        raise Unauthorized(f"{identity.address} is not a user")
    groups = None
    if identity.groups is not None:
        names = (name if "@" in name else f"{name}@{group_domain or server.running.domain}" for name in identity.groups)
        groups = {_group(server, name): True for name in names}
    try:
        if holder is None or account is None:
            values: dict[str, Any] = {"@type": "User", "name": local, "domainId": domain_id}
            values["description"] = identity.name
            values["memberGroupIds"] = groups or {}
            return server.registry.insert("Account", values)
        changed = dict(account)
        if identity.name is not None:
            changed["description"] = identity.name
        if groups is not None:
            changed["memberGroupIds"] = groups
        if changed != account:
            server.registry.replace("Account", holder[1], changed)
        return holder[1]
    except SetError as error:
        raise Unauthorized(str(error.body)) from None


def _group(server: Server, address: str) -> str:
    local, _, domain = address.rpartition("@")
    holder = server.address_holder(local, domain)
    if holder is not None:
        account = server.store.find(*holder)
        if holder[0] != "Account" or account is None or account["@type"] != "Group":
            raise Unauthorized(f"{address} is not a group")
        return holder[1]
    domain_id = server.domain_id(domain)
    if domain_id is None:
        raise Unauthorized(f"unknown domain {domain}")
    return server.registry.insert("Account", {"@type": "Group", "name": local, "domainId": domain_id})
