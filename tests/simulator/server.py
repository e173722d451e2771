"""One simulated server: the parts put together, and what they share."""

from __future__ import annotations

import contextvars
import secrets
from typing import Any

from . import (
    accounts,
    actions,
    certificates,
    credentials,
    delivery,
    dkim,
    domains,
    equipment,
    guard,
    http,
    mailflow,
    running,
    schema,
    seed,
    tables,
)
from .boot import Settings
from .listeners import Wanted
from .login import Caller
from .mailaccess import MailAccess
from .mailstore import MailStore
from .registry import Registry
from .store import Store
from .tasks import TaskWorker
from .throttle import Throttles
from .tls import Loaded
from .writes import WriteLog


class Server:
    """State of one process: what is stored, what runs, and the switches of the tests."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tables = tables.load()
        self.schema_hash, self.schema_body = schema.encode(self.tables)
        if settings.data:
            settings.data.mkdir(parents=True, exist_ok=True)
        self.store = Store(settings.database)
        self.mail = MailStore(self.store.database)
        self.reading = MailAccess(self)
        self.registry = Registry(self.tables, self.store)
        self.writes = WriteLog(settings.data)
        self.faults: set[str] = set(settings.faults)
        self.requests = 0
        self.nonce = secrets.token_hex(8)  # makes session states differ between processes
        self.tasks = TaskWorker(self)
        self._caller: contextvars.ContextVar[Caller | None] = contextvars.ContextVar("caller", default=None)
        self.running = running.Running()
        self.registry.behaviours = {
            "Account": accounts.Accounts(self),
            "AcmeProvider": domains.AcmeProviders(self),
            "Certificate": certificates.Certificates(self),
            "DkimSignature": dkim.DkimSignatures(self),
            "Domain": domains.Domains(self),
            "MailingList": accounts.MailingLists(self),
            "Task": actions.Tasks(self),
        }
        self.guard = guard.Guard(self)
        self.scoped = credentials.Credentials(self)
        self.actions = actions.Actions(self)
        self.mta = mailflow.MailFlow(self)
        self.throttles = Throttles(self.mta)
        self.queue = delivery.Queue(self.mta, self.store.database)
        if settings.mode == "normal":
            seed.safe_defaults(self.registry)
        self.vapid = self._web_push_key()

    async def start(self) -> None:
        self.running = await running.boot(self)
        running.certificates(self)
        if self.settings.mode == "normal":
            self.tasks.start()
            self.queue.start()

    async def stop(self) -> None:
        await self.tasks.stop()
        await self.queue.stop()
        self.store.close()

    async def reload(self) -> None:
        """Raises running.Refused and changes nothing then."""
        self.running = await running.reload(self)

    @property
    def caller(self) -> Caller | None:
        """Of the method call being handled; None for the server's own writes. Requests do not see each other's."""
        return self._caller.get()

    @caller.setter
    def caller(self, caller: Caller) -> None:
        self._caller.set(caller)

    def fault(self, name: str) -> None:
        equipment.fault(self, name)

    def application(self) -> http.Application:
        return http.Application(self)

    def listeners(self) -> list[Wanted]:
        """Read at start only: a stored change needs a restart."""
        if self.settings.mode != "normal":
            return [Wanted("http", "http", "::", self.settings.ports.get("http") or self.settings.recovery_port)]
        wanted = []
        proxies = tuple(self.registry.singleton("SystemSettings")["proxyTrustedNetworks"])
        for body in self.store.all("NetworkListener").values():
            for bind in body["bind"]:
                host, _, port = bind.rpartition(":")
                tls, starttls = body["tlsImplicit"], body["useTls"]
                address = host.strip("[]")
                wanted.append(Wanted(body["name"], body["protocol"], address, int(port), tls, starttls, proxies))
        return wanted

    def certificates(self) -> Loaded:
        """Loaded at start and by their own reload."""
        return self.running.certificates

    @property
    def hostname(self) -> str:
        """Of the running configuration: stored values count after a reload."""
        return self.running.hostname(self.settings.hostname)

    @property
    def base_url(self) -> str:
        if self.settings.mode != "normal":
            return ""
        if self.settings.public_url:
            return self.settings.public_url
        service = self.running.settings["SystemSettings"]["services"].get("jmap", {}).get("hostname")
        return f"https://{service or self.hostname}"

    # -- addresses -----------------------------------------------------------------------------------------------

    def domain_id(self, name: str) -> str | None:
        """Id of the domain with that name or alias, byte-wise (contract 5.2)."""
        holder = self.registry.holder(("domain", name))
        return holder[1] if holder else None

    def address_holder(self, local: str, domain: str) -> tuple[str, str] | None:
        """(type, id) of the account or list that owns an address."""
        domain_id = self.domain_id(domain)
        return self.registry.holder(("address", local, domain_id)) if domain_id else None

    def address(self, body: dict[str, Any]) -> str:
        domain = self.store.find("Domain", body["domainId"])
        return f"{body['name']}@{domain['name'] if domain else ''}"

    # -- web push ------------------------------------------------------------------------------------------------

    def _web_push_key(self) -> str:
        """Public key of the generated `x:Jmap.webPushKey` as the session shows it."""
        jmap = self.registry.singleton("Jmap")
        if jmap["webPushKey"]["@type"] == "None":
            text = dkim.new_p256_key()
            jmap = jmap | {"webPushKey": {"@type": "Text", "secret": text}}
            if self.settings.mode == "normal":
                self.registry.replace("Jmap", "singleton", jmap)
        return dkim.p256_point(jmap["webPushKey"]["secret"])
