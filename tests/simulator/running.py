"""The running configuration: what the last boot or accepted reload made of the stored objects (contract 4.19)."""

from __future__ import annotations

import asyncio
import copy
import logging
import socket
from typing import TYPE_CHECKING, Any

from . import formats, lookuptables, mailflow, oidc, secret, tls
from .certificates import Certificates
from .errors import SetError
from .mta import Throttle

if TYPE_CHECKING:
    from .server import Server

log = logging.getLogger("simulator.running")

#: Stored settings that the simulator itself obeys and that only a reload applies.
_SNAPSHOT = ("SystemSettings", "MtaSts", "Authentication", "Http", "Security", *mailflow.SETTINGS)


class Running:
    def __init__(self) -> None:
        self.settings: dict[str, dict[str, Any]] = {}
        self.directory: oidc.Directory | None = None
        self.domain = ""  # default domain's name
        self.allowed: list[str] = []
        self.blocked: list[str] = []
        self.throttles: list[Throttle] = []
        self.lookups: lookuptables.Tables = {}
        self.routes: dict[str, dict[str, Any]] = {}  # by name, with the password of a relay
        self.tls_strategies: dict[str, dict[str, Any]] = {}
        self.certificates: tls.Loaded = {}

    def hostname(self, fallback: str) -> str:
        return str(self.settings["SystemSettings"]["defaultHostname"] or fallback)


class Refused(Exception):
    """The first error of a build: which object and why."""

    def __init__(self, reason: str, type_: str, key: str) -> None:
        super().__init__(reason)
        self.reason, self.type, self.key = reason, type_, key

    def as_set_error(self) -> SetError:
        return SetError("validationFailed", self.reason, objectId={"object": self.type, "id": self.key})


async def boot(server: Server) -> Running:
    """At boot errors are logged and the server runs with what it could build (contract 4.19 and 11.3)."""
    running = _snapshot(server)
    directories, problems = await _directories(server)
    for problem in [*problems, *_routes(server, running)]:
        log.error("Build error for %s %s: %s", problem.type, problem.key, problem.reason)
    wanted = running.settings["Authentication"]["directoryId"]
    running.directory = directories.get(wanted)
    if wanted and wanted not in directories:
        log.error("Default directory %s not found, using the internal directory", wanted)
    return running


async def reload(server: Server) -> Running:
    """A new running configuration, or Refused with the first error: then the old one stays as it is."""
    if "slow-reload" in server.faults:
        await asyncio.sleep(server.settings.slow_seconds)
    directories, problems = await _directories(server)
    if problems:
        raise problems[0]
    await _resolve_pyzor(server)
    running = _snapshot(server)
    if unreadable := _routes(server, running):
        raise unreadable[0]
    running.certificates = server.running.certificates  # they have a reload of their own
    running.directory = directories.get(running.settings["Authentication"]["directoryId"])
    return running


def _snapshot(server: Server) -> Running:
    running = Running()
    running.settings = {name: copy.deepcopy(server.registry.singleton(name)) for name in _SNAPSHOT}
    domain = server.store.find("Domain", running.settings["SystemSettings"]["defaultDomainId"])
    running.domain = domain["name"] if domain else ""
    running.allowed = _in_force(server, "AllowedIp")
    running.blocked = blocked(server)
    running.throttles = mailflow.throttles(server)
    running.lookups = lookups(server)
    return running


def _routes(server: Server, running: Running) -> list[Refused]:
    """Secrets are read now and never again; a relay whose secret cannot be read runs without a login."""
    problems = []
    for key, body in server.store.all("MtaRoute").items():
        password = None
        try:
            if body["@type"] == "Relay" and body["authSecret"]["@type"] != "None":
                password = secret.resolve(body["authSecret"])
        except secret.Unreadable as error:
            problems.append(Refused(str(error), "MtaRoute", key))
        running.routes[body["name"]] = {**body, "password": password}
    running.tls_strategies = {body["name"]: body for body in server.store.all("MtaTlsStrategy").values()}
    return problems


def certificates(server: Server) -> list[Refused]:
    """Shows what can be loaded, whatever is wrong with others; what is wrong."""
    behaviour = server.registry.behaviours["Certificate"]
    assert isinstance(behaviour, Certificates)
    load = behaviour.load()
    server.running.certificates = load.loaded
    problems = [Refused(reason, "Certificate", key) for key, reason in load.problems.items()]
    for problem in problems:
        log.error("Build error for Certificate %s: %s", problem.key, problem.reason)
    return problems


def lookups(server: Server) -> lookuptables.Tables:
    """The tables as stored."""
    stored = [body for name in ("MemoryLookupKey", "MemoryLookupKeyValue") for body in server.store.all(name).values()]
    return lookuptables.build(
        (body["namespace"], body["key"], body.get("value", ""), body["isGlobPattern"]) for body in stored
    )


def blocked(server: Server) -> list[str]:
    """The stored addresses and networks that are still blocked."""
    return _in_force(server, "BlockedIp")


def _in_force(server: Server, type_: str) -> list[str]:
    """Addresses whose time has not come; the others are removed, as the real server does at a reload."""
    moment = formats.now()
    addresses = []
    for key, body in server.store.all(type_).items():
        if body["expiresAt"] is not None and body["expiresAt"] <= moment:
            server.registry.destroy(type_, key)
        else:
            addresses.append(body["address"])
    return addresses


async def _directories(server: Server) -> tuple[dict[str, oidc.Directory], list[Refused]]:
    opened, problems = {}, []
    for key, body in server.store.all("Directory").items():
        if body["@type"] != "Oidc":
            continue
        try:
            if "issuer" in server.faults:
                url = f"{body['issuerUrl'].rstrip('/')}{oidc.DISCOVERY}"
                raise oidc.OidcError(f"Discovery HTTP error: error sending request for url ({url})")
            opened[key] = await oidc.Directory.open(body)
        except oidc.OidcError as error:
            problems.append(Refused(f"Provider error: {error}", "Directory", key))
    return opened, problems


async def _resolve_pyzor(server: Server) -> None:
    """A reload fails as a whole while Pyzor is enabled and its host has no address (contract 11.1)."""
    pyzor = server.registry.singleton("SpamPyzor")
    if not pyzor["enable"]:
        return
    try:
        if "resolution" in server.faults:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        loop = asyncio.get_running_loop()
        await loop.getaddrinfo(pyzor["host"], pyzor["port"], type=socket.SOCK_DGRAM)
    except socket.gaierror as error:
        reason = f"Invalid address: failed to lookup address information: {error.strerror}"
        raise Refused(reason, "SpamPyzor", "singleton") from None
