"""Replays the conversations recorded with a real Stalwart 0.16.18 against the simulator.

Order matters inside a file, and the files of a folder follow each other on one server. What happened between the
recorded steps (restarts, logins and app passwords of alice, an issuer that was down) is played by ``_BEFORE``.
"""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from tests.simulator.fixture import Simulator, start_simulator

from .issuer import Issuer
from .replay import Comparison, Exchange, read

TRANSCRIPTS = Path(__file__).parent / "transcripts"
#: Folder -> its files in the order of their recording. `0.16-values` was made by record.py: defaults and refusals.
ORDER = {
    "0.16": (
        "probe provision oidc oidc2 principals dkim-restart boot-issuer-down issuer-back discover anonymous bulk-suspend "
        "dkim-rotate-tls-ban"
    ).split(),
    "0.16-values": ["defaults", "refusals"],
}
#: Folder -> the servers' own host name, and the faults the simulator needs to be in the same place.
ENVIRONMENT = {
    "0.16": {"STALWART_HOSTNAME": "mail.acme.test", "SIMULATOR_FAULTS": "resolution"},
    "0.16-values": {"STALWART_HOSTNAME": "mail.contract.test"},
}
RECORDED_ISSUER = "http://10.77.0.1:8180"
REALM = "sme-acme"
#: Steps whose answer depends on when it is asked: repeated until alike, within seconds.
EVENTUAL = frozenset({"dkim-poll-0", "dkim-poll-1"})
EVENTUAL_SECONDS = 30.0
#: Exchanges not compared, with the reason.
NOT_COMPARED: dict[str, str] = {
    "refusals:186 x:MtaStageAuth/set x:MtaStageAuth/get": "the complaint is the regular expression engine's own",
    "refusals:288 x:Task/set": "a task that only the server makes is refused for another reason",
}


class World:
    """The simulator, the issuer and what has been learnt so far."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.issuer = Issuer(REALM, "sme-beta").start()
        self.server: Simulator = start_simulator(folder, **environ, SIMULATOR_DKIM_RSA_SECONDS="0.5")
        self.comparison = Comparison({RECORDED_ISSUER: self.issuer.base})
        self.compared = 0
        self.differing: list[str] = []

    def close(self) -> None:
        self.server.stop()
        self.issuer.stop()

    def alice(self, realm: str = REALM, **claims: Any) -> str:
        return self.issuer.token(realm, "alice", **({"name": "Alice A", "groups": ["sales"]} | claims))

    # -- interludes ----------------------------------------------------------------------------------------------

    def app_password(self, description: str) -> None:
        """Alice makes one herself, with her token."""
        call = ["x:AppPassword/set", {"create": {"a": {"description": description}}}, "0"]
        body = {"using": [], "methodCalls": [call]}
        answer = self.server.request("POST", "/jmap", body, authorization=f"Bearer {self.alice()}")
        assert answer["methodResponses"][0][1]["created"]["a"]["secret"].startswith("app_")

    def restart_without_issuer(self) -> None:
        self.issuer.stop()
        self.server.restart()

    def issuer_back(self) -> None:
        self.issuer.start()

    # -- exchanges -----------------------------------------------------------------------------------------------

    def play(self, exchange: Exchange) -> list[str]:
        deadline = time.monotonic() + (EVENTUAL_SECONDS if exchange.step in EVENTUAL else 0)
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
        request = exchange.request
        headers = {"Content-Type": "application/json"}
        match request["auth"]:
            case "basic":
                headers["Authorization"] = _basic(self.server.username, self.server.password)
            case "other":
                headers["Authorization"] = _basic(self.server.username, "wrong-password")
            case "bearer":
                headers["Authorization"] = f"Bearer {_TOKENS.get(exchange.step, World.alice)(self)}"
        payload = request.get("json")
        text = json.dumps(self.comparison.rewrite(payload, _private_key)) if payload is not None else None
        connection = http.client.HTTPConnection("127.0.0.1", self.server.http_port, timeout=30)
        try:
            connection.request(request["method"], request["path"], text, headers)
            response = connection.getresponse()
            content = response.read().decode()
            body = json.loads(content) if content else ""
            return response.status, {name.lower(): value for name, value in response.getheaders()}, body
        finally:
            connection.close()


def _basic(user: str, password: str) -> str:
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


#: Tokens that are not alice's usual one, by step.
_TOKENS: dict[str, Callable[[World], str]] = {
    "foreign realm token": lambda world: world.alice("sme-beta"),
    "no openid scope requested": lambda world: world.alice(scope="profile email groups"),
}
#: What happened between the recorded steps: (file, step) -> interlude played before it.
_BEFORE: dict[tuple[str, str], Callable[[World], None]] = {
    ("principals", "listener-create"): lambda world: world.app_password("phone"),
    ("dkim-restart", "allowedip"): lambda world: world.app_password("phone2"),
    ("boot-issuer-down", "boot-with-issuer-down: stored"): World.restart_without_issuer,
    ("issuer-back", "reload"): World.issuer_back,
    ("bulk-suspend", "accounts"): lambda world: world.app_password("tablet"),
}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    opened = {folder: World(tmp_path_factory.mktemp("replay"), environ) for folder, environ in ENVIRONMENT.items()}
    yield opened
    for folder, world in opened.items():
        print(f"\n{folder}: {world.compared} recorded exchanges replayed, {len(world.differing)} of them differ")
        world.close()


def test_every_recording_is_replayed() -> None:
    for folder, names in ORDER.items():
        assert sorted(names) == sorted(path.stem for path in (TRANSCRIPTS / folder).glob("*.jsonl"))


@pytest.mark.parametrize(("folder", "name"), [(folder, name) for folder, names in ORDER.items() for name in names])
def test_answers_are_alike(worlds: dict[str, World], folder: str, name: str) -> None:
    """Files depend on each other: run the module as a whole."""
    world = worlds[folder]
    problems = []
    for exchange in read(TRANSCRIPTS / folder / f"{name}.jsonl"):
        interlude = _BEFORE.get((name, exchange.step))
        if interlude:
            interlude(world)
        found = world.play(exchange)
        if exchange.label in NOT_COMPARED:
            assert found, f"{exchange.label} is alike: no reason to leave it out"
            continue
        world.compared += 1
        world.differing += [exchange.label] if found else []
        problems += [f"{exchange.label}: {line}" for line in found]
    assert not problems, "\n".join(problems)
