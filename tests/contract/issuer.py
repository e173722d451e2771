"""A tiny OIDC issuer on loopback: discovery, JWKS, userinfo, introspection and tokens in the shape of a Keycloak realm's."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

_SCOPES = (
    "openid profile offline_access address basic phone web-origins email roles organization acr stalwart-audience "
    "service_account groups microprofile-jwt"
)
_CLAIMS = "iss sub aud exp iat auth_time name given_name family_name preferred_username email acr azp nonce"

_USERINFO = frozenset("sub name given_name family_name preferred_username email email_verified groups".split())


class Issuer:
    """Serves the given realms; every other path is 404. Stop and start again on the same port to simulate an outage."""

    #: Credentials of the client that may introspect.
    CLIENT_ID, CLIENT_SECRET = "stalwart", "introspection-1"
    CLIENT = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()

    def __init__(self, *realms: str) -> None:
        self._realms = realms
        self._keys = {realm: rsa.generate_private_key(public_exponent=65537, key_size=2048) for realm in realms}
        #: What the discovery documents name instead of the realm's URL.
        self.other_issuer = ""
        self.clients: dict[tuple[str, str], dict[str, Any]] = {}
        self.users: dict[tuple[str, str], dict[str, Any]] = {}
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
                userinfo = issuer._userinfo(self.path, self.headers.get("Authorization", ""))
                if userinfo is not None:
                    self._answer(*userinfo)
                    return
                document = issuer._document(self.path)
                self._answer(404 if document is None else 200, document or {"error": "not found"})

            def do_POST(self) -> None:
                form = dict(parse_qsl(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()))
                if self.path.endswith("/protocol/openid-connect/token"):
                    self._answer(*issuer._granted(self.path.split("/")[2], form))
                    return
                client = self.headers.get("Authorization", "")
                self._answer(*issuer._introspection(self.path, client, form.get("token", "")))

            def _answer(self, status: int, document: dict[str, Any]) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
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

    def _claims(self, realm: str, token: str) -> dict[str, Any] | None:
        key = self._keys[realm].public_key()
        try:
            return dict(jwt.decode(token, key, algorithms=["RS256"], options={"verify_aud": False}))
        except jwt.PyJWTError:
            return None

    def _userinfo(self, path: str, authorization: str) -> tuple[int, dict[str, Any]] | None:
        """The claims of a bearer token; like Keycloak's it wants the scope openid. None for other paths."""
        for realm in self._realms:
            if path == f"/realms/{realm}/protocol/openid-connect/userinfo":
                claims = self._claims(realm, authorization.removeprefix("Bearer "))
                if claims is None:
                    return 401, {"error": "invalid_token"}
                if "openid" not in str(claims.get("scope")).split():
                    return 403, {"error": "insufficient_scope"}
                return 200, {name: value for name, value in claims.items() if name in _USERINFO}
        return None

    def _introspection(self, path: str, authorization: str, token: str) -> tuple[int, dict[str, Any]]:
        for realm in self._realms:
            if path == f"/realms/{realm}/protocol/openid-connect/token/introspect":
                if authorization != self.CLIENT:
                    return 401, {"error": "unauthorized_client"}
                claims = self._claims(realm, token)
                return 200, {"active": False} if claims is None else claims | {"active": True}
        return 404, {"error": "not found"}

    def _granted(self, realm: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """A token by password, with Keycloak's own refusals; the claims follow the scopes that are asked for."""
        client, user = (
            self.clients.get((realm, form.get("client_id", ""))),
            self.users.get((realm, form.get("username", ""))),
        )
        if client is None or client["secret"] != form.get("client_secret"):
            return 401, {"error": "invalid_client", "error_description": "Invalid client or Invalid client credentials"}
        if user is None or user["password"] != form.get("password"):
            return 401, {"error": "invalid_grant", "error_description": "Invalid user credentials"}
        scopes = form.get("scope", "").split()
        if set(scopes) - set(client["scopes"]):
            return 400, {"error": "invalid_scope", "error_description": f"Invalid scopes: {' '.join(scopes)}"}
        claims: dict[str, Any] = {
            "scope": " ".join(scopes),
            "aud": "account",
            "groups": None,
            "exp": int(time.time()) + client["seconds"],
        }
        if "stalwart-audience" in scopes:
            claims["aud"] = ["stalwart", "account"]
        if "groups" in scopes:
            claims["groups"] = user["groups"]
        return 200, {"access_token": self.token(realm, form["username"], **(claims | user["claims"]))}

    def add_client(self, realm: str, client_id: str, secret: str, *scopes: str, seconds: int = 300) -> None:
        """A confidential client that may use passwords."""
        self.clients[realm, client_id] = {"secret": secret, "scopes": scopes, "seconds": seconds}

    def add_user(self, realm: str, name: str, password: str, *groups: str, **claims: Any) -> None:
        """:param claims: instead of those that a token has otherwise."""
        self.users[realm, name] = {"password": password, "groups": list(groups), "claims": claims}

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
            "issuer": self.other_issuer or self.url(realm),
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
            # Two of one second would be the same token, which a server that has seen it does not look at again.
            "jti": uuid.uuid4().hex,
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
