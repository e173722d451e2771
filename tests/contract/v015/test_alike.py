"""The simulator beside a real server: the same random requests, the same answers and the same state after each."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import pytest

from .. import servers
from .rest import Rest

REQUESTS = 300
Request = tuple[str, str, Any]

_NAMES = [*"acme.test beta.test bob alice team all r1 key1 Bob admin user".split(), "x y", ""]
#: Not oauthClient: its addresses are not checked, so that two principals may have one, which only the real index minds.
_TYPES = "individual individual group list domain role apiKey resource location superuser tenant".split()
_EMAILS = "bob@acme.test Alice@ACME.test team@acme.test a@beta.test nodomain x@no.test @acme.test z@acme.test".split()
_PERMISSIONS = ["email-send", "authenticate", "restart", "emailSend", ""]
_EXTERNAL = "x@example.com Y@Example.ORG x@corp.internal bad x@@example.com a..b@example.com @example.com x@com".split()
_SECRETS = "p1 p2 $app$phone$h $app$tab$h2 otpauth://totp/x otpauth://y $app$".split()
_ROLES = "user admin tenant-admin r1 team nope".split()
#: Field -> what its values are made of; a tuple for single values, a list for lists.
_FIELDS: dict[str, Any] = {
    "description": ("", "D", "Some text"),
    "locale": ("", "de"),
    "picture": ("", "p"),
    "quota": (0, 5, [1], [1, 2], "5", ""),
    "secrets": _SECRETS,
    "emails": _EMAILS,
    "urls": ["u", "v"],
    "memberOf": _NAMES,
    "lists": ["all", "team", "bob"],
    "roles": _ROLES,
    "members": _NAMES,
    "enabledPermissions": _PERMISSIONS,
    "disabledPermissions": _PERMISSIONS,
    "externalMembers": _EXTERNAL,
}
_QUERIES = ["", "types=group", "filter=acme", "fields=name,members", "limit=2&page=2", "types=nope", "filter=some+text"]

_KEYS = "x.a x.a.b x.ab x.B x.a|b x..c x.é x.l.0 x.l.10 x.l.2 x.r1.type x.r1.size x.r1.q.type tracer.zz.note tracer.zz".split()
_KEYS += "lookup.t.a lookup.t.b lookup.tt.a cluster.zz store.zz.note".split()
_VALUES = [
    "",
    "1",
    "true",
    "Text",
    'with "quotes"',
    "a'b",
    "%{env:HOME}%",
    "two\nlines",
    "x" * 60,
    "y" * 55 + '"',
    "1e5",
    "+5",
]
_PREFIXES = "x x. x.a tracer.zz lookup.t lookup. x.l nope x.r1".split()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Rest]]:
    """The simulator and the real server."""
    if not os.environ.get("STALWART_BINARY_0_15"):
        pytest.skip("STALWART_BINARY_0_15 does not name a real server")
    with ExitStack() as stack:
        clients = []
        for name in ("simulator", "binary"):
            client = Rest(stack.enter_context(servers.opened(name, tmp_path_factory.mktemp(name), "0.15")))
            values = {
                "spam-filter.pyzor.enable": "false",
                "spam-filter.enable": "false",
                "storage.directory": "internal",
            }
            client.insert(values)
            assert client.reload() == {}
            for domain in ("acme.test", "beta.test"):
                client.create("domain", domain)
            clients.append(client)
        yield clients


def _some(chance: random.Random, pool: Any) -> Any:
    if isinstance(pool, tuple):
        return chance.choice(pool)
    return [chance.choice(pool) for _ in range(chance.randint(0, 3))]


def _principal(chance: random.Random) -> Request:
    name = quote(chance.choice(_NAMES[:10]), safe="")
    match chance.randint(0, 9):
        case 0 | 1 | 2 | 3:
            fields = {field: _some(chance, pool) for field, pool in _FIELDS.items() if chance.random() < 0.25}
            return "POST", "/api/principal", {"type": chance.choice(_TYPES), "name": chance.choice(_NAMES)} | fields
        case 4 | 5 | 6 | 7:
            changes = []
            for _ in range(chance.randint(1, 2)):
                field = chance.choice([*_FIELDS, "name", "type", "usedQuota"])
                pool = _FIELDS.get(field, tuple(_NAMES))
                action = chance.choice(["set", "addItem", "removeItem"])
                value = _some(chance, pool) if action == "set" else chance.choice(pool)
                changes.append({"action": action, "field": field, "value": value})
            return "PATCH", f"/api/principal/{name}", changes
        case 8:
            return "DELETE", f"/api/principal/{quote(chance.choice(_NAMES[2:10]), safe='')}", None
    return "GET", f"/api/principal?{chance.choice(_QUERIES)}", None


def _setting(chance: random.Random) -> Request:
    match chance.randint(0, 9):
        case 0 | 1 | 2 | 3 | 4:
            return "POST", "/api/settings", [_operation(chance) for _ in range(chance.randint(0, 3))]
        case 5:
            return (
                "DELETE",
                f"/api/settings/{chance.choice(['x.a', 'x%2Ea', 'tracer.zz.note', 'x.a%7Cb', 'nope'])}",
                None,
            )
        case 6 | 7:
            limits = chance.choice(["", "&limit=2", "&limit=2&page=2", "&limit=x"])
            return "GET", f"/api/settings/list?prefix={chance.choice(_PREFIXES)}{limits}", None
    asked = quote(",".join(chance.sample(_KEYS, 3)))
    return "GET", f"/api/settings/keys?keys={asked}&prefixes={chance.choice(['', 'x', 'x.a,tracer'])}", None


def _operation(chance: random.Random) -> dict[str, Any]:
    match chance.randint(0, 2):
        case 0:
            pairs = [[chance.choice(_KEYS), chance.choice(_VALUES)] for _ in range(chance.randint(0, 3))]
            prefix = chance.choice([None, None, None, "x", "tracer.zz"])
            return {"type": "insert", "prefix": prefix, "values": pairs, "assert_empty": chance.random() < 0.2}
        case 1:
            return {"type": "delete", "keys": [chance.choice(_KEYS) for _ in range(chance.randint(0, 3))]}
    filter_ = {"filter": chance.choice(["te", "TE", "1", ""])} if chance.random() < 0.6 else {}
    return {"type": "clear", "prefix": chance.choice(_PREFIXES)} | filter_


def _state_of_principals(client: Rest) -> Any:
    return _ordered(client.data("GET", "/api/principal"))


def _state_of_settings(client: Rest) -> Any:
    """All but what differs between any two servers."""
    own = ("oauth.", "store.db.", "server.listener.")
    return {key: value for key, value in client.listed("")["items"].items() if not key.startswith(own)}


def _ordered(value: Any) -> Any:
    """Without the reasons, which are for people, and with the sets of permissions sorted."""
    if isinstance(value, dict):
        lists = {key: sorted(item) for key, item in value.items() if key.endswith("Permissions")}
        return {key: lists.get(key, _ordered(item)) for key, item in value.items() if key != "reason"}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("make", "state"), [(_principal, _state_of_principals), (_setting, _state_of_settings)])
def test_alike(
    both: list[Rest], make: Callable[[random.Random], Request], state: Callable[[Rest], Any], seed: int
) -> None:
    chance = random.Random(seed)
    for number in range(REQUESTS):
        method, path, body = make(chance)
        options = {} if body is None else {"json": body}
        answers = [client.http(method, path, **options) for client in both]
        simulated, real = ((answer.status_code, _ordered(answer.json())) for answer in answers)
        assert simulated == real, (number, method, path, body)
        assert state(both[0]) == state(both[1]), (number, method, path, body)
