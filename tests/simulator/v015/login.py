"""Who is calling: credentials of a request to a caller with permissions (contract 0.15 sections 1.4, 2.2, 4.2 to 4.4)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import oidc, permissions, secret
from .patch import Change, Patch
from .principals import empty
from .problems import Forbidden, InternalError, Unauthorized
from .store import Body

if TYPE_CHECKING:
    from .server import Server

FALLBACK_ID = 2**32 - 1
FALLBACK_NAME = "Fallback Administrator"
_API_KEY = "api_"


class Refused(Unauthorized):
    """The credentials were judged and are no good."""


class WrongCredentials(Refused):
    """Counts for the auto-ban."""

    def __init__(self, login: str, reason: str) -> None:
        super().__init__(reason)
        self.login = login


@dataclass(frozen=True)
class Caller:
    id: int
    name: str
    permissions: frozenset[str]
    is_basic: bool = False

    @property
    def is_fallback(self) -> bool:
        return self.id == FALLBACK_ID

    def require(self, permission: str) -> None:
        if permission not in self.permissions:
            raise Forbidden(permission)


async def authenticate(server: Server, header: str, address: str, api: bool) -> Caller:
    """:param address: of the client. :param api: whether API keys are accepted. Raises Problem."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            caller = authenticate_password(server, *_decoded(value.strip()), api)
        except WrongCredentials as error:
            server.limits.failed_login(address, error.login)
            raise
    else:
        server.limits.anonymous(address)
        if scheme.lower() != "bearer":
            raise Unauthorized(f"scheme {scheme}")
        caller = await authenticate_bearer(server, value.strip(), api)
    if "unlimited-requests" not in caller.permissions:
        server.limits.account(caller.name)
    return caller


def _decoded(value: str) -> tuple[str, str]:
    """The user is trimmed and lower-cased, the password may contain colons."""
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthorized("malformed Basic credentials") from None
    if not colon:
        raise Unauthorized("malformed Basic credentials")
    return user.strip().lower(), password


def authenticate_password(server: Server, user: str, password: str, api: bool = False) -> Caller:
    """The caller of a password or app password, on any protocol: default directory, then fallback administrator,
    master user or API key. Raises Problem; WrongCredentials are for the protocol to count (`Limits.failed_login`).
    """
    caller = _by_login(server, user, password, api)
    caller.require("authenticate")
    return caller


def _by_login(server: Server, user: str, password: str, api: bool) -> Caller:
    directory = server.running.directory
    if directory is not None:
        found = _by_password(server, user, password, only_app_password=directory != "internal")
        if found is not None:
            return caller_of(server, *found, is_basic=True)
    running = server.running
    fallback, master = running.get("authentication.fallback-admin.user"), running.get("authentication.master.user")
    if fallback and user == fallback:
        if secret.verify(password, running.get("authentication.fallback-admin.secret")):
            return Caller(FALLBACK_ID, FALLBACK_NAME, permissions.every(), is_basic=True)
    elif master and user.endswith(master):
        target = server.principals.find(user.removesuffix(master).removesuffix("%"))
        if secret.verify(password, running.get("authentication.master.secret")) and target:
            return caller_of(server, *target, is_basic=True)
    elif api:
        found = _by_password(server, user, password, only_app_password=False)
        if found is not None and found[1]["type"] == "apiKey":
            return caller_of(server, *found, is_basic=True)
    if directory is None:
        raise InternalError("the default directory is not usable")
    raise WrongCredentials(user, "wrong password")


def _by_password(server: Server, user: str, password: str, only_app_password: bool) -> tuple[int, Body] | None:
    """By name, not by address. TOTP is not simulated: an account with it logs in by app password only."""
    found = server.principals.find(user)
    if found is None:
        return None
    texts = found[1]["secrets"]
    plain = not only_app_password and not any(text.startswith(secret.OTP) for text in texts)
    for text in texts:
        if text.startswith(secret.APP_PASSWORD):
            matches = secret.verify(password, secret.app_hash(text))
        else:
            matches = plain and secret.verify(password, text)
        if matches:
            return found
    return None


async def authenticate_bearer(server: Server, token: str, api: bool = False) -> Caller:
    """The caller of an access token or API key, on any protocol. Raises Problem."""
    caller = await _by_token(server, token, api)
    caller.require("authenticate")
    return caller


async def _by_token(server: Server, token: str, api: bool) -> Caller:
    if api and token.startswith(_API_KEY):
        found = _by_password(server, *_decoded(token.removeprefix(_API_KEY)), only_app_password=False)
        if found is None or found[1]["type"] != "apiKey":
            raise Unauthorized("unknown API key")
        return caller_of(server, *found)
    directory = server.running.oidc
    if directory is None:
        raise Unauthorized("the default directory knows no tokens")
    try:
        if "issuer" in server.faults:
            url = directory.settings["endpoint.url"]
            raise oidc.OidcError(f"HTTP request failed: error sending request for url ({url})")
        identity = await directory.identify(token)
    except oidc.LoginFailed as error:
        raise Refused(str(error)) from None
    except oidc.OidcError as error:
        raise Unauthorized(f"authentication error: {error}") from None
    key = synchronize(server, identity)
    body = server.store.principals[key]
    # For the session the roles are those of the token's account, i.e. `user`: only explicit permissions survive.
    groups = [entry for entry in body["memberOf"] if entry in server.store.principals]
    groups = [entry for entry in groups if server.store.principals[entry]["type"] != "role"]
    return caller_of(server, key, body | {"memberOf": [*groups, permissions.BUILT_IN["user"]]})


def caller_of(server: Server, key: int, body: Body, is_basic: bool = False) -> Caller:
    return Caller(key, body["name"], permissions.of_principal(server.store, body), is_basic)


def synchronize(server: Server, identity: oidc.Identity) -> int:
    """Creates or updates the account of a login (contract 4.3). Raises Refused, which then leaves an empty account."""
    principals = server.principals
    found = principals.find(identity.name)
    if found is None:
        key = principals.insert(empty("individual", identity.name) | {"memberOf": [permissions.BUILT_IN["user"]]}, [])
        found = key, server.store.principals[key]
    key, body = found
    changes = []
    primary = body["emails"][:1]
    if primary != [identity.address]:
        if principals.owner(identity.address) is None:
            _domain(server, identity.address.rpartition("@")[2])
        changes.append(Change("addItem", "emails", identity.address))
        changes += [Change("removeItem", "emails", email) for email in primary]
    if identity.description and identity.description != body["description"]:
        changes.append(Change("set", "description", identity.description))
    plain = [text for text in body["secrets"] if not text.startswith((secret.APP_PASSWORD, secret.OTP))]
    changes += [Change("removeItem", "secrets", text) for text in plain]
    Patch(principals, key, permissions.every()).apply(changes)
    return key


def _domain(server: Server, name: str) -> None:
    if name and server.principals.find(name) is None:
        server.principals.insert(empty("domain", name) | {"description": name}, [])
