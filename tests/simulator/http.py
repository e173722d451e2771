"""The HTTP side: probes, session, schema, discovery, `/jmap`, and the simulator's own paths (contract 1.8, 2.4, 2.7)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from aiohttp import web

from . import equipment, jmap, jmap_mail, login, session
from .guard import TooMany

if TYPE_CHECKING:
    from .server import Server

log = logging.getLogger("simulator.http")

MAX_REQUEST_BYTES = 10_000_000
_SCOPES = ["openid", "offline_access", *(f"urn:ietf:params:oauth:scope:{n}" for n in ("mail", "contacts", "calendars"))]
_CHALLENGE = (
    'Bearer realm="Stalwart Server", resource_metadata="/.well-known/oauth-protected-resource", '
    'Basic realm="Stalwart Server"'
)
_PROBLEMS = {
    401: ("Unauthorized", "You have to authenticate first."),
    403: ("Forbidden", "You do not have enough permissions to access this resource."),
    404: ("Not Found", "The requested resource does not exist on this server."),
    429: ("Too Many Requests", "Your request has been rate limited. Please try again in a few seconds."),
}
_BANNED = {"title": "Too Many Authentication Attempts", "detail": "Too many failed authentication attempts."}
#: Permissions that `/api/account` of the recovery administrator leaves out: his account has no objects of its own.
_HIDDEN_OBJECTS = ("AccountPassword", "AccountSettings", "ApiKey", "AppPassword", "Bootstrap")
_HIDDEN = frozenset(
    "jmapPrincipalGet jmapPrincipalQuery jmapPrincipalChanges jmapPrincipalQueryChanges jmapPrincipalGetAvailability "
    "sysClusterNodeCreate sysClusterNodeUpdate sysClusterNodeDestroy sysLogCreate sysLogUpdate sysLogDestroy "
    "sysQueuedMessageCreate sysArfExternalReportCreate sysArfExternalReportUpdate sysDmarcExternalReportCreate "
    "sysDmarcExternalReportUpdate sysDmarcInternalReportCreate sysDmarcInternalReportUpdate "
    "sysTlsExternalReportCreate sysTlsExternalReportUpdate sysTlsInternalReportCreate sysTlsInternalReportUpdate".split()
)


def problem(status: int, **members: Any) -> web.Response:
    body: dict[str, Any] = {"type": "about:blank", "status": status}
    if status in _PROBLEMS:
        body["title"], body["detail"] = _PROBLEMS[status]
    body |= members
    headers = {"WWW-Authenticate": _CHALLENGE} if status == 401 else {}
    response = web.json_response(body, status=status, headers=headers)
    response.headers["Content-Type"] = "application/problem+json"
    return response


def _json(body: Any, **headers: str) -> web.Response:
    response = web.json_response(body, headers=headers)
    response.headers["Content-Type"] = "application/json; charset=utf-8"
    return response


def _too_many(error: TooMany) -> web.Response:
    response = problem(429, **(_BANNED if error.banned else {}))
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.count is not None:
        response.headers["RateLimit-Policy"] = f'"requests";q={error.count}'
        response.headers["RateLimit"] = f'"requests";r=0;t={error.retry_after}'
    return response


class Application:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.app = web.Application(client_max_size=MAX_REQUEST_BYTES + 1)
        self.app.router.add_route("*", "/{path:.*}", self._handle)
        self._accepted: WeakSet[Any] = WeakSet()  # connections that were there before a ban
        self._tokens: set[str] = set()  # headers that were good for a login

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.server.requests += 1
        address = self._client(request)
        if self._refused_at_accept(request):
            raise ConnectionAbortedError("blocked address")
        try:
            if self.server.guard.blocks(address):
                response: web.StreamResponse = problem(403, detail="Forbidden")
            else:
                response = await self._route(request)
        except TooMany as error:
            response = _too_many(error)
        except login.WrongCredentials as error:
            log.info("%s %s: authentication failed: %s", request.method, request.path, error)
            response = self._wrong_credentials(address, error.login)
        except login.Unauthorized as error:
            log.info("%s %s: authentication failed: %s", request.method, request.path, error)
            response = problem(401)
        except login.Forbidden:
            response = problem(403)
        log.info("%s %s %s", request.method, request.path, response.status)
        return response

    def _refused_at_accept(self, request: web.Request) -> bool:
        """A blocked address gets its new connections closed; on one that was open when the ban came it meets a 403."""
        transport = request.transport
        if transport is None or transport in self._accepted:
            return False
        if self.server.guard.blocks(str(request.remote)):
            transport.abort()
            return True
        self._accepted.add(transport)
        return False

    def _client(self, request: web.Request) -> str:
        """The client's address, behind a trusted proxy if the settings say so."""
        http = self.server.running.settings.get("Http", {})
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")[0].strip()
        return forwarded if http.get("useXForwarded") and forwarded else str(request.remote)

    def _wrong_credentials(self, address: str, name: str) -> web.Response:
        try:
            self.server.guard.failed_login(address, name)
        except TooMany as error:
            return _too_many(error)
        return problem(401)

    async def _route(self, request: web.Request) -> web.StreamResponse:
        path, method = request.path.rstrip("/") or "/", request.method
        if "too-many-requests" in self.server.faults and not path.startswith("/simulator/"):
            raise TooMany(retry_after=1)
        if path in ("/healthz/live", "/healthz/ready"):
            self.server.guard.anonymous(self._client(request))
            return problem(200, title="OK", detail="OK")
        if path == "/jmap" and method == "POST":
            return await self._jmap(request, await self._known(request))
        if method not in ("GET", "HEAD") and not path.startswith("/simulator/"):
            return problem(404)
        if path == "/.well-known/jmap":
            return web.Response(status=307, headers={"Location": "/jmap/session", "Cache-Control": "no-cache"})
        if path == "/jmap/session":
            return _json(session.document(self.server, await self._caller(request)))
        if path.startswith("/jmap/download/"):
            return self._download(path, await self._known(request), request.query.get("accept"))
        if path == "/.well-known/oauth-protected-resource" or path.startswith("/api/discover/"):
            self.server.guard.anonymous(self._client(request))
        if path == "/.well-known/oauth-protected-resource":
            return _json(self._protected_resource())
        if path.startswith("/api/discover/"):
            directory = self.server.running.directory
            document = directory.shown() if directory else _internal_directory()
            return _json(document, **{"Cache-Control": "no-store, no-cache, must-revalidate"})
        if path == "/api/account":
            return self._own_account(await self._known(request))
        if path == "/api/schema" or path.startswith("/api/schema/"):
            await self._known(request)
            return self._schema(path)
        if path.startswith("/simulator/"):
            return await self._simulator(request, await self._known(request))
        if request.path == "/":
            return web.Response(status=302, headers={"Location": "/account"})
        if path.count("/") == 1 and not request.path.endswith("/"):
            return web.Response(status=302, headers={"Location": f"{path}/"})  # the web UI's applications
        return problem(404)

    async def _caller(self, request: web.Request) -> login.Caller | None:
        header, address = request.headers.get("Authorization"), self._client(request)
        if header and not header.lower().startswith("basic ") and header not in self._tokens:
            self.server.guard.anonymous(address)  # a token that is new to the server
        caller = await login.authenticate(self.server, header)
        if caller is not None:
            self._tokens.add(str(header))
            self.server.guard.account(caller, address)
        return caller

    async def _known(self, request: web.Request) -> login.Caller:
        caller = await self._caller(request)
        if caller is None:
            self.server.guard.anonymous(self._client(request))
            raise login.Unauthorized("no credentials")
        return caller

    async def _jmap(self, request: web.Request, caller: login.Caller) -> web.Response:
        content_type = request.headers.get("Content-Type")
        if content_type is not None and not content_type.startswith("application/json"):
            detail = "Failed to parse JSON: The Content-Type header must be application/json."
            return problem(400, type="urn:ietf:params:jmap:error:notJSON", detail=detail)
        text = await request.read()
        try:
            if len(text) > MAX_REQUEST_BYTES:
                raise jmap.LimitExceeded("maxSizeRequest")
            body = jmap.parse(text)
        except jmap.NotRequest as error:
            return problem(400, type="urn:ietf:params:jmap:error:notRequest", detail=str(error))
        except jmap.LimitExceeded as error:
            detail = "The request exceeds a limit of the server."
            return problem(400, type="urn:ietf:params:jmap:error:limit", detail=detail, limit=str(error))
        self.server.fault("exit-before-answer")
        return _json(await jmap.Request(self.server, caller, body).run())

    def _download(self, path: str, caller: login.Caller, accept: str | None) -> web.Response:
        """`/jmap/download/<account>/<blob>/<name>`: the blob's id tells whose it is."""
        parts = path.split("/")[3:]
        reading = self.server.reading
        blob = jmap_mail.Mail(reading, reading.reader(caller)).blob(parts[1]) if len(parts) == 3 else None
        if blob is None:
            return problem(404)
        return web.Response(body=blob, headers={"Content-Type": accept or "application/octet-stream"})

    def _protected_resource(self) -> dict[str, Any]:
        base = self.server.base_url
        return {
            "resource": base,
            "authorization_servers": [base],
            "scopes_supported": _SCOPES,
            "bearer_methods_supported": ["header"],
        }

    def _own_account(self, caller: login.Caller) -> web.Response:
        every = self.server.tables.enums["Permission"]
        hidden = {name for name in every for entry in _HIDDEN_OBJECTS if name.startswith(f"sys{entry}")} | _HIDDEN
        shown = [name for name in every if caller.may(name) and not (caller.is_recovery and name in hidden)]
        account = self.server.store.find("Account", caller.account)
        locale = account["locale"] if account else "POSIX"
        return _json({"permissions": shown, "edition": "community", "locale": locale})

    def _schema(self, path: str) -> web.Response:
        location = f"/api/schema/{self.server.schema_hash}"
        if path != location:
            return web.Response(status=302, headers={"Location": location})
        headers = {
            "Content-Encoding": "gzip",
            "Content-Type": "application/json",
            "Cache-Control": "public, max-age=31536000, immutable",
        }
        return web.Response(body=self.server.schema_body, headers=headers)

    async def _simulator(self, request: web.Request, caller: login.Caller) -> web.Response:
        """Test equipment: what was written, how much was asked, and the fault switches. For the recovery admin only."""
        if not caller.is_recovery:
            return problem(403)
        body = await equipment.answer(self.server, request)
        return problem(404) if body is None else _json(body)


def _internal_directory() -> dict[str, Any]:
    """The server's own OAuth provider, as recorded: no issuer, relative paths."""
    return {
        "issuer": "",
        "authorization_endpoint": "/login",
        "token_endpoint": "/auth/token",
        "userinfo_endpoint": "/auth/userinfo",
        "jwks_uri": "/auth/jwks.json",
        "registration_endpoint": "/auth/register",
        "device_authorization_endpoint": "/auth/device",
        "scopes_supported": _SCOPES,
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "id_token_signing_alg_values_supported": [
            *("RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "PS384", "PS512", "HS256", "HS384", "HS512")
        ],
        "claims_supported": ["sub", "name", "preferred_username", "email", "email_verified"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }
