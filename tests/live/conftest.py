"""The sandbox (`make sandbox`) with its two tenants provisioned."""

from __future__ import annotations

import json
from typing import Any, Iterator

import pytest

from tests.sandbox import facts

from .run import Run, provision
from .stalwart import Stalwart

pytestmark = pytest.mark.sandbox
#: Tenant to its mail host.
HOSTS = {"acme": "mail.acme.omantel.test", "beta": "mail.beta-bakery.test"}
TENANTS = tuple(HOSTS)


@pytest.fixture(scope="session", autouse=True)
def provisioned() -> Run:
    """Both tenants as the playbook leaves them; most tests start from here."""
    run = provision()
    assert run.status == 0, run.output[-6000:]
    return run


@pytest.fixture
def acme() -> Iterator[Stalwart]:
    with Stalwart("acme") as server:
        yield server


def kubernetes_json(*words: str) -> dict[str, Any]:
    """kubectl's answer as data."""
    return json.loads(facts.kubernetes(*words, "-o", "json"))
