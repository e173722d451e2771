"""The OIDC directory of 0.15: an access token is shown to userinfo or introspection (contract 0.15 sections 4.1, 4.2)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from .values import seconds

_REQUIRED = ("endpoint.url", "endpoint.method", "fields.email")
_SECRETS = {"basic": ("auth.username", "auth.secret"), "token": ("auth.token",), "user-token": (), "none": ()}


class OidcError(Exception):
    """Endpoint unreachable or its answer unusable: an error of the server, not a failed login."""


class LoginFailed(Exception):
    """The endpoint refused the token."""


@dataclass
class Identity:
    name: str
    address: str
    description: str | None


def problems(settings: dict[str, str]) -> dict[str, str]:
    """What is missing or wrong below `directory.<id>.`, by sub-key. The first one only, as the server stops there."""
    method = settings.get("endpoint.method")
    if method not in (None, "userinfo", "introspect"):
        return {"endpoint.method": "Invalid endpoint method, must be 'introspect' or 'userinfo'"}
    needed = ["endpoint.method"]
    if method == "introspect":
        kind = settings.get("auth.method")
        if kind is not None and kind not in _SECRETS:
            return {"auth.method": "Invalid authentication method, must be 'header', 'bearer' or 'none'"}
        needed += ["auth.method", *_SECRETS.get(kind or "", ())]
    missing = [name for name in [*needed, *_REQUIRED[::-1]] if name not in settings]
    return {missing[0]: "Missing property"} if missing else {}


class Directory:
    """One configured OIDC directory; ``settings`` are the keys below `directory.<id>.`."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = settings

    async def identify(self, token: str) -> Identity:
        """Raises OidcError or LoginFailed."""
        claims = await self._ask(token)
        email = self.settings["fields.email"]
        address = _text(claims, email)
        if not address:
            raise OidcError(f"Required field {email} not found in response")
        field = self.settings.get("fields.username")
        name = _text(claims, field) if field and field != email else address
        if not name:
            raise OidcError(f"Required field {field} not found in response")
        description = _text(claims, self.settings.get("fields.full-name"))
        return Identity(name.lower(), address.lower(), description)

    async def _ask(self, token: str) -> dict[str, Any]:
        url = self.settings["endpoint.url"]
        timeout = aiohttp.ClientTimeout(total=seconds(self.settings.get("timeout", "30s")))
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session:
                if self.settings["endpoint.method"] == "userinfo":
                    context = session.get(url, headers={"Authorization": f"Bearer {token}"})
                else:
                    form = {"token": token, "token_type_hint": "access_token"}
                    context = session.post(url, data=form, headers=self._authorization(token))
                async with context as response:
                    body = await response.read()
                    if response.status == 401:
                        raise LoginFailed("Unauthorized")
                    if response.status != 200:
                        raise OidcError(f"Unexpected status code {response.status}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise OidcError(f"HTTP request failed: {error}") from None
        try:
            claims = json.loads(body)
        except ValueError as error:
            raise OidcError(f"Failed to deserialize OIDC response: {error}") from None
        if not isinstance(claims, dict):
            raise OidcError("Failed to deserialize OIDC response: not an object")
        return claims

    def _authorization(self, token: str) -> dict[str, str]:
        match self.settings["auth.method"]:
            case "basic":
                pair = f"{self.settings['auth.username']}:{self.settings['auth.secret']}"
                return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
            case "token":
                return {"Authorization": f"Bearer {self.settings['auth.token']}"}
            case "user-token":
                return {"Authorization": f"Bearer {token}"}
        return {}


def _text(claims: dict[str, Any], name: str | None) -> str:
    value = claims.get(name or "")
    return value if isinstance(value, str) else ""
