"""`/api/dkim` and `/api/dns/records/<domain>` (contract 0.15 section 6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from .. import dkim as keys
from . import macros, validate
from .problems import BadRequest, NotFound, exists, other

if TYPE_CHECKING:
    from .login import Caller
    from .server import Server

_ALGORITHMS = {"Rsa": ("rsa", "rsa-sha256", "r"), "Ed25519": ("ed25519", "ed25519-sha256", "e")}
HEADERS = ("From", "To", "Date", "Subject", "Message-ID")
Record = dict[str, str]


class DkimApi:
    def __init__(self, server: Server) -> None:
        self.server = server

    def handle(self, method: str, path: list[str], document: Callable[[], Any], caller: Caller) -> Any:
        """``path`` is what follows `/api/dkim`."""
        if method == "POST" and not path:
            caller.require("dkim-signature-create")
            return self._create(document(), caller)
        if method == "GET" and path:
            caller.require("dkim-signature-get")
            return self._public_key(path[0])
        raise NotFound("dkim")

    def _create(self, given: Any, caller: Caller) -> None:
        """The key goes to the settings and signs after a reload. A duplicate answers with the existing private key."""
        wellformed = isinstance(given, dict) and given.get("algorithm") in _ALGORITHMS
        if not wellformed or not isinstance(given.get("domain"), str):
            raise BadRequest("dkim", detail="missing field or unknown variant")
        if not all(isinstance(given.get(name), str | None) for name in ("id", "selector")):
            raise BadRequest("dkim", detail="invalid type")
        prefix, algorithm, letter = _ALGORITHMS[given["algorithm"]]
        name = f"{prefix}-{given['domain']}" if given.get("id") is None else given["id"]
        base = f"signature.{name}"
        present = self.server.config.get(f"{base}.private-key")
        if present is not None:
            self.server.writes.add("dkim", "create", caller.name, refused=[name])
            raise exists(f"{base}.private-key", present)
        values = {
            "private-key": keys.new_key(given["algorithm"]),
            "domain": given["domain"],
            "selector": datetime.now(UTC).strftime("%Y%m") + letter
            if given.get("selector") is None
            else given["selector"],
            "algorithm": algorithm,
            "canonicalization": "relaxed/relaxed",
            "report": "false",
        }
        values |= {f"headers.{index}": header for index, header in enumerate(HEADERS)}
        self.server.config.set((f"{base}.{key}", value) for key, value in values.items())
        self.server.writes.add("dkim", "create", caller.name, changed=[name])
        self.server.fault_after_write()

    def _public_key(self, name: str) -> str:
        """Straight from the store: works before a reload, and macros are not expanded."""
        algorithm = self.server.config.get(f"signature.{name}.algorithm")
        private = self.server.config.get(f"signature.{name}.private-key")
        if private is None or algorithm is None or variant(algorithm) is None:
            raise NotFound("signature")
        found = keys.public_key(variant(algorithm) or "", private)
        if found is None:
            raise other("Failed to obtain DKIM public key")
        return found


def variant(algorithm: str) -> str | None:
    """The key's kind stands before the hyphen."""
    kind, hyphen, _ = algorithm.partition("-")
    return next((found for found, (name, _, _) in _ALGORITHMS.items() if hyphen and name == kind), None)


def records(server: Server, domain: str) -> list[Record]:
    """For any text, known domain or not. Listeners and keys as stored, the host's name as of the last reload."""
    host = server.running.hostname
    found = [_record("MX", domain, f"10 {host}.")]
    if host != f"mail.{domain}":
        found.append(_record("CNAME", f"mail.{domain}", f"{host}."))
    found += _signatures(server, domain)
    if host == domain or host.endswith(f".{domain}"):
        found.append(_record("TXT", host, "v=spf1 a ra=postmaster -all"))
    found.append(_record("TXT", domain, "v=spf1 mx ra=postmaster -all"))
    found += _services(server, domain, host)
    reports = f"mailto:postmaster@{domain}"
    found.append(_record("TXT", f"_dmarc.{domain}", f"v=DMARC1; p=reject; rua={reports}; ruf={reports}"))
    found.append(_record("TXT", f"_smtp._tls.{domain}", f"v=TLSRPTv1; rua={reports}"))
    return found


def _record(kind: str, name: str, content: str) -> Record:
    return {"type": kind, "name": f"{name}.", "content": content}


def _signatures(server: Server, domain: str) -> list[Record]:
    settings, _ = macros.resolve(server.config.starting("signature."))
    found = []
    for name in validate.identifiers(settings, "signature", "domain"):
        entry = validate.below(settings, f"signature.{name}")
        kind = variant(entry.get("algorithm", ""))
        public = keys.public_key(kind, entry.get("private-key", "")) if kind else None
        if entry["domain"] == domain and kind and public and entry.get("selector"):
            content = f"v=DKIM1; k={_ALGORITHMS[kind][0]}; h=sha256; p={public}"
            found.append(_record("TXT", f"{entry['selector']}._domainkey.{domain}", content))
    return found


def _services(server: Server, domain: str, host: str) -> list[Record]:
    found, has_https = [], False
    for protocol, port, tls in _ports(server):
        names = {"imap": ["imap"], "pop3": ["pop3"], "smtp": ["submission"] if port > 25 else []}.get(protocol, [])
        services = [f"{name}s" if tls else name for name in names]
        if protocol == "http" and tls:
            has_https = True
            services = ["jmap", "caldavs", "carddavs"]
        found += [_record("SRV", f"_{name}._tcp.{domain}", f"0 1 {port} {host}.") for name in services]
    if has_https:
        found += [_record("CNAME", f"{name}.{domain}", f"{host}.") for name in ("autoconfig", "autodiscover")]
        names = validate.listed(server.running.keys, "session.mta-sts.mx")
        mode = server.running.get("session.mta-sts.mode", "testing")
        if names and mode != "none":
            number = int.from_bytes(sha256(f"{mode} {names}".encode()).digest()[:8])
            found.append(_record("CNAME", f"mta-sts.{domain}", f"{host}."))
            found.append(_record("TXT", f"_mta-sts.{domain}", f"v=STSv1; id={number}"))
    return found


def _ports(server: Server) -> list[tuple[str, int, bool]]:
    """(protocol, port, implicit TLS) of the first address of each listener: by protocol, TLS first, port."""
    settings = server.config.starting("server.listener.")
    found = []
    for name in validate.identifiers(settings, "server.listener", "protocol"):
        prefix = f"server.listener.{name}"
        first = next(iter(validate.listed(settings, f"{prefix}.bind")), "")
        port = first.rpartition(":")[2]
        if port.isdecimal():
            found.append((settings[f"{prefix}.protocol"], int(port), settings.get(f"{prefix}.tls.implicit") == "true"))
    return sorted(found, key=lambda entry: (entry[0], not entry[2], entry[1]))
