"""The HTTP side of 0.15: probes, session, `/api` and the simulator's own paths (contract 0.15 sections 1.7, 2)."""

from __future__ import annotations

import json
import logging
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote
from weakref import WeakSet

from aiohttp import web

from .. import equipment, jmap_mail
from . import account, dkim, login, running, session, validate
from .boot import VERSION
from .problems import BadRequest, Forbidden, NotFound, Problem, Refused, TooMany, Unauthorized

if TYPE_CHECKING:
    from .server import Server

log = logging.getLogger("simulator.http")

MAX_BODY_BYTES = 1024 * 1024
MAX_REQUEST_BYTES = 10_000_000
_CHALLENGE = 'Bearer realm="Stalwart Server", Basic realm="Stalwart Server"'
_NO_CACHE = {"Cache-Control": "no-store, no-cache, must-revalidate"}


def _problem(error: Problem, challenge: bool) -> web.Response:
    headers = {"WWW-Authenticate": _CHALLENGE} if error.status == 401 and challenge else {}
    response = web.json_response(error.document(), status=error.status, headers=headers)
    response.headers["Content-Type"] = "application/problem+json"
    return response


def _json(body: Any, **headers: str) -> web.Response:
    response = web.json_response(body, headers=headers)
    response.headers["Content-Type"] = "application/json; charset=utf-8"
    return response


class Application:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.app = web.Application(client_max_size=MAX_REQUEST_BYTES + 1)
        self.app.router.add_route("*", "/{path:.*}", self._handle)
        self._accepted: WeakSet[Any] = WeakSet()  # connections that were there before a ban

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.server.requests += 1
        if self._refused_at_accept(request):
            raise ConnectionAbortedError("blocked address")
        try:
            response = await self._route(request)
        except Problem as error:
            log.info("%s %s: %s", request.method, request.path, error)
            response = _problem(error, challenge=not request.path.startswith("/api"))
        except Refused as error:
            response = _json(error.document)
        log.info("%s %s %s", request.method, request.path, response.status)
        return response

    def _refused_at_accept(self, request: web.Request) -> bool:
        """A blocked address gets its new connections closed; one that was open when the ban came stays."""
        transport = request.transport
        if transport is None or transport in self._accepted:
            return False
        if self.server.limits.blocks(str(request.remote)):
            transport.abort()
            return True
        self._accepted.add(transport)
        return False

    def _client(self, request: web.Request) -> str:
        """The client's address. Raises Forbidden for a blocked one behind a proxy."""
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")[0].strip()
        if self.server.running.get("http.use-x-forwarded") == "true" and forwarded:
            if self.server.limits.blocks(forwarded):
                raise Forbidden("blocked address")
            return forwarded
        return str(request.remote)

    async def _caller(self, request: web.Request, api: bool) -> login.Caller:
        header, address = request.headers.get("Authorization"), self._client(request)
        if not header:
            self.server.limits.anonymous(address)
            raise Unauthorized("no credentials")
        return await login.authenticate(self.server, header, address, api)

    async def _route(self, request: web.Request) -> web.StreamResponse:
        method, parts = request.method, request.raw_path.partition("?")[0].split("/")[1:]
        if parts[0] == "simulator":
            return await self._simulator(request)
        if "too-many-requests" in self.server.faults:
            raise TooMany("fault")
        if method == "OPTIONS":
            return web.Response(status=204)
        if parts[0] == "api":
            return await self._api(request, parts[1:])
        if parts == ["jmap", "session"] and method == "GET":
            known = "Authorization" in request.headers
            caller = await self._caller(request, api=False) if known else None
            return _json(session.document(self.server, caller, self.server.base_url))
        if parts in (["jmap"], ["jmap", ""]) and method == "POST":
            caller = await self._caller(request, api=False)
            return _json(session.call(self.server, caller, await request.read()))
        if parts[:2] == ["jmap", "download"] and len(parts) == 5 and method == "GET":
            caller = await self._caller(request, api=False)
            return self._download(parts[3], caller, request.query.get("accept"))
        if parts == [".well-known", "jmap"] and method == "GET":
            return web.Response(status=307, headers={"Location": "/jmap/session", "Cache-Control": "no-cache"})
        if parts[0] == "healthz" and parts[1:] in (["live"], ["ready"]) and method == "GET":
            self.server.limits.anonymous(self._client(request))
            ready = parts[1] == "live" or bool(self.server.settings.database)
            body = {"type": "about:blank", "title": "OK", "status": 200, "detail": "OK"}
            response = web.json_response(body if ready else body | {"status": 503}, status=200 if ready else 503)
            response.headers["Content-Type"] = "application/problem+json"
            return response
        raise NotFound("route")

    def _download(self, key: str, caller: login.Caller, accept: str | None) -> web.Response:
        reading = self.server.reading
        blob = jmap_mail.Mail(reading, reading.reader(caller)).blob(key)
        if blob is None:
            raise NotFound("blob")
        return web.Response(body=blob, headers={"Content-Type": accept or "application/octet-stream"})

    # -- /api ----------------------------------------------------------------------------------------------------

    async def _api(self, request: web.Request, parts: list[str]) -> web.Response:
        server, method = self.server, request.method
        caller = await self._caller(request, api=True)
        if method not in ("GET", "HEAD"):
            equipment.fault(server, "exit-before-answer")
        content = await request.read()

        def document() -> Any:
            try:
                return json.loads(content if len(content) <= MAX_BODY_BYTES else b"")
            except ValueError as error:
                raise BadRequest(str(error)) from None

        # Elements are decoded after the split, so a name may hold a slash; empty parameters count as absent.
        first, rest = parts[0] if parts else "", [unquote(part) for part in parts[1:]]
        query = dict(reversed(parse_qsl(request.raw_path.partition("?")[2])))
        match first:
            case "settings":
                data = server.settings_api.handle(method, rest, query, document, caller)
            case "principal":
                data = server.principal_api.handle(method, rest, query, document, caller)
            case "dkim":
                data = server.dkim_api.handle(method, rest, document, caller)
            case "reload":
                data = await self._reload(method, rest, query, caller)
            case "dns" if rest[:1] == ["records"] and len(rest) > 1 and method == "GET":
                caller.require("domain-get")
                data = dkim.records(server, rest[1])
            case "account" if rest == ["auth"] and method == "GET":
                caller.require("manage-passwords")
                data = account.show(server, caller)
            case "account" if rest == ["auth"] and method == "POST":
                caller.require("manage-passwords")
                account.update(server, caller, document())
                data = None
            case "oauth":
                caller.require("authenticate-oauth")
                return _json({"data": _authorization(document(), caller)}, **_NO_CACHE)
            case "update" if rest in (["spam-filter"], ["webadmin"]) and method == "GET":
                caller.require(f"{rest[0]}-update")
                raise Problem("no network: downloads always fail")
            case "store" if rest[:3] == ["purge", "in-memory", "default"] and method == "GET":
                caller.require("purge-in-memory-store")
                server.limits.purge(rest[3] if len(rest) > 3 else "")
                data = None
            case "restart" if method == "GET":
                caller.require("restart")
                raise Refused("unsupported", details="Restart is not yet supported")
            case "telemetry":
                raise Refused("unsupported", details="Enterprise feature")
            case _:
                raise NotFound("route")
        return _json({"data": data})

    async def _reload(self, method: str, path: list[str], query: dict[str, str], caller: login.Caller) -> Any:
        caller.require("settings-reload")
        if method != "GET":
            raise NotFound("reload")
        server, what = self.server, path[0] if path else ""
        dry_run, warnings = False, {}
        match what:
            case "lookup":
                errors = running.reload_lookups(server)
            case "certificate":
                errors = running.reload_certificates(server)
            case "server.blocked-ip":
                errors = running.reload_blocked(server)
            case _:
                dry_run = "dry-run" in query
                warnings = validate.warnings(server.config.resolved()[0])
                errors = await running.reload(server, dry_run)
        if not dry_run:
            server.writes.add("reload", "reload", caller.name, **{"refused" if errors else "changed": [what or "all"]})
        return {"warnings": warnings, "errors": errors}

    # -- test equipment ------------------------------------------------------------------------------------------

    async def _simulator(self, request: web.Request) -> web.Response:
        caller = await self._caller(request, api=True)
        if not caller.is_fallback:
            raise Forbidden("simulator")
        if (request.method, request.path) == ("GET", "/simulator/lookups"):
            return _json(self.server.running.lookups)
        if (request.method, request.path) == ("GET", "/simulator/running"):
            return _json(self.server.running.keys)
        if (request.method, request.path) == ("PUT", "/simulator/used-quota"):
            return _json(self.server.use_quota(await request.json()))
        body = await equipment.answer(self.server, request)
        if body is None:
            raise NotFound("simulator")
        return _json(body)


def _authorization(given: Any, caller: login.Caller) -> Any:
    """The version probe. The code it returns is of no use here."""
    if not isinstance(given, dict) or given.get("type") != "code" or not isinstance(given.get("client_id"), str):
        raise BadRequest("oauth")
    code = secrets.token_urlsafe(40).replace("-", "a").replace("_", "b")[:40]
    return {"code": code, "permissions": sorted(caller.permissions), "version": VERSION, "isEnterprise": False}
