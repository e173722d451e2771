"""The sandbox (`make sandbox`) with its two tenants provisioned."""

from __future__ import annotations

import datetime
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


def report(obj: dict[str, Any], kind: str, reason: str, **status: Any) -> None:
    """Set a condition of an object's status to true, as its controller does.

    :param kind: the condition's type. :param status: what else the controller writes there.
    """
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"type": kind, "status": "True", "reason": reason, "message": "by the test", "lastTransitionTime": now}
    others = [item for item in obj.get("status", {}).get("conditions", []) if item["type"] != kind]
    patch = json.dumps({"status": {**status, "conditions": [*others, condition]}})
    group = obj["apiVersion"].partition("/")[0]
    what = f"{obj['kind'].lower()}.{group}/{obj['metadata']['name']}"
    namespace = obj["metadata"]["namespace"]
    facts.kubernetes("patch", what, "-n", namespace, "--subresource=status", "--type=merge", "-p", patch)
