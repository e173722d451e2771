"""An OIDC directory: discovery, token validation and the identity in a token (contract 5.1 and 5.2)."""

from __future__ import annotations

import contextlib
import ssl
import time
from dataclasses import dataclass
from typing import Any

import aiohttp
import jwt
from jwt.types import Options

DISCOVERY = "/.well-known/openid-configuration"
TIMEOUT = aiohttp.ClientTimeout(total=30)
LEEWAY_SECONDS = 60
JWKS_MINIMUM_AGE_SECONDS = 300
_REQUIRED = ("jwks_uri", "userinfo_endpoint", "token_endpoint", "authorization_endpoint")
#: Members of the discovery document that `/api/discover` shows while the directory runs.
_SHOWN = (
    "issuer",
    "jwks_uri",
    "userinfo_endpoint",
    "token_endpoint",
    "authorization_endpoint",
    "end_session_endpoint",
    "scopes_supported",
    "claims_supported",
    "code_challenge_methods_supported",
)
#: By key type. A key without `alg` gets PyJWT's default for it (RS256 for RSA), as on the real server.
_ALGORITHMS = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384"),
    "OKP": ("EdDSA",),
}
#: Of a header: with another one the token is none that the server reads.
_KNOWN_ALGORITHMS = frozenset(name for names in _ALGORITHMS.values() for name in names) | {"HS256", "HS384", "HS512"}
_CHECKED: Options = {
    "require": ["exp"],
    "verify_aud": False,
    "verify_iss": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_sub": False,
    "verify_jti": False,
}


class OidcError(Exception):
    """Issuer unreachable or token not valid: an error, not counted as a failed login (contract 5.2)."""


class LoginFailed(Exception):
    """A token that may not log in: missing scope, unusable address, refused by userinfo. Counts as a failed login."""


@dataclass
class Identity:
    address: str
    name: str | None
    groups: list[str] | None  # None: no claim anywhere, so the membership stays as it is


async def _get_json(url: str, label: str, token: str | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    # The system's trust store; SSL_CERT_FILE names a private CA, as for the real server.
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session,
            session.get(url, headers=headers) as response,
        ):
            if token and response.status in (401, 403):
                reason = f"{response.status} {response.reason}"
                raise LoginFailed(f"Token rejected by UserInfo endpoint with status {reason}")
            if response.status >= 400:
                kind = "client" if response.status < 500 else "server"
                reason = f"HTTP status {kind} error ({response.status} {response.reason}) for url ({url})"
                raise OidcError(f"{label} HTTP error: {reason}")
            document = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise OidcError(f"{label} HTTP error: error sending request for url ({url}): {error}") from None
    except ValueError as error:
        raise OidcError(f"{label} error: {error}") from None
    if not isinstance(document, dict):
        raise OidcError(f"{label} error: not a JSON object")
    return document


class Directory:
    def __init__(self, settings: dict[str, Any], discovery: dict[str, Any], jwks: dict[str, Any]) -> None:
        self.settings = settings
        self.discovery = discovery
        self._jwks = jwks
        self._fetched = time.monotonic()

    @classmethod
    async def open(cls, settings: dict[str, Any]) -> Directory:
        """Raises OidcError when the issuer cannot be reached or its document does not match."""
        settings = dict(settings)
        issuer = settings["issuerUrl"].rstrip("/")
        document = await _get_json(issuer + DISCOVERY, "Discovery")
        if str(document.get("issuer", "")).rstrip("/") != issuer:
            raise OidcError(f"Issuer mismatch: expected {issuer}, got {document.get('issuer')}")
        for name in _REQUIRED:
            if not document.get(name):
                raise OidcError(f"Discovery document has no {name}")
        return cls(settings, document, await _get_json(document["jwks_uri"], "JWKS"))

    def shown(self) -> dict[str, Any]:
        """The answer of `/api/discover/<address>`."""
        return {name: self.discovery[name] for name in _SHOWN if name in self.discovery}

    async def identify(self, token: str) -> Identity:
        """Raises OidcError or LoginFailed."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            header = {}
        if header.get("alg") not in _KNOWN_ALGORITHMS:
            # Opaque: only userinfo decides, without audience and scope.
            return self._identity({}, await self._userinfo(token))
        claims = await self._verify(token, header)
        granted = claims.get("scope", [])
        granted = granted.split() if isinstance(granted, str) else granted
        missing = [name for name in self.settings["requireScopes"] if name not in granted]
        if missing:
            raise LoginFailed(f"missing scopes: {', '.join(missing)}")
        claim_names = [self.settings["claimName"], self.settings["claimGroups"]]
        extra = {}
        if self._address(claims) is None or any(name and claims.get(name) is None for name in claim_names):
            try:
                extra = await self._userinfo(token)
            except (OidcError, LoginFailed):
                if self._address(claims) is None:
                    raise
        return self._identity(claims, extra)

    async def _verify(self, token: str, header: dict[str, Any]) -> dict[str, Any]:
        """Without `kid` any key may have signed. `nbf` is not looked at, and an issuer only if the token names one."""
        reason = "no usable key"
        for key in await self._keys(header.get("kid")):
            try:
                claims = jwt.decode(
                    token, key.key, algorithms=[key.algorithm_name], leeway=LEEWAY_SECONDS, options=_CHECKED
                )
                break
            except jwt.PyJWTError as error:
                reason = str(error)
        else:
            raise OidcError(f"token refused: {reason}")
        if "iss" in claims and claims["iss"] != self.discovery["issuer"]:
            raise OidcError("token refused: issuer mismatch")
        required = self.settings["requireAudience"]
        audience = claims.get("aud", [])
        if required and required not in ([audience] if isinstance(audience, str) else audience):
            raise OidcError("token refused: audience mismatch")
        return dict(claims)

    async def _keys(self, kid: str | None) -> list[jwt.PyJWK]:
        """An unknown key id is an error unless the cached keys are older than five minutes."""
        found = self._find(kid)
        if not found and (kid is None or time.monotonic() - self._fetched > JWKS_MINIMUM_AGE_SECONDS):
            self._jwks = await _get_json(self.discovery["jwks_uri"], "JWKS")
            self._fetched = time.monotonic()
            found = self._find(kid)
        if not found:
            raise OidcError("token refused: unknown key")
        return found

    def _find(self, kid: str | None) -> list[jwt.PyJWK]:
        found = []
        for entry in self._jwks.get("keys", []):
            usable = entry.get("use") != "enc" and entry.get("kty") in _ALGORITHMS
            if usable and (kid is None or entry.get("kid") == kid):
                with contextlib.suppress(jwt.PyJWTError):
                    key = jwt.PyJWK(entry)
                    if key.algorithm_name in _ALGORITHMS[entry["kty"]]:
                        found.append(key)
        return found

    async def _userinfo(self, token: str) -> dict[str, Any]:
        return await _get_json(self.discovery["userinfo_endpoint"], "Userinfo", token)

    def _address(self, claims: dict[str, Any]) -> str | None:
        name = claims.get(self.settings["claimUsername"])
        if isinstance(name, str) and name:
            if "@" in name:
                return name
            if self.settings["usernameDomain"]:
                return f"{name}@{self.settings['usernameDomain']}"
        email = claims.get("email")
        return email if isinstance(email, str) and "@" in email else None

    def _identity(self, claims: dict[str, Any], extra: dict[str, Any]) -> Identity:
        merged = extra | {name: value for name, value in claims.items() if value is not None}
        address = self._address(merged)
        if address is None:
            raise LoginFailed("token has no usable address")
        name = merged.get(self.settings["claimName"]) if self.settings["claimName"] else None
        groups = merged.get(self.settings["claimGroups"]) if self.settings["claimGroups"] else None
        if isinstance(groups, str):
            groups = groups.split()
        return Identity(address, name if isinstance(name, str) else None, groups)
