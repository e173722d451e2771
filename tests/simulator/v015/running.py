"""The running configuration: what the last boot or accepted reload made of the settings (contract 0.15 sections 3.7, 3.8)."""

from __future__ import annotations

import asyncio
import logging
import socket
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from .. import tls
from ..limits import Rate, contains
from . import lookups, oidc, toml, validate, values
from .boot import VERSION
from .validate import Errors, Keys

if TYPE_CHECKING:
    from .server import Server

log = logging.getLogger("simulator.running")

BLOCKED = "server.blocked-ip"
ALLOWED = "server.allowed-ip"
_PYZOR = "spam-filter.pyzor"
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


class Running:
    """A snapshot of the resolved settings and what was built from them. Stored values count after a reload only."""

    def __init__(self, keys: Keys) -> None:
        self.keys = dict(keys)
        self.lookups: lookups.Tables = {}
        self.blocked: set[str] = set()
        self.certificates: tls.Loaded = certificates(keys)[0]

    def get(self, key: str, default: str = "") -> str:
        return self.keys.get(key, default)

    @property
    def hostname(self) -> str:
        return self.get("server.hostname") or self.get("lookup.default.hostname") or socket.gethostname()

    @property
    def directory(self) -> str | None:
        """Kind of the default directory; None: there is none, and every login but the fallback admin's is an error."""
        name = self.get("storage.directory")
        return self.get(f"directory.{name}.type") if name in validate.usable_directories(self.keys) else None

    @property
    def oidc(self) -> oidc.Directory | None:
        if self.directory != "oidc":
            return None
        return oidc.Directory(validate.below(self.keys, f"directory.{self.get('storage.directory')}"))

    def rate(self, key: str, default: str) -> Rate | None:
        """A rate setting, None when it is switched off."""
        text = self.get(key, default)
        return None if values.is_off(text) else Rate(*values.rate(text))

    def allowed(self) -> list[str]:
        """Addresses and networks of the allow list."""
        return list(validate.below(self.keys, ALLOWED))

    def is_blocked(self, address: str) -> bool:
        """Single addresses follow their own reload, networks the full one."""
        return address in self.blocked or contains(
            set(validate.below(self.keys, BLOCKED)) - _single(self.keys), address
        )


def certificates(keys: Keys) -> tuple[tls.Loaded, Errors]:
    """Those that can be read, and what is wrong with the others; the files they may lie in are read by their macros."""
    loaded: tls.Loaded = {}
    errors: Errors = {}
    for name in validate.identifiers(keys, "certificate", "cert"):
        entry = validate.below(keys, f"certificate.{name}")
        if not entry.keys() >= {"cert", "private-key"}:
            continue  # told by the listeners' stage
        try:
            leaf = x509.load_pem_x509_certificates(entry["cert"].encode())[0]
            shown = tls.pem(entry["cert"], entry["private-key"])
        except ValueError as error:
            text = str(error) if _CERTIFICATE in entry["cert"] else "No certificates found."
            errors[f"certificate.{name}"] = validate.error("build", text)
            continue
        default = ["*"] if entry.get("default") == "true" else []
        subjects = validate.below(keys, f"certificate.{name}.subjects").values()
        for subject in (*tls.names(leaf, common=True), *subjects, *default):
            loaded[subject.removeprefix("*.")] = shown
    return loaded, errors


def _single(keys: Keys) -> set[str]:
    return {member for member in validate.below(keys, BLOCKED) if "/" not in member}


# -- boot and reload -------------------------------------------------------------------------------------------------


async def boot(server: Server) -> Running:
    """At boot errors are logged and the server runs with what it could build."""
    _missing_settings(server)
    keys, errors = await _checked(server)
    for key, entry in errors.items():
        log.error("Configuration %s error for key %s: %s", entry["type"], key, entry["error"])
    running = Running(keys)
    running.lookups = lookups.parse(keys)[0]
    running.blocked = _single(keys)
    return running


async def reload(server: Server, dry_run: bool) -> Errors:
    """The whole configuration. Errors mean that nothing is applied; a dry run still refreshes the blocked addresses."""
    if "slow-reload" in server.faults:
        await asyncio.sleep(server.settings.slow_seconds)
    keys, errors = await _checked(server)
    if errors:
        return errors
    server.running.blocked = _single(keys)
    if not dry_run:
        old, server.running = server.running, Running(keys)
        server.running.lookups = lookups.after_full_reload(old.lookups, lookups.parse(keys)[0])
        server.running.certificates = old.certificates | server.running.certificates
        server.running.blocked = old.blocked
        server.config.patterns = type(server.config.patterns)(keys)
    return {}


def reload_lookups(server: Server) -> Errors:
    """What can be parsed is loaded, whatever else is wrong."""
    keys, macro_errors = server.config.resolved()
    tables, errors = lookups.parse(keys)
    server.running.lookups = lookups.after_lookup_reload(server.running.lookups, tables)
    return _macros(macro_errors) | {key: validate.error("parse", text) for key, text in errors.items()}


def reload_certificates(server: Server) -> Errors:
    """What can be read is loaded beside what was, which a restart forgets; what is wrong is told."""
    keys, macro_errors = server.config.resolved()
    loaded, errors = certificates(keys)
    server.running.certificates = server.running.certificates | loaded
    return _macros(macro_errors) | errors


def reload_blocked(server: Server) -> Errors:
    keys, errors = server.config.resolved()
    server.running.blocked = _single(keys)
    return _macros(errors)


def _macros(errors: dict[str, str]) -> Errors:
    return {key: validate.error("macro", text) for key, text in errors.items()}


async def _checked(server: Server) -> tuple[dict[str, str], Errors]:
    """(resolved settings, errors of the first stage that finds any)."""
    keys, macro_errors = server.config.resolved()
    errors = _macros(macro_errors) | validate.tables(keys)
    if not errors:
        errors = validate.core(keys) | await _pyzor(server, keys)
    if not errors:
        errors = validate.listeners(keys) | certificates(keys)[1]
    return keys, errors


async def _pyzor(server: Server, keys: Keys) -> Errors:
    """The host's name is resolved while parsing: without name resolution no reload applies."""
    if keys.get(f"{_PYZOR}.enable") == "false":
        return {}
    host, port = keys.get(f"{_PYZOR}.host", "public.pyzor.org"), keys.get(f"{_PYZOR}.port", "24441")
    try:
        if "resolution" in server.faults:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        await asyncio.get_running_loop().getaddrinfo(host, int(port), type=socket.SOCK_DGRAM)
    except (socket.gaierror, ValueError) as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else str(error)
        text = f"Invalid address: failed to lookup address information: {reason}"
        return {f"{_PYZOR}.host": validate.error("build", text)}
    return {}


# -- what the server writes by itself --------------------------------------------------------------------------------


def _missing_settings(server: Server) -> None:
    """At every boot: the OAuth key once, and the default keys with overwrite as long as there are no spam rules.

    Downloads always fail here; rules in a file (`spam-filter.resource = "file://…"`) are taken.
    """
    config = server.config
    pairs = {}
    if not config.get("oauth.key"):
        pairs["oauth.key"] = server.random_text(64)
    if config.get("version.spam-filter") is None:
        pairs |= _rules(config.get("spam-filter.resource") or "")
        pairs |= _defaults()
    config.set(pairs.items())


@cache
def _defaults() -> dict[str, str]:
    return toml.parse(resources.files(__package__).joinpath("data", "defaults.toml").read_text(encoding="utf-8"))


def _rules(resource: str) -> dict[str, str]:
    if not resource.startswith("file://"):
        log.error("Failed to fetch spam filter: no network")
        return {}
    try:
        keys = toml.parse(Path(resource.removeprefix("file://")).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        log.error("Failed to fetch spam filter: %s", error)
        return {}
    version, server = (_semver(keys.get(name, "")) for name in ("version.spam-filter", "version.server"))
    if not server or server > _semver(VERSION) or not version:
        log.error("Failed to fetch spam filter: External spam filter rules do not contain a valid version")
        return {}
    wanted = ("spam-filter.", "http-lookup.", "lookup.", "asn.")
    return {key: value for key, value in keys.items() if key == "version.spam-filter" or key.startswith(wanted)}


def _semver(text: str) -> tuple[int, ...]:
    """Empty for what the server takes for no version, 0.0.0 among it."""
    parts = text.split(".")
    numbers = tuple(int(part) for part in parts if part.isdecimal())
    return numbers if len(parts) == len(numbers) == 3 and any(numbers) else ()
