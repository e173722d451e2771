"""A plain client of the management API for the contract tests: nothing of the collection in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from tests.simulator.fixture import Simulator

USING = ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"]
POLL_SECONDS = 20.0
#: Good enough for the servers' policy.
PASSWORD = "Zeta-Pass-7731-xx"


@dataclass
class Target:
    """A server under test. ``restart`` is None where the tests may not restart it."""

    name: str
    base_url: str
    username: str
    password: str
    restart: Callable[[], None] | None = None
    smtp_port: int | None = None
    submissions_port: int | None = None  # SMTP with TLS from the first byte
    exchanger: tuple[str, int] | None = None  # where the server believes to be on port 25
    imap_port: int | None = None  # TLS from the first byte
    starttls_ports: dict[str, int] = field(
        default_factory=dict
    )  # of the listeners submission and imap, once there are such
    simulator: Simulator | None = None  # what only test equipment can show or switch


class Http:
    """Raw requests to a server under test."""

    #: Seconds that an answer may take.
    timeout = 30
    target: Target

    def __post_init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False

    def http(self, method: str, path: str, auth: Any = "admin", **options: Any) -> requests.Response:
        """A raw request; ``auth`` None sends no credentials, a string other than admin is a bearer token."""
        if auth == "admin":
            options["auth"] = (self.target.username, self.target.password)
        elif isinstance(auth, str):
            options.setdefault("headers", {})["Authorization"] = f"Bearer {auth}"
        elif auth is not None:
            options["auth"] = auth
        options.setdefault("allow_redirects", False)
        return self.session.request(method, f"{self.target.base_url}{path}", timeout=self.timeout, **options)


@dataclass
class Api(Http):
    target: Target
    _made: list[tuple[str, str]] = field(default_factory=list)

    def responses(self, *calls: tuple[str, dict[str, Any]], auth: Any = "admin") -> list[tuple[str, Any]]:
        """(name, result) of each call of one request."""
        body = {"using": USING, "methodCalls": [[name, given, str(n)] for n, (name, given) in enumerate(calls)]}
        answer = self.http("POST", "/jmap", auth, json=body)
        assert answer.status_code == 200, answer.text
        results = answer.json()["methodResponses"]
        for name, result, _ in results:
            if name.endswith("/set") and name != "x:Action/set":
                made = (item["id"] for item in result.get("created", {}).values())
                self._made += [(name, key) for key in made if key != "singleton"]
        return [(name, result) for name, result, _ in results]

    def call(self, name: str, /, auth: Any = "admin", **given: Any) -> Any:
        """The result of one method call; a method error is an assertion."""
        ((answered, result),) = self.responses((name, given), auth=auth)
        assert answered == name, result
        return result

    def error(self, name: str, **given: Any) -> Any:
        """The body of a method error."""
        ((answered, result),) = self.responses((name, given))
        assert answered == "error", result
        return result

    def create(self, object_: str, **values: Any) -> str:
        result = self.call(f"x:{object_}/set", create={"it": _variant(values)})
        assert "created" in result, result
        return str(result["created"]["it"]["id"])

    def not_created(self, object_: str, **values: Any) -> Any:
        result = self.call(f"x:{object_}/set", create={"it": _variant(values)})
        assert "notCreated" in result, result
        return result["notCreated"]["it"]

    def update(self, object_: str, key: str, values: dict[str, Any]) -> None:
        result = self.call(f"x:{object_}/set", update={key: values})
        assert result.get("updated") == {key: None}, result

    def not_updated(self, object_: str, key: str, values: dict[str, Any]) -> Any:
        result = self.call(f"x:{object_}/set", update={key: values})
        assert "notUpdated" in result, result
        return result["notUpdated"][key]

    def get(self, object_: str, key: str, *properties: str) -> Any:
        given: dict[str, Any] = {"ids": [key]} | ({"properties": list(properties)} if properties else {})
        result = self.call(f"x:{object_}/get", **given)
        assert result["notFound"] == [], result
        return result["list"][0]

    def query(self, object_: str, **given: Any) -> list[str]:
        return list(self.call(f"x:{object_}/query", **given)["ids"])

    def destroy(self, object_: str, key: str) -> Any:
        return self.call(f"x:{object_}/set", destroy=[key])

    def action(self, variant: str) -> Any:
        return self.call("x:Action/set", create={"a": {"@type": variant}})

    def dkim_keys(self, domain_id: str, count: int) -> list[dict[str, Any]]:
        """The domain's keys, as soon as there are that many: they are made asynchronously."""
        deadline = time.monotonic() + POLL_SECONDS
        while True:
            ids = self.query("DkimSignature", filter={"domainId": domain_id})
            if len(ids) >= count or time.monotonic() > deadline:
                assert len(ids) == count, ids
                return list(self.call("x:DkimSignature/get", ids=ids)["list"])
            time.sleep(0.1)

    def clean(self) -> None:
        """Destroys what the tests made, users of others first; DKIM keys the server made go with their domain."""
        for name, key in reversed(self._made):
            if name == "x:Domain/set":
                keys = self.query("DkimSignature", filter={"domainId": key})
                self.responses(("x:DkimSignature/set", {"destroy": keys}))
            self.responses((name, {"destroy": [key]}))
        self._made.clear()
        self.session.close()


def _variant(values: dict[str, Any]) -> dict[str, Any]:
    """`type_` stands for `@type`, which is no Python name."""
    return {("@type" if name == "type_" else name): value for name, value in values.items()}
