# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the checks of one run share: the options, the ways to the servers, and what earlier checks have found."""

from __future__ import annotations

import contextlib
import re
import secrets
import ssl
import threading
import time
import typing as t

from ..failure import Failure
from ..keycloak.client import KeycloakClient
from ..keycloak.tokens import Login, Tokens
from . import probe_imap, probe_smtp
from . import probe_port as ports
from .checks import NotApplicable, Wrong
from .dnscheck import parse_nameserver
from .probe_argspec import SERVICES
from .probe_dns import Published
from .probe_port import Port
from .probe_realm import Realm
from .probe_server import Server
from .records import needed

Params = t.Mapping[str, t.Any]
#: In the subject of every message that a probe sends.
MARK = "tenantmail-verify"
#: Seconds between two SMTP connections: a server takes 5 of an address in a second, and closes further ones at once.
PACE = 0.3
#: Seconds after which that limit begins anew.
WINDOW = 1.5

_PORT = re.compile(r"[0-9]{1,5}\Z")


class Context:
    """One run.

    :param params: validated against :data:`.probe_argspec.MAIL_PROBE`.
    :raises Failure: ``invalid_value``, ``missing_library``.
    """

    def __init__(self, params: Params) -> None:
        self.params = params
        self.domain: str = params["domain"]["primary"]
        self.host: str = params["domain"]["mail_host"]
        self.byo: bool = params["domain"]["mode"] == "byo"
        self.address: str = params["realm"]["address"]
        self.group: str = params["realm"]["group"] or ""
        self.mark = f"{MARK} {secrets.token_hex(8)}"
        self._ports = {name: _port(name, value) for name, value in params["ports"].items()}
        self._pace = threading.Lock()
        self._next = 0.0
        self.server = Server(params, self.domain)
        realm = params["realm"]
        self.tokens = Tokens(Login.of(realm), realm["ca_path"])
        self.realm: t.Optional[Realm] = None
        self._admin: t.Optional[KeycloakClient] = None
        if realm["auth"] is not None:
            name = realm["realm_url"].rstrip("/").rpartition("/")[2]
            base = realm["admin_url"] or realm["realm_url"].partition("/realms/")[0]
            self._admin = KeycloakClient(
                base, name, auth=realm["auth"], auth_realm=realm["auth_realm"], ca_path=realm["ca_path"]
            )
            self.realm = Realm(self._admin)
        self.unknown_address: t.Optional[Failure] = None
        self.published = Published(
            self._records(),
            [parse_nameserver(text) for text in params["nameservers"]],
            authoritative=not self.byo,
            standing=self.byo,
        )
        #: The certificate (DER) of each service whose port was checked.
        self.served: dict[str, bytes] = {}
        self.token = ""
        self.foreign: t.Optional[tuple[str, str]] = None

    @property
    def requests(self) -> int:
        """HTTP requests made so far; DNS, SMTP and IMAP not counted."""
        return self.server.requests + self.tokens.requests + (self.realm.requests if self.realm else 0)

    def close(self) -> None:
        """Close all connections."""
        self.server.close()
        self.tokens.close()
        if self._admin is not None:
            self._admin.close()

    def _records(self) -> list[dict[str, t.Any]]:
        addresses: t.Sequence[str] = self.params["dns"].get("mail_addresses") or []
        if not addresses:
            try:
                addresses = self.server.mail_addresses(self.host)
            except Failure as failure:
                # dns.address tells; the checks that need no address go on.
                self.unknown_address = failure
        return [record.as_dict() for record in needed(self._model(), mail_addresses=addresses).records]

    def add_keys(self, keys: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Expect the server's DKIM keys in DNS, too."""
        found = needed(self._model(), dkim_keys=keys).records
        self.published.records += [record.as_dict() for record in found if record.purpose == "dkim"]

    def _model(self) -> dict[str, t.Any]:
        domain = dict(self.params["domain"])
        # The web host's address is no matter of mail.
        domain["web_host"] = domain["mail_host"]
        dns = {"mail_addresses": [], "ttl": 300, **self.params["dns"]}
        return {"domain": domain, "dns": dns}

    @property
    def generation(self) -> str:
        """The server's, as far as it is known."""
        return self.server.generation or self.params["generation"] or ""

    @property
    def users(self) -> frozenset[str]:
        """Addresses of users' mailboxes, as far as they are known."""
        return _lower(self.server.known.users) if self.server.known else frozenset()

    @property
    def suspended(self) -> frozenset[str]:
        """Those of them that nobody can log in to, by intent."""
        return _lower(self.server.known.suspended) if self.server.known else frozenset()

    def scopes(self, *without: str) -> str:
        """Scopes to ask for: all that the server wants and its audience, but for some."""
        realm = self.params["realm"]
        return " ".join(
            scope for scope in (*realm["scopes"], realm["audience_scope"]) if scope and scope not in without
        )

    def has(self, service: str) -> bool:
        """Whether the service is to be looked at."""
        return service in self._ports

    def port(self, service: str) -> Port:
        """The port of a service at the address that DNS publishes.

        :raises Wrong: ``address_missing``. :raises NotApplicable: for a service that is not to be looked at.
        """
        if service not in self._ports:
            raise NotApplicable(f"{service} is not among the ports")
        addresses = self.published.addresses(self.host)
        if not addresses:
            if self.unknown_address is not None:
                raise self.unknown_address
            raise Wrong("address_missing", f"{self.host} has no address")
        return Port(service, addresses[0], self._ports[service], self.host, SERVICES[service])

    def smtp(self, service: str) -> probe_smtp.Session:
        """A connection; not more of them in a second than a server takes."""
        port = self.port(service)
        try:
            return self._smtp(port, PACE)
        except Wrong as exc:
            if exc.cause != "closed_at_once":
                raise
        # Others may have used up the second; if it was a ban, or nothing is there, the same comes again.
        with self.told_apart():
            return self._smtp(port, WINDOW)

    def verify(self, service: str) -> None:
        """A connection that trusts only ``ca_path``, or the system's CAs.

        :raises Wrong: ``certificate_untrusted``.
        """
        port, tls = self.port(service), ports.checking(self.params["ca_path"])
        if service.startswith("imap"):
            with self.told_apart(), probe_imap.Session(port, tls):
                return
        with self._smtp(port, WINDOW, tls):
            return

    def _smtp(self, port: Port, pause: float, tls: t.Optional[ssl.SSLContext] = None) -> probe_smtp.Session:
        with self._pace:
            start = max(self._next, time.monotonic() + pause - PACE)
            time.sleep(max(0.0, start - time.monotonic()))
            self._next = time.monotonic() + PACE
        return probe_smtp.Session(port, f"tenantmail-probe.{self.domain}", tls)

    def submission(self) -> probe_smtp.Session:
        """A connection to where mail clients submit."""
        return self.smtp("submissions" if self.has("submissions") else "submission")

    def imap(self) -> probe_imap.Session:
        """A connection to where mail clients read."""
        port = self.port("imaps" if self.has("imaps") else "imap")
        with self.told_apart():
            return probe_imap.Session(port)

    def mailbox(self) -> probe_imap.Session:
        """The probe's mailbox, logged in.

        :raises Wrong: ``token_refused``.
        """
        session = self.imap()
        try:
            session.bearer(self.address, self.token)
        except probe_imap.LoginRefused as exc:
            session.__exit__()
            raise Wrong("token_refused", f"IMAP: {exc}") from None
        return session

    @contextlib.contextmanager
    def told_apart(self) -> t.Iterator[None]:
        """Tell a ban from a port that nothing stands behind: both close the connection at once."""
        try:
            yield
        except Wrong as exc:
            if exc.cause == "closed_at_once":
                blocked = self.server.blocked()
                if blocked:
                    listed = ", ".join(blocked)
                    raise Wrong("banned", f"{exc.observed}; blocked: {listed}", blocked=listed) from None
            raise


def _lower(addresses: t.Iterable[str]) -> frozenset[str]:
    return frozenset(address.lower() for address in addresses)


def _port(name: str, value: t.Any) -> int:
    """:raises Failure: ``invalid_value``."""
    if name not in SERVICES:
        accepted = ", ".join(SERVICES)
        raise Failure("inventory", "invalid_value", f"ports has {name!r}; accepted are {accepted}.")
    if not _PORT.match(str(value)) or not 0 < int(value) < 65536:
        raise Failure("inventory", "invalid_value", f"ports.{name} is {value!r}; accepted is 1 to 65535.")
    return int(value)
