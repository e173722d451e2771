"""What the tests of the Stalwart driver share."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.http_client import HttpClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.client import JmapClient
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.registry import Registry
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.schema import Schema, reduce_document
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

sys.path.insert(0, str(Path(__file__).parent))
import stalwart_schema

BASE = "http://stalwart.test"


@pytest.fixture(scope="session")
def reduced() -> dict[str, Any]:
    return reduce_document(stalwart_schema.document(), stalwart_schema.HASH)


@pytest.fixture(scope="session")
def schema(reduced: dict[str, Any]) -> Schema:
    return Schema(reduced)


class Script(BaseAdapter):
    """A conversation: every request must be the next one of the script, and all of the script must be used."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[str, str, Any]] = []
        self.seen: list[tuple[str, str, Any, dict[str, str]]] = []

    def expect(
        self, method: str, path: str, answer: Any, status: int = 200, headers: dict[str, str] | None = None
    ) -> Script:
        """``answer`` is a body, or a function of the request's body that returns one."""
        self.steps.append((method, path, (status, answer, headers or {})))
        return self

    def jmap(self, *results: Any) -> Script:
        """One JMAP request and its results in order; a result is a dict, or (``error``, dict)."""

        def reply(body: Any) -> Any:
            calls = body["methodCalls"]
            assert len(calls) == len(results), [name for name, _a, _i in calls]
            return {
                "methodResponses": [
                    [*(result if isinstance(result, tuple) else (name, result)), call]
                    for (name, _arguments, call), result in zip(calls, results, strict=True)
                ],
                "sessionState": "x",
            }

        return self.expect("POST", "/jmap", reply)

    def send(self, request: PreparedRequest, **_kwargs: Any) -> Response:
        body = json.loads(request.body) if request.body else None
        path = str(request.url).removeprefix(BASE)
        self.seen.append((str(request.method), path, body, dict(request.headers)))
        assert self.steps, f"nobody expects {request.method} {path} {body}"
        method, expected, (status, answer, headers) = self.steps.pop(0)
        assert (request.method, path) == (method, expected)
        content = answer(body) if callable(answer) else answer
        response = Response()
        response.status_code, response.request, response.url = status, request, str(request.url)
        response.headers.update(headers)
        response._content = (content if isinstance(content, str) else json.dumps(content)).encode()
        return response

    def close(self) -> None:
        """Nothing is open."""

    def calls(self, index: int = -1) -> list[tuple[str, dict[str, Any]]]:
        """Method calls of a request that was seen."""
        return [(name, arguments) for name, arguments, _id in self.seen[index][2]["methodCalls"]]


@pytest.fixture
def script():
    conversation = Script()
    yield conversation
    assert not conversation.steps, "the conversation ended early"


@pytest.fixture
def http(script: Script) -> HttpClient:
    return HttpClient("stalwart", BASE, headers={"Authorization": "Basic eA=="}, adapter=script, deadline=0.1)


@pytest.fixture
def client(http: HttpClient) -> JmapClient:
    return JmapClient(http)


@pytest.fixture
def registry(schema: Schema) -> Registry:
    """A server with one domain, two roles, an internal directory and an account of each kind."""
    return Registry(
        schema,
        {
            "Domain": {
                "b": {
                    "id": "b",
                    "name": "acme.test",
                    "aliases": {"alias.test": True},
                    "description": None,
                    "dkimManagement": {"@type": "Automatic", "algorithms": {}, "rotateAfter": 7776000000},
                    "subAddressing": {"@type": "Enabled"},
                }
            },
            "Role": {
                "b": {"id": "b", "description": "User", "enabledPermissions": {}, "roleIds": {}},
                "c": {"id": "c", "description": "Helper", "enabledPermissions": {}, "roleIds": {}},
            },
            "Authentication": {
                "singleton": {
                    "id": "singleton",
                    "directoryId": None,
                    "defaultUserRoleIds": {"b": True},
                    "passwordMinStrength": "three",
                    "passwordMinLength": 8,
                    "maxApiKeys": 5,
                }
            },
            "Directory": {},
            "Account": {
                "c": {
                    "id": "c",
                    "@type": "User",
                    "name": "alice",
                    "domainId": "b",
                    "description": "Alice",
                    "aliases": {"0": {"name": "al", "domainId": "b", "enabled": True, "description": "short"}},
                    "memberGroupIds": {"d": True},
                    "roles": {"@type": "User"},
                    "permissions": {"@type": "Inherit"},
                    "quotas": {"maxDiskQuota": 1000},
                    "locale": "en_US",
                    "credentials": {},
                    "usedDiskQuota": 5,
                },
                "d": {
                    "id": "d",
                    "@type": "Group",
                    "name": "sales",
                    "domainId": "b",
                    "description": None,
                    "aliases": {},
                    "roles": {"@type": "Default"},
                    "permissions": {"@type": "Inherit"},
                    "quotas": {},
                    "locale": "en_US",
                    "usedDiskQuota": 0,
                },
            },
            "MailingList": {
                "b": {
                    "id": "b",
                    "name": "news",
                    "domainId": "b",
                    "description": None,
                    "aliases": {},
                    "recipients": {"x@y.test": True},
                }
            },
        },
    )
