"""``mail_probe`` on a whole tenant, and every breakage with the layer and the hint that it must name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.issuer import Issuer

from .mail import Tenant, tenant


@pytest.fixture
def acme(tmp_path: Path, issuer: Issuer) -> Iterator[Tenant]:
    with tenant(tmp_path, issuer) as found:
        yield found


def failed(records: dict[str, Any]) -> dict[str, str]:
    return {name: record["cause"] for name, record in records.items() if record["status"] == "failed"}


def test_a_whole_tenant_is_green(acme: Tenant) -> None:
    records = acme.probe()
    assert failed(records) == {}, records
    skipped = {name: record["observed"] for name, record in records.items() if record["status"] == "skipped"}
    assert skipped == {}
    assert "ed25519-sha256" in records["message.dkim"]["observed"]
    assert records["message.dmarc"]["observed"] == "pass by dkim and spf"
