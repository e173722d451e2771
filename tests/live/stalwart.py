"""A tenant's mail server as its users and its administrator reach it, without any code of the collection."""

from __future__ import annotations

import base64
import json
from typing import Any

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
            json={"using": USING, "methodCalls": [[name, arguments, str(n)] for n, (name, arguments) in enumerate(calls)]},
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

    def session_status(self, token: str) -> int:
        """What `/jmap/session` answers to a bearer token."""
        return self.session.get(
            f"{self.url}/jmap/session", headers={"Authorization": f"Bearer {token}"}, timeout=30
        ).status_code

    def writes(self) -> int:
        """How many writes the server has received; a real server does not tell."""
        answer = self.session.get(f"{self.url}/simulator/writes", auth=("admin", self.admin_password), timeout=30)
        answer.raise_for_status()
        return len(answer.json())


def secret(namespace: str, name: str, key: str) -> str:
    """A value of a Kubernetes Secret."""
    data = json.loads(facts.kubernetes("get", "secret", name, "-n", namespace, "-o", "json"))["data"]
    return base64.b64decode(data[key]).decode()
