"""A simulated server beside an issuer, and what happened between the recorded steps, by recording."""

from __future__ import annotations

import abc
import base64
import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from tests.simulator.fixture import CONFIG_0_15, Simulator, start_simulator

from .issuer import Issuer
from .replay import Comparison, Exchange

RECORDED_ISSUER = "http://10.77.0.1:8180"
REALM = "sme-acme"
EVENTUAL_SECONDS = 30.0


class World(abc.ABC):
    """The server, the issuer and what has been learnt so far. One per folder of recordings."""

    #: Files in the order of their recording.
    ORDER: tuple[str, ...] = ()
    #: Steps whose answer depends on when it is asked: repeated until alike, within seconds.
    EVENTUAL: frozenset[str] = frozenset()
    #: Exchanges not compared, with the reason.
    NOT_COMPARED: dict[str, str] = {}

    def __init__(self, folder: Path) -> None:
        self.issuer = Issuer(REALM, "sme-beta").start()
        self.comparison = Comparison({RECORDED_ISSUER: self.issuer.base})
        self.server: Simulator = self.start(folder)
        self.compared = 0
        self.differing: list[str] = []

    @abc.abstractmethod
    def start(self, folder: Path) -> Simulator:
        """The server, as it was when the recording began."""

    def before(self, file: str, step: str) -> Callable[[], None] | None:
        """What happened right before a step."""
        return None

    def authorization(self, exchange: Exchange) -> str | None:
        match exchange.request["auth"]:
            case "basic":
                return basic(self.server.username, self.server.password)
            case "other":
                return basic(self.server.username, "wrong-password")
            case "bearer":
                return f"Bearer {self.alice()}"
        return None

    def close(self) -> None:
        self.server.stop()
        self.issuer.stop()

    def alice(self, realm: str = REALM, **claims: Any) -> str:
        return self.issuer.token(realm, "alice", **({"name": "Alice A", "groups": ["sales"]} | claims))

    def play(self, exchange: Exchange) -> list[str]:
        """The differences."""
        deadline = time.monotonic() + (EVENTUAL_SECONDS if exchange.step in self.EVENTUAL else 0)
        while True:
            status, headers, body = self._send(exchange)
            recorded = exchange.response
            # Learn only from an answer that is alike: a repeated step starts from what was known before.
            before = self.comparison.snapshot()
            found = self.comparison.differences(recorded["body"], body)
            if recorded["status"] != status:
                found.append(f"status: recorded {recorded['status']}, got {status}")
            for name, value in recorded.get("headers", {}).items():
                found += self.comparison.differences(value, headers.get(name, ""), f"header {name}")
            if not found or time.monotonic() > deadline:
                return found
            self.comparison.restore(before)
            time.sleep(0.05)

    def _send(self, exchange: Exchange) -> tuple[int, dict[str, str], Any]:
        authorization, payload = self.authorization(exchange), exchange.request.get("json")
        headers = {"Content-Type": "application/json"} | ({"Authorization": authorization} if authorization else {})
        text = json.dumps(self.comparison.rewrite(payload, _private_key)) if payload is not None else None
        return self.request(exchange.request["method"], exchange.request["path"], text, headers)

    def request(
        self, method: str, path: str, text: str | None, headers: dict[str, str], source: str = "127.0.0.1"
    ) -> tuple[int, dict[str, str], Any]:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.server.http_port, timeout=30, source_address=(source, 0)
        )
        try:
            connection.request(method, path, text, headers)
            response = connection.getresponse()
            content = response.read().decode()
            body = json.loads(content) if content else ""
            return response.status, {name.lower(): value for name, value in response.getheaders()}, body
        finally:
            connection.close()


class World016(World):
    ORDER = tuple(
        "probe provision oidc oidc2 principals dkim-restart boot-issuer-down issuer-back discover anonymous "
        "bulk-suspend dkim-rotate-tls-ban".split()
    )
    EVENTUAL = frozenset({"dkim-poll-0", "dkim-poll-1"})

    def start(self, folder: Path) -> Simulator:
        environ = {"STALWART_HOSTNAME": "mail.acme.test", "SIMULATOR_FAULTS": "resolution"}
        return start_simulator(folder, SIMULATOR_DKIM_RSA_SECONDS="0.5", **environ)

    def before(self, file: str, step: str) -> Callable[[], None] | None:
        return {
            ("principals", "listener-create"): lambda: self._app_password("phone"),
            ("dkim-restart", "allowedip"): lambda: self._app_password("phone2"),
            ("boot-issuer-down", "boot-with-issuer-down: stored"): self._restart_without_issuer,
            ("issuer-back", "reload"): self._issuer_back,
            ("bulk-suspend", "accounts"): lambda: self._app_password("tablet"),
        }.get((file, step))

    def authorization(self, exchange: Exchange) -> str | None:
        match exchange.step:
            case "foreign realm token":
                return f"Bearer {self.alice('sme-beta')}"
            case "no openid scope requested":
                return f"Bearer {self.alice(scope='profile email groups')}"
        return super().authorization(exchange)

    def _app_password(self, description: str) -> None:
        """Alice makes one herself, with her token."""
        call = ["x:AppPassword/set", {"create": {"a": {"description": description}}}, "0"]
        body = {"using": [], "methodCalls": [call]}
        answer = self.server.request("POST", "/jmap", body, authorization=f"Bearer {self.alice()}")
        assert answer["methodResponses"][0][1]["created"]["a"]["secret"].startswith("app_")

    def _restart_without_issuer(self) -> None:
        self.issuer.stop()
        self.server.restart()

    def _issuer_back(self) -> None:
        self.issuer.start()


class World016Values(World):
    """Defaults and refusals, recorded by record.py."""

    ORDER = ("defaults", "refusals")
    NOT_COMPARED = {
        "refusals:186 x:MtaStageAuth/set x:MtaStageAuth/get": "the complaint is the regular expression engine's own",
        "refusals:288 x:Task/set": "a task that only the server makes is refused for another reason",
    }

    def start(self, folder: Path) -> Simulator:
        return start_simulator(folder, STALWART_HOSTNAME="mail.contract.test", SIMULATOR_DKIM_RSA_SECONDS="0.5")


class World015(World):
    ORDER = ("rest", "anonymous", "principals", "suspend-dkim-ban")
    #: The address that was banned in the recording, and the one that plays its part.
    BANNED, STAND_IN = "10.78.0.3", "127.0.0.2"

    def start(self, folder: Path) -> Simulator:
        self.comparison.replace[self.BANNED] = self.STAND_IN
        toml = CONFIG_0_15.replace("%{env:STALWART_HOSTNAME}%", "mail.acme.test")
        return start_simulator(folder, "0.15", toml, SIMULATOR_FAULTS="resolution loopback-counts")

    def before(self, file: str, step: str) -> Callable[[], None] | None:
        return {
            ("rest", "principals"): self._alice_logs_in,
            ("suspend-dkim-ban", "get"): self._mail_arrives,
            ("suspend-dkim-ban", "blocked"): self._hundred_wrong_passwords,
        }.get((file, step))

    def authorization(self, exchange: Exchange) -> str | None:
        if exchange.request["path"] == "/api/account/auth":  # recorded as `none`: alice sent her token
            return f"Bearer {self.alice()}"
        return super().authorization(exchange)

    def _alice_logs_in(self) -> None:
        session = self.server.request("GET", "/jmap/session", authorization=f"Bearer {self.alice()}")
        assert session["username"] == "alice"

    def alice(self, realm: str = REALM, **claims: Any) -> str:
        return super().alice(realm, **({"email": "alice@acme.test"} | claims))

    def _mail_arrives(self) -> None:
        """The simulator takes no mail: what alice received in the recording is put to her account."""
        self.server.request("PUT", "/simulator/used-quota", {"alice": 6157})

    def _hundred_wrong_passwords(self) -> None:
        """Contract 0.15 12.13: with the one of `anonymous`, 100 are wrong, and the next one bans its address."""
        headers = {"Authorization": basic(self.server.username, "wrong-password")}
        path = "/api/principal"
        answers = [self.request("GET", path, None, headers, self.STAND_IN)[0] for _ in range(100)]
        assert answers == [401] * 99 + [429]


class World015Values(World):
    """What a reload says about settings, recorded by record.py."""

    ORDER = ("reload",)

    def start(self, folder: Path) -> Simulator:
        return start_simulator(folder, "0.15", STALWART_HOSTNAME="mail.contract.test")


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _private_key(value: dict[str, Any]) -> dict[str, Any]:
    """Private keys were elided from the recordings: new ones of the same kind take their place."""
    key = value.get("privateKey")
    if not isinstance(key, dict) or "(elided)" not in str(key.get("secret")):
        return value
    new: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if "Ed25519" in str(value.get("@type")):
        new = ed25519.Ed25519PrivateKey.generate()
    else:
        new = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = new.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return value | {"privateKey": key | {"secret": pem}}


#: Folder of recordings -> the world they are replayed in.
WORLDS: dict[str, type[World]] = {
    "0.15": World015,
    "0.15-values": World015Values,
    "0.16": World016,
    "0.16-values": World016Values,
}
