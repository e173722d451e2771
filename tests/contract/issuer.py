"""A tiny OIDC issuer on loopback: discovery, JWKS and signed tokens in the shape of a Keycloak realm's."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

_SCOPES = (
    "openid profile offline_access address basic phone web-origins email roles organization acr stalwart-audience "
    "service_account groups microprofile-jwt"
)
_CLAIMS = "iss sub aud exp iat auth_time name given_name family_name preferred_username email acr azp nonce"


class Issuer:
    """Serves the given realms; every other path is 404. Stop and start again on the same port to simulate an outage."""

    def __init__(self, *realms: str) -> None:
        self._realms = realms
        self._keys = {realm: rsa.generate_private_key(public_exponent=65537, key_size=2048) for realm in realms}
        self._port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def url(self, realm: str) -> str:
        return f"{self.base}/realms/{realm}"

    def start(self) -> Issuer:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                document = issuer._document(self.path)
                body = json.dumps(document if document is not None else {"error": "not found"}).encode()
                self.send_response(200 if document is not None else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        self._server = None

    def _document(self, path: str) -> dict[str, Any] | None:
        for realm in self._realms:
            prefix = f"/realms/{realm}"
            if path == f"{prefix}/.well-known/openid-configuration":
                return self._discovery(realm)
            if path == f"{prefix}/protocol/openid-connect/certs":
                key = RSAAlgorithm.to_jwk(self._keys[realm].public_key(), as_dict=True)
                return {"keys": [key | {"kid": realm, "alg": "RS256", "use": "sig"}]}
        return None

    def _discovery(self, realm: str) -> dict[str, Any]:
        paths = {
            "jwks_uri": "certs",
            "userinfo_endpoint": "userinfo",
            "token_endpoint": "token",
            "authorization_endpoint": "auth",
            "end_session_endpoint": "logout",
            "introspection_endpoint": "token/introspect",
        }
        endpoints = {name: f"{self.url(realm)}/protocol/openid-connect/{path}" for name, path in paths.items()}
        return {
            "issuer": self.url(realm),
            **endpoints,
            "scopes_supported": _SCOPES.split(),
            "claims_supported": _CLAIMS.split(),
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": ["authorization_code", "refresh_token", "password", "client_credentials"],
        }

    def token(self, realm: str, username: str, **claims: Any) -> str:
        """An access token as Keycloak makes it; a claim given as None is left out."""
        now = int(time.time())
        payload: dict[str, Any] = {
            "iss": self.url(realm),
            "sub": username,
            "aud": ["stalwart", "account"],
            "iat": now,
            "exp": now + 300,
            "scope": "openid profile email groups",
            "preferred_username": username,
            "email": f"{username}@example.org",
            "name": username.title(),
            "groups": [],
        }
        payload |= claims
        payload = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(payload, self._keys[realm], algorithm="RS256", headers={"kid": realm})
