"""A tenant's mail server as its users and its administrator reach it, without any code of the collection."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from contextlib import contextmanager
from typing import Any, Iterator

import requests

from tests.sandbox import facts

USING = ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"]


class Stalwart:
    """One tenant's admin API, through the Service's cluster address (this machine is the node)."""

    def __init__(self, slug: str) -> None:
        self.namespace = f"tenant-{slug}"
        service = json.loads(facts.kubernetes("get", "service", "stalwart-web", "-n", self.namespace, "-o", "json"))
        self.url = f"http://{service['spec']['clusterIP']}:8080"
        self.session = requests.Session()
        self.session.trust_env = False

    def __enter__(self) -> Stalwart:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.session.close()

    @property
    def admin_password(self) -> str:
        """From the Secret that the pod sees."""
        return secret(self.namespace, "stalwart-admin", "ADMIN_PASSWORD")

    def jmap(self, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """Method calls as the recovery admin; the answers' arguments."""
        answer = self.session.post(
            f"{self.url}/jmap",
            auth=("admin", self.admin_password),
            json={
                "using": USING,
                "methodCalls": [[name, arguments, str(n)] for n, (name, arguments) in enumerate(calls)],
            },
            timeout=30,
        )
        answer.raise_for_status()
        return [response[1] for response in answer.json()["methodResponses"]]

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind (fewer than 500 here)."""
        return self.jmap((f"x:{kind}/get", {"ids": None}))[0]["list"]

    def change(self, kind: str, identifier: str, patch: dict[str, Any]) -> None:
        """Change one object behind the collection's back."""
        (answer,) = self.jmap((f"x:{kind}/set", {"update": {identifier: patch}}))
        assert identifier in (answer.get("updated") or {}), answer

    def create(self, kind: str, body: dict[str, Any]) -> str:
        """Make an object behind the collection's back; its id."""
        (answer,) = self.jmap((f"x:{kind}/set", {"create": {"o": body}}))
        assert answer.get("created"), answer
        return str(answer["created"]["o"]["id"])

    def identifier(self, kind: str, **match: Any) -> str:
        """The id of the one object that has these values; a singleton's without any (it is listed nowhere)."""
        if not match:
            return "singleton"
        (found,) = [o for o in self.objects(kind) if all(o.get(key) == value for key, value in match.items())]
        return str(found["id"])

    def active_ed25519(self) -> dict[str, Any]:
        """The Ed25519 key that signs."""
        (key,) = [
            k for k in self.objects("DkimSignature") if k["@type"] == "Dkim1Ed25519Sha256" and k["stage"] == "active"
        ]
        return key

    def action(self, variant: str) -> None:
        """Let the server do something, such as ``ReloadSettings``."""
        self.create("Action", {"@type": variant})

    def restart(self) -> None:
        """Delete its pod, and wait for the next one."""
        facts.kubernetes("delete", "pod", "stalwart-0", "-n", self.namespace)
        facts.kubernetes("rollout", "status", "statefulset/stalwart", "-n", self.namespace, "--timeout=180s")

    @property
    def pod(self) -> tuple[str, int]:
        """Its pod's UID, and how often a container of it was started again."""
        found = self._pod()
        return found["metadata"]["uid"], sum(
            status["restartCount"] for status in found["status"].get("containerStatuses", [])
        )

    def _pod(self) -> dict[str, Any]:
        return json.loads(facts.kubernetes("get", "pod", "stalwart-0", "-n", self.namespace, "-o", "json"))

    @property
    def node_address(self) -> str:
        """The address from which the server sees everybody who comes through this machine, which is the node."""
        pod = self._pod()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((pod["status"]["podIP"], 9))
            return str(probe.getsockname()[0])

    @contextmanager
    def from_loopback(self) -> Iterator[None]:
        """The server sees the requests come from its own loopback address, which it never blocks."""
        usual = self.url
        with facts.port_forward(self.namespace, "stalwart-0", 8080) as port:
            self.url = f"http://127.0.0.1:{port}"
            try:
                yield
            finally:
                self.url = usual

    @contextmanager
    def forgotten(self, name: str) -> Iterator[None]:
        """The account that a login makes is removed in the end."""
        try:
            yield
        finally:
            made = [account["id"] for account in self.objects("Account") if account["name"] == name]
            self.jmap(("x:Account/set", {"destroy": made}))

    def session_status(self, token: str) -> int:
        """What `/jmap/session` answers to a bearer token."""
        return self.session.get(
            f"{self.url}/jmap/session", headers={"Authorization": f"Bearer {token}"}, timeout=30
        ).status_code

    @property
    def simulated(self) -> bool:
        """Whether this is the simulator."""
        return self._simulator("GET", "faults").status_code == 200

    def _simulator(self, method: str, what: str, **kwargs: Any) -> requests.Response:
        return self.session.request(
            method, f"{self.url}/simulator/{what}", auth=("admin", self.admin_password), timeout=30, **kwargs
        )

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """One of the simulator's switches is on."""
        self._simulator("PUT", "faults", json=[name]).raise_for_status()
        try:
            yield
        finally:
            self._simulator("PUT", "faults", json=[]).raise_for_status()

    @contextmanager
    def dies_at_next_write(self, kind: str, name: str, value: Any) -> Iterator[None]:
        """The server ends when it has stored its next write; a real one as soon as the property has that value."""
        if self.simulated:
            self._simulator("PUT", "faults", json=["exit-after-write"]).raise_for_status()
            yield
            return
        watcher = threading.Thread(target=self._kill_when, args=(kind, name, value))
        watcher.start()
        yield
        watcher.join()

    def _kill_when(self, kind: str, name: str, value: Any) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if all(item[name] == value for item in self.objects(kind)):
                facts.kubernetes("delete", "pod", "stalwart-0", "-n", self.namespace, "--grace-period=0", "--force")
                return
            time.sleep(0.01)

    def writes(self) -> int:
        """How many writes the server has received. A real server does not tell: 0."""
        return len(self._simulator("GET", "writes").json()) if self.simulated else 0

    def requests(self) -> int:
        """How many HTTP requests the server has received since it started, this one included."""
        answer = self._simulator("GET", "requests")
        answer.raise_for_status()
        return int(answer.json()["requests"])


def secret(namespace: str, name: str, key: str) -> str:
    """A value of a Kubernetes Secret."""
    data = json.loads(facts.kubernetes("get", "secret", name, "-n", namespace, "-o", "json"))["data"]
    return base64.b64decode(data[key]).decode()
