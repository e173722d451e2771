"""Random documents of the server's own schema: refused before or by the server, or stored, run, and found equal. Nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.cache import SchemaCache
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.grammar import catalogue, identity
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v016.schema import Schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract import servers

from .server import Server

sys.path.insert(0, str(Path(__file__).parents[1] / "unit/plugins/module_utils/stalwart"))
from test_stalwart_vocabulary import Documents

#: Whoever changes these changes what the next task may send, where it may come from, or how long it takes.
LEFT_ALONE = {"Jmap", "Http", "Security", "SystemSettings", "Authentication", "BlockedIp", "NetworkListener", "Cache"}
#: Whoever keeps these does it with files and sockets that tests do not have; or what expires is gone at once.
LEFT_ALONE |= {
    "Application",
    "SpamLlm",
    "Tracer",
    "StoreLookup",
    "HttpLookup",
    "AllowedIp",
    "Enterprise",
    "ClusterRole",
}
LEFT_ALONE |= {"Coordinator", "Directory", "BlobStore", "SearchStore", "InMemoryStore", "MetricsStore", "TracingStore"}


class Servers:
    """An empty server of a kind, replaced when it stores something that it does not run."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._kind, self._folder, self._number = kind, folder, 0
        self._stack = ExitStack()
        self.server = self._start()

    def _start(self) -> Server:
        self._number += 1
        folder = self._folder / str(self._number)
        folder.mkdir()
        target = self._stack.enter_context(servers.opened(self._kind, folder))
        server = Server(target, target.simulator)
        server.settings({"spamPyzor.enable": False, "asn": {"@type": "Disabled"}})
        return server

    def renew(self) -> None:
        self.close()
        self.server = self._start()

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(params=servers.names("0.16"))
def several(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Servers]:
    opened = Servers(request.param, tmp_path)
    yield opened
    opened.close()


def attempt(call: Any, *args: Any, **kwargs: Any) -> Any:
    """A result, or the failure."""
    try:
        return call(*args, **kwargs)
    except Failure as failure:
        return failure


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(data=st.data())
def test_refused_or_converged(several: Servers, data: st.DataObject) -> None:
    server = several.server
    schema = SchemaCache().load(server.settings({}, check=True)["schema_hash"])
    assert isinstance(schema, Schema)
    names = {key: name for key, name in catalogue(schema).items() if name not in LEFT_ALONE}
    key = data.draw(st.sampled_from(sorted(names)))
    name = names[key]
    body = data.draw(Documents(schema).struct(name))
    if schema.objects[name].singleton:
        document = {key: body}
    else:
        label = f"l{data.draw(st.integers(0, 3))}"
        document = {key: {f"ns:{label}" if len(identity(schema, name).properties) == 2 else label: body}}
    planned = attempt(server.settings, document, check=True)
    if isinstance(planned, Failure):
        assert planned.code in ("invalid_value", "conflict"), planned
        return
    done = attempt(server.settings, document)
    if isinstance(done, Failure):
        assert done.code in ("invalid_value", "conflict", "forbidden", "not_found", "reload_refused"), done
        if done.code == "reload_refused":
            several.renew()
        return
    assert done["changes"] == planned["changes"]
    assert done["diff"] == planned["diff"]
    before = server.writes()
    assert not server.settings(document)["changed"]
    assert server.writes() == before
