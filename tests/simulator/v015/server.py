"""One simulated 0.15 server: the parts put together, and what they share."""

from __future__ import annotations

import secrets
import string
from typing import Any

from .. import delivery, equipment
from ..listeners import Wanted
from ..mailstore import MailStore
from ..throttle import Throttles
from ..tls import Loaded
from ..writes import WriteLog
from . import http, mailflow, running, validate
from .boot import Settings
from .config import Config
from .dkim import DkimApi
from .limits import Limits
from .mailaccess import MailAccess
from .principal_api import PrincipalApi
from .principals import Principals
from .settings import SettingsApi
from .store import Store


class Server:
    """State of one process: what is stored, what runs, and the switches of the tests."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.database)
        self.mail = MailStore(self.store.database)
        self.reading = MailAccess(self)
        self.config = Config(settings.path, settings.file, self.store)
        self.writes = WriteLog(settings.data)
        self.faults: set[str] = set(settings.faults)
        self.requests = 0
        self.nonce = secrets.token_hex(8)  # makes session states differ between processes
        self.running = running.Running({})
        self.limits = Limits(self)
        self.principals = Principals(self.store, self.mail)
        self.settings_api = SettingsApi(self)
        self.principal_api = PrincipalApi(self)
        self.dkim_api = DkimApi(self)
        self.mta = mailflow.MailFlow(self)
        self.throttles = Throttles(self.mta)
        self.queue = delivery.Queue(self.mta, self.store.database)

    async def start(self) -> None:
        self.running = await running.boot(self)
        self.queue.start()

    async def stop(self) -> None:
        await self.queue.stop()
        self.store.close()

    def application(self) -> http.Application:
        return http.Application(self)

    @property
    def hostname(self) -> str:
        return self.running.hostname

    @property
    def base_url(self) -> str:
        """The expression `http.url`, where it is a constant, else its default: the port is the first plain HTTP listener's."""
        given = self.running.get("http.url")
        if len(given) > 1 and given[0] == given[-1] == "'" and "'" not in given[1:-1]:
            return given[1:-1]
        keys = self.config.starting("server.listener.")
        for wanted in self.listeners():
            if wanted.protocol == "http" and not wanted.tls:
                return f"http://{self.hostname}:{wanted.port}"
        return f"https://{self.hostname}" if keys else f"http://{self.hostname}"

    def listeners(self) -> list[Wanted]:
        """Read at start only: a change needs a restart."""
        keys = self.running.keys
        found = []
        proxies = tuple(validate.listed(keys, "server.proxy.trusted-networks"))
        for name in validate.identifiers(keys, "server.listener", "protocol"):
            prefix = f"server.listener.{name}"
            protocol, tls = keys[f"{prefix}.protocol"].removesuffix("s"), keys.get(f"{prefix}.tls.implicit") == "true"
            for bind in validate.listed(keys, f"{prefix}.bind"):
                host, _, port = bind.rpartition(":")
                if port.isdecimal():
                    starttls = keys.get(f"{prefix}.tls.enable", "true") == "true"
                    found.append(Wanted(name, protocol, host.strip("[]"), int(port), tls, starttls, proxies))
        return found

    def certificates(self) -> Loaded:
        """Loaded at start and by each reload that takes them in."""
        return self.running.certificates

    @staticmethod
    def random_text(length: int) -> str:
        alphabet = string.ascii_letters + string.digits
        return "".join(secrets.choice(alphabet) for _ in range(length))

    def fault_after_write(self) -> None:
        equipment.fault(self, "exit-after-write")

    def use_quota(self, used: dict[str, int]) -> dict[str, Any]:
        """Takes up quota as mail would, in bytes by principal."""
        for name, size in used.items():
            key, body = self.principals.require(name)
            self.store.put({key: body | {"usedQuota": size}})
        return used
